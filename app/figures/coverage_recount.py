"""Keeps the proof of the coverage: counted again in Python, household by household, from the raw visits and who was met at them.

Of the tasks only who was due is taken, and when; what was done for them is judged here anew, not read from their states.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from app.core.database import db
from app.figures.coverage import Covered
from app.visits.models import TaskFor, TaskState, Visit, VisitMet, VisitOutcome, VisitTask

_EIGHT_HOURS = timedelta(hours=8)


@dataclass(frozen=True)
class Raw:
    """A visit in plain values; `day` is the one in China."""

    at: datetime
    id: int
    day: date
    received_at: datetime
    outcome: str
    named: frozenset[int]


@dataclass(frozen=True)
class Judged:
    """What a recount found of one task: when it was met in person, and whether telephoned or tried."""

    seen_on: date | None
    phoned: bool
    tried: bool
    served: bool


def recount(today: date, grid_ids: Iterable[int], *, first: date, last: date, campaign: int | None = None) -> dict[int, Covered]:
    """Count each grid from the raw visits; must equal `coverage.counts_by_grid`."""
    wanted = select(VisitTask).where(VisitTask.grid_id.in_(list(grid_ids)), VisitTask.state != TaskState.CANCELLED)
    tasks = [
        task
        for task in db.session.scalars(wanted)
        if (task.campaign_id == campaign if campaign is not None else first <= task.due_on <= last)
    ]
    visits = raw_visits({task.household_id for task in tasks})
    judged = [(task, judge(task, visits.get(task.household_id, []))) for task in tasks]
    found: dict[int, dict[str, int]] = {}
    homes: dict[tuple[int, int], list[tuple[VisitTask, Judged]]] = {}
    people: dict[tuple[int, int], bool] = {}
    for task, result in judged:
        homes.setdefault((task.grid_id, task.household_id), []).append((task, result))
        if task.why is TaskFor.RULE and task.resident_id is not None:
            person = (task.grid_id, task.resident_id)
            people[person] = people.get(person, False) or (result.seen_on is not None and result.seen_on <= task.due_on)
    for (grid_id, _), pairs in homes.items():
        counts = found.setdefault(grid_id, {})
        for name in ("due", _standing(pairs), *(["overdue"] if _overdue(pairs, today) else [])):
            counts[name] = counts.get(name, 0) + 1
    for (grid_id, _), seen in people.items():
        counts = found[grid_id]
        counts["people_due"] = counts.get("people_due", 0) + 1
        counts["people_visited"] = counts.get("people_visited", 0) + seen
    return {grid_id: Covered(**counts) for grid_id, counts in found.items()}


def _standing(pairs: list[tuple[VisitTask, Judged]]) -> str:
    if any(result.seen_on is not None and result.seen_on <= task.due_on for task, result in pairs):
        return "visited"
    if any(result.seen_on is not None for _, result in pairs):
        return "late"
    if any(result.phoned for _, result in pairs):
        return "phoned"
    return "tried" if any(result.tried for _, result in pairs) else "untouched"


def _overdue(pairs: list[tuple[VisitTask, Judged]], today: date) -> bool:
    return any(task.due_on < today and not result.served for task, result in pairs)


def judge(task: VisitTask, visits: list[Raw]) -> Judged:
    """Read the visits to a task's household in order, until one does what the task asks for."""
    phoned = tried = False
    for visit in visits:
        if visit.day < task.first_on or (task.state is TaskState.MISSED and task.ended_at and visit.received_at > task.ended_at):
            continue
        concerned = task.resident_id is None or task.resident_id in visit.named
        if concerned and (visit.outcome == "met" or (visit.outcome in ("deceased", "moved") and visit.named)):
            return Judged(visit.day, phoned, tried, served=True)
        if concerned and visit.outcome == "phone":
            phoned = True
            if not task.in_person:
                return Judged(None, phoned, tried, served=True)
        tried = tried or visit.outcome in ("nobody_home", "working_away", "refused")
    return Judged(None, phoned, tried, served=False)


def raw_visits(household_ids: Iterable[int]) -> dict[int, list[Raw]]:
    """Give the visits to some households, in the order in which they were made."""
    ids = sorted(set(household_ids))
    rows = db.session.execute(
        select(Visit.id, Visit.household_id, Visit.visited_at, Visit.received_at, Visit.outcome).where(Visit.household_id.in_(ids))
    ).all()
    named: dict[int, set[int]] = {}
    at_these = select(Visit.id).where(Visit.household_id.in_(ids))
    met = select(VisitMet.visit_id, VisitMet.resident_id).where(VisitMet.visit_id.in_(at_these))
    for visit_id, resident_id in db.session.execute(met):
        named.setdefault(visit_id, set()).add(resident_id)
    found: dict[int, list[Raw]] = {}
    for row in sorted(rows, key=lambda row: (row.visited_at, row.id)):
        day = (row.visited_at + _EIGHT_HOURS).date()
        outcome = VisitOutcome(row.outcome).value
        raw = Raw(row.visited_at, row.id, day, row.received_at, outcome, frozenset(named.get(row.id, ())))
        found.setdefault(row.household_id, []).append(raw)
    return found
