"""What tests of visits stand on: who is named of a population, and a planner of the cast's own village."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.stamp import Door
from app.people.roster.models import PopulationTag, ResidentTag
from app.visits.commands import log_visit
from app.visits.models import VisitOutcome, VisitTask
from app.visits.planning import plan_visits
from app.visits.rules import VisitLog


@pytest.fixture
def name_of(session, clock):
    """Names a resident of a population."""

    def name(resident, code: str, **more):
        tag = session.scalars(select(PopulationTag).where(PopulationTag.code == code)).one()
        day = clock().date()
        given = {"resident_id": resident.id, "tag_id": tag.id, "source": "民政局", "since": day, "noted_at": clock()}
        named = ResidentTag(**given | more)
        session.add(named)
        session.flush()
        return named

    return name


@pytest.fixture
def plan(as_system):
    """Plans every village."""
    return lambda: plan_visits(as_system)


@pytest.fixture
def tasks_of(session):
    """Gives the tasks of a household, oldest first."""

    def of(household):
        query = select(VisitTask).where(VisitTask.household_id == household.id).order_by(VisitTask.id)
        return list(session.scalars(query.execution_options(populate_existing=True)))

    return of


@pytest.fixture
def visit_by(as_staff, clock):
    """Lets a grid worker log a visit."""

    def log(login: str, household, outcome: VisitOutcome = VisitOutcome.MET, **more):
        given = {"key": uuid4(), "outcome": outcome, "household_id": household.id, "visited_at": clock(), "phone_at": clock()}
        return log_visit(as_staff(login, Door.GRID), VisitLog(**given | more))

    return log
