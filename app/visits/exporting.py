"""Keeps how visits go out in the columns of another platform, so that nobody enters them twice."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.people.identity import masked, open_person
from app.people.models import Resident, Staff
from app.people.roster.lists.export_profiles import ProfileShown, export_profile
from app.people.roster.lists.exporting import write_profiled
from app.people.roster.lists.exports import ExportShown, ask
from app.people.roster.lists.models import Profiled
from app.people.roster.scope import as_editor, find_grid, in_reach
from app.territory.models import Grid, Household
from app.visits.models import Visit, VisitTopic

BATCH = 1000
LONGEST = timedelta(days=366)


class ExportSpanUnfit(Invalid):
    """导出的时间段有误"""


class SpanOf(StrEnum):
    """What lies within the span of an export: when a visit reached us, or when it was made."""

    RECEIVED = "received"
    VISITED = "visited"


_MOMENTS = {SpanOf.RECEIVED: Visit.received_at, SpanOf.VISITED: Visit.visited_at}


@dataclass(frozen=True, kw_only=True)
class VisitsWanted:
    """Which visits: received, or made, from `since` until before `until`, of a grid, in the columns of which profile.

    Who delivers regularly asks for what was received since the last delivery: a phone that was offline sends a visit days after it
    was made, when the export of its month has long gone out. `by` visited tells of a month as it was.
    """

    profile: str
    since: datetime
    until: datetime
    grid: str | None = None
    by: SpanOf = SpanOf.RECEIVED


def visits_workbook(stamp: Stamp, wanted: VisitsWanted) -> Iterator[bytes]:
    """Give the visits that are wanted of one's reach as .xlsx; names are masked.

    Raises RosterIsNotYoursToEdit, ExportProfileNotFound, GridNotFound, ExportSpanUnfit.
    """
    profile, chosen = _chosen(stamp, wanted)
    return write_profiled(_rows(chosen), profile.columns, name=profile.name)


def ask_visits(stamp: Stamp, wanted: VisitsWanted) -> ExportShown:
    """Ask for visits; a scheduler writes them. Raises as `visits_workbook`, and ExportsInLine."""
    _chosen(stamp, wanted)
    span = {"since": wanted.since.isoformat(), "until": wanted.until.isoformat()}
    return ask(stamp, Profiled.VISITS, asdict(wanted) | span)


def write_visits(stamp: Stamp, said: dict[str, Any]) -> Iterator[bytes]:
    """Write the visits that were asked for; raises as `visits_workbook`."""
    span = {name: datetime.fromisoformat(said[name]) for name in ("since", "until")}
    return visits_workbook(stamp, VisitsWanted(**said | span | {"by": SpanOf(said["by"])}))


def _chosen(stamp: Stamp, wanted: VisitsWanted) -> tuple[ProfileShown, Select[Any]]:
    """Give the profile and the visits, once it is clear that they may be had."""
    stamp = as_editor(stamp)
    profile = export_profile(wanted.profile, Profiled.VISITS)
    if not wanted.since < wanted.until:
        raise ExportSpanUnfit(errors={"until": ["结束时间要晚于开始时间"]})
    if wanted.until - wanted.since > LONGEST:
        raise ExportSpanUnfit(errors={"until": ["一次最多导出一年的走访记录"]})
    moment = _MOMENTS[wanted.by]
    chosen = select(Visit).where(moment >= wanted.since, moment < wanted.until, in_reach(stamp, Visit.grid_id))
    if wanted.grid is not None:
        chosen = chosen.where(Visit.grid_id == find_grid(stamp, wanted.grid).id)
    return profile, chosen


def _rows(wanted: Select[Any]) -> Iterator[dict[str, Any]]:
    """Give visits as rows of fields in the order of their ids, some at a time, in a fixed number of statements each."""
    topics = {row.code: row.name for row in db.session.scalars(select(VisitTopic))}
    last = 0
    while True:
        query = wanted.where(Visit.id > last).order_by(Visit.id).limit(BATCH).options(selectinload(Visit.met))
        visits: list[Visit] = list(db.session.scalars(query))
        yield from _told(visits, topics)
        if len(visits) < BATCH:
            return
        last = visits[-1].id


def _told(visits: list[Visit], topics: dict[str, str]) -> Iterator[dict[str, Any]]:
    names = _by_id(select(Staff.id, Staff.name).where(Staff.id.in_({visit.staff_id for visit in visits})))
    households = _by_id(select(Household.id, Household.code).where(Household.id.in_({visit.household_id for visit in visits})))
    grids = {row.id: row for row in db.session.scalars(select(Grid).where(Grid.id.in_({visit.grid_id for visit in visits})))}
    ids = {met.resident_id for visit in visits for met in visit.met}
    people = db.session.scalars(select(Resident).where(Resident.id.in_(ids)).options(joinedload(Resident.identity)))
    met = {each.id: masked(open_person(each.identity)).name for each in people}
    for visit in visits:
        yield {
            "key": visit.key,
            "visited_at": visit.visited_at,
            "received_at": visit.received_at,
            "grid_code": grids[visit.grid_id].code,
            "grid_name": grids[visit.grid_id].name,
            "household_code": households.get(visit.household_id),
            "outcome": visit.outcome,
            "findings": visit.findings,
            "topics": [topics.get(code, code) for code in visit.topics],
            "met": [met[each.resident_id] or "" for each in visit.met],
            "staff": names[visit.staff_id],
            "minutes": None if visit.seconds is None else round(visit.seconds / 60),
        }


def _by_id(query: Select[int, str]) -> dict[int | None, str]:
    return {row.id: row[1] for row in db.session.execute(query)}
