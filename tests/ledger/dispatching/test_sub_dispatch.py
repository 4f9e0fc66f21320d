"""Sub-dispatch: the lead passes work on below it, within its own term, and stays answerable; the handler is named."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import Role
from app.ledger.clocks import Deadline
from app.ledger.dispatching.eligible import UnitRecused, UnitUnstaffed, UnknownHandler, UnknownUnit
from app.ledger.dispatching.sub_dispatch import TermTooLong, UnitHasPart, assign_handler, sub_dispatch
from app.ledger.handling import (
    AssistsOutstanding,
    ContactByDesk,
    dispatch_case,
    record_contact,
    sign_case,
    submit_assist,
    submit_result,
)
from app.ledger.moves import Step, Words, move_case
from app.ledger.scope import CaseNotFound, NotYourUnit, find_case
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Clock, Duty, State
from app.ledger.workflow import IllegalMove, NotYourMove
from app.notices.models import Notice
from app.people.models import StaffPost
from app.people.staff import posts_held
from app.territory.commands import add_unit
from app.territory.models import Level
from tests.ledger.test_straight_road import Road


@pytest.fixture
def road(session, cast, clock, as_staff, as_resident):
    """A case that the township 柳河镇 leads and has signed."""
    made = Road(session, cast, clock, as_staff, as_resident)

    def given(**more):
        made.accepted(**more)
        dispatch_case(made.as_staff("du"), made.number, lead_unit_id=cast.units["柳河镇"].id)
        sign_case(made.as_staff("liu"), made.number)
        made.clock.advance(minutes=10)
        return made

    made.given = given
    return made


def village(road):
    return [road.cast.units["柳林村"].id]


def clocks_of(road, assignment):
    road.session.flush()
    rows = road.session.scalars(select(Deadline).where(Deadline.subject == "assignment", Deadline.subject_id == assignment.id))
    return {row.clock: row for row in rows}


def sub_of(road):
    return next(a for a in road.case.assignments if a.duty is Duty.SUB)


def test_the_township_passes_on_to_its_village_and_stays_answerable(road):
    road.given()
    with pytest.raises(CaseNotFound):  # the village's handler sees it by territory only while it is not confidential
        find_case(road.as_staff("xu"), road.number)
    sub_dispatch(road.as_staff("shi"), road.number, sub_unit_ids=village(road), note="请到现场看看")
    sub, lead = sub_of(road), road.case.assignments[0]
    assert (sub.parent_id, sub.round, road.case.lead_unit.name) == (lead.id, 1, "柳河镇")
    clocks = clocks_of(road, sub)
    assert set(clocks) == {Clock.SIGN, Clock.RESOLVE}
    assert clocks[Clock.RESOLVE].due_at == clocks_of(road, lead)[Clock.RESOLVE].due_at
    told = select(Notice.recipient_id).where(Notice.template == "sub_dispatch")
    assert road.session.scalars(told).all() == [road.cast.staff["hua"].id]
    sign_case(road.as_staff("hua"), road.number)
    assert road.case.state is State.IN_PROGRESS
    assert clocks_of(road, sub)[Clock.RESOLVE].owner_staff_id == road.cast.staff["hua"].id
    record_contact(road.as_staff("hua"), road.number, how="visit", note="上门看过")
    assert lead.contacted_at is not None
    liu = road.as_staff("liu")
    with pytest.raises(AssistsOutstanding):
        submit_result(liu, road.number, reply="好了", note="好了", solved=True)
    submit_assist(road.as_staff("hua"), road.number, note="灯杆已扶正")
    assert clocks_of(road, sub)[Clock.RESOLVE].met_at is not None
    assert clocks_of(road, lead)[Clock.RESOLVE].met_at is None
    submit_result(liu, road.number, reply="好了", note="好了", solved=True)
    road.check(State.UNDER_REVIEW)
    assert verify_ledger().breaks == []


def test_a_shorter_term_is_kept_and_a_longer_one_refused(road):
    road.given()
    latest = clocks_of(road, road.case.assignments[0])[Clock.RESOLVE].due_at
    tong = road.as_staff("tong")
    with pytest.raises(TermTooLong):
        sub_dispatch(tong, road.number, sub_unit_ids=village(road), due_by=latest + timedelta(minutes=1))
    with pytest.raises(TermTooLong):
        sub_dispatch(tong, road.number, sub_unit_ids=village(road), due_by=road.clock())
    sub_dispatch(tong, road.number, sub_unit_ids=village(road), due_by=latest - timedelta(days=1))
    clock = clocks_of(road, sub_of(road))[Clock.RESOLVE]
    assert (clock.due_at, clock.given) == (latest - timedelta(days=1), True)


def test_the_lead_need_not_wait_but_says_why(road):
    road.given()
    sub_dispatch(road.as_staff("tong"), road.number, sub_unit_ids=village(road))
    liu = road.as_staff("liu")
    record_contact(liu, road.number, how="phone", note="联系了")
    submit_result(liu, road.number, reply="好了", note="好了", solved=True, without_assists="村里已口头反馈")
    road.check(State.UNDER_REVIEW)
    assert all(clock.cancelled_at for clock in clocks_of(road, sub_of(road)).values())


@pytest.mark.parametrize("login", ["liu", "hua", "fang"])
def test_only_the_leads_dispatcher_or_head_passes_on(road, login):
    road.given()
    with pytest.raises(NotYourMove):
        sub_dispatch(road.as_staff(login), road.number, sub_unit_ids=village(road))


def test_the_township_does_not_pass_on_a_departments_case(road):
    road.accepted()
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
    with pytest.raises(NotYourUnit):
        sub_dispatch(road.as_staff("shi"), road.number, sub_unit_ids=village(road))


@pytest.mark.parametrize("name", ["石桥社区", "柳河镇", "水利局"])
def test_nothing_is_passed_on_outside_the_subtree(road, name):
    road.given()
    with pytest.raises(UnknownUnit):
        sub_dispatch(road.as_staff("shi"), road.number, sub_unit_ids=[road.cast.units[name].id])


def test_a_unit_gets_one_part_and_needs_somebody_to_handle_it(road):
    road.given()
    shi = road.as_staff("shi")
    empty = add_unit(code="990101001077", name="空庄村", level=Level.VILLAGE, parent=road.cast.units["柳河镇"])
    with pytest.raises(UnitUnstaffed, match="空庄村"):
        sub_dispatch(shi, road.number, sub_unit_ids=[empty.id])
    sub_dispatch(shi, road.number, sub_unit_ids=village(road))
    with pytest.raises(UnitHasPart):
        sub_dispatch(shi, road.number, sub_unit_ids=village(road))


def test_the_unit_of_the_person_it_is_against_gets_no_part(road):
    road.given(against_staff_id=road.cast.staff["wu"].id)
    with pytest.raises(UnitRecused, match="柳河镇"):
        sub_dispatch(road.as_staff("shi"), road.number, sub_unit_ids=village(road))


def test_the_lead_neither_signs_nor_reports_for_the_village(road):
    road.given()
    sub_dispatch(road.as_staff("shi"), road.number, sub_unit_ids=village(road))
    with pytest.raises(IllegalMove):
        sign_case(road.as_staff("tong"), road.number)
    sign_case(road.as_staff("hua"), road.number)
    with pytest.raises(NotYourUnit):
        submit_assist(road.as_staff("liu"), road.number, note="我替村里报")


def test_a_confidential_case_is_not_contacted_by_the_village(road):
    road.given(confidential=True)
    with pytest.raises(CaseNotFound):
        find_case(road.as_staff("hua"), road.number)
    sub_dispatch(road.as_staff("tong"), road.number, sub_unit_ids=village(road))
    assert find_case(road.as_staff("hua"), road.number)
    sign_case(road.as_staff("hua"), road.number)
    with pytest.raises(ContactByDesk):
        record_contact(road.as_staff("hua"), road.number, how="visit", note="上门")


def test_the_end_of_the_leads_part_ends_what_it_passed_on(road):
    road.given()
    sub_dispatch(road.as_staff("shi"), road.number, sub_unit_ids=village(road))
    sub, case = sub_of(road), road.case

    def end_the_lead(acting):
        case.assignments[0].ended_at = acting.at
        return Step()

    move_case(road.as_staff("sun"), case, Action.ADJUST_CLOCK, Words(note="主办结束"), end_the_lead)
    assert sub.ended_at == road.clock()
    assert all(clock.cancelled_at for clock in clocks_of(road, sub).values())
    with pytest.raises(NotYourUnit):
        submit_assist(road.as_staff("hua"), road.number, note="晚到的反馈")


class TestNamingTheHandler:
    @pytest.fixture
    def second(self, road, session):
        """A second handler at the township: the head handles as well."""
        session.add(StaffPost(staff_id=road.cast.staff["pai"].id, role=Role.HANDLER, unit_id=road.cast.units["柳河镇"].id))
        session.flush()
        posts_held.forget()
        return road.cast.staff["pai"].id

    def test_the_clocks_move_to_the_named_handler_who_is_told(self, road, second):
        road.given()
        lead = road.case.assignments[0]
        assert clocks_of(road, lead)[Clock.RESOLVE].owner_staff_id == road.cast.staff["liu"].id
        assign_handler(road.as_staff("tong"), road.number, handler_id=second)
        assert lead.handler_id == second
        assert clocks_of(road, lead)[Clock.RESOLVE].owner_staff_id == second
        told = select(Notice.recipient_id).where(Notice.template == "assign_handler")
        assert road.session.scalars(told).all() == [second]

    def test_who_signs_for_a_named_handler_does_not_become_it(self, road, second):
        road.accepted()
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
        assign_handler(road.as_staff("shi"), road.number, handler_id=second)
        sign_case(road.as_staff("liu"), road.number)
        assert road.case.assignments[0].handler_id == second

    def test_the_handler_is_of_the_unit_and_not_recused(self, road, second):
        road.given()
        road.case.against_staff_id = second
        tong = road.as_staff("tong")
        for login in ("he", "hua"):
            with pytest.raises(UnknownHandler):
                assign_handler(tong, road.number, handler_id=road.cast.staff[login].id)
        with pytest.raises(UnknownHandler):
            assign_handler(tong, road.number, handler_id=second)

    def test_another_units_head_names_nobody(self, road):
        road.given()
        with pytest.raises(CaseNotFound):
            assign_handler(road.as_staff("gao"), road.number, handler_id=road.cast.staff["he"].id)
        with pytest.raises(NotYourMove):
            assign_handler(road.as_staff("liu"), road.number, handler_id=road.cast.staff["liu"].id)
