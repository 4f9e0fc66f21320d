"""Keeps what a phone is told of a row: as its worker may see it now, masked; what they may not see is not there."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.stamp import Stamp
from app.ledger.models import Case
from app.ledger.scope import visible
from app.ledger.showing.following import Standing, standing, standings
from app.people.identity import Person, masked, open_person
from app.people.models import Resident, Sex
from app.people.roster.commands import open_household
from app.people.roster.models import Care, CareBy, GroupHead, PopulationTag, ResidentTag
from app.people.roster.queries import masked_place
from app.sync.models import SyncedKind
from app.territory.models import Household, HouseholdGroup, HouseholdKind
from app.visits.clocks import in_place, still_wanted
from app.visits.models import Campaign, TaskFor, VisitTask


@dataclass(frozen=True, kw_only=True)
class HouseholdKept:
    """A household on the phone."""

    id: int
    grid: str
    code: str
    kind: HouseholdKind
    group: str | None
    head_name: str | None
    place: str
    version: int
    updated_at: datetime


@dataclass(frozen=True)
class TagKept:
    """That a resident was named as of a population, and until when."""

    tag: str
    source: str
    since: date
    expires_on: date | None


@dataclass(frozen=True)
class CareKept:
    """As what somebody cares for a resident, and whether that is the worker who asks."""

    by: CareBy
    own: bool


@dataclass(frozen=True, kw_only=True)
class ResidentKept:
    """A resident on the phone; `heads`: the groups that they head."""

    id: int
    grid: str
    household_id: int
    name: str | None
    phone: str | None
    id_number: str | None
    sex: Sex | None
    birth_month: date | None
    relation: str | None
    tags: list[TagKept]
    heads: list[str]
    care: list[CareKept]
    version: int
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class TaskKept:
    """A visit to be made, on the phone."""

    id: int
    grid: str
    household_id: int
    resident_id: int | None
    why: TaskFor
    campaign: str | None
    note: str | None
    in_person: bool
    attempts: int
    contacted_on: date | None
    first_on: date
    due_on: date
    version: int


@dataclass(frozen=True, kw_only=True)
class CaseKept(Standing):
    """A case on the phone: where it stands."""

    id: int
    grid: str
    category_id: int | None
    version: int


Grids = dict[int, str]
"""The grids of a phone: ids and codes."""


def households_kept(stamp: Stamp, grids: Grids, ids: Collection[int]) -> list[HouseholdKept]:
    """Give those of some households that are on the roster of the phone's grids."""
    query = select(Household, HouseholdGroup.code)
    query = query.outerjoin(HouseholdGroup, HouseholdGroup.id == Household.group_id).options(joinedload(Household.identity))
    query = query.where(Household.id.in_(ids), Household.grid_id.in_(grids), Household.ended_at.is_(None))
    same = ("id", "code", "kind", "version", "updated_at")
    kept = []
    for household, group in db.session.execute(query.order_by(Household.id)):
        head_name, place = open_household(household)
        facts: dict[str, Any] = {name: getattr(household, name) for name in same}
        told: dict[str, Any] = {"grid": grids[household.grid_id], "group": group}
        kept.append(HouseholdKept(**facts, **told, head_name=masked(Person(name=head_name)).name, place=masked_place(place)))
    return kept


def residents_kept(stamp: Stamp, grids: Grids, ids: Collection[int]) -> list[ResidentKept]:
    """Give those of some residents who live in a household of the phone's grids."""
    query = select(Resident).where(Resident.id.in_(ids), Resident.grid_id.in_(grids))
    query = query.where(Resident.ended_at.is_(None), Resident.household_id.is_not(None)).order_by(Resident.id)
    found = db.session.scalars(query.options(joinedload(Resident.identity))).all()
    here = [resident.id for resident in found]
    tags, heads, care = _tags(here), _heads(here), _care(stamp, here)
    same = ("id", "household_id", "sex", "birth_month", "relation", "version", "updated_at")
    kept = []
    for resident in found:
        person = masked(open_person(resident.identity))
        facts = {name: getattr(resident, name) for name in same}
        told: dict[str, Any] = {"name": person.name, "phone": person.phone, "id_number": person.id_number}
        more: dict[str, Any] = {"tags": tags[resident.id], "heads": heads[resident.id], "care": care[resident.id]}
        kept.append(ResidentKept(**facts, **told, **more, grid=grids[resident.grid_id or 0]))
    return kept


def _tags(ids: list[int]) -> dict[int, list[TagKept]]:
    query = select(ResidentTag.resident_id, PopulationTag.code, ResidentTag.source, ResidentTag.since, ResidentTag.expires_on)
    query = query.join(PopulationTag, PopulationTag.id == ResidentTag.tag_id).order_by(PopulationTag.place, PopulationTag.id)
    found: dict[int, list[TagKept]] = defaultdict(list)
    for row in db.session.execute(query.where(ResidentTag.resident_id.in_(ids), ResidentTag.ended_at.is_(None))):
        found[row.resident_id].append(TagKept(row.code, row.source, row.since, row.expires_on))
    return found


def _heads(ids: list[int]) -> dict[int, list[str]]:
    query = select(GroupHead.resident_id, HouseholdGroup.code).join(HouseholdGroup, HouseholdGroup.id == GroupHead.group_id)
    query = query.where(GroupHead.resident_id.in_(ids), GroupHead.ended_at.is_(None)).order_by(HouseholdGroup.code)
    found: dict[int, list[str]] = defaultdict(list)
    for resident_id, code in db.session.execute(query):
        found[resident_id].append(code)
    return found


def _care(stamp: Stamp, ids: list[int]) -> dict[int, list[CareKept]]:
    query = select(Care.resident_id, Care.by, Care.staff_id).where(Care.resident_id.in_(ids), Care.ended_at.is_(None))
    found: dict[int, list[CareKept]] = defaultdict(list)
    for resident_id, by, staff_id in db.session.execute(query.order_by(Care.id)):
        found[resident_id].append(CareKept(by, staff_id == stamp.actor.id))
    return found


def tasks_kept(stamp: Stamp, grids: Grids, ids: Collection[int]) -> list[TaskKept]:
    """Give those of some tasks that are to be done in the phone's grids."""
    query = select(VisitTask, Campaign.name).outerjoin(Campaign, Campaign.id == VisitTask.campaign_id)
    query = query.join(Household, Household.id == VisitTask.household_id).outerjoin(Resident, Resident.id == VisitTask.resident_id)
    query = query.where(VisitTask.id.in_(ids), VisitTask.grid_id.in_(grids), still_wanted(), in_place())
    same = ("id", "household_id", "resident_id", "why", "note", "in_person", "attempts", "contacted_on", "first_on", "due_on")
    return [
        TaskKept(**{name: getattr(task, name) for name in same}, campaign=campaign, grid=grids[task.grid_id], version=task.version)
        for task, campaign in db.session.execute(query.order_by(VisitTask.id))
    ]


def cases_kept(stamp: Stamp, grids: Grids, ids: Collection[int]) -> list[CaseKept]:
    """Give those of some cases that lie in the phone's grids and that its worker may see."""
    query = standings(stamp).add_columns(Case.id, Case.grid_id, Case.category_id, Case.version)
    query = query.where(Case.id.in_(ids), Case.grid_id.in_(grids), ~Case.archived, visible(stamp.actor)).order_by(Case.id)
    return [
        CaseKept(**vars(standing(row)), id=row.id, grid=grids[row.grid_id], category_id=row.category_id, version=row.version)
        for row in db.session.execute(query)
    ]


KEPT: dict[SyncedKind, Callable[[Stamp, Grids, Collection[int]], list[Any]]] = {
    SyncedKind.HOUSEHOLD: households_kept,
    SyncedKind.RESIDENT: residents_kept,
    SyncedKind.TASK: tasks_kept,
    SyncedKind.CASE: cases_kept,
}
"""How the rows of each kind are told, those among some ids that a worker may see, in as many queries however many they are."""
