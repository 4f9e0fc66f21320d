"""The ladder does what it says: slips drafted, lists filled, cases raised, each at its moment and exactly once."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from app.core.clock import CHINA
from app.core.database import db, lock_rows, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.callbacks import record_callback
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline, DeadlineLevel
from app.ledger.commands import accept_case
from app.ledger.county import CountySetting, county
from app.ledger.handling import dispatch_case, pass_result, record_contact, submit_result
from app.ledger.intake import take_in
from app.ledger.ladder_effects import note_repeated_failure
from app.ledger.models import Case, Entry
from app.ledger.oversight import drafts, listed_cases
from app.ledger.policies import DEFAULTS, ladder_from_json, ladder_to_json
from app.ledger.supervision import urge
from app.ledger.supervision_models import CaseListing, Urging
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.triage import Triage, triage_case
from app.ledger.vocabulary import Action, Clock, Effect, Kind, ListedFor, Listing, PressMode, SlipKind, SlipState
from app.notices.models import Notice
from app.people.sessions import staff_actor
from tests.ledger.test_intake import lins_report
from tests.ledger.test_straight_road import UNHAPPY, Road


@pytest.fixture
def road(session, cast, clock, as_staff, as_resident):
    return Road(session, cast, clock, as_staff, as_resident)


def china(month: int, day: int, hour: int = 17, minute: int = 30) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CHINA).astimezone(UTC)


def standing(road):
    """What the ladder has done so far: drafts, listings, how high the case was raised."""
    road.session.expire_all()
    found = [f"draft {state}" for state in road.session.scalars(select(Urging.state).where(Urging.case_id == road.case.id))]
    found += sorted(str(each) for each in road.session.scalars(select(CaseListing.listing)))
    return [*found, f"raised {road.case.raised}"]


def test_each_step_does_its_work_at_its_moment_over_holidays_and_make_up_days(road, as_system):
    """Due on the eve of National Day; 8, 9 and (making up) Saturday 10 October are working days 1 to 3 after it."""
    road.clock.move_to(china(9, 22, 9, 0))
    road.in_progress()
    resolve = road.clocks()[Clock.RESOLVE]
    assert resolve.due_at == china(9, 30)
    for moment, expected in (
        (china(9, 30, 17, 29), ["raised 0"]),
        (china(9, 30), ["raised 0"]),
        (china(10, 8, 17, 29), ["raised 0"]),
        (china(10, 8), ["draft draft", "raised 0"]),
        (china(10, 10, 17, 29), ["draft draft", "raised 0"]),
        (china(10, 10), ["draft draft", "onsite", "raised 0"]),
        (china(10, 13, 17, 29), ["draft draft", "onsite", "raised 0"]),
        (china(10, 13), ["draft draft", "interview", "onsite", "raised 1"]),
        (china(10, 20), ["draft draft", "interview", "onsite", "raised 1"]),
    ):
        road.clock.move_to(moment)
        sweep(as_system)
        assert standing(road) == expected, moment
    draft = road.session.scalars(select(Urging)).one()
    assert (draft.unit_id, draft.deadline_id, draft.number) == (road.cast.units["城市管理局"].id, resolve.id, None)
    assert road.number in draft.words
    assert "2026年09月30日 17:30" in draft.words
    assert verify_ledger().breaks == []


def test_after_an_outage_every_level_is_written_each_effect_happens_once_and_the_highest_is_told(road, as_system):
    road.in_progress()
    resolve = road.clocks()[Clock.RESOLVE].id
    road.clock.advance(days=40)
    sweep(as_system)
    assert standing(road) == ["draft draft", "interview", "onsite", "raised 1"]
    rows = road.session.execute(select(DeadlineLevel.level, DeadlineLevel.told).where(DeadlineLevel.deadline_id == resolve))
    assert sorted(tuple(row) for row in rows) == [(1, False), (2, False), (3, False), (4, False), (5, True)]
    told = road.session.scalars(select(Notice).where(Notice.template == "breach_clock", Notice.case_id == road.case.id)).all()
    assert {notice.params["level"] for notice in told if notice.params["clock"] == "办理时限"} == {5}
    raised = select(func.count()).select_from(Entry).where(Entry.action == Action.RAISE)
    assert road.session.scalar(raised) == 1
    assert sweep(as_system).clocks == 0
    assert road.session.scalar(raised) == 1
    assert verify_ledger().breaks == []


def test_a_late_assist_is_urged_itself_and_does_not_raise_the_case(road, as_system):
    road.in_progress(assists=("水利局",))
    lead = next(clock for clock in road.session.scalars(select(Deadline)) if clock.id == _lead_clock(road))
    lead.cancelled_at, lead.next_check_at = road.clock(), None
    road.session.flush()
    road.clock.advance(days=40)
    sweep(as_system)
    assert standing(road) == ["draft draft", "interview", "onsite", "raised 0"]
    assert road.session.scalars(select(Urging.unit_id)).one() == road.cast.units["水利局"].id


def _lead_clock(road):
    lead = next(assignment for assignment in road.case.assignments if assignment.duty == "lead")
    query = select(Deadline.id).where(Deadline.clock == Clock.RESOLVE, Deadline.subject_id == lead.id)
    return road.session.scalars(query).one()


def test_a_draft_is_no_longer_offered_once_the_unit_has_reported(road, as_staff, as_system):
    road.in_progress()
    road.clock.move_to(china(12, 1))
    sweep(as_system)
    page = {"cursor": None, "limit": 50}
    assert [row.number for row in drafts(as_staff("sun"), SlipKind.URGING, **page).items] == [road.number]
    record_contact(as_staff("he"), road.number, how="phone", note="已联系")
    submit_result(as_staff("he"), road.number, reply="修好了", note="换灯头", solved=True)
    assert drafts(as_staff("sun"), SlipKind.URGING, **page).items == []


def test_a_ladder_that_was_stored_before_it_could_do_anything_is_still_read():
    stored = [{"level": 1, "on": "due", "tell": ["owner"], "after": None}]
    (step,) = ladder_from_json(stored)
    assert step.does == ()
    for default in DEFAULTS:
        assert ladder_from_json(ladder_to_json(default.ladder)) == default.ladder


def test_only_the_resolve_ladders_of_the_house_do_more_than_tell():
    doing = {default.clock for default in DEFAULTS if any(step.does for step in default.ladder)}
    assert doing == {Clock.RESOLVE}
    resolve = next(default for default in DEFAULTS if default.code == "resolve-help")
    assert [step.does for step in resolve.ladder] == [
        (),
        (),
        (Effect.DRAFT_URGING,),
        (Effect.SUPERVISOR_LIST,),
        (Effect.INTERVIEW_LIST, Effect.RAISE),
    ]


def fail(road, **counts):
    """Note what a case has been through, as the moves that count it do."""
    (case,) = lock_rows(Case, [road.case.id])
    for name, value in counts.items():
        setattr(case, name, value)
    note_repeated_failure(road.as_staff("sun"), case)
    road.session.flush()
    return case


def listed(road, login="sun"):
    page = listed_cases(road.as_staff(login), Listing.INTERVIEW, cursor=None, limit=50)
    return [(row.number, row.listed_for) for row in page.items]


def test_a_case_reworked_three_times_goes_on_the_interview_list_and_up_a_level(road):
    road.in_progress()
    assert fail(road, reworks=2).raised == 0
    assert listed(road) == []
    assert fail(road, reworks=3).raised == 1
    assert listed(road) == [(road.number, ListedFor.REWORKED)]
    assert fail(road, reworks=4).raised == 1  # it stands on the list: once is enough
    urge(road.as_staff("sun"), [road.number], mode=PressMode.INTERVIEW, words="约谈分管负责人")
    assert listed(road) == []
    fail(road, reworks=5)
    assert listed(road) == [(road.number, ListedFor.REWORKED)]
    entry = road.session.scalars(select(Entry).where(Entry.action == Action.RAISE).order_by(Entry.id)).first()
    assert (entry.role, entry.words.note) == (Role.SYSTEM, "返工已达 3 次，按规定提级。")
    assert verify_ledger().breaks == []


def test_three_reassignments_count_only_while_no_lead_has_signed(road):
    road.in_progress()
    fail(road, reassignments=3)
    assert listed(road) == []
    road.dispatched()
    assert fail(road, reassignments=3).raised == 1
    assert listed(road) == [(road.number, ListedFor.REASSIGNED)]


def test_a_case_without_a_lead_is_listed_and_not_raised(road):
    road.accepted()
    assert fail(road, reassignments=3).raised == 0
    assert listed(road) == [(road.number, ListedFor.REASSIGNED)]


def test_how_often_is_too_often_is_the_countys_own(road):
    road.session.add(CountySetting(name="reworks_to_interview", value=2))
    road.session.flush()
    county.forget()
    road.in_progress()
    assert fail(road, reworks=2).raised == 1


def test_three_reworks_in_a_row_put_a_case_on_the_list_by_themselves(road):
    number = road.awaiting_callback()
    for turn in range(1, 4):
        record_callback(road.as_staff("lu"), number, UNHAPPY, note="还是不亮")
        triage_case(road.as_staff("sun"), number, verdict=Triage.REWORK, note="重办")
        assert road.case.reworks == turn
        assert listed(road) == ([(number, ListedFor.REWORKED)] if turn == 3 else [])
        if turn < 3:
            record_contact(road.as_staff("he"), number, how="phone", note="已联系")
            submit_result(road.as_staff("he"), number, reply="又修了一遍。", note="换线", solved=True)
            pass_result(road.as_staff("qin"), number)
            road.clock.advance(hours=2)
    assert road.case.raised == 1
    assert verify_ledger().breaks == []


@pytest.mark.parametrize("sweepers", [2])
def test_two_sweepers_at_once_do_each_effect_exactly_once(committed, sweepers):
    held = committed.extensions["minhu"].clock
    count = 60

    def stamps() -> Stamp:
        return Stamp(SYSTEM, Role.SYSTEM, held(), Door.JOB)

    def by(login: str) -> Stamp:
        actor = staff_actor(find_cast().staff[login].id)
        return Stamp(actor, actor.posts[0].role, held(), Door.DESK)

    with committed.app_context():
        catalogue.forget()
        cast = find_cast()
        with transaction():
            given = {"category_id": cast.categories["路灯照明"], "grid_id": cast.grids["柳林村一网格"].id}
            for _ in range(count):
                number = take_in(stamps(), lins_report(cast)).number
                accept_case(by("fang"), number, kind=Kind.HELP, **given)
                dispatch_case(by("du"), number, lead_unit_id=cast.units["城市管理局"].id)
    held.advance(days=40)
    start, failures = threading.Barrier(sweepers), []

    def work() -> None:
        with committed.app_context():
            start.wait()
            try:
                sweep(stamps, batch=10)
            except Exception as failure:
                failures.append(failure)
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(sweepers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with committed.app_context():
        sweep(stamps)
        assert db.session.scalars(select(Deadline).where(Deadline.error.is_not(None))).all() == []
        for query in (
            select(func.count()).select_from(Urging).where(Urging.state == SlipState.DRAFT),
            select(func.count()).select_from(CaseListing).where(CaseListing.listing == Listing.ONSITE),
            select(func.count()).select_from(CaseListing).where(CaseListing.listing == Listing.INTERVIEW),
            select(func.count()).select_from(Entry).where(Entry.action == Action.RAISE),
            select(func.count()).select_from(Case).where(Case.raised == 1),
        ):
            assert db.session.scalar(query) == count, str(query)
        assert verify_ledger().breaks == []
