"""The dry run tells what a draft would have done: recounted clock by clock from what the timelines say, and nothing written."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from app.core.database import Base, db
from app.core.paging import CursorUnreadable
from app.core.stamp import Role
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case, ask_info, supply_info
from app.ledger.deadlines import lock_case_clocks
from app.ledger.handling import dispatch_case, record_contact, sign_case, submit_result
from app.ledger.models import Case, Entry
from app.ledger.policies import DEFAULTS, ladder_to_json
from app.ledger.requests.asking import Asked, ask
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.suspensions import resume_case
from app.ledger.rules.dry_run import DryRun, Tally, WrongPeriod, dry_run, dry_run_cases
from app.ledger.rules.policy_changes import RulesAreTheAdministrators
from app.ledger.rules.policy_editor import publish_policy
from app.ledger.sweep import sweep
from app.ledger.terms import HoursKind, Term, Unit, due_at, due_with_pauses
from app.ledger.vocabulary import Clock, Effect, Kind, RequestKind, Urgency
from app.people.models import StaffPost
from app.territory.calendar.queries import load_calendar
from tests.conftest import MONDAY
from tests.counting import statements
from tests.ledger.rules.test_policy_editor import draft
from tests.ledger.test_straight_road import Road, road

__all__ = ["road"]


def suspend(road, days=30):
    record_contact(road.as_staff("he"), road.number, how="phone", note="已说明要等春天")
    day = (road.clock() + timedelta(days=days)).date()
    given = Asked(note="列入春季工程", reason_code="engineering", evidence="工程计划", review_on=day)
    request = ask(road.as_staff("he"), road.number, RequestKind.SUSPEND, given)
    decide_request(road.as_staff("sun"), road.number, request.id, Decision(approve=True, note="同意"))


def extend(road, amount=3):
    request = ask(
        road.as_staff("he"), road.number, RequestKind.EXTEND, Asked(note="等材料", reason_code="larger_works", amount=amount)
    )
    decide_request(road.as_staff("du"), road.number, request.id, Decision(approve=True, note="同意"))


def finish(road):
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    submit_result(road.as_staff("he"), road.number, reply="已修好。", note="换灯", solved=True)


def tried(road, *, login="sun", begin=MONDAY, **more) -> DryRun:
    return dry_run(road.as_staff(login), draft(**more), begin=begin, end=road.clock())


class TestCounts:
    def test_a_shorter_term_would_have_made_the_slow_one_late(self, road):
        road.under_review()  # reported four hours after dispatch
        road.in_progress()
        road.clock.advance(days=2)
        found = tried(road, amount=1)
        assert found.total == Tally(clocks=2, late=0, would_be_late=1, newly_late=1)
        assert [(each.unit, each.name, each.clocks, each.newly_late) for each in found.units] == [
            (road.cast.units["城市管理局"].code, "城市管理局", 2, 1)
        ]
        (case,) = dry_run_cases(road.as_staff("sun"), draft(amount=1), begin=MONDAY, end=road.clock()).items
        assert (case.number, case.late, case.would_be_late, case.ended_at) == (road.number, False, True, None)
        assert case.would_be_due_at < case.due_at

    def test_a_longer_one_would_have_saved_it(self, road, as_system):
        road.in_progress()
        road.clock.advance(days=8)
        sweep(as_system)
        finish(road)
        found = tried(road, amount=9)
        assert found.total == Tally(clocks=1, late=1, would_be_late=0, no_longer_late=1)

    def test_only_cases_that_the_draft_would_fit(self, road):
        road.dispatched()
        road.clock.advance(days=3)
        assert tried(road, code="resolve-complaint", kind=Kind.COMPLAINT, amount=1).total.clocks == 0
        assert tried(road, code="resolve", kind=None, amount=1).total.clocks == 0  # the kind's own policy comes before it
        assert tried(road, code="resolve-urgent", kind=None, urgent=True, amount=1).total.clocks == 0
        lamp, water = road.cast.categories["路灯照明"], road.cast.categories["自来水供应"]
        assert tried(road, code="lamps", kind=None, category_id=lamp, amount=1).total.newly_late == 1
        assert tried(road, code="water", kind=None, category_id=water, amount=1).total.clocks == 0
        # for the same cases under another code: it stands in the place of the one in force
        assert tried(road, code="other-help", amount=1).total.newly_late == 1

    def test_a_nearer_policy_of_today_keeps_its_cases(self, road):
        road.dispatched()
        road.clock.advance(days=3)
        own = draft(code="lamps", kind=None, category_id=road.cast.categories["路灯照明"], amount=9)
        publish_policy(road.as_staff("admin"), own, reason="路灯另算")
        assert tried(road, amount=1).total.clocks == 0

    def test_only_clocks_that_started_in_the_period(self, road):
        road.dispatched()
        started = road.clocks()[Clock.RESOLVE].starts_at
        road.clock.advance(days=3)
        assert tried(road, amount=1, begin=started).total.clocks == 1
        assert tried(road, amount=1, begin=started + timedelta(microseconds=1)).total.clocks == 0
        with pytest.raises(WrongPeriod):
            dry_run(road.as_staff("sun"), draft(), begin=road.clock(), end=MONDAY)
        with pytest.raises(WrongPeriod):
            dry_run(road.as_staff("sun"), draft(), begin=MONDAY, end=road.clock() + timedelta(seconds=1))
        with pytest.raises(WrongPeriod):
            dry_run(road.as_staff("sun"), draft(), begin=MONDAY - timedelta(days=400), end=road.clock())

    def test_a_moment_that_somebody_gave_is_kept(self, road):
        road.in_progress()
        extend(road)
        road.clock.advance(days=3)
        assert tried(road, amount=1).total == Tally(clocks=1, kept=1)  # the extension's version alone, not the one before it too

    def test_a_rework_gets_half_of_the_draft(self, road):
        road.in_progress()
        clock = road.clocks()[Clock.RESOLVE]
        clock.round, clock.amount = 2, 3
        road.clock.advance(days=3)
        assert tried(road, amount=4).total.newly_late == 1  # two working days
        assert tried(road, amount=5).total.newly_late == 0  # three
        clock.amount = 4  # somebody's own amount
        road.session.flush()
        assert tried(road, amount=1).total == Tally(clocks=1, kept=1)

    def test_no_draft_reaches_past_upstreams_moment(self, road):
        road.in_progress()
        clock = road.clocks()[Clock.RESOLVE]
        road.case.upstream_number = "U1"
        same = {column.key: getattr(clock, column.key) for column in clock.__table__.columns if column.key != "id"}
        given = MONDAY + timedelta(days=4, hours=5)  # Friday 14:00; half a day's margin before it is Friday 08:30 … Thursday
        road.session.add(Deadline(**same | {"clock": Clock.UPSTREAM_DUE, "due_at": given, "given": True}))
        road.clock.advance(days=5)
        road.session.flush()
        (case,) = dry_run_cases(road.as_staff("sun"), draft(amount=1), begin=MONDAY, end=road.clock()).items
        assert case.would_be_due_at < given
        long = draft(amount=20)
        assert dry_run(road.as_staff("sun"), long, begin=MONDAY, end=road.clock()).total.would_be_late == 1


OWN = ladder_to_json(next(default.ladder for default in DEFAULTS if default.code == "resolve-help"))


class TestLadders:
    def test_a_slower_ladder_with_the_same_term_shows_what_it_would_not_have_done(self, road, as_system):
        road.under_review()  # one that was never late has climbed nothing
        road.in_progress()
        road.clock.move_to(road.clocks()[Clock.RESOLVE].due_at + timedelta(days=4))
        sweep(as_system)  # past the third working day
        after = {"amount": 4, "unit": "working_day", "hours": "work"}
        slower = [*OWN[:2], *({**step, "after": after | {"amount": days}} for step, days in zip(OWN[2:], (2, 5, 6), strict=True))]
        found = tried(road, amount=5, ladder=slower)
        assert found.total == Tally(clocks=2, late=1, would_be_late=1)
        assert [(each.level, each.reached, each.would_reach) for each in found.levels] == [(2, 1, 1), (3, 1, 1), (4, 1, 0)]
        effects = [(each.effect, each.done, each.would_be_done) for each in found.effects]
        assert effects == [(Effect.DRAFT_URGING, 1, 1), (Effect.SUPERVISOR_LIST, 1, 0)]

    def test_a_longer_term_would_have_spared_the_case_its_raising(self, road, as_system):
        road.in_progress()
        road.clock.advance(days=40)
        sweep(as_system)
        found = tried(road, amount=60, ladder=OWN)
        assert {each.effect: (each.done, each.would_be_done) for each in found.effects} == dict.fromkeys(Effect, (1, 0))

    def test_the_draft_waits_where_the_clock_stood_still(self, road, as_system):
        road.in_progress()
        road.clock.move_to(road.clocks()[Clock.RESOLVE].due_at + timedelta(hours=1))
        sweep(as_system)
        suspend(road)
        road.clock.advance(days=20)
        sweep(as_system)
        resume_case(road.as_staff("he"), road.number, note="可以施工了")
        for _ in range(4):
            road.clock.advance(days=1)
            sweep(as_system)
            found = tried(road, amount=5, ladder=OWN)
            assert [(each.reached, each.would_reach) for each in found.levels] == [(1, 1)] * len(found.levels)
        assert [each.level for each in found.levels] == [2, 3, 4]


class TestPauses:
    def test_the_time_that_a_clock_stood_still_does_not_count(self, road):
        road.in_progress()
        road.clock.advance(days=1)
        suspend(road)
        road.clock.advance(days=20)
        resume_case(road.as_staff("he"), road.number, note="可以施工了")
        road.clock.advance(hours=2)
        finish(road)
        assert tried(road, amount=5).total == Tally(clocks=1)
        assert tried(road, amount=2).total == Tally(clocks=1)
        assert tried(road, amount=1).total.newly_late == 0  # one day was left when it was suspended on Tuesday morning
        assert tried(road, amount=2, unit=Unit.HOUR, hours=HoursKind.ALWAYS).total.newly_late == 1

    def test_what_still_stands_still_is_not_late(self, road):
        road.in_progress()
        road.clock.advance(hours=1)
        suspend(road)
        road.clock.advance(days=20)
        assert tried(road, amount=30, unit=Unit.MINUTE, hours=HoursKind.ALWAYS).total.newly_late == 1
        assert tried(road, amount=1).total == Tally(clocks=1)

    def test_a_clock_that_was_late_before_it_was_suspended_gets_the_pause_under_a_longer_term(self, road, as_system):
        road.in_progress()
        road.clock.advance(days=8)
        sweep(as_system)
        suspend(road)
        road.clock.advance(days=40)
        resume_case(road.as_staff("he"), road.number, note="可以施工了")
        finish(road)
        assert tried(road, amount=9).total.no_longer_late == 1

    def test_by_hand(self, session, clock):
        calendar = load_calendar(None)
        start, term = clock(), Term(2, Unit.WORKING_HOUR, HoursKind.WORK)
        plain = due_with_pauses(start, term, calendar, ())
        held = due_with_pauses(start, term, calendar, [(start + timedelta(hours=1), start + timedelta(hours=2))])
        assert held - plain == timedelta(hours=1)
        assert due_with_pauses(start, term, calendar, [(start + timedelta(hours=1), None)]) is None
        assert due_with_pauses(start, term, calendar, [(start + timedelta(hours=3), None)]) == plain
        assert due_with_pauses(start, term, calendar, [(start - timedelta(hours=3), None)]) == plain


def some_cases(road: Road, as_system, chance: Random, count: int) -> None:
    """Cases of any kind, handled at any speed, asked for information, suspended or extended on the way."""
    for _ in range(count):
        road.submitted(urgency=chance.choice([Urgency.NORMAL, Urgency.NORMAL, Urgency.URGENT]))
        road.clock.advance(minutes=chance.randrange(1, 200))
        if chance.random() < 0.3:
            ask_info(road.as_staff("fang"), road.number, question="哪一盏灯？")
            road.clock.advance(hours=chance.randrange(1, 60))
            supply_info(road.as_resident("lin"), road.number, words="村口那盏")
        accept_case(
            road.as_staff("fang"),
            road.number,
            kind=chance.choice([Kind.HELP, Kind.HELP, Kind.COMPLAINT, Kind.CONSULTATION]),
            category_id=road.cast.categories[chance.choice(["路灯照明", "自来水供应"])],
            grid_id=road.cast.grids["柳林村一网格"].id,
        )
        road.clock.advance(minutes=chance.randrange(1, 60))
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
        road.clock.advance(minutes=chance.randrange(1, 30))
        sign_case(road.as_staff("he"), road.number)
        road.clock.advance(hours=chance.randrange(1, 100))
        sweep(as_system)
        for _ in range(chance.choice([0, 0, 1, 2])):
            suspend(road)
            road.clock.advance(hours=chance.randrange(1, 200))
            resume_case(road.as_staff("he"), road.number, note="可以施工了")
            road.clock.advance(hours=chance.randrange(1, 60))
        clock = road.clocks()[Clock.RESOLVE]
        if chance.random() < 0.2 and clock.due_at > road.clock():
            extend(road)
        if chance.random() < 0.7:
            road.clock.advance(hours=chance.randrange(1, 60))
            finish(road)
        sweep(as_system)


def stood_still(case_id: int, clock: Deadline) -> list[tuple]:
    """Pauses of a clock by its case's timeline, told apart by the entries' own states and not by the table of moves."""
    waits = {Clock.RESOLVE: {"suspended"}, Clock.OVERALL: {"suspended", "info_requested"}}[clock.clock]
    spans, since = [], None
    for entry in db.session.scalars(select(Entry).where(Entry.case_id == case_id).order_by(Entry.seq)):
        if entry.to_state in waits and since is None:
            since = entry.at
        elif entry.to_state not in waits and since is not None:
            spans, since = [*spans, (since, entry.at)], None
    return spans


def recounted(at, clock_kind, term, fits, begin) -> Tally:
    """The same by brute force: minute by minute through the calendar, no shared arithmetic but the due moment of a term."""
    found = Tally()
    replaced = set(db.session.scalars(select(Deadline.supersedes_id).where(Deadline.supersedes_id.is_not(None))))
    for clock in db.session.scalars(select(Deadline).where(Deadline.clock == clock_kind).order_by(Deadline.id)):
        case = db.session.get_one(Case, clock.case_id)
        if clock.id in replaced or clock.starts_at < begin or not fits(case):
            continue
        ended = clock.met_at or clock.cancelled_at or clock.paused_at or at
        late = clock.breached_at is not None or ended > clock.due_at
        if clock.given or clock.supersedes_id:
            would, found.kept = late, found.kept + 1
        else:
            would = by_walking(clock, term, stood_still(case.id, clock), ended)
        found.clocks += 1
        found.late += late
        found.would_be_late += would
        found.newly_late += would and not late
        found.no_longer_late += late and not would
    return found


def by_walking(clock, term, spans, ended) -> bool:
    """Say whether a clock in working hours or days was late, by walking along the days that it ran."""
    calendar = load_calendar(clock.owner_unit_id)
    due = due_at(clock.starts_at, term, calendar).at
    for begin, end in spans:
        if begin < clock.starts_at or begin > due:
            continue
        days, day = 0, begin.astimezone(due.tzinfo) + timedelta(hours=8)  # the day in China
        last = due + timedelta(hours=8)
        while day.date() < last.date():
            day += timedelta(days=1)
            days += calendar.is_working(day.date())
        close, moment = None, end + timedelta(hours=8)
        while True:
            if days == 0 and calendar.is_working(moment.date()):
                close = calendar.last_close(moment.date())
                if close >= end:
                    break
            moment += timedelta(days=1)
            if days and calendar.is_working(moment.date()):
                days -= 1
        due = close
    return ended > due


@pytest.mark.parametrize("seed", [1, 2])
def test_it_equals_a_recount_by_hand_over_cases_made_by_chance(road, as_system, seed):
    chance = Random(seed)
    some_cases(road, as_system, chance, 10)
    at = road.clock()

    def before() -> dict[str, int]:
        return {t.name: db.session.scalar(select(func.count()).select_from(t)) for t in Base.metadata.sorted_tables}

    counts = before()
    helps = lambda case: case.kind is Kind.HELP and case.urgency is Urgency.NORMAL  # noqa: E731
    any_kind = lambda case: True  # noqa: E731
    seen = set()
    for amount in (1, 2, 3, 5, 8, 13):
        term = Term(amount, Unit.WORKING_DAY, HoursKind.WORK)
        mine = tried(road, amount=amount).total
        assert mine == recounted(at, Clock.RESOLVE, term, helps, MONDAY), amount
        over = {"code": "overall", "clock": Clock.OVERALL, "kind": None}
        assert tried(road, amount=amount, **over).total == recounted(at, Clock.OVERALL, term, any_kind, MONDAY), amount
        changed = dry_run_cases(road.as_staff("sun"), draft(amount=amount), begin=MONDAY, end=at, limit=200).items
        assert len(changed) == mine.newly_late + mine.no_longer_late
        seen.add((mine.newly_late, mine.no_longer_late))
    assert len(seen) > 1  # the cases differ enough to tell
    assert before() == counts


def test_the_terms_in_force_give_back_what_happened(road, as_system):
    """The replay of every clock with its own term and pauses comes to its own due moment."""
    some_cases(road, as_system, Random(7), 12)
    looked = 0
    for case in db.session.scalars(select(Case)):
        for clock in lock_case_clocks([case.id]):
            if clock.clock not in (Clock.RESOLVE, Clock.OVERALL) or clock.given or clock.supersedes_id or clock.paused_at:
                continue
            hurried = case.urgency is Urgency.URGENT and clock.clock is Clock.RESOLVE
            counted = (Unit.HOUR, HoursKind.ALWAYS) if hurried else (Unit.WORKING_DAY, HoursKind.WORK)
            term = Term(clock.amount, *counted)
            spans = stood_still(case.id, clock)
            ended = clock.met_at or clock.cancelled_at or road.clock()
            spans = [span for span in spans if span[0] < ended]
            assert due_with_pauses(clock.starts_at, term, load_calendar(clock.owner_unit_id), spans) == clock.due_at
            looked += bool(spans)
    assert looked > 3


class TestWho:
    def test_the_countys_administrators_and_supervisors(self, road):
        road.in_progress()
        road.clock.advance(days=2)
        for login in ("admin", "sun", "yan"):
            assert tried(road, login=login, amount=1).total.clocks == 1
        for login in ("he", "du", "tong", "liu"):
            with pytest.raises(RulesAreTheAdministrators):
                tried(road, login=login, amount=1)
        post = StaffPost(staff_id=road.cast.staff["tong"].id, role=Role.SUPERVISOR, unit_id=road.cast.units["柳河镇"].id)
        road.session.add(post)
        road.session.flush()
        with pytest.raises(RulesAreTheAdministrators):  # the counts are the whole county's
            tried(road, login="tong", amount=1)

    def test_a_case_against_the_reader_is_neither_counted_nor_named(self, road):
        road.in_progress(against_staff_id=road.cast.staff["sun"].id)
        road.clock.advance(days=2)
        assert tried(road, login="sun", amount=1).total.clocks == 0
        assert dry_run_cases(road.as_staff("sun"), draft(amount=1), begin=MONDAY, end=road.clock()).items == []
        assert tried(road, login="ling", amount=1).total.clocks == 1

    def test_a_confidential_case_is_named_to_supervisors_alone(self, road):
        road.in_progress(confidential=True)
        road.clock.advance(days=2)
        period = {"begin": MONDAY, "end": road.clock()}
        for login, count in (("sun", 1), ("admin", 0), ("yan", 0)):
            assert tried(road, login=login, amount=1).total.newly_late == 1
            assert len(dry_run_cases(road.as_staff(login), draft(amount=1), **period).items) == count


def test_pages_go_on_where_they_stopped_and_each_case_stands_once(road):
    numbers = []
    for _ in range(5):
        numbers.append(road.in_progress())
    road.clock.advance(days=2)
    seen, cursor = [], None
    while True:
        page = dry_run_cases(road.as_staff("sun"), draft(amount=1), begin=MONDAY, end=road.clock(), cursor=cursor, limit=2)
        seen += [case.number for case in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == numbers
    for wrong in ("x", "WzEsMl0", "WyJ4IiwxXQ"):
        with pytest.raises(CursorUnreadable):
            dry_run_cases(road.as_staff("sun"), draft(), begin=MONDAY, end=road.clock(), cursor=wrong)


def test_it_costs_the_same_number_of_statements_however_many_cases(road):
    counts = []
    for more in (1, 6):
        for _ in range(more):
            road.in_progress()
        road.clock.advance(days=9)
        with statements() as sent:
            tried(road, amount=1)
        counts.append(len(sent))
    assert counts[0] == counts[1]
