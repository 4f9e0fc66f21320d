"""What stands against a merge: whatever waits for an answer, what others did meanwhile, what everybody can read."""

import pytest
from sqlalchemy import select

from app.ledger.callbacks.answers import Verdict, attempt_callback, record_callback
from app.ledger.clocks import Deadline
from app.ledger.handling import dispatch_case
from app.ledger.intake.own_report import Matter, report_own
from app.ledger.merging.candidates import merge_candidates
from app.ledger.merging.joining import SurvivorDiffers, merge_cases
from app.ledger.merging.mergeable import (
    AlreadyCalledBack,
    CallbackBegun,
    OrderFirst,
    PublicationInTheWay,
    TriageFirst,
    WhistleFirst,
    WishFirst,
)
from app.ledger.merging.publishing import NotForPublication, NotPublished, publish_case, published_near, say_me_too, take_down
from app.ledger.moves import StaleVersion
from app.ledger.requests.asking import Asked, ask
from app.ledger.requests.withdrawal import keep_after_all, wish_to_withdraw
from app.ledger.supervision.pressing import order_supervision
from app.ledger.vocabulary import Action, Channel, Clock, Kind, PressMode, RequestKind, Satisfaction, State
from app.ledger.whistles.arrivals import arrive
from app.ledger.whistles.blowing import cancel_whistle, whistle
from app.ledger.whistles.models import Whistle
from app.ledger.workflow import IllegalMove
from app.notices.models import Notice
from tests.ledger.merging.test_merging import LAMP, Desk

HAPPY = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.VERY_SATISFIED)
SAD = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)


@pytest.fixture
def desk(session, cast, clock, as_staff) -> Desk:
    return Desk(session, cast, clock, as_staff)


def told(desk, template: str) -> set[tuple[str, int, str]]:
    rows = desk.session.scalars(select(Notice).where(Notice.template == template))
    return {(row.recipient, row.recipient_id, row.params["number"]) for row in rows}


def staff_told(desk, template: str) -> set[str]:
    logins = {staff.id: login for login, staff in desk.cast.staff.items()}
    return {logins[who] for kind, who, _ in told(desk, template) if kind == "staff"}


class TestWords:
    """No word of dissatisfaction, and no attempt to reach somebody, is lost by a merge."""

    def test_no_merge_while_triage_waits_on_either_side(self, desk):
        survivor, other = desk.signed("lin"), desk.signed("zheng")
        for number in (survivor, other):
            desk.finish(number)
        record_callback(desk.as_staff("lu"), survivor, SAD)
        assert desk.case(survivor).triage
        for numbers in ((desk.say("chen"), survivor), (other, survivor)):
            with pytest.raises(TriageFirst):
                desk.merge(*numbers)

    def test_nor_once_the_call_back_of_what_would_end_has_begun(self, desk):
        survivor, merged = desk.signed("lin"), desk.signed("chen")
        for number in (survivor, merged):
            desk.finish(number)
        attempt_callback(desk.as_staff("lu"), merged)
        with pytest.raises(CallbackBegun):
            desk.merge(merged, survivor)

    def test_who_says_it_again_while_triage_waits_is_taken_in_as_a_new_case(self, desk, as_resident):
        grid = desk.cast.grids["柳林村一网格"].code

        def say() -> str:
            return report_own(as_resident("lin"), Matter(body=LAMP, kind=Kind.HELP, grid=grid)).number

        first = say()
        desk.session.expire_all()
        desk.case(first).triage = True
        desk.session.flush()
        desk.clock.advance(minutes=1)
        assert desk.case(say()).state is State.SUBMITTED


class TestWaiting:
    """Who waits for a call, for somebody to come, or for an answer, is not put off by a merge."""

    def test_a_wish_to_withdraw_is_asked_after_first(self, desk, as_resident):
        merged, survivor = desk.dispatched("chen", unit="供水公司"), desk.signed("lin")
        wish_to_withdraw(as_resident("chen"), merged, words="不办了")
        with pytest.raises(WishFirst):
            desk.merge(merged, survivor)
        keep_after_all(as_resident("chen"), merged)
        assert desk.merge(merged, survivor).number == survivor

    def test_a_whistle_is_waited_for_and_one_that_is_cancelled_is_not(self, desk):
        merged, survivor = desk.say("chen"), desk.signed("lin")
        units = [desk.cast.units["供水公司"].id]
        (call,) = whistle(desk.as_staff("wu"), merged, words="请来", place="村口", unit_ids=units)
        with pytest.raises(WhistleFirst):
            desk.merge(merged, survivor)
        cancel_whistle(desk.as_staff("wu"), merged, call.whistle_id, note="不用来了")
        assert desk.merge(merged, survivor).number == survivor

    def test_who_came_has_ended_the_waiting(self, desk):
        merged, survivor = desk.say("chen"), desk.signed("lin")
        units = [desk.cast.units["供水公司"].id]
        (call,) = whistle(desk.as_staff("wu"), merged, words="请来", place="村口", unit_ids=units)
        arrive(desk.as_staff("gong"), merged, call.id)
        assert desk.merge(merged, survivor).number == survivor

    def test_a_missed_whistle_ends_with_the_merge_told_and_stays_missed(self, desk):
        merged, survivor = desk.say("chen"), desk.signed("lin")
        units = [desk.cast.units["供水公司"].id]
        whistle(desk.as_staff("wu"), merged, words="请来", place="村口", unit_ids=units)
        desk.clock.advance(days=2)
        desk.merge(merged, survivor)
        assert staff_told(desk, "whistle_cancelled") == {"gong"}
        blown = desk.session.scalars(select(Whistle)).one()
        missed = desk.session.scalars(select(Deadline).where(Deadline.clock == Clock.ARRIVE)).one()
        assert (blown.cancelled_at, missed.cancelled_at) == (desk.clock(), desk.clock())
        assert missed.breached_at is not None
        desk.unmerge(merged)
        assert Clock.ARRIVE not in [clock.clock for clock in desk.clocks(merged) if clock.cancelled_at is None]

    def test_a_supervision_order_is_answered_first(self, desk):
        merged, survivor = desk.dispatched("chen", unit="供水公司"), desk.signed("lin")
        order_supervision(desk.as_staff("sun"), [merged], mode=PressMode.WRITTEN, words="三日内反馈")
        with pytest.raises(OrderFirst):
            desk.merge(merged, survivor)


class TestTold:
    """Whoever works on the case that ends is told so, and told again when it comes back."""

    def test_the_unit_of_the_merged_case_is_told_both_times(self, desk):
        merged, survivor = desk.accepted("chen"), desk.signed("lin")
        lead, assist = desk.cast.units["供水公司"].id, desk.cast.units["水利局"].id
        dispatch_case(desk.as_staff("du"), merged, lead_unit_id=lead, assist_unit_ids=[assist])
        desk.merge(merged, survivor)
        assert "gong" in staff_told(desk, "merge_lead")
        assert staff_told(desk, "merge_assists")
        assert not staff_told(desk, "merge_lead") & {"he"}
        desk.unmerge(merged)
        assert staff_told(desk, "unmerge_lead") == staff_told(desk, "merge_lead")
        assert staff_told(desk, "unmerge_assists") == staff_told(desk, "merge_assists")

    def test_who_asked_what_falls_away_is_told(self, desk):
        merged, survivor = desk.say("chen"), desk.accepted("lin")
        asked = Asked(note="重复登记", reply="您好，这是重复登记。", reason_code="double_entry")
        ask(desk.as_staff("fang"), merged, RequestKind.VOID, asked)
        desk.merge(merged, survivor)
        assert staff_told(desk, "merge_asker") == {"fang"}


class TestMeanwhile:
    """What a colleague did meanwhile is told, not overrun."""

    def test_a_version_that_is_not_the_present_one_is_refused(self, desk):
        mine, other = desk.accepted("lin"), desk.accepted("chen")
        seen = {number: desk.case(number).version for number in (mine, other)}
        dispatch_case(desk.as_staff("pai"), other, lead_unit_id=desk.cast.units["供水公司"].id)
        with pytest.raises(StaleVersion) as refused:
            desk.merge(mine, other, versions={other: seen[other]})
        assert refused.value.facts["number"] == other
        with pytest.raises(StaleVersion):
            desk.merge(other, mine, version=seen[other])
        assert desk.merge(mine, other, version=seen[mine]).number == other

    def test_another_survivor_than_expected_is_refused(self, desk):
        mine, other = desk.accepted("lin"), desk.accepted("chen")
        dispatch_case(desk.as_staff("pai"), other, lead_unit_id=desk.cast.units["供水公司"].id)
        with pytest.raises(SurvivorDiffers) as refused:
            desk.merge(mine, other, into=mine)
        assert refused.value.facts == {"number": other, "state": State.DISPATCHED}
        assert desk.merge(mine, other, into=other).number == other

    def test_what_is_merged_already_says_into_what(self, desk):
        first, second, third = desk.say("chen"), desk.accepted("lin"), desk.accepted("zheng")
        desk.merge(first, second)
        with pytest.raises(IllegalMove) as refused:
            merge_cases(desk.as_staff("du"), third, numbers=[first])
        facts = {"number": first, "state": State.MERGED, "action": Action.MERGE, "merged_into": second}
        assert refused.value.facts == facts
        assert second in refused.value.detail


class TestPublic:
    """What everybody reads neither vanishes by a merge nor stays when it becomes a matter against somebody."""

    def publish(self, desk, number: str) -> None:
        publish_case(desk.as_staff("du"), number, title="云桥路口路灯不亮", summary="已派单。")
        desk.session.expire_all()

    def test_a_published_case_goes_only_into_a_published_one(self, desk, as_resident):
        merged, survivor = desk.accepted("chen"), desk.signed("lin")
        self.publish(desk, merged)
        with pytest.raises(PublicationInTheWay):
            desk.merge(merged, survivor)
        self.publish(desk, survivor)
        desk.merge(merged, survivor)
        grid = desk.cast.grids["柳林村一网格"].code
        assert [row.number for row in published_near(as_resident("zheng"), grid=grid, cursor=None, limit=5).items] == [survivor]
        assert say_me_too(as_resident("zheng"), merged).number == survivor
        with pytest.raises(NotPublished):
            say_me_too(as_resident("zheng"), desk.say("chen"))

    def test_what_is_against_somebody_does_not_go_into_a_published_case(self, desk):
        survivor = desk.signed("lin")
        self.publish(desk, survivor)
        for against in ({"against_staff_id": desk.cast.staff["gong"].id}, {"against_unit_id": desk.cast.units["水利局"].id}):
            merged = desk.say("chen", **against)
            with pytest.raises(PublicationInTheWay):
                desk.merge(merged, survivor)
            with pytest.raises(NotForPublication):
                self.publish(desk, desk.accepted("chen", **against))
        take_down(desk.as_staff("du"), survivor, note="不再公开")
        assert desk.merge(merged, survivor).number == survivor


class TestCandidates:
    """What is offered by one click is not refused at the click."""

    def test_a_candidate_that_would_be_refused_says_why(self, desk):
        upstream = desk.signed("lin", channel=Channel.UPSTREAM_12345, upstream_number="SJ1")
        desk.finish(upstream)
        record_callback(desk.as_staff("lu"), upstream, HAPPY)
        other = desk.say("chen")
        (found,) = merge_candidates(desk.as_staff("du"), other)
        assert (found.number, found.one_click) == (upstream, False)
        assert found.refusal == AlreadyCalledBack.title()
        fresh = desk.say("zheng")
        by_number = {each.number: each for each in merge_candidates(desk.as_staff("du"), other)}
        assert (by_number[fresh].one_click, by_number[fresh].refusal) == (True, None)
