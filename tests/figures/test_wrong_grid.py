"""A village that led a case for a wrong grid is not blamed: once the centre agrees, its part counts in no rate of signing."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.database import db
from app.ledger.grid_moves import move_grid
from app.ledger.handling import dispatch_case, sign_case
from app.ledger.models import Case
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.models import Request
from app.ledger.vocabulary import Duty
from tests.figures.test_changed_hands import differences, road, swept, told

__all__ = ["road"]

VILLAGE, RIVER = "柳林村", "河湾村一网格"


@pytest.fixture
def late(road):
    """The village has the case for two hours and has not signed; then its grid worker sees that the grid is wrong."""
    road.accepted()
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units[VILLAGE].id)
    road.clock.advance(hours=2)
    swept(road)
    assert told(road, "sign_on_time")[VILLAGE] == (0, 1)
    move_grid(road.as_staff("zhou"), road.number, grid_id=road.cast.grids[RIVER].id)
    road.session.expire_all()
    return road


def decide(road, *, approve):
    request = db.session.scalars(select(Request)).one()
    note = "核对属实" if approve else "位置没有错，继续办理"
    decide_request(road.as_staff("sun"), road.number, request.id, Decision(approve=approve, note=note))
    road.session.expire_all()


def test_until_the_centre_agrees_the_clocks_run_on_and_count(late):
    assert told(late, "sign_on_time")[VILLAGE] == (0, 1)
    assert differences(late) == set()


def test_once_it_agrees_the_wrong_village_counts_no_more_and_the_right_one_from_now(late):
    decide(late, approve=True)
    before = late.clock() - timedelta(minutes=1)
    late.clock.advance(minutes=10)
    sign_case(late.as_staff("liu"), late.number)
    swept(late)
    now = told(late, "sign_on_time")
    assert (now["柳河镇"], now.get(VILLAGE)) == ((1, 1), None)
    assert told(late, "sign_on_time", before)[VILLAGE] == (0, 1), "a figure of an earlier cut-off stays"
    assert differences(late) == set()
    case = db.session.scalars(select(Case)).one()
    assert case.reassignments == 0
    assert [a.unit.name for a in case.assignments if a.duty is Duty.LEAD and a.ended_at is None] == ["柳河镇"]


def test_where_it_does_not_agree_the_village_answers_as_before(late):
    decide(late, approve=False)
    assert told(late, "sign_on_time")[VILLAGE] == (0, 1)
    assert differences(late) == set()
