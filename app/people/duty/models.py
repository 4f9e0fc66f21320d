"""Keeps the tables of shifts: who is on duty where and when, who stands in for whom, and who is away."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type
from app.people.models import Staff
from app.territory.models import Unit


class OnDuty(StrEnum):
    """What one does on duty: head of the shift, on the duty phone, duty leader."""

    HEAD = "head"
    PHONE = "phone"
    LEADER = "leader"


DUTY_LABELS: dict[OnDuty, str] = {OnDuty.HEAD: "值班长", OnDuty.PHONE: "值班电话", OnDuty.LEADER: "带班领导"}


class RosterEntry(Base):
    """One span of duty of one member of staff for a unit; taken off the roster by `ended_at`, never deleted.

    `starts_at` belongs to it, `until` no more. `phone` is the number that rings for this duty, where it is not the person's
    own. Put by nobody: brought in from a table.
    """

    __tablename__ = "roster_entry"
    __table_args__ = (
        CheckConstraint("until > starts_at", name="span"),
        Index("ix_roster_entry_until", "until", postgresql_where="ended_at IS NULL"),
        Index("ix_roster_entry_unit_id", "unit_id", "starts_at", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    what: Mapped[OnDuty] = mapped_column(enum_type(OnDuty))
    starts_at: Mapped[datetime]
    until: Mapped[datetime]
    phone: Mapped[str | None]
    put_at: Mapped[datetime]
    put_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    unit: Mapped[Unit] = relationship()
    staff: Mapped[Staff] = relationship(foreign_keys=[staff_id])


class StandIn(Base):
    """Who stands in for a member of staff who is away (AB岗): one of the same unit."""

    __tablename__ = "stand_in"
    __table_args__ = (CheckConstraint("staff_id <> stand_in_id", name="another"),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    stand_in_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    set_at: Mapped[datetime]
    set_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class Leave(Base):
    """A time for which a member of staff is away: planned from `starts_at` until `until`, begun and ended by the job.

    `until` is brought forward when they come back early; `cancelled_at` where it never began.
    """

    __tablename__ = "leave"
    __table_args__ = (
        CheckConstraint("until > starts_at", name="span"),
        Index("ix_leave_open", "starts_at", postgresql_where="ended_at IS NULL AND cancelled_at IS NULL"),
        Index("ix_leave_staff_id", "staff_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    starts_at: Mapped[datetime]
    until: Mapped[datetime]
    reason: Mapped[str]
    put_at: Mapped[datetime]
    put_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

    staff: Mapped[Staff] = relationship(foreign_keys=[staff_id])
