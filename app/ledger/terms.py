"""Keeps the arithmetic of deadlines: when a term is due, when it turns amber, and what is left of it (case-rules §4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from app.core.clock import CHINA
from app.core.errors import Invalid
from app.territory.calendar.rules import Calendar, Purpose


class WrongTerm(Invalid):
    """期限设置有误"""


class Unit(StrEnum):
    """The units in which a term is counted."""

    MINUTE = "minute"
    HOUR = "hour"
    WORKING_HOUR = "working_hour"
    WORKING_DAY = "working_day"
    CALENDAR_DAY = "calendar_day"


class HoursKind(StrEnum):
    """The hours that count: 7×24, duty hours or working hours."""

    ALWAYS = "always"
    DUTY = "duty"
    WORK = "work"


DAY_UNITS = frozenset({Unit.WORKING_DAY, Unit.CALENDAR_DAY})
LONGEST = timedelta(days=3660)
"""No term is longer than ten years; a longer one is a slip of the hand."""

Spans = Sequence[tuple[datetime, datetime | None]]
"""When a clock stood still: from, until (None: still)."""


@dataclass(frozen=True)
class Term:
    """A length of time: `amount` (1 or more) of a unit, counted in some hours. Only minutes and hours have a choice of hours."""

    amount: int
    unit: Unit
    hours: HoursKind

    def __post_init__(self) -> None:
        """Refuse amounts below 1 or past ten years, and units of work counted in other hours than those of work."""
        if self.amount < 1:
            raise WrongTerm("期限至少为 1 个单位。")
        if self.amount > LONGEST // timedelta(minutes=1) or self.length() > LONGEST:
            raise WrongTerm("期限不能超过十年。")
        if self.unit not in {Unit.MINUTE, Unit.HOUR} and self.hours is not HoursKind.WORK:
            raise WrongTerm("工作小时、工作日和自然日只能按工作时间计算。")

    def length(self) -> timedelta:
        """Give the term as counted time; one counted day stands as one day."""
        match self.unit:
            case Unit.MINUTE:
                return timedelta(minutes=self.amount)
            case Unit.HOUR | Unit.WORKING_HOUR:
                return timedelta(hours=self.amount)
            case Unit.WORKING_DAY | Unit.CALENDAR_DAY:
                return timedelta(days=self.amount)


@dataclass(frozen=True)
class Due:
    """A due moment (UTC); provisional while it, or anything counted on the way to it, lies in an unconfirmed year."""

    at: datetime
    provisional: bool


def due_at(start: datetime, term: Term, calendar: Calendar) -> Due:
    """Give when a term that starts at an aware moment is due.

    Minutes and hours run from the moment itself or, where it lies outside the hours that count, from the next opening;
    a count that ends as a span closes is due at that closing. For day units the day of the start does not count, in
    China time, and the due moment is the close of business of the last day; a last calendar day that is a rest day
    rolls forward to the next working day.
    """
    return resume(start, term.length(), term=term, calendar=calendar)


def resume(at: datetime, remainder: timedelta, *, term: Term, calendar: Calendar) -> Due:
    """Give when a clock is due that goes on at a moment with a remainder as `remaining` gave it.

    A remainder of no days means the rest of that day's business: where the day is not worked or has closed already, it
    is due when the next working day closes. A remainder of no time is due at once.
    """
    end = _end(_aware(at), remainder, term, calendar)
    return Due(end, calendar.reaches_unconfirmed(at, end))


def remaining(at: datetime, due: datetime, *, term: Term, calendar: Calendar) -> timedelta:
    """Give what is left at a moment of a clock due at `due`, in the clock's own unit; nothing once it is due.

    Minutes and hours give the time inside the hours that count; day units give whole days (one counted day stands as
    one day), the day of the moment not among them. While nothing is paused, `resume` of it gives `due` back.
    """
    if _aware(at) >= _aware(due):
        return timedelta(0)
    match term.unit:
        case Unit.WORKING_DAY:
            return timedelta(days=calendar.working_days_between(_china_day(at), _china_day(due)))
        case Unit.CALENDAR_DAY:
            return _china_day(due) - _china_day(at)
        case _:
            purpose = _purpose(term.hours)
            return due - at if purpose is None else calendar.counted_between(purpose, at, due)


def due_with_pauses(start: datetime, term: Term, calendar: Calendar, spans: Spans) -> datetime | None:
    """Give when a term is due that stood still in `spans`; None while it still stands still and was not due before."""
    due = due_at(start, term, calendar).at
    for begin, end in spans:
        if begin < start or begin > due:
            continue
        if end is None:
            return None
        due = resume(end, remaining(begin, due, term=term, calendar=calendar), term=term, calendar=calendar).at
    return due


def warn_at(start: datetime, due: datetime, *, term: Term, calendar: Calendar, share: float = 0.8) -> datetime:
    """Give the moment (UTC) at which a clock turns amber: when `share` of its whole term is used up.

    Counted back from the due moment in the term's own unit, so that it is right after a pause as well (`start` is then
    the moment of resumption) and, given the lengthened term, after an extension. A part of a working day is that part
    of its working time. Never before `start`, never after `due`.
    """
    if not 0 < share <= 1:
        raise WrongTerm("提醒比例应在 0 和 1 之间。")
    reserve = term.length() * (1 - share)
    match term.unit:
        case Unit.WORKING_DAY:
            day = calendar.working_day(_china_day(due), -reserve.days)
            close = calendar.last_close(day)
            part = (reserve - timedelta(days=reserve.days)) / timedelta(days=1)
            back = _working_time(day, calendar) * part
            amber = calendar.shift(Purpose.WORK, close, -back)
        case Unit.CALENDAR_DAY:
            amber = due - reserve
        case _:
            purpose = _purpose(term.hours)
            amber = due - reserve if purpose is None else calendar.shift(purpose, due, -reserve)
    return max(_aware(start), min(_aware(due), amber)).astimezone(UTC)


def halved(term: Term) -> Term:
    """Give the term of a rework round: half the amount, rounded up."""
    return replace(term, amount=(term.amount + 1) // 2)


def _end(at: datetime, length: timedelta, term: Term, calendar: Calendar) -> datetime:
    """Give the moment at which `length` has been counted from `at`."""
    if term.unit in DAY_UNITS:
        if term.unit is Unit.WORKING_DAY:
            last = calendar.working_day(_china_day(at), length.days)
        else:
            last = calendar.working_day(_china_day(at) + length, 0)
        close = calendar.last_close(last)
        return close if close >= at else calendar.last_close(calendar.working_day(last, 1))
    purpose = _purpose(term.hours)
    return (at + length).astimezone(UTC) if purpose is None else calendar.shift(purpose, at, length)


def _purpose(hours: HoursKind) -> Purpose | None:
    """Give the table of hours that counts; None for 7×24."""
    match hours:
        case HoursKind.ALWAYS:
            return None
        case HoursKind.DUTY:
            return Purpose.DUTY
        case HoursKind.WORK:
            return Purpose.WORK


def _working_time(day: date, calendar: Calendar) -> timedelta:
    """Give how long a working day is."""
    moments = [span.moments(day) for span in calendar.working_spans(day)]
    return sum((closes - opens for opens, closes in moments), timedelta(0))


def _china_day(moment: datetime) -> date:
    """Give the date in China at a moment."""
    return moment.astimezone(CHINA).date()


def _aware(moment: datetime) -> datetime:
    """Give the moment, refusing one without a zone: it would be read in the zone of the machine."""
    if moment.tzinfo is None:
        raise ValueError("a term needs aware moments")
    return moment
