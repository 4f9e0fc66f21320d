"""Keeps decisions on requests: what an approval does to a case, and what a refusal tells the asker."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db
from app.core.stamp import Stamp
from app.ledger.callbacks.answers import conclude
from app.ledger.dispatching.duties import check_lead
from app.ledger.dispatching.eligible import check_eligible, units_by_id
from app.ledger.grid_moves import said_wrong
from app.ledger.handling import add_part, lead_of
from app.ledger.models import Assignment, Case, Reason, Report
from app.ledger.moves import APPROVING, Step, Words, lock_case, move_case
from app.ledger.requests.asking import close_request, pending_request
from app.ledger.requests.checks import RequestUnfit
from app.ledger.requests.deciders import decider
from app.ledger.requests.extensions import extend, extended_to
from app.ledger.requests.limits import locks_return, round_term
from app.ledger.requests.models import Request
from app.ledger.requests.suspensions import review_close
from app.ledger.requests.withdrawal import reply_to, take_back
from app.ledger.rounds.parts import end_part, name_lead
from app.ledger.supervision.ladder_effects import note_repeated_failure
from app.ledger.vocabulary import Action, Clock, Duty, RequestKind, RequestState
from app.notices.models import Recipient

KEPT_AFTER_ALL = "撤回的申请经电话核实没有办理，这件事继续办理。"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Yes or no, with what the decider adds.

    `note` is for the file (a refusal needs one), `reply` replaces the words proposed for the person. `unit_id` names the unit
    that takes over at once when a return is approved, or another new lead than the one asked for; `reset_term` says why the
    term of a new lead starts anew instead of keeping the first due moment.
    """

    approve: bool
    note: str = ""
    reply: str | None = None
    unit_id: int | None = None
    reset_term: str | None = None


def decide_request(stamp: Stamp, number: str, request_id: int, decision: Decision, *, version: int | None = None) -> Case:
    """Decide a request that somebody else asked.

    Raises RequestNotFound, AskerMayNotDecide, NotYourDecision, and what the approved move raises: RequestUnfit, UnknownUnit,
    UnitRecused, UnitUnstaffed, NotOnDutyList, ReviewDatePassed.
    """
    case = lock_case(stamp, number, version=version)
    request = pending_request(case, request_id)
    acting = decider(stamp, case, request)
    action = _approving(case, request, decision) if decision.approve else Action.REFUSE_REQUEST
    effect = _EFFECTS[action] if decision.approve else _refuse

    def change(at: Stamp) -> Step:
        step = effect(at, case, request, decision)
        close_request(at, case, request, RequestState.APPROVED if decision.approve else RequestState.REJECTED)
        step.asker = _asker(request)
        step.facts = {"request": request.kind, "reason": request.reason_code, "redirect_to": request.redirect_to} | step.facts
        return step

    move_case(acting, case, action, _words(case, request, decision), change)
    if decision.approve:
        _follow_up(acting, case, request, decision)
    return case


def decide_with(stamp: Stamp, number: str, request_id: int, *, version: int | None = None, **decision: Any) -> Case:
    """Decide a request that somebody else asked; `decision` are the fields of Decision."""
    return decide_request(stamp, number, request_id, Decision(**decision), version=version)


def _approving(case: Case, request: Request, decision: Decision) -> Action:
    """Give the move that approves a request: a lead's return with a new unit named is a change of hands at once."""
    at_once = request.kind is RequestKind.RETURN and decision.unit_id is not None and _part(case, request).duty is Duty.LEAD
    return Action.REASSIGN if at_once else APPROVING[request.kind]


def _follow_up(stamp: Stamp, case: Case, request: Request, decision: Decision) -> None:
    if request.kind is RequestKind.WITHDRAW:
        conclude(stamp, case)
    if request.kind not in (RequestKind.RETURN, RequestKind.REASSIGN):
        return
    if _part(case, request).duty is Duty.LEAD:
        note_repeated_failure(stamp, case)
    elif decision.unit_id is not None:
        units = [decision.unit_id]
        move_case(stamp, case, Action.ADD_ASSIST, Words(), lambda acting: _add_assists(acting, case, units, field="unit_id"))


def _asker(request: Request) -> tuple[Recipient, int] | None:
    """Give who is told what became of a request; of a wish to withdraw that staff heard on the phone, the person who spoke."""
    if request.asked_by is not None and request.kind is RequestKind.WITHDRAW:
        said = select(Report.concerned_id).where(Report.id.in_(request.details["reports"]), Report.concerned_id.is_not(None))
        person = db.session.scalars(said.limit(1)).first()
        return None if person is None else (Recipient.RESIDENT, person)
    if request.asked_by is not None:
        return Recipient.STAFF, request.asked_by
    return None if request.asked_by_resident is None else (Recipient.RESIDENT, request.asked_by_resident)


def _words(case: Case, request: Request, decision: Decision) -> Words:
    if not decision.approve:
        kept = (decision.reply or KEPT_AFTER_ALL) if request.kind is RequestKind.WITHDRAW else None
        return Words(reply=kept, note=decision.note or None)
    reason = db.session.get_one(Reason, request.reason_code).words if request.reason_code else None
    note = decision.note or (reason or "同意剔除" if request.kind is RequestKind.EXCLUDE else None)
    return Words(reply=_reply(case, request, decision, reason), note=note)


def _reply(case: Case, request: Request, decision: Decision, reason: str | None) -> str | None:
    """Give what the person reads when a request is approved; None for what is between offices."""
    match request.kind:
        case RequestKind.REJECT | RequestKind.REDIRECT | RequestKind.TERMINATE | RequestKind.VOID | RequestKind.JUDGE_CLOSED:
            lines = [decision.reply or request.reply or ""]
            lines += [f"原因：{reason}"] if reason else []
            lines += [f"办理渠道：{request.redirect_to}"] if request.redirect_to else []
            return "\n".join(lines)
        case RequestKind.EXTEND:
            until = extended_to(case, lead_of(case), int(request.details["amount"])).astimezone(CHINA)
            words = f"您反映的事项需要更多时间办理，期限延长到{_day(until)}。原因：{reason}。给您带来不便，请谅解。"
            return decision.reply or words
        case RequestKind.SUSPEND:
            day = _day(date.fromisoformat(request.details["review_on"]))
            return decision.reply or f"您反映的事项现在还不具备办理条件，先挂账，{day}再复核。原因：{reason}。"
        case RequestKind.WITHDRAW:
            return reply_to(case, request.details["reports"])
    return None


def _day(day: date | datetime) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _refuse(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    """Leave the case as it is; a refused return has settled the dispute."""
    del stamp, decision
    if request.kind is RequestKind.RETURN:
        case.return_locked = locks_return(request, approved=False)
    return Step()


def _part(case: Case, request: Request) -> Assignment:
    return next(a for a in case.assignments if a.id == request.assignment_id)


def _none(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    """Do nothing but the move itself."""
    del stamp, case, request, decision
    return Step()


def _return(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    """End a part; where it is the lead's, all parts end with it, and the case waits to be dispatched anew."""
    del decision
    part = _part(case, request)
    case.return_locked = locks_return(request, approved=True)
    facts = {"unit": part.unit.code, "duty": part.duty}
    if part.duty is not Duty.LEAD:
        end_part(stamp, case, part)
        return Step(facts=facts, of_lead=False)
    for each in [a for a in case.assignments if a.ended_at is None]:
        end_part(stamp, case, each)
    name_lead(case, None)
    case.outcome = None
    case.reassignments += not said_wrong(part.id)
    return Step(facts=facts)


def _reassign(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    """Give the case into other hands; the assists go on beside the new lead."""
    lead = lead_of(case)
    (unit,) = units_by_id([decision.unit_id or request.details["unit_ids"][0]], fields=("unit_id", "unit_id"))
    if unit.id == lead.unit_id:
        raise RequestUnfit(errors={"unit_id": ["已经由这个单位主办"]})
    check_eligible(case, [unit])
    term = round_term(stamp.at, case)
    if request.kind is RequestKind.RETURN:
        case.return_locked = locks_return(request, approved=True)
    for part in [a for a in case.assignments if a.ended_at is None and (a.id == lead.id or a.unit_id == unit.id)]:
        end_part(stamp, case, part)
    assists = [a.unit for a in case.assignments if a.ended_at is None and a.duty is Duty.ASSIST]
    first = check_lead(case, unit, assists)
    add_part(stamp, case, unit, Duty.LEAD).first_responder = first
    case.reassignments += not said_wrong(lead.id)
    name_lead(case, unit.id)
    facts = {"from": lead.unit.code, "to": unit.code, "reset_term": decision.reset_term}
    kept = term if not decision.reset_term else None
    dues = {Clock.RESOLVE: kept.due} if kept is not None else {}
    goes_on = kept.clock if kept is not None else None
    return Step(facts=facts, dues=dues, half=term is not None and term.half, goes_on=goes_on)


def _support(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    del decision
    return _add_assists(stamp, case, request.details["unit_ids"], field="units")


def _add_assists(stamp: Stamp, case: Case, unit_ids: list[int], *, field: str) -> Step:
    """Let units assist: with clocks of their own, reporting by the lead's due moment while that is ahead."""
    units = units_by_id(unit_ids, fields=(field, field))
    busy = {a.unit_id for a in case.assignments if a.ended_at is None}
    if any(unit.id in busy for unit in units):
        raise RequestUnfit(errors={field: ["其中有单位已经在办理这个工单"]})
    check_eligible(case, units)
    term = round_term(stamp.at, case)
    for unit in units:
        add_part(stamp, case, unit, Duty.ASSIST)
    db.session.flush()
    dues = {Clock.RESOLVE: term.due} if term is not None and term.due > stamp.at else {}
    return Step(facts={"units": [unit.code for unit in units]}, dues=dues)


def _extend(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    del decision
    amount = int(request.details["amount"])
    due = extend(stamp.at, case, lead_of(case), amount=amount, asked_at=request.asked_at)
    return Step(facts={"amount": amount, "extensions": case.extensions, "to": due.isoformat()})


def _suspend(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    del decision
    due = review_close(stamp.at, date.fromisoformat(request.details["review_on"]), lead_of(case))
    return Step(facts={"review_on": request.details["review_on"]}, dues={Clock.SUSPENSION: due})


def _exclude(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    del stamp, request, decision
    case.excluded = True
    return Step()


def _withdraw(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    if not decision.note.strip():
        raise RequestUnfit(errors={"note": ["请写明电话核实的情况：是否本人自愿"]})
    ids = request.details["reports"]
    return take_back(stamp, case, list(db.session.scalars(select(Report).where(Report.id.in_(ids), Report.case_id == case.id))))


_EFFECTS: dict[Action, Callable[[Stamp, Case, Request, Decision], Step]] = {
    Action.REJECT: _none,
    Action.REDIRECT: _none,
    Action.RETURN: _return,
    Action.REASSIGN: _reassign,
    Action.ADD_ASSIST: _support,
    Action.EXTEND: _extend,
    Action.SUSPEND: _suspend,
    Action.TERMINATE: _none,
    Action.EXCLUDE: _exclude,
    Action.VOID: _none,
    Action.WITHDRAW: _withdraw,
    Action.JUDGE_CLOSED: _none,
}
