"""Keeps the tables of lists: how a unit's columns were understood, imports and exports under way, columns of other platforms."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.core.stamp import Door


class ColumnProfile(Base):
    """How the columns of a unit's list were understood: the fingerprint of its headers, and field → header."""

    __tablename__ = "column_profile"
    __table_args__ = (UniqueConstraint("unit_id", "name"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    name: Mapped[str]
    fingerprint: Mapped[bytes] = mapped_column(index=True)
    columns: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class ImportState(StrEnum):
    """Where an import or export of a list stands; refused: the file is no list of people, whoever asked may not have it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class RosterImport(Base):
    """A list that was handed in at the desk: the sealed file until it is done, then what became of it and the sealed report.

    `touched_at` is moved on while it is worked on; one that stands still is taken up by the next scheduler.
    """

    __tablename__ = "roster_import"
    __table_args__ = (
        Index("ix_roster_import_made_by", "made_by", "id"),
        Index("ix_roster_import_open", "id", postgresql_where="state IN ('waiting', 'running')"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    file: Mapped[bytes | None]
    options: Mapped[dict[str, Any]]
    state: Mapped[ImportState] = mapped_column(enum_type(ImportState))
    rows_all: Mapped[int]
    rows_done: Mapped[int]
    counts: Mapped[dict[str, Any]]
    report: Mapped[bytes | None]
    problem: Mapped[str | None]
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    touched_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Profiled(StrEnum):
    """What a profile lists."""

    ROSTER = "roster"
    VISITS = "visits"


class ExportProfile(Base):
    """The columns of another platform, in its order: our field, its header, its codes for our words, its form of dates."""

    __tablename__ = "export_profile"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    of: Mapped[Profiled] = mapped_column(enum_type(Profiled))
    columns: Mapped[list[Any]]
    active: Mapped[bool] = mapped_column(default=True)


class ListExport(Base):
    """A list that was asked for at a door, and for a day the sealed workbook.

    `wanted` is what was asked for; the rights of whoever asked are those at `door`. `touched_at` is when a process took it up.
    """

    __tablename__ = "list_export"
    __table_args__ = (
        Index("ix_list_export_made_by", "made_by", "id"),
        Index("ix_list_export_open", "id", postgresql_where="state IN ('waiting', 'running')"),
        Index("ix_list_export_file", "finished_at", postgresql_where="file IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    of: Mapped[Profiled] = mapped_column(enum_type(Profiled))
    wanted: Mapped[dict[str, Any]]
    door: Mapped[Door] = mapped_column(enum_type(Door))
    state: Mapped[ImportState] = mapped_column(enum_type(ImportState))
    tries: Mapped[int]
    file: Mapped[bytes | None]
    problem: Mapped[str | None]
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    touched_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
