"""Keeps what was visited in a period, by grid: logs by outcome, households, needs and what became of them, and tasks."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select

from app.core.clock import CHINA
from app.core.database import db
from app.figures.periods import Period
from app.territory.models import Grid, Unit
from app.visits.models import TaskState, Visit, VisitNeed, VisitOutcome, VisitTask


@dataclass(frozen=True)
class Visited:
    """Counts of visits: by outcome, households visited (each once a grid), needs heard, answered on the spot, become cases.

    `met` are the visits at which somebody of the household was met. `due` counts the tasks whose last day lies in the period,
    `done` those of them that a visit did, `missed` those that no visit did before their last day was over.
    """

    outcomes: dict[VisitOutcome, int] = field(default_factory=dict)
    met: int = 0
    households: int = 0
    needs: int = 0
    answered: int = 0
    due: int = 0
    done: int = 0
    missed: int = 0

    @property
    def visits(self) -> int:
        """All visits, however they went."""
        return sum(self.outcomes.values())

    @property
    def by_phone(self) -> int:
        """Talks by telephone."""
        return self.outcomes.get(VisitOutcome.PHONE, 0)

    @property
    def passed_on(self) -> int:
        """Needs that were not answered on the spot, and became cases."""
        return self.needs - self.answered


def pooled(counted: Iterable[Visited]) -> Visited:
    """Give several counts together."""
    outcomes: Counter[VisitOutcome] = Counter()
    numbers: Counter[str] = Counter()
    for one in counted:
        outcomes.update(one.outcomes)
        numbers.update({name: getattr(one, name) for name in _NUMBERS})
    return Visited(dict(outcomes), **{name: numbers[name] for name in _NUMBERS})


_NUMBERS = ("met", "households", "needs", "answered", "due", "done", "missed")


def visited_by_grid(path: str, period: Period, *, at: datetime) -> dict[int, Visited]:
    """Count by grid what was visited in a period below the unit of a path, in four statements; a task is missed as of `at`."""
    below = Unit.path.startswith(path)
    inside = (Visit.visited_at >= period.since, Visit.visited_at < period.until, below)
    found: dict[int, dict[str, Any]] = {}

    def into(grid_id: int) -> dict[str, Any]:
        return found.setdefault(grid_id, {"outcomes": {}})

    visits = select(Visit.grid_id, Visit.outcome, func.count()).join(Grid, Grid.id == Visit.grid_id)
    visits = visits.join(Unit, Unit.id == Grid.unit_id).where(*inside).group_by(Visit.grid_id, Visit.outcome)
    for grid_id, outcome, number in db.session.execute(visits):
        into(grid_id)["outcomes"][outcome] = number
    homes = select(Visit.grid_id, func.count(), func.count(Visit.household_id.distinct())).join(Grid, Grid.id == Visit.grid_id)
    homes = homes.join(Unit, Unit.id == Grid.unit_id).where(*inside, Visit.in_person).group_by(Visit.grid_id)
    for grid_id, met, number in db.session.execute(homes):
        into(grid_id).update(met=met, households=number)
    needs = (
        select(Visit.grid_id, func.count(), _sum(VisitNeed.answered.expression))
        .join(VisitNeed)
        .join(Grid, Grid.id == Visit.grid_id)
    )
    needs = needs.join(Unit, Unit.id == Grid.unit_id).where(*inside).group_by(Visit.grid_id)
    for grid_id, number, answered in db.session.execute(needs):
        into(grid_id).update(needs=number, answered=answered)
    first, last = _days(period)
    today = at.astimezone(CHINA).date()
    done = VisitTask.state == TaskState.DONE
    tasks = select(VisitTask.grid_id, func.count(), _sum(done), _sum(~done & (VisitTask.due_on < today)))
    tasks = (
        tasks.join(Grid, Grid.id == VisitTask.grid_id)
        .join(Unit, Unit.id == Grid.unit_id)
        .where(below, VisitTask.due_on >= first, VisitTask.due_on <= last, VisitTask.state != TaskState.CANCELLED)
    )
    for grid_id, due, finished, missed in db.session.execute(tasks.group_by(VisitTask.grid_id)):
        into(grid_id).update(due=due, done=finished, missed=missed)
    return {grid_id: Visited(**numbers) for grid_id, numbers in found.items()}


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, literal(1)), else_=literal(0))), 0)


def _days(period: Period) -> tuple[date, date]:
    """Give the first and the last day of a period, which begins and ends at midnight in China."""
    last = period.until.astimezone(CHINA).date()
    return period.since.astimezone(CHINA).date(), date.fromordinal(last.toordinal() - 1)
