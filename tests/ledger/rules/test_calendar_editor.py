"""Days and hours by hand: new clocks follow, running ones stay, and every change is on record."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.ledger.dispatching.eligible import UnknownUnit
from app.ledger.jobs import warn_of_calendar
from app.ledger.rules.calendar_editor import DayUnfit, hours_list, put_day, put_hours, year_view
from app.ledger.rules.policy_changes import RulesAreTheAdministrators, broken_change, changes_page
from app.ledger.vocabulary import Clock, Rule
from app.notices.models import Notice
from app.territory.calendar.commands import WrongCalendar, import_year
from app.territory.calendar.rules import DayKind, Purpose, WrongHours
from tests.ledger.test_straight_road import road

__all__ = ["road"]

EARLY = [{"first": "01-01", "last": "12-31", "spans": [["08:00", "12:00"], ["14:00", "17:00"]]}]


@pytest.fixture
def admin(as_staff):
    return as_staff("admin")


def test_a_day_by_hand_moves_new_clocks_and_no_running_one(road, admin):
    road.dispatched()
    running = road.clocks()[Clock.RESOLVE]
    due = running.due_at
    row = put_day(admin, date(2026, 11, 25), kind=DayKind.RESTDAY, source="县政府办〔2026〕12号", note="防汛")
    assert (row.kind, row.source, row.changed_by) == (DayKind.RESTDAY, "县政府办〔2026〕12号", admin.actor.id)
    road.session.expire_all()
    assert road.clocks()[Clock.RESOLVE].due_at == due
    road.dispatched()
    assert road.clocks()[Clock.RESOLVE].due_at == due + timedelta(days=1)
    (change,) = changes_page(admin, rule=Rule.CALENDAR_DAY).items
    assert (change.key, change.before, change.after["kind"]) == ("2026-11-25", None, "restday")
    assert broken_change() is None


def test_the_same_day_twice_is_on_record_once(admin):
    for _ in range(2):
        put_day(admin, "2026-11-25", kind=DayKind.RESTDAY, source="县政府办〔2026〕12号")
    assert len(changes_page(admin).items) == 1
    assert date(2026, 11, 25) in [day.date for day in year_view(admin, 2026).days]


def test_what_is_no_day_or_without_a_word_for_it(admin):
    for day in ("2026-02-30", "soon", "1890-01-01"):
        with pytest.raises(DayUnfit):
            put_day(admin, day, kind=DayKind.RESTDAY, source="县政府办")
    with pytest.raises(WrongCalendar):
        put_day(admin, "2026-11-25", kind=DayKind.RESTDAY, source="holidays")
    with pytest.raises(DayUnfit):
        year_view(admin, 9999)


def test_hours_of_the_county_and_of_a_unit(road, admin, cast):
    code = cast.units["城市管理局"].code
    shown = put_hours(admin, purpose=Purpose.WORK, seasons=EARLY, unit=code, reason="单位作息")
    assert [(each.first, each.last, each.spans) for each in shown.seasons] == [
        ("01-01", "12-31", [["08:00", "12:00"], ["14:00", "17:00"]])
    ]
    road.dispatched()
    assert road.clocks()[Clock.RESOLVE].due_at.hour == 9  # 17:00 in China
    assert road.clocks()[Clock.OVERALL].due_at.minute == 30  # the county's own 17:30
    put_hours(admin, purpose=Purpose.WORK, seasons=[], unit=code, reason="按全县作息")
    assert [len(each.seasons) for each in hours_list(admin, unit=code)] == [0, 0]
    road.dispatched()
    assert road.clocks()[Clock.RESOLVE].due_at.minute == 30
    assert [change.key for change in changes_page(admin, rule=Rule.WORKING_HOURS).items] == [f"{code}:work"] * 2


def test_hours_that_are_none(admin):
    for spans in ([["12:00", "08:00"]], [["08:00", "12:00"], ["11:00", "17:00"]]):
        with pytest.raises(WrongHours):
            put_hours(admin, purpose=Purpose.WORK, seasons=[EARLY[0] | {"spans": spans}], reason="试试")
    with pytest.raises(WrongHours):
        put_hours(admin, purpose=Purpose.WORK, seasons=[EARLY[0] | {"last": "02-31"}], reason="试试")
    with pytest.raises(UnknownUnit):
        put_hours(admin, purpose=Purpose.WORK, seasons=EARLY, unit="000", reason="试试")
    assert changes_page(admin).items == []


def test_only_the_countys_administrator_writes(as_staff):
    for login in ("sun", "he"):
        with pytest.raises(RulesAreTheAdministrators):
            put_day(as_staff(login), "2026-11-25", kind=DayKind.RESTDAY, source="我说的")
        with pytest.raises(RulesAreTheAdministrators):
            put_hours(as_staff(login), purpose=Purpose.WORK, seasons=EARLY, reason="我说的")
    assert year_view(as_staff("sun"), 2026).confirmed
    with pytest.raises(RulesAreTheAdministrators):
        hours_list(as_staff("he"))


def test_administrators_hear_once_a_week_of_the_year_that_nobody_has_brought_in(session, cast, clock, stamp, as_system):
    def told():
        warn_of_calendar(as_system)
        rows = session.scalars(select(Notice).where(Notice.template == "calendar_missing").order_by(Notice.id)).all()
        return [(row.recipient_id, row.params["year"], row.digest) for row in rows]

    one = (cast.staff["admin"].id, 2027, True)
    clock.move_to(datetime(2026, 10, 31, 15, 59, tzinfo=UTC))
    assert told() == []
    clock.move_to(datetime(2026, 11, 2, 1, 0, tzinfo=UTC))
    assert told() == [one]
    clock.advance(days=3)
    assert told() == [one]
    clock.advance(days=4)
    assert told() == [one, one]
    import_year(stamp, 2027, {date(2027, 1, 1): DayKind.RESTDAY}, "国办发明电〔2026〕9号")
    clock.advance(days=7)
    assert told() == [one, one]
