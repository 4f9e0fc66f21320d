"""Secrecy at the edges: no search and no list tells a handling unit whose confidential case it is, nor the accused of a call."""

import pytest

from app.core.stamp import Role
from app.ledger.commands import accept_case
from app.ledger.corrections import correct_case
from app.ledger.handling import dispatch_case
from app.ledger.intake.calls import calls_page, log_call
from app.ledger.intake.registration import Registration, register
from app.ledger.showing.queue import find_by_phone
from app.ledger.vocabulary import CallOutcome, Channel, Kind
from app.people.models import StaffPost
from app.people.staff import posts_held
from tests.ledger.test_straight_road import road

__all__ = ["road"]

PHONE = "13800009999"


def led_by_township(road, **more):
    road.accepted(**more)
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)


def found(road, login):
    rows = find_by_phone(road.as_staff(login), phone="13800000001", last_four=road.number[-4:])
    return [row.number for row in rows]


class TestPhone:
    def test_the_handling_unit_cannot_try_whose_confidential_case_it_is(self, road):
        led_by_township(road, confidential=True)
        assert found(road, "shi") == []
        assert found(road, "ding") == [road.number]

    def test_nor_once_the_case_itself_is_no_longer_confidential(self, road):
        led_by_township(road, confidential=True)
        correct_case(road.as_staff("sun"), road.number, note="内容可以公开", confidential=False)
        assert found(road, "shi") == []

    def test_other_cases_it_finds(self, road):
        led_by_township(road)
        assert found(road, "shi") == [road.number]


class TestCalls:
    @pytest.fixture
    def called(self, road, clock):
        """Registers what was said in a call that `login` took."""

        def call(login="fang", **more):
            taken = log_call(road.as_staff(login), at=clock(), outcome=CallOutcome.CONSULTED, number=PHONE, recording="rec/secret")
            given = {
                "channel": Channel.HOTLINE,
                "body": "反映一件事情，请核实",
                "name": "某某",
                "phone": PHONE,
                "call_id": taken.id,
            }
            register(road.as_staff(login), Registration(**(given | more)))
            return taken.id

        return call

    def shown(self, road, login):
        return [call.id for call in calls_page(road.as_staff(login), cursor=None, limit=10).items]

    def test_the_accused_finds_neither_the_call_nor_its_recording(self, road, called):
        first, second = called(), called(body="举报孙督收礼办事不公", kind=Kind.TIP_OFF, against_staff="sun")
        assert self.shown(road, "sun") == [first]
        assert self.shown(road, "ling") == [second, first]

    def test_nor_does_the_handling_unit_find_the_caller_of_a_confidential_case(self, road, session, called):
        unit = road.cast.units["柳河镇"]
        session.add(StaffPost(staff_id=road.cast.staff["tong"].id, role=Role.INTAKE, unit_id=unit.id))
        session.flush()
        posts_held.forget()
        grid = road.cast.grids["柳林村一网格"].code
        call = called("tong", kind=Kind.TIP_OFF, grid=grid, category_id=road.cast.categories["路灯照明"])
        (seen,) = calls_page(road.as_staff("shi"), cursor=None, limit=10).items
        assert (seen.id, seen.case is not None) == (call, True)
        road.number = seen.case
        accept_case(
            road.as_staff("fang"), road.number, kind=Kind.TIP_OFF, category_id=road.cast.categories["路灯照明"],
            grid_id=road.cast.grids["柳林村一网格"].id,
        )  # fmt: skip
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=unit.id)
        assert self.shown(road, "shi") == []
        assert self.shown(road, "fang") == [call]
