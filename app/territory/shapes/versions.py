"""Keeps the reading of versions: which imports there were, and the county's polygons as they were after any of them."""

from typing import Any

from sqlalchemy import ColumnElement, or_, select

from app.core.database import db
from app.core.errors import NotFound
from app.core.paging import LIMIT, Page, page_from, paged
from app.territory.models import Grid, Unit
from app.territory.shapes.models import GridShape, ShapeImport


class ShapeVersionNotFound(NotFound):
    """没有找到这个版本的网格图形"""


def versions_page(*, cursor: str | None = None, limit: int = LIMIT) -> Page[ShapeImport]:
    """Give the versions, the newest first."""
    rows = db.session.scalars(paged(select(ShapeImport), key=[(ShapeImport.id, True)], cursor=cursor, limit=limit)).all()
    return page_from(rows, limit=limit, key=lambda row: [row.id])


def version_as_geojson(version: int) -> dict[str, Any]:
    """Give the county's polygons as they were after an import, as a FeatureCollection in WGS-84. Raises ShapeVersionNotFound."""
    if db.session.get(ShapeImport, version) is None:
        raise ShapeVersionNotFound
    later = or_(GridShape.replaced_by_id.is_(None), GridShape.replaced_by_id > version)
    return _collection(GridShape.import_id <= version, later) | {"version": version}


def grids_as_geojson(grid_ids: frozenset[int]) -> dict[str, Any]:
    """Give the polygons of some grids as they are now, as a FeatureCollection in WGS-84."""
    return _collection(GridShape.replaced_by_id.is_(None), GridShape.grid_id.in_(sorted(grid_ids)))


def _collection(*conditions: ColumnElement[bool]) -> dict[str, Any]:
    columns = (Grid.code, Grid.name, Unit.code.label("unit_code"), Unit.name.label("unit"), GridShape.import_id, GridShape.wkb)
    query = select(*columns).join(Grid, Grid.id == GridShape.grid_id).join(Unit, Unit.id == Grid.unit_id)
    rows = db.session.execute(query.where(*conditions).order_by(Grid.code)).all()
    if not rows:
        return {"type": "FeatureCollection", "features": []}
    import shapely  # a large library, wanted only where there are polygons

    same = ("code", "name", "unit_code", "unit")
    features = [
        {
            "type": "Feature",
            "properties": {name: getattr(row, name) for name in same} | {"since_version": row.import_id},
            "geometry": shapely.geometry.mapping(shapely.from_wkb(row.wkb)),
        }
        for row in rows
    ]
    return {"type": "FeatureCollection", "features": features}
