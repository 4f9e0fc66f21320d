"""The gaps of the roster: spans ahead in which nobody is on duty, and the holidays in them."""

from datetime import date, datetime, timedelta

import pytest

from app.core.clock import CHINA
from app.people.duty.gaps import roster_gaps
from app.people.duty.models import OnDuty
from app.people.duty.roster import RosterUnfit, put_on_roster


def china(day, hour=0, month=11):
    return datetime(2026, month, day, hour, tzinfo=CHINA)


@pytest.fixture
def county(cast):
    return cast.units["云溪县"].id


@pytest.fixture
def on_duty(as_staff, cast, county):
    def put(since, until, what=OnDuty.HEAD):
        who = cast.staff["ma"].id
        put_on_roster(as_staff("admin"), unit_id=county, staff_id=who, what=what, starts_at=since, until=until)

    return put


def gaps(stamp, unit_id, **more):
    return [(gap.starts_at, gap.until) for gap in roster_gaps(stamp, unit_id=unit_id, **more)]


def test_without_a_roster_all_is_one_gap_with_its_weekends(as_staff, county, clock):
    (gap,) = roster_gaps(as_staff("fang"), unit_id=county, days=7)
    assert (gap.starts_at, gap.until) == (clock(), clock() + timedelta(days=7))
    assert gap.rest_days == [date(2026, 11, 28), date(2026, 11, 29)]


def test_a_holiday_in_the_week_is_named(as_staff, county, clock):
    clock.move_to(china(30, month=9))
    (gap,) = roster_gaps(as_staff("fang"), unit_id=county, days=3)
    assert gap.rest_days == [date(2026, 10, 1), date(2026, 10, 2)]


def test_what_is_covered_is_no_gap_however_the_spans_lie(as_staff, county, on_duty, clock):
    on_duty(china(24, 8), china(25, 8))
    on_duty(china(25, 8), china(26, 8))
    on_duty(china(26, 20), china(27, 8))
    found = gaps(as_staff("fang"), county, days=5)
    assert found == [
        (clock(), china(24, 8)),
        (china(26, 8), china(26, 20)),
        (china(27, 8), clock() + timedelta(days=5)),
    ]


def test_a_roster_that_reaches_past_the_days_leaves_none(as_staff, county, on_duty, clock):
    on_duty(clock(), china(30))
    assert gaps(as_staff("fang"), county, days=3) == []


def test_a_span_beyond_the_days_is_not_told_of(as_staff, county, on_duty, clock):
    on_duty(china(29), china(30))
    assert gaps(as_staff("fang"), county, days=3) == [(clock(), clock() + timedelta(days=3))]


def test_another_duty_fills_no_gap(as_staff, county, on_duty, clock):
    on_duty(clock(), china(30), OnDuty.PHONE)
    assert len(gaps(as_staff("fang"), county, days=3)) == 1
    assert gaps(as_staff("fang"), county, what=OnDuty.PHONE, days=3) == []


def test_an_unknown_unit(as_staff):
    with pytest.raises(RosterUnfit):
        roster_gaps(as_staff("fang"), unit_id=10**9)
