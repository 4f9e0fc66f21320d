"""Keeps how visit tasks end: by visits, by what became of those they are about, or by a cadre's word."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, cast, func, or_, select
from sqlalchemy.orm import aliased, selectinload

from app.core.clock import CHINA
from app.core.database import db, lock_rows
from app.core.stamp import Stamp
from app.notices.outbox import drop_notices
from app.people.models import Resident
from app.territory.models import Grid, Household
from app.visits.clocks import cancel_clocks, lock_clocks, meet_clocks, start_clocks
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


def reopen_tasks(stamp: Stamp, which: Any) -> int:
    """Let tasks (a query of ids) that were cancelled run on with a fresh clock, those whose days are not over; give how many."""
    ids = list(db.session.scalars(which.where(VisitTask.state == TaskState.CANCELLED, VisitTask.due_on >= day_of(stamp.at))))
    tasks = lock_rows(VisitTask, ids) if ids else []
    for task in tasks:
        task.state, task.ended_at, task.ended_by, task.ended_why = TaskState.OPEN, None, None, None
        note_change(stamp, task)
    db.session.flush()
    for task in tasks:
        start_clocks(stamp.at, unit_of(task.grid_id), [(task.id, task.due_on)])
    settle_made(stamp, [task.id for task in tasks])
    return len(tasks)


def note_change(stamp: Stamp, task: VisitTask) -> None:
    """Count a change of a task."""
    task.version += 1
    task.updated_at = stamp.at


def settle_tasks(stamp: Stamp, visits: Sequence[Visit]) -> dict[int, list[int]]:
    """Let stored visits count for the tasks of their households, whose rows the caller holds; give the tasks that each did, by id.

    A visit counts for those that are open or unreached, for those that a later visit did, and for those that ended by themselves
    only after it: phones deliver visits in any order. The number of statements does not grow with the visits.
    """
    tasks = lock_rows(VisitTask, list(db.session.scalars(_counted_for(visits))))
    done: dict[int, list[int]] = {visit.id: [] for visit in visits}
    _settle_all(stamp, tasks)
    for task in tasks:
        if task.visit_id in done:
            done[task.visit_id].append(task.id)
    return done


def settle_made(stamp: Stamp, task_ids: Collection[int]) -> None:
    """Let visits that were there before them count for open tasks that have just been made, brought back or moved.

    The caller holds the tasks' households, or nobody else can have seen the tasks yet.
    """
    tasks = lock_rows(VisitTask, list(task_ids)) if task_ids else []
    _settle_all(stamp, [task for task in tasks if task.state is TaskState.OPEN])


def _settle_all(stamp: Stamp, tasks: Sequence[VisitTask]) -> None:
    """Work out from all visits where tasks stand that are held, and let their clocks and notices go by it."""
    if not tasks:
        return
    made = made_visits({task.household_id for task in tasks}, since=min(task.first_on for task in tasks))
    was_open = [task for task in tasks if task.state is TaskState.OPEN]
    for task in tasks:
        _settle(stamp, task, made[task.household_id])
    closed = [task for task in was_open if task.state is not TaskState.OPEN]
    if closed:
        times = {each.id: each.at for visits_there in made.values() for each in visits_there}
        meet_clocks({task.id: times[task.visit_id] for task in closed if task.visit_id is not None})
        cancel_clocks([task.id for task in closed if task.state is TaskState.UNREACHED], stamp.at)
        drop_notices(f"visit_task:{task.id}" for task in closed)
    db.session.flush()


def _counted_for(visits: Sequence[Visit]) -> Select[int]:
    """Give the query of the tasks for which some stored visits may count."""
    made, later = aliased(Visit), aliased(Visit)
    day = cast(func.timezone(str(CHINA), made.visited_at), Date)
    done_later = select(later.id).where(later.id == VisitTask.visit_id, later.visited_at >= made.visited_at)
    ended_later = and_(
        VisitTask.state == TaskState.CANCELLED, VisitTask.ended_by.not_in(BY_HAND), VisitTask.ended_at > made.visited_at
    )
    counted = or_(VisitTask.state.in_((TaskState.OPEN, TaskState.UNREACHED)), done_later.exists(), ended_later)
    query = select(VisitTask.id).join(made, made.household_id == VisitTask.household_id)
    return query.where(made.id.in_([visit.id for visit in visits]), VisitTask.first_on <= day, counted)


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


def made_visits(household_ids: Iterable[int], *, since: date) -> dict[int, list[Made]]:
    """Give the visits to each of some households from a day on, as tasks see them."""
    from_then = (Visit.household_id.in_(sorted(set(household_ids))), Visit.visited_at >= datetime.combine(since, time(), CHINA))
    query = select(Visit).where(*from_then).options(selectinload(Visit.met)).execution_options(populate_existing=True)
    made: dict[int, list[Made]] = defaultdict(list)
    for visit in db.session.scalars(query):
        met = frozenset(each.resident_id for each in visit.met)
        made[visit.household_id or 0].append(Made(visit.id, visit.visited_at, visit.outcome, visit.in_person, met))
    return made


def follow_moves(stamp: Stamp, which: ColumnElement[bool]) -> int:
    """Let those of some open tasks that are astray follow their resident to another household, their household to another grid.

    A household that a visit is being written for is left out: the next planning does it. Gives how many were moved.
    """
    home = Household.id == func.coalesce(Resident.household_id, VisitTask.household_id)
    query = select(VisitTask.id, Household.id.label("household_id"), Household.grid_id, Grid.unit_id).select_from(VisitTask)
    query = (
        query.outerjoin(Resident, Resident.id == VisitTask.resident_id)
        .join(Household, home)
        .join(Grid, Grid.id == Household.grid_id)
    )
    astray = (VisitTask.household_id != Household.id) | (VisitTask.grid_id != Household.grid_id)
    found = list(db.session.execute(query.where(which, VisitTask.state == TaskState.OPEN, astray)))
    if not found:
        return 0
    free = {household.id for household in lock_rows(Household, [row.household_id for row in found], skip_locked=True)}
    rows = {row.id: row for row in found if row.household_id in free}
    for task in lock_rows(VisitTask, list(rows)) if rows else []:
        if task.household_id != rows[task.id].household_id:  # nobody has come to the new home yet
            task.attempts, task.contacted_on = 0, None
        task.household_id, task.grid_id = rows[task.id].household_id, rows[task.id].grid_id
        note_change(stamp, task)
    for clock in lock_clocks(rows) if rows else []:
        clock.owner_unit_id = rows[clock.subject_id].unit_id
    db.session.flush()
    settle_made(stamp, rows)
    return len(rows)


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
    settle_made(stamp, [task.id])
    return task


def unit_of(grid_id: int) -> int:
    """Give the id of a grid's village."""
    return db.session.get_one(Grid, grid_id).unit_id
