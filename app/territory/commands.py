"""Keeps how territory grows: units under units, grids in villages, households in grids."""

import unicodedata
from datetime import datetime

from app.core.crypto import keyring
from app.core.database import db
from app.territory.models import Grid, Household, HouseholdIdentity, HouseholdKind, Level, Unit


def add_unit(*, code: str, name: str, level: Level, parent: Unit | None = None) -> Unit:
    """Store a unit below `parent`; its path is known from then on."""
    unit = Unit(code=code, name=name, level=level, parent_id=parent.id if parent else None, path=f"?{code}", active=True)
    db.session.add(unit)
    db.session.flush()
    unit.path = f"{parent.path if parent else '/'}{unit.id}/"
    db.session.flush()
    return unit


def add_grid(*, code: str, name: str, unit: Unit) -> Grid:
    """Store a grid of a village or community."""
    grid = Grid(code=code, name=name, unit_id=unit.id, active=True)
    db.session.add(grid)
    db.session.flush()
    return grid


def add_household(
    at: datetime,
    *,
    code: str,
    grid: Grid,
    head_name: str,
    place: str,
    kind: HouseholdKind = HouseholdKind.ORDINARY,
    group_id: int | None = None,
) -> Household:
    """Store a household; its head's name and exact place are sealed."""
    household = Household(code=code, grid_id=grid.id, kind=kind, group_id=group_id, created_at=at, updated_at=at)
    household.identity = HouseholdIdentity(**seal_household(head_name, place))
    db.session.add(household)
    db.session.flush()
    return household


def seal_household(head_name: str, place: str) -> dict[str, bytes]:
    """Give the sealed columns of a household's head and exact place."""
    ring = keyring()
    return {
        "head_name": ring.encrypt(head_name, field="household.head_name"),
        "place": ring.encrypt(place, field="household.place"),
        "match_index": household_index(head_name, place),
    }


def household_index(head_name: str, place: str) -> bytes:
    """Give the blind index by which a household is found again from its head's name and its place, however they are spaced."""
    plain = ("".join(unicodedata.normalize("NFKC", part).split()) for part in (head_name, place))
    return keyring().blind("\0".join(plain), field="household")
