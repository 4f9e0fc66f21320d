"""Keeps the periods that figures are told for: a month, an assessment window, any from–to; all in China's time."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from app.core.clock import CHINA
from app.core.errors import Invalid
from app.ledger.county import County

LONGEST = timedelta(days=1100)


class PeriodUnfit(Invalid):
    """统计期间有误"""


@dataclass(frozen=True)
class Period:
    """From `since` (UTC) until before `until`."""

    since: datetime
    until: datetime


def between(since: datetime, until: datetime) -> Period:
    """Give any period; raises PeriodUnfit when it ends before it begins, or is longer than three years."""
    if not since < until:
        raise PeriodUnfit(errors={"until": ["结束时间要晚于开始时间"]})
    if until - since > LONGEST:
        raise PeriodUnfit(errors={"until": ["一次最多统计三年"]})
    return Period(since.astimezone(UTC), until.astimezone(UTC))


def month_of(month: date) -> Period:
    """Give the calendar month in which a day lies."""
    return _from_to(month.replace(day=1), _next_month(month), day=1, hour=0)


def window_of(month: date, county: County) -> Period:
    """Give the assessment window that ends in a month: by default from the 19th of the month before, noon, to the 19th, noon."""
    return _from_to(_month_before(month), month.replace(day=1), day=county.window_day, hour=county.window_hour)


def period_of(
    county: County,
    *,
    month: date | None = None,
    window: date | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Period:
    """Give the period that is named in one of three ways: a month, the window that ends in a month, or from–to.

    Raises PeriodUnfit where none is named, or more than one.
    """
    if sum(each is not None for each in (month, window, since)) != 1 or (since is None) != (until is None):
        raise PeriodUnfit("请选择一个月份、一个考核期，或者起止时间")
    if since is not None and until is not None:
        return between(since, until)
    return window_of(window, county) if window is not None else month_of(month or date.min)


def _from_to(first: date, last: date, *, day: int, hour: int) -> Period:
    since, until = (
        datetime(each.year, each.month, min(day, monthrange(each.year, each.month)[1]), hour, tzinfo=CHINA)
        for each in (first, last)
    )
    return Period(since.astimezone(UTC), until.astimezone(UTC))


def _month_before(month: date) -> date:
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def _next_month(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
