"""Keeps what a unit does with a case it was given: passing work on to units below it, and naming who handles it."""

from collections.abc import Sequence
from datetime import datetime

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.deadlines import is_open, lock_case_clocks
from app.ledger.dispatching.eligible import UnknownHandler, UnknownUnit, check_eligible, may_handle, units_by_id
from app.ledger.handling import add_part, hand_over, lead_of
from app.ledger.models import Assignment, Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.recusal import is_recused
from app.ledger.scope import NotYourUnit, reaches
from app.ledger.stations import check_no_order
from app.ledger.vocabulary import Action, Clock, Duty
from app.people.staff import posts_held
from app.territory.models import Level

DISPATCHERS = (Role.DISPATCHER, Role.UNIT_HEAD)
HANDS_ON = (Role.HANDLER, Role.UNIT_HEAD, Role.CADRE)


class UnitHasPart(Conflict):
    """这个单位已经在办理这个工单"""


class HiddenFromGrid(NotAllowed):
    """这个工单不能交给网格员，请由村（社区）承办人办理"""


class PartReported(Conflict):
    """已经反馈结果，不用再交给网格员"""


class TermTooLong(Invalid):
    """二级承办的期限不能晚于主办的期限"""


def sub_dispatch(
    stamp: Stamp,
    number: str,
    *,
    sub_unit_ids: Sequence[int],
    due_by: datetime | None = None,
    note: str | None = None,
    version: int | None = None,
) -> Case:
    """Pass work of the lead on to units inside its subtree; it stays answerable, and each has its own sign and resolve clocks.

    Their term ends with the lead's, or at `due_by` where that is earlier. Only the lead passes on, and only once: what was
    passed on is not passed on further. Raises NotYourUnit (no dispatcher or head of the lead), UnknownUnit (also outside the
    subtree), UnitHasPart, TermTooLong, UnitRecused, UnitUnstaffed.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        lead = lead_of(case)
        _check_reach(acting, lead)
        units = units_by_id(sub_unit_ids, fields=("sub_unit_ids", "sub_unit_ids"))
        outside = [unit.name for unit in units if not unit.path.startswith(lead.unit.path) or unit.id == lead.unit_id]
        if outside or not units:
            raise UnknownUnit(errors={"sub_unit_ids": [f"只能派给“{lead.unit.name}”下属的单位：{'、'.join(outside)}"]})
        busy = {assignment.unit_id for assignment in case.assignments if assignment.ended_at is None}
        for unit in units:
            if unit.id in busy:
                raise UnitHasPart(f"“{unit.name}”已经在办理这个工单")
        check_eligible(case, units)
        due = _due(acting.at, case, lead, due_by)
        for unit in units:
            add_part(acting, case, unit, Duty.SUB, parent=lead)
        db.session.flush()
        facts = {"lead": lead.unit.code, "subs": [unit.code for unit in units], "due": due.isoformat() if due else None}
        return Step(facts=facts, dues={Clock.RESOLVE: due} if due else {})

    move_case(stamp, case, Action.SUB_DISPATCH, Words(note=note), change)
    return case


def _due(at: datetime, case: Case, lead: Assignment, due_by: datetime | None) -> datetime | None:
    """Give when the work passed on is due: never after the lead's own term."""
    running = [d for d in lock_case_clocks([case.id]) if d.clock is Clock.RESOLVE and is_open(d) and d.subject_id == lead.id]
    latest = running[0].due_at if running else None
    if due_by is None:
        return latest
    if due_by <= at:
        raise TermTooLong("二级承办的期限要晚于现在", errors={"due_by": ["期限要晚于现在"]})
    if latest is not None and due_by > latest:
        raise TermTooLong(errors={"due_by": ["不能晚于主办单位的办理期限"]}, latest=latest.isoformat())
    return due_by


def assign_handler(
    stamp: Stamp,
    number: str,
    *,
    handler_id: int,
    unit_id: int | None = None,
    note: str | None = None,
    version: int | None = None,
) -> Case:
    """Give a unit's part in a case to a named handler of that unit, who owns its clocks from now on and is told.

    `unit_id` says which part, where the actor heads several. Raises NotYourUnit, UnknownHandler (nobody of that unit, or
    recused).
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        mine = [a for a in case.assignments if a.ended_at is None and unit_id in (None, a.unit_id) and _reached(acting, a)]
        if not mine:
            raise NotYourUnit
        fit = [assignment for assignment in mine if handler_id in may_handle(case, assignment.unit_id)]
        if not fit:
            raise UnknownHandler(errors={"handler_id": ["请选择承办单位里可以办理这个工单的人员"]})
        assignment = fit[0]
        assignment.handler_id = handler_id
        hand_over(assignment)
        return Step(assignment=assignment, facts={"unit": assignment.unit.code, "handler": handler_id})

    move_case(stamp, case, Action.ASSIGN_HANDLER, Words(note=note), change)
    return case


def hand_to(stamp: Stamp, number: str, *, worker_id: int, note: str | None = None, version: int | None = None) -> Case:
    """Hand a village's part in a case to one of its grid workers, who signs, contacts and reports for it from now on.

    The village's handlers and its cadres hand on; what is hidden from the grid, or whose person is, stays with them. Raises
    NotYourUnit, HiddenFromGrid, UnknownHandler (nobody of that village, or recused), PartReported, ServedAsOrder (it is taken).
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        open_parts = [a for a in case.assignments if a.ended_at is None and a.unit.level is Level.VILLAGE]
        mine = [a for a in open_parts if a.unit.path in acting.actor.paths(*HANDS_ON)]
        if not mine:
            raise NotYourUnit
        check_no_order(case)
        if case.hidden_from_grid or case.hides_identity:
            raise HiddenFromGrid
        part = mine[0]
        if part.submitted_at is not None:
            raise PartReported
        workers = [each for each in posts_held().at(part.unit_id, Role.GRID_WORKER) if not is_recused(each, case)]
        if worker_id not in workers:
            raise UnknownHandler(errors={"worker_id": ["请选择本村（社区）的网格员"]})
        part.handler_id = worker_id
        hand_over(part)
        return Step(assignment=part, facts={"unit": part.unit.code, "handler": worker_id})

    move_case(stamp, case, Action.HAND_TO, Words(note=note), change)
    return case


def _reached(stamp: Stamp, assignment: Assignment) -> bool:
    """Say whether the actor dispatches for, or heads, the unit of an assignment or one above it."""
    return any(reaches(stamp.actor, role, assignment.unit.path) for role in DISPATCHERS)


def _check_reach(stamp: Stamp, assignment: Assignment) -> None:
    if not _reached(stamp, assignment):
        raise NotYourUnit
