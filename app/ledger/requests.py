"""Keeps requests: what is asked of a case by one person and decided by another, and the clock of the decision.

The case's own clocks run on while a request is pending. Source: the rules of a case, section 3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.stamp import Actor, Role, Stamp
from app.ledger.audiences import shift_heads
from app.ledger.catalogue import catalogue
from app.ledger.county import county
from app.ledger.deadlines import ClockFor, cancel, is_open, lock_case_clocks, meet, note_due, start_clock
from app.ledger.eligible import check_eligible, units_by_id
from app.ledger.handling import own_assignment
from app.ledger.models import Assignment, Case, Reason, Request
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.request_limits import check_extension, check_return, check_review_date
from app.ledger.vocabulary import Action, Clock, Duty, RequestKind, RequestState, State, Subject, Urgency, label
from app.ledger.workflow import NotYourMove
from app.people.staff import posts_held


class UnknownReason(Invalid):
    """没有这个理由"""


class RequestPending(Conflict):
    """同样的申请正在等待审批"""


class RequestNotFound(NotFound):
    """没有找到这个申请"""


class AskerMayNotDecide(NotAllowed):
    """申请人不能审批自己的申请"""


class RequestUnfit(Invalid):
    """申请内容需要补充"""


class NothingToDecide(Conflict):
    """现在没有需要这样申请的情况"""


ASKS: dict[RequestKind, Action] = {
    RequestKind.REJECT: Action.ASK_REJECT,
    RequestKind.REDIRECT: Action.ASK_REDIRECT,
    RequestKind.RETURN: Action.ASK_RETURN,
    RequestKind.REASSIGN: Action.ASK_REASSIGN,
    RequestKind.SUPPORT: Action.ASK_SUPPORT,
    RequestKind.EXTEND: Action.ASK_EXTEND,
    RequestKind.SUSPEND: Action.ASK_SUSPEND,
    RequestKind.TERMINATE: Action.ASK_TERMINATE,
    RequestKind.EXCLUDE: Action.ASK_EXCLUDE,
    RequestKind.VOID: Action.ASK_VOID,
    RequestKind.JUDGE_CLOSED: Action.ASK_JUDGE_CLOSED,
}
"""What staff may ask. Residents ask to withdraw in `ledger.withdrawal`."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What comes with a request. `reply` is what the person will read, `note` is for the file.

    `unit_ids`: which unit instead (return), the new lead (reassign), the assists (support). `amount`: by how much to extend,
    in the unit of the term. `review_on`: the day in China on which a suspension is looked at again.
    """

    note: str
    reason_code: str | None = None
    reply: str | None = None
    redirect_to: str | None = None
    unit_ids: Sequence[int] = ()
    amount: int | None = None
    review_on: date | None = None
    evidence: str | None = None


def ask(stamp: Stamp, number: str, kind: RequestKind, asked: Asked, *, version: int | None = None) -> Request:
    """Ask something of a case; somebody else decides within the time of the decide clock.

    Raises UnknownReason, RequestPending, RequestUnfit, NotYourUnit, and per kind ReturnTooLate, ReturnLocked, SignFirst,
    AlreadyDue, NoMoreExtensions, WrongReviewDate, ContactMissing.
    """
    case = lock_case(stamp, number, version=version)
    check_unasked(case, kind)
    request = Request(kind=kind, reason_code=_reason(kind, asked), reply=asked.reply, redirect_to=asked.redirect_to)

    def change(acting: Stamp) -> Step:
        request.asked_by = acting.actor.id
        found = _CHECKS[kind](acting, case, asked)
        request.assignment_id, request.details = found.assignment_id, found.details
        begin_request(acting, case, request)
        return Step(facts={"reason": request.reason_code, "redirect_to": asked.redirect_to, **found.facts})

    move_case(stamp, case, ASKS[kind], Words(note=asked.note), change)
    return request


def ask_with(stamp: Stamp, number: str, *, kind: RequestKind, version: int | None = None, **asked: Any) -> Request:
    """Ask something of a case; `asked` are the fields of Asked."""
    return ask(stamp, number, kind, Asked(**asked), version=version)


def check_unasked(case: Case, kind: RequestKind) -> None:
    """Raise RequestPending when a request of the kind waits for its decision."""
    pending = select(Request.id).where(Request.case_id == case.id, Request.state == RequestState.PENDING, Request.kind == kind)
    if db.session.scalars(pending).first() is not None:
        raise RequestPending


def begin_request(stamp: Stamp, case: Case, request: Request) -> None:
    """Store a request of a locked case and start the clock of its decision."""
    request.case_id, request.asked_at, request.state = case.id, stamp.at, RequestState.PENDING
    db.session.add(request)
    db.session.flush()
    leader = _leader_for(case) if request.kind is RequestKind.EXTEND and case.extensions else None
    words = f"{label(request.kind)}申请的{label(Clock.DECIDE)}"
    wanted = ClockFor(
        Clock.DECIDE, Subject.REQUEST, case.kind, case.urgency, case.category_id, words, catalogue().county_id, leader
    )
    start_clock(wanted, stamp.at, subject_id=request.id, case_id=case.id)
    db.session.flush()


def _leader_for(case: Case) -> int | None:
    """Give a leader responsible for the lead unit: the one whose post lies nearest to it."""
    unit = next((a.unit for a in case.assignments if a.duty is Duty.LEAD and a.ended_at is None), None)
    if unit is None:
        return None
    posts = [post for post in posts_held().by_role.get(Role.LEADER, ()) if unit.path.startswith(post.path)]
    return max(posts, key=lambda post: len(post.path)).staff_id if posts else None


def _reason(kind: RequestKind, asked: Asked) -> str | None:
    """Give the code of the reason; raises UnknownReason where the catalogue has none of that code for the kind."""
    if asked.reason_code is None:
        if kind in _REASON_NEEDED:
            raise UnknownReason(errors={"reason_code": ["请选择理由"]})
        return None
    reason = db.session.get(Reason, asked.reason_code)
    if reason is None or reason.kind is not kind or not reason.active:
        raise UnknownReason(errors={"reason_code": ["没有这个理由"]})
    return reason.code


_REASON_NEEDED = frozenset({
    RequestKind.REJECT, RequestKind.REDIRECT, RequestKind.RETURN, RequestKind.EXTEND, RequestKind.SUSPEND, RequestKind.TERMINATE,
    RequestKind.EXCLUDE, RequestKind.VOID,
})  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """What a check found: the part that the request speaks of, what the decision needs, and facts for the entry."""

    assignment_id: int | None
    details: dict[str, Any]
    facts: dict[str, Any]


_NOTHING = _Found(None, {}, {})


def _need(value: object, field: str, words: str) -> None:
    if value is None or value in ("", (), []):
        raise RequestUnfit(errors={field: [words]})


def _refusal_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    """Before dispatch the desk asks, afterwards the lead, at triage the supervisor."""
    _need(asked.reply, "reply", "请填写给群众的答复")
    if case.state is State.AWAITING_CALLBACK:
        if not case.triage or stamp.role is not Role.SUPERVISOR:
            raise NothingToDecide("只有群众不满意、等待研判的工单可以在回访阶段申请转其他渠道")
        return _NOTHING
    if case.state is State.IN_PROGRESS:
        return _Found(own_assignment(stamp, case, Duty.LEAD).id, {}, {})
    if stamp.role not in (Role.INTAKE, Role.DISPATCHER):
        raise NotYourMove("派单前由受理、派单人员提出")
    return _NOTHING


def _redirection_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    if not (asked.redirect_to or "").strip():
        raise UnknownReason("请写明转往哪个渠道", errors={"redirect_to": ["请写明转往哪个渠道"]})
    return _refusal_asked(stamp, case, asked)


def _return_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    part = own_assignment(stamp, case)
    check_return(stamp.at, case, part)
    _need(asked.unit_ids, "units", "请写明应当由哪个单位办理")
    (unit,) = units_by_id(asked.unit_ids, fields=("units", "units"))
    if unit.id == part.unit_id:
        raise RequestUnfit(errors={"units": ["建议的单位不能是本单位"]})
    facts = {"unit": part.unit.code, "instead": unit.code}
    return _Found(part.id, {"unit_id": unit.id, "duty": part.duty}, facts)


def _reassignment_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    lead = _lead(case)
    if stamp.role in (Role.HANDLER, Role.UNIT_HEAD):
        own_assignment(stamp, case, Duty.LEAD)
    _need(asked.unit_ids, "units", "请写明改派给哪个单位")
    (unit,) = units_by_id(asked.unit_ids, fields=("units", "units"))
    if unit.id == lead.unit_id:
        raise RequestUnfit(errors={"units": ["已经由这个单位主办"]})
    check_eligible(case, [unit])
    return _Found(lead.id, {"unit_id": unit.id}, {"to": unit.code})


def _support_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    lead = own_assignment(stamp, case, Duty.LEAD)
    _need(asked.unit_ids, "units", "请写明需要哪些单位协办")
    units = units_by_id(asked.unit_ids, fields=("units", "units"))
    busy = {a.unit_id for a in case.assignments if a.ended_at is None}
    if any(unit.id in busy for unit in units):
        raise RequestUnfit(errors={"units": ["其中有单位已经在办理这个工单"]})
    check_eligible(case, units)
    return _Found(lead.id, {"unit_ids": [unit.id for unit in units]}, {"units": [unit.code for unit in units]})


def _extension_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    lead = own_assignment(stamp, case, Duty.LEAD)
    _need(asked.amount, "amount", "请写明延长多少")
    check_extension(stamp.at, case, lead)
    return _Found(lead.id, {"amount": asked.amount}, {"amount": asked.amount})


def _suspension_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    lead = own_assignment(stamp, case, Duty.LEAD)
    _need(asked.evidence, "evidence", "请写明依据，如施工计划、政策文件")
    _need(asked.review_on, "review_on", "请写明下次复核的日期")
    assert asked.review_on is not None
    check_review_date(stamp.at, case, lead, asked.review_on)
    details = {"review_on": asked.review_on.isoformat(), "evidence": asked.evidence}
    return _Found(lead.id, details, {"review_on": details["review_on"]})


def _termination_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    _need(asked.reply, "reply", "请填写给群众的答复")
    if stamp.role is Role.SUPERVISOR:
        return _NOTHING
    return _Found(own_assignment(stamp, case, Duty.LEAD).id, {}, {})


def _exclusion_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    del asked
    if case.excluded:
        raise NothingToDecide("这个工单已经剔除")
    if stamp.role in (Role.HANDLER, Role.UNIT_HEAD) and not _ever_had(stamp.actor, case):
        raise NotYourMove("只有办理过这个工单的单位可以申请剔除")
    return _NOTHING


def _ever_had(actor: Actor, case: Case) -> bool:
    paths = actor.paths(Role.HANDLER, Role.UNIT_HEAD)
    return any(assignment.unit.path.startswith(path) for assignment in case.assignments for path in paths)


def _void_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    del stamp, case
    _need(asked.reply, "reply", "请填写给群众的答复")
    return _NOTHING


def _judgement_asked(stamp: Stamp, case: Case, asked: Asked) -> _Found:
    del stamp
    if not case.triage:
        raise NothingToDecide("只有群众不满意、等待研判的工单可以申请判定办结")
    _need(asked.reply, "reply", "请填写给群众的答复")
    return _NOTHING


_CHECKS: dict[RequestKind, Callable[[Stamp, Case, Asked], _Found]] = {
    RequestKind.REJECT: _refusal_asked,
    RequestKind.REDIRECT: _redirection_asked,
    RequestKind.RETURN: _return_asked,
    RequestKind.REASSIGN: _reassignment_asked,
    RequestKind.SUPPORT: _support_asked,
    RequestKind.EXTEND: _extension_asked,
    RequestKind.SUSPEND: _suspension_asked,
    RequestKind.TERMINATE: _termination_asked,
    RequestKind.EXCLUDE: _exclusion_asked,
    RequestKind.VOID: _void_asked,
    RequestKind.JUDGE_CLOSED: _judgement_asked,
}


def _lead(case: Case) -> Assignment:
    found = next((a for a in case.assignments if a.duty is Duty.LEAD and a.ended_at is None), None)
    if found is None:
        raise NothingToDecide("这个工单现在没有主办单位")
    return found


def withdraw_request(stamp: Stamp, number: str, request_id: int, *, version: int | None = None) -> Case:
    """Take back a request that one asked oneself. Raises RequestNotFound, also for somebody else's."""
    case = lock_case(stamp, number, version=version)
    request = pending_request(case, request_id)
    asker = request.asked_by if request.asked_by is not None else request.asked_by_resident
    by_staff = request.asked_by is not None
    if asker != stamp.actor.id or by_staff != bool(stamp.actor.posts):
        raise RequestNotFound

    def change(acting: Stamp) -> Step:
        close_request(acting, request, RequestState.WITHDRAWN)
        for clock in lock_case_clocks([case.id]):
            if is_open(clock) and (clock.subject, clock.subject_id) == (Subject.REQUEST, request.id):
                cancel(clock, acting.at)
        return Step(facts={"request": request.kind})

    move_case(stamp, case, Action.WITHDRAW_REQUEST, Words(), change)
    return case


def pending_request(case: Case, request_id: int) -> Request:
    """Give a request of a case that waits for its decision; raises RequestNotFound."""
    request = db.session.scalars(select(Request).where(Request.id == request_id, Request.case_id == case.id)).first()
    if request is None or request.state is not RequestState.PENDING:
        raise RequestNotFound
    return request


def close_request(stamp: Stamp, request: Request, state: RequestState) -> None:
    """Write what became of a request; who withdraws their own decides nothing."""
    request.state, request.decided_at = state, stamp.at
    if state is not RequestState.WITHDRAWN:
        request.decided_by = stamp.actor.id
    db.session.flush()


def meet_decision(stamp: Stamp, case: Case, request: Request) -> None:
    """Stop the clock of a decision as met."""
    for clock in lock_case_clocks([case.id]):
        if is_open(clock) and (clock.subject, clock.subject_id) == (Subject.REQUEST, request.id):
            meet(clock, stamp.at)
    db.session.flush()


def refresh_due(case: Case) -> None:
    """Note on a locked case what its clocks say after something outside a move has changed them."""
    db.session.flush()
    note_due(case, lock_case_clocks([case.id]))


def check_decider(stamp: Stamp, case: Case, request: Request) -> None:
    """Raise AskerMayNotDecide or NotYourMove where the actor, in the role of the stamp, may not decide a request."""
    if request.asked_by is not None and request.asked_by == stamp.actor.id:
        raise AskerMayNotDecide
    if stamp.role is Role.UNIT_HEAD and stamp.actor.id not in shift_heads():
        raise NotYourMove("这个申请由值班长或受理、派单人员审批")
    if request.kind is RequestKind.EXTEND:
        if case.extensions and stamp.role is not Role.LEADER:
            raise NotYourMove("第二次延期由分管领导审批")
        if not case.extensions and stamp.role is Role.LEADER:
            raise NotYourMove("第一次延期由中心审批")


def is_urgent(case: Case) -> bool:
    """Say whether a case runs on 7×24 clocks."""
    return case.urgency is Urgency.URGENT


def most_extensions() -> int:
    """Give how often a case may be extended in all."""
    return county().extensions_most
