"""Whistles: units are called to a place, check in in time and by position, and both sides are judged."""

from datetime import timedelta

import pytest

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.eligible import UnitRecused
from app.ledger.persons import OnlyThePerson
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Clock, State
from app.ledger.whistles import (
    AlreadyArrived,
    NotCalled,
    NothingToRule,
    NotTheBlower,
    WhistleOpen,
    WhistleOver,
    WhistleUnfit,
    arrive,
    assess_help,
    assess_whistle,
    calls_page,
    cancel_whistle,
    rule_on_whistle,
    whistle,
)
from app.notices.models import Notice
from tests.ledger.test_straight_road import road

__all__ = ["road"]

PLACE = {"place": "柳林村村口", "latitude": 33.54, "longitude": 117.55}


def blow(road, *units, login="liu", **more):
    ids = [road.cast.units[name].id for name in units]
    return whistle(road.as_staff(login), road.number, unit_ids=ids, words="涵管塌了，请到场会商", **PLACE, **more)


@pytest.fixture
def case(road):
    """A case that the township leads."""
    road.accepted()
    from app.ledger.handling import dispatch_case, sign_case

    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
    sign_case(road.as_staff("liu"), road.number)
    return road


def arrivals(road):
    from sqlalchemy import select

    from app.ledger.clocks import Deadline

    query = select(Deadline).where(Deadline.case_id == road.case.id, Deadline.clock == Clock.ARRIVE).order_by(Deadline.id)
    return list(road.session.scalars(query))


def test_two_departments_are_called_and_one_never_comes(case):
    calls = blow(case, "水利局", "交通运输局", arrive_by=case.clock() + timedelta(hours=2))
    assert [call.unit_name for call in calls] == ["水利局", "交通运输局"]
    case.clock.advance(minutes=90)
    came = arrive(case.as_staff("shui"), case.number, calls[0].id, latitude=33.541, longitude=117.55)
    assert (came.metres_off, came.far_off) == (111, False)
    case.clock.advance(hours=1)
    sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, case.clock(), Door.JOB))
    met, missed = arrivals(case)
    assert (met.met_at is not None, met.breached_at) == (True, None)
    assert (missed.met_at, missed.breached_at is not None) == (None, True)
    case.check(State.IN_PROGRESS)


def test_whoever_is_in_charge_there_hears_of_it_at_once(case, session):
    blow(case, "水利局")
    (told,) = session.query(Notice).filter_by(template="whistle").all()
    assert (told.recipient_id, told.digest) == (case.cast.staff["shui"].id, False)
    assert find_case(case.as_staff("shui"), case.number).number == case.number  # who is called may read the case


def test_a_place_far_off_is_noted_and_never_refused(case):
    (call,) = blow(case, "水利局")
    came = arrive(case.as_staff("shui"), case.number, call.id, latitude=33.57, longitude=117.55)
    assert came.far_off
    assert came.metres_off > 3000
    with pytest.raises(AlreadyArrived):
        arrive(case.as_staff("shui"), case.number, call.id)


def test_without_a_moment_the_policy_says_by_when(case):
    (call,) = blow(case, "水利局")
    assert call.due_at == case.clock() + timedelta(minutes=30)


@pytest.mark.parametrize("hours", [-1, 24 * 8])
def test_the_moment_lies_ahead_and_within_a_week(case, hours):
    with pytest.raises(WhistleUnfit):
        blow(case, "水利局", arrive_by=case.clock() + timedelta(hours=hours))


def test_nobody_whistles_for_their_own_unit_or_for_nobody(case):
    with pytest.raises(WhistleUnfit):
        blow(case, "柳河镇")
    with pytest.raises(WhistleUnfit):
        blow(case)


def test_a_unit_that_the_case_is_against_is_never_called(road):
    road.accepted(against_unit_id=road.cast.units["水利局"].id)
    from app.ledger.handling import dispatch_case

    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
    with pytest.raises(UnitRecused):
        blow(road, "水利局")


def test_only_a_called_unit_checks_in(case):
    (call,) = blow(case, "水利局")
    with pytest.raises(CaseNotFound):
        arrive(case.as_staff("jiao"), case.number, call.id)
    with pytest.raises(NotCalled):
        arrive(case.as_staff("liu"), case.number, call.id)


class TestJudgement:
    def test_both_sides_are_judged_and_a_contest_is_ruled_on(self, case):
        (call,) = blow(case, "水利局")
        arrive(case.as_staff("shui"), case.number, call.id)
        with pytest.raises(NotTheBlower):
            assess_help(case.as_staff("shui"), case.number, call.id, helped=True, note="我们来了")
        assess_help(case.as_staff("liu"), case.number, call.id, helped=True, note="到场并提出方案")
        with pytest.raises(NothingToRule):
            rule_on_whistle(case.as_staff("sun"), case.number, call.id, justified=True, note="应当吹哨")
        assess_whistle(case.as_staff("shui"), case.number, call.id, justified=False, note="不属于我局职责")
        ruled = rule_on_whistle(case.as_staff("sun"), case.number, call.id, justified=True, note="属于水利设施")
        assert (ruled.helped, ruled.justified, ruled.ruling) == (True, False, True)

    def test_it_may_be_taken_back_by_who_blew(self, case):
        (call,) = blow(case, "水利局")
        from app.ledger.whistle_models import WhistleCall

        blown = case.session.get(WhistleCall, call.id).whistle_id
        with pytest.raises(NotTheBlower):
            cancel_whistle(case.as_staff("sun"), case.number, blown, note="不需要")
        cancel_whistle(case.as_staff("liu"), case.number, blown, note="已经解决")
        assert [clock.cancelled_at is not None for clock in arrivals(case)] == [True]
        with pytest.raises(WhistleOver):
            arrive(case.as_staff("shui"), case.number, call.id)


class TestResidents:
    def test_a_resident_whistles_for_the_community_once_at_a_time(self, case):
        lin = case.as_resident("lin")
        (call,) = whistle(lin, case.number, words="水漫进院子了", place="村口桥头")
        assert call.unit_name == "柳林村"
        with pytest.raises(WhistleOpen):
            whistle(lin, case.number, words="快来", place="村口桥头")
        arrive(case.as_staff("wu"), case.number, call.id)
        assess_help(lin, case.number, call.id, helped=True, note="来了，谢谢")
        whistle(lin, case.number, words="又漫了", place="村口桥头")

    def test_a_neighbour_cannot(self, case):
        with pytest.raises((CaseNotFound, OnlyThePerson)):
            whistle(case.as_resident("chen"), case.number, words="快来", place="村口桥头")


def test_the_list_of_ones_own_unit(case):
    (call,) = blow(case, "水利局")
    assert [row.id for row in calls_page(case.as_staff("shui"), mine=True, waiting=True).items] == [call.id]
    assert calls_page(case.as_staff("liu"), mine=True).items == []
    assert calls_page(case.as_staff("jiao")).items == []
    arrive(case.as_staff("shui"), case.number, call.id)
    assert calls_page(case.as_staff("shui"), mine=True, waiting=True).items == []
