"""Keeps the working calendar: which days are worked, at what hours, and how counted time is laid along them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from app.core.clock import CHINA
from app.core.errors import Invalid

MIDNIGHT = time(0)
MonthDay = tuple[int, int]
"""A day of any year, as (month, day)."""


class WrongHours(Invalid):
    """作息时间有误"""


class DayKind(StrEnum):
    """Whether a day is worked; make-up workdays (调休) are workdays."""

    WORKDAY = "workday"
    RESTDAY = "restday"


class Purpose(StrEnum):
    """What a table of hours is for: office work on workdays, or duty, which is kept every day."""

    WORK = "work"
    DUTY = "duty"


@dataclass(frozen=True)
class Span:
    """Hours of one day in China time, from `opens` up to but without `closes`; closing at 00:00 means the day's end."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        """Refuse a span that does not end after it opens, or that names a zone."""
        if self.opens.tzinfo or self.closes.tzinfo or (self.closes <= self.opens and self.closes != MIDNIGHT):
            raise WrongHours("结束时间应晚于开始时间。")

    def moments(self, day: date) -> tuple[datetime, datetime]:
        """Give the UTC moments at which the span opens and closes on a day."""
        closing_day = day + timedelta(days=1) if self.closes == MIDNIGHT else day
        return _moment(day, self.opens), _moment(closing_day, self.closes)


@dataclass(frozen=True)
class Season:
    """The hours kept from one day of the year to another, both included; `first` after `last` wraps the new year."""

    first: MonthDay
    last: MonthDay
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        """Refuse days that do not exist, and spans that are missing, out of order or overlapping."""
        for month, day in (self.first, self.last):
            try:
                date(2000, month, day)
            except ValueError:
                raise WrongHours(f"没有{month}月{day}日这一天。") from None
        if not self.spans:
            raise WrongHours("每个时段至少要有一段工作时间。")
        for earlier, later in zip(self.spans, self.spans[1:], strict=False):
            if earlier.closes == MIDNIGHT or later.opens < earlier.closes:
                raise WrongHours("工作时间应按先后排列，不能重叠。")

    def covers(self, day: date) -> bool:
        """Say whether the season holds on a day."""
        here = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= here <= self.last
        return here >= self.first or here <= self.last

    def length(self) -> int:
        """Give the number of days of a leap year that the season covers; of several seasons the shortest speaks first."""
        return sum(self.covers(day) for day in LEAP_YEAR)


LEAP_YEAR = tuple(date(2000, 1, 1) + timedelta(days=n) for n in range(366))
WHOLE_YEAR = ((1, 1), (12, 31))
WORK_SEASONS = (Season(*WHOLE_YEAR, (Span(time(8, 30), time(12)), Span(time(14, 30), time(17, 30)))),)
DUTY_SEASONS = (Season(*WHOLE_YEAR, (Span(time(7), time(22)),)),)
"""What holds until an administrator says otherwise (case-rules §4)."""


@dataclass(frozen=True)
class Hours:
    """The seasons of work and of duty; on a day that several seasons cover, the first in the list speaks."""

    work: tuple[Season, ...] = WORK_SEASONS
    duty: tuple[Season, ...] = DUTY_SEASONS

    def __post_init__(self) -> None:
        """Refuse seasons that leave a day of the year without hours."""
        for seasons in (self.work, self.duty):
            if not all(any(season.covers(day) for season in seasons) for day in LEAP_YEAR):
                raise WrongHours("作息时间表没有覆盖全年的每一天。")

    def spans(self, purpose: Purpose, day: date) -> tuple[Span, ...]:
        """Give the spans that a purpose has on a day of the year, worked or not."""
        seasons = self.work if purpose is Purpose.WORK else self.duty
        return next(season.spans for season in seasons if season.covers(day))


def by_precedence(seasons: Iterable[Season]) -> tuple[Season, ...]:
    """Order seasons of one table so that the narrower speaks first: a summer table needs no winter table cut around it."""
    return tuple(sorted(seasons, key=lambda season: (season.length(), season.first)))


class _Track(NamedTuple):
    """One China year of one purpose: each span's opening and closing (UTC), and the time counted through its closing."""

    opens: list[datetime]
    closes: list[datetime]
    through: list[timedelta]

    def counted_until(self, moment: datetime) -> timedelta:
        """Give the time counted from the year's beginning until a moment."""
        index = bisect_right(self.opens, moment) - 1
        if index < 0:
            return timedelta(0)
        return self.through[index] - max(self.closes[index] - moment, timedelta(0))

    def total(self) -> timedelta:
        """Give the time counted in the whole year."""
        return self.through[-1] if self.through else timedelta(0)


WANTED_FROM = (11, 1)
"""Month and day from which the next year's holidays are wanted: the State Council publishes them about then."""


@dataclass(frozen=True, eq=False)
class Calendar:
    """Days, hours and confirmed years. Days without an exception are worked from Monday to Friday.

    Each year is laid out once, when first asked for, so that counting is a search in it and never a walk along days.
    """

    exceptions: Mapping[date, DayKind] = field(default_factory=dict)
    confirmed_years: frozenset[int] = frozenset()
    hours: Hours = field(default_factory=Hours)
    _workdays: dict[int, list[int]] = field(default_factory=dict, init=False, repr=False)
    _tracks: dict[tuple[Purpose, int], _Track] = field(default_factory=dict, init=False, repr=False)

    def is_working(self, day: date) -> bool:
        """Say whether a day is worked."""
        kind = self.exceptions.get(day)
        return day.weekday() < 5 if kind is None else kind is DayKind.WORKDAY

    def is_confirmed(self, year: int) -> bool:
        """Say whether the State Council's holiday notice for a year is known."""
        return year in self.confirmed_years

    def missing_years(self, at: datetime) -> list[int]:
        """Give the years whose notice is wanted and not known: the present one and, from 1 November in China on, the next."""
        today = at.astimezone(CHINA).date()
        wanted = [today.year] if (today.month, today.day) < WANTED_FROM else [today.year, today.year + 1]
        return [year for year in wanted if not self.is_confirmed(year)]

    def reaches_unconfirmed(self, start: datetime, end: datetime) -> bool:
        """Say whether any China year between two moments, theirs included, is unconfirmed."""
        first, last = start.astimezone(CHINA).year, end.astimezone(CHINA).year
        return any(year not in self.confirmed_years for year in range(first, last + 1))

    def working_spans(self, day: date) -> tuple[Span, ...]:
        """Give the hours worked on a day; none on a rest day."""
        return self.hours.spans(Purpose.WORK, day) if self.is_working(day) else ()

    def duty_spans(self, day: date) -> tuple[Span, ...]:
        """Give the hours of duty on a day."""
        return self.hours.spans(Purpose.DUTY, day)

    def last_close(self, day: date) -> datetime:
        """Give the close of business (UTC) of a day; for a rest day, when it would have closed."""
        return self.hours.spans(Purpose.WORK, day)[-1].moments(day)[1]

    def working_day(self, day: date, count: int) -> date:
        """Give the `count`-th working day after a day, before it when negative; 0 gives the day itself or rolls forward."""
        year = day.year
        workdays = self._workdays_of(year)
        index = bisect_right(workdays, day.toordinal()) - 1 if count > 0 else bisect_left(workdays, day.toordinal())
        index += count
        while index >= len(workdays):
            index -= len(workdays)
            year += 1
            workdays = self._workdays_of(year)
        while index < 0:
            year -= 1
            workdays = self._workdays_of(year)
            index += len(workdays)
        return date.fromordinal(workdays[index])

    def working_days_between(self, after: date, until: date) -> int:
        """Give the number of working days later than `after` and not later than `until`; 0 when there are none."""
        if until <= after:
            return 0
        whole_years = sum(len(self._workdays_of(year)) for year in range(after.year, until.year))
        passed = bisect_right(self._workdays_of(after.year), after.toordinal())
        return whole_years + bisect_right(self._workdays_of(until.year), until.toordinal()) - passed

    def shift(self, purpose: Purpose, moment: datetime, by: timedelta) -> datetime:
        """Give the moment (UTC) reached by counting `by` inside the spans of a purpose, backwards when negative.

        Time outside the spans does not count. Where a count is complete just as a span closes, the moment is that
        closing, not the next opening; counting nothing stays where it is.
        """
        if not by:
            return moment.astimezone(UTC)
        year = moment.astimezone(CHINA).year
        track = self._track(purpose, year)
        goal = track.counted_until(moment) + by
        while goal > track.total():
            goal -= track.total()
            year += 1
            track = self._track(purpose, year)
        while goal <= timedelta(0):
            year -= 1
            track = self._track(purpose, year)
            goal += track.total()
        index = bisect_left(track.through, goal)
        return track.closes[index] - (track.through[index] - goal)

    def counted_between(self, purpose: Purpose, start: datetime, end: datetime) -> timedelta:
        """Give the time inside the spans of a purpose from one moment to a later one; none when `end` is not later."""
        if end <= start:
            return timedelta(0)
        first, last = start.astimezone(CHINA).year, end.astimezone(CHINA).year
        whole_years = sum((self._track(purpose, year).total() for year in range(first, last)), timedelta(0))
        return whole_years + self._track(purpose, last).counted_until(end) - self._track(purpose, first).counted_until(start)

    def _workdays_of(self, year: int) -> list[int]:
        """Give the ordinals of a year's working days, in order."""
        workdays = self._workdays.get(year)
        if workdays is None:
            workdays = self._workdays[year] = [day.toordinal() for day in _days_of(year) if self.is_working(day)]
        return workdays

    def _track(self, purpose: Purpose, year: int) -> _Track:
        """Give a year's spans of a purpose, laid end to end."""
        track = self._tracks.get((purpose, year))
        if track is None:
            spans_of = self.working_spans if purpose is Purpose.WORK else self.duty_spans
            track = _Track([], [], [])
            for day in _days_of(year):
                for span in spans_of(day):
                    opens, closes = span.moments(day)
                    track.through.append(track.total() + (closes - opens))
                    track.opens.append(opens)
                    track.closes.append(closes)
            self._tracks[purpose, year] = track
        return track


def _days_of(year: int) -> Iterable[date]:
    """Give every day of a year; ValueError past the last year that a date can name."""
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    return map(date.fromordinal, range(first, last + 1))


def _moment(day: date, at: time) -> datetime:
    """Give the UTC moment of a China wall-clock time."""
    return datetime.combine(day, at, CHINA).astimezone(UTC)
