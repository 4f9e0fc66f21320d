"""Merging: who survives, what becomes of reports, clocks, units and words, and that undoing it leaves all as before."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core.database import db, transaction
from app.core.errors import Refusal
from app.core.stamp import Door, Stamp
from app.demo.cast import find_cast
from app.ledger.callbacks.callees import callees_of
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case, ask_info, supplement
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_result
from app.ledger.intake.claims import supplement_by_claim
from app.ledger.intake.own_report import Matter, report_own
from app.ledger.intake.registration import Registration, register
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.joining import NothingToMerge, merge_cases
from app.ledger.merging.mergeable import AgainstDifferentPeople, PartyHandles, SecrecyDiffers, TwoUpstream, UpstreamBehind
from app.ledger.merging.models import Merge
from app.ledger.merging.publishing import (
    NotForPublication,
    PublicWordsUnfit,
    SaidAlready,
    publish_case,
    published_near,
    say_me_too,
    take_down,
)
from app.ledger.merging.unmerging import NotMerged, SurvivorEnded, SurvivorMerged, unmerge_case
from app.ledger.models import Assignment, Case, CaseAccess, Entry, Report
from app.ledger.requests.asking import Asked, ask
from app.ledger.requests.models import Request
from app.ledger.scope import CaseNotFound
from app.ledger.showing.case_view import case_view, entries_page
from app.ledger.showing.following import follow, follow_by_claim, follow_list
from app.ledger.showing.queue import find_by_phone
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import TERMINAL, Action, Channel, Clock, Kind, RequestKind, State, Urgency
from app.ledger.workflow import IllegalMove, NotYourMove
from app.notices.models import Notice
from app.people.sessions import staff_actor

LAMP = "柳林村一组云桥路口的路灯坏了三天了，晚上老人出门看不见，请派人修。"


class Desk:
    """The desk and the unit, who take cases as far as a test wants them."""

    def __init__(self, session, cast, clock, as_staff):
        self.session, self.cast, self.clock, self.as_staff = session, cast, clock, as_staff

    def say(self, who="lin", body=LAMP, **more) -> str:
        self.clock.advance(minutes=1)
        given = {
            "channel": Channel.HOTLINE,
            "kind": Kind.HELP,
            "body": body,
            "grid_id": self.cast.grids["柳林村一网格"].id,
            "category_id": self.cast.categories["路灯照明"],
            "filer_staff_id": self.cast.staff["fang"].id,
            "concerned_id": self.cast.residents[who].id,
        }
        receipt = take_in(self.as_staff("fang"), Submission(**(given | more)))
        self.codes = getattr(self, "codes", {}) | {receipt.number: receipt.claim_code}
        return receipt.number

    def accepted(self, who="lin", **more) -> str:
        number = self.say(who, **more)
        case = self.case(number)
        given = {"kind": case.kind, "category_id": self.cast.categories["路灯照明"], "grid_id": case.grid_id}
        accept_case(self.as_staff("fang"), number, **given)
        return number

    def dispatched(self, who="lin", unit="城市管理局", **more) -> str:
        number = self.accepted(who, **more)
        dispatch_case(self.as_staff("du"), number, lead_unit_id=self.cast.units[unit].id)
        return number

    def signed(self, who="lin", **more) -> str:
        number = self.dispatched(who, **more)
        sign_case(self.as_staff("he"), number)
        return number

    def finish(self, number: str) -> None:
        record_contact(self.as_staff("he"), number, how="phone", note="内部：已联系")
        submit_result(self.as_staff("he"), number, reply="路灯已修好。", note="内部：换灯头", solved=True)
        pass_result(self.as_staff("qin"), number)

    def merge(self, number: str, *numbers: str, login="du", **more) -> Case:
        self.clock.advance(minutes=1)
        survivor = merge_cases(self.as_staff(login), number, numbers=numbers, **more)
        self.session.flush()
        self.session.expire_all()
        return survivor

    def unmerge(self, number: str, login="du") -> Case:
        self.clock.advance(minutes=1)
        case = unmerge_case(self.as_staff(login), number, note="不是一件事")
        self.session.flush()
        self.session.expire_all()
        return case

    def case(self, number: str) -> Case:
        return self.session.scalars(select(Case).where(Case.number == number)).one()

    def actions(self, number: str) -> list[Action]:
        query = select(Entry.action).join(Case, Case.id == Entry.case_id).where(Case.number == number)
        return list(self.session.scalars(query.order_by(Entry.seq)))

    def clocks(self, number: str) -> list[Deadline]:
        query = select(Deadline).join(Case, Case.id == Deadline.case_id).where(Case.number == number)
        return list(self.session.scalars(query.order_by(Deadline.id)))

    def picture(self, number: str):
        """All that a merge may change of a case, but its entries, version and ended versions of clocks."""
        case = self.case(number)
        names = ("state", "confidential", "anonymous", "against_paths", "against_staff_id", "lead_unit_id", "heat", "triage",
                 "merged_into_id", "closed_at", "next_due_at", "amber_at", "late_since", "round", "urgency")  # fmt: skip
        clocks = sorted(
            (d.clock, d.subject_id, d.due_at, d.starts_at, d.paused_at, d.remainder, d.breached_at, d.next_check_at)
            for d in self.clocks(number)
            if d.met_at is None and d.cancelled_at is None
        )
        access = select(CaseAccess.unit_id, CaseAccess.mode).where(CaseAccess.case_id == case.id).order_by(CaseAccess.unit_id)
        parts = select(Assignment.id, Assignment.ended_at).where(Assignment.case_id == case.id).order_by(Assignment.id)
        asked = select(Request.id, Request.state).where(Request.case_id == case.id).order_by(Request.id)
        return (
            {name: getattr(case, name) for name in names},
            [(report.id, report.opened_case_id) for report in case.reports],
            repr(clocks),
            *([tuple(row) for row in self.session.execute(query)] for query in (access, parts, asked)),
        )


@pytest.fixture
def desk(session, cast, clock, as_staff) -> Desk:
    return Desk(session, cast, clock, as_staff)


def test_the_furthest_advanced_survives_then_the_oldest(desk):
    old, further, same = desk.say("lin"), desk.accepted("chen"), desk.accepted("zheng")
    assert desk.merge(old, further, same).number == further
    for number in (old, same):
        assert desk.case(number).state is State.MERGED
    assert desk.case(further).state is State.ACCEPTED
    assert desk.case(further).heat == 3


def test_both_chains_name_the_other_and_all_still_verify(desk):
    first, second = desk.accepted("lin"), desk.say("chen")
    desk.merge(second, first)
    assert desk.actions(second)[-1] is Action.MERGE
    assert desk.actions(first)[-1] is Action.ABSORB
    facts = [
        desk.session.scalars(select(Entry.facts).where(Entry.action == action)).one() for action in (Action.MERGE, Action.ABSORB)
    ]
    assert (facts[0]["into"], facts[1]["from"]) == (first, second)
    assert verify_ledger().breaks == []
    desk.unmerge(second)
    assert (desk.actions(second)[-1], desk.actions(first)[-1]) == (Action.UNMERGE, Action.RELEASE)
    assert verify_ledger().breaks == []


def test_an_altered_report_is_found_wherever_a_merge_has_moved_it(desk):
    first, second = desk.accepted("lin"), desk.say("chen")
    desk.merge(second, first)
    moved = desk.session.scalars(select(Report).where(Report.opened_case_id == desk.case(second).id)).one()
    moved.body = "被人改过的话"
    desk.session.flush()
    assert [broken.number for broken in verify_ledger().breaks] == [second]


def test_the_merged_cases_clocks_end_neither_met_nor_breached_even_if_late(desk):
    second, first = desk.say("chen"), desk.accepted("lin")
    desk.clock.advance(days=60)
    desk.merge(second, first)
    clocks = desk.clocks(second)
    assert clocks
    assert all(d.cancelled_at is not None and d.met_at is None and d.breached_at is None for d in clocks)


def test_the_promise_counts_from_the_earliest_report(desk):
    early = desk.say("chen")
    promise = next(d.due_at for d in desk.clocks(early) if d.clock is Clock.OVERALL)
    desk.clock.advance(days=3)
    late = desk.accepted("lin")
    desk.merge(early, late)
    versions = [d for d in desk.clocks(late) if d.clock is Clock.OVERALL]
    assert [d.cancelled_at is None for d in versions] == [False, True]
    assert versions[1].due_at == promise < versions[0].due_at
    assert versions[1].supersedes_id == versions[0].id


def test_an_older_survivor_keeps_its_promise(desk):
    first = desk.accepted("lin")
    desk.clock.advance(days=3)
    desk.merge(desk.say("chen"), first)
    assert len([d for d in desk.clocks(first) if d.clock is Clock.OVERALL]) == 1


@pytest.mark.parametrize("reach", ["say", "accepted", "dispatched", "signed"])
def test_merging_and_taking_apart_leaves_all_as_before(desk, reach):
    merged = getattr(desk, reach)("chen")
    desk.clock.advance(hours=5)
    survivor = desk.signed("lin")
    before = desk.picture(merged), desk.picture(survivor)
    assert desk.merge(merged, survivor).number == (merged if reach == "signed" else survivor)
    gone = survivor if reach == "signed" else merged
    desk.unmerge(gone)
    after = desk.picture(merged), desk.picture(survivor)
    assert after == before


def test_a_question_that_waited_waits_again_and_its_clock_stands_still(desk):
    merged, survivor = desk.say("chen"), desk.accepted("lin")
    ask_info(desk.as_staff("fang"), merged, question="哪一盏？")
    before = desk.picture(merged)
    desk.merge(merged, survivor)
    desk.unmerge(merged)
    assert desk.picture(merged) == before
    assert desk.case(merged).state is State.INFO_REQUESTED


def test_a_request_that_waited_waits_again(desk):
    merged, survivor = desk.signed("chen"), desk.signed("lin")
    desk.finish(survivor)
    units = [desk.cast.units["水利局"].id]
    ask(desk.as_staff("he"), merged, RequestKind.RETURN, Asked(note="不归我们管", reason_code="wrong_unit", unit_ids=units))
    before = desk.picture(merged)
    assert desk.merge(merged, survivor).number == survivor
    assert before != desk.picture(merged)
    desk.unmerge(merged)
    assert desk.picture(merged) == before


def test_the_unit_of_the_merged_case_loses_its_part_and_reads_on(desk):
    merged, survivor = desk.dispatched("chen", unit="供水公司"), desk.signed("lin")
    desk.merge(merged, survivor)
    with pytest.raises(NotYourMove):
        sign_case(desk.as_staff("gong"), merged)
    assert case_view(desk.as_staff("gong"), merged).merged_into == survivor
    assert case_view(desk.as_staff("gong"), survivor).actions == []
    desk.unmerge(merged)
    assert sign_case(desk.as_staff("gong"), merged).state is State.IN_PROGRESS
    with pytest.raises(CaseNotFound):
        case_view(desk.as_staff("gong"), survivor)


def test_a_clock_that_ran_out_while_merged_is_late_again_when_taken_apart(desk):
    merged, survivor = desk.say("chen"), desk.accepted("lin")
    due = {d.clock: d.due_at for d in desk.clocks(merged)}
    desk.merge(merged, survivor)
    desk.clock.advance(days=5)
    desk.unmerge(merged)
    again = {d.clock: d for d in desk.clocks(merged) if d.cancelled_at is None}
    assert {clock: d.due_at for clock, d in again.items()} == due
    assert again[Clock.ACCEPT].next_check_at <= desk.clock()


def test_only_open_cases_merge_and_all_or_none(desk):
    first, second = desk.accepted("lin"), desk.say("chen")
    ended = desk.signed("zheng")
    desk.finish(ended)
    desk.case(ended).state = State.CLOSED
    with pytest.raises(IllegalMove):
        desk.merge(first, second, ended)
    with pytest.raises(NothingToMerge):
        desk.merge(first, first)
    with pytest.raises(CaseNotFound):
        desk.merge(first, "2026112300000007")
    assert desk.case(second).state is State.SUBMITTED


def test_who_may_not_merge(desk):
    first, second = desk.accepted("lin"), desk.say("chen")
    for login in ("fang", "sun", "qin"):
        with pytest.raises(NotYourMove):
            desk.merge(first, second, login=login)
    with pytest.raises(CaseNotFound):
        desk.merge(first, second, login="he")


def test_secret_and_open_cases_do_not_mix(desk):
    secret, open_one = desk.say("lin", confidential=True), desk.accepted("chen")
    with pytest.raises(SecrecyDiffers):
        desk.merge(secret, open_one)


def test_an_upstream_case_survives_and_two_are_not_merged(desk):
    upstream = desk.say("lin", channel=Channel.UPSTREAM_12345, upstream_number="SJ1")
    other = desk.say("chen", channel=Channel.UPSTREAM_12345, upstream_number="SJ2")
    with pytest.raises(TwoUpstream):
        desk.merge(upstream, other)
    with pytest.raises(UpstreamBehind):
        desk.merge(upstream, desk.accepted("zheng"))
    older = desk.say("zheng", said_at=desk.clock())
    assert desk.merge(older, other).number == other


def test_whom_any_report_is_against_is_recused_from_all_and_only_while_merged(desk):
    unit = desk.cast.units["水利局"]
    merged, survivor = desk.say("chen", against_unit_id=unit.id), desk.signed("lin")
    desk.merge(merged, survivor)
    assert desk.case(survivor).against_paths == [unit.path]
    desk.unmerge(merged)
    assert desk.case(survivor).against_paths is None


def test_two_merged_cases_are_taken_apart_in_any_order(desk):
    water, supply = desk.cast.units["水利局"], desk.cast.units["供水公司"]
    first = desk.say("chen", against_unit_id=water.id)
    second = desk.say("zheng", against_unit_id=supply.id)
    survivor = desk.signed("lin")
    desk.merge(first, second, survivor)
    assert desk.case(survivor).against_paths == sorted([water.path, supply.path])
    assert desk.case(survivor).heat == 3
    desk.unmerge(first)
    assert desk.case(survivor).against_paths == [supply.path]
    desk.unmerge(second)
    assert (desk.case(survivor).against_paths, desk.case(survivor).heat) == (None, 1)


def test_a_case_against_the_unit_that_handles_the_other_does_not_go_there(desk):
    survivor = desk.signed("lin")
    with pytest.raises(PartyHandles):
        desk.merge(desk.say("chen", against_unit_id=desk.cast.units["城市管理局"].id), survivor)
    he, gao = (desk.cast.staff[login].id for login in ("he", "gao"))
    with pytest.raises(AgainstDifferentPeople):
        desk.merge(desk.say("chen", against_staff_id=gao), desk.say("lin", against_staff_id=he))


def test_an_urgent_report_makes_its_survivor_urgent(desk):
    merged, survivor = desk.say("chen", urgency=Urgency.URGENT), desk.accepted("lin")
    desk.merge(merged, survivor)
    assert desk.case(survivor).urgency is Urgency.URGENT


def test_every_reporter_is_told_of_the_merge_and_of_what_follows_and_is_called_back(desk):
    merged, survivor = desk.say("chen"), desk.signed("lin")
    desk.merge(merged, survivor)
    lin, chen = desk.cast.residents["lin"].id, desk.cast.residents["chen"].id
    told = select(Notice.recipient_id).where(Notice.template == "merge")
    assert desk.session.scalars(told).all() == [chen]
    desk.finish(survivor)
    passed = desk.session.scalars(select(Notice.recipient_id).where(Notice.template == "pass"))
    assert sorted(passed) == sorted([lin, chen])
    callees = callees_of(desk.case(survivor), desk.clock())
    assert sorted(report.concerned_id for callee in callees for report in callee.reports) == sorted([lin, chen])


def test_the_old_number_answers_with_the_survivors_progress_in_ones_own_words(desk, as_resident):
    survivor = desk.signed("lin", body="林家门口的灯坏了，" + LAMP)
    supplement(as_resident("lin"), survivor, words="我家钥匙在门垫下")
    merged = desk.say("chen")
    desk.merge(merged, survivor)
    desk.finish(survivor)
    seen = follow(as_resident("chen"), merged)
    assert (seen.number, seen.merged_into, seen.state) == (merged, survivor, State.AWAITING_CALLBACK)
    assert [said.body for said in seen.reports] == [LAMP]
    assert "路灯已修好。" in [line.words for line in seen.timeline]
    assert seen.may_rate
    told = " ".join([seen.title, *(line.words or "" for line in seen.timeline)])
    assert "林家" not in told
    assert "钥匙" not in told
    by_other_number = follow(as_resident("chen"), survivor)
    assert "林家" not in by_other_number.title
    assert [row.number for row in follow_list(as_resident("chen"), cursor=None, limit=10).items] == [merged]
    assert follow(as_resident("lin"), survivor).merged_into is None


def test_by_the_old_number_one_speaks_to_the_survivor(desk, as_resident):
    merged, survivor = desk.say("chen"), desk.accepted("lin")
    desk.merge(merged, survivor)
    supplement(as_resident("chen"), merged, words="还有一盏也不亮")
    assert desk.actions(survivor)[-1] is Action.SUPPLEMENT
    assert desk.actions(merged)[-1] is Action.MERGE


def test_the_claim_code_opens_the_old_number(desk, as_anonymous):
    merged = desk.say(anonymous=True, concerned_id=None, filer_staff_id=None)
    code = desk.codes[merged]
    survivor = desk.accepted("lin")
    desk.merge(merged, survivor)
    seen = follow_by_claim(as_anonymous(), merged, code)
    assert (seen.number, seen.state) == (merged, State.ACCEPTED)
    supplement_by_claim(as_anonymous(), merged, code, words="还没修")
    assert desk.actions(survivor)[-1] is Action.SUPPLEMENT


def test_a_named_report_in_an_anonymous_case_is_called_back(desk):
    survivor = desk.accepted(anonymous=True, concerned_id=None, filer_staff_id=None)
    merged = desk.say("chen")
    desk.merge(merged, survivor)
    assert not desk.case(survivor).nobody_to_call
    desk.unmerge(merged)
    assert desk.case(survivor).anonymous


def test_the_desk_finds_the_old_number_by_phone_and_reads_one_timeline(desk):
    merged, survivor = desk.say("chen"), desk.accepted("lin")
    desk.merge(merged, survivor)
    found = find_by_phone(desk.as_staff("fang"), phone="13800000002", last_four=merged[-4:])
    assert merged in [row.number for row in found]
    view = case_view(desk.as_staff("du"), survivor)
    assert (view.merged, view.merged_into, view.heat) == ([merged], None, 2)
    assert {line.case_number for line in view.timeline.items} == {None, merged}
    ordered = [line.at for line in view.timeline.items]
    assert ordered == sorted(ordered, reverse=True)
    old = case_view(desk.as_staff("du"), merged)
    assert (old.merged_into, [report.body for report in old.reports]) == (survivor, [LAMP])
    lines, cursor = [], None
    while cursor or not lines:
        page = entries_page(desk.as_staff("du"), survivor, cursor=cursor, limit=2)
        lines += [(line.case_number, line.seq) for line in page.items]
        cursor = page.next_cursor
    assert lines == [(line.case_number, line.seq) for line in view.timeline.items]


def test_a_merged_survivor_carries_on_and_comes_back_with_all_it_held(desk, as_resident):
    first, second, third = desk.say("chen"), desk.accepted("zheng"), desk.signed("lin")
    desk.merge(first, second)
    desk.merge(second, third)
    assert follow(as_resident("chen"), first).merged_into == third
    with pytest.raises(SurvivorMerged):
        desk.unmerge(first)
    desk.unmerge(second)
    assert follow(as_resident("chen"), first).merged_into == second
    desk.unmerge(first)
    assert desk.case(first).state is State.SUBMITTED
    assert verify_ledger().breaks == []


def test_what_was_never_merged_or_whose_survivor_has_ended_stays(desk):
    merged, survivor = desk.say("chen"), desk.accepted("lin")
    with pytest.raises((NotMerged, IllegalMove)):
        desk.unmerge(merged)
    desk.merge(merged, survivor)
    desk.case(survivor).state = State.CLOSED
    desk.session.flush()
    with pytest.raises(SurvivorEnded):
        desk.unmerge(merged)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    reach=st.lists(st.sampled_from(["say", "accepted", "dispatched", "signed"]), min_size=2, max_size=4),
    gaps=st.lists(st.integers(0, 100), min_size=4, max_size=4),
    chance=st.randoms(use_true_random=False),
)
def test_any_merge_taken_apart_in_any_order_leaves_all_as_before(desk, reach, gaps, chance):
    numbers = []
    for how, hours in zip(reach, gaps, strict=False):
        desk.clock.advance(hours=hours)
        numbers.append(getattr(desk, how)(chance.choice(["lin", "chen", "zheng"])))
    before = {number: desk.picture(number) for number in numbers}
    reports = desk.session.scalar(select(func.count()).select_from(Report))
    survivor = desk.merge(*numbers).number
    gone = [number for number in numbers if number != survivor]
    assert all(desk.case(number).state is State.MERGED for number in gone)
    assert len(desk.case(survivor).reports) == len(numbers)
    chance.shuffle(gone)
    for number in gone:
        desk.unmerge(number)
    assert {number: desk.picture(number) for number in gone} == {number: before[number] for number in gone}
    assert desk.case(survivor).heat == 1
    assert desk.session.scalar(select(func.count()).select_from(Report)) == reports
    assert verify_ledger().breaks == []


class TestTheSamePersonAgain:
    """Who says the same again within minutes gets a number that answers, and one case is handled."""

    def said(self, desk, as_resident, body, who="lin", **more) -> str:
        grid = desk.cast.grids["柳林村一网格"].code
        number = report_own(as_resident(who), Matter(body=body, kind=Kind.HELP, grid=grid, **more)).number
        desk.session.expire_all()
        return number

    def test_joins_by_itself(self, desk, as_resident):
        first = self.said(desk, as_resident, LAMP)
        desk.clock.advance(minutes=10)
        second = self.said(desk, as_resident, LAMP.replace("请派人修", "请快点派人来修"))
        assert desk.case(second).state is State.MERGED
        assert desk.case(first).heat == 1
        assert follow(as_resident("lin"), second).merged_into == first
        merge = desk.session.scalars(select(Entry).where(Entry.action == Action.MERGE)).one()
        assert merge.role == "system"
        third = self.said(desk, as_resident, LAMP)
        assert follow(as_resident("lin"), third).merged_into == first

    def test_another_person_a_later_hour_or_another_lamp_does_not(self, desk, as_resident):
        body = LAMP.replace("的路灯", "3号路灯")
        first = self.said(desk, as_resident, body)
        others = [
            self.said(desk, as_resident, body, who="chen"),
            self.said(desk, as_resident, body.replace("3号", "5号")),
            self.said(desk, as_resident, "河湾村的垃圾没人清运，臭得很，3天了"),
            self.said(desk, as_resident, body, confidential=True),
        ]
        desk.clock.advance(minutes=31)
        others.append(self.said(desk, as_resident, body))
        assert {desk.case(number).state for number in [first, *others]} == {State.SUBMITTED}

    def test_on_the_phone_too_unless_it_was_answered_at_once(self, desk):
        call = {"channel": Channel.HOTLINE, "body": LAMP, "kind": Kind.HELP, "grid": desk.cast.grids["柳林村一网格"].code}
        call |= {"name": "王桂花", "phone": "13800001234", "category_id": desk.cast.categories["路灯照明"]}
        first = register(desk.as_staff("fang"), Registration(**call))
        answered = register(desk.as_staff("fang"), Registration(**call, answer="明天去修。"))
        assert (first.state, answered.state) == (State.SUBMITTED, State.CLOSED)
        told = register(desk.as_staff("fang"), Registration(**call))
        assert told.state is State.MERGED
        assert case_view(desk.as_staff("fang"), told.number).merged_into == first.number


class TestMeToo:
    """Published cases, and residents who say that they have the same problem."""

    def published(self, desk, **more) -> str:
        number = desk.accepted("lin", **more)
        publish_case(desk.as_staff("du"), number, title="云桥路口路灯不亮", summary="已派单，预计三天内修好。")
        desk.session.expire_all()
        return number

    def test_a_neighbour_joins_is_counted_once_told_and_not_called_back(self, desk, as_resident):
        number = self.published(desk)
        (row,) = published_near(as_resident("chen"), grid=None, cursor=None, limit=10).items
        assert (row.number, row.title, row.heat, row.mine) == (number, "云桥路口路灯不亮", 1, False)
        say_me_too(as_resident("chen"), number, words="我们那边也黑")
        with pytest.raises(SaidAlready):
            say_me_too(as_resident("chen"), number)
        with pytest.raises(SaidAlready):
            say_me_too(as_resident("lin"), number)
        case = desk.case(number)
        assert (case.heat, len(case.reports)) == (2, 2)
        assert [callee.report_id for callee in callees_of(case, desk.clock())] == [case.reports[0].id]
        seen = follow(as_resident("chen"), number)
        assert (seen.title, [said.body for said in seen.reports], seen.may_rate) == ("云桥路口路灯不亮", ["我们那边也黑"], False)
        assert LAMP not in " ".join(line.words or "" for line in seen.timeline)
        assert [row.title for row in follow_list(as_resident("chen"), cursor=None, limit=10).items] == ["云桥路口路灯不亮"]
        assert verify_ledger().breaks == []

    def test_what_is_secret_is_never_published(self, desk):
        staff = desk.cast.staff["he"].id
        kinds = [{"confidential": True}, {"kind": Kind.TIP_OFF}, {"against_staff_id": staff}]
        kinds.append({"anonymous": True, "concerned_id": None, "filer_staff_id": None})
        for more in kinds:
            with pytest.raises(NotForPublication):
                self.published(desk, **more)
        number = desk.accepted("lin")
        with pytest.raises(PublicWordsUnfit):
            publish_case(desk.as_staff("du"), number, title="路灯", summary="联系电话13800000001")
        with pytest.raises(NotYourMove):
            publish_case(desk.as_staff("fang"), number, title="路灯", summary="已派单")

    def test_the_list_is_of_the_township_and_ends_when_taken_down(self, desk, as_resident):
        number = self.published(desk)
        far = desk.cast.grids["东岭村一网格"].code
        assert published_near(as_resident("chen"), grid=far, cursor=None, limit=10).items == []
        near = desk.cast.grids["河湾村一网格"].code
        assert len(published_near(as_resident("chen"), grid=near, cursor=None, limit=10).items) == 1
        take_down(desk.as_staff("sun"), number, note="已修好")
        assert published_near(as_resident("chen"), grid=near, cursor=None, limit=10).items == []


def test_many_merges_at_once_never_wait_for_each_other_in_a_ring(committed):
    with committed.app_context():
        cast = find_cast()
        people = [cast.residents[name].id for name in ("lin", "chen", "zheng")]
        at = committed.extensions["minhu"].clock()
        fang, du, pai = (staff_actor(cast.staff[login].id) for login in ("fang", "du", "pai"))
        numbers = []
        with transaction():
            for place in range(24):
                said = Submission(
                    channel=Channel.HOTLINE, body=f"第 {place} 盏灯", concerned_id=people[place % 3], filer_staff_id=fang.id
                )
                numbers.append(take_in(Stamp(fang, fang.posts[0].role, at, Door.DESK), said).number)
        db.session.remove()
    groups = [numbers[place : place + 4] for place in range(0, 24, 2)]
    barrier, outcomes = Barrier(2, timeout=30), []

    def work(actor, orders):
        with committed.app_context():
            barrier.wait()
            for order in orders:
                stamp = Stamp(actor, actor.posts[0].role, at + timedelta(minutes=1), Door.DESK)
                try:
                    with transaction():
                        merge_cases(stamp, order[0], numbers=order[1:])
                    outcomes.append("merged")
                except Refusal as refused:
                    outcomes.append(refused.code())
            db.session.remove()

    threads = [
        Thread(target=work, args=(du, groups)),
        Thread(target=work, args=(pai, [group[::-1] for group in groups[::-1]])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == 2 * len(groups)
    assert set(outcomes) <= {"merged", "illegal_move"}
    assert outcomes.count("merged") >= 2
    with committed.app_context():
        merged = db.session.scalar(select(func.count()).select_from(Case).where(Case.state == State.MERGED))
        assert merged == db.session.scalar(select(func.count()).select_from(Merge))
        states = set(db.session.scalars(select(Case.state).join(Report, Report.case_id == Case.id)))
        assert not states & TERMINAL
        assert verify_ledger().breaks == []
        db.session.remove()
