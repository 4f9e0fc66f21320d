"""Keeps the versions of the grids' polygons, and the imports that brought them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.territory.datum import Datum


class ShapeImport(Base):
    """One import of polygons: a version of the county's map is named by its id. By nobody: the command line.

    `source` is the file's name, `sha256` that of its bytes, `datum` how its numbers were meant; `report` is what was found.
    """

    __tablename__ = "shape_import"
    __table_args__ = (CheckConstraint("octet_length(sha256) = 32", name="sha256"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    source: Mapped[str]
    sha256: Mapped[bytes]
    datum: Mapped[Datum] = mapped_column(enum_type(Datum))
    report: Mapped[dict[str, Any]]


class GridShape(Base):
    """A grid's polygon (WGS-84, longitude before latitude, as WKB), in force from its import until the one that replaced it."""

    __tablename__ = "grid_shape"
    __table_args__ = (Index("uq_grid_shape_now", "grid_id", unique=True, postgresql_where="replaced_by_id IS NULL"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), index=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("shape_import.id"), index=True)
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("shape_import.id"), index=True)
    wkb: Mapped[bytes]
