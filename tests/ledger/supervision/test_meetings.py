"""The weekly progress meeting: its agenda stays as it stood, its decisions run clocks, next week asks what became of them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import Role
from app.ledger.dispatching.eligible import UnknownUnit
from app.ledger.handling import record_contact, submit_result
from app.ledger.models import Case, Entry
from app.ledger.scope import CaseNotFound
from app.ledger.supervision.counts import supervision_counts
from app.ledger.supervision.meetings import (
    MeetingNotFound,
    NotOnTheAgenda,
    agenda_page,
    decide_progress,
    decisions_page,
    hold_meeting,
    meeting_view,
    meetings_page,
)
from app.ledger.supervision.models import SupervisionOrder
from app.ledger.supervision.oversight import ListsAreTheSupervisors
from app.ledger.supervision.pressing import DueInThePast, accept_order, answer_order
from app.ledger.supervision.slip_sheets import order_sheet, order_slip
from app.ledger.supervision.slips import Addressed
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Clock, Light, SlipKind, SlipState, State
from app.ledger.workflow import NotYourMove
from app.notices.models import Notice
from app.people.models import StaffPost
from app.people.staff import posts_held
from tests.ledger.test_straight_road import Road

PAGE = {"cursor": None, "limit": 50}
WORDS = "症结：灯杆权属不清。城市管理局牵头，本周五前恢复照明。"


@pytest.fixture
def road(session, cast, clock, as_staff, as_resident):
    return Road(session, cast, clock, as_staff, as_resident)


@pytest.fixture
def late(road, as_system):
    """A late case (red), one that falls due soon (amber), one just in hand (green); gives their numbers."""
    red = road.in_progress()
    road.clock.advance(days=8)
    amber = road.in_progress()
    road.clock.advance(days=7)
    green = road.in_progress()
    for number in (amber, green):
        record_contact(road.as_staff("he"), number, how="phone", note="已联系")
    sweep(as_system)
    road.number = red
    return red, amber, green


def test_the_agenda_holds_the_red_and_amber_cases_the_longest_late_first(road, late):
    red, amber, _ = late
    meeting = hold_meeting(road.as_staff("sun"), chair="县长严县", participants=["城市管理局高局", "水利局沈水"])
    items = agenda_page(road.as_staff("sun"), meeting.id, **PAGE).items
    assert [(item.place, item.number, item.light) for item in items] == [(1, red, Light.RED), (2, amber, Light.AMBER)]
    assert [item.number for item in agenda_page(road.as_staff("sun"), meeting.id, light=Light.AMBER, **PAGE).items] == [amber]
    view = meeting_view(road.as_staff("yan"), meeting.id)
    assert (view.unit, view.chair, view.red, view.amber, view.decisions) == ("云溪县", "县长严县", 1, 1, 0)
    assert [row.id for row in meetings_page(road.as_staff("ling"), **PAGE).items] == [meeting.id]


def test_the_agenda_stays_as_it_stood(road, late):
    red, _, _ = late
    meeting = hold_meeting(road.as_staff("sun"), chair="严县")
    record_contact(road.as_staff("he"), red, how="phone", note="已联系")
    submit_result(road.as_staff("he"), red, reply="修好了", note="换灯头", solved=True)
    item = agenda_page(road.as_staff("sun"), meeting.id, **PAGE).items[0]
    assert (item.light, item.state, item.state_now) == (Light.RED, State.IN_PROGRESS, State.UNDER_REVIEW)


def test_a_decision_with_a_moment_becomes_an_entry_an_order_slip_and_a_clock(road, late):
    meeting = hold_meeting(road.as_staff("sun"), chair="严县")
    due = road.clock() + timedelta(days=3)
    order = decide_progress(road.as_staff("yan"), meeting.id, road.number, words=WORDS, to=Addressed(staff=("gao",)), due=due)
    assert (order.number, order.mode, order.state) == ("交〔2026〕0001号", None, SlipState.ISSUED)
    entry = road.session.scalars(select(Entry).where(Entry.action == Action.DECIDE_PROGRESS)).one()
    assert (entry.words.note, entry.role, entry.facts["order"]) == (WORDS, Role.LEADER, order.id)
    clock = road.clocks()[Clock.SUPERVISION]
    assert (clock.due_at, clock.given, clock.owner_staff_id) == (due, True, road.cast.staff["gao"].id)
    told = {n.recipient_id for n in road.session.scalars(select(Notice).where(Notice.template == "decide_progress"))}
    assert told == {road.cast.staff["he"].id, road.cast.staff["gao"].id}
    sheet = order_sheet(road.as_staff("he"), order.id)
    assert (sheet.kind, sheet.persons, sheet.reply_by, sheet.words) == (SlipKind.ORDER, ["高局"], due, WORDS)
    assert order_slip(road.as_staff("he"), road.number).slip == "交〔2026〕0001号"
    assert verify_ledger().breaks == []


def test_a_decision_without_a_moment_runs_no_clock(road, late):
    meeting = hold_meeting(road.as_staff("sun"), chair="严县")
    order = decide_progress(road.as_staff("sun"), meeting.id, road.number, words=WORDS, to=Addressed())
    assert order.reply_by is None
    assert Clock.SUPERVISION not in road.clocks()


def test_next_week_asks_what_became_of_the_decisions(road, late, as_system):
    red, amber, _ = late
    first = hold_meeting(road.as_staff("sun"), chair="严县")
    orders = [
        decide_progress(road.as_staff("sun"), first.id, number, words=WORDS, to=Addressed(), due=road.clock() + timedelta(days=2))
        for number in (red, amber)
    ]
    answer_order(road.as_staff("he"), red, orders[0].id, words="已恢复照明")
    accept_order(road.as_staff("sun"), red, orders[0].id, words="属实")
    road.clock.advance(days=7)
    second = hold_meeting(road.as_staff("sun"), chair="严县")
    assert decisions_page(road.as_staff("sun"), second.id, **PAGE).items == []
    before = decisions_page(road.as_staff("sun"), second.id, previous=True, **PAGE).items
    assert [(row.number, row.done, row.late, row.state) for row in before] == [
        (red, True, False, SlipState.ACCEPTED),
        (amber, False, True, SlipState.ISSUED),
    ]
    assert decisions_page(road.as_staff("sun"), first.id, previous=True, **PAGE).items == []


def test_decisions_are_counted_apart_from_supervision(road, late):
    meeting = hold_meeting(road.as_staff("sun"), chair="严县")
    decide_progress(road.as_staff("sun"), meeting.id, road.number, words=WORDS, to=Addressed(others=("甲", "乙")))
    at = road.clock()
    (count,) = supervision_counts(road.as_staff("sun"), since=at - timedelta(days=1), until=at + timedelta(seconds=1))
    assert (count.kind, count.mode, count.times, count.person_times) == (SlipKind.ORDER, None, 1, 0)


def test_what_is_not_on_the_agenda_is_not_decided(road, late):
    meeting = hold_meeting(road.as_staff("sun"), chair="严县")
    with pytest.raises(NotOnTheAgenda):
        decide_progress(road.as_staff("sun"), meeting.id, late[2], words=WORDS, to=Addressed())
    with pytest.raises(DueInThePast):
        decide_progress(road.as_staff("sun"), meeting.id, late[0], words=WORDS, to=Addressed(), due=road.clock())
    with pytest.raises(MeetingNotFound):
        decide_progress(road.as_staff("sun"), meeting.id + 1, late[0], words=WORDS, to=Addressed())
    assert road.session.scalars(select(SupervisionOrder)).all() == []


@pytest.mark.parametrize("login", ["fang", "du", "he", "gao", "qin"])
def test_only_supervisors_and_leaders_hold_and_read_meetings(road, late, login):
    meeting = hold_meeting(road.as_staff("sun"), chair="严县")
    for look in (
        lambda: hold_meeting(road.as_staff(login), chair="我"),
        lambda: meetings_page(road.as_staff(login), **PAGE),
        lambda: agenda_page(road.as_staff(login), meeting.id, **PAGE),
        lambda: decide_progress(road.as_staff(login), meeting.id, road.number, words=WORDS, to=Addressed()),
    ):
        with pytest.raises((ListsAreTheSupervisors, NotYourMove)):
            look()


@pytest.fixture
def stone_bridge(session, cast):
    """Makes ding the supervisor of 石桥镇 alone."""
    ding = cast.staff["ding"]
    (post,) = session.scalars(select(StaffPost).where(StaffPost.staff_id == ding.id))
    post.role, post.unit_id = Role.SUPERVISOR, cast.units["石桥镇"].id
    session.flush()
    session.expire_all()
    posts_held.forget()
    return "ding"


def test_a_township_holds_its_own_meeting_and_sees_not_the_countys(road, late, stone_bridge):
    county = hold_meeting(road.as_staff("sun"), chair="严县")
    own = hold_meeting(road.as_staff(stone_bridge), chair="石桥镇镇长")
    assert own.unit_id == road.cast.units["石桥镇"].id
    assert agenda_page(road.as_staff(stone_bridge), own.id, **PAGE).items == []  # the late cases lie in 柳河镇
    with pytest.raises(MeetingNotFound):
        agenda_page(road.as_staff(stone_bridge), county.id, **PAGE)
    with pytest.raises(UnknownUnit):
        hold_meeting(road.as_staff(stone_bridge), chair="我", unit=road.cast.units["柳河镇"].code)
    with pytest.raises(CaseNotFound):
        decide_progress(road.as_staff(stone_bridge), own.id, road.number, words=WORDS, to=Addressed())
    assert [row.id for row in meetings_page(road.as_staff("sun"), **PAGE).items] == [own.id, county.id]


def test_a_recused_leader_does_not_see_the_case_on_the_agenda(road, late):
    meeting = hold_meeting(road.as_staff("sun"), chair="严县")
    case = road.session.scalars(select(Case).where(Case.number == late[0])).one()
    case.against_staff_id = road.cast.staff["yan"].id
    road.session.flush()
    assert [item.number for item in agenda_page(road.as_staff("yan"), meeting.id, **PAGE).items] == [late[1]]
    assert meeting_view(road.as_staff("yan"), meeting.id).red == 0
    with pytest.raises(CaseNotFound):
        decide_progress(road.as_staff("yan"), meeting.id, late[0], words=WORDS, to=Addressed())
