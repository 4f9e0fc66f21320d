"""Keeps the handling of a case: dispatch to a lead and assists, signing, first contact, result, review."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.attachments import NO_FILES, EntryFiles, attach_to_entry, place_of_photos
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.dispatching.duties import check_lead, with_last_word
from app.ledger.dispatching.eligible import check_eligible, units_by_id
from app.ledger.intake.places import Point
from app.ledger.models import Assignment, Case, CaseAccess
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.requests.limits import goes_on_from, round_term
from app.ledger.rounds.parts import name_lead
from app.ledger.scope import NotYourUnit, belongs, reaches
from app.ledger.stations import check_no_order
from app.ledger.verification.results import check_missing, facts_of, keep_result, metres_off
from app.ledger.vocabulary import Access, Action, Clock, Duty, Outcome, Subject
from app.ledger.workflow import MOVES
from app.territory.models import Unit


class OutOfReach(NotAllowed):
    """这个单位不在您的派单范围内"""


class MeetingUnfit(Invalid):
    """会商记录有误"""


class NobodyToContact(Conflict):
    """这个工单没有可以联系的当事人"""


class ContactByDesk(NotAllowed):
    """保密工单由回访员联系反映人"""


class ContactMissing(Conflict):
    """反馈结果前请先联系群众"""


class AssistsOutstanding(Conflict):
    """协办单位还没有反馈"""


class DepartmentOutstanding(Conflict):
    """先行处置的工单要等主责部门反馈"""


class AlreadySigned(Conflict):
    """您的单位已经签收"""


class NotSigned(Conflict):
    """请先签收"""


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """A joint meeting on a complex matter (会商): the day in China, who took part, and its record."""

    held_on: date
    participants: Sequence[str]
    record: str

    def words(self) -> str:
        """Give the meeting as the timeline keeps it."""
        return f"会商日期：{self.held_on.isoformat()}\n参加人员：{'、'.join(self.participants)}\n会商纪要：{self.record}"


def dispatch_case(
    stamp: Stamp,
    number: str,
    *,
    lead_unit_id: int,
    assist_unit_ids: Sequence[int] = (),
    note: str | None = None,
    meeting: Meeting | None = None,
    first_responder: bool = False,
    reset_term: str | None = None,
    version: int | None = None,
) -> Case:
    """Dispatch a case to exactly one lead and any assists; a complex matter after a joint `meeting`.

    `first_responder`: a village or community goes first where a department answers by statute. A case that changed hands
    keeps the term of its first hands, unless `reset_term` says why it starts anew. Raises UnknownUnit, UnitRecused,
    UnitUnstaffed, OutOfReach, MeetingUnfit, NotOnDutyList, DepartmentMissing.
    """
    case = lock_case(stamp, number, version=version)
    dispatch_locked(
        stamp,
        case,
        lead_unit_id=lead_unit_id,
        assist_unit_ids=assist_unit_ids,
        note=note,
        meeting=meeting,
        first_responder=first_responder,
        reset_term=reset_term,
    )
    return case


def dispatch_locked(
    stamp: Stamp,
    case: Case,
    *,
    lead_unit_id: int,
    assist_unit_ids: Sequence[int] = (),
    note: str | None = None,
    meeting: Meeting | None = None,
    first_responder: bool = False,
    reset_term: str | None = None,
) -> None:
    """Dispatch a case that the caller has locked."""

    def change(acting: Stamp) -> Step:
        units = units_by_id([lead_unit_id, *assist_unit_ids])
        far = [unit.name for unit in units if not reaches(acting.actor, Role.DISPATCHER, unit.path)]
        if far:
            raise OutOfReach(f"您只能派给本辖区内的单位，{'、'.join(far)}请由县级派单")
        if meeting is not None and meeting.held_on > acting.at.astimezone(CHINA).date():
            raise MeetingUnfit(errors={"meeting": ["会商日期不能晚于今天"]})
        check_eligible(case, units)
        first = check_lead(case, units[0], units[1:], first_responder=first_responder)
        for place, unit in enumerate(units):
            assignment = add_part(acting, case, unit, Duty.ASSIST if place else Duty.LEAD)
            assignment.by_meeting = meeting is not None
            assignment.first_responder = first and not place
        case.outcome = Outcome.PASSED_ON
        name_lead(case, lead_unit_id)
        facts: dict[str, Any] = {"lead": units[0].code, "assists": [unit.code for unit in units[1:]]}
        facts |= {"by_meeting": meeting is not None, "first_responder": first}
        if meeting is not None:
            facts["meeting"] = {"held_on": meeting.held_on.isoformat(), "participants": len(meeting.participants)}
        term = round_term(acting.at, case)
        facts |= {"reset_term": reset_term} if reset_term else {}
        kept = term if not reset_term else None
        dues = {Clock.RESOLVE: kept.due} if kept is not None else {}
        goes_on = kept.clock if kept is not None else None
        return Step(facts=facts, dues=dues, half=term is not None and term.half, goes_on=goes_on)

    words = "\n".join(filter(None, [note, meeting.words() if meeting else None])) or None
    move_case(stamp, case, Action.DISPATCH, Words(note=words), change)


def add_part(stamp: Stamp, case: Case, unit: Unit, duty: Duty, *, parent: Assignment | None = None) -> Assignment:
    """Give a unit a part in the present round of a locked case, and write access to it."""
    assignment = Assignment(
        unit_id=unit.id,
        unit=unit,
        duty=duty,
        round=case.round,
        parent_id=parent.id if parent else None,
        dispatched_at=stamp.at,
    )
    case.assignments.append(assignment)
    grant(case, unit, Access.WRITE)
    return assignment


def grant(case: Case, unit: Unit, mode: Access) -> None:
    """Give a unit access to a case; write access stays write."""
    keys = ["case_id", "unit_id"]
    change = insert(CaseAccess).values(case_id=case.id, unit_id=unit.id, unit_path=unit.path, mode=mode)
    if mode is Access.READ:
        db.session.execute(change.on_conflict_do_nothing(index_elements=keys))
    else:
        db.session.execute(change.on_conflict_do_update(index_elements=keys, set_={"mode": mode}))


def own_assignment(stamp: Stamp, case: Case, *duties: Duty) -> Assignment:
    """Give the open assignment of the actor's unit, lead before the others, unreported before reported; raises NotYourUnit."""
    mine = [a for a in case.assignments if a.ended_at is None and a.duty in (duties or tuple(Duty)) and belongs(stamp.actor, a)]
    if not mine:
        raise NotYourUnit
    return min(mine, key=lambda assignment: (assignment.duty is not Duty.LEAD, assignment.submitted_at is not None))


def sign_case(stamp: Stamp, number: str, *, version: int | None = None) -> Case:
    """Sign for the actor's unit: the lead's signature starts the handling, an assist's or a sub's stops its own clock.

    Who signs handles, unless the unit has named its handler before. Raises AlreadySigned, ServedAsOrder (a service order is taken).
    """
    case = lock_case(stamp, number, version=version)
    unsigned = [a for a in case.assignments if a.ended_at is None and a.signed_at is None and belongs(stamp.actor, a)]
    action = Action.SIGN if not unsigned or unsigned[0].duty is Duty.LEAD else Action.SIGN_ASSIST

    def change(acting: Stamp) -> Step:
        if action is Action.SIGN:
            check_no_order(case)
        if not unsigned:
            own_assignment(acting, case)
            raise AlreadySigned
        assignment = unsigned[0]
        assignment.signed_at, assignment.handler_id = acting.at, assignment.handler_id or acting.actor.id
        hand_over(assignment)
        return Step(assignment=assignment, facts={"duty": assignment.duty, "unit": assignment.unit.code})

    move_case(stamp, case, action, Words(), change)
    return case


def hand_over(assignment: Assignment) -> None:
    """Let the handler of an assignment own its open clocks; the lead's term stays with the head to whom a case was raised."""
    mine = [Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == assignment.id]
    if assignment.case.raised and assignment.duty is Duty.LEAD:
        mine.append(Deadline.clock != Clock.RESOLVE)
    running = (Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))
    db.session.execute(update(Deadline).where(*mine, *running).values(owner_staff_id=assignment.handler_id))


def record_contact(
    stamp: Stamp,
    number: str,
    *,
    how: str,
    note: str,
    files: EntryFiles = NO_FILES,
    point: Point | None = None,
    version: int | None = None,
) -> Case:
    """Record a contact with the person: how (`phone`, `visit`, `wechat`, `other`), and what was said; the first stops the clock.

    `files` are photos made there, `point` is where it was made, noted as metres from where the case is.

    A confidential case is contacted by the call-back agent alone, an anonymous one, or one without a person concerned, by nobody.
    The lead may let a unit below it, to which it has passed the work on, make the contact.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        if case.nobody_to_call:
            raise NobodyToContact
        by_desk = acting.role is Role.CALLBACK_AGENT
        if case.hides_identity and (not by_desk or works_for_case(acting, case)):
            raise ContactByDesk
        lead = lead_of(case)
        for assignment in (lead,) if by_desk else (lead, own_assignment(acting, case, Duty.LEAD, Duty.SUB)):
            assignment.contacted_at = assignment.contacted_at or acting.at
        return Step(facts={"how": how, **_noted(case, point)}, assignment=None)

    entry = move_case(stamp, case, Action.CONTACT, Words(note=note), change)
    attach_to_entry(stamp, entry, files)
    return case


def lead_of(case: Case) -> Assignment:
    """Give the open lead assignment of a case under way; raises NotYourUnit when it has none."""
    for assignment in case.assignments:
        if assignment.duty is Duty.LEAD and assignment.ended_at is None:
            return assignment
    raise NotYourUnit


def _noted(case: Case, point: Point | None) -> dict[str, Any]:
    return {} if point is None else {"metres_off": metres_off(case, point)}


def submit_assist(
    stamp: Stamp,
    number: str,
    *,
    note: str,
    files: EntryFiles = NO_FILES,
    point: Point | None = None,
    version: int | None = None,
) -> Case:
    """Report to the lead what an assist, or a unit below the lead, has done; `point` is noted as metres from the case."""
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        assignment = own_assignment(acting, case, Duty.ASSIST, Duty.SUB)
        if assignment.signed_at is None:
            raise NotSigned
        assignment.submitted_at = acting.at
        return Step(assignment=assignment, facts={"unit": assignment.unit.code, **_noted(case, point)})

    entry = move_case(stamp, case, Action.SUBMIT_ASSIST, Words(note=note), change)
    attach_to_entry(stamp, entry, files)
    return case


def submit_result(
    stamp: Stamp,
    number: str,
    *,
    reply: str,
    note: str,
    solved: bool,
    without_assists: str | None = None,
    evidence: Sequence[str] = (),
    files: EntryFiles = NO_FILES,
    point: Point | None = None,
    by_phone: bool = False,
    version: int | None = None,
) -> Case:
    """Submit the lead's result: the reply to the person, the note for the file, and whether the unit calls it solved.

    `evidence` are references to what proves it, `files` what was uploaded: told with the reply or for the file alone; `point`
    is where it was done, by default where the photos say they were taken, or with `by_phone` where the phone is, which bars
    nothing. Raises PointOutsideCounty, FilesUnfit, ContactMissing,
    AssistsOutstanding (unless `without_assists` says why they are not waited for), and, where the lead is but first responder,
    DepartmentOutstanding: the last word is the department's. A service order is done at its last station: ServedAsOrder.
    """
    case = lock_case(stamp, number, version=version)
    place = point or place_of_photos(stamp, files)

    def change(acting: Stamp) -> Step:
        check_no_order(case)
        assignment = own_assignment(acting, case, Duty.LEAD)
        if not case.nobody_to_call and not is_contacted(case, assignment):
            raise ContactMissing
        outstanding = [a for a in case.assignments if a.duty is not Duty.LEAD and a.ended_at is None and a.submitted_at is None]
        if assignment.first_responder and not _answered(case):
            raise DepartmentOutstanding("您的单位是先行处置，最终结果由主责部门作出，请等待它的反馈")
        if outstanding and not (without_assists or "").strip():
            names = "、".join(a.unit.name for a in outstanding)
            raise AssistsOutstanding(f"{names}还没有反馈；如不再等待，请说明原因")
        assignment.submitted_at = acting.at
        case.unit_solved = solved
        facts: dict[str, Any] = {"solved": solved, "without": [a.unit.code for a in outstanding]}
        facts |= keep_result(acting, case, reply=reply, evidence=evidence, files=len(files), point=place, by_phone=by_phone)
        return Step(assignment=assignment, facts=facts)

    words = note if not without_assists else f"{note}\n不再等待协办：{without_assists}"
    entry = move_case(stamp, case, Action.SUBMIT_RESULT, Words(reply=reply, note=words), change)
    attach_to_entry(stamp, entry, files, keep_position=facts_of(case).check_distance_m is not None)
    return case


def is_contacted(case: Case, lead: Assignment | None) -> bool:
    """Say whether a contact was made in the present round or, where it is a rework, by this lead in those it goes on from."""
    if any(a.contacted_at for a in case.assignments if a.duty is Duty.LEAD and a.round == case.round):
        return True
    while lead is not None:
        if lead.contacted_at is not None:
            return True
        lead = goes_on_from(case, lead)
    return False


def _answered(case: Case) -> bool:
    """Say whether a unit that has the last word beside a first responder has reported."""
    assists = [a for a in case.assignments if a.duty is Duty.ASSIST and a.ended_at is None]
    last = {unit.id for unit in with_last_word(case.category_id, [a.unit for a in assists])}
    return any(a.submitted_at is not None for a in assists if a.unit_id in last)


def pass_result(stamp: Stamp, number: str, *, note: str | None = None, version: int | None = None) -> Case:
    """Pass a result at review: the person is told and called back; a case without anybody to call closes.

    Raises MissingUnexplained where the checklist has gaps and no note says why it passes.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        step = _review(acting, case)
        step.facts = check_missing(case, note=note)
        return step

    move_case(stamp, case, Action.PASS, Words(note=note), change)
    return case


def send_back(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Send a result back with a reason; the same clock runs on, and so do those of assists that had not reported."""
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


def works_for_case(stamp: Stamp, case: Case, *, of: Sequence[int] = ()) -> bool:
    """Say whether the actor holds a post at, or below, a unit that handles or has handled the case, or one of those `of` ids."""
    handling = [assignment.unit.path for assignment in case.assignments]
    if len(of) > 1:
        handling += db.session.scalars(
            select(Unit.path).join(Assignment, Assignment.unit_id == Unit.id).where(Assignment.case_id.in_(of))
        )
    return any(path.startswith(unit) for path in stamp.actor.paths() for unit in handling)


class OwnWork(NotAllowed):
    """承办单位的人员不能对自己办理的工单作这样的处理"""


class ByTheCentre(NotAllowed):
    """这件事由县级办理"""


def check_outside(stamp: Stamp, case: Case, action: Action) -> None:
    """Refuse a decision about a case to whoever works for it, and once it was dispatched to all but the centre.

    Raises OwnWork, ByTheCentre.
    """
    if works_for_case(stamp, case):
        raise OwnWork
    if not stands_outside(stamp, case, action):
        raise ByTheCentre("派单以后由县级办理")


def stands_outside(stamp: Stamp, case: Case, action: Action) -> bool:
    """Say whether the actor may take a decision about a case that its handling unit may not take."""
    if works_for_case(stamp, case):
        return False
    return not case.assignments or catalogue().county_path in stamp.actor.paths(*MOVES[action].roles)
