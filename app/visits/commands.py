"""Keeps the writing of visit logs: each visit once by its key, each need a case of its own, the answered ones closed at once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import UnknownGrid, catalogue
from app.ledger.commands import answer_locked
from app.ledger.county import county
from app.ledger.intake.submission import Receipt, Submission, fit_words
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case, Report
from app.ledger.scope import opened_by
from app.ledger.vocabulary import Channel, State
from app.people.identity import ResidentNotFound, find_or_enrol
from app.people.models import Resident
from app.people.roster.scope import find_household
from app.visits.models import Visit, VisitNeed
from app.visits.rules import Need, VisitLog, check_visit, fit_findings


class OnlyGridWorkersVisit(NotAllowed):
    """走访记录由网格员登记"""


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
    """A stored visit and its needs; `replayed` when it was stored before."""

    visit: Visit
    needs: list[NeedLogged]
    replayed: bool


def log_visit(stamp: Stamp, log: VisitLog) -> VisitLogged:
    """Store a visit in one of the actor's grids with its needs as cases; the same key again gives the same visit.

    Raises OnlyGridWorkersVisit, HouseholdNotFound, ResidentNotFound, UnknownGrid, VisitInFuture, VisitUnfit,
    VisitLoggedDifferently, and for a need what `take_in` and answering raise, its fields named `needs.0.body`.
    """
    role = stamp.actor.holds((Role.GRID_WORKER,))
    if role is None or not stamp.actor.grid_ids:
        raise OnlyGridWorkersVisit
    stamp = stamp.acting_as(role)
    check_visit(log, stamp.at, text_limit=county().text_limit)
    columns = _columns(stamp, log)
    visit_id = db.session.execute(_STORE, columns).scalar()
    if visit_id is None:
        return _logged_before(log, columns)
    visit = db.session.get_one(Visit, visit_id)
    visit.resident_id = _met(stamp, log, visit.grid_id)
    needs = [_take_need(stamp, log, visit, place) for place in range(len(log.needs))]
    return VisitLogged(visit, needs, replayed=False)


_STORE = insert(Visit).on_conflict_do_nothing(index_elements=[Visit.key]).returning(Visit.id)


def _grid(stamp: Stamp, log: VisitLog) -> int:
    """Give the grid of the visit; raises HouseholdNotFound or UnknownGrid for one that is not the actor's."""
    if log.household_id is not None:
        return find_household(stamp, log.household_id).grid_id
    grid_id = catalogue().grid_codes.get(log.grid or "")
    if grid_id not in stamp.actor.grid_ids:
        raise UnknownGrid("这不是您负责的网格", errors={"grid": ["这不是您负责的网格"]})
    return grid_id


def _columns(stamp: Stamp, log: VisitLog) -> dict[str, Any]:
    return {
        "key": log.key,
        "staff_id": stamp.actor.id,
        "grid_id": _grid(stamp, log),
        "household_id": log.household_id,
        "outcome": log.outcome,
        "visited_at": log.visited_at,
        "phone_at": log.phone_at,
        "received_at": stamp.at,
        "findings": fit_findings(log.findings),
    }


def _met(stamp: Stamp, log: VisitLog, grid_id: int) -> int | None:
    """Give who was met: the resident named, the person told of, else the only resident of the household."""
    if log.resident_id is not None:
        resident = db.session.get(Resident, log.resident_id)
        if resident is None or resident.grid_id not in stamp.actor.grid_ids:
            raise ResidentNotFound
        return resident.id
    if log.person is not None:
        try:
            return find_or_enrol(stamp, log.person, grid_id=grid_id, household_id=log.household_id).id
        except Invalid as refused:
            raise _below(refused, "person") from None
    if log.household_id is None:
        return None
    living = list(db.session.scalars(select(Resident.id).where(Resident.household_id == log.household_id).limit(2)))
    return living[0] if len(living) == 1 else None


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
    stored = {name: getattr(visit, name) for name in columns}
    wanted = columns | {"received_at": visit.received_at, "phone_at": visit.phone_at}
    said = [fit_words(_submission(log, visit, place), county()) for place in range(len(log.needs))]
    same_person = log.resident_id in (None, visit.resident_id)
    if stored != wanted or not same_person or said != [(row.title, row.body) for row in rows]:
        raise VisitLoggedDifferently("请核对：同一个走访编号不能用于另一次走访", key=str(log.key))
    needs = [NeedLogged(row.place, row.number, row.state, row.answered, None) for row in rows]
    return VisitLogged(visit, needs, replayed=True)
