"""Call-backs: whom to call, when to call again, several reporters of one case, and the agents' list."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.core.stamp import Role
from app.ledger.callbacks.answers import (
    AlreadyRated,
    HeardBefore,
    Verdict,
    WhichReporter,
    attempt_callback,
    rate_by_claim,
    rate_case,
    record_callback,
)
from app.ledger.callbacks.callees import callees_of, enough, next_call
from app.ledger.callbacks.models import Callback
from app.ledger.callbacks.tasks import CallsAreTheAgents, call_tasks, callees_view
from app.ledger.commands import answer_case
from app.ledger.county import County
from app.ledger.disclosure import dial
from app.ledger.handling import pass_result, record_contact, sign_case, submit_result
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.joining import merge_cases
from app.ledger.merging.unmerging import unmerge_case
from app.ledger.models import Case, ReportClaim
from app.ledger.upstream.orders import hear_upstream
from app.ledger.vocabulary import CalleeState, Clock, Satisfaction, State, Urgency
from app.notices.models import Notice, Recipient
from app.people.models import StaffPost
from tests.counting import statements
from tests.ledger.intake.test_intake import lins_report
from tests.ledger.merging.reporters import another_reports
from tests.ledger.test_straight_road import HAPPY, UNHAPPY, road

__all__ = ["road"]

BASICALLY = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.BASICALLY_SATISFIED)


def china(day, hour, minute=0):
    return (
        datetime(2026, 11, day, hour - 8, minute, tzinfo=UTC)
        if hour >= 8
        else datetime(2026, 11, day - 1, hour + 16, minute, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("tried", "at", "expected"),
    [
        ([], china(23, 10), china(23, 10)),
        ([], china(23, 7), china(23, 8, 30)),
        ([], china(23, 21), china(24, 8, 30)),
        ([china(23, 10)], china(23, 10, 5), china(23, 11)),
        ([china(23, 10)], china(23, 15), china(23, 15)),
        ([china(23, 10), china(23, 11)], china(23, 12), china(24, 8, 30)),
        ([china(23, 10), china(24, 10)], china(24, 10, 30), china(24, 11)),
        ([china(23, 20)], china(23, 20, 1), china(24, 8, 30)),
    ],
)
def test_when_a_call_makes_sense_next(tried, at, expected):
    assert next_call(at, tried, County()) == expected


def test_three_attempts_on_two_days_are_enough():
    county = County()
    assert not enough([china(23, 9), china(23, 11), china(23, 13)], county)
    assert not enough([china(23, 9), china(24, 9)], county)
    assert enough([china(23, 9), china(23, 11), china(24, 9)], county)


def call(road, report, verdict=HAPPY, login="lu"):
    return record_callback(road.as_staff(login), road.number, verdict, report_id=report.id if report else None)


def ring(road, report=None):
    attempt_callback(road.as_staff("lu"), road.number, report_id=report.id if report else None)
    road.clock.advance(hours=2)


def states(road):
    return [callee.state.value for callee in callees_of(road.case, road.clock())]


def told(session, template):
    rows = session.scalars(select(Notice).where(Notice.template == template)).all()
    return {(row.recipient, row.recipient_id) for row in rows}


class TestSeveralReporters:
    @pytest.fixture
    def both(self, road):
        """A case of lin and chen that waits for their words; gives the road, lin's report and chen's."""
        road.awaiting_callback()
        return road, road.case.reports[0], another_reports(road, "chen")

    def test_it_closes_when_all_were_heard(self, both, session):
        road, lin, chen = both
        call(road, lin)
        road.check(State.AWAITING_CALLBACK)
        assert set(road.clocks()) == {Clock.CALLBACK, Clock.OVERALL}
        assert states(road) == ["heard", "waiting"]
        assert told(session, "closed_persons") == set()
        call(road, chen)
        road.check(State.CLOSED)
        residents = {(Recipient.RESIDENT, road.cast.residents[name].id) for name in ("lin", "chen")}
        assert told(session, "closed_persons") == residents

    @pytest.mark.parametrize("first", [0, 1])
    def test_the_least_favourable_word_decides_whoever_spoke_first(self, both, first):
        road, *reports = both
        call(road, reports[first], UNHAPPY)
        assert not road.case.triage  # the other is still to be heard
        assert set(road.clocks()) == {Clock.CALLBACK, Clock.OVERALL}
        call(road, reports[1 - first])
        road.check(State.AWAITING_CALLBACK)
        assert road.case.triage
        assert set(road.clocks()) == {Clock.TRIAGE, Clock.OVERALL}

    def test_which_reporter_was_called_must_be_said_while_more_than_one_waits(self, both):
        road, lin, chen = both
        with pytest.raises(WhichReporter):
            call(road, None)
        with pytest.raises(WhichReporter):
            record_callback(road.as_staff("lu"), road.number, HAPPY, report_id=chen.id + 1000)
        call(road, lin)
        with pytest.raises(HeardBefore):
            call(road, lin)
        call(road, None)  # only chen is left
        road.check(State.CLOSED)

    def test_a_rating_counts_for_its_own_person(self, both):
        road, _, chen = both
        rate_case(road.as_resident("chen"), road.number, HAPPY)
        assert states(road) == ["waiting", "rated"]
        with pytest.raises(AlreadyRated):
            rate_case(road.as_resident("chen"), road.number, UNHAPPY)
        with pytest.raises(HeardBefore):
            call(road, chen)
        rate_case(road.as_resident("lin"), road.number, BASICALLY)
        road.check(State.CLOSED)
        rows = road.session.scalars(select(Callback).order_by(Callback.id)).all()
        assert [row.report_id for row in rows] == [chen.id, road.case.reports[0].id]

    def test_who_cannot_be_reached_does_not_hold_the_others_up(self, both, session):
        road, lin, chen = both
        call(road, lin)
        ring(road, chen)
        ring(road, chen)
        assert states(road) == ["heard", "waiting"]
        road.clock.advance(days=1)
        ring(road, chen)
        road.check(State.CLOSED)
        assert states(road) == ["heard", "unreachable"]
        assert told(session, "unreachable_persons") == set()  # somebody was reached

    def test_nobody_reached_closes_as_unreachable_and_tells_so(self, both, session):
        road, lin, chen = both
        for report in (lin, chen):
            ring(road, report)
        for _ in range(2):
            road.clock.advance(days=1)
            ring(road, lin)
        road.check(State.AWAITING_CALLBACK)
        for _ in range(2):
            ring(road, chen)
        road.check(State.CLOSED)
        assert len(told(session, "unreachable_persons")) == 2
        assert told(session, "closed_persons") == set()

    def test_attempts_with_one_do_not_count_for_the_other(self, both):
        road, lin, chen = both
        ring(road, lin)
        ring(road, lin)
        road.clock.advance(days=1)
        ring(road, chen)
        assert states(road) == ["waiting", "waiting"]

    def test_the_same_person_is_called_once(self, road):
        road.awaiting_callback()
        second = another_reports(road, "lin", body="我再说一遍")
        claimed = another_reports(road, "zheng")
        claimed.claims.append(ReportClaim(report_id=claimed.id, resident_id=road.cast.residents["lin"].id, at=road.clock()))
        road.session.flush()
        (callee,) = callees_of(road.case, road.clock())
        assert [report.id for report in callee.reports] == [road.case.reports[0].id, second.id, claimed.id]
        call(road, second)
        road.check(State.CLOSED)

    def test_the_word_of_an_unnamed_reporter_counts_but_is_not_waited_for(self, road, as_anonymous):
        road.awaiting_callback()
        unnamed = another_reports(road, None, anonymous=True)
        assert len(callees_of(road.case, road.clock())) == 1
        rate_by_claim(as_anonymous(), road.case, unnamed, UNHAPPY, words="没修")
        road.check(State.AWAITING_CALLBACK)
        call(road, None)
        assert road.case.triage

    def test_each_has_their_own_rating_after_the_closing(self, both):
        road, lin, chen = both
        call(road, lin)
        call(road, chen)
        rate_case(road.as_resident("lin"), road.number, HAPPY)
        rate_case(road.as_resident("chen"), road.number, UNHAPPY)
        with pytest.raises(AlreadyRated):
            rate_case(road.as_resident("lin"), road.number, HAPPY)
        road.check(State.CLOSED)

    def test_the_agent_dials_the_reporter_to_be_called(self, both):
        road, _, chen = both
        assert dial(road.as_staff("lu"), road.number, report_id=chen.id).phone == "13800000002"
        assert dial(road.as_staff("lu"), road.number).phone == "13800000001"

    def test_whom_to_call_is_shown_masked_with_three_words(self, both):
        road, lin, _ = both
        call(road, lin, UNHAPPY)
        seen = callees_view(road.as_staff("lu"), road.number)
        assert (seen.unit_solved, seen.person_solved, seen.upstream_solved) == (True, False, None)
        assert seen.satisfaction is Satisfaction.DISSATISFIED
        assert [(one.state, one.solved) for one in seen.callees] == [(CalleeState.HEARD, False), (CalleeState.WAITING, None)]
        names = [one.person.name for one in seen.callees]
        assert all("*" in name for name in names)
        assert len(set(names)) == 2


def test_a_case_taken_out_again_does_not_leave_the_other_waiting_for_its_reporter(road, as_resident):
    said = lins_report(road.cast, body="村口的灯不亮", filer_resident_id=road.cast.residents["chen"].id,
                       concerned_id=road.cast.residents["chen"].id)  # fmt: skip
    chens = take_in(as_resident("chen"), said).number
    road.dispatched()
    merge_cases(road.as_staff("du"), road.number, numbers=[chens])
    sign_case(road.as_staff("he"), road.number)
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    submit_result(road.as_staff("he"), road.number, reply="路灯已修好。", note="换灯头", solved=True)
    pass_result(road.as_staff("qin"), road.number)
    call(road, road.case.reports[-1])  # lin's, who spoke after chen
    assert states(road) == ["waiting", "heard"]
    unmerge_case(road.as_staff("du"), chens, note="不是同一盏灯")
    road.check(State.CLOSED)


def test_upstreams_word_is_a_third_one(road):
    road.awaiting_callback(upstream_number="SZ1")
    call(road, None)
    road.check(State.AWAITING_UPSTREAM)
    hear_upstream(road.as_staff("du"), road.number, UNHAPPY, note="上级回访")
    seen = callees_view(road.as_staff("lu"), road.number)
    assert (seen.unit_solved, seen.person_solved, seen.upstream_solved) == (True, True, False)


def test_unreachable_is_told_with_what_the_person_may_still_do(road, session):
    road.awaiting_callback()
    for _ in range(3):
        ring(road)
        road.clock.advance(days=1)
    road.check(State.CLOSED)
    (notice,) = session.scalars(select(Notice).where(Notice.template == "unreachable_persons")).all()
    assert notice.params == {"number": road.number, "rating_until": "12月10日 17:50", "reopen_until": "12月10日 17:50"}


class TestTasks:
    def list(self, road, login="lu", **page):
        return call_tasks(road.as_staff(login), **{"cursor": None, "limit": 10} | page)

    def test_the_most_urgent_come_first_page_by_page_at_the_same_cost(self, road):
        numbers = []
        for _ in range(3):
            numbers.append(road.awaiting_callback())
            road.clock.advance(days=1)
        road.session.scalars(select(Case).where(Case.number == numbers[2])).one().urgency = Urgency.URGENT
        road.session.flush()
        wanted = [numbers[2], numbers[0], numbers[1]]
        lu = road.as_staff("lu")
        road.session.expire_all()
        with statements() as one:
            first = call_tasks(lu, cursor=None, limit=1)
        road.session.expire_all()
        with statements() as three:
            assert [row.number for row in call_tasks(lu, cursor=None, limit=3).items] == wanted
        assert len(one) == len(three)
        second = call_tasks(lu, cursor=first.next_cursor, limit=2)
        assert [row.number for row in [*first.items, *second.items]] == wanted
        assert second.next_cursor is None

    def test_a_task_says_how_often_it_was_tried_and_when_to_try_again(self, road):
        road.awaiting_callback()
        another_reports(road, "chen")
        at = road.clock()
        attempt_callback(road.as_staff("lu"), road.number, report_id=road.case.reports[0].id)
        (task,) = self.list(road).items
        assert (task.waiting, task.heard, task.attempts, task.unit_solved) == (2, 0, 1, True)
        assert task.next_at == at  # chen was not called yet
        record_callback(road.as_staff("lu"), road.number, HAPPY, report_id=road.case.reports[1].id)
        (task,) = self.list(road).items
        assert (task.waiting, task.heard, task.next_at) == (1, 1, at + timedelta(hours=1))
        assert task.due_at == road.clocks()[Clock.CALLBACK].due_at

    def test_what_waits_for_triage_or_has_nobody_to_call_is_no_task(self, road):
        road.awaiting_callback()
        record_callback(road.as_staff("lu"), road.number, UNHAPPY)
        assert self.list(road).items == []

    def test_a_confidential_case_is_to_be_contacted_once_it_is_signed_for(self, road):
        road.in_progress()  # its own unit makes the contact
        road.dispatched(confidential=True)
        assert self.list(road).items == []
        sign_case(road.as_staff("he"), road.number)
        (task,) = self.list(road).items
        assert (task.clock, task.number, task.confidential, task.waiting) == (Clock.CONTACT, road.number, True, 1)
        assert task.due_at == road.clocks()[Clock.CONTACT].due_at
        record_contact(road.as_staff("lu"), road.number, how="phone", note="已联系")
        assert self.list(road).items == []
        submit_result(road.as_staff("he"), road.number, reply="已修好。", note="换灯头", solved=True)
        pass_result(road.as_staff("qin"), road.number)
        assert [task.clock for task in self.list(road).items] == [Clock.CALLBACK]

    def test_it_is_the_agents_alone(self, road):
        road.awaiting_callback()
        with pytest.raises(CallsAreTheAgents):
            self.list(road, "sun")

    def test_whoever_has_a_part_in_it_does_not_call(self, road, session):
        agent = {"role": Role.CALLBACK_AGENT, "unit_id": road.cast.units["云溪县"].id}
        session.add_all(StaffPost(staff_id=road.cast.staff[login].id, **agent) for login in ("he", "fang"))
        session.flush()
        handled = road.awaiting_callback()
        assert self.list(road, "he").items == []  # of the unit
        road.submitted()
        place = {"category_id": road.cast.categories["路灯照明"], "grid_id": road.cast.grids["柳林村一网格"].id}
        answer_case(road.as_staff("fang"), road.number, reply="请拨打供电热线", **place)
        assert [task.number for task in self.list(road, "fang").items] == [handled]  # not what fang has answered
        assert len(self.list(road).items) == 2

    def test_a_case_against_the_agent_is_no_task(self, road):
        road.awaiting_callback(against_staff_id=road.cast.staff["lu"].id)
        assert self.list(road).items == []


def test_words_of_before_there_were_several_reporters_are_the_first_ones(road, session):
    road.awaiting_callback()
    case = road.case
    session.add(Callback(case_id=case.id, round=1, at=road.clock(), by="agent", reached=False))
    session.flush()
    another_reports(road, "chen")
    assert [callee.attempts for callee in callees_of(case, road.clock())] == [1, 0]
    assert session.scalar(select(func.count()).select_from(Callback)) == 1
