"""Keeps the writing of visit logs: each visit once by its key, each need a case of its own, the answered ones closed at once.

What a visit did for the tasks of its household, and what it says of the roster, is written in the same transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.core.bulk import insert_many
from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import UnknownGrid, catalogue
from app.ledger.commands import answer_locked
from app.ledger.county import county
from app.ledger.intake.places import placed
from app.ledger.intake.submission import Receipt, Submission, fit_words
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case, Report
from app.ledger.scope import opened_by
from app.ledger.vocabulary import Channel, State
from app.people.identity import Person, ResidentNotFound, clean_person, find_or_enrol, open_person
from app.people.models import Resident, ResidentIdentity
from app.people.roster.changes import noted
from app.people.roster.models import RosterChange, RosterChangeKind
from app.people.roster.scope import HouseholdNotFound
from app.territory.models import Household
from app.territory.shapes.placing import How, place_point
from app.visits.decisions import VisitTaskNotFound
from app.visits.effects import CHANGES_THE_ROSTER, bring_about, doubt, said_gone
from app.visits.models import TaskState, Visit, VisitEffect, VisitMet, VisitNeed, VisitOutcome, VisitTask
from app.visits.periods import day_of
from app.visits.photos import attach_photos
from app.visits.rules import IN_NOBODYS_PRESENCE, Need, VisitLog, check_visit, fit_findings, when
from app.visits.tasks import make_follow_up, settle_tasks
from app.visits.topics import check_topics


class OnlyGridWorkersVisit(NotAllowed):
    """走访记录由网格员登记"""


class VisitNotFound(NotFound):
    """没有找到这次走访"""


class VisitLoggedDifferently(Conflict):
    """同一次走访已经登记，内容不一样"""


@dataclass(frozen=True)
class NeedLogged:
    """What became of a need: its case, and the claim code for the household, shown when it is first stored."""

    place: int
    number: str
    state: State
    answered: bool
    claim_code: str | None


@dataclass(frozen=True)
class VisitLogged:
    """A stored visit and its needs; `replayed` when it was stored before.

    `done` are the ids of the tasks that it did, `effect` what it changes on the roster, `follow_up` the task of the next visit.
    """

    visit: Visit
    needs: list[NeedLogged]
    replayed: bool
    done: list[int] = field(default_factory=list)
    effect: VisitEffect | None = None
    follow_up: VisitTask | None = None
    place_warning: str | None = None


def log_visit(stamp: Stamp, log: VisitLog, *, settle: bool = True, held: Household | None = None) -> VisitLogged:
    """Store a visit in one of the actor's grids with all that comes of it; the same key again gives the same visit.

    Without `settle` the caller lets it count for its household's tasks afterwards, by `settle_visits`, with others at once;
    `held` is its household where the caller holds it already, by `hold_households`.
    Raises OnlyGridWorkersVisit, HouseholdNotFound, ResidentNotFound, UnknownGrid, UnknownTopic, VisitInFuture, VisitUnfit,
    VisitLoggedDifferently, and for a need what `take_in` and answering raise, its fields named `needs.0.body`.
    """
    role = stamp.actor.holds((Role.GRID_WORKER,))
    if role is None or not stamp.actor.grid_ids:
        raise OnlyGridWorkersVisit
    stamp = stamp.acting_as(role)
    try:
        check_visit(log, stamp.at, text_limit=county().text_limit)
        check_topics(log.topics)
    except Invalid:
        if not _is_stored(log.key):
            raise
    if held is None and log.household_id is not None:
        held = hold_households(stamp, [log.household_id]).get(log.household_id)
        if held is None:
            raise HouseholdNotFound
    columns = _columns(stamp, log, held)
    if held is not None and not _was_ones_own(stamp, held, columns["visited_at"]) and not _is_stored(log.key):
        raise HouseholdNotFound
    named = _named(stamp, log, columns["visited_at"])
    visit = db.session.scalars(_STORE, columns).first()
    if visit is None:
        logged = _logged_before(log, columns)
        attach_photos(stamp, logged.visit, log.file_ids)
        return logged
    gone = log.resident_id if log.outcome in _OF_ONE else None
    _note_met(stamp, log, visit, [each for each in named if each != gone])
    doubt(stamp, visit)
    as_then = replace(stamp, actor=replace(stamp.actor, grid_ids=stamp.actor.grid_ids | {visit.grid_id}))
    needs = [_take_need(as_then, log, visit, place) for place in range(len(log.needs))]
    attach_photos(stamp, visit, log.file_ids)
    if held is None:
        return VisitLogged(visit, needs, replayed=False)
    at_once = settle or log.outcome in CHANGES_THE_ROSTER
    done = settle_tasks(stamp, [visit])[visit.id] if at_once else []
    effect = bring_about(stamp, visit, held, resident_id=gone)
    follow_up = None if held.ended_at is not None else _follow_up(stamp, log, visit)
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
    if visit is None or visit.grid_id not in stamp.actor.grid_ids:
        raise VisitNotFound
    attach_photos(stamp, visit, files)
    return visit


_STORE = insert(Visit).on_conflict_do_nothing(index_elements=[Visit.key]).returning(Visit)
_OF_ONE = frozenset({VisitOutcome.DECEASED, VisitOutcome.MOVED})
"""Outcomes whose resident is the one who is gone, not one who was met."""

_ASKED = timedelta(days=31)
"""How long after its last day a task still says whom a visit was to."""


def _is_stored(key: UUID) -> bool:
    return db.session.scalar(select(Visit.id).where(Visit.key == key)) is not None


def hold_households(stamp: Stamp, ids: Collection[int]) -> dict[int, Household]:
    """Lock, in order, those of some households that lie in the worker's own grids; being the village's cadre as well does not do.

    Those that have been moved out of them lately come along: what was visited before the move is still to be delivered.
    Whoever writes for a household holds its row, taken before anything refers to it: two phones there take turns.
    """
    mine = Household.grid_id.in_(sorted(stamp.actor.grid_ids))
    lately = Household.id.in_(select(RosterChange.household_id).where(_moved_out(stamp, stamp.at - _DELIVERED)))
    own = db.session.scalars(select(Household.id).where(Household.id.in_(sorted(set(ids))), or_(mine, lately))).all()
    return {household.id: household for household in lock_rows(Household, own)} if own else {}


_DELIVERED = timedelta(days=31)
"""So long after a household or resident was moved out of a worker's grids, what was visited before may be delivered."""


def _moved_out(stamp: Stamp, since: datetime, *, resident: bool = False) -> ColumnElement[bool]:
    """Give the condition that a line of the roster's history tells of a move out of the worker's grids."""
    what = RosterChangeKind.RESIDENT_MOVED if resident else RosterChangeKind.HOUSEHOLD_MOVED
    grids = RosterChange.from_grid_id.in_(sorted(stamp.actor.grid_ids))
    return and_(RosterChange.what == what, grids, RosterChange.at > max(since, stamp.at - _DELIVERED))


def _was_ones_own(stamp: Stamp, held: Household, visited_at: datetime) -> bool:
    """Say whether a household lies in the worker's grids, or lay there when it was visited."""
    if held.grid_id in stamp.actor.grid_ids:
        return True
    line = select(RosterChange.id).where(RosterChange.household_id == held.id, _moved_out(stamp, visited_at))
    return db.session.scalars(line.limit(1)).first() is not None


def _grid(stamp: Stamp, log: VisitLog, held: Household | None) -> int:
    """Give the grid of the visit; raises UnknownGrid for one that is not the actor's."""
    if held is not None:
        return held.grid_id
    grid_id = catalogue().grid_codes.get(log.grid or "")
    if grid_id not in stamp.actor.grid_ids:
        raise UnknownGrid("这不是您负责的网格", errors={"grid": ["这不是您负责的网格"]})
    return grid_id


def _columns(stamp: Stamp, log: VisitLog, held: Household | None) -> dict[str, Any]:
    visited = when(log, stamp.at)
    place = None if log.position is None else orjson.dumps(placed(log.position)).decode()
    return {
        "key": log.key,
        "staff_id": stamp.actor.id,
        "grid_id": _grid(stamp, log, held),
        "household_id": log.household_id,
        "outcome": log.outcome,
        "in_person": log.outcome is VisitOutcome.MET or (log.outcome in _OF_ONE and bool(log.met_ids)),
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


def _named(stamp: Stamp, log: VisitLog, visited_at: datetime) -> list[int]:
    """Lock and give the residents whom a log names, its main one first; raises ResidentNotFound for one of another grid.

    Whoever was moved out of one's grids after the visit may be named. Who died or moved must live in the household.
    """
    wanted = [each for each in (log.resident_id, *log.met_ids) if each is not None]
    found = {resident.id: resident for resident in lock_rows(Resident, wanted)} if wanted else {}
    for each in wanted:
        resident = found.get(each)
        if resident is None:
            raise ResidentNotFound
        if resident.grid_id not in stamp.actor.grid_ids:
            line = select(RosterChange.id).where(RosterChange.resident_id == each, _moved_out(stamp, visited_at, resident=True))
            if db.session.scalars(line.limit(1)).first() is None:
                raise ResidentNotFound
        if each == log.resident_id and log.outcome in _OF_ONE and resident.household_id != log.household_id:
            raise ResidentNotFound
    return list(dict.fromkeys(wanted))


def _note_met(stamp: Stamp, log: VisitLog, visit: Visit, named: Sequence[int]) -> None:
    """Write who was met: the residents named, the person told of; where nobody was, those whom the visit was to.

    `visit.resident_id` is whom its needs concern.
    """
    met = list(named)
    if log.person is not None:
        try:
            met.insert(0, _person(stamp, log.person, visit).id)
        except Invalid as refused:
            raise _below(refused, "person") from None
    living = met or ([] if log.household_id is None else _living(log.household_id))
    if not met and log.outcome in (VisitOutcome.MET, VisitOutcome.PHONE) and log.household_id is not None:
        met = _expected(visit, log.household_id, living)
        living = met or living
    visit.resident_id = met[0] if met else living[0] if len(living) == 1 and log.outcome not in IN_NOBODYS_PRESENCE else None
    if log.outcome in _OF_ONE and log.resident_id is not None and not met:
        visit.resident_id = log.resident_id
    insert_many(VisitMet, [{"visit_id": visit.id, "resident_id": each} for each in dict.fromkeys(met)])


def _person(stamp: Stamp, person: Person, visit: Visit) -> Resident:
    """Give whom a visit met by name: somebody of the household, or met there before, else whom the county knows, else a new one.

    Whoever is new and told with a number is put on the roster of the household; by a name alone nobody is.
    """
    person = clean_person(person)
    if person.name and visit.household_id is not None:
        met = select(VisitMet.resident_id).join(Visit, Visit.id == VisitMet.visit_id)
        met = met.where(Visit.household_id == visit.household_id)
        here = or_(Resident.household_id == visit.household_id, and_(Resident.household_id.is_(None), Resident.id.in_(met)))
        query = select(Resident).join(ResidentIdentity, ResidentIdentity.resident_id == Resident.id)
        query = query.where(ResidentIdentity.name_index == keyring().blind(person.name, field="name"), Resident.ended_at.is_(None))
        for resident in db.session.scalars(query.where(here).order_by(Resident.household_id.is_(None), Resident.id)):
            known = open_person(resident.identity)
            if person.id_number in (None, known.id_number) or known.id_number is None:
                return resident
    home = visit.household_id if _may_be_put_there(person) else None
    newest = db.session.scalar(select(func.max(Resident.id))) or 0
    found = find_or_enrol(stamp, person, grid_id=visit.grid_id, household_id=home)
    if found.id > newest and found.household_id == home is not None:
        noted(stamp, found, RosterChangeKind.RESIDENT_ADDED)
    return found


def _may_be_put_there(person: Person) -> bool:
    """Say whether somebody new may be put on the roster by a visit: told by a number, and by none that is on it already."""
    if person.name is None or person.id_number is None:
        return person.name is not None and person.phone is not None
    same = ResidentIdentity.id_number_index == keyring().blind(person.id_number, field="id_number")
    known = select(Resident.id).join(ResidentIdentity, ResidentIdentity.resident_id == Resident.id)
    return db.session.scalars(known.where(same, Resident.household_id.is_not(None)).limit(1)).first() is None


def _expected(visit: Visit, household_id: int, living: list[int]) -> list[int]:
    """Give whom a visit was to when the phone names nobody: those of the tasks of that day, else the only one who lives there.

    It does not matter whether the tasks are done already: phones deliver visits in any order.
    """
    day = day_of(visit.visited_at)
    asked = select(VisitTask.resident_id).where(VisitTask.household_id == household_id, VisitTask.resident_id.is_not(None))
    asked = asked.where(VisitTask.first_on <= day, VisitTask.due_on >= day - _ASKED, VisitTask.state != TaskState.CANCELLED)
    found = sorted({each for each in db.session.scalars(asked) if each is not None} & set(living))
    if not living and visit.outcome is VisitOutcome.MET:
        found = said_gone(visit)[-1:]  # the only one who can have opened the door
    return found or (living if len(living) == 1 else [])


def _living(household_id: int) -> list[int]:
    living = select(Resident.id).where(Resident.household_id == household_id, Resident.ended_at.is_(None))
    return list(db.session.scalars(living.order_by(Resident.id)))


def _follow_up(stamp: Stamp, log: VisitLog, visit: Visit) -> VisitTask | None:
    if log.follow_up_on is None:
        return None
    gone = log.outcome in _OF_ONE
    about = None if gone else log.resident_id
    return make_follow_up(stamp, visit, on=log.follow_up_on, note=fit_findings(log.follow_up_note), resident_id=about)


def _take_need(stamp: Stamp, log: VisitLog, visit: Visit, place: int) -> NeedLogged:
    need = log.needs[place]
    try:
        receipt = take_in(stamp, _submission(log, visit, place))
        case = _answer(stamp, receipt, need) if need.answer is not None else None
    except Invalid as refused:
        raise _below(refused, f"needs.{place}") from None
    db.session.add(VisitNeed(visit_id=visit.id, place=place, case_id=receipt.case_id, answered=case is not None))
    return NeedLogged(place, receipt.number, case.state if case else State.SUBMITTED, case is not None, receipt.claim_code)


def _submission(log: VisitLog, visit: Visit, place: int) -> Submission:
    need = log.needs[place]
    return Submission(
        channel=Channel.VISIT,
        body=need.body,
        title=need.title,
        kind=need.kind,
        category_id=need.category_id,
        confidential=need.confidential,
        grid_id=visit.grid_id,
        household_id=visit.household_id,
        filer_staff_id=visit.staff_id,
        concerned_id=visit.resident_id,
        said_at=visit.visited_at,
        source_key=f"visit:{visit.key}:{place}",
    )


def _answer(stamp: Stamp, receipt: Receipt, need: Need) -> Case:
    (case,) = lock_rows(Case, [receipt.case_id])
    answer_locked(stamp, case, reply=need.answer or "")
    return case


def _below(refused: Invalid, path: str) -> Invalid:
    """Give a refusal with its fields named below `path`."""
    refused.errors = {f"{path}.{name}": sentences for name, sentences in refused.errors.items()}
    return refused


def _logged_before(log: VisitLog, columns: dict[str, Any]) -> VisitLogged:
    """Give the visit that has this key; raises VisitLoggedDifferently when it is another's, or says something else."""
    visit = db.session.scalars(select(Visit).where(Visit.key == log.key)).one()
    query = select(VisitNeed.place, VisitNeed.answered, Case.number, Case.state, Report.title, Report.body)
    query = query.join(Case, Case.id == VisitNeed.case_id).join(Report, opened_by(Case.id))
    query = query.where(VisitNeed.visit_id == visit.id, Report.source_key.startswith(f"visit:{visit.key}:"))
    rows = db.session.execute(query.order_by(VisitNeed.place)).all()
    same = [name for name in columns if name not in _OF_THE_SENDING and (log.timed or name != "told_at")]
    differs = any(getattr(visit, name) != columns[name] for name in same)
    said = [fit_words(_submission(log, visit, place), county()) for place in range(len(log.needs))]
    met = set(db.session.scalars(select(VisitMet.resident_id).where(VisitMet.visit_id == visit.id)))
    gone = log.resident_id if log.outcome in _OF_ONE else None
    names = {each for each in (log.resident_id, *log.met_ids) if each is not None and each != gone}
    follow_up = db.session.scalars(select(VisitTask).where(VisitTask.key == f"follow_up:{visit.key}")).first()
    agreed = None if follow_up is None else follow_up.due_on
    differs = differs or not names <= met or (agreed != log.follow_up_on and not (follow_up is None and _is_over(visit)))
    if differs or said != [(row.title, row.body) for row in rows]:
        raise VisitLoggedDifferently("请核对：同一个走访编号不能用于另一次走访", key=str(log.key))
    needs = [NeedLogged(row.place, row.number, row.state, row.answered, None) for row in rows]
    done = list(db.session.scalars(select(VisitTask.id).where(VisitTask.visit_id == visit.id).order_by(VisitTask.id)))
    effect = db.session.scalars(select(VisitEffect).where(VisitEffect.visit_id == visit.id)).first()
    return VisitLogged(visit, needs, True, done, effect, follow_up)


def _is_over(visit: Visit) -> bool:
    """Say whether a visit's household has ended: one that had ended already got no follow-up."""
    ended = select(Household.id).where(Household.id == visit.household_id, Household.ended_at.is_not(None))
    return db.session.scalar(ended) is not None


_OF_THE_SENDING = frozenset({"visited_at", "phone_at", "received_at", "clock_off", "position"})
"""What may differ when the same visit is sent again: the rest of it must be the same."""
