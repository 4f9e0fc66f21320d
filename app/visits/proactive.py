"""Keeps the visit tasks that are made for people on a list (主动服务): once each, whoever makes them and however often."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy.dialects.postgresql import insert

from app.core.bulk import insert_many
from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.ledger.clocks import Deadline
from app.ledger.deadlines import ClockFor, clock_row
from app.ledger.vocabulary import Clock, Kind, Subject, Urgency, label
from app.territory.calendar.queries import load_calendar
from app.territory.models import Grid
from app.visits.models import TaskFor, VisitTask


class DueOnPast(Invalid):
    """完成日期不能早于今天"""


def make_proactive_tasks(stamp: Stamp, homes: Iterable[tuple[int, int, int]], *, source: str, note: str, due_on: date) -> int:
    """Make a task for each (resident, household, grid), due on a day; give how many are new. `source` names what they come of.

    Raises DueOnPast.
    """
    today = stamp.at.astimezone(CHINA).date()
    if due_on < today:
        raise DueOnPast(errors={"due_on": ["完成日期不能早于今天"]})
    rows = [
        {
            "key": f"proactive:{source}:{resident_id}", "grid_id": grid_id, "household_id": household_id,
            "resident_id": resident_id, "why": TaskFor.PROACTIVE, "note": note, "first_on": today, "due_on": due_on,
            "created_at": stamp.at, "updated_at": stamp.at,
        }
        for resident_id, household_id, grid_id in homes
    ]  # fmt: skip
    if not rows:
        return 0
    fresh = insert(VisitTask).on_conflict_do_nothing(index_elements=["key"]).returning(VisitTask.id, VisitTask.grid_id)
    made = db.session.execute(fresh, rows).all()
    _start(stamp, [(row.id, row.grid_id) for row in made], due_on)
    return len(made)


def _start(stamp: Stamp, tasks: Sequence[tuple[int, int]], due_on: date) -> None:
    """Start the clocks of tasks, in one statement; due when their village closes on the day."""
    shapes: dict[int, dict[str, object]] = {}
    clocks = []
    for task_id, grid_id in tasks:
        if grid_id not in shapes:
            unit_id = db.session.get_one(Grid, grid_id).unit_id
            wanted = ClockFor(
                Clock.VISIT, Subject.VISIT_TASK, Kind.OTHER, Urgency.NORMAL, None, label(Clock.VISIT), unit_id,
                due=load_calendar(unit_id).last_close(due_on),
            )  # fmt: skip
            shapes[grid_id] = clock_row(wanted, stamp.at)
        clocks.append(shapes[grid_id] | {"subject_id": task_id, "level": 0})
    insert_many(Deadline, clocks)
