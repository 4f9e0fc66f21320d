"""Keeps the periods in which visits fall due: the calendar months, quarters, halves and years of China time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.core.clock import CHINA

LEAST_DAYS = 7
"""What begins later than so many days before a period's end waits for the next period."""


@dataclass(frozen=True)
class Period:
    """Some whole months: their name (`2026-11`, `2026-Q4`, `2026-H2`), their first and their last day."""

    code: str
    first: date
    last: date


def day_of(at: datetime) -> date:
    """Give the day in China on which a moment lies."""
    return at.astimezone(CHINA).date()


def period_of(day: date, every_months: int) -> Period:
    """Give the period of so many months (a divisor of twelve) in which a day lies, counted from January."""
    place = (day.month - 1) // every_months
    first = date(day.year, place * every_months + 1, 1)
    month = first.month + every_months
    after = date(day.year + 1, 1, 1) if month > 12 else date(day.year, month, 1)
    code = {1: f"-{first.month:02}", 3: f"-Q{place + 1}", 6: f"-H{place + 1}", 12: ""}.get(every_months)
    code = f"-{every_months}M{place + 1}" if code is None else code
    return Period(f"{day.year}{code}", first, after - timedelta(days=1))


def planned_on(day: date, every_months: int) -> Period | None:
    """Give the period for which a visit is planned on a day; None where too little of it is left to plan one anew."""
    period = period_of(day, every_months)
    return period if (period.last - day).days + 1 >= LEAST_DAYS else None
