"""Corrections: what acceptance settled wrongly is put right with a reason, and the clocks follow."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.ledger.callbacks.answers import rate_case
from app.ledger.callbacks.tasks import call_tasks
from app.ledger.clocks import Deadline
from app.ledger.commands import PlaceMissing, accept_case
from app.ledger.corrections import ConfidentialityStays, NothingToCorrect, TooManyToCorrect, correct_case, correct_many
from app.ledger.deadlines import lock_case_clocks, new_version, note_due
from app.ledger.disclosure import NotYoursToDial, dial
from app.ledger.dispatching.eligible import UnitRecused
from app.ledger.handling import ByTheCentre, ContactByDesk, OwnWork, dispatch_case, record_contact, sign_case
from app.ledger.merging.joining import merge_cases
from app.ledger.merging.mergeable import PartyHandles
from app.ledger.merging.publishing import may_be_published
from app.ledger.merging.unmerging import unmerge_case
from app.ledger.models import CaseAccess, Entry
from app.ledger.moves import StaleVersion
from app.ledger.recusal import UnknownParty
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.showing.case_view import case_view
from app.ledger.showing.possible import possible_actions
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Access, Action, Clock, Kind, State, Subject, Urgency
from app.ledger.workflow import IllegalMove, NotYourMove, WordsMissing
from tests.counting import statements
from tests.ledger.test_straight_road import UNHAPPY, Road


@pytest.fixture
def make_road(session, cast, clock, as_staff, as_resident):
    return lambda: Road(session, cast, clock, as_staff, as_resident)


@pytest.fixture
def road(make_road):
    return make_road()


def correct(road, login="fang", note="登记有误", **given):
    return correct_case(road.as_staff(login), road.number, note=note, **given)


def last_entry(road):
    return road.session.scalars(select(Entry).where(Entry.case_id == road.case.id).order_by(Entry.seq.desc())).first()


def test_raised_urgency_hurries_the_running_clocks_and_keeps_the_old_ones_readable(road):
    road.in_progress()
    road.clock.advance(hours=5)
    before = {clock: (row.id, row.due_at) for clock, row in road.clocks().items()}
    correct(road, urgency=Urgency.URGENT)
    road.check(State.IN_PROGRESS)
    after = road.clocks()
    assert after[Clock.RESOLVE].due_at == road.clock() + timedelta(hours=24)
    assert after[Clock.CONTACT].due_at == road.clock() + timedelta(hours=2)
    assert after[Clock.OVERALL].id == before[Clock.OVERALL][0]
    assert after[Clock.RESOLVE].supersedes_id == before[Clock.RESOLVE][0]
    old = road.session.get(Deadline, before[Clock.RESOLVE][0])
    assert (old.due_at, old.cancelled_at, old.breached_at) == (before[Clock.RESOLVE][1], road.clock(), None)
    assert after[Clock.RESOLVE].owner_staff_id == road.cast.staff["he"].id
    assert road.case.next_due_at == after[Clock.CONTACT].due_at
    entry = last_entry(road)
    assert (entry.action, entry.facts["from"], entry.facts["to"]) == (
        Action.CORRECT, {"urgency": "normal"}, {"urgency": "urgent"},
    )  # fmt: skip
    assert verify_ledger().breaks == []


def test_raised_urgency_never_gives_more_time(road):
    road.in_progress()
    road.clock.advance(hours=23)  # the first contact is due in an hour
    due = road.clocks()[Clock.CONTACT].due_at
    correct(road, urgency=Urgency.URGENT)
    assert road.clocks()[Clock.CONTACT].due_at == due


def test_lowered_urgency_gives_back_the_term_from_its_own_start(road):
    road.in_progress()
    own = road.clocks()[Clock.RESOLVE].due_at
    correct(road, urgency=Urgency.URGENT)
    contact = road.clocks()[Clock.CONTACT].due_at
    road.clock.advance(hours=1)
    correct(road, urgency=Urgency.NORMAL, note="核实后不紧急")
    assert road.clocks()[Clock.RESOLVE].due_at == own
    assert road.clocks()[Clock.CONTACT].due_at == contact  # not lengthened


def test_another_kind_counts_the_term_from_its_own_start(road):
    road.in_progress()
    start = road.clocks()[Clock.RESOLVE].starts_at
    correct(road, kind=Kind.COMPLAINT)
    clock = road.clocks()[Clock.RESOLVE]
    assert (clock.amount, clock.starts_at) == (10, start)
    assert clock.due_at.isoformat() == "2026-12-07T09:30:00+00:00"  # ten working days after Monday 23 November


def test_nobody_is_late_by_a_correction(road):
    road.in_progress()
    road.clock.advance(days=3)
    correct(road, kind=Kind.CONSULTATION)  # one working day, which is long gone
    clock = road.clocks()[Clock.RESOLVE]
    assert clock.due_at > road.clock()
    assert clock.due_at.isoformat() == "2026-11-27T09:30:00+00:00"


def test_an_extension_is_not_taken_back_by_another_kind(road):
    road.in_progress()
    clock = road.clocks()[Clock.RESOLVE]
    longer = clock.due_at + timedelta(days=10)
    new_version(clock, road.clock(), due=longer)
    road.session.flush()
    note_due(road.case, lock_case_clocks([road.case.id]))
    correct(road, kind=Kind.CONSULTATION)
    assert road.clocks()[Clock.RESOLVE].due_at == longer


def test_an_urgent_category_makes_the_case_urgent(road):
    road.accepted()
    correct(road, category_id=road.cast.categories["燃气泄漏"])
    assert road.case.urgency is Urgency.URGENT
    assert road.clocks()[Clock.DISPATCH].due_at == road.clock() + timedelta(minutes=10)


def test_the_village_it_was_in_keeps_sight_of_a_case_that_lies_elsewhere(road):
    road.in_progress()
    correct(road, grid_id=road.cast.grids["石桥社区一网格"].id)
    assert road.case.territory_path == road.cast.units["石桥社区"].path
    access = select(CaseAccess.mode).where(CaseAccess.unit_id == road.cast.units["柳林村"].id, CaseAccess.case_id == road.case.id)
    assert road.session.scalars(access).one() is Access.READ
    assert find_case(road.as_staff("hua"), road.number)
    assert find_case(road.as_staff("he"), road.number)
    with pytest.raises(CaseNotFound):
        find_case(road.as_staff("zhou"), road.number)  # the grid worker's grid it never was
    with pytest.raises(PlaceMissing):
        correct(road, grid_id=road.cast.grids["石桥社区一网格"].id, outside_grids=True)


def test_confidentiality_is_switched_on_and_the_desk_makes_the_contact(road):
    road.in_progress()
    due = road.clocks()[Clock.CONTACT].due_at
    correct(road, confidential=True, note="来电人要求保密")
    clock = road.clocks()[Clock.CONTACT]
    assert (clock.subject, clock.owner_staff_id, clock.due_at) == (Subject.CASE, None, due)
    assert all(report.confidential for report in road.case.reports)
    with pytest.raises(ContactByDesk):
        record_contact(road.as_staff("he"), road.number, how="phone", note="联系")
    with pytest.raises(CaseNotFound):
        find_case(road.as_staff("wu"), road.number)
    with pytest.raises(WordsMissing):
        correct(road, "sun", confidential=False, note=" ")


def test_confidentiality_is_ended_by_a_county_supervisor_alone(road):
    road.in_progress(confidential=True)
    for login in ("fang", "du"):
        with pytest.raises(ConfidentialityStays):
            correct(road, login, confidential=False)
        road.session.refresh(road.case)
    correct(road, "sun", confidential=False, note="当事人书面同意公开")
    assert not road.case.confidential


def test_what_a_report_was_promised_binds_whatever_the_case_says(road):
    road.in_progress(confidential=True)
    correct(road, "sun", confidential=False, note="内容可以公开")
    clock = road.clocks()[Clock.CONTACT]
    assert (clock.subject, clock.owner_staff_id) == (Subject.CASE, None)
    seen = case_view(road.as_staff("he"), road.number)
    assert (seen.identity_hidden, seen.may_dial, seen.reports[0].person) == (True, False, None)
    assert Action.CONTACT not in seen.actions
    with pytest.raises(NotYoursToDial):
        dial(road.as_staff("he"), road.number)
    with pytest.raises(ContactByDesk):
        record_contact(road.as_staff("he"), road.number, how="phone", note="联系")
    assert [task.number for task in call_tasks(road.as_staff("lu"), cursor=None, limit=10).items] == [road.number]
    record_contact(road.as_staff("lu"), road.number, how="phone", note="已联系")
    assert case_view(road.as_staff("fang"), road.number).reports[0].person is not None


class TestWhoeverWorksForTheCase:
    @pytest.fixture
    def led_by_township(self, road):
        def lead(**more):
            road.accepted(**more)
            dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
            sign_case(road.as_staff("liu"), road.number)
            return road

        return lead

    def test_does_not_correct_it(self, led_by_township):
        road = led_by_township()
        due = road.clocks()[Clock.RESOLVE].due_at
        assert Action.CORRECT not in possible_actions(road.as_staff("shi"), road.case, [])
        with pytest.raises(OwnWork):
            correct(road, "shi", kind=Kind.OTHER)  # which would give its own unit more time
        assert road.clocks()[Clock.RESOLVE].due_at == due
        (told,) = correct_many(road.as_staff("shi"), numbers=[road.number], kind=Kind.OTHER, note="批量")
        assert (told.done, told.code) == (False, "own_work")
        correct(road, "fang", kind=Kind.OTHER)

    def test_does_not_learn_whose_confidential_case_it_is(self, led_by_township):
        road = led_by_township(confidential=True)
        with pytest.raises(OwnWork):
            correct(road, "shi", confidential=False)
        assert case_view(road.as_staff("liu"), road.number).reports[0].person is None

    def test_nor_does_the_township_above_the_village_that_leads(self, road):
        road.accepted()
        correct(road, "shi", kind=Kind.COMPLAINT)  # before the dispatch it is the desk's of the place
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳林村"].id)
        assert Action.CORRECT not in possible_actions(road.as_staff("shi"), road.case, [])
        with pytest.raises(ByTheCentre):
            correct(road, "shi", kind=Kind.OTHER)


class TestAgainstWhom:
    def test_a_unit_named_at_acceptance_never_sees_the_case(self, road):
        road.submitted()
        cast = road.cast
        assert find_case(road.as_staff("shi"), road.number)
        given = {"kind": Kind.COMPLAINT, "category_id": cast.categories["路灯照明"], "grid_id": cast.grids["柳林村一网格"].id}
        accept_case(road.as_staff("fang"), road.number, **given, against_unit_id=cast.units["柳河镇"].id)
        for login in ("shi", "liu", "wu", "hua"):
            with pytest.raises(CaseNotFound):
                find_case(road.as_staff(login), road.number)
        with pytest.raises(UnitRecused):
            dispatch_case(road.as_staff("du"), road.number, lead_unit_id=cast.units["柳河镇"].id)
        assert cast.units["柳河镇"].name not in str(last_entry(road).facts)

    def test_acceptance_adds_to_whom_the_filer_named(self, road):
        road.submitted(against_unit_id=road.cast.units["水利局"].id)
        given = {"kind": Kind.COMPLAINT, "category_id": road.cast.categories["路灯照明"], "outside_grids": True, "grid_id": None}
        accept_case(road.as_staff("fang"), road.number, **given, against_unit_id=road.cast.units["柳河镇"].id)
        assert set(road.case.against_paths) == {road.cast.units[name].path for name in ("水利局", "柳河镇")}

    def test_it_is_put_right_after_acceptance_without_the_name_in_the_timeline(self, road):
        road.in_progress()
        correct(road, against_unit_id=road.cast.units["柳河镇"].id, note="反映的是镇里")
        with pytest.raises(CaseNotFound):
            find_case(road.as_staff("shi"), road.number)
        assert last_entry(road).facts == {"from": {"against": False}, "to": {"against": True}}
        assert not may_be_published(road.case)
        correct(road, against_staff_id=road.cast.staff["sun"].id, note="反映的是孙某")
        assert last_entry(road).facts == {"from": {"against": True}, "to": {"against": True}}
        assert find_case(road.as_staff("shi"), road.number)
        with pytest.raises(CaseNotFound):
            find_case(road.as_staff("sun"), road.number)
        correct(road, against_nobody=True, note="登记有误")
        assert find_case(road.as_staff("sun"), road.number)
        with pytest.raises(NothingToCorrect):
            correct(road, against_nobody=True)
        assert verify_ledger().breaks == []

    def test_who_handles_it_is_reassigned_first(self, road):
        road.in_progress()
        with pytest.raises(PartyHandles, match="城市管理局"):
            correct(road, against_unit_id=road.cast.units["城市管理局"].id)
        with pytest.raises(PartyHandles):
            correct(road, against_staff_id=road.cast.staff["he"].id)

    def test_named_while_it_waits_for_the_persons_word_the_lead_is_out_at_once(self, road):
        road.awaiting_callback()
        correct(road, against_unit_id=road.cast.units["城市管理局"].id, note="反映的是城管局自己")
        with pytest.raises(CaseNotFound):
            find_case(road.as_staff("he"), road.number)
        rate_case(road.as_resident("lin"), road.number, UNHAPPY)
        triage_case(road.as_staff("sun"), road.number, verdict=Triage.REWORK, note="请换单位办理")
        road.check(State.ACCEPTED)
        assert road.case.lead_unit_id is None

    def test_only_the_countys_desk_puts_it_right(self, road):
        road.accepted(against_unit_id=road.cast.units["水利局"].id)
        with pytest.raises(ByTheCentre):
            correct(road, "shi", against_nobody=True)
        with pytest.raises(UnknownParty):
            correct(road, against_nobody=True, against_staff_id=road.cast.staff["he"].id)

    def test_a_merge_that_is_undone_keeps_it(self, make_road):
        one, other = make_road(), make_road()
        one.accepted()
        other.accepted(against_unit_id=other.cast.units["水利局"].id)
        merge_cases(one.as_staff("du"), one.number, numbers=[other.number])
        survivor, merged = (one, other) if one.case.state is not State.MERGED else (other, one)
        correct(survivor, against_unit_id=survivor.cast.units["民政局"].id)
        assert set(survivor.case.against_paths) == {survivor.cast.units[name].path for name in ("水利局", "民政局")}
        unmerge_case(survivor.as_staff("du"), merged.number, note="不是同一件事")
        assert survivor.case.against_paths == [survivor.cast.units["民政局"].path]


def test_as_a_tip_off_a_case_becomes_confidential(road):
    road.accepted()
    correct(road, kind=Kind.TIP_OFF)
    assert road.case.confidential


def test_nothing_to_correct_is_refused_and_nothing_is_written(road):
    road.accepted()
    count = road.case.entry_count
    with pytest.raises(NothingToCorrect):
        correct(road, kind=Kind.HELP)
    with pytest.raises(NothingToCorrect):
        correct(road)
    assert road.case.entry_count == count


def test_corrections_are_the_centres_after_acceptance(road):
    road.submitted()
    with pytest.raises(IllegalMove):
        correct(road, kind=Kind.COMPLAINT)
    road.in_progress()
    with pytest.raises(NotYourMove):
        correct(road, "he", kind=Kind.COMPLAINT)
    with pytest.raises(StaleVersion):
        correct_case(road.as_staff("fang"), road.number, kind=Kind.COMPLAINT, note="有误", version=1)


class TestManyAtOnce:
    def test_each_gets_its_own_entry_and_a_refused_one_stops_no_other(self, make_road):
        roads = [make_road() for _ in range(3)]
        roads[0].in_progress()
        roads[1].submitted()
        roads[2].accepted()
        fang, numbers = roads[0].as_staff("fang"), [road.number for road in roads]
        told = correct_many(fang, numbers=[*numbers, "123", numbers[0]], kind=Kind.COMPLAINT, note="类别批量更正")
        assert [(each.number, each.done, each.code) for each in told] == [
            (numbers[0], True, None),
            (numbers[1], False, "illegal_move"),
            (numbers[2], True, None),
            ("123", False, "case_not_found"),
        ]
        assert [road.case.kind for road in roads] == [Kind.COMPLAINT, Kind.HELP, Kind.COMPLAINT]
        assert last_entry(roads[0]).words.note == "类别批量更正"
        assert last_entry(roads[1]).action is Action.SUBMIT
        assert verify_ledger().breaks == []

    def test_another_units_case_is_not_found_and_the_handler_is_refused_one_by_one(self, make_road):
        road = make_road()
        road.in_progress()
        for login, code in (("xu", "case_not_found"), ("he", "not_your_move")):
            (told,) = correct_many(road.as_staff(login), numbers=[road.number], kind=Kind.COMPLAINT, note="我来改")
            assert (told.done, told.code) == (False, code)

    def test_two_hundred_are_the_most(self, road):
        with pytest.raises(TooManyToCorrect):
            correct_many(road.as_staff("fang"), numbers=[str(n) for n in range(201)], kind=Kind.HELP, note="太多")

    def test_cases_are_locked_before_any_clock(self, make_road):
        roads = [make_road() for _ in range(2)]
        for road in roads:
            road.in_progress()
        with statements() as sent:
            correct_many(roads[0].as_staff("fang"), numbers=[road.number for road in roads], urgency=Urgency.URGENT, note="紧急")
        locks = ["case" if 'FROM "case"' in each else "deadline" for each in sent if "FOR UPDATE" in each]
        assert locks[0] == "case"
        assert "case" not in locks[1:]
