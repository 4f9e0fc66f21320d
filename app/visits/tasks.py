"""Keeps how visit tasks end: by visits, by what became of those they are about, or by a cadre's word."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import selectinload

from app.core.clock import CHINA
from app.core.database import db, lock_rows
from app.core.stamp import Stamp
from app.notices.outbox import drop_notices
from app.people.models import Resident
from app.territory.models import Grid
from app.visits.clocks import cancel_clocks, meet_clocks, start_clocks
from app.visits.models import TaskEnd, TaskFor, TaskState, Visit, VisitTask
from app.visits.periods import day_of
from app.visits.standing import TRIES, Made, stand

BY_HAND = frozenset({TaskEnd.BY_HAND, TaskEnd.CAMPAIGN_ENDED})
"""Ends that somebody decided; after any other a task comes back with its cause."""


def stop_tasks(stamp: Stamp, *, resident_ids: Iterable[int] = (), household_ids: Iterable[int] = (), why: TaskEnd) -> int:
    """Cancel the open tasks about some residents, or some households whole, with their clocks; drop what waits to be told of them.

    A household of whose residents nobody is left has no tasks any more. The caller has ended the residents or households in the
    same transaction. Gives how many were cancelled.
    """
    residents, households = sorted(set(resident_ids)), sorted(set(household_ids))
    return cancel_tasks(stamp, select(VisitTask.id).where(_about(residents, households)), why=why)


def _about(residents: Sequence[int], households: Sequence[int]) -> ColumnElement[bool]:
    homes = select(Resident.household_id).where(Resident.id.in_(residents), Resident.household_id.is_not(None))
    living = select(Resident.id).where(Resident.household_id == VisitTask.household_id, Resident.ended_at.is_(None))
    emptied = and_(VisitTask.household_id.in_(homes), ~living.exists())
    return or_(VisitTask.resident_id.in_(residents), VisitTask.household_id.in_(households), emptied)


def cancel_tasks(stamp: Stamp, which: Any, *, why: TaskEnd, words: str | None = None) -> int:
    """Cancel those of some tasks (a query of ids) that are open; their clocks end, and what waits to be told of them is dropped."""
    ids = list(db.session.scalars(which.where(VisitTask.state == TaskState.OPEN)))
    tasks = [task for task in lock_rows(VisitTask, ids) if task.state is TaskState.OPEN]
    if not tasks:
        return 0
    for task in tasks:
        task.state, task.ended_at, task.ended_by, task.ended_why = TaskState.CANCELLED, stamp.at, why, words
        note_change(stamp, task)
    ended = [task.id for task in tasks]
    cancel_clocks(ended, stamp.at)
    drop_notices(f"visit_task:{task_id}" for task_id in ended)
    db.session.flush()
    return len(tasks)


def note_change(stamp: Stamp, task: VisitTask) -> None:
    """Count a change of a task."""
    task.version += 1
    task.updated_at = stamp.at


def settle_tasks(stamp: Stamp, visit: Visit) -> list[VisitTask]:
    """Let a stored visit count for the tasks of its household, whose row the caller holds; give the tasks that it did.

    It counts for those that are open or unreached, for those that a later visit did, and for those that ended by themselves only
    after it: phones deliver visits in any order.
    """
    day = day_of(visit.visited_at)
    later = select(Visit.id).where(Visit.id == VisitTask.visit_id, Visit.visited_at >= visit.visited_at)
    ended_later = and_(
        VisitTask.state == TaskState.CANCELLED, VisitTask.ended_by.not_in(BY_HAND), VisitTask.ended_at > visit.visited_at
    )
    counted = or_(VisitTask.state.in_((TaskState.OPEN, TaskState.UNREACHED)), later.exists(), ended_later)
    query = select(VisitTask.id).where(VisitTask.household_id == visit.household_id, VisitTask.first_on <= day, counted)
    tasks = lock_rows(VisitTask, list(db.session.scalars(query)))
    if not tasks:
        return []
    made = made_visits(visit.household_id or 0, since=min(task.first_on for task in tasks))
    was_open = {task.id for task in tasks if task.state is TaskState.OPEN}
    for task in tasks:
        _settle(stamp, task, made)
    closed = [task.id for task in tasks if task.id in was_open and task.state is not TaskState.OPEN]
    if closed:
        meet_clocks([task.id for task in tasks if task.id in closed and task.state is TaskState.DONE], visit.visited_at)
        cancel_clocks([task.id for task in tasks if task.id in closed and task.state is TaskState.UNREACHED], stamp.at)
        drop_notices(f"visit_task:{task_id}" for task_id in closed)
    return [task for task in tasks if task.visit_id == visit.id]


def _settle(stamp: Stamp, task: VisitTask, made: Sequence[Made]) -> None:
    standing = stand(made, first_on=task.first_on, resident_id=task.resident_id, in_person=task.in_person)
    before = (task.visit_id, task.attempts, task.contacted_on)
    if before == (standing.visit_id, standing.attempts, standing.contacted_on):
        return
    cancelled = task.state is TaskState.CANCELLED
    task.visit_id, task.attempts, task.contacted_on = standing.visit_id, standing.attempts, standing.contacted_on
    if standing.visit_id is not None:
        task.state, task.ended_by, task.ended_why = TaskState.DONE, None, None
        task.ended_at = stamp.at
    elif not cancelled and standing.attempts >= TRIES:
        task.state, task.ended_at = TaskState.UNREACHED, stamp.at
    note_change(stamp, task)


def made_visits(household_id: int, *, since: date) -> list[Made]:
    """Give the visits to a household from a day on, as tasks see them."""
    from_then = (Visit.household_id == household_id, Visit.visited_at >= datetime.combine(since, time(), CHINA))
    query = select(Visit).where(*from_then).options(selectinload(Visit.met)).execution_options(populate_existing=True)
    return [
        Made(visit.id, visit.visited_at, visit.outcome, visit.in_person, frozenset(met.resident_id for met in visit.met))
        for visit in db.session.scalars(query)
    ]


def make_follow_up(stamp: Stamp, visit: Visit, *, on: date, note: str | None, resident_id: int | None) -> VisitTask:
    """Make the task of a second visit that was agreed at a visit, due on a day after it."""
    task = VisitTask(
        key=f"follow_up:{visit.key}",
        grid_id=visit.grid_id,
        household_id=visit.household_id,
        resident_id=resident_id,
        why=TaskFor.FOLLOW_UP,
        note=note,
        in_person=False,
        first_on=day_of(visit.visited_at) + timedelta(days=1),
        due_on=on,
        created_at=stamp.at,
        updated_at=stamp.at,
    )
    db.session.add(task)
    db.session.flush()
    start_clocks(stamp.at, unit_of(visit.grid_id), [(task.id, on)])
    return task


def unit_of(grid_id: int) -> int:
    """Give the id of a grid's village."""
    return db.session.get_one(Grid, grid_id).unit_id
