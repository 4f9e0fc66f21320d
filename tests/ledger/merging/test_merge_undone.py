"""What a merge does to promises, words and sight, and what taking apart gives back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.callbacks.answers import HandlingUnitMayNotCallBack, Verdict, record_callback
from app.ledger.callbacks.callees import callees_of, round_of
from app.ledger.callbacks.tasks import call_tasks
from app.ledger.corrections import correct_case
from app.ledger.handling import record_contact
from app.ledger.merging.candidates import merge_candidates
from app.ledger.merging.mergeable import AgainstDifferentPeople, WishFirst
from app.ledger.merging.texts import prune_texts
from app.ledger.models import CaseAccess
from app.ledger.requests.asking import Asked, ask
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.suspensions import resume_case
from app.ledger.requests.withdrawal import hear_wish
from app.ledger.rounds.reopening import reopen_case
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.showing.case_view import case_view
from app.ledger.showing.following import follow, follow_list
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Action, CalleeState, Clock, RequestKind, Satisfaction, State
from app.notices.models import Notice
from app.people.models import StaffPost
from tests.ledger.merging.test_merging import Desk

HAPPY = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.VERY_SATISFIED)
SAD = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)


@pytest.fixture
def desk(session, cast, clock, as_staff) -> Desk:
    return Desk(session, cast, clock, as_staff)


def promise(desk, number: str):
    clocks = [clock for clock in desk.clocks(number) if clock.clock is Clock.OVERALL and clock.cancelled_at is None]
    return clocks[-1]


def suspend(desk, number: str, *, days: int = 20) -> None:
    review = (desk.clock() + timedelta(days=days)).date()
    asked = Asked(note="等材料", reason_code="engineering", reply="您好，需要等施工。", review_on=review, evidence="计划")
    request = ask(desk.as_staff("he"), number, RequestKind.SUSPEND, asked)
    decide_request(desk.as_staff("sun"), number, request.id, Decision(approve=True, note="同意"))


def contacted(desk, who: str) -> str:
    number = desk.signed(who)
    record_contact(desk.as_staff("he"), number, how="phone", note="已联系")
    return number


class TestPromise:
    """Of two promises the nearer one is kept, and what a merge took is given back whatever happened since."""

    def test_a_later_but_nearer_promise_is_kept(self, desk):
        first = desk.signed("chen")
        desk.finish(first)
        record_callback(desk.as_staff("lu"), first, HAPPY)
        second = desk.signed("lin")
        starts = promise(desk, second).starts_at
        desk.clock.advance(hours=3)
        reopen_case(desk.as_staff("du"), first, words="又坏了")
        promised = promise(desk, first).due_at
        assert promised < promise(desk, second).due_at
        desk.merge(first, second)
        assert (promise(desk, second).due_at, promise(desk, second).starts_at) == (promised, starts)

    def test_one_that_stands_still_counts_as_if_it_went_on(self, desk):
        merged = contacted(desk, "chen")
        desk.clock.advance(days=14)
        suspend(desk, merged)
        survivor = desk.signed("lin")
        own, still = promise(desk, survivor).due_at, promise(desk, merged)
        desk.merge(merged, survivor)
        assert still.starts_at == promise(desk, survivor).starts_at
        assert still.due_at <= promise(desk, survivor).due_at < own

    def test_a_pause_after_the_merge_keeps_its_worth(self, desk):
        merged = desk.say("chen")
        desk.clock.advance(days=3)
        survivor = contacted(desk, "lin")
        own = promise(desk, survivor).due_at
        desk.merge(merged, survivor)
        joint = promise(desk, survivor).due_at
        suspend(desk, survivor)
        desk.clock.advance(days=20)
        resume_case(desk.as_staff("he"), survivor, note="可以施工")
        desk.session.flush()
        moved = promise(desk, survivor).due_at
        desk.unmerge(merged)
        assert joint < own < moved < promise(desk, survivor).due_at
        assert promise(desk, survivor).due_at - moved >= timedelta(days=1)

    def test_also_while_it_still_stands(self, desk):
        merged = desk.say("chen")
        desk.clock.advance(days=3)
        survivor = contacted(desk, "lin")
        desk.merge(merged, survivor)
        suspend(desk, survivor, days=60)
        left = promise(desk, survivor).remainder
        desk.clock.advance(days=50)
        desk.unmerge(merged)
        assert promise(desk, survivor).remainder > left

    def test_a_survivor_that_stood_still_all_the_time_has_what_it_had(self, desk):
        merged = desk.signed("chen")
        desk.clock.advance(days=5)
        survivor = contacted(desk, "lin")
        suspend(desk, survivor)
        before = desk.picture(survivor)
        gone = desk.say("zheng")
        desk.clock.advance(days=1)
        assert desk.merge(gone, survivor).number == survivor
        desk.unmerge(gone)
        assert desk.picture(survivor) == before
        assert desk.case(merged).state is State.IN_PROGRESS


class TestWords:
    """The word of who was taken out again speaks of another matter."""

    def pair(self, desk):
        merged, survivor = desk.say("chen"), desk.signed("lin")
        desk.merge(merged, survivor)
        desk.finish(survivor)
        chen, lin = desk.case(survivor).reports
        return merged, survivor, lin.id, chen.id

    def test_it_does_not_decide_the_survivor(self, desk):
        merged, survivor, lin, chen = self.pair(desk)
        record_callback(desk.as_staff("lu"), survivor, SAD, report_id=chen)
        desk.session.flush()
        desk.session.expire_all()
        desk.unmerge(merged)
        assert case_view(desk.as_staff("du"), survivor).person_solved is None
        record_callback(desk.as_staff("lu"), survivor, HAPPY, report_id=lin)
        assert (desk.case(survivor).state, desk.case(survivor).triage) == (State.CLOSED, False)

    def test_nor_keep_it_in_triage(self, desk):
        merged, survivor, lin, chen = self.pair(desk)
        record_callback(desk.as_staff("lu"), survivor, HAPPY, report_id=lin)
        record_callback(desk.as_staff("lu"), survivor, SAD, report_id=chen)
        desk.session.flush()
        desk.session.expire_all()
        assert desk.case(survivor).triage
        desk.unmerge(merged)
        assert (desk.case(survivor).state, desk.case(survivor).triage) == (State.CLOSED, False)
        assert all(clock.cancelled_at or clock.met_at for clock in desk.clocks(survivor))

    def test_a_word_that_stays_keeps_it_there(self, desk):
        merged, survivor, lin, chen = self.pair(desk)
        record_callback(desk.as_staff("lu"), survivor, SAD, report_id=lin)
        record_callback(desk.as_staff("lu"), survivor, HAPPY, report_id=chen)
        desk.session.flush()
        desk.session.expire_all()
        desk.unmerge(merged)
        case = desk.case(survivor)
        assert (case.state, case.triage, len(round_of(case))) == (State.AWAITING_CALLBACK, True, 1)
        assert [callee.state for callee in callees_of(case, desk.clock())] == [CalleeState.HEARD]

    def test_nobody_who_handled_a_merged_case_calls_its_reporters_back(self, desk):
        merged, survivor = desk.dispatched("chen", unit="供水公司"), desk.signed("lin")
        desk.merge(merged, survivor)
        desk.finish(survivor)
        seen = call_tasks(desk.as_staff("lu"), cursor=None, limit=5)
        assert [task.number for task in seen.items] == [survivor]
        unit = desk.cast.units["供水公司"].id
        desk.session.add(StaffPost(staff_id=desk.cast.staff["lu"].id, role=Role.HANDLER, unit_id=unit))
        desk.session.flush()
        lu = desk.as_staff("lu").acting_as(Role.CALLBACK_AGENT)
        for report in desk.case(survivor).reports:
            with pytest.raises(HandlingUnitMayNotCallBack):
                record_callback(lu, survivor, HAPPY, report_id=report.id)
        assert call_tasks(lu, cursor=None, limit=5).items == []
        assert Action.RECORD_CALLBACK not in case_view(lu, survivor).actions


class TestContact:
    """A reporter with a name, in a case that had none, is to be contacted in time."""

    def test_the_contact_clock_starts_with_the_merge_and_ends_with_it(self, desk):
        survivor = desk.dispatched(anonymous=True, concerned_id=None, filer_staff_id=None)
        before = desk.picture(survivor)
        merged = desk.say("chen")
        desk.merge(merged, survivor)
        (contact,) = [clock for clock in desk.clocks(survivor) if clock.clock is Clock.CONTACT]
        assert (contact.starts_at, contact.cancelled_at) == (desk.clock(), None)
        desk.unmerge(merged)
        assert desk.picture(survivor) == before

    def test_none_is_owed_again_where_a_contact_was_made(self, desk):
        survivor = contacted(desk, "lin")
        desk.merge(desk.say("chen"), survivor)
        assert len([clock for clock in desk.clocks(survivor) if clock.clock is Clock.CONTACT]) == 1


class TestSight:
    """Taking one case out takes no sight that others give."""

    def test_another_merge_of_the_same_unit_keeps_it_until_it_is_undone_too(self, desk):
        first, second = desk.dispatched("chen", unit="供水公司"), desk.dispatched("zheng", unit="供水公司")
        survivor = desk.signed("lin")
        desk.merge(first, survivor)
        desk.merge(second, survivor)
        desk.unmerge(first)
        assert case_view(desk.as_staff("gong"), survivor).number == survivor
        desk.unmerge(second)
        with pytest.raises(CaseNotFound):
            case_view(desk.as_staff("gong"), survivor)

    def test_a_confidential_case_does_not_show_its_village_to_another(self, desk):
        secret = {"confidential": True}
        survivor = desk.signed("lin", **secret)
        merged = desk.say("chen", grid_id=desk.cast.grids["河湾村一网格"].id, **secret)
        access = select(CaseAccess.unit_id).where(CaseAccess.case_id == desk.case(survivor).id)
        before = set(desk.session.scalars(access))
        desk.merge(merged, survivor)
        assert set(desk.session.scalars(access)) == before


class TestNumbers:
    """A reporter's own number is the one that is told, listed and found."""

    def test_the_list_tells_how_the_matter_gets_on(self, desk, as_resident):
        merged, survivor = desk.say("chen"), desk.signed("lin")
        desk.merge(merged, survivor)
        desk.finish(survivor)
        for report in list(desk.case(survivor).reports):
            record_callback(desk.as_staff("lu"), survivor, HAPPY, report_id=report.id)
        desk.session.flush()
        desk.clock.advance(days=60)
        for state in (None, State.CLOSED):
            (row,) = follow_list(as_resident("chen"), state=state, cursor=None, limit=10).items
            seen = follow(as_resident("chen"), merged)
            assert (row.number, row.state, row.late) == (merged, State.CLOSED, False) == (merged, seen.state, seen.late)
        assert follow_list(as_resident("chen"), state=State.MERGED, cursor=None, limit=10).items == []

    def test_staff_are_told_that_it_was_merged_and_is_not_late(self, desk):
        merged, survivor = desk.say("chen"), desk.signed("lin")
        desk.merge(merged, survivor)
        desk.clock.advance(days=90)
        rows = {row.number: row for row in follow_list(desk.as_staff("zhou"), cursor=None, limit=10).items}
        assert (rows[merged].state, rows[merged].late) == (State.MERGED, False)

    def test_notices_carry_the_number_that_each_knows(self, desk):
        first, second, survivor = desk.say("chen"), desk.accepted("zheng"), desk.signed("lin")
        desk.merge(first, second)
        desk.merge(second, survivor)
        desk.finish(survivor)
        rows = desk.session.scalars(select(Notice).where(Notice.template == "pass"))
        told = {row.recipient_id: row.params["number"] for row in rows}
        people = {"lin": survivor, "chen": first, "zheng": second}
        assert told == {desk.cast.residents[who].id: number for who, number in people.items()}

    def test_what_a_merge_took_in_is_found_and_leads_to_the_survivor(self, desk):
        dark = {"body": "入夜以后巷子伸手不见五指，母亲昨晚摔伤住院。", "title": "入夜后巷子太黑"}
        survivor = desk.say("lin", **dark)
        merged = desk.say("chen", title="云桥路口路灯坏了", grid_id=None)
        desk.merge(merged, survivor)
        third = desk.say("zheng", title="云桥路口路灯坏了", grid_id=None, category_id=None)
        (found,) = merge_candidates(desk.as_staff("du"), third)
        assert (found.number, found.one_click) == (survivor, True)
        assert "相似的是已并入的反映" in found.reasons
        desk.clock.advance(days=60)
        prune_texts(desk.clock(), after=0)
        assert [each.number for each in merge_candidates(desk.as_staff("du"), third)] == [survivor]


class TestAtTheSeams:
    def test_a_wish_to_withdraw_is_decided_before_its_reports_are_taken_out(self, desk):
        merged, survivor = desk.say("chen"), desk.signed("lin")
        desk.merge(merged, survivor)
        chen = next(report.id for report in desk.case(survivor).reports if report.opened_case_id is not None)
        hear_wish(desk.as_staff("fang"), survivor, words="来电说不用办了", report_id=chen)
        with pytest.raises(WishFirst):
            desk.unmerge(merged)

    def test_whom_the_survivor_turns_out_to_be_against_does_not_read_the_merged_number_either(self, desk):
        merged, survivor = desk.say("chen"), desk.signed("lin")
        desk.merge(merged, survivor)
        village = desk.cast.units["柳林村"].id
        correct_case(desk.as_staff("sun"), survivor, note="反映的是村里", against_unit_id=village)
        desk.session.flush()
        with pytest.raises(CaseNotFound):
            find_case(desk.as_staff("wu"), merged)
        desk.unmerge(merged)
        with pytest.raises(CaseNotFound):
            find_case(desk.as_staff("wu"), merged)

    def test_a_second_accused_is_named_only_once_the_first_is_taken_out(self, desk):
        staff = desk.cast.staff
        merged, survivor = desk.say("chen", against_staff_id=staff["wu"].id), desk.signed("lin")
        desk.merge(merged, survivor)
        with pytest.raises(AgainstDifferentPeople):
            correct_case(desk.as_staff("sun"), survivor, note="反映的是两个人", against_staff_id=staff["zhou"].id)

    def test_the_days_as_a_merged_case_do_not_climb_the_ladder(self, desk):
        first, second = desk.signed("lin"), desk.signed("chen")
        survivor = desk.merge(first, second).number
        merged = second if survivor == first else first
        desk.clock.advance(days=60)
        desk.unmerge(merged)
        desk.clock.advance(minutes=1)
        sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, desk.clock(), Door.JOB))
        desk.session.expire_all()
        (term,) = [c for c in desk.clocks(merged) if c.clock is Clock.RESOLVE and c.cancelled_at is None]
        assert (term.breached_at is not None, term.level) == (True, 2)
