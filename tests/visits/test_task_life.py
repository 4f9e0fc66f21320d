"""The life of a task: planned once, met by the right visit, ended with its cause, told once."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.figures.coverage import counts_by_grid
from app.figures.coverage_recount import recount
from app.ledger.clocks import Deadline
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Clock, Subject
from app.notices.jobs import send_notices
from app.notices.models import Notice, NoticeState
from app.people.identity import Person, enrol_resident
from app.people.models import EndedBy, Resident
from app.people.roster.models import Care, CareBy
from app.territory.commands import add_household
from app.territory.models import HouseholdKind
from app.visits.campaigns import begin_campaign
from app.visits.models import EffectKind, EffectState, TaskEnd, TaskFor, TaskState, VisitEffect, VisitOutcome, VisitTask
from app.visits.proactive import make_proactive_tasks


@pytest.fixture
def zheng(cast):
    return cast.residents["zheng"]


@pytest.fixture
def home(cast):
    return cast.households["郑守田"]


@pytest.fixture
def lins_home(cast):
    return cast.households["林秀英"]


def clocks(session, task):
    of_it = (Deadline.subject == Subject.VISIT_TASK, Deadline.subject_id == task.id)
    return list(session.scalars(select(Deadline).where(*of_it).order_by(Deadline.id).execution_options(populate_existing=True)))


def test_planning_makes_each_task_once_with_a_clock_and_planning_again_changes_nothing(
    session, plan, name_of, zheng, home, lins_home, tasks_of
):
    name_of(zheng, "living_alone")
    first = plan()
    (task,) = tasks_of(home)
    assert (task.key, task.why, task.resident_id) == (f"rule:2026-11:resident:{zheng.id}", TaskFor.RULE, zheng.id)
    assert (task.first_on, task.due_on) == (date(2026, 11, 23), date(2026, 11, 30))
    (clock,) = clocks(session, task)
    assert (clock.clock, clock.case_id, clock.due_at) == (Clock.VISIT, None, datetime(2026, 11, 30, 9, 30, tzinfo=UTC))
    assert clock.owner_unit_id is not None
    (ordinary,) = tasks_of(lins_home)
    assert (ordinary.key, ordinary.due_on) == (f"rule:2026-H2:household:{lins_home.id}", date(2026, 12, 31))
    assert first.made == session.scalar(select(func.count()).select_from(VisitTask)) == 2
    again = plan()
    assert (again.made, again.brought_back, again.cancelled, again.missed, again.moved) == (0, 0, 0, 0, 0)


def test_whoever_belongs_to_several_populations_is_visited_once_a_period(plan, name_of, zheng, home, tasks_of):
    name_of(zheng, "living_alone")
    name_of(zheng, "disabled")
    plan()
    assert len(tasks_of(home)) == 1


def test_age_alone_makes_somebody_belong(session, plan, zheng, home, tasks_of):
    zheng.birth_month = date(1946, 11, 1)
    session.flush()
    plan()
    assert [task.resident_id for task in tasks_of(home)] == [zheng.id]


def test_what_begins_in_the_last_week_waits_for_the_next_period(plan, clock, name_of, zheng, home, tasks_of):
    clock.advance(days=2)
    name_of(zheng, "living_alone")
    plan()
    assert tasks_of(home) == []
    clock.advance(days=6)
    plan()
    assert [task.key for task in tasks_of(home)] == [f"rule:2026-12:resident:{zheng.id}"]


def test_a_vacant_house_has_no_task_and_one_that_becomes_so_loses_it(session, plan, lins_home, home, tasks_of):
    lins_home.kind = HouseholdKind.VACANT
    session.flush()
    plan()
    assert tasks_of(lins_home) == []
    (task,) = tasks_of(home)
    home.kind = HouseholdKind.VACANT
    session.flush()
    assert plan().cancelled == 1
    assert (task.state, task.ended_by) == (TaskState.CANCELLED, TaskEnd.VACANT)
    home.kind = HouseholdKind.ORDINARY
    session.flush()
    assert plan().brought_back == 2 - 1
    assert task.state is TaskState.OPEN
    assert [clock.cancelled_at is None for clock in clocks(session, task)] == [False, True]


def test_a_tag_that_ends_takes_its_task_along(session, plan, clock, name_of, zheng, home, tasks_of):
    named = name_of(zheng, "living_alone")
    plan()
    named.ended_at = clock()
    session.flush()
    plan()
    monthly, ordinary = tasks_of(home)
    assert (monthly.state, monthly.ended_by) == (TaskState.CANCELLED, TaskEnd.RULE_ENDED)
    assert (ordinary.state, ordinary.resident_id) == (TaskState.OPEN, None)


def test_tasks_follow_a_resident_who_moves_within_the_village(session, plan, name_of, zheng, home, lins_home, tasks_of):
    name_of(zheng, "living_alone")
    plan()
    zheng.household_id = lins_home.id
    session.flush()
    assert plan().moved == 1
    theirs = session.scalars(select(VisitTask).where(VisitTask.resident_id == zheng.id)).all()
    assert [(task.household_id, task.state) for task in theirs] == [(lins_home.id, TaskState.OPEN)]


def test_two_taps_do_the_visit(session, plan, name_of, zheng, home, tasks_of, visit_by):
    name_of(zheng, "living_alone")
    plan()
    logged = visit_by("zhou", home)
    (task,) = tasks_of(home)
    assert logged.done == [task.id]
    assert (task.state, task.visit_id) == (TaskState.DONE, logged.visit.id)
    assert [met.resident_id for met in logged.visit.met] == [zheng.id]
    assert clocks(session, task)[0].met_at is not None


def test_one_visit_does_every_task_of_whoever_was_met(session, plan, stamp, name_of, zheng, home, cast, tasks_of, visit_by):
    wife = enrol_resident(stamp, Person(name="郑王氏"), grid_id=home.grid_id, household_id=home.id)
    for each, code in ((zheng, "living_alone"), (wife, "disabled")):
        name_of(each, code)
    plan()
    visit_by("zhou", home, met_ids=(wife.id,))
    states = {task.resident_id: task.state for task in tasks_of(home)}
    assert states == {zheng.id: TaskState.OPEN, wife.id: TaskState.DONE}
    visit_by("zhou", home)
    assert {task.state for task in tasks_of(home)} == {TaskState.DONE}


def test_a_call_is_a_contact_and_no_visit_where_one_in_person_is_asked_for(plan, name_of, zheng, home, tasks_of, visit_by):
    name_of(zheng, "living_alone")
    plan()
    assert visit_by("zhou", home, VisitOutcome.PHONE).done == []
    (task,) = tasks_of(home)
    assert (task.state, task.contacted_on, task.attempts) == (TaskState.OPEN, date(2026, 11, 23), 0)


def test_three_days_in_vain_end_a_task_and_a_visit_still_does_it(session, plan, clock, name_of, zheng, home, tasks_of, visit_by):
    name_of(zheng, "living_alone")
    plan()
    for _ in range(2):
        visit_by("zhou", home, VisitOutcome.NOBODY_HOME)
    (task,) = tasks_of(home)
    assert (task.state, task.attempts) == (TaskState.OPEN, 1)
    for outcome in (VisitOutcome.REFUSED, VisitOutcome.WORKING_AWAY):
        clock.advance(days=1)
        visit_by("zhou", home, outcome)
    (task,) = tasks_of(home)
    assert (task.state, task.attempts) == (TaskState.UNREACHED, 3)
    assert clocks(session, task)[0].cancelled_at is not None
    clock.advance(days=1)
    visit_by("zhou", home)
    assert tasks_of(home)[0].state is TaskState.DONE


def test_visits_delivered_in_another_order_leave_the_same_behind(plan, clock, name_of, zheng, home, tasks_of, visit_by):
    name_of(zheng, "living_alone")
    plan()
    monday = clock()
    clock.advance(days=3)
    late = visit_by("zhou", home)
    assert tasks_of(home)[0].visit_id == late.visit.id
    visit_by("zhou", home, VisitOutcome.NOBODY_HOME, visited_at=monday + timedelta(days=1), phone_at=monday + timedelta(days=1))
    early = visit_by("zhou", home, visited_at=monday + timedelta(days=2), phone_at=monday + timedelta(days=2))
    (task,) = tasks_of(home)
    assert (task.state, task.visit_id, task.attempts) == (TaskState.DONE, early.visit.id, 1)


def test_a_death_stops_tasks_clocks_and_notices_at_once_and_is_told_once(
    session, plan, clock, name_of, zheng, home, cast, tasks_of, visit_by, as_system, gateway
):
    name_of(zheng, "living_alone")
    carers = [
        {"by": CareBy.PARTY_MEMBER, "staff_id": cast.staff["hua"].id},
        {"by": CareBy.VOLUNTEER, "carer_id": cast.residents["chen"].id},
        {"by": CareBy.FAMILY, "carer_id": cast.residents["lin"].id},
    ]
    session.add_all([Care(resident_id=zheng.id, since=clock(), **each) for each in carers])
    plan()
    clock.move_to(datetime(2026, 11, 30, 1, 30, tzinfo=UTC))
    sweep(as_system)
    assert session.scalar(select(func.count()).select_from(Notice).where(Notice.template == "warn_visit")) == 1
    visit_by("zhou", home, VisitOutcome.DECEASED, resident_id=zheng.id)
    (task,) = tasks_of(home)
    assert (task.state, task.ended_by) == (TaskState.CANCELLED, TaskEnd.DECEASED)
    assert (zheng.ended_by, zheng.ended_at) == (EndedBy.DECEASED, clock())
    assert [each.cancelled_at for each in clocks(session, task)] == [clock()]
    assert set(session.scalars(select(Notice.state).where(Notice.template == "warn_visit"))) == {NoticeState.DROPPED}
    visit_by("zhou", home, VisitOutcome.DECEASED, resident_id=zheng.id)
    clock.advance(days=3)
    plan()
    sweep(as_system)
    send_notices(as_system)
    told = sorted((letter.template, str(letter.recipient), letter.recipient_id) for letter in gateway.sent)
    assert told == [
        ("death_carer", "resident", cast.residents["chen"].id),
        ("death_carer", "staff", cast.staff["hua"].id),
        ("death_village", "staff", cast.staff["wu"].id),
    ]
    assert not any(task.state is TaskState.OPEN for task in tasks_of(home))


def test_whoever_was_met_after_their_death_was_told_is_put_before_the_village(session, clock, zheng, home, visit_by):
    monday = clock()
    clock.advance(days=2)
    visit_by("zhou", home)
    earlier = {"visited_at": monday, "phone_at": monday}
    effect = visit_by("zhou", home, VisitOutcome.DECEASED, resident_id=zheng.id, **earlier).effect
    assert (effect.kind, effect.state) == (EffectKind.DECEASED, EffectState.PROPOSED)
    assert zheng.ended_at is None


def test_a_whole_household_that_moved_waits_for_the_cadre(session, plan, home, tasks_of, visit_by):
    plan()
    effect = visit_by("zhou", home, VisitOutcome.MOVED).effect
    assert (effect.kind, effect.state) == (EffectKind.HOUSEHOLD_MOVED, EffectState.PROPOSED)
    assert home.ended_at is None
    assert tasks_of(home)[0].state is TaskState.OPEN


def test_a_house_of_which_nobody_is_known_loses_its_tasks_at_once(plan, lins_home, tasks_of, visit_by):
    plan()
    assert visit_by("zhou", lins_home, VisitOutcome.VACANT).effect.state is EffectState.DONE
    assert lins_home.kind is HouseholdKind.VACANT
    assert tasks_of(lins_home)[0].ended_by is TaskEnd.VACANT


def test_a_house_said_to_be_empty_in_which_somebody_lives_waits_for_the_cadre(session, plan, home, tasks_of, visit_by, cast):
    plan()
    assert visit_by("zhou", home, VisitOutcome.VACANT).effect.state is EffectState.PROPOSED
    assert home.kind is HouseholdKind.ORDINARY
    assert tasks_of(home)[0].state is TaskState.OPEN
    told = session.scalars(select(Notice.recipient_id).where(Notice.template == "effect_proposed"))
    assert list(told) == [cast.staff["wu"].id]


def test_whoever_is_met_in_a_house_said_to_be_empty_brings_its_visits_back(plan, clock, lins_home, tasks_of, visit_by):
    plan()
    effect = visit_by("zhou", lins_home, VisitOutcome.VACANT).effect
    clock.advance(days=2)
    visit_by("zhou", lins_home)
    assert (effect.state, lins_home.kind) == (EffectState.PROPOSED, HouseholdKind.ORDINARY)
    (task,) = tasks_of(lins_home)
    assert task.state is TaskState.DONE


@pytest.mark.parametrize("named", [True, False])
def test_a_death_and_a_later_meeting_mean_the_same_in_either_order(session, plan, clock, zheng, home, cast, visit_by, named):
    monday = clock()
    met = {"met_ids": (zheng.id,)} if named else {}
    effect = visit_by("zhou", home, VisitOutcome.DECEASED, resident_id=zheng.id).effect
    assert (effect.state, zheng.ended_by) == (EffectState.DONE, EndedBy.DECEASED)
    clock.advance(days=1)
    visit_by("zhou", home, visited_at=monday - timedelta(hours=1), phone_at=monday - timedelta(hours=1), met_ids=(zheng.id,))
    assert effect.state is EffectState.DONE  # who was met before the death died all the same
    logged = visit_by("zhou", home, **met)
    assert [each.resident_id for each in logged.visit.met] == [zheng.id]
    assert (effect.state, effect.done_at, zheng.ended_at) == (EffectState.PROPOSED, None, None)
    told = session.scalars(select(Notice.recipient_id).where(Notice.template == "effect_proposed"))
    assert list(told) == [cast.staff["wu"].id]
    waiting = session.scalars(select(Notice.state).where(Notice.template == "death_village"))
    assert set(waiting) == {NoticeState.DROPPED}


def test_what_the_village_has_decided_no_visit_undoes(clock, zheng, home, visit_by, as_staff):
    effect = visit_by("zhou", home, VisitOutcome.DECEASED, resident_id=zheng.id).effect
    effect.decided_at = clock()
    clock.advance(days=1)
    visit_by("zhou", home, met_ids=(zheng.id,))
    assert (effect.state, zheng.ended_by) == (EffectState.DONE, EndedBy.DECEASED)


def test_a_widow_visited_does_not_bring_her_husband_back(plan, clock, name_of, zheng, home, stamp, tasks_of, visit_by):
    name_of(zheng, "living_alone")
    plan()
    visit_by("zhou", home)
    widow = enrol_resident(stamp, Person(name="郑王氏"), grid_id=home.grid_id, household_id=home.id)
    effect = visit_by("zhou", home, VisitOutcome.DECEASED, resident_id=zheng.id, met_ids=(widow.id,)).effect
    clock.advance(days=1)
    logged = visit_by("zhou", home)
    assert [each.resident_id for each in logged.visit.met] == [widow.id]
    assert effect.state is EffectState.DONE


def covered_alike(home):
    asked = {"first": date(2026, 11, 1), "last": date(2026, 12, 31)}
    counted = counts_by_grid(date(2026, 11, 24), [home.grid_id], **asked)
    assert counted == recount(date(2026, 11, 24), [home.grid_id], **asked)
    return counted[home.grid_id]


def test_a_visit_that_was_there_before_its_task_does_it(session, plan, clock, name_of, zheng, home, tasks_of, visit_by):
    name_of(zheng, "living_alone")
    logged = visit_by("zhou", home)
    clock.advance(hours=1)
    plan()
    (task,) = tasks_of(home)
    assert (task.state, task.visit_id) == (TaskState.DONE, logged.visit.id)
    assert [clock.met_at is not None for clock in clocks(session, task)] == [True]
    assert covered_alike(home).visited == 1


def test_a_task_that_comes_back_counts_what_was_visited_meanwhile(plan, clock, name_of, zheng, home, tasks_of, visit_by):
    named = name_of(zheng, "living_alone")
    plan()
    named.ended_at = clock()
    plan()
    monthly = tasks_of(home)[0]
    assert monthly.state is TaskState.CANCELLED
    named.ended_at = None
    monthly.ended_at = clock() - timedelta(hours=1)  # it had ended before the visit was made
    visit_by("zhou", home)
    plan()
    assert tasks_of(home)[0].state is TaskState.DONE
    covered_alike(home)


def test_a_follow_up_delivered_after_the_visit_that_does_it_is_done(plan, clock, home, tasks_of, visit_by):
    monday = clock()
    clock.advance(days=2)
    later = visit_by("zhou", home)
    task = visit_by("zhou", home, visited_at=monday, phone_at=monday, follow_up_on=date(2026, 11, 27)).follow_up
    assert (task.state, task.visit_id) == (TaskState.DONE, later.visit.id)


def test_a_list_drawn_after_todays_visit_asks_for_no_second_one(session, stamp, clock, zheng, home, tasks_of, visit_by):
    visit_by("zhou", home)
    clock.advance(hours=1)
    wanted = [(zheng.id, home.id, home.grid_id)]
    assert make_proactive_tasks(stamp, wanted, source="list:1", note="主动服务", due_on=date(2026, 11, 30)) == 1
    assert [task.state for task in tasks_of(home)] == [TaskState.DONE]


def test_a_household_that_has_ended_gets_no_follow_up(session, clock, lins_home, tasks_of, visit_by):
    lins_home.ended_at = clock()
    session.flush()
    key = uuid4()
    for _ in range(2):
        assert visit_by("zhou", lins_home, key=key, follow_up_on=date(2026, 11, 27)).follow_up is None
    assert tasks_of(lins_home) == []


def test_a_person_told_by_name_is_the_one_who_lives_there(session, clock, home, zheng, visit_by):
    def people():
        return session.scalar(select(func.count()).select_from(Resident))

    before = people()
    for name in ("郑守田", " 郑 守田 "):
        logged = visit_by("zhou", home, person=Person(name=name))
        assert [each.resident_id for each in logged.visit.met] == [zheng.id]
    assert people() == before
    strangers = {visit_by("zhou", home, person=Person(name="过路人")).visit.resident_id for _ in range(2)}
    assert people() == before + 1
    (stranger,) = (session.get_one(Resident, each) for each in strangers)
    assert (stranger.household_id, stranger.grid_id) == (None, home.grid_id)


def test_a_campaigns_visits_may_be_made_up_for_a_month_and_then_are_missed(plan, clock, home, tasks_of, as_staff, cast):
    begin_campaign(as_staff("sun"), name="冬季遍访", unit=cast.units["云溪县"].code, due_on=date(2026, 11, 27))
    plan()
    clock.advance(days=34)
    plan()
    (task,) = (each for each in tasks_of(home) if each.why is TaskFor.CAMPAIGN)
    assert task.state is TaskState.OPEN
    clock.advance(days=1)
    plan()
    assert task.state is TaskState.MISSED


def test_a_follow_up_becomes_a_task_that_the_same_visit_does_not_do(plan, clock, home, tasks_of, visit_by):
    task = visit_by("zhou", home, follow_up_on=date(2026, 11, 27), follow_up_note="带药").follow_up
    assert (task.why, task.state, task.due_on, task.note) == (TaskFor.FOLLOW_UP, TaskState.OPEN, date(2026, 11, 27), "带药")
    clock.advance(days=2)
    assert task.id in visit_by("zhou", home, VisitOutcome.PHONE).done


def test_a_worker_is_told_of_all_late_visits_in_one_line(session, plan, clock, cast, stamp, name_of, as_system, gateway):
    grid = cast.grids["柳林村一网格"]
    for place in range(120):
        home = add_household(stamp.at, code=f"h-{place}", grid=grid, head_name="某人", place="某处")
        name_of(enrol_resident(stamp, Person(name="某人"), grid_id=grid.id, household_id=home.id), "living_alone")
    plan()
    clock.move_to(datetime(2026, 11, 30, 10, 0, tzinfo=UTC))
    swept = sweep(as_system)
    assert (swept.breaches, swept.set_aside) == (120, 0)
    assert sweep(as_system).clocks == 0
    clock.advance(hours=16)
    send_notices(as_system)
    said = {letter.recipient_id: words for letter, words in zip(gateway.sent, gateway.words(), strict=True)}
    assert len(gateway.sent) == 2
    assert said[cast.staff["zhou"].id] == "您有 1 条时限提醒：\n120 户的走访已到期（最早 11月30日 17:30），还没有完成，请尽快上门。"
    assert "柳林村有 120 户的走访已到期" in said[cast.staff["tong"].id]
    assert session.scalar(select(func.count()).select_from(VisitEffect)) == 0


def test_of_two_late_tasks_of_a_kind_the_older_counts_as_missed(plan, clock, name_of, zheng, home, tasks_of, as_system):
    name_of(zheng, "living_alone")
    plan()
    clock.move_to(datetime(2026, 12, 1, 2, 0, tzinfo=UTC))
    plan()
    assert [task.state for task in tasks_of(home)] == [TaskState.OPEN, TaskState.OPEN]
    clock.move_to(datetime(2027, 1, 1, 2, 0, tzinfo=UTC))
    assert plan().missed == 1
    assert [task.state for task in tasks_of(home)] == [TaskState.MISSED, TaskState.OPEN, TaskState.OPEN]
