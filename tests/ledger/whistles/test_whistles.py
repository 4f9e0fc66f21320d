"""Whistles: units are called to a place, check in in time and by position, and both sides are judged."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.clocks import Deadline
from app.ledger.disclosure import may_dial, shows_identity
from app.ledger.dispatching.eligible import UnitRecused, UnitUnstaffed, UnknownUnit
from app.ledger.handling import dispatch_case, sign_case
from app.ledger.intake.persons import OnlyThePerson
from app.ledger.intake.places import Point, PointOutsideCounty
from app.ledger.models import Case, Entry
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.showing.possible import possible_actions
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Clock, State
from app.ledger.whistles.arrivals import (
    AlreadyArrived,
    AlreadyRuled,
    NothingToRule,
    NotYourRuling,
    TooEarlyToJudge,
    arrive,
    assess_help,
    assess_whistle,
    rule_on_whistle,
)
from app.ledger.whistles.blowing import (
    NoCommunity,
    WhistledOften,
    WhistleNotFound,
    WhistleOpen,
    WhistleOver,
    WhistleUnfit,
    cancel_whistle,
    whistle,
)
from app.ledger.whistles.models import Whistle, WhistleCall
from app.ledger.whistles.sides import NotCalled, NotTheBlower, WhistlesFromBelow
from app.ledger.whistles.view import calls_page, own_calls
from app.ledger.workflow import IllegalMove
from app.notices.models import Notice, Recipient
from app.people.duty.models import OnDuty
from app.people.duty.roster import put_on_roster
from app.people.models import StaffPost
from app.people.staff import posts_held
from app.territory.datum import Datum, to_gcj02
from tests.counting import statements
from tests.ledger.test_straight_road import road

__all__ = ["road"]

BRIDGE = Point(latitude=33.54, longitude=117.55, datum=Datum.WGS84)


def north_of_the_bridge(degrees, datum=Datum.WGS84):
    return Point(latitude=33.54 + degrees, longitude=117.55, datum=datum)


def blow(road, *units, login="liu", **more):
    ids = [road.cast.units[name].id for name in units]
    return whistle(
        road.as_staff(login), road.number, unit_ids=ids, words="涵管塌了，请到场会商", place="柳林村村口", point=BRIDGE, **more
    )


@pytest.fixture
def case(road):
    """A case that the township leads."""
    road.accepted()
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
    sign_case(road.as_staff("liu"), road.number)
    return road


def arrivals(road):
    query = select(Deadline).where(Deadline.case_id == road.case.id, Deadline.clock == Clock.ARRIVE).order_by(Deadline.id)
    return list(road.session.scalars(query))


def sweeps(road):
    sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))


def told(road, template):
    rows = road.session.scalars(select(Notice).where(Notice.template == template).order_by(Notice.id))
    logins = {member.id: login for login, member in road.cast.staff.items()}
    return [(logins[row.recipient_id] if row.recipient is Recipient.STAFF else "resident", row.digest) for row in rows]


def may(road, login):
    return set(possible_actions(road.as_staff(login), road.case, []))


def test_two_departments_are_called_and_one_never_comes(case):
    calls = blow(case, "水利局", "交通运输局", arrive_by=case.clock() + timedelta(hours=2))
    assert [call.unit_name for call in calls] == ["水利局", "交通运输局"]
    assert [(call.words, call.by, call.by_unit, call.in_time) for call in calls] == [
        ("涵管塌了，请到场会商", "柳镇", "柳河镇", None)
    ] * 2
    case.clock.advance(minutes=90)
    came = arrive(case.as_staff("shui"), case.number, calls[0].id, point=north_of_the_bridge(0.001))
    assert (came.metres_off, came.far_off, came.in_time, came.arrived_by) == (111, False, True, "沈水")
    case.clock.advance(minutes=31)
    sweeps(case)
    met, missed = arrivals(case)
    assert (met.met_at is not None, met.breached_at) == (True, None)
    assert (missed.met_at, missed.breached_at is not None) == (None, True)
    case.check(State.IN_PROGRESS)
    assert [call.in_time for call in calls_page(case.as_staff("liu")).items] == [False, True]
    assert told(case, "breach_clock") == [("jiao", False)]  # at once, not in a digest


def test_who_comes_late_has_come_late(case):
    (call,) = blow(case, "水利局")
    case.clock.advance(minutes=31)
    came = arrive(case.as_staff("shui"), case.number, call.id)
    assert (came.in_time, came.metres_off) == (False, None)
    (clock,) = arrivals(case)
    assert (clock.met_at, clock.breached_at) == (case.clock(), case.clock())


def test_whoever_is_in_charge_there_hears_of_it_at_once_and_may_read_the_case(case):
    with pytest.raises(CaseNotFound):
        find_case(case.as_staff("shui"), case.number)
    blow(case, "水利局")
    assert told(case, "whistle") == [("shui", False)]
    assert find_case(case.as_staff("shui"), case.number).number == case.number


def test_who_blew_hears_that_they_came(case):
    (call,) = blow(case, "水利局")
    arrive(case.as_staff("shui"), case.number, call.id)
    assert told(case, "arrive") == [("liu", False)]


def test_three_kilometres_off_is_noted_and_never_refused(case):
    (call,) = blow(case, "水利局")
    came = arrive(case.as_staff("shui"), case.number, call.id, point=north_of_the_bridge(0.03))
    assert came.far_off
    assert came.metres_off > 3000
    with pytest.raises(AlreadyArrived):
        arrive(case.as_staff("shui"), case.number, call.id)


def test_a_phones_shifted_point_is_turned_into_the_ledgers(case):
    (call,) = blow(case, "水利局")
    latitude, longitude = to_gcj02(33.54, 117.55)
    here = Point(latitude=latitude, longitude=longitude, datum=Datum.GCJ02)
    assert arrive(case.as_staff("shui"), case.number, call.id, point=here).metres_off == 0
    stored = case.session.get(WhistleCall, call.id)
    assert stored.raw_point == {"latitude": latitude, "longitude": longitude, "datum": "gcj02"}
    assert case.session.get(Whistle, call.whistle_id).raw_point["datum"] == "wgs84"


def test_a_check_in_from_abroad_is_taken_and_a_place_abroad_is_not(case):
    (call,) = blow(case, "水利局")
    abroad = Point(latitude=48.85, longitude=2.35, datum=Datum.WGS84)
    assert arrive(case.as_staff("shui"), case.number, call.id, point=abroad).far_off
    ids = [case.cast.units["水利局"].id]
    with pytest.raises(PointOutsideCounty):
        whistle(case.as_staff("liu"), case.number, unit_ids=ids, words="请来", place="巴黎", point=abroad)


def test_without_a_moment_the_policy_says_by_when(case):
    (call,) = blow(case, "水利局")
    assert call.due_at == case.clock() + timedelta(minutes=30)


@pytest.mark.parametrize("hours", [-1, 24 * 8])
def test_the_moment_lies_ahead_and_within_a_week(case, hours):
    with pytest.raises(WhistleUnfit):
        blow(case, "水利局", arrive_by=case.clock() + timedelta(hours=hours))


def test_the_case_says_what_one_may_do(case):
    assert Action.WHISTLE in may(case, "liu")
    assert not may(case, "liu") & {Action.ARRIVE, Action.ASSESS_WHISTLE}
    (call,) = blow(case, "水利局")
    assert Action.ARRIVE in may(case, "shui")
    assert not may(case, "shui") & {Action.WHISTLE, Action.ASSESS_WHISTLE}
    arrive(case.as_staff("shui"), case.number, call.id)
    assert may(case, "shui") & {Action.ARRIVE, Action.ASSESS_WHISTLE} == {Action.ASSESS_WHISTLE}
    assert Action.ASSESS_WHISTLE in may(case, "liu")
    assert Action.ASSESS_WHISTLE not in may(case, "sun")
    assess_whistle(case.as_staff("shui"), case.number, call.id, justified=False, note="不属于我局职责")
    assert Action.ASSESS_WHISTLE in may(case, "sun")


class TestWhoIsCalled:
    def test_nobody_whistles_for_their_own_unit_or_for_nobody_or_for_the_county(self, case):
        with pytest.raises(WhistleUnfit):
            blow(case, "柳河镇")
        with pytest.raises(WhistleUnfit):
            blow(case)
        with pytest.raises(UnknownUnit):
            blow(case, "云溪县")

    def test_departments_do_not_whistle(self, road):
        road.dispatched()
        sign_case(road.as_staff("he"), road.number)
        with pytest.raises(WhistlesFromBelow):
            blow(road, "水利局", login="he")

    def test_a_unit_that_the_case_is_against_is_never_called(self, road):
        road.accepted(against_unit_id=road.cast.units["水利局"].id)
        with pytest.raises(UnitRecused):
            blow(road, "水利局", login="wu")

    def test_nor_is_a_village_that_it_is_against(self, road):
        road.accepted(against_unit_id=road.cast.units["河湾村"].id)
        with pytest.raises(UnitRecused):
            blow(road, "河湾村", login="wu")

    def test_nor_the_unit_where_the_person_serves_whom_it_is_against(self, road):
        road.accepted(against_staff_id=road.cast.staff["shui"].id)
        with pytest.raises(UnitRecused):
            blow(road, "水利局", login="wu")

    def test_nor_one_from_which_nobody_could_come(self, case):
        with pytest.raises(UnitUnstaffed):
            blow(case, "东岭村")

    def test_a_called_village_sends_its_grid_worker_who_may_then_see_the_case(self, case):
        with pytest.raises(CaseNotFound):
            find_case(case.as_staff("zhao"), case.number)
        (call,) = blow(case, "河湾村")
        assert told(case, "whistle") == [("zhao", False)]
        assert Action.ARRIVE in may(case, "zhao")
        arrive(case.as_staff("zhao"), case.number, call.id)

    def test_villages_are_not_called_to_what_is_hidden_from_them(self, case):
        case.session.get(Case, case.case.id).hidden_from_grid = True
        case.session.flush()
        with pytest.raises(WhistleUnfit):
            blow(case, "河湾村")
        blow(case, "公安局")

    def test_a_called_unit_does_not_learn_who_a_confidential_case_is_about(self, road):
        road.accepted(confidential=True)
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
        blow(road, "水利局")
        shui, seen = road.as_staff("shui"), find_case(road.as_staff("shui"), road.number)
        assert not shows_identity(shui, seen)
        assert not may_dial(shui, seen)


class TestWhoComes:
    def test_only_a_called_unit_checks_in(self, case):
        (call,) = blow(case, "水利局")
        with pytest.raises(CaseNotFound):
            arrive(case.as_staff("jiao"), case.number, call.id)
        for login in ("liu", "tong", "sun", "ma"):
            with pytest.raises(NotCalled):
                arrive(case.as_staff(login), case.number, call.id)

    def test_the_township_may_come_for_its_village_but_not_for_one_that_it_called_itself(self, case):
        lin = case.as_resident("lin")
        (asked,) = whistle(lin, case.number, words="水漫进院子了", place="村口桥头")
        arrive(case.as_staff("tong"), case.number, asked.id)
        (called,) = blow(case, "柳林村")
        with pytest.raises(NotCalled):
            arrive(case.as_staff("tong"), case.number, called.id)
        arrive(case.as_staff("hua"), case.number, called.id)

    def test_when_the_case_has_ended_nobody_need_come(self, case):
        (call,) = blow(case, "水利局")
        case.session.get(Case, case.case.id).state = State.CLOSED
        case.session.flush()
        with pytest.raises(IllegalMove):
            arrive(case.as_staff("shui"), case.number, call.id)


class TestJudgement:
    def test_both_sides_are_judged_and_a_contest_is_ruled_on(self, case):
        (call,) = blow(case, "水利局")
        arrive(case.as_staff("shui"), case.number, call.id)
        with pytest.raises(NotTheBlower):
            assess_help(case.as_staff("shui"), case.number, call.id, helped=True, note="我们来了")
        with pytest.raises(NotCalled):
            assess_whistle(case.as_staff("liu"), case.number, call.id, justified=True, note="应当吹哨")
        assess_help(case.as_staff("liu"), case.number, call.id, helped=True, note="到场并提出方案")
        with pytest.raises(NothingToRule):
            rule_on_whistle(case.as_staff("sun"), case.number, call.id, justified=True, note="应当吹哨")
        assert told(case, "whistle_contested") == []
        assess_whistle(case.as_staff("shui"), case.number, call.id, justified=False, note="不属于我局职责")
        assert told(case, "whistle_contested") == [("sun", False), ("ling", False)]
        assert [row.id for row in calls_page(case.as_staff("sun"), contested=True).items] == [call.id]
        with pytest.raises(NotYourRuling):
            rule_on_whistle(case.as_staff("tong"), case.number, call.id, justified=True, note="属于水利设施")
        ruled = rule_on_whistle(case.as_staff("sun"), case.number, call.id, justified=True, note="属于水利设施")
        assert (ruled.helped, ruled.justified, ruled.ruling) == (True, False, True)
        with pytest.raises(AlreadyRuled):
            rule_on_whistle(case.as_staff("ling"), case.number, call.id, justified=False, note="再议")
        with pytest.raises(AlreadyRuled):
            assess_whistle(case.as_staff("shui"), case.number, call.id, justified=True, note="同意")
        assert calls_page(case.as_staff("sun"), contested=True).items == []
        entries = case.session.scalars(select(Entry).where(Entry.action == Action.ASSESS_WHISTLE).order_by(Entry.seq)).all()
        assert [entry.role for entry in entries] == [Role.HANDLER, Role.HANDLER, Role.SUPERVISOR]
        assert verify_ledger().breaks == []

    def test_a_supervisor_who_serves_the_called_unit_does_not_rule(self, case):
        sun = case.cast.staff["sun"]
        case.session.add(StaffPost(staff_id=sun.id, role=Role.HANDLER, unit_id=case.cast.units["水利局"].id))
        case.session.flush()
        (call,) = blow(case, "水利局")
        arrive(case.as_staff("shui"), case.number, call.id)
        assess_whistle(case.as_staff("shui"), case.number, call.id, justified=False, note="不属于我局职责")
        with pytest.raises(NotYourRuling):
            rule_on_whistle(case.as_staff("sun"), case.number, call.id, justified=False, note="同意")

    def test_nothing_is_judged_before_they_came_or_should_have(self, case):
        (call,) = blow(case, "水利局")
        with pytest.raises(TooEarlyToJudge):
            assess_help(case.as_staff("liu"), case.number, call.id, helped=False, note="没有来")
        case.clock.advance(minutes=31)
        said = assess_help(case.as_staff("liu"), case.number, call.id, helped=False, note="没有来")
        assert (said.helped, said.in_time) == (False, False)

    def test_a_colleague_of_who_blew_may_judge(self, case):
        (call,) = blow(case, "水利局")
        arrive(case.as_staff("shui"), case.number, call.id)
        assert assess_help(case.as_staff("tong"), case.number, call.id, helped=True, note="来了").helped is True


class TestTakenBack:
    def test_who_blew_takes_it_back_and_who_was_on_the_way_is_told(self, case):
        first, second = blow(case, "水利局", "交通运输局")
        arrive(case.as_staff("shui"), case.number, first.id)
        with pytest.raises(NotTheBlower):
            cancel_whistle(case.as_staff("sun"), case.number, first.whistle_id, note="不需要")
        cancel_whistle(case.as_staff("liu"), case.number, first.whistle_id, note="已经解决")
        assert [(clock.met_at is not None, clock.cancelled_at is not None) for clock in arrivals(case)] == [
            (True, False),
            (False, True),
        ]
        assert told(case, "whistle_cancelled") == [("jiao", False)]
        with pytest.raises(WhistleOver):
            arrive(case.as_staff("jiao"), case.number, second.id)
        with pytest.raises(WhistleOver):
            assess_help(case.as_staff("liu"), case.number, second.id, helped=False, note="没有来")
        with pytest.raises(WhistleOver):
            cancel_whistle(case.as_staff("liu"), case.number, first.whistle_id, note="再取消")
        assess_help(case.as_staff("liu"), case.number, first.id, helped=True, note="来了")
        case.check(State.IN_PROGRESS)

    def test_what_was_missed_before_stays_missed(self, case):
        (call,) = blow(case, "水利局")
        case.clock.advance(hours=1)
        cancel_whistle(case.as_staff("liu"), case.number, call.whistle_id, note="不等了")
        (clock,) = arrivals(case)
        assert (clock.met_at, clock.breached_at is not None) == (None, True)
        assert [row.in_time for row in calls_page(case.as_staff("liu")).items] == [False]

    def test_what_was_not_due_yet_is_neither_met_nor_missed(self, case):
        (call,) = blow(case, "水利局")
        cancel_whistle(case.as_staff("liu"), case.number, call.whistle_id, note="不等了")
        case.clock.advance(hours=1)
        assert [(row.in_time, row.cancelled) for row in calls_page(case.as_staff("liu")).items] == [(None, True)]

    def test_only_a_whistle_of_this_very_case(self, case):
        with pytest.raises(WhistleNotFound):
            cancel_whistle(case.as_staff("liu"), case.number, 999, note="不需要")


class TestResidents:
    def test_a_resident_whistles_for_the_community_once_at_a_time(self, case):
        lin = case.as_resident("lin")
        (call,) = whistle(lin, case.number, words="水漫进院子了", place="村口桥头")
        assert (call.unit_name, call.by_resident, call.by) == ("柳林村", True, None)
        assert told(case, "whistle") == [("wu", False), ("hua", False)]
        with pytest.raises(WhistleOpen):
            whistle(lin, case.number, words="快来", place="村口桥头")
        arrive(case.as_staff("wu"), case.number, call.id)
        assert told(case, "arrive") == [("resident", False)]
        assess_help(lin, case.number, call.id, helped=True, note="来了，谢谢")
        whistle(lin, case.number, words="又漫了", place="村口桥头")
        assert [(row.in_time, row.helped) for row in own_calls(lin, case.number)] == [(None, None), (True, True)]

    def test_right_after_filing(self, road):
        road.submitted()
        (call,) = whistle(road.as_resident("lin"), road.number, words="水漫进院子了", place="村口桥头")
        assert call.unit_name == "柳林村"

    def test_whom_nobody_came_for_may_whistle_again(self, case):
        lin = case.as_resident("lin")
        whistle(lin, case.number, words="水漫进院子了", place="村口桥头")
        case.clock.advance(minutes=31)
        whistle(case.as_resident("lin"), case.number, words="快来", place="村口桥头")
        assert [row.in_time for row in own_calls(case.as_resident("lin"), case.number)] == [None, False]

    def test_so_often_a_day_and_the_next_day_again(self, case):
        for _ in range(3):
            (call,) = whistle(case.as_resident("lin"), case.number, words="快来", place="村口")
            cancel_whistle(case.as_resident("lin"), case.number, call.whistle_id, note="不用了")
        with pytest.raises(WhistledOften) as refused:
            whistle(case.as_resident("lin"), case.number, words="快来", place="村口")
        assert 0 < refused.value.retry_after < 24 * 3600
        case.clock.advance(seconds=refused.value.retry_after)
        whistle(case.as_resident("lin"), case.number, words="快来", place="村口")

    def test_a_neighbour_cannot(self, case):
        with pytest.raises((CaseNotFound, OnlyThePerson)):
            whistle(case.as_resident("chen"), case.number, words="快来", place="村口桥头")

    def test_nobody_elses_whistle_is_theirs_to_touch(self, case):
        (call,) = blow(case, "水利局")
        lin = case.as_resident("lin")
        assert own_calls(lin, case.number) == []
        with pytest.raises(WhistleNotFound):
            cancel_whistle(lin, case.number, call.whistle_id, note="不需要")
        with pytest.raises(WhistleNotFound):
            assess_help(lin, case.number, call.id, helped=True, note="来了")
        with pytest.raises(WhistleNotFound):
            arrive(lin, case.number, call.id)

    def test_against_the_community_the_township_is_called(self, road):
        road.submitted(against_unit_id=road.cast.units["柳林村"].id)
        (call,) = whistle(road.as_resident("lin"), road.number, words="请来看看", place="村口桥头")
        assert call.unit_name == "柳河镇"
        assert {login for login, _ in told(road, "whistle")} == {"liu"}

    def test_against_the_township_nobody_is(self, road):
        road.submitted(against_unit_id=road.cast.units["柳河镇"].id)
        with pytest.raises(NoCommunity):
            whistle(road.as_resident("lin"), road.number, words="请来看看", place="村口桥头")

    def test_a_confidential_matter_is_not_told_to_the_community(self, road):
        road.submitted(confidential=True)
        with pytest.raises(NoCommunity):
            whistle(road.as_resident("lin"), road.number, words="请来看看", place="村口桥头")

    def test_without_a_place_in_the_county_there_is_no_community(self, road):
        road.submitted(grid_id=None)
        with pytest.raises(NoCommunity):
            whistle(road.as_resident("lin"), road.number, words="请来看看", place="村口桥头")


class TestTheList:
    def test_it_is_that_of_ones_own_unit(self, case):
        (call,) = blow(case, "水利局")
        assert [row.id for row in calls_page(case.as_staff("shui"), mine=True, waiting=True).items] == [call.id]
        assert calls_page(case.as_staff("liu"), mine=True).items == []
        assert calls_page(case.as_staff("jiao")).items == []
        assert [row.id for row in calls_page(case.as_staff("liu"), number=case.number).items] == [call.id]
        with pytest.raises(CaseNotFound):
            calls_page(case.as_staff("jiao"), number=case.number)
        arrive(case.as_staff("shui"), case.number, call.id)
        assert calls_page(case.as_staff("shui"), mine=True, waiting=True).items == []

    def test_whoever_is_recused_is_not_told_of_it(self, road):
        road.accepted(against_unit_id=road.cast.units["城市管理局"].id)
        blow(road, "水利局", login="wu")
        assert calls_page(road.as_staff("he")).items == []
        assert len(calls_page(road.as_staff("sun")).items) == 1

    def test_a_page_costs_the_same_for_one_call_and_for_many(self, case):
        blow(case, "水利局")
        case.session.expire_all()
        with statements() as few:
            calls_page(case.as_staff("sun"))
        blow(case, "交通运输局", "民政局", "供水公司")
        case.session.expire_all()
        with statements() as many:
            assert len(calls_page(case.as_staff("sun")).items) == 4
        assert len(many) == len(few)

    def test_it_goes_on_from_page_to_page(self, case):
        blow(case, "水利局", "交通运输局", "民政局")
        first = calls_page(case.as_staff("sun"), limit=2)
        rest = calls_page(case.as_staff("sun"), limit=2, cursor=first.next_cursor)
        assert [row.unit_name for row in (*first.items, *rest.items)] == ["民政局", "交通运输局", "水利局"]
        assert rest.next_cursor is None


class TestOnDuty:
    def test_who_holds_the_duty_phone_hears_of_it_at_night(self, case):
        shui = case.cast.units["水利局"]
        case.session.add(StaffPost(staff_id=case.cast.staff["xu"].id, role=Role.HANDLER, unit_id=shui.id))
        case.session.flush()
        posts_held.forget()
        night = case.clock()
        put_on_roster(
            case.as_staff("admin"), unit_id=shui.id, staff_id=case.cast.staff["xu"].id, what=OnDuty.PHONE,
            starts_at=night, until=night + timedelta(hours=12),
        )  # fmt: skip
        (call,) = blow(case, "水利局")
        assert told(case, "whistle") == [("xu", False)]
        case.clock.advance(minutes=31)
        sweeps(case)
        assert told(case, "breach_clock") == [("xu", False)]
        arrive(case.as_staff("shui"), case.number, call.id)

    def test_the_cadre_of_a_village_is_told_that_nobody_came(self, case):
        whistle(case.as_resident("lin"), case.number, words="水漫进院子了", place="村口桥头")
        case.clock.advance(minutes=31)
        sweeps(case)
        assert told(case, "breach_clock") == [("wu", False), ("hua", False)]
