"""Keeps corrections: what acceptance settled wrongly is put right with a reason, and the clocks follow by rules of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import Invalid, NotAllowed, Refusal
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.commands import PlaceMissing
from app.ledger.contacts import move_contact
from app.ledger.deadlines import is_open, lock_case_clocks, new_version, policy_for, term_of
from app.ledger.dispatching.eligible import accused_parts
from app.ledger.handling import ByTheCentre, check_outside, grant
from app.ledger.merging.mergeable import AgainstDifferentPeople, PartyHandles
from app.ledger.merging.union import below, brought_to, name_parties, spread
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.numbers import WrongNumber, check_number
from app.ledger.recusal import UnknownParty, against
from app.ledger.scope import CaseNotFound, visible
from app.ledger.stations import ServedAsOrder, station_path
from app.ledger.terms import Due, due_at, halved
from app.ledger.urgency import SHORTENED, bound_subs, hurry
from app.ledger.vocabulary import Access, Action, Clock, Kind, State, Urgency
from app.ledger.workflow import MOVES
from app.territory.calendar.queries import load_calendar
from app.territory.models import Grid, Unit

MOST = 200
"""So many cases are corrected at once."""


class NothingToCorrect(Invalid):
    """没有需要更正的内容"""


class TooManyToCorrect(Invalid):
    """一次最多更正 200 个工单"""


class ConfidentialityStays(NotAllowed):
    """取消保密由县级督办员决定"""


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What is put right; None leaves a field as it is. `confidential` and `hidden_from_grid` may be switched on, or off again.

    Whom the case is against is a unit, a person, or both; `against_nobody` takes a wrong name away.
    """

    kind: Kind | None = None
    category_id: int | None = None
    urgency: Urgency | None = None
    grid_id: int | None = None
    outside_grids: bool = False
    confidential: bool | None = None
    hidden_from_grid: bool | None = None
    against_unit_id: int | None = None
    against_staff_id: int | None = None
    against_nobody: bool = False


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """What became of one case of many: its state and version, or the refusal's code and words."""

    number: str
    done: bool
    state: State | None = None
    version: int | None = None
    code: str | None = None
    detail: str | None = None


def correct_case(stamp: Stamp, number: str, *, note: str, version: int | None = None, **given: Any) -> Case:
    """Correct a case after its acceptance, with a reason; `given` are the fields of a `Correction`.

    Nobody of a handling unit corrects, and once it is dispatched only the centre; a county supervisor alone ends confidentiality.
    Raises NothingToCorrect, OwnWork, ByTheCentre, ConfidentialityStays, UnknownCategory, UnknownGrid, UnknownParty,
    PlaceMissing, PartyHandles, IllegalMove, ServedAsOrder (for another kind of a service order).
    """
    case = lock_case(stamp, number, version=version, whole=True)
    _correct(stamp, case, Correction(**given), note)
    return case


def correct_many(stamp: Stamp, *, numbers: Sequence[str], note: str, **given: Any) -> list[Corrected]:
    """Correct up to 200 cases with one reason, each with its own entry; one that is refused stops no other.

    Gives what became of each, in the order of the numbers. Raises TooManyToCorrect.
    """
    correction = Correction(**given)
    wanted = list(dict.fromkeys(numbers))
    if len(wanted) > MOST:
        raise TooManyToCorrect
    locked = _lock_all(stamp, wanted)
    return [_one_of_many(stamp, number, locked.get(number), correction, note) for number in wanted]


def _lock_all(stamp: Stamp, numbers: Iterable[str]) -> dict[str, Case]:
    """Lock the cases that the actor sees, all before any clock, so that writers never wait for each other in a ring."""
    plain: dict[str, str] = {}
    for number in numbers:
        try:
            plain[number] = check_number(number)
        except WrongNumber:
            continue
    seen = select(Case.id).where(Case.number.in_(plain.values()), visible(stamp.actor))
    ids = list(db.session.scalars(seen))
    found = {case.number: case for case in lock_rows(Case, [*ids, *below(ids)]) if case.id in ids}
    return {number: found[as_stored] for number, as_stored in plain.items() if as_stored in found}


def _one_of_many(stamp: Stamp, number: str, case: Case | None, correction: Correction, note: str) -> Corrected:
    try:
        if case is None:
            raise CaseNotFound
        with db.session.begin_nested():
            _correct(stamp, case, correction, note)
        return Corrected(number=number, done=True, state=case.state, version=case.version)
    except Refusal as refusal:
        more = [line for lines in getattr(refusal, "errors", {}).values() for line in lines]
        words = dict.fromkeys([refusal.detail or refusal.title(), *more])
        return Corrected(number=number, done=False, code=refusal.code(), detail="；".join(words))


def _correct(stamp: Stamp, case: Case, correction: Correction, note: str) -> None:
    def change(acting: Stamp) -> Step:
        check_outside(acting, case, Action.CORRECT)
        _check_whose(acting, case, correction)
        before, hidden, parties = _told(case), case.hides_identity, _parties(case)
        was_urgent = case.urgency is Urgency.URGENT
        _settle(case, correction)
        _name_parties(case, correction)
        after = _told(case)
        renamed = {"against"} if _parties(case) != parties else set()
        changed = [name for name in before if before[name] != after[name] or name in renamed]
        if not changed:
            raise NothingToCorrect
        _keep_terms(acting.at, case, was_urgent=was_urgent, changed=changed)
        if case.hides_identity != hidden:
            move_contact(acting.at, case)
        db.session.flush()
        return Step(facts={"from": {name: before[name] for name in changed}, "to": {name: after[name] for name in changed}})

    move_case(stamp, case, Action.CORRECT, Words(note=note), change)


def _told(case: Case) -> dict[str, Any]:
    names = ("kind", "category_id", "urgency", "grid_id", "territory_path", "confidential", "hidden_from_grid")
    # Whom a case is against, its timeline does not tell.
    somebody = case.against_paths is not None or case.against_staff_id is not None
    return {name: getattr(case, name) for name in names} | {"against": somebody}


def _parties(case: Case) -> tuple[tuple[str, ...], int | None]:
    return tuple(case.against_paths or ()), case.against_staff_id


def _check_whose(stamp: Stamp, case: Case, correction: Correction) -> None:
    """Refuse to end confidentiality to all but a supervisor of the county, and the parties to all but its desk."""
    promised = case.confidential or correction.kind is Kind.TIP_OFF or correction.hidden_from_grid
    county = catalogue().county_path
    if correction.confidential is False and promised and county not in stamp.actor.paths(Role.SUPERVISOR):
        raise ConfidentialityStays
    if _names(correction) and county not in stamp.actor.paths(*MOVES[Action.CORRECT].roles):
        raise ByTheCentre("被反映的单位或人员由县级更正")


_HANDLED = MOVES[Action.REASSIGN].sources | {State.UNDER_REVIEW}
"""States in which somebody works on a case, or may have it sent back; once it waits for the person's word nobody does."""


def _names(correction: Correction) -> bool:
    return correction.against_nobody or correction.against_unit_id is not None or correction.against_staff_id is not None


def _name_parties(case: Case, correction: Correction) -> None:
    """Set whom a case is against, also for when a merge is undone; refused while one of them handles it."""
    if not _names(correction):
        return
    if correction.against_nobody and (correction.against_unit_id is not None or correction.against_staff_id is not None):
        raise UnknownParty(errors={"against_nobody": ["写了被反映的单位或人员，就不能再选“没有”"]})
    if correction.against_staff_id is not None and {each["staff"] for each in brought_to(case)} - {
        None,
        correction.against_staff_id,
    }:
        raise AgainstDifferentPeople("并入的工单反映的是另一位人员，请先拆分")
    name_parties(case, against(correction.against_unit_id, correction.against_staff_id, county_id=catalogue().county_id))
    if case.state in _HANDLED and (accused := accused_parts(case)):
        raise PartyHandles(f"“{accused[0].unit.name}”正在办理这个工单，请先改派，再登记被反映的对象")


def _settle(case: Case, correction: Correction) -> None:
    held = catalogue()
    if correction.kind is not None:
        if correction.kind is not case.kind and station_path(case) is not None:
            raise ServedAsOrder("服务订单不能改成其他类型，请终结或作废后另行登记")
        case.kind = correction.kind
    if correction.category_id is not None:
        moved = case.category_id != correction.category_id
        category = held.offered(correction.category_id) if moved else held.category(correction.category_id)
        if moved and category.urgent:
            case.urgency = Urgency.URGENT
        case.category_id = correction.category_id
    if correction.urgency is not None:
        case.urgency = correction.urgency
    if correction.hidden_from_grid is not None:
        case.hidden_from_grid = correction.hidden_from_grid
    if correction.confidential is not None:
        case.confidential = correction.confidential
    elif correction.kind is Kind.TIP_OFF or correction.hidden_from_grid:
        case.confidential = True
    spread(case)
    _move_place(case, correction)
    for report in case.reports if case.confidential else ():
        report.confidential = True  # switched off again, the words of a report stay what its filer was promised


def _move_place(case: Case, correction: Correction) -> None:
    """Move a case to another grid, or out of all, as somebody has decided."""
    if correction.grid_id is not None and correction.outside_grids:
        raise PlaceMissing("网格和“不在网格内”只能选一个", errors={"grid_id": ["网格和“不在网格内”只能选一个"]})
    if correction.grid_id is None and not correction.outside_grids:
        return
    to_grid(case, correction.grid_id)
    case.to_place = False


def to_grid(case: Case, grid_id: int | None) -> None:
    """Move a locked case to another grid; with None it is to be placed by hand. The village it was in keeps sight of it."""
    path = catalogue().county_path if grid_id is None else catalogue().grid_path(grid_id)
    if case.grid_id is not None and path != case.territory_path and not case.confidential:
        unit = db.session.scalars(select(Unit).join(Grid, Grid.unit_id == Unit.id).where(Grid.id == case.grid_id)).one()
        grant(case, unit, Access.READ)
    case.grid_id, case.territory_path, case.to_place = grid_id, path, grid_id is None


def _keep_terms(at: datetime, case: Case, *, was_urgent: bool, changed: Sequence[str]) -> None:
    """Give the running clocks their new versions: raised urgency from now on and never later than before, else by own start.

    Lowered urgency, another category or kind change the term of handling alone. An extension, an upstream moment or what the
    lead gave its subs is not lengthened by it; a term that would lie behind us is counted from now.
    """
    if not {"urgency", "category_id", "kind"} & set(changed):
        return
    rises = case.urgency is Urgency.URGENT and not was_urgent
    running = [clock for clock in lock_case_clocks([case.id]) if is_open(clock)]
    for clock in running:
        if rises and clock.clock in SHORTENED:
            hurry(at, case, clock)
        elif clock.clock is Clock.RESOLVE and not clock.given:
            _recount(at, case, clock)
    db.session.flush()
    bound_subs(at, case)


def _recount(at: datetime, case: Case, clock: Deadline) -> None:
    # As it held when the clock started: a correction is no way for a newer version to reach a running clock.
    policy = policy_for(clock.clock, kind=case.kind, urgency=case.urgency, category_id=case.category_id, at=clock.starts_at)
    old, term = term_of(clock)
    if policy.id == old.id:
        return
    reworked = clock.round > 1 and term.amount != old.term.amount
    term = halved(policy.term) if reworked else policy.term
    calendar = load_calendar(clock.owner_unit_id)
    due = due_at(clock.resumed_at or clock.starts_at, term, calendar)
    if due.at <= at < clock.due_at:
        fresh = due_at(at, term, calendar)
        due = fresh if fresh.at < clock.due_at else Due(clock.due_at, clock.provisional)
    new_version(clock, at, due=due.at, given=False, policy_id=policy.id, amount=term.amount, provisional=due.provisional)
