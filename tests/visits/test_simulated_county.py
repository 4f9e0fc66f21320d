"""Ninety days of a county, drawn at random: visits, calls, closed doors, deaths, moves, populations, a round; late phones, repeats.

Whatever came of it, the coverage that is published equals a recount from the raw visits, and nothing speaks of the dead. Larger:
SIMULATED_HOUSEHOLDS=600 SIMULATED_VILLAGES=6.
"""

import os
import random
from collections import Counter
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.core.clock import CHINA
from app.core.database import transaction
from app.core.stamp import Actor, ActorKind, Door, Post, Role, Stamp
from app.figures.coverage import Covered, counts_by_grid, pooled
from app.figures.coverage_recount import recount
from app.ledger.clocks import Deadline
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Subject
from app.notices.models import Notice, NoticeState
from app.people.identity import Person, enrol_resident
from app.people.models import EndedBy, Resident
from app.people.roster.models import PopulationTag, ResidentTag
from app.territory.commands import add_household
from app.territory.models import Household, HouseholdKind
from app.visits.campaigns import begin_campaign
from app.visits.commands import log_visit
from app.visits.decisions import confirm_effect, refuse_effect
from app.visits.leaving import take_off
from app.visits.models import Campaign, EffectState, TaskState, VisitEffect, VisitOutcome, VisitTask
from app.visits.planning import plan_visits
from app.visits.rules import VisitLog

HOUSEHOLDS = int(os.environ.get("SIMULATED_HOUSEHOLDS", "60"))
VILLAGES = ("柳林村", "河湾村", "桥头社区", "石桥社区", "东岭村", "西岭村")[: int(os.environ.get("SIMULATED_VILLAGES", "3"))]
DAYS = 90
BEGIN = datetime(2026, 10, 1, 0, 30, tzinfo=UTC)
SPANS = [(date(2026, 10, 1), date(2026, 10, 31)), (date(2026, 11, 1), date(2026, 11, 30)), (date(2026, 12, 1), date(2026, 12, 31))]
SPANS += [(SPANS[0][0], SPANS[2][1]), (date(2026, 7, 1), date(2026, 12, 31))]

OUTCOMES = {
    VisitOutcome.MET: 50,
    VisitOutcome.PHONE: 16,
    VisitOutcome.NOBODY_HOME: 22,
    VisitOutcome.WORKING_AWAY: 6,
    VisitOutcome.REFUSED: 4,
    VisitOutcome.DECEASED: 2,
    VisitOutcome.MOVED: 2,
    VisitOutcome.VACANT: 1,
}


@dataclass
class County:
    """What the simulation remembers by itself: who is alive by its own doing, what phones still hold, what was delivered."""

    dice: random.Random
    grids: list[int]
    homes: list[int] = field(default_factory=list)
    held: list[tuple[int, VisitLog]] = field(default_factory=list)
    delivered: list[VisitLog] = field(default_factory=list)
    told: Counter = field(default_factory=Counter)


@pytest.fixture
def county(cast, clock, session) -> County:
    dice = random.Random(4)
    clock.move_to(BEGIN)
    grids = [grid for name, grid in cast.grids.items() if name.startswith(VILLAGES)]
    made = County(dice, [grid.id for grid in grids])
    tags = {tag.code: tag.id for tag in session.scalars(select(PopulationTag))}
    with transaction():
        for household in session.scalars(select(Household)):
            household.ended_at = clock()
        for place in range(HOUSEHOLDS):
            grid = grids[place % len(grids)]
            home = add_household(clock(), code=f"sim-{place}", grid=grid, head_name="某人", place="某处")
            home.kind = dice.choices((HouseholdKind.ORDINARY, HouseholdKind.FLOATING, HouseholdKind.VACANT), (80, 15, 5))[0]
            made.homes.append(home.id)
            for _ in range(dice.choice((0, 1, 2, 2, 3))):
                someone = enrol_resident(stamp_of(clock), Person(name="某人"), grid_id=grid.id, household_id=home.id)
                someone.birth_month = date(dice.randint(1935, 2020), dice.randint(1, 12), 1)
                if dice.random() < 0.15:
                    put_tag(session, someone.id, tags[dice.choice(("living_alone", "disabled", "low_income"))], clock())
    return made


def stamp_of(clock) -> Stamp:
    return Stamp(Actor(ActorKind.SYSTEM), Role.SYSTEM, clock(), Door.JOB)


def put_tag(session, resident_id, tag_id, at):
    known = (ResidentTag.resident_id == resident_id, ResidentTag.tag_id == tag_id, ResidentTag.ended_at.is_(None))
    if session.scalar(select(ResidentTag.id).where(*known)) is None:
        session.add(ResidentTag(resident_id=resident_id, tag_id=tag_id, source="民政局", since=at.date(), noted_at=at))
        session.flush()


@pytest.fixture
def worker(cast, county, clock):
    """A worker of every grid of the simulation, at the clock's time."""
    path = cast.units["云溪县"].path
    posts = (Post(Role.GRID_WORKER, cast.units["云溪县"].id, path), Post(Role.CADRE, cast.units["云溪县"].id, path))
    actor = Actor(ActorKind.STAFF, cast.staff["zhou"].id, posts, frozenset(county.grids))
    return lambda: Stamp(actor, Role.GRID_WORKER, clock(), Door.GRID)


def draw_visit(session, county: County, at: datetime) -> VisitLog:
    dice = county.dice
    due = list(session.scalars(select(VisitTask.household_id).where(VisitTask.state == TaskState.OPEN).order_by(VisitTask.id)))
    household_id = dice.choice(due) if due and dice.random() < 0.9 else dice.choice(county.homes)
    outcome = dice.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
    people = select(Resident.id).where(Resident.household_id == household_id, Resident.ended_at.is_(None)).order_by(Resident.id)
    living = list(session.scalars(people))
    more = {}
    if outcome is VisitOutcome.DECEASED or (outcome is VisitOutcome.MOVED and dice.random() < 0.7):
        if not living:
            outcome = VisitOutcome.NOBODY_HOME
        else:
            more["resident_id"] = dice.choice(living)
            others = [each for each in living if each != more["resident_id"]]
            more["met_ids"] = tuple(others[:1]) if dice.random() < 0.5 else ()
    elif outcome in (VisitOutcome.MET, VisitOutcome.PHONE) and living and dice.random() < 0.5:
        more["met_ids"] = tuple(dice.sample(living, dice.randint(1, len(living))))
    if dice.random() < 0.05:
        more["follow_up_on"] = at.astimezone(CHINA).date() + timedelta(days=dice.randint(1, 20))
    key = UUID(int=dice.getrandbits(128), version=4)
    return VisitLog(key=key, outcome=outcome, household_id=household_id, visited_at=at, phone_at=at, **more)


def deliver(county: County, worker, log: VisitLog) -> None:
    with transaction():
        logged = log_visit(worker(), log)
    county.delivered.append(log)
    county.told["replayed" if logged.replayed else log.outcome.value] += 1


def change_the_roster(session, county: County, worker, clock) -> None:
    dice = county.dice
    tags = {tag.code: tag.id for tag in session.scalars(select(PopulationTag))}
    alive = list(session.scalars(select(Resident.id).where(Resident.household_id.in_(county.homes), Resident.ended_at.is_(None))))
    with transaction():
        if dice.random() < 0.3:
            put_tag(session, dice.choice(alive), tags[dice.choice(("living_alone", "disabled", "orphan"))], clock())
        if dice.random() < 0.15:
            held = list(session.scalars(select(ResidentTag).where(ResidentTag.ended_at.is_(None)).order_by(ResidentTag.id)))
            dice.choice(held).ended_at = clock()
        if dice.random() < 0.1:
            someone = session.get(Resident, dice.choice(alive))
            target = session.get(Household, dice.choice(county.homes))
            if target.ended_at is None:
                someone.household_id, someone.grid_id = target.id, target.grid_id
        if dice.random() < 0.05:
            take_off(worker(), dice.choice(alive), why=EndedBy.DECEASED)
        for effect in session.scalars(select(VisitEffect.id).where(VisitEffect.state == EffectState.PROPOSED)).all():
            if dice.random() < 0.5:
                confirm_effect(worker(), effect)
            else:
                refuse_effect(worker(), effect, reason="还在村里")


def nothing_speaks_of_the_dead(session) -> None:
    gone = select(Resident.id).where(Resident.ended_at.is_not(None))
    open_tasks = select(VisitTask.id).where(VisitTask.state == TaskState.OPEN, VisitTask.resident_id.in_(gone))
    assert session.scalars(open_tasks).all() == []
    closed = select(VisitTask.id).where(VisitTask.state != TaskState.OPEN)
    running = select(Deadline.id).where(Deadline.subject == Subject.VISIT_TASK, Deadline.subject_id.in_(closed))
    assert session.scalars(running.where(Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))).all() == []
    cancelled = session.scalars(select(VisitTask.id).where(VisitTask.state == TaskState.CANCELLED)).all()
    about = [f"visit_task:{task_id}" for task_id in cancelled]
    waiting = select(func.count()).select_from(Notice).where(Notice.about.in_(about), Notice.state == NoticeState.PENDING)
    assert session.scalar(waiting) == 0


def same(counted: dict[int, Covered], again: dict[int, Covered]) -> None:
    assert {key: astuple(row) for key, row in counted.items()} == {key: astuple(row) for key, row in again.items()}


def test_the_coverage_of_ninety_days_equals_a_recount_from_raw_visits(session, cast, county, worker, clock, as_staff):
    units = [cast.units[name].id for name in VILLAGES]
    system = lambda: stamp_of(clock)  # noqa: E731
    dice = county.dice
    round_ = None
    for day in range(DAYS):
        clock.move_to(BEGIN + timedelta(days=day))
        if day == 20:
            with transaction():
                given = {"name": "冬季遍访", "unit": cast.units["云溪县"].code, "due_on": date(2026, 11, 20)}
                round_ = begin_campaign(as_staff("sun"), **given).id
        plan_visits(system, only=units)
        sweep(system)
        change_the_roster(session, county, worker, clock)
        for _ in range(max(2, HOUSEHOLDS // 25)):
            log = draw_visit(session, county, clock.advance(minutes=7))
            if dice.random() < 0.2:
                county.held.append((day + dice.randint(1, 6), log))
            else:
                deliver(county, worker, log)
        clock.move_to(BEGIN + timedelta(days=day, hours=11))
        late = [log for until, log in county.held if until <= day]
        county.held = [(until, log) for until, log in county.held if until > day]
        for log in dice.sample(late, len(late)):
            deliver(county, worker, log)
        if county.delivered and dice.random() < 0.3:
            deliver(county, worker, dice.choice(county.delivered))
        if day % 10 == 0:
            nothing_speaks_of_the_dead(session)
    clock.move_to(BEGIN + timedelta(days=DAYS + 1))
    plan_visits(system, only=units)
    nothing_speaks_of_the_dead(session)
    today = clock().astimezone(CHINA).date()
    spans = []
    for first, last in SPANS:
        counted = counts_by_grid(today, county.grids, first=first, last=last)
        same(counted, recount(today, county.grids, first=first, last=last))
        whole = pooled(counted.values())
        spans.append(whole)
        assert whole.due == whole.visited + whole.late + whole.phoned + whole.tried + whole.untouched
    campaign = session.get(Campaign, round_)
    asked = {"first": campaign.starts_on, "last": campaign.due_on, "campaign": campaign.id}
    counted = counts_by_grid(today, county.grids, **asked)
    same(counted, recount(today, county.grids, **asked))
    # Every way was gone, or the agreement would say little.
    assert pooled(counted.values()).due > HOUSEHOLDS // 2
    assert all(getattr(pooled(spans), each.name) > 0 for each in fields(Covered) if each.name != "untouched"), spans
    assert county.told["replayed"] > 5
    if HOUSEHOLDS > 100:  # a small county need not meet with everything in ninety days
        assert all(county.told[outcome.value] for outcome in OUTCOMES), county.told
        states = set(session.scalars(select(VisitTask.state).distinct()))
        assert states == set(TaskState), states


def test_a_recount_finds_what_a_task_wrongly_says(session, cast, county, worker, clock):
    """The recount could differ: a task said to be done by nobody's visit is found."""
    units = [cast.units[name].id for name in VILLAGES]
    plan_visits(lambda: stamp_of(clock), only=units)
    deliver(county, worker, replace(draw_visit(session, county, clock()), outcome=VisitOutcome.MET, resident_id=None, met_ids=()))
    task = session.scalars(select(VisitTask).where(VisitTask.state == TaskState.DONE)).first()
    today = clock().astimezone(CHINA).date()
    asked = {"first": task.due_on, "last": task.due_on}
    same(counts_by_grid(today, county.grids, **asked), recount(today, county.grids, **asked))
    task.visit_id = None
    session.flush()
    assert counts_by_grid(today, county.grids, **asked) != recount(today, county.grids, **asked)
