"""Triage: a dissatisfied word waits for the supervisor, who sends the case into its next round or lets others decide."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import Role
from app.ledger.callbacks.answers import TriageWaiting, attempt_callback, rate_case, record_callback
from app.ledger.commands import answer_case
from app.ledger.handling import OwnWork, pass_result, record_contact, submit_result
from app.ledger.moves import StaleVersion
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked, NothingToDecide
from app.ledger.requests.deciders import AskerMayNotDecide
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.rounds.triage import NoTermToExtend, NothingToTriage, Triage, TriageOwnWork, triage_case
from app.ledger.rounds.triage_list import triage_list
from app.ledger.showing.following import follow
from app.ledger.showing.possible import possible_actions
from app.ledger.supervision.oversight import ListsAreTheSupervisors
from app.ledger.vocabulary import Action, Clock, RequestKind, Satisfaction, State
from app.ledger.workflow import NotYourMove
from app.notices.models import Notice, Recipient
from app.people.models import StaffPost
from tests.counting import statements
from tests.ledger.test_straight_road import HAPPY, UNHAPPY, road

__all__ = ["road"]


@pytest.fixture
def unhappy(road):
    """A case whose person has said on the phone that nothing is solved."""
    road.awaiting_callback()
    road.clock.advance(hours=1)
    record_callback(road.as_staff("lu"), road.number, UNHAPPY, note="灯还是不亮")
    return road


def order(road, verdict=Triage.REWORK, login="sun", **more):
    return triage_case(road.as_staff(login), road.number, verdict=verdict, note="请再查线路", **more)


def told(session, template):
    rows = session.scalars(select(Notice).where(Notice.template == template)).all()
    return {(row.recipient, row.recipient_id): row.params for row in rows}


def test_a_dissatisfied_word_waits_and_nobody_speaks_meanwhile(unhappy):
    unhappy.check(State.AWAITING_CALLBACK)
    assert unhappy.case.triage
    assert unhappy.case.round == 1
    assert set(unhappy.clocks()) == {Clock.TRIAGE, Clock.OVERALL}
    for act in (
        lambda: attempt_callback(unhappy.as_staff("lu"), unhappy.number),
        lambda: record_callback(unhappy.as_staff("lu"), unhappy.number, HAPPY),
        lambda: rate_case(unhappy.as_resident("lin"), unhappy.number, HAPPY),
    ):
        with pytest.raises(TriageWaiting):
            act()
    assert follow(unhappy.as_resident("lin"), unhappy.number).may_rate is False
    assert "督办员研判" in follow(unhappy.as_resident("lin"), unhappy.number).what_next


def test_supervisor_and_person_are_told_that_triage_waits(unhappy, session):
    people = told(session, "triage_waits_persons")
    assert set(people) == {(Recipient.RESIDENT, unhappy.cast.residents["lin"].id)}
    (params,) = people.values()
    assert params == {"number": unhappy.number, "triage_due": "11月24日 17:30"}
    assert (Recipient.STAFF, unhappy.cast.staff["sun"].id) in told(session, "triage_waits")
    assert told(session, "closed_persons") == {}


def test_a_rework_gets_half_the_term_and_the_first_result_stays(unhappy, session):
    order(unhappy)
    unhappy.check(State.IN_PROGRESS)
    case = unhappy.case
    assert (case.round, case.reworks, case.triage) == (2, 1, False)
    assert set(unhappy.clocks()) == {Clock.RESOLVE, Clock.OVERALL}
    assert unhappy.clocks()[Clock.RESOLVE].amount == 3
    (params,) = told(session, "triage_persons").values()
    assert params["unit"] == "城市管理局"
    assert params["resolve_due"] == "11月26日 17:30"
    assert told(session, "triage")[Recipient.STAFF, unhappy.cast.staff["he"].id] == {"number": unhappy.number}
    submit_result(unhappy.as_staff("he"), unhappy.number, reply="换了整根线。", note="换线", solved=True)
    pass_result(unhappy.as_staff("qin"), unhappy.number)
    rate_case(unhappy.as_resident("lin"), unhappy.number, HAPPY)
    unhappy.check(State.CLOSED)
    words = [line.words for line in follow(unhappy.as_resident("lin"), unhappy.number).timeline]
    assert [word for word in words if word in ("路灯已修好。", "换了整根线。")] == ["路灯已修好。", "换了整根线。"]


def test_more_time_is_the_whole_term_or_as_much_as_is_given(unhappy):
    order(unhappy, Triage.EXTENDED)
    assert unhappy.clocks()[Clock.RESOLVE].amount == 5
    record_contact(unhappy.as_staff("he"), unhappy.number, how="phone", note="说明情况")
    submit_result(unhappy.as_staff("he"), unhappy.number, reply="还在修", note="等材料", solved=False)
    pass_result(unhappy.as_staff("qin"), unhappy.number)
    record_callback(unhappy.as_staff("lu"), unhappy.number, UNHAPPY)
    order(unhappy, Triage.EXTENDED, amount=8, reply="需要更换变压器，请再等等。")
    assert unhappy.clocks()[Clock.RESOLVE].amount == 8
    assert (unhappy.case.round, unhappy.case.reworks) == (3, 2)
    assert "需要更换变压器，请再等等。" in [line.words for line in follow(unhappy.as_resident("lin"), unhappy.number).timeline]


def test_a_direct_answer_that_does_not_satisfy_goes_to_dispatch(road, session):
    road.submitted()
    place = {"category_id": road.cast.categories["路灯照明"], "grid_id": road.cast.grids["柳林村一网格"].id}
    answer_case(road.as_staff("fang"), road.number, reply="请拨打供电热线", **place)
    rate_case(road.as_resident("lin"), road.number, UNHAPPY)
    road.check(State.AWAITING_CALLBACK)
    order(road)
    road.check(State.ACCEPTED)
    assert set(road.clocks()) == {Clock.DISPATCH, Clock.OVERALL}
    assert set(told(session, "triage_dispatch_persons")) == {(Recipient.RESIDENT, road.cast.residents["lin"].id)}
    assert told(session, "triage_persons") == {}


def test_judged_closed_needs_another_person_and_words(unhappy, session):
    asked = Asked(note="反复沟通，已按规定办到位", reply="已按规定修复到位，请理解。")
    request = ask(unhappy.as_staff("sun"), unhappy.number, RequestKind.JUDGE_CLOSED, asked)
    assert unhappy.case.triage  # asking decides nothing
    with pytest.raises(AskerMayNotDecide):
        decide_request(unhappy.as_staff("sun"), unhappy.number, request.id, Decision(approve=True, note="同意"))
    with pytest.raises(NotYourMove):
        decide_request(unhappy.as_staff("fang"), unhappy.number, request.id, Decision(approve=True, note="同意"))
    decide_request(unhappy.as_staff("ling"), unhappy.number, request.id, Decision(approve=True, note="同意"))
    unhappy.check(State.CLOSED)
    assert not unhappy.case.triage
    assert unhappy.clocks() == {}
    assert set(told(session, "judge_closed_persons")) == {(Recipient.RESIDENT, unhappy.cast.residents["lin"].id)}


def test_a_rework_ends_the_wish_to_judge_closed(unhappy):
    asked = Asked(note="已办到位", reply="已办到位。")
    request = ask(unhappy.as_staff("sun"), unhappy.number, RequestKind.JUDGE_CLOSED, asked)
    assert Clock.DECIDE in unhappy.clocks()
    order(unhappy, login="ling")
    assert request.state == "withdrawn"
    assert Clock.DECIDE not in unhappy.clocks()


def test_redirected_at_triage(unhappy):
    asked = Asked(note="实际是合同纠纷", reason_code="in_litigation", reply="请到法院起诉。", redirect_to="县法院")
    request = ask(unhappy.as_staff("sun"), unhappy.number, RequestKind.REDIRECT, asked)
    decide_request(unhappy.as_staff("fang"), unhappy.number, request.id, Decision(approve=True, note="同意"))
    unhappy.check(State.REDIRECTED)
    assert not unhappy.case.triage


def test_without_dissatisfaction_there_is_nothing_to_triage(road):
    road.awaiting_callback()
    with pytest.raises(NothingToTriage):
        order(road)
    with pytest.raises(NothingToDecide):
        ask(road.as_staff("sun"), road.number, RequestKind.JUDGE_CLOSED, Asked(note="办到位", reply="办到位。"))


def test_who_triages_is_a_supervisor_not_of_the_unit_and_sees_the_newest_state(unhappy, session):
    with pytest.raises(NotYourMove):
        order(unhappy, login="lu")
    with pytest.raises(StaleVersion):
        order(unhappy, version=1)
    session.add(StaffPost(staff_id=unhappy.cast.staff["sun"].id, role=Role.HANDLER, unit_id=unhappy.cast.units["城市管理局"].id))
    session.flush()
    with pytest.raises(TriageOwnWork):
        order(unhappy)
    order(unhappy, login="ling")


def test_nor_does_anybody_of_the_unit_ask_to_judge_it_closed_or_to_send_it_elsewhere(unhappy, session):
    session.add(StaffPost(staff_id=unhappy.cast.staff["sun"].id, role=Role.HANDLER, unit_id=unhappy.cast.units["城市管理局"].id))
    session.flush()
    offered = possible_actions(unhappy.as_staff("sun"), unhappy.case, [])
    assert not {Action.TRIAGE, Action.ASK_JUDGE_CLOSED, Action.ASK_REDIRECT} & set(offered)
    for kind, more in (
        (RequestKind.JUDGE_CLOSED, {}),
        (RequestKind.REDIRECT, {"reason_code": "in_litigation", "redirect_to": "县法院"}),
    ):
        with pytest.raises(OwnWork):
            ask(unhappy.as_staff("sun"), unhappy.number, kind, Asked(note="办到位", reply="办到位。", **more))


class TestList:
    def test_it_shows_words_and_grades_of_those_who_wait(self, unhappy):
        (row,) = triage_list(unhappy.as_staff("sun"), cursor=None, limit=10).items
        assert (row.number, row.unit, row.round, row.reworks) == (unhappy.number, "城市管理局", 1, 0)
        (said,) = row.said
        assert (said.satisfaction, said.solved, said.words) == (Satisfaction.DISSATISFIED, False, "灯还是不亮")
        order(unhappy)
        assert triage_list(unhappy.as_staff("sun"), cursor=None, limit=10).items == []

    def test_it_is_the_supervisors_and_never_of_the_own_unit(self, unhappy, session):
        with pytest.raises(ListsAreTheSupervisors):
            triage_list(unhappy.as_staff("lu"), cursor=None, limit=10)
        post = StaffPost(staff_id=unhappy.cast.staff["sun"].id, role=Role.HANDLER, unit_id=unhappy.cast.units["城市管理局"].id)
        session.add(post)
        session.flush()
        assert triage_list(unhappy.as_staff("sun"), cursor=None, limit=10).items == []
        assert len(triage_list(unhappy.as_staff("ling"), cursor=None, limit=10).items) == 1

    def test_a_case_against_the_supervisor_is_not_on_it(self, road):
        road.awaiting_callback(against_staff_id=road.cast.staff["sun"].id)
        record_callback(road.as_staff("lu"), road.number, UNHAPPY)
        assert triage_list(road.as_staff("sun"), cursor=None, limit=10).items == []
        assert len(triage_list(road.as_staff("ling"), cursor=None, limit=10).items) == 1

    def test_pages_go_on_where_they_stopped_and_cost_the_same(self, road):
        numbers = []
        for _ in range(3):
            road.awaiting_callback()
            record_callback(road.as_staff("lu"), road.number, UNHAPPY)
            numbers.append(road.number)
        sun = road.as_staff("sun")
        with statements() as one:
            first = triage_list(sun, cursor=None, limit=1)
        with statements() as three:
            assert [row.number for row in triage_list(sun, cursor=None, limit=3).items] == numbers
        assert len(one) == len(three)
        rest = triage_list(sun, cursor=first.next_cursor, limit=5)
        assert [row.number for row in [*first.items, *rest.items]] == numbers
        assert rest.next_cursor is None

    def test_a_closed_case_rated_badly_moves_nothing_but_stands_there(self, road, session):
        road.awaiting_callback()
        record_callback(road.as_staff("lu"), road.number, HAPPY, note="满意")
        road.clock.advance(days=2)
        rate_case(road.as_resident("lin"), road.number, UNHAPPY, words="又坏了")
        road.check(State.CLOSED)
        assert not road.case.triage
        assert road.clocks() == {}
        sun = road.as_staff("sun")
        assert triage_list(sun, cursor=None, limit=10).items == []
        (row,) = triage_list(sun, closed=True, cursor=None, limit=10).items
        assert [said.words for said in row.said] == ["满意", "又坏了"]
        assert set(told(session, "late_dissatisfaction")) == {
            (Recipient.STAFF, road.cast.staff[login].id) for login in ("sun", "ling")
        }
        road.clock.advance(days=14)
        assert triage_list(road.as_staff("sun"), closed=True, cursor=None, limit=10).items == []


def test_a_triage_after_its_time_is_late(unhappy):
    clock = unhappy.clocks()[Clock.TRIAGE]
    unhappy.clock.move_to(clock.due_at + timedelta(minutes=1))
    order(unhappy)
    assert clock.met_at == clock.breached_at == unhappy.clock()


def test_actions_of_the_supervisor_tell_the_truth(unhappy):
    offered = possible_actions(unhappy.as_staff("sun"), unhappy.case, [])
    assert {Action.TRIAGE, Action.ASK_JUDGE_CLOSED, Action.ASK_REDIRECT} <= set(offered)
    assert not {Action.ATTEMPT_CALLBACK, Action.RECORD_CALLBACK} & set(possible_actions(unhappy.as_staff("lu"), unhappy.case, []))


def test_no_more_time_is_given_where_nobody_leads_the_case_on(road):
    road.submitted()
    place = {"category_id": road.cast.categories["路灯照明"], "grid_id": road.cast.grids["柳林村一网格"].id}
    answer_case(road.as_staff("fang"), road.number, reply="请拨打供电热线", **place)
    rate_case(road.as_resident("lin"), road.number, UNHAPPY)
    with pytest.raises(NoTermToExtend) as refused:
        order(road, Triage.EXTENDED, amount=20)
    assert list(refused.value.errors) == ["amount"]
    road.session.refresh(road.case)
    order(road, Triage.EXTENDED)
    road.check(State.ACCEPTED)
