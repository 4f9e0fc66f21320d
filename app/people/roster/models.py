"""Keeps the roster's tables: heads of groups, tags with source and expiry, who cares for whom, and what was changed by whom."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type
from app.core.stamp import Door
from app.people.models import Resident, Staff
from app.territory.models import HouseholdGroup


class GroupHead(Base):
    """A resident who heads a household group (户长); a group may have several at once. Ended, never deleted."""

    __tablename__ = "group_head"
    __table_args__ = (
        Index("ix_group_head_open", "group_id", "resident_id", unique=True, postgresql_where="ended_at IS NULL"),
        Index("ix_group_head_resident_id", "resident_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("household_group.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    group: Mapped[HouseholdGroup] = relationship()
    resident: Mapped[Resident] = relationship()


class PopulationTag(Base):
    """A population that residents may belong to (独居老人, 低保 …), as data; `key`: one that asks for care of its own.

    `from_age`: whoever is that old belongs to it by their birth month, without being named. `lasts_months`: how long a naming
    holds where nobody says until when; None: until it is ended. `place` orders the list.
    """

    __tablename__ = "population_tag"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    key: Mapped[bool]
    from_age: Mapped[int | None]
    lasts_months: Mapped[int | None]
    place: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)


class ResidentTag(Base):
    """That a resident belongs to a population: since when, until when, by whose word. Ended, never deleted."""

    __tablename__ = "resident_tag"
    __table_args__ = (
        Index("ix_resident_tag_open", "resident_id", "tag_id", unique=True, postgresql_where="ended_at IS NULL"),
        Index("ix_resident_tag_tag_id", "tag_id", "resident_id", postgresql_where="ended_at IS NULL"),
        Index("ix_resident_tag_expires_on", "expires_on", postgresql_where="ended_at IS NULL AND expires_on IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("population_tag.id"))
    source: Mapped[str]
    since: Mapped[date]
    expires_on: Mapped[date | None]
    noted_at: Mapped[datetime]
    noted_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]
    resident: Mapped[Resident] = relationship()
    tag: Mapped[PopulationTag] = relationship()


class CareBy(StrEnum):
    """As what somebody cares for a resident."""

    FAMILY = "family"
    CADRE = "cadre"
    GRID_WORKER = "grid_worker"
    PARTY_MEMBER = "party_member"
    VOLUNTEER = "volunteer"


class Care(Base):
    """Who cares for a resident (帮扶): a member of staff or another resident. Ended, never deleted."""

    __tablename__ = "care"
    __table_args__ = (
        CheckConstraint("(staff_id IS NULL) <> (carer_id IS NULL)", name="one_carer"),
        CheckConstraint("carer_id <> resident_id", name="another"),
        Index("ix_care_resident_id", "resident_id", postgresql_where="ended_at IS NULL"),
        Index("ix_care_staff_id", "staff_id", postgresql_where="ended_at IS NULL"),
        Index("ix_care_carer_id", "carer_id", postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    by: Mapped[CareBy] = mapped_column(enum_type(CareBy))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    carer_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    resident: Mapped[Resident] = relationship(foreign_keys=[resident_id])
    staff: Mapped[Staff | None] = relationship()
    carer: Mapped[Resident | None] = relationship(foreign_keys=[carer_id])


class RosterChangeKind(StrEnum):
    """What was done to the roster."""

    HOUSEHOLD_ADDED = "household_added"
    HOUSEHOLD_EDITED = "household_edited"
    HOUSEHOLD_MOVED = "household_moved"
    HOUSEHOLD_ENDED = "household_ended"
    RESIDENT_ADDED = "resident_added"
    RESIDENT_EDITED = "resident_edited"
    RESIDENT_MOVED = "resident_moved"
    RESIDENT_ENDED = "resident_ended"
    RESIDENT_RESTORED = "resident_restored"
    TAG_PUT = "tag_put"
    TAG_ENDED = "tag_ended"
    CARE_PUT = "care_put"
    CARE_ENDED = "care_ended"
    GROUP_ADDED = "group_added"
    GROUP_EDITED = "group_edited"
    GROUP_ENDED = "group_ended"
    HEAD_NAMED = "head_named"
    HEAD_ENDED = "head_ended"


class RosterChange(Base):
    """One change of the roster: who did what to whom, when, in which grid, and from which grid it came. Append-only.

    `facts` name what changed, never who somebody is: of sealed fields it says only that they are others now.
    """

    __tablename__ = "roster_change"
    __table_args__ = (
        Index("ix_roster_change_grid_id", "grid_id", "id"),
        Index("ix_roster_change_from_grid_id", "from_grid_id", "id", postgresql_where="from_grid_id IS NOT NULL"),
        Index("ix_roster_change_household_id", "household_id", "id", postgresql_where="household_id IS NOT NULL"),
        Index("ix_roster_change_resident_id", "resident_id", "id", postgresql_where="resident_id IS NOT NULL"),
        Index("ix_roster_change_group_id", "group_id", "id", postgresql_where="group_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    door: Mapped[Door] = mapped_column(enum_type(Door))
    what: Mapped[RosterChangeKind] = mapped_column(enum_type(RosterChangeKind))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("household_group.id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    from_grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    facts: Mapped[dict[str, Any]]
