"""Keeps the spans of digests: a calendar week from Monday, a calendar month, each with those before it; in China's time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from app.core.clock import CHINA
from app.figures.periods import Period, PeriodUnfit, between, month_of


class Every(StrEnum):
    """How often a digest is made."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


TITLES = {Every.WEEKLY: "民生诉求周汇总", Every.MONTHLY: "民生诉求月研判"}
EARLIER = {Every.WEEKLY: 4, Every.MONTHLY: 3}
"""With how many spans before it a span's topics are compared."""


@dataclass(frozen=True)
class Span:
    """A week or month: its name as it is printed, its period, the one before, and several before together."""

    every: Every
    name: str
    period: Period
    before: Period
    earlier: Period
    earlier_spans: int


def span_of(every: Every, day: date | None, at: datetime) -> Span:
    """Give the span in which a day lies, or where none is named the last that was over at a moment.

    Raises PeriodUnfit for one that has not begun.
    """
    first = _first(every, day or _first(every, at.astimezone(CHINA).date()) - timedelta(days=1))
    period, before = _period(every, first), _period(every, _first(every, first - timedelta(days=1)))
    start = first
    for _ in range(EARLIER[every]):
        start = _first(every, start - timedelta(days=1))
    if period.since > at:
        raise PeriodUnfit(errors={"day": ["这段时间还没有开始"]})
    earlier = Period(_period(every, start).since, period.since)
    return Span(every, _name(every, first), period, before, earlier, EARLIER[every])


def _first(every: Every, day: date) -> date:
    return day.replace(day=1) if every is Every.MONTHLY else day - timedelta(days=day.weekday())


def _period(every: Every, first: date) -> Period:
    if every is Every.MONTHLY:
        return month_of(first)
    since = datetime(first.year, first.month, first.day, tzinfo=CHINA)
    return between(since, since + timedelta(days=7))


def _name(every: Every, first: date) -> str:
    if every is Every.MONTHLY:
        return f"{first.year} 年 {first.month} 月"
    year, week, _ = first.isocalendar()
    last = first + timedelta(days=6)
    return f"{year} 年第 {week} 周（{first.month} 月 {first.day} 日—{last.month} 月 {last.day} 日）"
