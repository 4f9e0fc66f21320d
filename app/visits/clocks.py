"""Keeps the clocks of visit tasks: their rows in bulk, and what the sweep must know of them: whom to tell, what is still wanted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from app.core.bulk import insert_many
from app.core.clock import CHINA
from app.core.database import db
from app.core.stamp import Role, Stamp
from app.ledger.clocks import Deadline
from app.ledger.county import county, next_digest
from app.ledger.deadlines import ClockFor, cancel, clock_row, is_open, meet
from app.ledger.labels import label
from app.ledger.subjects import Reached, SubjectKind, declare_subject
from app.ledger.vocabulary import Audience, Clock, Kind, Subject, Urgency
from app.notices.models import Recipient
from app.notices.outbox import notice_row
from app.people.duty.absences import away
from app.people.models import Resident, Staff, StaffGrid
from app.people.staff import posts_held
from app.territory.calendar.queries import load_calendar
from app.territory.models import Grid, Household, HouseholdKind, Unit
from app.visits.models import TaskState, VisitTask


def start_clocks(at: datetime, unit_id: int, tasks: Iterable[tuple[int, date]]) -> None:
    """Start the clocks of tasks (id, last day) of a village, in one statement; due at its close of business on that day."""
    shapes: dict[date, dict[str, Any]] = {}
    rows = []
    for task_id, due_on in tasks:
        if due_on not in shapes:
            shapes[due_on] = clock_row(_wanted(unit_id, due_on), at)
        rows.append(shapes[due_on] | {"subject_id": task_id, "level": 0})
    insert_many(Deadline, rows)


def _wanted(unit_id: int, due_on: date) -> ClockFor:
    return ClockFor(
        clock=Clock.VISIT,
        subject=Subject.VISIT_TASK,
        kind=Kind.OTHER,
        urgency=Urgency.NORMAL,
        category_id=None,
        label=label(Clock.VISIT),
        owner_unit_id=unit_id,
        due=load_calendar(unit_id).last_close(due_on),
    )


def lock_clocks(task_ids: Iterable[int]) -> list[Deadline]:
    """Lock the open clocks of tasks whose rows the caller holds, in id order."""
    of_them = (Deadline.subject == Subject.VISIT_TASK, Deadline.subject_id.in_(sorted(set(task_ids))))
    query = select(Deadline).where(*of_them, Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None)).order_by(Deadline.id)
    return list(db.session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def meet_clocks(done: Mapping[int, datetime]) -> None:
    """Stop the clocks of tasks that were done, each at its moment."""
    for clock in lock_clocks(done) if done else ():
        meet(clock, done[clock.subject_id])


def cancel_clocks(task_ids: Iterable[int], at: datetime) -> None:
    """End the clocks of tasks that are not wanted any more."""
    ids = list(task_ids)
    for clock in lock_clocks(ids) if ids else ():
        if is_open(clock):
            cancel(clock, at)


_Lived = aliased(Resident)


def still_wanted() -> Any:
    """Give the condition that a task may be shown and spoken of; to be asked with its household and resident joined outer.

    Its household is lived in, its resident is on the roster, and where residents of the household are known, somebody is left.
    """
    known = select(_Lived.id).where(_Lived.household_id == Household.id)
    left = or_(known.where(_Lived.ended_at.is_(None)).exists(), ~known.exists())
    lived_in = and_(Household.ended_at.is_(None), Household.kind != HouseholdKind.VACANT, left)
    return and_(VisitTask.state == TaskState.OPEN, lived_in, or_(VisitTask.resident_id.is_(None), Resident.ended_at.is_(None)))


def in_place() -> Any:
    """Give the condition that a task lies where its household and resident live; to be asked with both joined outer.

    Whoever has moved is nothing to their old grid any more, from that moment on.
    """
    same = Household.grid_id == VisitTask.grid_id
    return and_(same, or_(VisitTask.resident_id.is_(None), Resident.grid_id == VisitTask.grid_id))


def _wanted_of(rows: Sequence[VisitTask]) -> set[int]:
    query = select(VisitTask.id).join(Household, Household.id == VisitTask.household_id)
    query = query.outerjoin(Resident, Resident.id == VisitTask.resident_id)
    return set(db.session.scalars(query.where(VisitTask.id.in_([row.id for row in rows]), still_wanted())))


def _notices(stamp: Stamp, reached: Sequence[Reached]) -> list[dict[str, Any]]:
    told = Told.of({each.row.grid_id for each in reached})
    digest_at = next_digest(stamp.at, county().digest_times)
    rows = []
    for each in reached:
        task, clock = each.row, each.clock
        params = {"household": task.household_id, "count": 1, "due": _moment(clock.due_at)}
        seen: set[int] = set()
        for audience in each.step.tell:
            own = audience is Audience.OWNER
            template = ("breach_visit" if own else "breach_visit_unit") if each.late else "warn_visit"
            said = params if own else params | {"unit": told.unit_names[task.grid_id]}
            for staff_id in told.staff(task.grid_id, audience):
                if staff_id not in seen:
                    seen.add(staff_id)
                    rows.append(
                        notice_row(
                            f"visit_task:{task.id}:{clock.id}:{each.step.level}",
                            to=(Recipient.STAFF, staff_id),
                            template=template,
                            params=said if template != "warn_visit" else params,
                            case_id=None,
                            at=stamp.at,
                            digest_at=digest_at,
                            about=f"visit_task:{task.id}",
                        )
                    )
    return rows


def _moment(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%m月%d日 %H:%M")


class Told:
    """Whom the tasks of some grids are told to: looked up once for all of them."""

    def __init__(self, workers: dict[int, list[int]], paths: dict[int, str], unit_names: dict[int, str]) -> None:
        """Hold the workers, the village's path and the village's name of each grid."""
        self.workers = workers
        self.paths = paths
        self.unit_names = unit_names

    @classmethod
    def of(cls, grid_ids: Iterable[int]) -> "Told":
        """Look up who works in some grids, and the villages of these."""
        ids = sorted(set(grid_ids))
        active = func.array_agg(StaffGrid.staff_id).filter(Staff.active)
        query = select(Grid.id, Unit.path, Unit.name, active.label("workers")).join(Unit, Unit.id == Grid.unit_id)
        query = query.outerjoin(StaffGrid, StaffGrid.grid_id == Grid.id).outerjoin(Staff, Staff.id == StaffGrid.staff_id)
        rows = db.session.execute(query.where(Grid.id.in_(ids)).group_by(Grid.id, Unit.path, Unit.name)).all()
        workers = {row.id: sorted(row.workers or ()) for row in rows}
        return cls(workers, {row.id: row.path for row in rows}, {row.id: row.name for row in rows})

    def staff(self, grid_id: int, audience: Audience) -> list[int]:
        """Give who an audience is for a grid: its workers, else the village's cadre; the village's head, else the one above."""
        held, path = posts_held(), self.paths[grid_id]
        ids = [int(each) for each in path.strip("/").split("/")]
        village, above = ids[-1], ids[-2] if len(ids) > 1 else ids[-1]
        steps: list[list[int]] = []
        if audience is Audience.OWNER:
            steps = [self.workers.get(grid_id, []), held.at(village, Role.CADRE), held.at(above, Role.UNIT_HEAD)]
        elif audience is Audience.UNIT_HEAD:
            steps = [held.at(village, Role.UNIT_HEAD), held.at(above, Role.UNIT_HEAD), held.at(village, Role.CADRE)]
        elif audience is Audience.SUPERVISORS:
            steps = [held.over(path, Role.SUPERVISOR)]
        return next((free for step in steps if (free := at_work(step))), [])


def at_work(staff: Iterable[int]) -> list[int]:
    """Give those of some staff who are at work; where none is, the stand-ins of those who are away."""
    asked, gone = list(staff), away()
    if here := [each for each in asked if each not in gone]:
        return here
    stand_ins = (gone.get(each) for each in asked)
    return sorted({each for each in stand_ins if each is not None and each not in gone})


declare_subject(Subject.VISIT_TASK, SubjectKind(VisitTask, _wanted_of, _notices))
