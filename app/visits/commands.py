"""Keeps the writing of visit logs: each visit once by its key, each need a case of its own, the answered ones closed at once.

What a visit did for the tasks of its household, and what it says of the roster, is written in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Invalid, NotAllowed, NotFound
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import UnknownGrid, catalogue
from app.ledger.county import county
from app.ledger.intake.places import placed
from app.people.roster.scope import HouseholdNotFound
from app.territory.models import Household
from app.territory.shapes.placing import How, place_point
from app.visits.decisions import VisitTaskNotFound
from app.visits.effects import CHANGES_THE_ROSTER, bring_about, doubt
from app.visits.homes import DELIVERED, Homes, past_grids
from app.visits.meeting import OF_ONE, named_by, note_met
from app.visits.models import Visit, VisitOutcome, VisitTask
from app.visits.needs import take_needs
from app.visits.photos import attach_photos
from app.visits.rules import VisitLog, check_visit, fit_findings, when
from app.visits.sent_before import VisitLogged, is_stored, logged_before
from app.visits.tasks import make_follow_up, settle_tasks
from app.visits.topics import check_topics


class OnlyGridWorkersVisit(NotAllowed):
    """走访记录由网格员登记"""


class VisitNotFound(NotFound):
    """没有找到这次走访"""


def log_visit(stamp: Stamp, log: VisitLog, *, settle: bool = True, homes: Homes | None = None) -> VisitLogged:
    """Store a visit in one of the actor's grids with all that comes of it; the same key again gives the same visit.

    Without `settle` the caller lets it count for its household's tasks afterwards, by `settle_visits`, with others at once;
    `homes` are the households of those others with its own, where the caller holds them already.
    Raises OnlyGridWorkersVisit, HouseholdNotFound, ResidentNotFound, UnknownGrid, UnknownTopic, VisitInFuture, VisitUnfit,
    VisitLoggedDifferently, and for a need what `take_in` and answering raise, its fields named `needs.0.body`.
    """
    role = stamp.actor.holds((Role.GRID_WORKER,))
    if role is None or not (stamp.actor.grid_ids or past_grids(stamp)):
        raise OnlyGridWorkersVisit
    stamp = stamp.acting_as(role)
    try:
        check_visit(log, stamp.at, text_limit=county().text_limit)
        check_topics(log.topics)
    except Invalid:
        if not is_stored(log.key):
            raise
    if homes is None:
        homes = Homes(stamp, [] if log.household_id is None else [log.household_id])
    held = None if log.household_id is None else homes.held(log.household_id)
    if held is None and log.household_id is not None:
        raise HouseholdNotFound
    columns = _columns(stamp, log, held, homes)
    if held is not None and not homes.was_ones_own(held, columns["visited_at"]) and not is_stored(log.key):
        raise HouseholdNotFound
    named = named_by(log, columns["visited_at"], homes)
    visit = db.session.scalars(_STORE, columns).first()
    if visit is None:
        logged = logged_before(log, columns)
        attach_photos(stamp, logged.visit, log.file_ids)
        return logged
    return _with_all_of_it(stamp, log, visit, held, named=named, homes=homes, settle=settle)


def _with_all_of_it(
    stamp: Stamp, log: VisitLog, visit: Visit, held: Household | None, *, named: Sequence[int], homes: Homes, settle: bool
) -> VisitLogged:
    """Write what comes of a visit that has just been stored."""
    gone = log.resident_id if log.outcome in OF_ONE else None
    note_met(stamp, log, visit, named=[each for each in named if each != gone], homes=homes)
    if visit.in_person and held is not None and homes.doubtful(held.id):
        doubt(stamp, visit)
        homes.changed(held.id)
    as_then = replace(stamp, actor=replace(stamp.actor, grid_ids=stamp.actor.grid_ids | {visit.grid_id}))
    needs = take_needs(as_then, log, visit)
    attach_photos(stamp, visit, log.file_ids)
    if held is None:
        return VisitLogged(visit, needs, replayed=False)
    done: list[int] = []
    effect = None
    if settle or log.outcome in CHANGES_THE_ROSTER:
        done = settle_tasks(stamp, [visit])[visit.id]
        effect = bring_about(stamp, visit, held, resident_id=gone)
        homes.changed(held.id)
    follow_up = None if held.ended_at is not None else _follow_up(stamp, log, visit)
    if follow_up is not None:
        homes.changed(held.id)
    return VisitLogged(visit, needs, False, done, effect, follow_up, _place_warning(log, visit.grid_id))


def _place_warning(log: VisitLog, grid_id: int) -> str | None:
    """Give a word to the worker where the phone was not in the household's grid; it bars nothing and is not kept."""
    if log.position is None:
        return None
    where = placed(log.position)
    placing = place_point(where["latitude"], where["longitude"])
    if placing.how is How.INSIDE and placing.grid is not None and placing.grid.id != grid_id:
        return f"手机位置在{placing.grid.name}，不在这户所在的网格，请核对户是否选对"
    if placing.how is How.OUTSIDE and placing.metres is not None:
        return f"手机位置不在任何网格内，离最近的网格约 {round(placing.metres)} 米，请核对户是否选对"
    return None


def settle_visits(stamp: Stamp, logged: Sequence[VisitLogged]) -> list[VisitLogged]:
    """Let visits that have just been stored without it count for the tasks of their households; give them with what they did."""
    db.session.flush()
    fresh = [each.visit for each in logged if not each.replayed and each.visit.household_id is not None]
    done = settle_tasks(stamp.acting_as(Role.GRID_WORKER), fresh) if fresh else {}
    return [replace(each, done=done.get(each.visit.id, each.done)) for each in logged]


def log_task_visit(stamp: Stamp, task_id: int, said: Mapping[str, Any]) -> VisitLogged:
    """Store the visit that a task of one's own grids asks for: `said` are the fields of its log, the key and the outcome at least.

    The household is the task's, the time is now where none is told. Raises VisitTaskNotFound and what `log_visit` raises.
    """
    mine = (VisitTask.id == task_id, VisitTask.grid_id.in_(sorted(stamp.actor.grid_ids)))
    household_id = db.session.scalar(select(VisitTask.household_id).where(*mine))
    if household_id is None:
        raise VisitTaskNotFound
    phone_at = said.get("phone_at") or said.get("sent_at") or stamp.at
    visited_at = said.get("visited_at") or phone_at
    times = {"phone_at": phone_at, "visited_at": visited_at, "timed": "visited_at" in said or "phone_at" in said}
    return log_visit(stamp, VisitLog(**{**said, **times, "household_id": household_id}))


def add_photos(stamp: Stamp, key: UUID, *, files: Sequence[int]) -> Visit:
    """Attach photos that arrived after their visit to it; only by who logged it. Raises VisitNotFound, FilesUnfit."""
    visit = db.session.scalars(select(Visit).where(Visit.key == key, Visit.staff_id == stamp.actor.id)).first()
    if visit is None or (visit.grid_id not in stamp.actor.grid_ids and visit.received_at < stamp.at - DELIVERED):
        raise VisitNotFound
    attach_photos(stamp, visit, files)
    return visit


_STORE = insert(Visit).on_conflict_do_nothing(index_elements=[Visit.key]).returning(Visit)


def _grid(log: VisitLog, visited_at: datetime, homes: Homes) -> int:
    """Give the grid of a visit to no household; raises UnknownGrid for one that is not the actor's."""
    grid_id = catalogue().grid_codes.get(log.grid or "")
    if grid_id is None or not homes.was_ones_grid(grid_id, visited_at):
        raise UnknownGrid("这不是您负责的网格", errors={"grid": ["这不是您负责的网格"]})
    return grid_id


def _columns(stamp: Stamp, log: VisitLog, held: Household | None, homes: Homes) -> dict[str, Any]:
    visited = when(log, stamp.at)
    place = None if log.position is None else orjson.dumps(placed(log.position)).decode()
    return {
        "key": log.key,
        "staff_id": stamp.actor.id,
        "grid_id": held.grid_id if held is not None else _grid(log, visited.visited_at, homes),
        "household_id": log.household_id,
        "outcome": log.outcome,
        "in_person": log.outcome is VisitOutcome.MET or (log.outcome in OF_ONE and bool(log.met_ids)),
        "visited_at": visited.visited_at,
        "told_at": log.visited_at,
        "phone_at": log.phone_at,
        "received_at": stamp.at,
        "clock_off": visited.clock_off,
        "seconds": log.seconds,
        "topics": sorted(set(log.topics)),
        "position": None if place is None else keyring().encrypt(place, field="visit.position"),
        "findings": fit_findings(log.findings),
    }


def _follow_up(stamp: Stamp, log: VisitLog, visit: Visit) -> VisitTask | None:
    if log.follow_up_on is None:
        return None
    gone = log.outcome in OF_ONE
    about = None if gone else log.resident_id
    return make_follow_up(stamp, visit, on=log.follow_up_on, note=fit_findings(log.follow_up_note), resident_id=about)
