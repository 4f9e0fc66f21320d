"""Outlook: what happens next and by when, in words that need no explanation."""

from datetime import UTC, datetime, timedelta

import pytest

from app.ledger.county import County
from app.ledger.intake.places import Point, PointOutsideCounty, located
from app.ledger.showing.outlook import moment, outlook
from app.ledger.vocabulary import Clock, State
from app.territory.datum import Datum, metres_between

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SOON, PAST, LATER = NOW + timedelta(hours=2), NOW - timedelta(hours=2), NOW + timedelta(days=43)


def told(state, *, due=None, promise=LATER, rate_until=None):
    return outlook(state, NOW, due=due or {}, promise=promise, rate_until=rate_until)


def test_a_step_that_is_due_names_its_moment_and_one_that_is_late_says_so():
    assert told(State.SUBMITTED, due={Clock.ACCEPT: SOON}).startswith("下一步：工作人员受理，11月23日 11:00 前。")
    assert told(State.SUBMITTED, due={Clock.ACCEPT: PAST}).startswith(
        "下一步：工作人员受理，原定 11月23日 07:00 前，已超时，正在催办。"
    )


def test_clocks_of_other_steps_are_not_spoken_of():
    assert told(State.ACCEPTED, due={Clock.OVERALL: SOON, Clock.DISPATCH: SOON}) == (
        "下一步：交给承办单位，11月23日 11:00 前。我们承诺 2027年1月5日 09:00 前全部办完。"
    )


def test_the_promise_is_made_while_it_holds_and_owned_up_to_when_it_is_broken():
    assert "我们承诺 2027年1月5日 09:00 前全部办完。" in told(State.UNDER_REVIEW)
    assert "已经超过，督办人员会跟进。" in told(State.UNDER_REVIEW, promise=PAST)


@pytest.mark.parametrize("promise", [PAST, LATER])
@pytest.mark.parametrize("state", [State.SUSPENDED, State.INFO_REQUESTED])
def test_a_promise_that_stands_still_is_neither_made_nor_broken(state, promise):
    words = told(state, promise=promise)
    assert "暂停计算" in words
    assert "已经超过" not in words
    assert "我们承诺" not in words


@pytest.mark.parametrize("state", [State.CLOSED, State.REJECTED, State.REDIRECTED, State.WITHDRAWN])
def test_a_matter_that_has_ended_promises_nothing(state):
    assert "承诺" not in told(state)


def test_a_closed_matter_says_until_when_it_may_be_rated():
    assert told(State.CLOSED, rate_until=SOON).endswith("您可以在 11月23日 11:00 前评价。")


@pytest.mark.parametrize("state", list(State))
def test_every_state_says_something(state):
    assert told(state)


def test_a_moment_is_said_in_chinas_time_with_the_year_only_when_it_differs():
    assert moment(NOW, NOW) == "11月23日 09:00"
    assert moment(datetime(2026, 12, 31, 16, 30, tzinfo=UTC), NOW) == "2027年1月1日 00:30"


def test_a_point_is_kept_as_given_beside_its_wgs84():
    kept = located(Point(latitude=33.546, longitude=117.551, datum=Datum.GCJ02), County())
    assert kept["raw_point"] == {"latitude": 33.546, "longitude": 117.551, "datum": "gcj02"}
    assert 100 < metres_between((kept["latitude"], kept["longitude"]), (33.546, 117.551)) < 1000
    same = located(Point(latitude=33.546, longitude=117.551, datum=Datum.WGS84), County())
    assert (same["latitude"], same["longitude"]) == (33.546, 117.551)


@pytest.mark.parametrize(("latitude", "longitude"), [(0.0, 0.0), (60.0, 117.0), (34.1, 117.5), (33.5, 118.0)])
def test_a_point_elsewhere_is_refused(latitude, longitude):
    county = County(bounds=(33.3, 117.2, 34.0, 117.9))
    located(Point(latitude=33.5, longitude=117.5, datum=Datum.WGS84), county)
    with pytest.raises(PointOutsideCounty):
        located(Point(latitude=latitude, longitude=longitude, datum=Datum.WGS84), county)
