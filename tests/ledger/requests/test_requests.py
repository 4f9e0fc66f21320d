"""Requests: asked by one, decided by another, within limits; the case's own clocks run on meanwhile."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.callbacks.answers import rate_case
from app.ledger.clocks import Deadline
from app.ledger.dispatching.sub_dispatch import sub_dispatch
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_assist, submit_result
from app.ledger.models import CaseAccess, Entry, EntryWords
from app.ledger.requests.asking import RequestNotFound, RequestPending, ask, withdraw_request
from app.ledger.requests.checks import Asked, NothingToDecide, RequestUnfit, UnknownReason
from app.ledger.requests.deciders import AskerMayNotDecide
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.extensions import AlreadyDue, NoMoreExtensions
from app.ledger.requests.limits import AlreadyReported, ReturnLocked, ReturnTooLate, SignFirst
from app.ledger.requests.models import Request
from app.ledger.requests.suspensions import SuspendAfterContact, WrongReviewDate, resume_case
from app.ledger.requests.withdrawal import wish_to_withdraw
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.scope import CaseNotFound, NotYourUnit
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Access, Action, Clock, Duty, RequestKind, RequestState, State, Urgency
from app.ledger.workflow import NotYourMove
from app.notices.models import Notice
from tests.ledger.test_straight_road import UNHAPPY, road

__all__ = ["road"]

YES = Decision(approve=True, note="同意")
NO = Decision(approve=False, note="不同意，请继续办理")


def asked(road, login, kind, **more):
    reasons = {"return": "wrong_unit", "extend": "larger_works", "suspend": "engineering", "terminate": "impossible",
               "exclude": "force_majeure", "void": "test_entry", "reject": "no_facts", "redirect": "petition"}  # fmt: skip
    given = {"note": "情况说明", "reason_code": reasons.get(kind.value)} | more
    return ask(road.as_staff(login), road.number, kind, Asked(**given))


def to_water(road):
    return [road.cast.units["水利局"].id]


def told_of(session, template):
    return sorted(session.scalars(select(Notice.recipient_id).where(Notice.template == template)))


def decide_clock(road):
    return road.clocks().get(Clock.DECIDE)


class TestReturn:
    def test_a_unit_gives_its_case_back_and_the_next_keeps_the_first_term(self, road, session):
        road.dispatched()
        first = road.clocks()[Clock.RESOLVE].due_at
        road.clock.advance(hours=2)
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        assert decide_clock(road) is not None
        assert road.clocks()[Clock.RESOLVE].due_at == first  # the clock runs on while it is pending
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        road.check(State.ACCEPTED)
        assert set(road.clocks()) == {Clock.OVERALL, Clock.DISPATCH}
        access = session.get(CaseAccess, (road.case.id, road.cast.units["城市管理局"].id))
        assert access.mode is Access.READ
        assert road.case.lead_unit_id is None
        road.clock.advance(minutes=5)
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["水利局"].id)
        clocks = road.clocks()
        assert clocks[Clock.RESOLVE].due_at == first
        assert clocks[Clock.SIGN].starts_at == clocks[Clock.CONTACT].starts_at == road.clock()
        assert (road.case.reassignments, road.case.return_locked) == (1, False)

    def test_the_decider_may_name_the_new_unit_at_once_and_reset_its_term_with_a_reason(self, road):
        road.dispatched(assists=["民政局"])
        first = road.clocks()[Clock.RESOLVE].due_at
        road.clock.advance(days=1)
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        water = road.cast.units["水利局"].id
        decision = Decision(approve=True, note="属水利局", unit_id=water, reset_term="耽误不在新单位")
        decide_request(road.as_staff("du"), road.number, request.id, decision)
        road.check(State.DISPATCHED)
        assert road.case.lead_unit_id == water
        assert {(a.unit.name, a.duty) for a in road.case.assignments if a.ended_at is None} == {
            ("水利局", Duty.LEAD),
            ("民政局", Duty.ASSIST),
        }
        assert road.clocks()[Clock.RESOLVE].due_at > first

    @pytest.mark.parametrize(
        ("after", "refused"),
        [
            (timedelta(hours=32, minutes=14), None),  # dispatched 09:15, due at the close of the next working day
            (timedelta(hours=32, minutes=16), ReturnTooLate),
        ],
    )
    def test_it_is_asked_within_a_working_day_of_dispatch(self, road, after, refused):
        road.dispatched()
        road.clock.advance(minutes=after.total_seconds() / 60)
        if refused is None:
            asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
            return
        with pytest.raises(refused, match="11月24日 17:30"):
            asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))

    @pytest.mark.parametrize(("minutes", "refused"), [(0, None), (1, ReturnTooLate)])
    def test_the_week_of_the_national_day_does_not_count(self, road, minutes, refused):
        road.clock.move_to(datetime(2026, 9, 30, 8, 50, tzinfo=UTC))  # 16:50 on the eve
        road.dispatched()
        road.clock.move_to(datetime(2026, 10, 8, 9, 30, tzinfo=UTC) + timedelta(minutes=minutes))  # 17:30 on the first day back
        if refused is None:
            asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
            return
        with pytest.raises(refused, match="10月08日 17:30"):
            asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))

    @pytest.mark.parametrize(("minutes", "refused"), [(29, None), (30, None), (31, ReturnTooLate)])
    def test_an_urgent_case_is_acted_on_first_and_disputed_within_half_an_hour(self, road, minutes, refused):
        road.dispatched(urgency=Urgency.URGENT)
        with pytest.raises(SignFirst):
            asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        road.clock.advance(minutes=10)
        sign_case(road.as_staff("he"), road.number)
        road.clock.advance(minutes=minutes - 10)
        if refused is not None:
            with pytest.raises(refused):
                asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
            return
        asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        assert road.case.state is State.IN_PROGRESS  # the unit stays answerable
        assert {Clock.CONTACT, Clock.RESOLVE} <= set(road.clocks())

    def test_a_refused_return_locks_the_case(self, road):
        road.in_progress()
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        decide_request(road.as_staff("sun"), road.number, request.id, NO)
        road.check(State.IN_PROGRESS)
        assert road.case.return_locked
        with pytest.raises(ReturnLocked):
            asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))

    def test_a_second_approved_return_locks_it_too(self, road):
        road.dispatched()
        for unit, handler in (("水利局", "he"), ("民政局", "shui")):
            request = asked(road, handler, RequestKind.RETURN, unit_ids=[road.cast.units[unit].id])
            decision = Decision(approve=True, note="同意", unit_id=road.cast.units[unit].id)
            decide_request(road.as_staff("du"), road.number, request.id, decision)
        with pytest.raises(ReturnLocked):
            asked(road, "min", RequestKind.RETURN, unit_ids=to_water(road))

    def test_an_assist_returns_its_part_alone(self, road, session):
        road.in_progress(assists=["水利局"])
        before = {clock: row.id for clock, row in road.clocks().items() if clock is not Clock.RESOLVE}
        request = asked(road, "shui", RequestKind.RETURN, unit_ids=[road.cast.units["民政局"].id])
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        road.check(State.IN_PROGRESS)
        open_parts = [a for a in road.case.assignments if a.ended_at is None]
        assert [(a.unit.name, a.duty) for a in open_parts] == [("城市管理局", Duty.LEAD)]
        rows = session.scalars(select(Deadline).where(Deadline.case_id == road.case.id, Deadline.clock == Clock.RESOLVE)).all()
        assert [row.cancelled_at is None for row in sorted(rows, key=lambda row: row.id)] == [True, False]
        assert Clock.CONTACT in before
        assert road.case.reassignments == 0

    def test_it_names_another_unit_and_a_reason(self, road):
        road.dispatched()
        with pytest.raises(RequestUnfit):
            asked(road, "he", RequestKind.RETURN)
        with pytest.raises(RequestUnfit, match="申请内容"):
            asked(road, "he", RequestKind.RETURN, unit_ids=[road.cast.units["城市管理局"].id])
        with pytest.raises(UnknownReason):
            asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road), reason_code="no_facts")
        with pytest.raises(NotYourMove):
            asked(road, "fang", RequestKind.RETURN, unit_ids=to_water(road))

    def test_what_was_reported_or_taken_on_in_an_earlier_round_is_not_returned(self, road):
        road.in_progress(assists=["水利局"])
        sign_case(road.as_staff("shui"), road.number)
        submit_assist(road.as_staff("shui"), road.number, note="已配合")
        with pytest.raises(AlreadyReported):
            asked(road, "shui", RequestKind.RETURN, unit_ids=[road.cast.units["民政局"].id])
        record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
        submit_result(road.as_staff("he"), road.number, reply="修好了", note="换灯", solved=True)
        pass_result(road.as_staff("qin"), road.number)
        road.clock.advance(days=2)
        rate_case(road.as_resident("lin"), road.number, UNHAPPY)
        triage_case(road.as_staff("sun"), road.number, verdict=Triage.REWORK, note="请返工")
        road.check(State.IN_PROGRESS)
        with pytest.raises(ReturnTooLate, match="11月24日"):
            asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))

    def test_a_unit_below_the_lead_has_nothing_of_the_centres_to_return(self, road):
        road.accepted()
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
        sub_dispatch(road.as_staff("shi"), road.number, sub_unit_ids=[road.cast.units["柳林村"].id])
        with pytest.raises(NotYourUnit):
            asked(road, "hua", RequestKind.RETURN, unit_ids=to_water(road))

    def test_a_supervisor_too_names_the_new_unit_at_once_and_both_hear_of_it(self, road, session):
        road.dispatched()
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        water = road.cast.units["水利局"].id
        decide_request(road.as_staff("sun"), road.number, request.id, Decision(approve=True, note="同意", unit_id=water))
        road.check(State.DISPATCHED)
        assert (road.case.lead_unit_id, road.case.reassignments) == (water, 1)
        assert set(road.clocks()) == {Clock.OVERALL, Clock.SIGN, Clock.CONTACT, Clock.RESOLVE}
        staff = road.cast.staff
        assert told_of(session, "reassign_asker") == [staff["he"].id]
        assert told_of(session, "reassign_lead") == [staff["shui"].id]

    def test_who_takes_over_from_an_assist_may_be_named_at_once(self, road):
        road.in_progress(assists=["水利局"])
        lead = {clock: row.id for clock, row in road.clocks().items() if row.subject_id == road.case.assignments[0].id}
        request = asked(road, "shui", RequestKind.RETURN, unit_ids=[road.cast.units["民政局"].id])
        decision = Decision(approve=True, note="同意", unit_id=road.cast.units["民政局"].id)
        decide_request(road.as_staff("sun"), road.number, request.id, decision)
        road.check(State.IN_PROGRESS)
        still = [(a.unit.name, a.duty) for a in road.case.assignments if a.ended_at is None]
        assert still == [("城市管理局", Duty.LEAD), ("民政局", Duty.ASSIST)]
        assert {Clock.CONTACT} <= set(lead)
        assert all(road.session.get(Deadline, ident).cancelled_at is None for ident in lead.values())

    def test_the_breach_of_an_assist_that_returned_its_part_stays(self, road, session):
        road.in_progress(assists=["水利局"])
        road.clock.advance(hours=3)
        request = asked(road, "shui", RequestKind.RETURN, unit_ids=[road.cast.units["民政局"].id])
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        part = next(a for a in road.case.assignments if a.unit.name == "水利局")
        rows = session.scalars(select(Deadline).where(Deadline.subject == "assignment", Deadline.subject_id == part.id)).all()
        assert {row.clock: (row.met_at, row.breached_at is not None) for row in rows} == {
            Clock.SIGN: (None, True),
            Clock.RESOLVE: (None, False),
        }
        assert all(row.cancelled_at is not None for row in rows)


class TestWhoDecides:
    def test_the_asker_never_decides(self, road):
        road.in_progress()
        request = asked(road, "du", RequestKind.REASSIGN, unit_ids=to_water(road))
        with pytest.raises(AskerMayNotDecide):
            decide_request(road.as_staff("du"), road.number, request.id, YES)
        decide_request(road.as_staff("pai"), road.number, request.id, YES)
        road.check(State.DISPATCHED)

    def test_one_waits_at_a_time_and_the_asker_may_take_it_back(self, road):
        road.in_progress()
        request = asked(road, "he", RequestKind.EXTEND, amount=3)
        with pytest.raises(RequestPending):
            asked(road, "he", RequestKind.EXTEND, amount=4)
        with pytest.raises(RequestNotFound):
            withdraw_request(road.as_staff("gao"), road.number, request.id)
        withdraw_request(road.as_staff("he"), road.number, request.id)
        assert (request.state, decide_clock(road)) == (RequestState.WITHDRAWN, None)
        asked(road, "he", RequestKind.EXTEND, amount=4)

    def test_it_falls_away_with_its_clock_when_the_case_goes_on(self, road, session):
        road.in_progress()
        record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
        request = asked(road, "he", RequestKind.EXTEND, amount=3)
        submit_result(road.as_staff("he"), road.number, reply="修好了", note="换灯", solved=True)
        session.refresh(request)
        assert request.state is RequestState.WITHDRAWN
        assert decide_clock(road) is None

    def test_the_decision_has_its_clock_and_its_lateness_is_told(self, road, session):
        road.in_progress()
        asked(road, "he", RequestKind.EXTEND, amount=3)
        assert decide_clock(road).due_at == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
        road.clock.move_to(datetime(2026, 11, 24, 9, 31, tzinfo=UTC))
        sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))
        told = session.scalars(select(Notice).where(Notice.template == "breach_clock", Notice.case_id == road.case.id)).all()
        assert any("延期申请" in notice.params["clock"] for notice in told)

    def test_the_asker_hears_what_became_of_it(self, road, session):
        road.in_progress()
        request = asked(road, "he", RequestKind.EXTEND, amount=3)
        decide_request(road.as_staff("sun"), road.number, request.id, NO)
        told = session.scalars(select(Notice.recipient_id).where(Notice.template == "refuse_request")).all()
        assert told == [road.cast.staff["he"].id]


class TestExtension:
    def test_the_term_the_promise_and_the_assists_move_along_and_the_person_is_told(self, road, session):
        road.in_progress(assists=["水利局"])
        before = road.clocks()
        request = asked(road, "he", RequestKind.EXTEND, amount=3)
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        rows = session.scalars(select(Deadline).where(Deadline.case_id == road.case.id, Deadline.cancelled_at.is_(None))).all()
        resolves = [row.due_at for row in rows if row.clock is Clock.RESOLVE]
        assert resolves == [datetime(2026, 12, 3, 9, 30, tzinfo=UTC)] * 2  # 30 November and three working days
        assert road.clocks()[Clock.OVERALL].due_at > before[Clock.OVERALL].due_at
        old = session.get(Deadline, before[Clock.OVERALL].id)
        assert old.cancelled_at is not None
        assert road.clocks()[Clock.OVERALL].supersedes_id == old.id
        reply = session.scalars(select(EntryWords.reply).join(Entry).where(Entry.action == Action.EXTEND)).one()
        assert reply.startswith("您反映的事项需要更多时间办理，期限延长到2026年12月3日。原因：工程量大")
        templates = session.scalars(select(Notice.template).where(Notice.template == "extend_persons")).all()
        assert templates == ["extend_persons"]

    def test_the_second_is_the_responsible_leaders_and_there_is_no_third(self, road):
        road.in_progress()
        first = asked(road, "he", RequestKind.EXTEND, amount=3)
        decide_request(road.as_staff("du"), road.number, first.id, YES)
        second = asked(road, "he", RequestKind.EXTEND, amount=2)
        assert decide_clock(road).owner_staff_id == road.cast.staff["tang"].id
        for login in ("du", "sun"):
            with pytest.raises(NotYourMove, match="分管领导"):
                decide_request(road.as_staff(login), road.number, second.id, YES)
        decide_request(road.as_staff("tang"), road.number, second.id, YES)
        assert road.case.extensions == 2
        with pytest.raises(NoMoreExtensions):
            asked(road, "he", RequestKind.EXTEND, amount=1)

    def test_it_is_asked_before_due_and_a_breach_that_came_while_it_waited_is_not_the_units(self, road):
        road.in_progress()
        due = road.clocks()[Clock.RESOLVE].due_at
        road.clock.move_to(due)
        request = asked(road, "he", RequestKind.EXTEND, amount=3)
        road.clock.advance(hours=15)
        sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))
        assert road.clocks()[Clock.RESOLVE].breached_at is not None
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        assert road.clocks()[Clock.RESOLVE].breached_at is None
        road.clock.move_to(road.clocks()[Clock.RESOLVE].due_at + timedelta(minutes=1))
        with pytest.raises(AlreadyDue):
            asked(road, "he", RequestKind.EXTEND, amount=3)


class TestSuspension:
    def suspended(self, road):
        road.in_progress()
        record_contact(road.as_staff("he"), road.number, how="phone", note="已说明需等工程")
        day = date(2027, 1, 20)
        request = asked(road, "he", RequestKind.SUSPEND, review_on=day, evidence="已列入明年一月亮化工程")
        decide_request(road.as_staff("sun"), road.number, request.id, YES)
        road.check(State.SUSPENDED)

    def test_the_term_and_the_promise_stand_still_until_the_review_date_and_go_on_by_themselves(self, road, session):
        self.suspended(road)
        clocks = road.clocks()
        assert {clock for clock, row in clocks.items() if row.paused_at is not None} == {Clock.RESOLVE, Clock.OVERALL}
        assert clocks[Clock.SUSPENSION].due_at == datetime(2027, 1, 20, 9, 30, tzinfo=UTC)
        road.clock.move_to(datetime(2027, 1, 20, 9, 30, tzinfo=UTC))
        for _ in range(2):
            sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, road.clock(), Door.JOB))
        session.expire_all()
        road.check(State.IN_PROGRESS)
        resumed = session.scalars(select(Entry).where(Entry.case_id == road.case.id, Entry.action == Action.RESUME)).all()
        assert [entry.actor for entry in resumed] == ["system"]
        assert road.clocks()[Clock.RESOLVE].paused_at is None
        assert road.clocks()[Clock.RESOLVE].due_at > road.clock()

    def test_a_person_may_resume_earlier(self, road):
        self.suspended(road)
        resume_case(road.as_staff("he"), road.number, note="工程提前开工")
        road.check(State.IN_PROGRESS)
        assert Clock.SUSPENSION not in road.clocks()

    @pytest.mark.parametrize("day", [date(2026, 11, 23), date(2027, 2, 22)])
    def test_its_review_date_lies_ahead_and_within_ninety_days(self, road, day):
        road.in_progress()
        record_contact(road.as_staff("he"), road.number, how="phone", note="已说明")
        with pytest.raises(WrongReviewDate):
            asked(road, "he", RequestKind.SUSPEND, review_on=day, evidence="计划")
        asked(road, "he", RequestKind.SUSPEND, review_on=date(2027, 2, 21), evidence="计划")

    def test_the_person_has_heard_of_it_first(self, road):
        road.in_progress()
        with pytest.raises(SuspendAfterContact):
            asked(road, "he", RequestKind.SUSPEND, review_on=date(2027, 1, 20), evidence="计划")


class TestOtherKinds:
    def test_reassigning_gives_fresh_hands_and_the_first_term(self, road, session):
        road.in_progress(assists=["民政局"])
        first = max(row.due_at for clock, row in road.clocks().items() if clock is Clock.RESOLVE)
        road.clock.advance(days=1)
        request = asked(road, "he", RequestKind.REASSIGN, unit_ids=to_water(road))
        decide_request(road.as_staff("sun"), road.number, request.id, YES)
        road.check(State.DISPATCHED)
        assert road.case.lead_unit_id == road.cast.units["水利局"].id
        assert road.clocks()[Clock.RESOLVE].due_at == first
        ended = next(a for a in road.case.assignments if a.unit.name == "城市管理局")
        assert ended.ended_at is not None
        old = session.scalars(select(Deadline).where(Deadline.subject_id == ended.id, Deadline.subject == "assignment")).all()
        assert all(row.met_at is not None or row.cancelled_at is not None for row in old)

    def test_support_adds_assists_with_clocks_of_their_own(self, road):
        road.in_progress()
        request = asked(road, "he", RequestKind.SUPPORT, unit_ids=to_water(road))
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        road.check(State.IN_PROGRESS)
        sign_case(road.as_staff("shui"), road.number)
        with pytest.raises(RequestUnfit):
            asked(road, "he", RequestKind.SUPPORT, unit_ids=to_water(road))

    def test_termination_tells_the_person_why(self, road, session):
        road.in_progress()
        request = asked(road, "he", RequestKind.TERMINATE, reply="经查路口属于私人场地，我们无权改造。")
        decide_request(road.as_staff("yan"), road.number, request.id, YES)
        road.check(State.TERMINATED)
        reply = session.scalars(select(EntryWords.reply).join(Entry).where(Entry.action == Action.TERMINATE)).one()
        assert reply == "经查路口属于私人场地，我们无权改造。\n原因：经查确实无法办理"

    def test_exclusion_may_be_asked_of_a_closed_case_and_moves_nothing(self, road):
        road.awaiting_callback()
        rate_case(road.as_resident("lin"), road.number, road_happy())
        request = asked(road, "he", RequestKind.EXCLUDE)
        assert set(road.clocks()) == {Clock.DECIDE}
        decide_request(road.as_staff("sun"), road.number, request.id, YES)
        road.check(State.CLOSED)
        assert road.case.excluded
        assert road.clocks() == {}
        with pytest.raises(NothingToDecide):
            asked(road, "he", RequestKind.EXCLUDE)

    def test_a_mistaken_entry_becomes_void_by_a_second_person(self, road):
        road.submitted()
        request = asked(road, "fang", RequestKind.VOID, reply="您好，这是重复登记，已按另一工单办理。")
        decide_request(road.as_staff("ma"), road.number, request.id, YES)
        road.check(State.VOID)

    def test_a_case_in_progress_is_redirected_by_its_lead_with_a_second_person(self, road):
        road.in_progress()
        with pytest.raises(CaseNotFound):
            asked(road, "shui", RequestKind.REDIRECT, reply="请到法院", redirect_to="县法院", reason_code="in_litigation")
        request = asked(road, "he", RequestKind.REDIRECT, reply="请到法院", redirect_to="县法院", reason_code="in_litigation")
        decide_request(road.as_staff("ma"), road.number, request.id, YES)
        road.check(State.REDIRECTED)

    def test_what_a_dissatisfied_person_complains_of_is_judged_closed_by_somebody_else(self, road):
        road.awaiting_callback()
        with pytest.raises(NothingToDecide):
            asked(road, "sun", RequestKind.JUDGE_CLOSED, reply="已按规定办结。")
        rate_case(road.as_resident("lin"), road.number, UNHAPPY)
        request = asked(road, "sun", RequestKind.JUDGE_CLOSED, reply="已按规定修复，照片见附件。")
        with pytest.raises(AskerMayNotDecide):
            decide_request(road.as_staff("sun"), road.number, request.id, YES)
        decide_request(road.as_staff("ling"), road.number, request.id, YES)
        road.check(State.CLOSED)
        assert not road.case.triage

    def test_after_dispatch_the_centre_calls_before_a_case_is_withdrawn(self, road, session):
        road.in_progress()
        wish_to_withdraw(road.as_resident("lin"), road.number, words="已经自己修好了")
        road.check(State.IN_PROGRESS)
        request = session.scalars(select(Request).where(Request.kind == RequestKind.WITHDRAW)).one()
        with pytest.raises(RequestUnfit):
            decide_request(road.as_staff("lu"), road.number, request.id, Decision(approve=True))
        decide_request(road.as_staff("lu"), road.number, request.id, Decision(approve=True, note="电话核实，本人自愿"))
        road.check(State.WITHDRAWN)

    def test_before_dispatch_the_persons_word_is_enough(self, road):
        road.accepted()
        wish_to_withdraw(road.as_resident("lin"), road.number, words="已经好了")
        road.check(State.WITHDRAWN)
        assert road.clocks() == {}


def road_happy():
    from tests.ledger.test_straight_road import HAPPY

    return HAPPY


def test_a_request_of_a_result_under_review_is_refused_by_the_table(road):
    from app.ledger.workflow import IllegalMove

    road.under_review()
    with pytest.raises(IllegalMove):
        asked(road, "he", RequestKind.EXTEND, amount=3)
    pass_result(road.as_staff("qin"), road.number)
