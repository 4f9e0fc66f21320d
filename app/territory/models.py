"""Keeps the county's territory: units from county to village, grids, and households with their sealed identity."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type


class Level(StrEnum):
    """Levels of units."""

    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    DEPARTMENT = "department"


class Unit(Base):
    """A unit of the county; `path` lists the ids from the county down, `/1/7/42/`, so that a subtree is a prefix."""

    __tablename__ = "unit"
    __table_args__ = (Index("ix_unit_path", "path", postgresql_ops={"path": "text_pattern_ops"}),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    level: Mapped[Level] = mapped_column(enum_type(Level))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    path: Mapped[str] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(default=True)


class Grid(Base):
    """A grid: the smallest piece of territory, looked after by grid workers, part of one village or community."""

    __tablename__ = "grid"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    unit: Mapped[Unit] = relationship()


class HouseholdGroup(Base):
    """A group of neighbouring households in a grid (户区, 联户), with one head or several. Ended, never deleted."""

    __tablename__ = "household_group"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), index=True)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    grid: Mapped[Grid] = relationship()


class HouseholdKind(StrEnum):
    """What sort of household it is; how often it is visited depends on it."""

    ORDINARY = "ordinary"
    FLOATING = "floating"
    COLLECTIVE = "collective"
    VACANT = "vacant"


class Household(Base):
    """A household in a grid; who lives there and where stands sealed in `household_identity`. Ended, never deleted.

    `version` counts its changes, those of its identity too.
    """

    __tablename__ = "household"
    __table_args__ = (Index("ix_household_grid_code", "grid_id", "code"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), index=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("household_group.id"), index=True)
    kind: Mapped[HouseholdKind] = mapped_column(enum_type(HouseholdKind), default=HouseholdKind.ORDINARY)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    identity: Mapped["HouseholdIdentity"] = relationship(back_populates="household")


class HouseholdIdentity(Base):
    """The sealed part of a household: its head's name and its exact place, and the blind index of both together."""

    __tablename__ = "household_identity"
    __table_args__ = (Index("ix_household_identity_to_index", "household_id", postgresql_where="match_index IS NULL"),)

    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), primary_key=True)
    head_name: Mapped[bytes]
    place: Mapped[bytes]
    match_index: Mapped[bytes | None] = mapped_column(index=True)
    household: Mapped[Household] = relationship(back_populates="identity")
