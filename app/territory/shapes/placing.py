"""Keeps which grid a point lies in, by the newest polygons; other processes' imports are seen within seconds.

A point on a border belongs to the grid with the smallest code of those that it touches, as does one where grids overlap: the
same answer at all times and everywhere. A point in no grid is to be placed by hand.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.core.database import db
from app.core.held import Held
from app.territory.models import Grid, Unit
from app.territory.shapes.models import GridShape, ShapeImport

if TYPE_CHECKING:
    from app.territory.shapes.index import GridMap

SECONDS = 5.0
"""How long another process's import may stay unseen."""


class How(StrEnum):
    """How a point lies: in one grid, on a border or where several overlap, in none; or there are no polygons to tell."""

    INSIDE = "inside"
    SHARED = "shared"
    OUTSIDE = "outside"
    NO_SHAPES = "no_shapes"


@dataclass(frozen=True)
class GridNamed:
    """A grid as it is named to people, with its village or community."""

    id: int
    code: str
    name: str
    unit: str


@dataclass(frozen=True)
class Placing:
    """In which grid a point lies (None: to be placed by hand), and how; outside, the nearest grid and its metres away."""

    how: How
    grid: GridNamed | None = None
    nearest: GridNamed | None = None
    metres: float | None = None


@dataclass(frozen=True)
class _Version:
    """The polygons of the newest import; `complete` where every grid in use has one. No map where there are none."""

    newest: int | None
    complete: bool = False
    grids: tuple[GridNamed, ...] = ()
    map: "GridMap | None" = None


def place_point(latitude: float, longitude: float) -> Placing:
    """Give the grid of a point in WGS-84 degrees."""
    held = _version()
    if held.map is None:
        return Placing(How.NO_SHAPES)
    places = held.map.holding(latitude, longitude)
    if places:
        return Placing(How.SHARED if len(places) > 1 else How.INSIDE, held.grids[places[0]])
    nearest = held.map.nearest(latitude, longitude)
    if nearest is None:
        return Placing(How.OUTSIDE)
    return Placing(How.OUTSIDE, nearest=held.grids[nearest.place], metres=nearest.metres)


def grid_at(latitude: float, longitude: float) -> GridNamed | None:
    """Give the grid of a point in WGS-84 degrees; None where it is to be placed by hand."""
    held = _version()
    places = held.map.holding(latitude, longitude) if held.map is not None else []
    return held.grids[places[0]] if places else None


def metres_outside(latitude: float, longitude: float) -> float:
    """Give how many metres a point in WGS-84 degrees lies outside the county as its polygons draw it.

    0 inside the line around all of them, and wherever the polygons do not tell, since a grid in use has none.
    """
    held = _version()
    return held.map.metres_beyond(latitude, longitude) if held.map is not None and held.complete else 0.0


def _newest() -> int | None:
    return db.session.scalar(select(func.max(ShapeImport.id)))


def _load() -> _Version:
    newest = _newest()
    if newest is None:
        return _Version(None)
    shaped = (GridShape.grid_id == Grid.id) & GridShape.replaced_by_id.is_(None)
    query = select(Grid.id, Grid.code, Grid.name, Unit.name.label("unit"), GridShape.wkb).join(Unit, Unit.id == Grid.unit_id)
    rows = db.session.execute(query.outerjoin(GridShape, shaped).where(Grid.active)).all()
    drawn = sorted((row for row in rows if row.wkb is not None), key=lambda row: row.code)
    if not drawn:
        return _Version(newest)
    from app.territory.shapes.index import GridMap, read_wkb  # large libraries, wanted only where there are polygons

    named = tuple(GridNamed(row.id, row.code, row.name, row.unit) for row in drawn)
    return _Version(newest, len(drawn) == len(rows), named, GridMap(read_wkb([row.wkb for row in drawn])))


_version = Held(_load, still=lambda held: held.newest == _newest(), seconds=SECONDS)
