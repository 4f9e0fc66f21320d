"""Keeps the visit tasks that are made for people on a list (主动服务): once each, whoever makes them and however often."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy.dialects.postgresql import insert

from app.core.clock import CHINA
from app.core.database import db, lock_rows
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.territory.models import Household
from app.visits.clocks import start_clocks
from app.visits.models import TaskFor, VisitTask
from app.visits.tasks import settle_made, unit_of


class DueOnPast(Invalid):
    """完成日期不能早于今天"""


def make_proactive_tasks(stamp: Stamp, homes: Iterable[tuple[int, int, int]], *, source: str, note: str, due_on: date) -> int:
    """Make a task for each (resident, household, grid), due on a day; give how many are new. `source` names what they come of.

    Who was visited today already has been visited.

    Raises DueOnPast.
    """
    today = stamp.at.astimezone(CHINA).date()
    if due_on < today:
        raise DueOnPast(errors={"due_on": ["完成日期不能早于今天"]})
    homes = list(homes)
    rows = [
        {
            "key": f"proactive:{source}:{resident_id}", "grid_id": grid_id, "household_id": household_id,
            "resident_id": resident_id, "why": TaskFor.PROACTIVE, "note": note, "in_person": True, "first_on": today,
            "due_on": due_on, "created_at": stamp.at, "updated_at": stamp.at,
        }
        for resident_id, household_id, grid_id in homes
    ]  # fmt: skip
    if not rows:
        return 0
    lock_rows(Household, sorted({household_id for _, household_id, _ in homes}))
    fresh = insert(VisitTask).on_conflict_do_nothing(index_elements=["key"]).returning(VisitTask.id, VisitTask.grid_id)
    made = db.session.execute(fresh, rows).all()
    villages: dict[int, list[tuple[int, date]]] = {}
    for row in made:
        villages.setdefault(unit_of(row.grid_id), []).append((row.id, due_on))
    for unit_id, tasks in villages.items():
        start_clocks(stamp.at, unit_id, tasks)
    settle_made(stamp, [row.id for row in made])
    return len(made)
