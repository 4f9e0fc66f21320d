"""Keeps decisions on requests: what an approval does to a case, and what a refusal tells the asker."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from app.core.clock import CHINA
from app.core.database import db
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.ledger.callbacks import conclude
from app.ledger.clocks import Deadline
from app.ledger.deadlines import lengthened, lock_case_clocks, new_version, term_of
from app.ledger.duties import check_lead
from app.ledger.eligible import check_eligible, units_by_id
from app.ledger.handling import add_part, dispatch_locked, lead_of
from app.ledger.ladder_effects import note_repeated_failure
from app.ledger.models import Assignment, Case, Reason, Report, Request
from app.ledger.moves import APPROVING, Step, Words, lock_case, move_case
from app.ledger.request_limits import first_term, locks_return, resolve_clock, review_close
from app.ledger.requests import AskerMayNotDecide, RequestUnfit, check_decider, close_request, meet_decision, pending_request
from app.ledger.rounds import end_part
from app.ledger.scope import visible
from app.ledger.vocabulary import Action, Clock, Duty, RequestKind, RequestState, Subject
from app.ledger.withdrawal import reply_to, take_back
from app.ledger.workflow import MOVES, NotYourMove
from app.notices.models import Recipient


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Yes or no, with what the decider adds.

    `note` is for the file (a refusal needs one), `reply` replaces the words proposed for the person. `unit_id` names the new
    lead at once when a return is approved; `reset_term` says why its term starts anew instead of keeping the first due moment.
    """

    approve: bool
    note: str = ""
    reply: str | None = None
    unit_id: int | None = None
    reset_term: str | None = None


def decide_request(stamp: Stamp, number: str, request_id: int, decision: Decision, *, version: int | None = None) -> Case:
    """Decide a request that somebody else asked.

    Raises RequestNotFound, AskerMayNotDecide, NotYourMove (another's to decide), and what the approved move raises.
    """
    case = lock_case(stamp, number, version=version)
    request = pending_request(case, request_id)
    if request.asked_by is not None and request.asked_by == stamp.actor.id:
        raise AskerMayNotDecide
    approve = decision.approve
    action = APPROVING[request.kind] if approve else Action.REFUSE_REQUEST

    def change(acting: Stamp) -> Step:
        if not MOVES[APPROVING[request.kind]].roles & {acting.role}:
            acting = acting.acting_as(_role(acting, request))
        check_decider(acting, case, request)
        step = _EFFECTS[request.kind](acting, case, request, decision) if approve else _refused(case, request)
        close_request(acting, request, RequestState.APPROVED if approve else RequestState.REJECTED)
        meet_decision(acting, case, request)
        step.asker = _asker(request)
        step.facts = {"request": request.kind, "reason": request.reason_code, "redirect_to": request.redirect_to} | step.facts
        return step

    words = Words(reply=_reply(case, request, decision) if approve else None, note=decision.note or None)
    if approve and request.kind is RequestKind.EXCLUDE and words.note is None:
        words = Words(note=_reason_words(request) or "同意剔除")
    move_case(stamp, case, action, words, change)
    if approve and request.kind is RequestKind.WITHDRAW:
        conclude(stamp, case)
    if approve and request.kind is RequestKind.RETURN and decision.unit_id is not None and request.details["duty"] == Duty.LEAD:
        assists = request.details.get("assist_ids", [])
        dispatch_locked(stamp, case, lead_unit_id=decision.unit_id, assist_unit_ids=assists, reset_term=decision.reset_term)
    if approve and request.kind in (RequestKind.RETURN, RequestKind.REASSIGN):
        note_repeated_failure(stamp, case)
    return case


def decide_with(stamp: Stamp, number: str, request_id: int, *, version: int | None = None, **decision: Any) -> Case:
    """Decide a request that somebody else asked; `decision` are the fields of Decision."""
    return decide_request(stamp, number, request_id, Decision(**decision), version=version)


def _role(stamp: Stamp, request: Request) -> Role:
    """Give the role in which the actor may decide: a refusal is open to fewer than the table's row says."""
    role = stamp.actor.holds(sorted(MOVES[APPROVING[request.kind]].roles))
    if role is None:
        raise NotYourMove("这个申请由其他岗位审批")
    return role


def _asker(request: Request) -> tuple[Recipient, int] | None:
    if request.asked_by is not None:
        return Recipient.STAFF, request.asked_by
    return None if request.asked_by_resident is None else (Recipient.RESIDENT, request.asked_by_resident)


def _reason_words(request: Request) -> str | None:
    return db.session.get_one(Reason, request.reason_code).words if request.reason_code else None


def _day(moment: datetime) -> str:
    at = moment.astimezone(CHINA)
    return f"{at.year}年{at.month}月{at.day}日"


def _reply(case: Case, request: Request, decision: Decision) -> str | None:
    """Give what the person reads when a request is approved; None for what is between offices."""
    reason = _reason_words(request)
    match request.kind:
        case RequestKind.REJECT | RequestKind.REDIRECT | RequestKind.TERMINATE | RequestKind.VOID | RequestKind.JUDGE_CLOSED:
            lines = [decision.reply or request.reply or ""]
            lines += [f"原因：{reason}"] if reason else []
            lines += [f"办理渠道：{request.redirect_to}"] if request.redirect_to else []
            return "\n".join(lines)
        case RequestKind.EXTEND:
            clock = resolve_clock(case, lead_of(case))
            until = _day(lengthened(clock, int(request.details["amount"]))) if clock is not None else ""
            return decision.reply or f"您反映的事项需要更多时间办理，期限延长到{until}。原因：{reason}。给您带来不便，请谅解。"
        case RequestKind.SUSPEND:
            day = date.fromisoformat(request.details["review_on"])
            words = f"您反映的事项现在还不具备办理条件，先挂账，{day.year}年{day.month}月{day.day}日再复核。原因：{reason}。"
            return decision.reply or words
        case RequestKind.WITHDRAW:
            return reply_to(case, request.details["reports"])
    return None


def _refused(case: Case, request: Request) -> Step:
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
    part = _part(case, request)
    if decision.unit_id is not None:
        check_eligible(case, units_by_id([decision.unit_id], fields=("unit_id", "unit_id")))
    case.return_locked = locks_return(request, approved=True)
    if part.duty is not Duty.LEAD:
        end_part(stamp, case, part)
        return Step(facts={"unit": part.unit.code}, of_lead=False)
    others = [a for a in case.assignments if a.ended_at is None and a.duty is Duty.ASSIST and a.unit_id != decision.unit_id]
    request.details = request.details | {"assist_ids": [a.unit_id for a in others]}
    for each in [part, *(a for a in case.assignments if a.ended_at is None and a.id != part.id)]:
        end_part(stamp, case, each)
    case.lead_unit_id = None
    case.reassignments += 1
    return Step(facts={"unit": part.unit.code})


def _reassign(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    lead = lead_of(case)
    (unit,) = units_by_id([decision.unit_id or int(request.details["unit_id"])], fields=("unit_id", "unit_id"))
    if unit.id == lead.unit_id:
        raise RequestUnfit(errors={"unit_id": ["已经由这个单位主办"]})
    check_eligible(case, [unit])
    check_lead(case, unit, [part.unit for part in case.assignments if part.ended_at is None and part.duty is Duty.ASSIST])
    due = None if decision.reset_term else first_term(case)
    for part in [a for a in case.assignments if a.ended_at is None and (a.duty is Duty.LEAD or a.unit_id == unit.id)]:
        end_part(stamp, case, part)
    add_part(stamp, case, unit, Duty.LEAD)
    case.lead_unit_id = unit.id
    case.reassignments += 1
    db.session.flush()
    facts = {"from": lead.unit.code, "to": unit.code, "reset_term": decision.reset_term}
    return Step(facts=facts, dues={Clock.RESOLVE: due} if due else {})


def _support(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    del decision
    units = units_by_id(request.details["unit_ids"], fields=("units", "units"))
    check_eligible(case, units)
    clock = resolve_clock(case, lead_of(case))
    for unit in units:
        add_part(stamp, case, unit, Duty.ASSIST)
    db.session.flush()
    dues = {Clock.RESOLVE: clock.due_at} if clock is not None and clock.due_at > stamp.at else {}
    return Step(facts={"units": [unit.code for unit in units]}, dues=dues)


def _extend(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    """Lengthen the lead's term, those of the parts beside and below it, and the promise to the resident by as much."""
    del decision
    amount, lead = int(request.details["amount"]), lead_of(case)
    clocks = [clock for clock in lock_case_clocks([case.id]) if clock.met_at is None and clock.cancelled_at is None]
    mine = next(clock for clock in clocks if clock.clock is Clock.RESOLVE and clock.subject_id == lead.id)
    policy, _ = term_of(mine)
    longer = {}
    for clock in clocks:
        if clock.clock is Clock.RESOLVE and clock.subject is Subject.ASSIGNMENT:
            due = lengthened(clock, amount)
        elif clock.clock is Clock.OVERALL:
            due = lengthened(clock, amount, term=policy.term)
        else:
            continue
        # A breach that came while the request waited is not the unit's: it had asked in time.
        waited = clock.breached_at is not None and request.asked_at <= clock.due_at
        fresh = new_version(clock, stamp.at, due=due, breached_at=None if waited else clock.breached_at)
        longer[clock.clock] = fresh.due_at
    case.extensions += 1
    db.session.flush()
    return Step(facts={"amount": amount, "extensions": case.extensions, "to": longer[Clock.RESOLVE].isoformat()})


def _suspend(stamp: Stamp, case: Case, request: Request, decision: Decision) -> Step:
    del stamp, decision
    due = review_close(date.fromisoformat(request.details["review_on"]), lead_of(case))
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


_EFFECTS: dict[RequestKind, Callable[[Stamp, Case, Request, Decision], Step]] = {
    RequestKind.REJECT: _none,
    RequestKind.REDIRECT: _none,
    RequestKind.RETURN: _return,
    RequestKind.REASSIGN: _reassign,
    RequestKind.SUPPORT: _support,
    RequestKind.EXTEND: _extend,
    RequestKind.SUSPEND: _suspend,
    RequestKind.TERMINATE: _none,
    RequestKind.EXCLUDE: _exclude,
    RequestKind.VOID: _none,
    RequestKind.WITHDRAW: _withdraw,
    RequestKind.JUDGE_CLOSED: _none,
}


@dataclass(frozen=True, kw_only=True)
class AwaitedRow:
    """A request that waits for somebody's decision, and by when."""

    id: int
    number: str
    title: str
    kind: RequestKind
    reason_code: str | None
    asked_at: datetime
    due_at: datetime | None


def awaiting_decision(
    stamp: Stamp, *, kind: RequestKind | None = None, cursor: str | None = None, limit: int = LIMIT
) -> Page[AwaitedRow]:
    """Give the requests that the actor may decide, oldest first: of cases they see, never their own."""
    roles = stamp.actor.roles()
    kinds = [each for each, action in APPROVING.items() if MOVES[action].roles & roles and kind in (None, each)]
    conditions: list[ColumnElement[bool]] = [Request.state == RequestState.PENDING, Request.kind.in_(kinds), visible(stamp.actor)]
    conditions.append(Request.asked_by.is_distinct_from(stamp.actor.id))
    due = select(Deadline.due_at).where(
        Deadline.subject == Subject.REQUEST,
        Deadline.subject_id == Request.id,
        Deadline.met_at.is_(None),
        Deadline.cancelled_at.is_(None),
    )
    columns = (Request.id, Case.number, Case.title, Request.kind, Request.reason_code, Request.asked_at)
    query = (
        select(*columns, due.limit(1).scalar_subquery().label("due_at")).join(Case, Case.id == Request.case_id).where(*conditions)
    )
    rows = db.session.execute(paged(query, key=[(Request.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([AwaitedRow(**row._asdict()) for row in page.items], page.next_cursor)
