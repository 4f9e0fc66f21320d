"""Keeps the handling of a case: dispatch to a lead and assists, signing, first contact, result, review."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.clocks import Deadline
from app.ledger.models import Assignment, Case, CaseAccess
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.recusal import is_unit_recused
from app.ledger.scope import NotYourUnit, belongs
from app.ledger.vocabulary import Access, Action, Duty, Outcome, Subject
from app.territory.models import Level, Unit


class UnknownUnit(Invalid):
    """没有这个承办单位"""


class UnitRecused(NotAllowed):
    """这个单位需要回避"""


class NobodyToContact(Conflict):
    """这个工单没有可以联系的当事人"""


class ContactByDesk(NotAllowed):
    """保密工单由回访员联系反映人"""


class ContactMissing(Conflict):
    """反馈结果前请先联系群众"""


class AssistsOutstanding(Conflict):
    """协办单位还没有反馈"""


class AlreadySigned(Conflict):
    """您的单位已经签收"""


class NotSigned(Conflict):
    """请先签收"""


def dispatch_case(
    stamp: Stamp,
    number: str,
    *,
    lead_unit_id: int,
    assist_unit_ids: Sequence[int] = (),
    note: str | None = None,
    meeting: str | None = None,
    version: int | None = None,
) -> Case:
    """Dispatch a case to exactly one lead and any assists; `meeting` is the record of a joint meeting for complex matters.

    Raises UnknownUnit, UnitRecused.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        units = _units([lead_unit_id, *assist_unit_ids])
        for unit in units:
            if is_unit_recused(unit.path, case):
                raise UnitRecused(f"“{unit.name}”是被反映的单位或其下属，需要回避")
        for place, unit in enumerate(units):
            duty = Duty.ASSIST if place else Duty.LEAD
            assignment = Assignment(unit_id=unit.id, duty=duty, round=case.round, dispatched_at=acting.at, unit=unit)
            case.assignments.append(assignment)
            grant(case, unit, Access.WRITE)
        case.lead_unit_id = lead_unit_id
        case.outcome = Outcome.PASSED_ON
        db.session.flush()
        facts: dict[str, Any] = {"lead": units[0].code, "assists": [unit.code for unit in units[1:]]}
        return Step(facts={**facts, "by_meeting": meeting is not None})

    words = "\n".join(filter(None, [note, meeting and f"会商纪要：{meeting}"])) or None
    move_case(stamp, case, Action.DISPATCH, Words(note=words), change)
    return case


def _units(ids: Sequence[int]) -> list[Unit]:
    if len(set(ids)) != len(ids):
        raise UnknownUnit("主办和协办单位不能重复", errors={"assist_unit_ids": ["主办和协办单位不能重复"]})
    found = {unit.id: unit for unit in db.session.scalars(select(Unit).where(Unit.id.in_(ids), Unit.active))}
    missing = [unit_id for unit_id in ids if unit_id not in found or found[unit_id].level is Level.COUNTY]
    if missing:
        raise UnknownUnit(errors={"lead_unit_id" if missing[0] == ids[0] else "assist_unit_ids": ["没有这个承办单位"]})
    return [found[unit_id] for unit_id in ids]


def grant(case: Case, unit: Unit, mode: Access) -> None:
    """Give a unit access to a case; write access stays write."""
    change = insert(CaseAccess).values(case_id=case.id, unit_id=unit.id, unit_path=unit.path, mode=mode)
    db.session.execute(change.on_conflict_do_update(index_elements=["case_id", "unit_id"], set_={"mode": mode}))


def _own_assignment(stamp: Stamp, case: Case, *duties: Duty) -> Assignment:
    """Give the open assignment of the actor's unit, lead before assist; raises NotYourUnit."""
    mine = [a for a in case.assignments if a.ended_at is None and a.duty in (duties or tuple(Duty)) and belongs(stamp.actor, a)]
    if not mine:
        raise NotYourUnit
    return min(mine, key=lambda assignment: assignment.duty is not Duty.LEAD)


def sign_case(stamp: Stamp, number: str, *, version: int | None = None) -> Case:
    """Sign for the actor's unit: the lead's signature starts the handling, an assist's stops its own clock."""
    case = lock_case(stamp, number, version=version)
    unsigned = [a for a in case.assignments if a.ended_at is None and a.signed_at is None and belongs(stamp.actor, a)]
    action = Action.SIGN_ASSIST if unsigned and unsigned[0].duty is Duty.ASSIST else Action.SIGN

    def change(acting: Stamp) -> Step:
        if not unsigned:
            _own_assignment(acting, case)
            raise AlreadySigned
        assignment = unsigned[0]
        assignment.signed_at, assignment.handler_id = acting.at, acting.actor.id
        hand_over(assignment)
        return Step(assignment=assignment, facts={"duty": assignment.duty, "unit": assignment.unit.code})

    move_case(stamp, case, action, Words(), change)
    return case


def hand_over(assignment: Assignment) -> None:
    """Let the handler of an assignment own its open clocks."""
    mine = (Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == assignment.id)
    running = (Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))
    db.session.execute(update(Deadline).where(*mine, *running).values(owner_staff_id=assignment.handler_id))


def record_contact(stamp: Stamp, number: str, *, how: str, note: str, version: int | None = None) -> Case:
    """Record a contact with the person: how (`phone`, `visit`, `wechat`, `other`), and what was said; the first stops the clock.

    A confidential case is contacted by the call-back agent alone, an anonymous one, or one without a person concerned, by nobody.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        if case.nobody_to_call:
            raise NobodyToContact
        by_desk = acting.role is Role.CALLBACK_AGENT
        if case.confidential and (not by_desk or works_for_case(acting, case)):
            raise ContactByDesk
        assignment = lead_of(case) if by_desk else _own_assignment(acting, case, Duty.LEAD)
        assignment.contacted_at = assignment.contacted_at or acting.at
        return Step(facts={"how": how}, assignment=None)

    move_case(stamp, case, Action.CONTACT, Words(note=note), change)
    return case


def lead_of(case: Case) -> Assignment:
    """Give the open lead assignment of a case under way; raises NotYourUnit when it has none."""
    for assignment in case.assignments:
        if assignment.duty is Duty.LEAD and assignment.ended_at is None:
            return assignment
    raise NotYourUnit


def submit_assist(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Report an assist's part to the lead."""
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        assignment = _own_assignment(acting, case, Duty.ASSIST)
        if assignment.signed_at is None:
            raise NotSigned
        assignment.submitted_at = acting.at
        return Step(assignment=assignment, facts={"unit": assignment.unit.code})

    move_case(stamp, case, Action.SUBMIT_ASSIST, Words(note=note), change)
    return case


def submit_result(
    stamp: Stamp,
    number: str,
    *,
    reply: str,
    note: str,
    solved: bool,
    without_assists: str | None = None,
    version: int | None = None,
) -> Case:
    """Submit the lead's result: the reply to the person, the note for the file, and whether the unit calls it solved.

    Raises ContactMissing, AssistsOutstanding (unless `without_assists` says why they are not waited for).
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        assignment = _own_assignment(acting, case, Duty.LEAD)
        contacted = any(a.contacted_at for a in case.assignments if a.duty is Duty.LEAD)
        if not case.nobody_to_call and not contacted:
            raise ContactMissing
        outstanding = [a for a in case.assignments if a.duty is Duty.ASSIST and a.ended_at is None and a.submitted_at is None]
        if outstanding and not (without_assists or "").strip():
            names = "、".join(a.unit.name for a in outstanding)
            raise AssistsOutstanding(f"{names}还没有反馈；如不再等待，请说明原因")
        assignment.submitted_at = acting.at
        case.unit_solved = solved
        facts: dict[str, Any] = {"solved": solved, "without": [a.unit.code for a in outstanding]}
        return Step(assignment=assignment, facts=facts)

    words = note if not without_assists else f"{note}\n不再等待协办：{without_assists}"
    move_case(stamp, case, Action.SUBMIT_RESULT, Words(reply=reply, note=words), change)
    return case


def pass_result(stamp: Stamp, number: str, *, note: str | None = None, version: int | None = None) -> Case:
    """Pass a result at review: the person is told and called back; a case without anybody to call closes."""
    case = lock_case(stamp, number, version=version)
    move_case(stamp, case, Action.PASS, Words(note=note), lambda acting: _review(acting, case))
    return case


def send_back(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Send a result back with a reason; the same clock runs on."""
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        step = _review(acting, case)
        lead_of(case).submitted_at = None
        return step

    move_case(stamp, case, Action.SEND_BACK, Words(note=note), change)
    return case


class ReviewOwnWork(NotAllowed):
    """承办单位的人员不能核验自己的办理结果"""


def _review(stamp: Stamp, case: Case) -> Step:
    if works_for_case(stamp, case):
        raise ReviewOwnWork
    return Step()


def works_for_case(stamp: Stamp, case: Case) -> bool:
    """Say whether the actor holds a post at, or below, a unit that handles the case."""
    handling = [assignment.unit.path for assignment in case.assignments]
    return any(path.startswith(unit) for path in stamp.actor.paths() for unit in handling)
