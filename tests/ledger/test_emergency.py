"""Danger to life: a case handed to 110, 119 or 120 stays open until rescue has arrived; abuse is hidden from the grid."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.callbacks.answers import attempt_callback, record_callback
from app.ledger.commands import answer_case
from app.ledger.emergencies import NoRescueAwaited, WhichRescue, awaited_services, confirm_arrival, hand_to_emergency
from app.ledger.intake.registration import Registration, RegistrationUnfit, register
from app.ledger.intake.report_people import People, ReportPeople, people_of
from app.ledger.models import Case, Entry
from app.ledger.moves import RescueAwaited
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.showing.following import follow_list
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Channel, Clock, EmergencyService, Kind, State, Urgency
from app.ledger.workflow import NotYourMove
from app.notices.models import Notice
from app.people.identity import Person
from tests.ledger.test_straight_road import HAPPY, Road

AMBULANCE, FIRE, POLICE = EmergencyService.AMBULANCE, EmergencyService.FIRE, EmergencyService.POLICE


@pytest.fixture
def road(session, cast, clock, as_staff, as_resident):
    return Road(session, cast, clock, as_staff, as_resident)


@pytest.fixture
def registered(as_staff, cast, session):
    """Registers what fang hears on the hotline; gives the case."""

    def call(login="fang", **more):
        given = {
            "channel": Channel.HOTLINE,
            "body": "柳林村一组有老人摔倒在沟里，起不来。",
            "kind": Kind.HELP,
            "category_id": cast.categories["路灯照明"],
            "grid": cast.grids["柳林村一网格"].code,
            "name": "王桂花",
            "phone": "13800001234",
        }
        told = register(as_staff(login), Registration(**(given | more)))
        return session.scalars(select(Case).where(Case.number == told.number)).one()

    return call


def test_a_case_handed_over_is_urgent_and_not_closed_before_rescue_has_arrived(road):
    road.submitted()
    hand_to_emergency(road.as_staff("fang"), road.number, service=FIRE, note="三方通话：消防已出动")
    case = road.case
    assert (case.awaiting_rescue, case.urgency) == (True, Urgency.URGENT)
    assert road.clocks()[Clock.ACCEPT].due_at == road.clock() + timedelta(minutes=30)
    heads = road.session.scalars(select(Notice.recipient_id).where(Notice.template == "hand_to_emergency")).all()
    assert heads == [road.cast.staff["ma"].id]
    place = {"category_id": road.cast.categories["路灯照明"], "grid_id": road.cast.grids["柳林村一网格"].id}
    case.channel = Channel.HOTLINE  # an answer would close the case at once
    with pytest.raises(RescueAwaited):
        answer_case(road.as_staff("fang"), road.number, reply="已通知消防", **place)
    road.session.rollback()


def test_after_the_arrival_the_case_goes_its_way(road):
    road.awaiting_callback()
    hand_to_emergency(road.as_staff("lu"), road.number, service=POLICE, note="回访中得知有危险，已三方通话")
    with pytest.raises(RescueAwaited):
        record_callback(road.as_staff("lu"), road.number, HAPPY)
    road.session.expire_all()


def test_the_arrival_is_confirmed_once_and_frees_the_case(road):
    road.awaiting_callback()
    with pytest.raises(NoRescueAwaited):
        confirm_arrival(road.as_staff("fang"), road.number, note="到了")
    hand_to_emergency(road.as_staff("fang"), road.number, service=FIRE, note="三方通话")
    confirm_arrival(road.as_staff("sun"), road.number, note="消防 9:20 到场，人已救出")
    assert not road.case.awaiting_rescue
    record_callback(road.as_staff("lu"), road.number, HAPPY)
    road.check(State.CLOSED)
    assert verify_ledger().breaks == []


def test_each_service_is_awaited_on_its_own(road):
    road.in_progress()
    fang = road.as_staff("fang")
    for service in (POLICE, AMBULANCE):
        hand_to_emergency(fang, road.number, service=service, note="三方通话")
    assert awaited_services(road.case) == [POLICE, AMBULANCE]
    with pytest.raises(WhichRescue):
        confirm_arrival(fang, road.number, note="到了")
    with pytest.raises(NoRescueAwaited):
        confirm_arrival(fang, road.number, service=FIRE, note="到了")
    confirm_arrival(fang, road.number, service=POLICE, note="民警到场")
    assert (road.case.awaiting_rescue, awaited_services(road.case)) == (True, [AMBULANCE])
    hand_to_emergency(fang, road.number, service=AMBULANCE, note="再次催促")
    confirm_arrival(fang, road.number, note="救护车到场")
    assert (road.case.awaiting_rescue, awaited_services(road.case)) == (False, [])


def test_the_head_of_the_shift_hears_of_an_arrival_that_nobody_confirms(road):
    def heads():
        told = select(Notice.template, Notice.recipient_id).where(Notice.template.in_(("breach_urgent", "escalate_urgent")))
        return {row.recipient_id for row in road.session.execute(told)}

    road.in_progress()
    for service in (POLICE, AMBULANCE):
        hand_to_emergency(road.as_staff("fang"), road.number, service=service, note="三方通话")
    clock = road.clocks()[Clock.RESCUE]
    assert clock.due_at == road.clock() + timedelta(minutes=30)
    confirm_arrival(road.as_staff("fang"), road.number, service=POLICE, note="民警到场")
    assert road.clocks()[Clock.RESCUE] is clock  # the ambulance is still on its way
    road.clock.advance(minutes=31)
    sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))
    assert heads() == {road.cast.staff["ma"].id}
    assert road.case.late_since is not None
    confirm_arrival(road.as_staff("fang"), road.number, note="救护车到场")
    assert (clock.met_at, road.case.late_since) == (road.clock(), None)
    assert Clock.RESCUE not in road.clocks()


def test_three_attempts_close_nothing_while_rescue_is_awaited(road):
    road.awaiting_callback()
    hand_to_emergency(road.as_staff("fang"), road.number, service=FIRE, note="三方通话")
    for _ in range(3):
        attempt_callback(road.as_staff("lu"), road.number)
        road.clock.advance(days=1)
    road.check(State.AWAITING_CALLBACK)


def test_a_handler_does_not_hand_over_and_a_stranger_sees_nothing(road):
    road.in_progress()
    with pytest.raises(NotYourMove):
        hand_to_emergency(road.as_staff("he"), road.number, service=FIRE, note="三方通话")
    with pytest.raises(CaseNotFound):
        hand_to_emergency(road.as_staff("xu"), road.number, service=FIRE, note="三方通话")


class TestAtRegistration:
    def test_the_operator_hands_over_in_the_same_step(self, registered, session, clock):
        case = registered("lu", emergency=EmergencyService.AMBULANCE, emergency_note="120 已派车")
        assert (case.awaiting_rescue, case.urgency, case.state) == (True, Urgency.URGENT, State.SUBMITTED)
        actions = session.scalars(select(Entry.action).where(Entry.case_id == case.id).order_by(Entry.seq)).all()
        assert actions == [Action.SUBMIT, Action.HAND_TO_EMERGENCY]

    def test_it_says_how_the_call_went_and_answers_nothing(self, registered):
        with pytest.raises(RegistrationUnfit) as refused:
            registered(emergency=FIRE, answer="已告知")
        assert set(refused.value.errors) == {"emergency_note", "answer"}

    def test_suspected_abuse_goes_to_the_police_and_is_hidden_from_the_grid(self, registered, as_staff):
        case = registered(suspected_abuse=True, people=People(minor=True), body="邻居家孩子身上常有伤。")
        assert (case.hidden_from_grid, case.confidential, case.awaiting_rescue) == (True, True, True)
        case.confidential = False  # hidden from the grid all the same
        for login in ("zhou", "wu"):
            stamp = as_staff(login, Door.GRID)
            with pytest.raises(CaseNotFound):
                find_case(stamp, case.number)
            assert list(follow_list(stamp, cursor=None, limit=50).items) == []
        assert find_case(as_staff("sun"), case.number)
        case.hidden_from_grid = False
        assert find_case(as_staff("zhou", Door.GRID), case.number)


class TestPeopleBeside:
    def test_a_group_of_five_names_representatives_whose_names_are_sealed(self, registered, session):
        with pytest.raises(RegistrationUnfit) as refused:
            registered(people=People(group_size=5))
        assert list(refused.value.errors) == ["representatives"]
        spoken = [Person("赵一", "13800000011"), Person("钱二", None)]
        case = registered(people=People(group_size=12, representatives=spoken))
        (report,) = case.reports
        row = session.get(ReportPeople, report.id)
        assert "赵一".encode() not in row.representatives
        beside = people_of([report.id])[report.id]
        assert (beside.group_size, [p.name for p in beside.representatives]) == (12, ["赵*", "钱*"])
        assert beside.representatives[0].phone == "138****0011"

    def test_four_need_none_and_six_are_too_many(self, registered):
        assert registered(people=People(group_size=4))
        with pytest.raises(RegistrationUnfit) as refused:
            registered(people=People(group_size=9, representatives=[Person(f"代表{n}") for n in "一二三四五六"]))
        assert list(refused.value.errors) == ["representatives"]
        with pytest.raises(RegistrationUnfit) as refused:
            registered(people=People(representatives=[Person("赵一")]))
        assert list(refused.value.errors) == ["group_size"]

    def test_a_minors_matter_names_a_guardian(self, registered):
        with pytest.raises(RegistrationUnfit) as refused:
            registered(people=People(minor=True))
        assert list(refused.value.errors) == ["guardian"]
        case = registered(people=People(minor=True, guardian=Person("王大山", "13800000012")))
        assert people_of([case.reports[0].id])[case.reports[0].id].guardian == Person("王**", "138****0012", None)

    def test_who_is_anonymous_names_nobody(self, registered):
        nobody = {"name": None, "phone": None, "anonymous": True}
        with pytest.raises(RegistrationUnfit) as refused:
            registered(**nobody, people=People(minor=True, guardian=Person("王大山")))
        assert list(refused.value.errors) == ["anonymous"]
        assert registered(**nobody, people=People(minor=True))

    def test_nobody_beside_leaves_no_row(self, registered, session):
        registered()
        assert session.scalars(select(ReportPeople)).all() == []
