"""Keeps suspensions: until when they last, and how a case goes on: by itself at its review date, or earlier by a person's hand."""

from datetime import date, datetime

from app.core.clock import CHINA
from app.core.errors import Conflict, Invalid
from app.core.stamp import Role, Stamp
from app.ledger.county import county
from app.ledger.handling import own_assignment
from app.ledger.models import Assignment, Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import Action, Duty
from app.territory.calendar.queries import load_calendar


class WrongReviewDate(Invalid):
    """复核日期有误"""


class SuspendAfterContact(Conflict):
    """挂账前请先联系群众，说明情况"""


class ReviewDatePassed(Conflict):
    """申请的复核日期已过，请不同意，由承办单位重新申请"""


def check_review_date(at: datetime, case: Case, lead: Assignment, day: date) -> None:
    """Refuse a review date that is not ahead or lies too far, and a suspension that the person has not heard of.

    Raises WrongReviewDate, SuspendAfterContact.
    """
    ahead = (day - at.astimezone(CHINA).date()).days
    if not 0 < ahead <= county().suspend_days:
        raise WrongReviewDate(errors={"review_on": [f"复核日期应在今后 {county().suspend_days} 天之内"]})
    if lead.contacted_at is None and not case.nobody_to_call:
        raise SuspendAfterContact


def review_close(at: datetime, day: date, lead: Assignment) -> datetime:
    """Give when a suspension is reviewed: at the close of business of its day, rolled forward from a rest day.

    Raises ReviewDatePassed where that is not ahead any more.
    """
    calendar = load_calendar(lead.unit_id)
    close = calendar.last_close(calendar.working_day(day, 0))
    if close <= at:
        raise ReviewDatePassed
    return close


def resume_case(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Take a suspended case up again before its review date: its clocks go on with what was left of them. Raises NotYourUnit."""
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        if acting.role in (Role.HANDLER, Role.UNIT_HEAD):
            own_assignment(acting, case, Duty.LEAD)
        return Step()

    move_case(stamp, case, Action.RESUME, Words(note=note), change)
    return case


def resume_due(stamp: Stamp, case: Case) -> None:
    """Let a locked case go on whose review date has come; suspending it again is a new request."""
    move_case(stamp, case, Action.RESUME, Words(), lambda _: Step(facts={"review": "due"}))
