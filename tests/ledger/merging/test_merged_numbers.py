"""Merged numbers: they still answer, and tell nobody what the case that took them in would not."""

import pytest
from sqlalchemy import select

from app.ledger.commands import accept_case
from app.ledger.corrections import correct_case, correct_many
from app.ledger.merging.repeats import link_recurrence
from app.ledger.merging.unmerging import SurvivorMerged
from app.ledger.models import Case
from app.ledger.recusal import is_recused
from app.ledger.scope import CaseNotFound
from app.ledger.showing.case_view import case_view
from app.ledger.showing.following import follow
from app.ledger.vocabulary import Action, Kind, State
from tests.ledger.merging.test_merging import Desk


@pytest.fixture
def desk(session, cast, clock, as_staff) -> Desk:
    return Desk(session, cast, clock, as_staff)


class TestRecusal:
    """Whoever a survivor is against learns nothing of it by the number of a case that went into it."""

    @pytest.fixture
    def pair(self, desk):
        survivor = desk.signed("lin", against_unit_id=desk.cast.units["柳林村"].id)
        merged = desk.say("chen")
        desk.merge(merged, survivor)
        desk.finish(survivor)
        return merged, survivor

    def test_a_recused_cadre_follows_the_merged_case_no_further(self, desk, pair):
        merged, survivor = pair
        assert is_recused(desk.cast.staff["wu"].id, desk.case(survivor))
        seen = follow(desk.as_staff("wu"), merged)
        assert (seen.state, seen.merged_into, len(seen.reports)) == (State.MERGED, None, 1)
        assert "路灯已修好。" not in [line.words for line in seen.timeline]

    def test_who_may_see_it_is_led_on(self, desk, pair, as_resident):
        merged, survivor = pair
        for stamp in (as_resident("chen"), desk.as_staff("fang")):
            assert follow(stamp, merged).merged_into == survivor
        assert case_view(desk.as_staff("du"), merged).merged_into == survivor

    def test_no_number_and_no_entry_names_the_survivor_to_them(self, desk, pair):
        merged, survivor = pair
        for _ in ("merged", "taken out again"):
            seen = case_view(desk.as_staff("hua"), merged)
            assert seen.merged_into is None
            assert all(survivor not in map(str, line.facts.values()) for line in seen.timeline.items)
            if desk.case(merged).state is State.MERGED:
                told = case_view(desk.as_staff("du"), merged).timeline.items
                assert any(line.facts.get("into") == survivor for line in told)
                desk.unmerge(merged)

    def test_a_recused_dispatcher_does_not_take_it_apart(self, desk):
        survivor = desk.signed("lin", against_unit_id=desk.cast.units["柳河镇"].id)
        merged = desk.say("chen")
        desk.merge(merged, survivor)
        assert Action.UNMERGE not in case_view(desk.as_staff("shi"), merged).actions
        with pytest.raises(CaseNotFound):
            desk.unmerge(merged, login="shi")
        assert desk.actions(survivor)[-1] is Action.ABSORB

    def test_a_recurrence_of_what_is_against_them_is_not_named_either(self, desk):
        before = desk.signed("lin", against_unit_id=desk.cast.units["柳林村"].id)
        desk.case(before).state, desk.case(before).closed_at = State.CLOSED, desk.clock()
        desk.session.flush()
        again = desk.accepted("chen")
        link_recurrence(desk.as_staff("du"), again, of=before)
        assert case_view(desk.as_staff("du"), again).recurrence_of == before
        seen = case_view(desk.as_staff("hua"), again)
        assert seen.recurrence_of is None
        assert all("of" not in line.facts for line in seen.timeline.items)


class TestSecrecy:
    """What a survivor hides, the numbers that went into it hide too, also when they are taken out again."""

    def hidden(self, desk, number: str) -> list[bool]:
        case = desk.session.scalars(select(Case).where(Case.number == number)).one()
        return [case.confidential, case.hidden_from_grid]

    def test_a_correction_hides_the_person_from_the_old_unit(self, desk):
        survivor, merged = desk.signed("lin"), desk.dispatched("chen", unit="供水公司")
        desk.merge(merged, survivor)
        correct_case(desk.as_staff("fang"), survivor, note="要求保密", confidential=True)
        desk.session.flush()
        seen = case_view(desk.as_staff("gong"), merged)
        assert (seen.confidential, [report.person for report in seen.reports]) == (True, [None])
        desk.unmerge(merged)
        assert [report.person for report in case_view(desk.as_staff("gong"), merged).reports] == [None]

    def test_through_chains_and_many_at_once(self, desk):
        first, second, third = desk.say("chen"), desk.accepted("zheng"), desk.signed("lin")
        desk.merge(first, second)
        desk.merge(second, third)
        (done,) = correct_many(desk.as_staff("fang"), numbers=[third], note="涉及隐私", hidden_from_grid=True)
        assert done.done
        desk.session.flush()
        assert [self.hidden(desk, number) for number in (first, second, third)] == [[True, True]] * 3
        with pytest.raises(CaseNotFound):
            follow(desk.as_staff("zhou"), first)
        correct_case(desk.as_staff("sun"), third, note="可以公开", confidential=False, hidden_from_grid=False)
        assert self.hidden(desk, first) == [True, True]

    def test_accepting_as_a_tip_off_hides_both(self, desk):
        merged, survivor = desk.say("chen"), desk.say("lin")
        kept = desk.merge(merged, survivor).number
        gone = survivor if kept == merged else merged
        given = {"category_id": desk.cast.categories["路灯照明"], "grid_id": desk.case(kept).grid_id}
        accept_case(desk.as_staff("fang"), kept, kind=Kind.TIP_OFF, **given)
        desk.session.flush()
        assert self.hidden(desk, gone)[0]
        with pytest.raises(CaseNotFound):
            case_view(desk.as_staff("hua"), gone)


def test_in_a_chain_the_refusal_names_what_is_to_be_taken_out_first(desk):
    first, second, third = desk.say("chen"), desk.accepted("zheng"), desk.signed("lin")
    desk.merge(first, second)
    desk.merge(second, third)
    with pytest.raises(SurvivorMerged) as refused:
        desk.unmerge(first)
    assert refused.value.facts == {"number": second}
    desk.unmerge(second)
    desk.unmerge(first)
    assert desk.case(first).state is State.SUBMITTED
