"""Keeps the lists of visits that are to be made: one line a household with every reason, for workers and cadres; what is late."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Text, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.catalogue import catalogue
from app.people.identity import masked, open_person
from app.people.models import Resident
from app.people.roster.scope import in_reach
from app.people.roster.tags import belonging, populations, tags_of
from app.territory.models import Grid, Household, Unit
from app.visits.clocks import in_place, still_wanted
from app.visits.decisions import find_task, head_of
from app.visits.models import Campaign, TaskFor, TaskState, VisitTask
from app.visits.periods import day_of
from app.visits.reach import AT_THE_DESK, grids_below


@dataclass(frozen=True)
class ReasonShown:
    """Why a household is to be visited: one task, whom it is about (masked), and as what they are visited."""

    id: int
    why: TaskFor
    resident_id: int | None
    resident: str | None
    populations: list[str]
    campaign: str | None
    note: str | None
    in_person: bool
    first_on: date
    due_on: date
    overdue: bool
    state: TaskState
    attempts: int
    contacted_on: date | None
    ended_why: str | None
    version: int


@dataclass(frozen=True)
class ToVisit:
    """A household that is to be visited, masked, with all the reasons, the most urgent first; `id` is the first task's."""

    id: int
    due_on: date
    overdue: bool
    household_id: int
    household: str
    head_name: str | None
    grid: str
    grid_name: str
    tasks: list[ReasonShown]


def tasks_page(
    stamp: Stamp,
    *,
    grid: str | None = None,
    tag: str | None = None,
    why: TaskFor | None = None,
    overdue: bool | None = None,
    cursor: str | None,
    limit: int,
) -> Page[ToVisit]:
    """Give the households of one's grids or villages that are to be visited, the first due first.

    A filter chooses households by their tasks; of a chosen household every reason is shown.
    """
    today = day_of(stamp.at)
    chosen = [in_reach(stamp, VisitTask.grid_id), still_wanted(), in_place()]
    if grid is not None:
        chosen.append(VisitTask.grid_id == catalogue().grid_codes.get(grid))
    if why is not None:
        chosen.append(VisitTask.why == why)
    if overdue is not None:
        chosen.append(VisitTask.due_on < today if overdue else VisitTask.due_on >= today)
    if tag is not None:
        chosen.append(belonging(tag, today))
    first = select(VisitTask.id, VisitTask.due_on, VisitTask.household_id).ext(distinct_on(VisitTask.household_id))
    first = first.join(Household, Household.id == VisitTask.household_id).outerjoin(Resident, Resident.id == VisitTask.resident_id)
    lines = first.where(*chosen).order_by(VisitTask.household_id, VisitTask.due_on, VisitTask.id).subquery()
    # A cursor holds numbers and text alone, so the day goes by its ordinal text, which sorts as the day does.
    day = func.to_char(lines.c.due_on, "YYYY-MM-DD", type_=Text)
    query = select(lines.c.id, day.label("day"), lines.c.household_id)
    rows = list(db.session.execute(paged(query, key=[(day, False), (lines.c.id, False)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda row: (row.day, row.id))
    return Page(_lines(stamp, [row.household_id for row in page.items]), page.next_cursor)


def _lines(stamp: Stamp, household_ids: Sequence[int]) -> list[ToVisit]:
    """Give the lines of some households in their order, in a fixed number of statements."""
    today = day_of(stamp.at)
    query = select(VisitTask).join(Household, Household.id == VisitTask.household_id)
    query = query.outerjoin(Resident, Resident.id == VisitTask.resident_id).where(still_wanted(), in_place())
    by_home: dict[int, list[VisitTask]] = {each: [] for each in household_ids}
    order = (VisitTask.due_on, VisitTask.id)
    for task in db.session.scalars(query.where(VisitTask.household_id.in_(household_ids)).order_by(*order)):
        by_home[task.household_id].append(task)
    homes = select(Household).where(Household.id.in_(household_ids)).options(joinedload(Household.identity))
    households = {home.id: home for home in db.session.scalars(homes)}
    grids = {row.id: row for row in db.session.scalars(select(Grid).where(Grid.id.in_({h.grid_id for h in households.values()})))}
    tasks = [task for each in by_home.values() for task in each]
    reasons = {reason.id: reason for reason in reasons_of(tasks, today)}
    return [
        ToVisit(
            own[0].id,
            own[0].due_on,
            own[0].due_on < today,
            home,
            households[home].code,
            head_of(households[home]),
            grids[households[home].grid_id].code,
            grids[households[home].grid_id].name,
            [reasons[task.id] for task in own],
        )
        for home, own in by_home.items()
        if own
    ]


def reasons_of(tasks: Sequence[VisitTask], today: date) -> list[ReasonShown]:
    """Give tasks as they are shown, each with the populations that its resident belongs to today.

    Of whoever lives in another grid by now neither is told, nor the name.
    """
    ids = {task.resident_id for task in tasks if task.resident_id is not None}
    people = select(Resident).where(Resident.id.in_(ids)).options(joinedload(Resident.identity))
    found = {each.id: each for each in db.session.scalars(people)}
    residents = {
        task.id: found[task.resident_id]
        for task in tasks
        if task.resident_id is not None and found[task.resident_id].grid_id == task.grid_id
    }
    belong = _populations({each.id for each in residents.values()}, today)
    names = {task.campaign_id for task in tasks if task.campaign_id is not None}
    campaigns = {each.id: each.name for each in db.session.scalars(select(Campaign).where(Campaign.id.in_(names)))}
    return [
        ReasonShown(
            task.id,
            task.why,
            task.resident_id,
            masked(open_person(residents[task.id].identity)).name if task.id in residents else None,
            belong.get(residents[task.id].id, []) if task.id in residents else [],
            campaigns.get(task.campaign_id or 0),
            task.note,
            task.in_person,
            task.first_on,
            task.due_on,
            task.state is TaskState.OPEN and task.due_on < today,
            task.state,
            task.attempts,
            task.contacted_on,
            task.ended_why,
            task.version,
        )
        for task in tasks
    ]


def _populations(resident_ids: Collection[int], today: date) -> dict[int, list[str]]:
    """Give the names of the key populations that residents belong to, in the list's order."""
    keys = {facts.code for facts in populations() if facts.key}
    held = tags_of(resident_ids, today)
    return {each: [tag.name for tag in tags if tag.code in keys] for each, tags in held.items()}


def show_task(stamp: Stamp, task_id: int) -> ReasonShown:
    """Give a task of one's grids or villages, open or over; raises VisitTaskNotFound."""
    return reasons_of([find_task(stamp, task_id)], day_of(stamp.at))[0]


@dataclass(frozen=True)
class LateVisit:
    """A visit that is late, as the desk sees it: where, not who."""

    id: int
    village: str
    grid: str
    grid_name: str
    household: str
    why: TaskFor
    due_on: date
    attempts: int
    contacted_on: date | None


@dataclass(frozen=True)
class LateInVillage:
    """How many visits are late in a village, in how many households, and since when."""

    unit: str
    unit_name: str
    households: int
    tasks: int
    oldest: date


def late_visits(stamp: Stamp, *, unit: str | None = None, cursor: str | None, limit: int) -> Page[LateVisit]:
    """Give the late visits below one's posts, those of a unit when named, the longest late first."""
    day = func.to_char(VisitTask.due_on, "YYYY-MM-DD", type_=Text)
    columns = (VisitTask.id, VisitTask.why, VisitTask.due_on, VisitTask.attempts, VisitTask.contacted_on, day.label("day"))
    query = select(*columns, Unit.name.label("village"), Grid.code.label("grid"), Grid.name.label("grid_name"), Household.code)
    query = _late(stamp, query, unit)
    rows = list(db.session.execute(paged(query, key=[(day, False), (VisitTask.id, False)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda row: (row.day, row.id))
    shown = [
        LateVisit(row.id, row.village, row.grid, row.grid_name, row.code, row.why, row.due_on, row.attempts, row.contacted_on)
        for row in page.items
    ]
    return Page(shown, page.next_cursor)


def late_by_village(stamp: Stamp) -> list[LateInVillage]:
    """Give how many visits are late in each village below one's posts, most households first."""
    homes = func.count(VisitTask.household_id.distinct())
    query = select(Unit.code, Unit.name, homes, func.count(), func.min(VisitTask.due_on))
    rows = db.session.execute(_late(stamp, query, None).group_by(Unit.id).order_by(homes.desc(), Unit.code))
    return [LateInVillage(*row) for row in rows]


def _late(stamp: Stamp, query: Any, unit: str | None) -> Any:
    query = query.select_from(VisitTask).join(Grid, Grid.id == VisitTask.grid_id).join(Unit, Unit.id == Grid.unit_id)
    query = query.join(Household, Household.id == VisitTask.household_id).outerjoin(Resident, Resident.id == VisitTask.resident_id)
    query = query.where(Grid.id.in_(grids_below(stamp, *AT_THE_DESK)), still_wanted(), VisitTask.due_on < day_of(stamp.at))
    if unit is None:
        return query
    above = select(Unit.path).where(Unit.code == unit).scalar_subquery()
    return query.where(func.starts_with(Unit.path, above))
