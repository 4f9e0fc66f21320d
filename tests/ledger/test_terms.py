"""Keeps the arithmetic of deadlines, row by row as counted by hand on the calendar of 2026, and its laws."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import CHINA
from app.ledger.terms import Due, HoursKind, Term, Unit, WrongTerm, due_at, halved, remaining, resume, warn_at
from app.territory.calendar.published import CONFIRMED_YEARS, package_days
from app.territory.calendar.rules import WORK_SEASONS, Calendar, DayKind, Hours, Season, Span

ALWAYS, DUTY, WORK = HoursKind.ALWAYS, HoursKind.DUTY, HoursKind.WORK
KNOWN = {day: kind for day, (kind, _) in package_days(2012, 2027).items()}
CALENDAR = Calendar(KNOWN, CONFIRMED_YEARS)
SUMMER = Season((7, 1), (8, 31), (Span(time(8, 30), time(12)), Span(time(15), time(18))))
SUMMER_CALENDAR = Calendar(KNOWN, CONFIRMED_YEARS, Hours(work=(SUMMER, *WORK_SEASONS)))


def china(text: str) -> datetime:
    """Read a China wall-clock time, the year 2026 where none is given."""
    return datetime.fromisoformat(text if text[4] == "-" else f"2026-{text}").replace(tzinfo=CHINA)


def check(start: str, term: Term, due: str, calendar: Calendar = CALENDAR) -> Due:
    """See that a term comes out as counted by hand, in UTC."""
    found = due_at(china(start), term, calendar)
    assert found.at.astimezone(CHINA) == china(due)
    assert found.at.tzinfo is UTC
    return found


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("11-24T09:00", 1, "11-25T17:30"),  # Tuesday: the day itself does not count
        ("11-24T00:00", 1, "11-25T17:30"),
        ("11-24T23:59:59", 1, "11-25T17:30"),
        ("11-24T09:00", 3, "11-27T17:30"),
        ("11-24T09:00", 4, "11-30T17:30"),  # over a weekend
        ("11-27T10:00", 1, "11-30T17:30"),
        ("11-28T12:00", 1, "11-30T17:30"),  # from a Saturday
        ("11-29T23:00", 1, "11-30T17:30"),
        ("02-13T10:00", 1, "02-14T17:30"),  # Saturday 14 February is worked
        ("02-13T10:00", 2, "02-24T17:30"),  # the Spring Festival, 15 to 23 February
        ("02-13T10:00", 5, "02-27T17:30"),
        ("02-13T10:00", 6, "02-28T17:30"),  # Saturday 28 February is worked
        ("02-13T10:00", 7, "03-02T17:30"),
        ("02-14T10:00", 1, "02-24T17:30"),
        ("02-17T10:00", 1, "02-24T17:30"),
        ("02-23T23:59", 1, "02-24T17:30"),
        ("02-28T10:00", 1, "03-02T17:30"),
        ("01-23T10:00", 30, "03-12T17:30"),  # 5+5+5, 14 Feb, 24–28 Feb, 5, then Mon–Thu
        ("09-18T10:00", 1, "09-20T17:30"),  # Sunday 20 September is worked
        ("09-24T10:00", 1, "09-28T17:30"),  # Mid-Autumn
        ("09-30T16:00", 1, "10-08T17:30"),  # National Day, 1 to 7 October
        ("09-30T16:00", 3, "10-10T17:30"),
        ("09-30T16:00", 4, "10-12T17:30"),
        ("10-03T16:00", 1, "10-08T17:30"),
        ("04-03T16:00", 1, "04-07T17:30"),  # Tomb-Sweeping, 4 to 6 April
        ("12-29T10:00", 2, "12-31T17:30"),
        ("2025-12-31T10:00", 1, "01-04T17:30"),  # Sunday 4 January is worked
        ("2024-02-28T10:00", 1, "2024-02-29T17:30"),
        ("2024-02-29T10:00", 1, "2024-03-01T17:30"),
        ("2024-02-17T10:00", 1, "2024-02-18T17:30"),
        ("2020-01-23T10:00", 1, "2020-02-03T17:30"),  # the lengthened festival
    ],
)
def test_working_days_end_at_the_close_of_business_of_the_last(start: str, days: int, due: str) -> None:
    assert not check(start, Term(days, Unit.WORKING_DAY, WORK), due).provisional


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("11-24T09:00", 3, "11-27T17:30"),
        ("11-24T09:00", 4, "11-30T17:30"),  # a Saturday rolls forward
        ("11-24T09:00", 5, "11-30T17:30"),
        ("02-10T09:00", 4, "02-14T17:30"),  # a worked Saturday does not
        ("02-10T09:00", 5, "02-24T17:30"),
        ("02-10T09:00", 13, "02-24T17:30"),
        ("02-10T09:00", 14, "02-24T17:30"),
        ("02-10T09:00", 15, "02-25T17:30"),
        ("09-30T09:00", 7, "10-08T17:30"),
        ("09-23T09:00", 2, "09-28T17:30"),
        ("2024-02-28T09:00", 1, "2024-02-29T17:30"),
        ("2024-02-29T09:00", 365, "2025-02-28T17:30"),
        ("2025-12-25T09:00", 7, "01-04T17:30"),
    ],
)
def test_calendar_days_roll_forward_from_a_rest_day(start: str, days: int, due: str) -> None:
    assert not check(start, Term(days, Unit.CALENDAR_DAY, WORK), due).provisional


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("11-24T09:00", 2, "11-24T11:00"),
        ("11-24T10:00", 2, "11-24T12:00"),  # complete as the morning closes
        ("11-24T10:00:01", 2, "11-24T14:30:01"),
        ("11-24T12:00", 2, "11-24T16:30"),  # the moment of closing is no longer worked
        ("11-24T13:00", 2, "11-24T16:30"),  # on the lunch break
        ("11-24T14:29:59", 2, "11-24T16:30"),
        ("11-24T14:30", 2, "11-24T16:30"),
        ("11-24T15:30", 2, "11-24T17:30"),
        ("11-24T17:29:59", 2, "11-25T10:29:59"),
        ("11-24T17:30", 2, "11-25T10:30"),
        ("11-24T23:00", 2, "11-25T10:30"),
        ("11-24T07:00", 2, "11-24T10:30"),
        ("11-24T08:30", 2, "11-24T10:30"),
        ("11-24T08:30", 6, "11-24T17:00"),
        ("11-24T08:30", 7, "11-25T09:00"),
        ("11-24T08:30", 13, "11-25T17:30"),  # two days of 6½ hours
        ("11-27T17:00", 2, "11-30T10:00"),
        ("11-28T12:00", 2, "11-30T10:30"),  # on a Saturday
        ("02-13T17:00", 2, "02-14T10:00"),  # into the worked Saturday
        ("02-14T17:00", 2, "02-24T10:00"),  # over the Spring Festival
        ("02-19T09:00", 2, "02-24T10:30"),
        ("09-30T16:30", 2, "10-08T09:30"),
        ("12-31T15:30", 2, "12-31T17:30"),
        ("2025-12-31T17:00", 2, "01-04T10:00"),
        ("2024-02-29T16:30", 2, "2024-03-01T09:30"),
    ],
)
def test_working_hours_run_inside_working_spans(start: str, hours: int, due: str) -> None:
    assert not check(start, Term(hours, Unit.WORKING_HOUR, WORK), due).provisional
    check(start, Term(hours, Unit.HOUR, WORK), due)
    check(start, Term(hours * 60, Unit.MINUTE, WORK), due)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("11-24T21:40", 20, "11-24T22:00"),  # complete as duty ends
        ("11-24T21:50", 20, "11-25T07:10"),
        ("11-24T21:59:59", 20, "11-25T07:19:59"),
        ("11-24T22:00", 20, "11-25T07:20"),
        ("11-25T03:00", 20, "11-25T07:20"),
        ("11-25T07:00", 20, "11-25T07:20"),
        ("11-24T12:15", 20, "11-24T12:35"),  # no lunch break on duty
        ("11-28T12:00", 20, "11-28T12:20"),  # nor a weekend
        ("02-17T21:50", 20, "02-18T07:10"),  # nor a festival
        ("12-31T21:40", 20, "12-31T22:00"),
        ("11-24T07:00", 900, "11-24T22:00"),
        ("11-24T07:00", 901, "11-25T07:01"),
        ("2024-02-28T21:50", 20, "2024-02-29T07:10"),
    ],
)
def test_minutes_of_duty_run_every_day_from_seven_to_ten(start: str, minutes: int, due: str) -> None:
    assert not check(start, Term(minutes, Unit.MINUTE, DUTY), due).provisional


@pytest.mark.parametrize(
    ("start", "term", "due"),
    [
        ("11-24T23:45", Term(30, Unit.MINUTE, ALWAYS), "11-25T00:15"),
        ("11-24T13:00", Term(10, Unit.MINUTE, ALWAYS), "11-24T13:10"),
        ("11-28T18:00", Term(24, Unit.HOUR, ALWAYS), "11-29T18:00"),
        ("02-16T23:00", Term(2, Unit.HOUR, ALWAYS), "02-17T01:00"),
        ("2024-02-28T12:00", Term(24, Unit.HOUR, ALWAYS), "2024-02-29T12:00"),
    ],
)
def test_urgent_clocks_never_stand_still(start: str, term: Term, due: str) -> None:
    assert not check(start, term, due).provisional


@pytest.mark.parametrize(
    ("start", "term", "due"),
    [
        ("07-01T11:30", Term(2, Unit.WORKING_HOUR, WORK), "07-01T16:30"),  # the summer afternoon begins at three
        ("06-30T17:00", Term(2, Unit.WORKING_HOUR, WORK), "07-01T10:00"),
        ("08-31T17:30", Term(2, Unit.WORKING_HOUR, WORK), "09-01T10:00"),
        ("08-31T18:00", Term(2, Unit.WORKING_HOUR, WORK), "09-01T10:30"),
        ("06-30T09:00", Term(1, Unit.WORKING_DAY, WORK), "07-01T18:00"),
        ("08-28T09:00", Term(1, Unit.WORKING_DAY, WORK), "08-31T18:00"),
        ("08-31T09:00", Term(1, Unit.WORKING_DAY, WORK), "09-01T17:30"),
        ("07-03T09:00", Term(1, Unit.CALENDAR_DAY, WORK), "07-06T18:00"),
    ],
)
def test_summer_hours_move_the_afternoon(start: str, term: Term, due: str) -> None:
    check(start, term, due, SUMMER_CALENDAR)


@pytest.mark.parametrize(
    ("start", "term", "due"),
    [
        ("12-31T15:30:01", Term(2, Unit.WORKING_HOUR, WORK), "2027-01-04T08:30:01"),
        ("12-29T10:00", Term(3, Unit.WORKING_DAY, WORK), "2027-01-04T17:30"),
        ("12-30T10:00", Term(2, Unit.CALENDAR_DAY, WORK), "2027-01-04T17:30"),
        ("12-31T21:55", Term(20, Unit.MINUTE, DUTY), "2027-01-01T07:15"),
        ("12-31T08:00", Term(24, Unit.HOUR, ALWAYS), "2027-01-01T08:00"),
        ("2027-03-01T09:00", Term(1, Unit.WORKING_DAY, WORK), "2027-03-02T17:30"),
    ],
)
def test_a_clock_that_reaches_into_2027_is_provisional(start: str, term: Term, due: str) -> None:
    assert check(start, term, due).provisional


def test_a_clock_is_settled_when_the_notice_for_its_year_is_known() -> None:
    start, term = china("12-29T10:00"), Term(3, Unit.WORKING_DAY, WORK)
    notice = {date(2027, 1, 1): DayKind.RESTDAY, date(2027, 1, 4): DayKind.RESTDAY}
    settled = due_at(start, term, Calendar(KNOWN | notice, CONFIRMED_YEARS | {2027}))
    assert settled == Due(china("2027-01-05T17:30"), provisional=False)


def test_a_clock_that_crosses_an_unconfirmed_year_is_provisional_in_a_confirmed_one() -> None:
    calendar = Calendar(KNOWN, CONFIRMED_YEARS | {2028})
    assert due_at(china("12-29T10:00"), Term(300, Unit.WORKING_DAY, WORK), calendar).provisional
    assert due_at(china("2027-12-31T10:00"), Term(1, Unit.WORKING_DAY, WORK), calendar).provisional
    assert not due_at(china("2028-01-03T10:00"), Term(1, Unit.WORKING_DAY, WORK), calendar).provisional


@pytest.mark.parametrize(
    ("start", "term", "amber"),
    [
        ("11-24T09:00", Term(5, Unit.WORKING_DAY, WORK), "11-30T17:30"),  # four of five days are over
        ("11-24T09:00", Term(10, Unit.WORKING_DAY, WORK), "12-04T17:30"),
        ("11-24T09:00", Term(1, Unit.WORKING_DAY, WORK), "11-25T16:12"),  # 5 h 12 of 6 h 30
        ("11-24T09:00", Term(3, Unit.WORKING_DAY, WORK), "11-27T11:06"),  # 0.4 of the third day
        ("02-13T09:00", Term(5, Unit.WORKING_DAY, WORK), "02-26T17:30"),
        ("11-24T10:00", Term(2, Unit.WORKING_HOUR, WORK), "11-24T11:36"),
        ("11-24T11:00", Term(2, Unit.WORKING_HOUR, WORK), "11-24T15:06"),
        ("11-24T16:00", Term(2, Unit.WORKING_HOUR, WORK), "11-25T08:36"),
        ("11-24T17:18", Term(1, Unit.WORKING_HOUR, WORK), "11-25T09:06"),
        ("11-24T21:50", Term(20, Unit.MINUTE, DUTY), "11-25T07:06"),
        ("11-24T21:42", Term(20, Unit.MINUTE, DUTY), "11-24T21:58"),
        ("11-24T12:00", Term(24, Unit.HOUR, ALWAYS), "11-25T07:12"),
        ("11-24T12:00", Term(30, Unit.MINUTE, ALWAYS), "11-24T12:24"),
        ("11-23T09:00", Term(5, Unit.CALENDAR_DAY, WORK), "11-29T17:30"),  # due Monday, rolled from Saturday
    ],
)
def test_amber_comes_at_four_fifths_of_the_term(start: str, term: Term, amber: str) -> None:
    due = due_at(china(start), term, CALENDAR).at
    assert warn_at(china(start), due, term=term, calendar=CALENDAR).astimezone(CHINA) == china(amber)


def test_amber_follows_the_share_and_stays_between_start_and_due() -> None:
    start, term = china("11-24T09:00"), Term(10, Unit.WORKING_DAY, WORK)
    due = due_at(start, term, CALENDAR).at
    assert warn_at(start, due, term=term, calendar=CALENDAR, share=0.5) == china("12-01T17:30")
    assert warn_at(start, due, term=term, calendar=CALENDAR, share=1) == due
    late_start = china("12-08T08:00")  # resumed on the last day: amber at once
    assert warn_at(late_start, due, term=term, calendar=CALENDAR) == late_start
    saturday = china("12-05T09:00")  # a due moment given from upstream, on a rest day
    assert warn_at(start, saturday, term=Term(1, Unit.WORKING_DAY, WORK), calendar=CALENDAR) <= saturday
    for share in (0, 1.1, -1):
        with pytest.raises(WrongTerm):
            warn_at(start, due, term=term, calendar=CALENDAR, share=share)


FIVE_DAYS = Term(5, Unit.WORKING_DAY, WORK)  # from Tuesday 24 November: due Tuesday 1 December


@pytest.mark.parametrize(
    ("term", "due", "paused", "left", "resumed", "new_due"),
    [
        (FIVE_DAYS, "12-01T17:30", "11-26T10:00", timedelta(days=3), "12-07T15:00", "12-10T17:30"),
        (FIVE_DAYS, "12-01T17:30", "11-28T10:00", timedelta(days=2), "12-05T10:00", "12-08T17:30"),
        (FIVE_DAYS, "12-01T17:30", "12-01T10:00", timedelta(0), "12-05T10:00", "12-07T17:30"),
        (FIVE_DAYS, "12-01T17:30", "12-01T10:00", timedelta(0), "12-07T17:00", "12-07T17:30"),
        (FIVE_DAYS, "12-01T17:30", "12-01T10:00", timedelta(0), "12-07T17:30", "12-07T17:30"),
        (FIVE_DAYS, "12-01T17:30", "12-01T10:00", timedelta(0), "12-07T17:30:01", "12-08T17:30"),
        (Term(10, Unit.CALENDAR_DAY, WORK), "12-04T17:30", "12-01T10:00", timedelta(days=3), "12-09T10:00", "12-14T17:30"),
        (Term(2, Unit.WORKING_HOUR, WORK), "11-24T12:00", "11-24T11:15", timedelta(minutes=45), "11-25T11:30", "11-25T14:45"),
        (Term(2, Unit.WORKING_HOUR, WORK), "11-24T15:30", "11-24T13:00", timedelta(hours=1), "11-28T09:00", "11-30T09:30"),
        (Term(20, Unit.MINUTE, DUTY), "11-25T07:10", "11-24T23:00", timedelta(minutes=10), "11-25T21:55", "11-26T07:05"),
        (Term(24, Unit.HOUR, ALWAYS), "11-25T12:00", "11-24T22:00", timedelta(hours=14), "11-28T22:00", "11-29T12:00"),
    ],
)
def test_a_pause_keeps_the_remainder_in_the_clocks_own_unit(
    term: Term, due: str, paused: str, left: timedelta, resumed: str, new_due: str
) -> None:
    assert remaining(china(paused), china(due), term=term, calendar=CALENDAR) == left
    assert resume(china(resumed), left, term=term, calendar=CALENDAR) == Due(china(new_due), provisional=False)


def test_nothing_is_left_of_a_clock_that_is_due() -> None:
    for term in (FIVE_DAYS, Term(2, Unit.WORKING_HOUR, WORK), Term(24, Unit.HOUR, ALWAYS)):
        for late in (timedelta(0), timedelta(days=3)):
            assert remaining(china("12-01T17:30") + late, china("12-01T17:30"), term=term, calendar=CALENDAR) == timedelta(0)
    at = china("12-05T13:00")
    assert resume(at, timedelta(0), term=Term(2, Unit.WORKING_HOUR, WORK), calendar=CALENDAR).at == at


@pytest.mark.parametrize(("amount", "half"), [(1, 1), (2, 1), (5, 3), (10, 5), (15, 8), (24, 12)])
def test_a_rework_round_gets_half_the_term_rounded_up(amount: int, half: int) -> None:
    assert halved(Term(amount, Unit.WORKING_DAY, WORK)) == Term(half, Unit.WORKING_DAY, WORK)


@pytest.mark.parametrize(
    ("amount", "unit", "hours"),
    [
        (0, Unit.WORKING_DAY, WORK),
        (-1, Unit.MINUTE, ALWAYS),
        (1, Unit.WORKING_DAY, ALWAYS),
        (1, Unit.WORKING_HOUR, DUTY),
        (1, Unit.CALENDAR_DAY, ALWAYS),
        (3661, Unit.CALENDAR_DAY, WORK),
        (10**18, Unit.WORKING_DAY, WORK),
    ],
)
def test_a_term_that_means_nothing_is_refused(amount: int, unit: Unit, hours: HoursKind) -> None:
    with pytest.raises(WrongTerm):
        Term(amount, unit, hours)


def test_moments_without_a_zone_are_refused() -> None:
    naive = datetime(2026, 11, 24, 9)
    aware = naive.replace(tzinfo=UTC)
    for call in (
        lambda: due_at(naive, FIVE_DAYS, CALENDAR),
        lambda: remaining(naive, aware, term=FIVE_DAYS, calendar=CALENDAR),
        lambda: remaining(aware, naive, term=FIVE_DAYS, calendar=CALENDAR),
        lambda: resume(naive, timedelta(1), term=FIVE_DAYS, calendar=CALENDAR),
    ):
        with pytest.raises(ValueError, match="aware"):
            call()


moments = st.datetimes(datetime(2012, 1, 2), datetime(2027, 12, 30), timezones=st.just(UTC))
terms = st.one_of(
    st.builds(Term, st.integers(1, 5000), st.just(Unit.MINUTE), st.sampled_from(HoursKind)),
    st.builds(Term, st.integers(1, 300), st.just(Unit.HOUR), st.sampled_from(HoursKind)),
    st.builds(Term, st.integers(1, 300), st.just(Unit.WORKING_HOUR), st.just(WORK)),
    st.builds(Term, st.integers(1, 300), st.sampled_from([Unit.WORKING_DAY, Unit.CALENDAR_DAY]), st.just(WORK)),
)


@given(moments, moments, terms)
def test_who_starts_later_is_never_due_earlier(one: datetime, other: datetime, term: Term) -> None:
    early, late = sorted([one, other])
    assert due_at(early, term, SUMMER_CALENDAR).at <= due_at(late, term, SUMMER_CALENDAR).at


@given(moments, st.timedeltas(timedelta(0), timedelta(hours=30)), terms)
def test_a_little_later_is_never_due_earlier(start: datetime, step: timedelta, term: Term) -> None:
    assert due_at(start, term, SUMMER_CALENDAR).at <= due_at(start + step, term, SUMMER_CALENDAR).at


@given(moments, terms, st.integers(1, 50))
def test_a_longer_term_is_never_due_earlier(start: datetime, term: Term, more: int) -> None:
    longer = Term(term.amount + more, term.unit, term.hours)
    due, longer_due = due_at(start, term, SUMMER_CALENDAR).at, due_at(start, longer, SUMMER_CALENDAR).at
    assert due <= longer_due if term.unit is Unit.CALENDAR_DAY else due < longer_due


@given(moments, terms)
def test_a_due_moment_comes_after_its_start_and_inside_hours_that_count(start: datetime, term: Term) -> None:
    due = due_at(start, term, SUMMER_CALENDAR).at
    assert due > start
    local = due.astimezone(CHINA)
    if term.hours is WORK:
        assert any(span.opens < local.time() <= span.closes for span in SUMMER_CALENDAR.working_spans(local.date()))
    if term.hours is DUTY:
        assert time(7) < local.time() <= time(22)
    if term.unit in {Unit.WORKING_DAY, Unit.CALENDAR_DAY}:
        assert local.date() > start.astimezone(CHINA).date()
        assert due == SUMMER_CALENDAR.last_close(local.date())


@given(moments, terms, st.floats(0, 1))
def test_resuming_at_the_moment_of_the_pause_changes_nothing(start: datetime, term: Term, when: float) -> None:
    due = due_at(start, term, SUMMER_CALENDAR)
    at = start + (due.at - start) * when
    left = remaining(at, due.at, term=term, calendar=SUMMER_CALENDAR)
    days = due.at.astimezone(CHINA).date() - start.astimezone(CHINA).date()  # day units count whole days, rolled ones among them
    assert timedelta(0) <= left <= max(term.length(), due.at - start, days)
    assert resume(at, left, term=term, calendar=SUMMER_CALENDAR).at == due.at


@given(moments, terms, st.floats(0, 1), st.timedeltas(timedelta(0), timedelta(days=60)))
def test_a_pause_never_brings_the_due_moment_forward(start: datetime, term: Term, when: float, pause: timedelta) -> None:
    due = due_at(start, term, SUMMER_CALENDAR).at
    at = start + (due - start) * when
    again = resume(at + pause, remaining(at, due, term=term, calendar=SUMMER_CALENDAR), term=term, calendar=SUMMER_CALENDAR).at
    assert again >= due
    assert again >= at + pause


@given(moments, terms, st.floats(0.01, 1))
def test_amber_lies_between_start_and_due(start: datetime, term: Term, share: float) -> None:
    due = due_at(start, term, SUMMER_CALENDAR).at
    assert start <= warn_at(start, due, term=term, calendar=SUMMER_CALENDAR, share=share) <= due


@given(moments, st.integers(1, 5000), st.timedeltas(timedelta(0), timedelta(days=60)))
def test_amber_moves_along_with_a_pause(start: datetime, minutes: int, pause: timedelta) -> None:
    term = Term(minutes, Unit.MINUTE, ALWAYS)
    due = due_at(start, term, CALENDAR).at
    amber = warn_at(start, due, term=term, calendar=CALENDAR)
    left = remaining(start, due, term=term, calendar=CALENDAR)
    again = resume(start + pause, left, term=term, calendar=CALENDAR).at
    assert warn_at(start + pause, again, term=term, calendar=CALENDAR) == amber + pause


def test_amber_after_a_pause_leaves_a_fifth_of_the_whole_term() -> None:
    again = resume(china("12-07T15:00"), timedelta(days=3), term=FIVE_DAYS, calendar=CALENDAR).at
    assert warn_at(china("12-07T15:00"), again, term=FIVE_DAYS, calendar=CALENDAR) == china("12-09T17:30")


@given(moments, terms)
def test_provisional_means_a_year_without_a_notice(start: datetime, term: Term) -> None:
    due = due_at(start, term, SUMMER_CALENDAR)
    assert due.provisional is (due.at.astimezone(CHINA).year > 2026)
