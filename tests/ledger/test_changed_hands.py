"""What happens to terms, access and requests when a case changes hands, is lengthened, or is suspended."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.callbacks.answers import rate_case
from app.ledger.clocks import Deadline
from app.ledger.deadlines import ClockFor, start_clock
from app.ledger.dispatching.eligible import UnitRecused
from app.ledger.dispatching.sub_dispatch import sub_dispatch
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_result
from app.ledger.models import CaseAccess, Entry
from app.ledger.requests.asking import RequestNotFound, withdraw_request
from app.ledger.requests.checks import RequestUnfit
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.extensions import AlreadyDue, PastUpstream
from app.ledger.requests.limits import ReturnLocked
from app.ledger.requests.models import Request
from app.ledger.requests.suspensions import ReviewDatePassed, resume_case
from app.ledger.requests.withdrawal import wish_to_withdraw
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.scope import NotYourUnit, find_case
from app.ledger.showing.following import follow
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Access, Action, Clock, Duty, Outcome, RequestKind, RequestState, State, Subject, Urgency
from app.notices.models import Notice, Recipient
from tests.ledger.requests.test_requests import NO, YES, asked, to_water, told_of
from tests.ledger.test_straight_road import UNHAPPY, road

__all__ = ["road"]

JANUARY = date(2027, 1, 20)


def lead_term(road):
    """The present term of the lead."""
    lead = next(a for a in road.case.assignments if a.duty is Duty.LEAD and a.ended_at is None)
    mine = (Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == lead.id, Deadline.clock == Clock.RESOLVE)
    road.session.flush()
    return road.session.scalars(select(Deadline).where(*mine, Deadline.cancelled_at.is_(None))).one()


def contacted(road, **more):
    road.in_progress(**more)
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")


def suspended(road, day=JANUARY):
    contacted(road)
    request = asked(road, "he", RequestKind.SUSPEND, review_on=day, evidence="已列入亮化工程")
    decide_request(road.as_staff("sun"), road.number, request.id, YES)


def swept(road):
    done = sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))
    road.session.expire_all()
    return done


def access_of(road, unit):
    road.session.expire_all()
    return road.session.get(CaseAccess, (road.case.id, road.cast.units[unit].id)).mode


class TestHands:
    def test_a_request_about_a_part_falls_away_when_the_part_ends(self, road, session):
        road.in_progress()
        returned = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        support = asked(road, "he", RequestKind.SUPPORT, unit_ids=[road.cast.units["民政局"].id])
        excluded = asked(road, "he", RequestKind.EXCLUDE)
        moved = asked(road, "du", RequestKind.REASSIGN, unit_ids=to_water(road))
        decide_request(road.as_staff("sun"), road.number, moved.id, YES)
        session.expire_all()
        states = [request.state for request in (returned, support, excluded, moved)]
        assert states == [RequestState.WITHDRAWN, RequestState.WITHDRAWN, RequestState.PENDING, RequestState.APPROVED]
        deciding = [clock.subject_id for kind, clock in road.clocks().items() if kind is Clock.DECIDE]
        assert deciding == [excluded.id]
        with pytest.raises(RequestNotFound):
            decide_request(road.as_staff("sun"), road.number, returned.id, YES)

    def test_who_loses_a_case_and_whom_it_passed_it_on_to_can_read_it_still_but_no_more(self, road):
        road.accepted()
        dispatch_case(
            road.as_staff("du"),
            road.number,
            lead_unit_id=road.cast.units["柳河镇"].id,
            assist_unit_ids=[road.cast.units["民政局"].id],
        )
        sub_dispatch(road.as_staff("shi"), road.number, sub_unit_ids=[road.cast.units["柳林村"].id])
        request = asked(road, "liu", RequestKind.RETURN, unit_ids=to_water(road))
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        road.check(State.ACCEPTED)
        assert {access_of(road, unit) for unit in ("柳河镇", "柳林村", "民政局")} == {Access.READ}
        assert (road.case.lead_unit_id, road.case.outcome) == (None, None)
        assert find_case(road.as_staff("min"), road.number).number == road.number
        assert set(road.clocks()) == {Clock.OVERALL, Clock.DISPATCH}
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["民政局"].id)
        assert (access_of(road, "民政局"), road.case.outcome) == (Access.WRITE, Outcome.PASSED_ON)

    def test_after_the_dispute_is_settled_only_the_centre_changes_hands(self, road):
        road.in_progress()
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        decide_request(road.as_staff("sun"), road.number, request.id, NO)
        with pytest.raises(ReturnLocked):
            asked(road, "he", RequestKind.REASSIGN, unit_ids=to_water(road))
        asked(road, "pai", RequestKind.REASSIGN, unit_ids=to_water(road))

    def test_a_taken_back_return_settles_nothing(self, road):
        road.dispatched()
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        withdraw_request(road.as_staff("he"), road.number, request.id)
        assert not road.case.return_locked
        asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))

    def test_an_assist_may_become_the_lead(self, road):
        road.in_progress(assists=["水利局"])
        sign_case(road.as_staff("shui"), road.number)
        first = lead_term(road).due_at
        request = asked(road, "du", RequestKind.REASSIGN, unit_ids=to_water(road))
        decide_request(road.as_staff("pai"), road.number, request.id, YES)
        road.check(State.DISPATCHED)
        assert [(a.unit.name, a.duty) for a in road.case.assignments if a.ended_at is None] == [("水利局", Duty.LEAD)]
        assert access_of(road, "水利局") is Access.WRITE
        assert access_of(road, "城市管理局") is Access.READ
        assert lead_term(road).due_at == first

    def test_the_decider_may_choose_another_unit_but_neither_the_same_nor_one_that_is_recused(self, road):
        road.in_progress(against_unit_id=road.cast.units["水利局"].id)
        request = asked(road, "he", RequestKind.REASSIGN, unit_ids=[road.cast.units["民政局"].id])
        for unit, refusal in (("城市管理局", RequestUnfit), ("水利局", UnitRecused)):
            nested = road.session.begin_nested()
            named = Decision(approve=True, unit_id=road.cast.units[unit].id)
            with pytest.raises(refusal):
                decide_request(road.as_staff("du"), road.number, request.id, named)
            nested.rollback()
        decide_request(
            road.as_staff("du"), road.number, request.id, Decision(approve=True, unit_id=road.cast.units["交通运输局"].id)
        )
        assert road.case.lead_unit.name == "交通运输局"

    def test_what_is_left_of_a_suspended_term_goes_to_the_new_hands(self, road):
        suspended(road)
        road.clock.move_to(datetime(2026, 12, 14, 2, 0, tzinfo=UTC))
        request = asked(road, "du", RequestKind.REASSIGN, unit_ids=to_water(road))
        decide_request(road.as_staff("sun"), road.number, request.id, YES)
        road.check(State.DISPATCHED)
        assert lead_term(road).due_at == datetime(2026, 12, 21, 9, 30, tzinfo=UTC)  # the five working days that were left
        assert Clock.SUSPENSION not in road.clocks()
        assert road.clocks()[Clock.OVERALL].paused_at is None

    def test_a_breached_term_is_handed_on_unless_it_is_reset(self, road):
        road.in_progress()
        first = lead_term(road).due_at
        road.clock.move_to(first + timedelta(days=1))
        request = asked(road, "du", RequestKind.REASSIGN, unit_ids=to_water(road))
        decide_request(road.as_staff("pai"), road.number, request.id, Decision(approve=True, reset_term="新单位刚接手"))
        assert lead_term(road).due_at > road.clock()
        second = asked(road, "du", RequestKind.REASSIGN, unit_ids=[road.cast.units["民政局"].id])
        kept = lead_term(road).due_at
        decide_request(road.as_staff("pai"), road.number, second.id, YES)
        assert lead_term(road).due_at == kept

    def test_the_term_of_a_rework_round_stays_half_when_it_is_reset(self, road):
        road.awaiting_callback()
        rate_case(road.as_resident("lin"), road.number, UNHAPPY)
        triage_case(road.as_staff("sun"), road.number, verdict=Triage.REWORK, note="请返工")
        assert lead_term(road).amount == 3
        request = asked(road, "du", RequestKind.REASSIGN, unit_ids=to_water(road))
        decide_request(road.as_staff("pai"), road.number, request.id, Decision(approve=True, reset_term="换人重办"))
        assert (lead_term(road).amount, lead_term(road).given) == (3, False)

    def test_a_dispatch_after_a_return_may_reset_the_term_with_a_reason(self, road, session):
        road.dispatched()
        first = lead_term(road).due_at
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        road.clock.advance(days=1)
        water = road.cast.units["水利局"].id
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=water, reset_term="退单耽误了一天")
        assert lead_term(road).due_at > first
        facts = session.scalars(select(Entry.facts).where(Entry.action == Action.DISPATCH).order_by(Entry.seq)).all()[-1]
        assert facts["reset_term"] == "退单耽误了一天"

    def test_nobodys_days_are_not_held_against_who_gets_the_case_late(self, road):
        """Given back before it was due, dispatched long after: the new lead is late, but not yet to be interviewed."""
        road.dispatched()
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        road.clock.advance(days=40)
        water, power = road.cast.units["水利局"].id, road.cast.units["供水公司"].id
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=water, assist_unit_ids=[power])
        road.clock.advance(minutes=1)
        swept(road)
        term = lead_term(road)
        assert (term.breached_at is not None, term.level) == (True, 2)
        assist = next(a for a in road.case.assignments if a.duty is Duty.ASSIST and a.ended_at is None)
        mine = (Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == assist.id, Deadline.clock == Clock.RESOLVE)
        theirs = road.session.scalars(select(Deadline).where(*mine)).one()
        assert theirs.due_at > road.clock()
        assert theirs.breached_at is None

    def test_three_changes_of_hands_with_nobody_taking_it_raise_the_case(self, road):
        road.dispatched()
        for unit in ("水利局", "民政局", "交通运输局"):
            request = asked(road, "du", RequestKind.REASSIGN, unit_ids=[road.cast.units[unit].id])
            decide_request(road.as_staff("sun"), road.number, request.id, YES)
        assert (road.case.reassignments, road.case.raised) == (3, 1)

    def test_support_reports_by_the_leads_term(self, road):
        road.in_progress()
        road.clock.advance(days=2)
        request = asked(road, "he", RequestKind.SUPPORT, unit_ids=to_water(road))
        due = lead_term(road).due_at
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        part = next(a for a in road.case.assignments if a.unit.name == "水利局")
        query = select(Deadline.clock, Deadline.due_at).where(
            Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == part.id
        )
        clocks = dict(road.session.execute(query).all())
        assert set(clocks) == {Clock.SIGN, Clock.RESOLVE}
        assert clocks[Clock.RESOLVE] == due
        assert access_of(road, "水利局") is Access.WRITE
        assert told_of(road.session, "add_assist_assists") == [road.cast.staff["shui"].id]


class TestLengthened:
    def test_the_light_turns_by_the_longer_term(self, road):
        road.in_progress()
        before = lead_term(road)
        request = asked(road, "he", RequestKind.EXTEND, amount=5)
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        after = lead_term(road)
        assert (before.amount, after.amount, after.supersedes_id) == (5, 10, before.id)
        assert after.due_at == datetime(2026, 12, 7, 9, 30, tzinfo=UTC)
        assert after.warn_at == datetime(2026, 12, 3, 9, 30, tzinfo=UTC)  # two of ten working days are left
        assert road.case.next_due_at <= after.due_at

    def test_hours_are_added_to_an_urgent_term_and_to_the_promise(self, road):
        road.in_progress(urgency=Urgency.URGENT)
        before, promise = lead_term(road).due_at, road.clocks()[Clock.OVERALL].due_at
        request = asked(road, "he", RequestKind.EXTEND, amount=12)
        assert request.details == {"amount": 12, "amount_unit": "hour"}
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        assert lead_term(road).due_at == before + timedelta(hours=12)
        assert road.clocks()[Clock.OVERALL].due_at == promise + timedelta(hours=12)

    @pytest.mark.parametrize(("minutes", "refused"), [(0, None), (1, AlreadyDue)])
    def test_it_is_asked_by_the_last_minute(self, road, minutes, refused):
        road.in_progress()
        road.clock.move_to(lead_term(road).due_at + timedelta(minutes=minutes))
        if refused is None:
            asked(road, "he", RequestKind.EXTEND, amount=1)
            return
        with pytest.raises(refused):
            asked(road, "he", RequestKind.EXTEND, amount=1)

    def test_only_the_lead_asks(self, road):
        road.in_progress(assists=["水利局"])
        with pytest.raises(NotYourUnit):
            asked(road, "shui", RequestKind.EXTEND, amount=1)

    def test_the_county_cannot_lengthen_what_upstream_has_set(self, road, session):
        road.in_progress()
        case, due = road.case, lead_term(road).due_at
        given = ClockFor(
            Clock.UPSTREAM_DUE,
            Subject.CASE,
            case.kind,
            case.urgency,
            case.category_id,
            "上级办理时限",
            None,
            due=due + timedelta(days=1),
        )
        start_clock(given, road.clock(), subject_id=case.id, case_id=case.id)
        session.flush()
        with pytest.raises(PastUpstream):
            asked(road, "he", RequestKind.EXTEND, amount=2)

    def test_an_assist_that_was_late_when_it_was_asked_stays_late(self, road):
        road.in_progress(assists=["水利局"])
        part = next(a for a in road.case.assignments if a.duty is Duty.ASSIST)
        own = (Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == part.id, Deadline.clock == Clock.RESOLVE)
        clock = road.session.scalars(select(Deadline).where(*own)).one()
        clock.due_at = clock.warn_at = clock.next_check_at = road.clock() + timedelta(minutes=10)
        road.clock.advance(minutes=20)
        swept(road)
        request = asked(road, "he", RequestKind.EXTEND, amount=2)
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        fresh = road.session.scalars(select(Deadline).where(*own, Deadline.cancelled_at.is_(None))).one()
        assert fresh.breached_at is not None


class TestSuspended:
    def test_the_review_on_a_rest_day_is_moved_to_the_next_working_day(self, road):
        suspended(road, day=date(2026, 12, 5))  # a Saturday
        assert road.clocks()[Clock.SUSPENSION].due_at == datetime(2026, 12, 7, 9, 30, tzinfo=UTC)

    def test_it_goes_on_exactly_once_and_a_new_suspension_is_a_new_request(self, road, session):
        suspended(road)
        due = road.clocks()[Clock.SUSPENSION].due_at
        road.clock.move_to(due - timedelta(minutes=1))
        swept(road)
        road.check(State.SUSPENDED)
        road.clock.move_to(due + timedelta(hours=3))
        for _ in range(3):
            swept(road)
        road.check(State.IN_PROGRESS)
        resumed = select(func.count()).select_from(Entry).where(Entry.case_id == road.case.id, Entry.action == Action.RESUME)
        assert session.scalar(resumed) == 1
        lin = (Notice.recipient == Recipient.RESIDENT, Notice.recipient_id == road.cast.residents["lin"].id)
        assert session.scalar(select(func.count()).select_from(Notice).where(Notice.template == "resume_persons", *lin)) == 1
        assert "挂账复核已超时" not in [line.what for line in follow(road.as_resident("lin"), road.number).timeline]
        assert told_of(session, "breach_clock") == []  # the day was planned: nothing is overdue
        again = asked(road, "he", RequestKind.SUSPEND, review_on=date(2027, 3, 1), evidence="工程顺延")
        decide_request(road.as_staff("sun"), road.number, again.id, YES)
        road.check(State.SUSPENDED)
        running = [row for row in road.clocks().values() if row.clock is Clock.SUSPENSION]
        assert [row.due_at for row in running] == [datetime(2027, 3, 1, 9, 30, tzinfo=UTC)]

    def test_what_was_late_before_it_was_suspended_stays_late_though_nobody_had_swept(self, road):
        contacted(road)
        request = asked(road, "he", RequestKind.SUSPEND, review_on=JANUARY, evidence="已列入亮化工程")
        term = lead_term(road)
        road.clock.move_to(term.due_at + timedelta(hours=1))
        decide_request(road.as_staff("sun"), road.number, request.id, YES)
        assert (term.breached_at, road.case.late_since) == (road.clock(), road.clock())
        ended = asked(road, "he", RequestKind.TERMINATE, reply="现在不具备条件。")
        decide_request(road.as_staff("sun"), road.number, ended.id, YES)
        road.session.flush()
        assert (term.cancelled_at is not None, term.breached_at is not None) == (True, True)

    def test_it_is_not_approved_once_the_review_date_has_passed(self, road):
        contacted(road)
        request = asked(road, "he", RequestKind.SUSPEND, review_on=date(2026, 11, 24), evidence="计划")
        road.clock.move_to(datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
        with pytest.raises(ReviewDatePassed):
            decide_request(road.as_staff("sun"), road.number, request.id, YES)

    def test_an_assist_does_not_take_it_up_again(self, road):
        contacted(road, assists=["水利局"])
        request = asked(road, "he", RequestKind.SUSPEND, review_on=JANUARY, evidence="计划")
        decide_request(road.as_staff("yan"), road.number, request.id, YES)
        with pytest.raises(NotYourUnit):
            resume_case(road.as_staff("shui"), road.number, note="可以继续")
        resume_case(road.as_staff("du"), road.number, note="工程提前")
        road.check(State.IN_PROGRESS)

    def test_an_earlier_resumption_gives_back_what_was_left(self, road):
        suspended(road)
        road.clock.move_to(datetime(2026, 12, 14, 2, 0, tzinfo=UTC))
        resume_case(road.as_staff("he"), road.number, note="工程提前")
        assert lead_term(road).due_at == datetime(2026, 12, 21, 9, 30, tzinfo=UTC)
        later = datetime(2027, 1, 20, 9, 31, tzinfo=UTC)
        submit_result(road.as_staff("he"), road.number, reply="修好了", note="已完工", solved=True)
        pass_result(road.as_staff("qin"), road.number)
        road.clock.move_to(later)
        swept(road)
        assert road.case.state is State.AWAITING_CALLBACK  # the old review date moves nothing any more


class TestThePerson:
    def test_a_wish_to_withdraw_that_is_not_followed_is_answered(self, road, session):
        road.in_progress()
        wish_to_withdraw(road.as_resident("lin"), road.number, words="不想办了")
        request = session.scalars(select(Request).where(Request.kind == RequestKind.WITHDRAW)).one()
        decide_request(
            road.as_staff("lu"), road.number, request.id, Decision(approve=False, note="电话核实，邻居代为提出，本人不同意")
        )
        road.check(State.IN_PROGRESS)
        told = session.scalars(select(Notice).where(Notice.template == "refuse_request_persons")).one()
        assert (told.recipient, told.recipient_id) == (Recipient.RESIDENT, road.cast.residents["lin"].id)
        lines = follow(road.as_resident("lin"), road.number).timeline
        assert lines[-1].words == "撤回的申请经电话核实没有办理，这件事继续办理。"

    @pytest.mark.parametrize(
        ("kind", "notice", "words"),
        [
            (RequestKind.EXTEND, "extend_persons", "期限延长到2026年12月3日"),
            (RequestKind.SUSPEND, "suspend_persons", "先挂账，2027年1月20日再复核"),
            (RequestKind.TERMINATE, "terminate_persons", "原因：经查确实无法办理"),
        ],
    )
    def test_the_person_is_told_in_plain_words_and_can_read_them(self, road, session, kind, notice, words):
        contacted(road)
        request = asked(road, "he", kind, amount=3, review_on=JANUARY, evidence="计划", reply="您好，情况是这样的。")
        decide_request(road.as_staff("sun"), road.number, request.id, YES)
        assert told_of(session, notice) == [road.cast.residents["lin"].id]
        assert words in follow(road.as_resident("lin"), road.number).timeline[-1].words
        asked_lines = [line for line in follow(road.as_resident("lin"), road.number).timeline if "情况说明" in (line.words or "")]
        assert asked_lines == []  # what the offices write each other is not the person's to read
