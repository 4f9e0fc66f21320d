"""Keeps which versions of the grids' polygons there were, each with who brought it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.paging import Page
from app.core.stamp import Stamp
from app.people.models import Staff
from app.territory.datum import Datum
from app.territory.shapes.models import ShapeImport
from app.territory.shapes.publishing import ShapeFile, publish_shapes
from app.territory.shapes.versions import versions_page


@dataclass(frozen=True, kw_only=True)
class MapVersion:
    """A version of the county's polygons: from which file, what was found in it, by whom (None: the command line)."""

    version: int
    at: datetime
    source: str
    sha256: str
    datum: Datum
    by: str | None
    report: dict[str, Any]


def map_versions(*, cursor: str | None, limit: int) -> Page[MapVersion]:
    """Give the versions of the county's polygons, the newest first."""
    page = versions_page(cursor=cursor, limit=limit)
    wanted = {row.staff_id for row in page.items}
    rows = db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(wanted)))
    names: dict[int | None, str | None] = {row.id: row.name for row in rows}
    return Page([_shown(row, names) for row in page.items], page.next_cursor)


def publish_map(stamp: Stamp, file: ShapeFile) -> MapVersion:
    """Publish a file of polygons; gives the new version. Raises as `publish_shapes`."""
    done = publish_shapes(stamp, file)
    name = db.session.get_one(Staff, done.staff_id).name if done.staff_id is not None else None
    return _shown(done, {done.staff_id: name})


def _shown(row: ShapeImport, names: dict[int | None, str | None]) -> MapVersion:
    same = {name: getattr(row, name) for name in ("at", "source", "datum", "report")}
    return MapVersion(version=row.id, sha256=row.sha256.hex(), by=names.get(row.staff_id), **same)
