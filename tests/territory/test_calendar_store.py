"""Keeps that the tables of the calendar hold what people decided: seeding, importing a notice, single days, hours."""

from collections.abc import Iterator
from datetime import date, time

import pytest
from flask import current_app
from sqlalchemy import event, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.territory.calendar.commands import import_year, seed_calendar, set_day, set_hours
from app.territory.calendar.models import CalendarDay, CalendarYear, WorkingHours
from app.territory.calendar.published import CONFIRMED_YEARS, package_days
from app.territory.calendar.queries import forget_calendar, load_calendar
from app.territory.calendar.rules import DayKind, Purpose, Season, Span
from app.territory.models import Level, Unit

NOTICE = "国办发明电〔2026〕0号（测试）"
REST, WORK = DayKind.RESTDAY, DayKind.WORKDAY
SUMMER = Season((7, 1), (8, 31), (Span(time(8, 30), time(12)), Span(time(15), time(18))))
ALL_DAY = Season((1, 1), (12, 31), (Span(time(0), time(0)),))
A_NOTICE = {
    date(2026, 12, 27): WORK,  # a Sunday of the year before
    date(2027, 1, 1): REST,
    date(2027, 2, 5): REST,
    date(2027, 2, 7): WORK,  # a Sunday, and the package's guess is a holiday
}


@pytest.fixture(autouse=True)
def seeded(session: Session) -> Iterator[None]:
    """Seed 2025–2027 and leave nothing of it in the process."""
    session.query(CalendarDay).delete()
    session.query(CalendarYear).delete()
    session.query(WorkingHours).delete()
    forget_calendar()
    seed_calendar(2025, 2027)
    yield
    session.rollback()
    forget_calendar()


@pytest.fixture
def unit(session: Session) -> Unit:
    """A township that may keep its own hours."""
    township = Unit(code="calendar-test", name="测试镇", level=Level.TOWNSHIP, path="/calendar-test/", active=True)
    session.add(township)
    session.flush()
    return township


def statements(session: Session) -> list[str]:
    """Collect what the connection executes from now on."""
    seen: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *call: seen.append(call[2]))
    return seen


def test_the_seed_holds_the_package_and_confirms_only_published_years(session: Session) -> None:
    calendar = load_calendar()
    assert {day: kind for day, (kind, _) in package_days(2025, 2027).items()} == calendar.exceptions
    assert calendar.is_working(date(2026, 2, 14))
    assert calendar.is_confirmed(2026)
    assert not calendar.is_confirmed(2027)
    assert session.get(CalendarDay, date(2026, 2, 17)).note == "春节"
    assert session.get(CalendarYear, 2026).note == "国办发明电〔2025〕7号"


def test_seeding_again_changes_nothing(session: Session) -> None:
    before = session.scalar(select(func.count()).select_from(CalendarDay))
    assert seed_calendar(2025, 2027) == 0
    assert session.scalar(select(func.count()).select_from(CalendarDay)) == before
    assert session.scalar(select(func.count()).select_from(WorkingHours)) == 2


def test_seeding_heals_its_own_rows_and_drops_those_the_package_no_longer_names(session: Session) -> None:
    session.get(CalendarDay, date(2026, 2, 14)).kind = REST
    session.add(CalendarDay(date=date(2026, 3, 3), kind=REST, source="holidays"))
    session.get(CalendarYear, 2026).confirmed = False
    session.flush()
    assert seed_calendar(2025, 2027) == 3
    calendar = load_calendar()
    assert calendar.is_working(date(2026, 2, 14))
    assert calendar.is_working(date(2026, 3, 3))
    assert calendar.is_confirmed(2026)


def test_seeding_never_overwrites_a_day_that_an_administrator_wrote(stamp: Stamp) -> None:
    assert set_day(stamp, date(2026, 2, 14), REST, "县政府办通知", note="暴雪停工")
    assert set_day(stamp, date(2026, 12, 3), REST, "县政府办通知")
    assert not set_day(stamp, date(2026, 12, 5), REST, "县政府办通知")  # a Saturday is one already
    seed_calendar(2025, 2027)
    calendar = load_calendar()
    assert not calendar.is_working(date(2026, 2, 14))
    assert not calendar.is_working(date(2026, 12, 3))


def test_a_day_says_who_wrote_it_when_and_on_what_ground(session: Session, stamp: Stamp) -> None:
    set_day(stamp, date(2026, 12, 3), REST, " 县政府办通知 ", note="暴雪停工")
    row = session.get(CalendarDay, date(2026, 12, 3))
    assert (row.source, row.note, row.changed_at, row.changed_by) == ("县政府办通知", "暴雪停工", stamp.at, stamp.actor.id)
    assert session.get(CalendarDay, date(2026, 2, 17)).changed_at is None


def test_importing_a_notice_confirms_the_year_and_replaces_the_guesses(stamp: Stamp) -> None:
    guessed = load_calendar()
    changed = import_year(stamp, 2027, A_NOTICE, NOTICE)
    calendar = load_calendar()
    assert calendar.is_confirmed(2027)
    assert calendar.is_working(date(2026, 12, 27))
    assert calendar.is_working(date(2027, 2, 7))
    assert not calendar.is_working(date(2027, 2, 5))
    assert calendar.is_working(date(2027, 10, 1))  # the notice of this test does not know National Day
    days = [date.fromordinal(n) for n in range(date(2026, 1, 1).toordinal(), date(2028, 1, 1).toordinal())]
    assert changed == [day for day in days if guessed.is_working(day) != calendar.is_working(day)]
    assert date(2026, 12, 27) in changed
    assert date(2027, 1, 1) not in changed


def test_importing_a_notice_again_corrects_it(stamp: Stamp) -> None:
    import_year(stamp, 2027, A_NOTICE, NOTICE)
    assert import_year(stamp, 2027, A_NOTICE, NOTICE) == []
    corrected = {day: kind for day, kind in A_NOTICE.items() if day != date(2027, 2, 7)}
    assert import_year(stamp, 2027, corrected, NOTICE) == [date(2027, 2, 7)]


def test_seeding_stays_out_of_an_imported_year(session: Session, stamp: Stamp) -> None:
    import_year(stamp, 2027, A_NOTICE, NOTICE)
    assert seed_calendar(2025, 2027) == 0
    assert load_calendar().is_confirmed(2027)
    assert session.get(CalendarDay, date(2027, 10, 1)) is None


def test_importing_leaves_a_day_set_by_hand_unless_the_notice_names_it(stamp: Stamp) -> None:
    set_day(stamp, date(2027, 3, 3), REST, "县庆")
    set_day(stamp, date(2027, 1, 1), WORK, "误填")
    import_year(stamp, 2027, A_NOTICE, NOTICE)
    assert not load_calendar().is_working(date(2027, 3, 3))
    assert not load_calendar().is_working(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("days", "source"),
    [
        ({}, NOTICE),
        ({date(2027, 1, 1): WORK}, NOTICE),
        (A_NOTICE | {date(2028, 1, 1): REST}, NOTICE),
        (A_NOTICE | {date(2026, 12, 19): REST}, NOTICE),
        (A_NOTICE, "  "),
        (A_NOTICE, "holidays"),
    ],
)
def test_a_notice_that_cannot_be_one_is_refused(stamp: Stamp, days: dict[date, DayKind], source: str) -> None:
    with pytest.raises(Invalid):
        import_year(stamp, 2027, days, source)
    assert not load_calendar().is_confirmed(2027)


def test_hours_come_from_the_unit_then_the_county_then_the_defaults(stamp: Stamp, unit: Unit) -> None:
    winter, summer = date(2026, 11, 24), date(2026, 7, 1)
    set_hours(stamp, Purpose.WORK, [SUMMER])
    set_hours(stamp, Purpose.DUTY, [ALL_DAY], unit_id=unit.id)
    county, township = load_calendar(), load_calendar(unit.id)
    assert county.working_spans(summer) == township.working_spans(summer) == SUMMER.spans
    assert county.working_spans(winter)[-1].closes == time(17, 30)
    assert county.duty_spans(winter) == (Span(time(7), time(22)),)
    assert township.duty_spans(winter) == ALL_DAY.spans
    set_hours(stamp, Purpose.DUTY, [], unit_id=unit.id)
    assert load_calendar(unit.id).duty_spans(winter) == (Span(time(7), time(22)),)


def test_two_seasons_cannot_begin_on_the_same_day(session: Session, stamp: Stamp, unit: Unit) -> None:
    shorter = Season(SUMMER.first, (7, 31), SUMMER.spans)
    with pytest.raises(Invalid):
        set_hours(stamp, Purpose.WORK, [SUMMER, shorter])
    set_hours(stamp, Purpose.WORK, [SUMMER])
    row = {"purpose": Purpose.WORK, "from_month": 7, "from_day": 1, "to_month": 7, "to_day": 31, "spans": [["08:00", "12:00"]]}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(WorkingHours).values(**row))


@pytest.mark.parametrize("wrong", [{"from_month": 13}, {"to_day": 0}, {"spans": []}, {"purpose": None}])
def test_the_database_refuses_impossible_hours(session: Session, wrong: dict[str, object]) -> None:
    row = {"purpose": Purpose.WORK, "from_month": 7, "from_day": 1, "to_month": 7, "to_day": 31, "spans": [["08:00", "12:00"]]}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(WorkingHours).values(**(row | wrong)))


def test_a_kept_calendar_costs_no_statement(session: Session, unit: Unit) -> None:
    unit_id = unit.id
    session.commit()
    kept = load_calendar()
    seen = statements(session)
    assert load_calendar() is kept
    assert load_calendar(unit_id) is kept  # a unit without hours of its own shares the county's
    assert seen == []
    forget_calendar()
    assert load_calendar() is not kept
    assert len(seen) == 3


def test_a_change_is_seen_at_once_by_the_writer_and_kept_from_others_until_it_commits(session: Session, stamp: Stamp) -> None:
    session.commit()
    kept = load_calendar()
    set_day(stamp, date(2026, 12, 3), REST, "县政府办通知")
    written = load_calendar()
    assert not written.is_working(date(2026, 12, 3))
    assert load_calendar() is written  # without reading again
    with current_app.app_context():  # another request of this process
        assert load_calendar() is kept


def test_a_committed_change_drops_what_was_kept(session: Session, stamp: Stamp) -> None:
    session.commit()
    kept = load_calendar()
    set_day(stamp, date(2026, 12, 3), REST, "县政府办通知")
    session.commit()
    assert load_calendar() is not kept
    assert not load_calendar().is_working(date(2026, 12, 3))


def test_a_change_that_is_rolled_back_is_never_seen(session: Session, stamp: Stamp) -> None:
    session.commit()
    set_day(stamp, date(2026, 12, 3), REST, "县政府办通知")
    assert not load_calendar().is_working(date(2026, 12, 3))
    session.rollback()
    assert load_calendar().is_working(date(2026, 12, 3))


def test_an_empty_calendar_is_monday_to_friday_and_confirms_nothing(session: Session) -> None:
    session.query(CalendarDay).delete()
    session.query(CalendarYear).delete()
    session.query(WorkingHours).delete()
    session.commit()
    forget_calendar()
    calendar = load_calendar()
    assert calendar.exceptions == {}
    assert not calendar.confirmed_years & CONFIRMED_YEARS
    assert calendar.working_spans(date(2026, 11, 24))[0].opens == time(8, 30)
