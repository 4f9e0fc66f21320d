"""Keeps the limits of requests: how soon a unit returns, before when an extension is asked, how far a review date lies."""

from datetime import date, datetime, timedelta

from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Conflict, Invalid
from app.ledger.clocks import Deadline
from app.ledger.county import county
from app.ledger.models import Assignment, Case, Request
from app.ledger.terms import HoursKind, Term, Unit, due_at
from app.ledger.vocabulary import Clock, Duty, RequestKind, RequestState, Subject, Urgency
from app.territory.calendar.queries import load_calendar


class ReturnTooLate(Conflict):
    """退单时限已过"""


class ReturnLocked(Conflict):
    """退单争议已经裁定，不能再退单"""


class SignFirst(Conflict):
    """紧急工单请先签收处置，再提出退单"""


class AlreadyDue(Conflict):
    """办理时限已到，不能再申请延期"""


class NoMoreExtensions(Conflict):
    """延期次数已用完"""


class WrongReviewDate(Invalid):
    """复核日期有误"""


class SuspendAfterContact(Conflict):
    """挂账前请先联系群众，说明情况"""


def return_until(case: Case, part: Assignment) -> datetime:
    """Give until when a unit may ask to return its part: a working day from dispatch, thirty minutes where it is urgent."""
    settings = county()
    if case.urgency is Urgency.URGENT:
        term = Term(settings.return_urgent_minutes, Unit.MINUTE, HoursKind.ALWAYS)
    else:
        term = Term(settings.return_days, Unit.WORKING_DAY, HoursKind.WORK)
    return due_at(part.dispatched_at, term, load_calendar(part.unit_id)).at


def check_return(at: datetime, case: Case, part: Assignment) -> None:
    """Refuse a return that is too late, of a locked case, or of an urgent one that nobody has signed: act first, dispute later."""
    if case.return_locked:
        raise ReturnLocked
    if case.urgency is Urgency.URGENT and part.signed_at is None:
        raise SignFirst
    until = return_until(case, part)
    if at > until:
        raise ReturnTooLate(f"请在 {until.astimezone(CHINA):%m月%d日 %H:%M} 前提出；现在可以申请改派")


def locks_return(request: Request, *, approved: bool) -> bool:
    """Say whether the decision on a return settles the dispute: a refusal does, and so does the second approval."""
    before = select(Request.id).where(
        Request.case_id == request.case_id,
        Request.kind == RequestKind.RETURN,
        Request.state == RequestState.APPROVED,
        Request.id != request.id,
    )
    return not approved or db.session.scalars(before).first() is not None


def resolve_clock(case: Case, part: Assignment) -> Deadline | None:
    """Give the present resolve clock of a part, paused or not; None when it has none that is open."""
    query = select(Deadline).where(
        Deadline.case_id == case.id,
        Deadline.clock == Clock.RESOLVE,
        Deadline.subject == Subject.ASSIGNMENT,
        Deadline.subject_id == part.id,
        Deadline.met_at.is_(None),
        Deadline.cancelled_at.is_(None),
    )
    return db.session.scalars(query).first()


def first_term(case: Case) -> datetime | None:
    """Give the due moment that the lead's term of this round had before the case changed hands; None in a round's first hands."""
    leads = [a.id for a in case.assignments if a.duty is Duty.LEAD and a.round == case.round]
    query = select(Deadline.due_at).where(
        Deadline.case_id == case.id,
        Deadline.clock == Clock.RESOLVE,
        Deadline.subject == Subject.ASSIGNMENT,
        Deadline.subject_id.in_(leads),
    )
    return db.session.scalars(query.order_by(Deadline.id.desc()).limit(1)).first()


def check_extension(at: datetime, case: Case, lead: Assignment) -> None:
    """Refuse an extension that is asked after the term has ended, or once too often."""
    if case.extensions >= county().extensions_most:
        raise NoMoreExtensions(f"最多延期 {county().extensions_most} 次")
    clock = resolve_clock(case, lead)
    if clock is None or at > clock.due_at or clock.breached_at is not None:
        raise AlreadyDue


def review_close(day: date, part: Assignment) -> datetime:
    """Give when a suspension is reviewed: at the close of business of its day, rolled forward from a rest day."""
    calendar = load_calendar(part.unit_id)
    return calendar.last_close(calendar.working_day(day, 0))


def check_review_date(at: datetime, case: Case, lead: Assignment, day: date) -> None:
    """Refuse a review date that is not ahead or lies too far, and a suspension that the person has not heard of."""
    today = at.astimezone(CHINA).date()
    if not today < day <= today + timedelta(days=county().suspend_days):
        raise WrongReviewDate(errors={"review_on": [f"复核日期应在今后 {county().suspend_days} 天之内"]})
    if lead.contacted_at is None and not case.nobody_to_call:
        raise SuspendAfterContact
