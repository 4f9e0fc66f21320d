"""The ladder does what it says: slips drafted, lists filled, cases raised, each at its moment and exactly once."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.core.clock import CHINA
from app.core.database import db, lock_rows, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.callbacks.answers import record_callback
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline, DeadlineLevel
from app.ledger.commands import accept_case
from app.ledger.county import CountySetting, county
from app.ledger.deadlines import new_version
from app.ledger.handling import dispatch_case, pass_result, record_contact, send_back, sign_case, submit_result
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case, Entry
from app.ledger.policies import DEFAULTS, On, Step, ladder_from_json, ladder_moments, ladder_to_json
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.suspensions import resume_case
from app.ledger.rounds.reopening import reopen_case
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.supervision.ladder_effects import note_repeated_failure
from app.ledger.supervision.models import CaseListing, Urging
from app.ledger.supervision.oversight import drafts, listed_cases
from app.ledger.supervision.pressing import DraftWaits, urge
from app.ledger.supervision.slips import Addressed, UnitNotInvolved
from app.ledger.sweep import sweep
from app.ledger.terms import HoursKind, Term, Unit
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import (
    Action,
    Clock,
    Effect,
    Kind,
    ListedFor,
    Listing,
    PressMode,
    RequestKind,
    SlipKind,
    SlipState,
    State,
    Urgency,
)
from app.notices.models import Notice
from app.people.sessions import staff_actor
from tests.ledger.intake.test_intake import lins_report
from tests.ledger.requests.test_requests import asked
from tests.ledger.test_straight_road import HAPPY, UNHAPPY, Road
from tests.ledger.test_terms import CALENDAR


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


def changed_hands(road, unit="水利局", **decided):
    """Give the case to another lead."""
    request = asked(road, "du", RequestKind.REASSIGN, unit_ids=[road.cast.units[unit].id], reason_code="better_placed")
    decide_request(road.as_staff("sun"), road.number, request.id, Decision(approve=True, note="同意", **decided))


def stands_still(road, review_on):
    request = asked(road, "he", RequestKind.SUSPEND, review_on=review_on, evidence="已列入工程")
    decide_request(road.as_staff("sun"), road.number, request.id, Decision(approve=True, note="同意"))


def walk(road, as_system, *steps):
    """Sweep at moments in turn, and say what has been done by then."""
    for moment, expected in steps:
        road.clock.move_to(moment)
        sweep(as_system)
        assert standing(road) == expected, moment


def test_the_ladder_of_an_overdue_case_waits_while_it_is_suspended(road, as_system):
    """Late by no working day when it was suspended, so that each step comes its working days after the case went on."""
    road.clock.move_to(china(9, 22, 9, 0))
    road.in_progress()
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    walk(road, as_system, (china(9, 30), ["raised 0"]))
    road.clock.move_to(china(10, 1, 10, 0))
    stands_still(road, date(2026, 11, 20))
    one, two, three = ["draft draft"], ["draft draft", "onsite"], ["draft draft", "interview", "onsite"]
    walk(
        road,
        as_system,
        (china(11, 19), ["raised 0"]),
        (china(11, 20), ["raised 0"]),  # it goes on: a Friday
        (china(11, 23, 17, 29), ["raised 0"]),
        (china(11, 23), [*one, "raised 0"]),
    )
    road.clock.move_to(china(11, 24, 9, 0))
    stands_still(road, date(2026, 12, 30))
    road.clock.move_to(china(11, 30, 9, 0))
    resume_case(road.as_staff("he"), road.number, note="可以继续了")
    walk(
        road,
        as_system,
        (china(12, 1, 17, 29), [*one, "raised 0"]),
        (china(12, 1), [*two, "raised 0"]),
        (china(12, 3, 17, 29), [*two, "raised 0"]),
        (china(12, 3), [*three, "raised 1"]),
    )
    assert road.case.state is State.IN_PROGRESS
    assert verify_ledger().breaks == []


@pytest.mark.parametrize(
    ("after", "stood", "reached"),
    [
        (Term(3, Unit.WORKING_DAY, HoursKind.WORK), [], china(12, 4)),
        (Term(3, Unit.WORKING_DAY, HoursKind.WORK), [(china(12, 3, 9, 0), china(12, 10, 9, 0))], china(12, 11)),
        (Term(1, Unit.WORKING_DAY, HoursKind.WORK), [(china(12, 3, 9, 0), china(12, 10, 9, 0))], china(12, 2)),
        (Term(6, Unit.HOUR, HoursKind.ALWAYS), [(china(12, 1, 19, 0), china(12, 5, 9, 0))], china(12, 5, 13, 30)),
        (Term(20, Unit.MINUTE, HoursKind.DUTY), [(china(12, 1, 17, 40), china(12, 1, 23, 0))], china(12, 2, 7, 10)),
        (Term(6, Unit.HOUR, HoursKind.ALWAYS), [(china(11, 28), china(11, 30))], china(12, 1, 23, 30)),  # before it was due
        (Term(6, Unit.HOUR, HoursKind.ALWAYS), [(china(12, 1, 19, 0), None)], None),
    ],
)
def test_a_step_after_due_does_not_count_what_stood_still(after, stood, reached):
    due = china(12, 1)
    ladder = (Step(1, On.DUE, ()), Step(2, On.AFTER, (), after))
    moments = {step.level: at for step, at in ladder_moments(ladder, warn=due, due=due, calendar=CALENDAR, stood=stood)}
    assert moments == {1: due} | ({2: reached} if reached else {})


def test_a_new_lead_is_not_punished_for_the_delay_of_the_one_before(road, as_system):
    road.clock.move_to(china(9, 22, 9, 0))
    road.in_progress()
    walk(road, as_system, (china(10, 10), ["draft draft", "onsite", "raised 0"]))
    first = road.clocks()[Clock.RESOLVE]
    late_since, due = first.breached_at, first.due_at
    urge(road.as_staff("sun"), [road.number], mode=PressMode.ONSITE, words="到现场看过")
    road.clock.move_to(china(10, 12, 9, 0))
    changed_hands(road)
    told = select(func.count()).select_from(Notice).where(Notice.template.in_(("breach_clock", "escalate_clock")))
    before = road.session.scalar(told.where(Notice.params["clock"].astext == "办理时限"))
    went = ["draft draft", "draft issued"]
    walk(road, as_system, (china(10, 12, 9, 1), [*went, "onsite", "raised 0"]))
    assert road.session.scalar(told.where(Notice.params["clock"].astext == "办理时限")) == before
    second = road.clocks()[Clock.RESOLVE]
    assert (second.due_at, second.breached_at, second.level) == (due, late_since, 4)
    assert onlist(road, Listing.ONSITE) == []
    # what lies ahead still comes, and comes to the new lead
    walk(road, as_system, (china(10, 13), [*went, "interview", "onsite", "raised 1"]))
    assert onlist(road) == [(road.number, "水利局", ListedFor.LATE)]


def test_the_days_in_which_an_overdue_case_waits_for_a_lead_are_not_the_next_leads(road, as_system):
    road.clock.move_to(china(9, 22, 9, 0))
    road.in_progress()
    walk(road, as_system, (china(10, 8), ["draft draft", "raised 0"]))
    changed_hands(road)
    road.clock.move_to(china(10, 9, 9, 0))
    request = asked(road, "shui", RequestKind.RETURN, unit_ids=[road.cast.units["民政局"].id])
    decide_request(road.as_staff("du"), road.number, request.id, Decision(approve=True, note="同意"))
    road.clock.move_to(china(10, 14, 9, 0))
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["民政局"].id)
    walk(
        road,
        as_system,
        (china(10, 15, 17, 29), ["draft draft", "raised 0"]),
        (china(10, 15), ["draft draft", "onsite", "raised 0"]),
    )
    assert onlist(road, Listing.ONSITE) == [(road.number, "民政局", ListedFor.LATE)]


def test_a_unit_that_gave_the_case_away_is_still_interviewed_for_its_delay(road, as_system):
    road.in_progress()
    road.clock.advance(days=40)
    sweep(as_system)
    changed_hands(road)
    sun, bureau = road.as_staff("sun"), Addressed(unit=road.cast.units["城市管理局"].code)
    with pytest.raises(UnitNotInvolved):
        urge(sun, [road.number], mode=PressMode.WRITTEN, words="请说明情况", to=bureau)
    urge(sun, [road.number], mode=PressMode.INTERVIEW, words="约谈现在的主办")
    assert onlist(road) == [(road.number, "城市管理局", ListedFor.LATE)]
    urge(sun, [road.number], mode=PressMode.INTERVIEW, words="约谈原来的主办", to=bureau)
    assert onlist(road) == []


def test_a_new_lead_with_a_term_of_its_own_climbs_the_ladder_from_the_bottom(road, as_system):
    road.in_progress()
    road.clock.advance(days=10)
    sweep(as_system)
    changed_hands(road, reset_term="新单位刚接手")
    fresh = road.clocks()[Clock.RESOLVE]
    assert (fresh.breached_at, fresh.level, fresh.stood) == (None, 0, None)
    assert fresh.due_at > road.clock()


def test_a_draft_that_outlived_its_round_makes_room_for_the_next(road, as_system):
    road.in_progress()
    walk(road, as_system, (china(12, 1), ["draft draft", "raised 0"]))
    page = {"cursor": None, "limit": 50}
    (first,) = drafts(road.as_staff("sun"), SlipKind.URGING, **page).items
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    submit_result(road.as_staff("he"), road.number, reply="修好了", note="换灯头", solved=True)
    pass_result(road.as_staff("qin"), road.number)
    record_callback(road.as_staff("lu"), road.number, UNHAPPY, note="还是不亮")
    triage_case(road.as_staff("sun"), road.number, verdict=Triage.REWORK, note="重办")
    due = road.clocks()[Clock.RESOLVE].due_at
    road.clock.move_to(due + timedelta(days=3))
    sweep(as_system)
    (second,) = drafts(road.as_staff("sun"), SlipKind.URGING, **page).items
    assert second.id != first.id
    states = select(Urging.state).where(Urging.case_id == road.case.id).order_by(Urging.id)
    assert road.session.scalars(states).all() == [SlipState.DISCARDED, SlipState.DRAFT]


def test_a_supervisors_own_draft_takes_the_place_of_one_that_outlived_its_clock(road, as_system):
    road.in_progress()
    walk(road, as_system, (china(12, 1), ["draft draft", "raised 0"]))
    with pytest.raises(DraftWaits):
        urge(road.as_staff("sun"), [road.number], mode=PressMode.WRITTEN, words="请抓紧", draft=True)
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    submit_result(road.as_staff("he"), road.number, reply="修好了", note="换灯头", solved=True)
    send_back(road.as_staff("qin"), road.number, note="照片不清")  # the same clock runs on: the draft counts again
    with pytest.raises(DraftWaits):
        urge(road.as_staff("sun"), [road.number], mode=PressMode.WRITTEN, words="请抓紧", draft=True)
    submit_result(road.as_staff("he"), road.number, reply="修好了", note="换灯头", solved=True)
    (own,) = urge(road.as_staff("sun"), [road.number], mode=PressMode.WRITTEN, words="请抓紧", draft=True)
    assert [row.id for row in drafts(road.as_staff("sun"), SlipKind.URGING, cursor=None, limit=50).items] == [own.id]


def test_a_draft_stays_on_the_list_when_its_clock_gets_a_new_version_that_is_late_as_well(road, as_system):
    road.in_progress()
    walk(road, as_system, (china(12, 1), ["draft draft", "raised 0"]))
    clock = road.clocks()[Clock.RESOLVE]
    new_version(clock, road.clock(), due=clock.due_at)
    road.session.flush()
    assert len(drafts(road.as_staff("sun"), SlipKind.URGING, cursor=None, limit=50).items) == 1


def test_an_assists_delay_puts_the_assist_on_the_list_and_only_its_own_interview_takes_it_off(road, as_system):
    road.in_progress(assists=("水利局",))
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    lead = road.session.get(Deadline, _lead_clock(road))
    lead.met_at, lead.next_check_at = road.clock(), None
    road.clock.advance(days=40)
    sweep(as_system)
    assert onlist(road) == [(road.number, "水利局", ListedFor.LATE)]
    sun, units = road.as_staff("sun"), road.cast.units
    urge(sun, [road.number], mode=PressMode.INTERVIEW, words="约谈主办")
    urge(sun, [road.number], mode=PressMode.INTERVIEW, words="约谈中心", to=Addressed(unit=units["云溪县"].code))
    assert onlist(road) == [(road.number, "水利局", ListedFor.LATE)]
    urge(sun, [road.number], mode=PressMode.INTERVIEW, words="约谈协办", to=Addressed(unit=units["水利局"].code))
    assert onlist(road) == []


def test_an_interview_with_the_township_settles_for_its_village(road, as_system):
    road.accepted()
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳林村"].id)
    sign_case(road.as_staff("hua"), road.number)
    road.clock.advance(days=40)
    sweep(as_system)
    assert onlist(road) == [(road.number, "柳林村", ListedFor.LATE)]
    town = Addressed(unit=road.cast.units["柳河镇"].code)
    urge(road.as_staff("sun"), [road.number], mode=PressMode.INTERVIEW, words="约谈镇里", to=town)
    assert onlist(road) == []


def test_a_place_on_a_list_ends_with_the_case_and_is_given_anew_after_reopening(road, as_system):
    road.in_progress()
    road.clock.advance(days=40)
    sweep(as_system)
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    submit_result(road.as_staff("he"), road.number, reply="修好了", note="换灯头", solved=True)
    pass_result(road.as_staff("qin"), road.number)
    assert len(onlist(road)) == 1
    record_callback(road.as_staff("lu"), road.number, HAPPY, note="满意")
    closed = road.clock()
    assert set(road.session.scalars(select(CaseListing.settled_at))) == {closed}
    road.clock.advance(days=1)
    reopen_case(road.as_resident("lin"), road.number, words="又不亮了")
    assert onlist(road) == []
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
    road.clock.advance(days=40)
    sweep(as_system)
    assert onlist(road) == [(road.number, "城市管理局", ListedFor.LATE)]


def test_the_ladder_of_an_urgent_case_counts_in_hours_over_the_holidays(road, as_system):
    road.clock.move_to(china(9, 29, 17, 45))
    road.in_progress(urgency=Urgency.URGENT)
    due = road.clocks()[Clock.RESOLVE].due_at
    one, two, three = ["draft draft"], ["draft draft", "onsite"], ["draft draft", "interview", "onsite"]
    walk(
        road,
        as_system,
        (due, ["raised 0"]),
        (due + timedelta(hours=2), [*one, "raised 0"]),
        (due + timedelta(hours=6), [*two, "raised 0"]),
        (due + timedelta(hours=23), [*two, "raised 0"]),
        (due + timedelta(hours=24), [*three, "raised 1"]),
    )


def onlist(road, listing=Listing.INTERVIEW):
    page = listed_cases(road.as_staff("sun"), listing, cursor=None, limit=50)
    return [(row.number, row.unit, row.listed_for) for row in page.items]


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
