"""Keeps requests: what is asked of a case by one person and decided by another, and the clock of the decision.

The case's own clocks run on while a request is pending. Source: the rules of a case, section 3.
"""

from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, NotFound
from app.core.stamp import ActorKind, Stamp
from app.ledger.audiences import asked_to_decide
from app.ledger.catalogue import catalogue
from app.ledger.deadlines import ClockFor, cancel, is_open, lock_case_clocks, meet, start_clock
from app.ledger.labels import label
from app.ledger.models import Case, Reason
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.requests.checks import OTHER_COUNTY, Asked, UnknownReason, check_asked
from app.ledger.requests.models import Request
from app.ledger.vocabulary import Action, Clock, RequestKind, RequestState, Subject


class RequestPending(Conflict):
    """同样的申请正在等待审批"""


class RequestNotFound(NotFound):
    """没有找到这个申请"""


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
"""What staff may ask. Residents ask to withdraw in `ledger.requests.withdrawal`."""

_REASON_NEEDED = frozenset({
    RequestKind.REJECT, RequestKind.REDIRECT, RequestKind.RETURN, RequestKind.EXTEND, RequestKind.SUSPEND, RequestKind.TERMINATE,
    RequestKind.EXCLUDE, RequestKind.VOID,
})  # fmt: skip


def ask(stamp: Stamp, number: str, kind: RequestKind, asked: Asked, *, version: int | None = None) -> Request:
    """Ask something of a case; somebody else decides within the time of the decide clock.

    Raises UnknownReason, RequestPending, and what `check_asked` raises.
    """
    case = lock_case(stamp, number, version=version)
    request = Request(kind=kind, reply=asked.reply, redirect_to=asked.redirect_to)

    def change(acting: Stamp) -> Step:
        check_unasked(case, kind)
        request.reason_code = _reason(kind, asked.reason_code)
        request.asked_by = acting.actor.id
        request.to_upstream = request.reason_code == OTHER_COUNTY
        found = check_asked(acting, case, kind, asked)
        request.assignment_id, request.details = found.assignment_id, found.details
        begin_request(acting, case, request)
        facts = {"reason": request.reason_code, "redirect_to": asked.redirect_to, **found.facts}
        return Step(facts=facts, deciders=asked_to_decide(case, kind, acting.at, asker_id=request.asked_by))

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
    """Store a request of a locked case, with the place of the entry that the move is about to append, and start its clock.

    The clock is owned by those who are asked to decide; a second extension's by the one leader whose decision it is.
    """
    request.case_id, request.asked_at, request.state = case.id, stamp.at, RequestState.PENDING
    request.entry_seq = case.entry_count + 1
    db.session.add(request)
    db.session.flush()
    extends = request.kind is RequestKind.EXTEND
    leaders = asked_to_decide(case, request.kind, stamp.at, asker_id=request.asked_by) if extends else []
    owner = leaders[0] if case.extensions and len(leaders) == 1 else None
    words = f"{label(request.kind)}申请的{label(Clock.DECIDE)}"
    county_id = catalogue().county_id
    wanted = ClockFor(Clock.DECIDE, Subject.REQUEST, case.kind, case.urgency, case.category_id, words, county_id, owner)
    start_clock(wanted, stamp.at, subject_id=request.id, case_id=case.id)
    db.session.flush()


def _reason(kind: RequestKind, code: str | None) -> str | None:
    """Give the code of the reason; raises UnknownReason where the catalogue has none of that code for the kind."""
    if code is None:
        if kind in _REASON_NEEDED:
            raise UnknownReason(errors={"reason_code": ["请选择理由"]})
        return None
    reason = db.session.get(Reason, code)
    if reason is None or reason.kind is not kind or not reason.active:
        raise UnknownReason(errors={"reason_code": ["没有这个理由"]})
    return reason.code


def withdraw_request(stamp: Stamp, number: str, request_id: int, *, version: int | None = None) -> Case:
    """Take back a request that one asked oneself. Raises RequestNotFound, also for somebody else's."""
    case = lock_case(stamp, number, version=version)
    request = pending_request(case, request_id)
    asker = request.asked_by if stamp.actor.kind is ActorKind.STAFF else request.asked_by_resident
    if asker is None or asker != stamp.actor.id:
        raise RequestNotFound

    def change(acting: Stamp) -> Step:
        request.state, request.decided_at = RequestState.WITHDRAWN, acting.at
        for clock in lock_case_clocks([case.id]):
            if is_open(clock) and (clock.subject, clock.subject_id) == (Subject.REQUEST, request.id):
                cancel(clock, acting.at)
        return Step(facts={"request": request.kind})

    move_case(stamp, case, Action.WITHDRAW_REQUEST, Words(), change)
    return case


def pending_request(case: Case, request_id: int) -> Request:
    """Give a request of a case that waits for its decision; raises RequestNotFound."""
    query = select(Request).where(Request.id == request_id, Request.case_id == case.id, Request.state == RequestState.PENDING)
    request = db.session.scalars(query).first()
    if request is None:
        raise RequestNotFound
    return request


def close_request(stamp: Stamp, case: Case, request: Request, state: RequestState) -> None:
    """Write what was decided on a request, and stop the clock of the decision as met."""
    request.state, request.decided_at, request.decided_by = state, stamp.at, stamp.actor.id
    for clock in lock_case_clocks([case.id]):
        if is_open(clock) and (clock.subject, clock.subject_id) == (Subject.REQUEST, request.id):
            meet(clock, stamp.at)
    db.session.flush()
