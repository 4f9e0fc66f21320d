"""Keeps whistles (吹哨报到): who blew for whom to come where by when, who came, and what both sides say of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Double, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base
from app.territory.models import Unit


class Whistle(Base):
    """A call to come to a place, blown on a case by a resident, or by a member of staff for the unit `unit_id`.

    `entry_seq` is the entry whose words say why. Points are WGS-84 degrees, `raw_point` as it was given. `cancelled_at` when it
    was taken back.
    """

    __tablename__ = "whistle"
    __table_args__ = (
        CheckConstraint("num_nonnulls(staff_id, resident_id) = 1", name="one_blower"),
        CheckConstraint("num_nonnulls(staff_id, unit_id) <> 1", name="for_a_unit"),
        Index("ix_whistle_at", "at", "id"),
        Index("ix_whistle_resident_id", "resident_id", "at", postgresql_where="resident_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    entry_seq: Mapped[int | None]
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    place: Mapped[str]
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    raw_point: Mapped[dict[str, Any] | None]
    cancelled_at: Mapped[datetime | None]

    calls: Mapped[list["WhistleCall"]] = relationship(back_populates="whistle", order_by="WhistleCall.id")


class WhistleCall(Base):
    """One unit that is to come by `due_at`: when, where and how far from the place it checked in.

    `helped` is the blower's word on whether they came and helped, `justified` the unit's on whether the whistle was right;
    `ruling` is the supervisor's word on the latter where the unit says no.
    """

    __tablename__ = "whistle_call"
    __table_args__ = (
        UniqueConstraint("whistle_id", "unit_id"),
        CheckConstraint("num_nonnulls(arrived_at, arrived_by) <> 1", name="somebody_came"),
        Index("ix_whistle_call_unit_id", "unit_id", "id"),
        Index("ix_whistle_call_case_id", "case_id"),
        Index("ix_whistle_call_waiting", "due_at", "id", postgresql_where="arrived_at IS NULL"),
        Index("ix_whistle_call_contested", "id", postgresql_where="justified = false AND ruling IS NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    whistle_id: Mapped[int] = mapped_column(ForeignKey("whistle.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    due_at: Mapped[datetime]
    arrived_at: Mapped[datetime | None]
    arrived_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    raw_point: Mapped[dict[str, Any] | None]
    metres_off: Mapped[int | None]
    helped: Mapped[bool | None]
    justified: Mapped[bool | None]
    ruling: Mapped[bool | None]

    whistle: Mapped[Whistle] = relationship(back_populates="calls")
    unit: Mapped[Unit] = relationship()
