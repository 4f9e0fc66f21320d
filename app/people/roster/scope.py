"""Keeps whose roster it is: which grids somebody sees and edits, and that all else is as if it were not there."""

from typing import TypeVar

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from app.core.database import db, lock_rows
from app.core.errors import Conflict, NotAllowed, NotFound
from app.core.stamp import ActorKind, Door, Role, Stamp
from app.people.identity import ResidentNotFound
from app.people.models import Resident
from app.territory.models import Grid, Household, HouseholdGroup, Unit


class GridNotFound(NotFound):
    """没有找到这个网格"""


class HouseholdNotFound(NotFound):
    """没有找到这户"""


class GroupNotFound(NotFound):
    """没有找到这个户区"""


class RosterIsNotYoursToEdit(NotAllowed):
    """名册由网格员、村干部和管理员维护"""


class RosterStale(Conflict):
    """名册刚刚有了新的变化，请刷新后再改"""

    status = 412


EDITORS = (Role.GRID_WORKER, Role.CADRE, Role.ADMINISTRATOR)

Kept = TypeVar("Kept", Household, Resident)


def in_reach(stamp: Stamp, grid_id: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    """Give the condition that a grid is within the actor's reach, for seeing and for editing alike.

    Grid workers reach their grids, cadres those of their villages, administrators at the desk those below their unit; the
    command line and jobs reach all, everybody else none.
    """
    actor = stamp.actor
    if actor.kind is ActorKind.SYSTEM:
        return true()
    if actor.kind is not ActorKind.STAFF:
        return false()
    paths = [*actor.paths(Role.CADRE), *(actor.paths(Role.ADMINISTRATOR) if stamp.door is Door.DESK else ())]
    ways: list[ColumnElement[bool]] = [grid_id.in_(sorted(actor.grid_ids))] if actor.grid_ids else []
    if paths:
        inside = select(Grid.id).join(Unit, Unit.id == Grid.unit_id).where(or_(*(Unit.path.startswith(path) for path in paths)))
        ways.append(grid_id.in_(inside))
    return or_(*ways) if ways else false()


def grids_in_reach(stamp: Stamp) -> frozenset[int]:
    """Give the ids of the grids in use within the actor's reach."""
    return frozenset(db.session.scalars(select(Grid.id).where(Grid.active, in_reach(stamp, Grid.id))))


def as_editor(stamp: Stamp) -> Stamp:
    """Give the stamp in the role in which the actor edits the roster; raises RosterIsNotYoursToEdit."""
    if stamp.actor.kind is ActorKind.SYSTEM:
        return stamp
    role = stamp.actor.holds(EDITORS if stamp.door is Door.DESK else EDITORS[:2])
    if role is None:
        raise RosterIsNotYoursToEdit
    return stamp.acting_as(role)


def find_grid(stamp: Stamp, code: str) -> Grid:
    """Give a grid in use within reach by its code; raises GridNotFound."""
    query = select(Grid).where(Grid.code == code, Grid.active, in_reach(stamp, Grid.id)).options(joinedload(Grid.unit))
    grid = db.session.scalars(query).first()
    if grid is None:
        raise GridNotFound
    return grid


def find_household(stamp: Stamp, household_id: int) -> Household:
    """Give a household within reach, one that has ended too; raises HouseholdNotFound."""
    query = select(Household).where(Household.id == household_id, in_reach(stamp, Household.grid_id))
    found = db.session.scalars(query.options(joinedload(Household.identity))).first()
    if found is None:
        raise HouseholdNotFound
    return found


def find_resident(stamp: Stamp, resident_id: int) -> Resident:
    """Give a resident of the roster within reach, one who has ended too; raises ResidentNotFound."""
    query = select(Resident).where(
        Resident.id == resident_id, Resident.household_id.is_not(None), in_reach(stamp, Resident.grid_id)
    )
    found = db.session.scalars(query.options(joinedload(Resident.identity))).first()
    if found is None:
        raise ResidentNotFound
    return found


def find_group(stamp: Stamp, code: str) -> HouseholdGroup:
    """Give a household group within reach that has not ended, by its code; raises GroupNotFound."""
    query = select(HouseholdGroup).where(HouseholdGroup.code == code, HouseholdGroup.ended_at.is_(None))
    found = db.session.scalars(query.where(in_reach(stamp, HouseholdGroup.grid_id))).first()
    if found is None:
        raise GroupNotFound
    return found


def lock_household(stamp: Stamp, household_id: int, *, version: int | None = None) -> Household:
    """Lock a household within reach for a change; raises HouseholdNotFound, RosterStale where it is not at `version`."""
    lock_rows(Household, [household_id])
    return _at(find_household(stamp, household_id), version)


def lock_resident(stamp: Stamp, resident_id: int, *, version: int | None = None) -> Resident:
    """Lock a resident within reach for a change, after any household; raises ResidentNotFound, RosterStale."""
    lock_rows(Resident, [resident_id])
    return _at(find_resident(stamp, resident_id), version)


def _at(row: Kept, version: int | None) -> Kept:
    if version is not None and version != row.version:
        raise RosterStale(version=row.version, ended=row.ended_at is not None, updated_at=row.updated_at.isoformat())
    return row
