"""Keeps the limits of returns, and the term that a case keeps when it changes hands."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Conflict
from app.ledger.clocks import Deadline
from app.ledger.county import county
from app.ledger.deadlines import term_of
from app.ledger.models import Assignment, Case, Entry
from app.ledger.requests.models import Request
from app.ledger.terms import HoursKind, Term, Unit, due_at, halved, resume
from app.ledger.vocabulary import Action, Clock, Duty, RequestKind, RequestState, Subject, Urgency
from app.territory.calendar.queries import load_calendar


class ReturnTooLate(Conflict):
    """退单时限已过"""


class ReturnLocked(Conflict):
    """退单争议已经裁定，不能再退单"""


class SignFirst(Conflict):
    """紧急工单请先签收处置，再提出退单"""


class AlreadyReported(Conflict):
    """已经反馈过办理情况，不能再退单"""


class ReturnLapsed(Conflict):
    """上级规定的退单时限已过"""


@dataclass(frozen=True)
class RoundTerm:
    """The lead's term in a round: when it is due, whether it is a rework round's half term, and its newest clock."""

    due: datetime
    half: bool
    clock: Deadline


def check_upstream_return(at: datetime, case: Case) -> None:
    """Raise ReturnLapsed once upstream's moment for returns is past."""
    last = select(Deadline.due_at).where(Deadline.case_id == case.id, Deadline.clock == Clock.UPSTREAM_RETURN)
    return_by = db.session.scalars(last.order_by(Deadline.id.desc()).limit(1)).first()
    if return_by is not None and at > return_by:
        raise ReturnLapsed


def return_until(case: Case, part: Assignment) -> datetime:
    """Give until when a unit may ask to return its part: a working day from dispatch, thirty minutes where it is urgent."""
    settings = county()
    if case.urgency is Urgency.URGENT:
        term = Term(settings.return_urgent_minutes, Unit.MINUTE, HoursKind.ALWAYS)
    else:
        term = Term(settings.return_days, Unit.WORKING_DAY, HoursKind.WORK)
    return due_at(_given_at(case, part), term, load_calendar(part.unit_id)).at


def _given_at(case: Case, part: Assignment) -> datetime:
    """Give when a unit was given what it has: a rework round, which goes on where the last one ended, gives nothing anew."""
    before = goes_on_from(case, part)
    return part.dispatched_at if before is None else _given_at(case, before)


def goes_on_from(case: Case, part: Assignment) -> Assignment | None:
    """Give the part of the round before that a rework round goes on from; None for one that was dispatched."""
    for before in case.assignments:
        same = (before.unit_id, before.duty, before.round) == (part.unit_id, part.duty, part.round - 1)
        if same and before.ended_at == part.dispatched_at:
            return before
    return None


def check_return(at: datetime, case: Case, part: Assignment) -> None:
    """Refuse a return that is too late, of a locked case, or of an urgent one that nobody has signed: act first, dispute later."""
    if case.return_locked:
        raise ReturnLocked
    if part.submitted_at is not None:
        raise AlreadyReported
    if case.urgency is Urgency.URGENT and part.signed_at is None:
        raise SignFirst
    until = return_until(case, part)
    if at > until:
        raise ReturnTooLate(f"退单应在 {until.astimezone(CHINA):%m月%d日 %H:%M} 前提出；现在可以申请改派")


def locks_return(request: Request, *, approved: bool) -> bool:
    """Say whether the decision on a return settles the dispute: a refusal does, and so does the second approval.

    Once a case is reopened, what was decided before counts no more.
    """
    reopenings = select(func.max(Entry.at)).where(Entry.case_id == request.case_id, Entry.action == Action.REOPEN)
    reopened_at = reopenings.scalar_subquery()
    before = select(Request.id).where(
        Request.case_id == request.case_id,
        Request.kind == RequestKind.RETURN,
        Request.state == RequestState.APPROVED,
        Request.id != request.id,
        or_(reopened_at.is_(None), Request.decided_at > reopened_at),
    )
    return not approved or db.session.scalars(before).first() is not None


def round_term(at: datetime, case: Case) -> RoundTerm | None:
    """Give the term that the lead has, or had before the case changed hands, in the present round; None in a round's first hands.

    Where it stands still, it is due as if it went on now.
    """
    leads = [a.id for a in case.assignments if a.duty is Duty.LEAD and a.round == case.round]
    query = select(Deadline).where(
        Deadline.case_id == case.id,
        Deadline.clock == Clock.RESOLVE,
        Deadline.subject == Subject.ASSIGNMENT,
        Deadline.subject_id.in_(leads),
    )
    clocks = db.session.scalars(query.order_by(Deadline.id)).all()
    if not clocks:
        return None
    first, last = clocks[0], clocks[-1]
    due = last.due_at
    if last.paused_at is not None and last.remainder is not None:
        due = resume(at, last.remainder, term=term_of(last)[1], calendar=load_calendar(last.owner_unit_id)).at
    whole = term_of(first)[0].term
    return RoundTerm(due, half=first.amount == halved(whole).amount < whole.amount, clock=last)
