"""Raising by a level: the unit above joins in and owns the term; whoever had the case keeps it."""

import pytest
from sqlalchemy import select

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.callbacks.answers import record_callback
from app.ledger.dispatching.sub_dispatch import assign_handler
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_result
from app.ledger.models import Case, CaseAccess
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.rounds.reopening import reopen_case
from app.ledger.scope import find_case
from app.ledger.supervision.raising import AlreadyAtTheTop, raise_case, raise_locked
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Access, Clock, RequestKind, State
from app.ledger.workflow import IllegalMove, NotYourMove
from app.notices.models import Notice
from tests.ledger.requests.test_requests import asked
from tests.ledger.test_straight_road import HAPPY, Road


@pytest.fixture
def road(session, cast, clock, as_staff, as_resident):
    return Road(session, cast, clock, as_staff, as_resident)


@pytest.fixture
def in_the_village(road):
    """A case that the village leads."""
    road.accepted()
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳林村"].id)
    sign_case(road.as_staff("hua"), road.number)
    return road


def told(road, template="raise"):
    logins = {member.id: login for login, member in road.cast.staff.items()}
    notices = road.session.scalars(select(Notice).where(Notice.template == template, Notice.case_id == road.case.id))
    return {logins[notice.recipient_id] for notice in notices}


def test_a_case_is_raised_from_village_to_township_to_county(in_the_village):
    road = in_the_village
    staff = road.cast.staff
    assert road.clocks()[Clock.RESOLVE].owner_staff_id == staff["hua"].id
    raise_case(road.as_staff("sun"), road.number, note="多次催办没有进展")
    road.check(State.IN_PROGRESS)
    assert road.case.raised == 1
    assert road.clocks()[Clock.RESOLVE].owner_staff_id == staff["tong"].id
    assert {"hua", "tong"} <= told(road)
    access = select(CaseAccess.mode).where(CaseAccess.unit_id == road.cast.units["柳河镇"].id, CaseAccess.case_id == road.case.id)
    assert road.session.scalars(access).one() is Access.WRITE
    raise_case(road.as_staff("yan"), road.number, note="请县里牵头")
    assert road.clocks()[Clock.RESOLVE].owner_staff_id == staff["ma"].id
    assert road.case.lead_unit_id == road.cast.units["柳林村"].id  # the village stays answerable
    with pytest.raises(AlreadyAtTheTop):
        raise_case(road.as_staff("sun"), road.number, note="再提")
    assert road.case.raised == 2
    for login in ("hua", "tong", "ma"):
        assert find_case(road.as_staff(login), road.number)
    assert verify_ledger().breaks == []


def test_the_leader_who_answers_for_a_department_is_told_at_the_county_and_sees_the_case(road):
    road.in_progress()
    raise_case(road.as_staff("du"), road.number, note="超期五天")
    assert {"he", "ma", "tang"} <= told(road)
    assert "yan" not in told(road)
    assert find_case(road.as_staff("tang"), road.number)


def test_the_ladder_raises_as_the_system_and_stops_at_the_top(road, as_system):
    road.in_progress()
    entry = raise_locked(as_system(), road.case, note="办理时限超期五个工作日")
    assert (entry.role, entry.facts["level"]) == ("system", 1)
    assert raise_locked(as_system(), road.case, note="再次超期") is None


def test_other_hands_are_raised_from_their_own_level_and_own_their_own_term(in_the_village):
    road = in_the_village
    raise_case(road.as_staff("sun"), road.number, note="没有进展")
    request = asked(road, "du", RequestKind.REASSIGN, unit_ids=[road.cast.units["水利局"].id], reason_code="better_placed")
    decide_request(road.as_staff("sun"), road.number, request.id, Decision(approve=True, reset_term="新单位刚接手"))
    assert road.case.raised == 0
    sign_case(road.as_staff("shui"), road.number)
    assert road.clocks()[Clock.RESOLVE].owner_staff_id == road.cast.staff["shui"].id
    assert raise_locked(Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB), road.case, note="超期五个工作日") is not None
    assert "ma" in told(road)
    for login in ("hua", "tong", "shui", "ma"):  # nobody who had it loses sight of it
        assert find_case(road.as_staff(login), road.number)


@pytest.mark.parametrize("named", [True, False])
def test_a_return_and_a_reopening_begin_at_the_level_of_the_next_lead(in_the_village, named):
    road = in_the_village
    raise_case(road.as_staff("sun"), road.number, note="没有进展")
    if named:
        request = asked(road, "hua", RequestKind.RETURN, unit_ids=[road.cast.units["水利局"].id])
        decide_request(road.as_staff("du"), road.number, request.id, Decision(approve=True, note="同意"))
    else:
        record_contact(road.as_staff("hua"), road.number, how="phone", note="联系了")
        submit_result(road.as_staff("hua"), road.number, reply="已修好", note="换灯头", solved=True)
        pass_result(road.as_staff("qin"), road.number)
        record_callback(road.as_staff("lu"), road.number, HAPPY, note="满意")
        reopen_case(road.as_resident("lin"), road.number, words="又不亮了")
    assert road.case.raised == 0


def test_a_handler_may_not_raise_and_nothing_is_raised_before_dispatch(road):
    road.in_progress()
    with pytest.raises(NotYourMove):
        raise_case(road.as_staff("he"), road.number, note="我们办不了")
    other = road.accepted()
    with pytest.raises(IllegalMove):
        raise_case(road.as_staff("sun"), other, note="还没有派单")


def test_the_head_above_keeps_the_term_when_a_handler_is_named_and_may_report_the_result(in_the_village):
    road = in_the_village
    staff = road.cast.staff
    raise_case(road.as_staff("sun"), road.number, note="没有进展")
    assign_handler(road.as_staff("tong"), road.number, handler_id=staff["hua"].id)
    clocks = road.clocks()
    assert (clocks[Clock.RESOLVE].owner_staff_id, clocks[Clock.CONTACT].owner_staff_id) == (staff["tong"].id, staff["hua"].id)
    record_contact(road.as_staff("hua"), road.number, how="phone", note="联系了")
    submit_result(road.as_staff("tong"), road.number, reply="镇里已修好", note="镇里牵头", solved=True)
    road.check(State.UNDER_REVIEW)


def test_the_recused_level_is_passed_over(session, in_the_village):
    road = in_the_village
    # the case turns out to be against the head of the township, which is between village and county
    case = session.scalars(select(Case).where(Case.number == road.number)).one()
    case.against_staff_id = road.cast.staff["tong"].id
    session.flush()
    raise_case(road.as_staff("sun"), road.number, note="没有进展")
    assert "tong" not in told(road)
    assert road.clocks()[Clock.RESOLVE].owner_staff_id == road.cast.staff["ma"].id
