"""Keeps that the working calendar is China's: every day of 2012–2026, make-up workdays, hours, and counting along them."""

from datetime import UTC, date, datetime, time, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import CHINA
from app.territory.calendar.published import CONFIRMED_YEARS, NOTICES, package_days
from app.territory.calendar.rules import (
    DUTY_SEASONS,
    WORK_SEASONS,
    Calendar,
    DayKind,
    Hours,
    Purpose,
    Season,
    Span,
    WrongHours,
    by_precedence,
)

CALENDAR = Calendar({day: kind for day, (kind, _) in package_days(2012, 2027).items()}, CONFIRMED_YEARS)
SUMMER = Season((7, 1), (8, 31), (Span(time(8, 30), time(12)), Span(time(15), time(18))))
NIGHT_DUTY = Season((12, 15), (2, 15), (Span(time(0), time(0)),))
SUMMER_CALENDAR = Calendar(CALENDAR.exceptions, CONFIRMED_YEARS, Hours((SUMMER, *WORK_SEASONS), (NIGHT_DUTY, *DUTY_SEASONS)))

days = st.dates(date(2012, 1, 1), date(2028, 12, 31))
moments = st.datetimes(datetime(2012, 1, 2), datetime(2028, 12, 31), timezones=st.just(UTC))


def china(text: str) -> datetime:
    """Read a China wall-clock time."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def test_every_day_of_2012_to_2026_is_what_a_second_package_says() -> None:
    first, last = date(2012, 1, 1).toordinal(), date(2026, 12, 31).toordinal()
    everyday = [date.fromordinal(n) for n in range(first, last + 1)]
    assert len(everyday) == 5479
    assert [day for day in everyday if CALENDAR.is_working(day) != chinese_calendar.is_workday(day)] == []


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 1, 1), False),  # New Year
        (date(2026, 1, 4), True),  # a Sunday worked for it
        (date(2026, 2, 14), True),  # a Saturday worked before the Spring Festival
        (date(2026, 2, 15), False),
        (date(2026, 2, 23), False),  # its ninth day
        (date(2026, 2, 24), True),
        (date(2026, 2, 28), True),  # a Saturday worked after it
        (date(2026, 9, 20), True),  # a Sunday worked for National Day
        (date(2026, 9, 25), False),  # Mid-Autumn
        (date(2026, 10, 7), False),
        (date(2026, 10, 10), True),
        (date(2026, 11, 24), True),
        (date(2026, 11, 28), False),
        (date(2020, 1, 31), False),  # the lengthened Spring Festival of 2020
        (date(2020, 2, 1), False),
        (date(2019, 5, 3), False),  # Labour Day 2019 as changed in March
        (date(2019, 5, 5), True),
        (date(2018, 12, 29), True),  # settled by the notice for 2019
        (date(2015, 9, 3), False),  # the seventieth anniversary of victory
        (date(2015, 9, 6), True),
    ],
)
def test_days_that_notices_name(day: date, working: bool) -> None:
    assert CALENDAR.is_working(day) is working


def test_make_up_workdays_of_2026_are_the_six_of_the_notice() -> None:
    worked = [day for day, (kind, _) in package_days(2026, 2026).items() if kind is DayKind.WORKDAY]
    assert worked == [
        date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10),
    ]  # fmt: skip


def test_every_make_up_workday_and_every_holiday_carries_a_chinese_note() -> None:
    assert all(note and not note.isascii() for _, note in package_days(2026, 2026).values())


def test_years_from_2012_to_2026_are_confirmed_and_2027_is_not() -> None:
    assert set(NOTICES) == set(range(2012, 2027))
    assert CALENDAR.is_confirmed(2026)
    assert not CALENDAR.is_confirmed(2027)
    assert package_days(2027, 2027)  # although the package has something to say about it


def test_a_day_without_an_exception_is_worked_from_monday_to_friday() -> None:
    assert [Calendar().is_working(date(2031, 6, n)) for n in range(2, 9)] == [True] * 5 + [False] * 2


def test_hours_of_work_hold_on_workdays_and_duty_on_every_day() -> None:
    assert CALENDAR.working_spans(date(2026, 2, 14)) == (Span(time(8, 30), time(12)), Span(time(14, 30), time(17, 30)))
    assert CALENDAR.working_spans(date(2026, 2, 17)) == ()
    assert CALENDAR.duty_spans(date(2026, 2, 17)) == (Span(time(7), time(22)),)


@pytest.mark.parametrize(
    ("day", "close"),
    [(date(2026, 6, 30), "17:30"), (date(2026, 7, 1), "18:00"), (date(2026, 8, 31), "18:00"), (date(2026, 9, 1), "17:30")],
)
def test_close_of_business_follows_the_season(day: date, close: str) -> None:
    assert SUMMER_CALENDAR.last_close(day) == china(f"{day}T{close}")
    assert SUMMER_CALENDAR.last_close(day).tzinfo is UTC


@pytest.mark.parametrize(
    ("day", "within"),
    [
        (date(2026, 12, 14), False), (date(2026, 12, 15), True), (date(2026, 12, 31), True), (date(2027, 1, 1), True),
        (date(2027, 2, 15), True), (date(2027, 2, 16), False), (date(2028, 2, 29), False),
    ],
)  # fmt: skip
def test_a_season_may_wrap_the_new_year(day: date, within: bool) -> None:
    assert NIGHT_DUTY.covers(day) is within
    assert (SUMMER_CALENDAR.duty_spans(day) == NIGHT_DUTY.spans) is within


def test_the_shorter_season_speaks_first() -> None:
    assert by_precedence([*WORK_SEASONS, SUMMER]) == (SUMMER, *WORK_SEASONS)
    assert SUMMER.length() == 62
    assert WORK_SEASONS[0].length() == 366


@pytest.mark.parametrize(
    "make",
    [
        lambda: Span(time(12), time(12)),
        lambda: Span(time(14), time(8)),
        lambda: Season((2, 30), (3, 1), SUMMER.spans),
        lambda: Season((1, 1), (13, 1), SUMMER.spans),
        lambda: Season((1, 1), (12, 31), ()),
        lambda: Season((1, 1), (12, 31), tuple(reversed(SUMMER.spans))),
        lambda: Season((1, 1), (12, 31), (Span(time(8), time(12)), Span(time(11), time(13)))),
        lambda: Season((1, 1), (12, 31), (Span(time(8), time(0)), Span(time(14), time(15)))),
        lambda: Hours(work=(SUMMER,)),
        lambda: Hours(duty=(Season((3, 1), (2, 28), NIGHT_DUTY.spans),)),  # 29 February is left out
    ],
)
def test_impossible_hours_are_refused(make: object) -> None:
    with pytest.raises(WrongHours):
        make()


@pytest.mark.parametrize(
    ("day", "count", "found"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 2, 13), 0, date(2026, 2, 13)),
        (date(2026, 2, 15), 0, date(2026, 2, 24)),
        (date(2026, 2, 24), -1, date(2026, 2, 14)),
        (date(2026, 2, 20), -1, date(2026, 2, 14)),
        (date(2026, 2, 20), -2, date(2026, 2, 13)),
        (date(2026, 1, 4), -1, date(2025, 12, 31)),
        (date(2025, 12, 31), 1, date(2026, 1, 4)),
        (date(2026, 1, 1), 0, date(2026, 1, 4)),
        (date(2024, 2, 28), 1, date(2024, 2, 29)),
    ],
)
def test_working_days_are_counted_forwards_and_backwards(day: date, count: int, found: date) -> None:
    assert CALENDAR.working_day(day, count) == found


@given(days, st.integers(-600, 600))
def test_counting_working_days_equals_walking_day_by_day(day: date, count: int) -> None:
    step, left, here = (1 if count > 0 else -1), abs(count), day
    if count == 0:
        while not CALENDAR.is_working(here):
            here += timedelta(days=1)
    while left:
        here += timedelta(days=step)
        left -= CALENDAR.is_working(here)
    assert CALENDAR.working_day(day, count) == here
    if count > 0:
        assert CALENDAR.working_days_between(day, here) == count


@given(days, days)
def test_working_days_between_equals_looking_at_each(after: date, until: date) -> None:
    each = (date.fromordinal(n) for n in range(after.toordinal() + 1, until.toordinal() + 1))
    assert CALENDAR.working_days_between(after, until) == sum(map(CALENDAR.is_working, each))


@given(st.sampled_from(Purpose), moments, st.integers(1, 4000))
def test_counted_time_equals_walking_minute_by_minute(purpose: Purpose, start: datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    end = SUMMER_CALENDAR.shift(purpose, start, timedelta(minutes=minutes))
    here, left, spans_of = start, minutes, {}
    while left:
        local = here.astimezone(CHINA)
        spans = spans_of.get(local.date())
        if spans is None:
            find = SUMMER_CALENDAR.working_spans if purpose is Purpose.WORK else SUMMER_CALENDAR.duty_spans
            spans = spans_of[local.date()] = find(local.date())
        if not spans:  # skip a rest day whole
            here = datetime.combine(local.date() + timedelta(days=1), time(0), CHINA).astimezone(UTC)
            continue
        left -= any(span.opens <= local.time() and (local.time() < span.closes or span.closes == time(0)) for span in spans)
        here += timedelta(minutes=1)
    assert end == here


@given(st.sampled_from(Purpose), moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=400)))
def test_counting_back_undoes_counting_on(purpose: Purpose, start: datetime, length: timedelta) -> None:
    end = SUMMER_CALENDAR.shift(purpose, start, length)
    assert SUMMER_CALENDAR.counted_between(purpose, start, end) == length
    back = SUMMER_CALENDAR.shift(purpose, end, -length)
    assert back <= start or SUMMER_CALENDAR.counted_between(purpose, start, back) == timedelta(0)
    assert SUMMER_CALENDAR.counted_between(purpose, back, end) == length


def test_counting_nothing_stays_where_it_is_and_backwards_between_is_nothing() -> None:
    lunch = china("2026-11-24T13:00")
    assert CALENDAR.shift(Purpose.WORK, lunch, timedelta(0)) == lunch
    assert CALENDAR.counted_between(Purpose.WORK, lunch, lunch - timedelta(days=9)) == timedelta(0)


def test_duty_around_the_clock_counts_across_midnight_and_the_new_year() -> None:
    start = china("2026-12-31T23:50")
    assert SUMMER_CALENDAR.shift(Purpose.DUTY, start, timedelta(minutes=20)) == china("2027-01-01T00:10")


@pytest.mark.parametrize(
    ("start", "end", "reaches"),
    [
        ("2026-12-31T23:59:59", "2026-12-31T23:59:59", False),
        ("2026-12-31T23:59:59", "2027-01-01T00:00", True),
        ("2011-12-31T23:59:59", "2012-01-05T00:00", True),
        ("2026-01-01T00:00", "2029-01-01T00:00", True),
    ],
)
def test_reaching_an_unconfirmed_year_goes_by_the_date_in_china(start: str, end: str, reaches: bool) -> None:
    assert CALENDAR.reaches_unconfirmed(china(start), china(end)) is reaches


@pytest.mark.parametrize(
    ("at", "missing"),
    [
        ("2026-10-31T23:59", []),
        ("2026-11-01T00:00", [2027]),
        ("2026-12-31T23:59", [2027]),
        ("2027-01-01T00:00", [2027]),
        ("2027-11-01T00:00", [2027, 2028]),
    ],
)
def test_the_next_years_holidays_are_wanted_from_the_first_of_november_in_china(at: str, missing: list[int]) -> None:
    assert CALENDAR.missing_years(china(at).astimezone(UTC)) == missing
