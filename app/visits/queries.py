"""Keeps what a grid worker sees of the territory: own grids, their households, and who lives there, all masked."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload

from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import NotFound
from app.core.paging import Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.people.identity import Person, masked, open_person
from app.people.models import Resident
from app.territory.models import Grid, Household, Unit


class HouseholdNotFound(NotFound):
    """没有找到这户"""


@dataclass(frozen=True)
class ResidentShown:
    """A resident of a household, masked."""

    id: int
    name: str | None
    phone: str | None


@dataclass(frozen=True)
class HouseholdShown:
    """A household, masked: the head's name and the place without its numbers."""

    id: int
    code: str
    grid: str
    grid_name: str
    head_name: str | None
    place: str
    residents: list[ResidentShown]


def own_grids(stamp: Stamp) -> list[Any]:
    """Give the grids (code, name, unit) of a grid worker, or those below the villages of a cadre."""
    mine: list[ColumnElement[bool]] = [Unit.path.startswith(path) for path in stamp.actor.paths(Role.CADRE)]
    mine.append(Grid.id.in_(sorted(stamp.actor.grid_ids)))
    query = select(Grid.code, Grid.name, Unit.name.label("unit")).join(Unit, Unit.id == Grid.unit_id)
    return list(db.session.execute(query.where(Grid.active, or_(*mine)).order_by(Grid.code)))


def own_households(stamp: Stamp, *, grid: str | None, cursor: str | None, limit: int) -> Page[HouseholdShown]:
    """Give the households of the actor's grids, of one of them when named, by code."""
    query = select(Household).where(Household.grid_id.in_(sorted(stamp.actor.grid_ids))).options(joinedload(Household.identity))
    if grid is not None:
        query = query.where(Household.grid_id == catalogue().grid_codes.get(grid))
    rows = list(db.session.scalars(paged(query, key=[(Household.code, False)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda household: (household.code,))
    return Page(_shown(list(page.items)), page.next_cursor)


def own_household(stamp: Stamp, household_id: int) -> HouseholdShown:
    """Give a household of the actor's grids; raises HouseholdNotFound, also for one elsewhere."""
    return _shown([find_household(stamp, household_id)])[0]


def find_household(stamp: Stamp, household_id: int) -> Household:
    """Give the row of a household of the actor's grids; raises HouseholdNotFound."""
    mine = Household.grid_id.in_(sorted(stamp.actor.grid_ids))
    found = db.session.scalars(select(Household).where(Household.id == household_id, mine)).first()
    if found is None:
        raise HouseholdNotFound
    return found


def _shown(households: list[Household]) -> list[HouseholdShown]:
    living: dict[int, list[ResidentShown]] = {household.id: [] for household in households}
    query = select(Resident).where(Resident.household_id.in_(living)).options(joinedload(Resident.identity))
    for resident in db.session.scalars(query.order_by(Resident.id)):
        person = masked(open_person(resident.identity))
        living[resident.household_id or 0].append(ResidentShown(resident.id, person.name, person.phone))
    names = select(Grid.id, Grid.code, Grid.name).where(Grid.id.in_({household.grid_id for household in households}))
    grids = {row.id: row for row in db.session.execute(names)}
    return [_mask(household, grids[household.grid_id], living[household.id]) for household in households]


def _mask(household: Household, grid: Any, residents: list[ResidentShown]) -> HouseholdShown:
    head_name, place = masked_household(household)
    return HouseholdShown(household.id, household.code, grid.code, grid.name, head_name, place, residents)


def masked_household(household: Household) -> tuple[str | None, str]:
    """Give a household's head masked, and its place without the numbers."""
    ring = keyring()
    head = Person(name=ring.decrypt(household.identity.head_name, field="household.head_name"))
    return masked(head).name, re.sub(r"\d+", "**", ring.decrypt(household.identity.place, field="household.place"))
