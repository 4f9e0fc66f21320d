"""Keeps whistles (吹哨报到): who blew for whom to come where by when, who came, and what both sides say of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Double, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base
from app.territory.models import Unit


class Whistle(Base):
    """A call to come to a place, blown on a case by a resident or a member of staff; `cancelled_at` when it was not needed."""

    __tablename__ = "whistle"
    __table_args__ = (CheckConstraint("num_nonnulls(staff_id, resident_id) = 1", name="one_blower"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    place: Mapped[str]
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    cancelled_at: Mapped[datetime | None]

    calls: Mapped[list["WhistleCall"]] = relationship(back_populates="whistle", order_by="WhistleCall.id")


class WhistleCall(Base):
    """One unit that is to come: when and how far from the place it checked in.

    `helped` is the blower's word on whether they came and helped, `justified` the unit's on whether the whistle was right;
    `ruling` is the supervisor's word on the latter where the two do not agree.
    """

    __tablename__ = "whistle_call"
    __table_args__ = (
        UniqueConstraint("whistle_id", "unit_id"),
        Index("ix_whistle_call_unit_id", "unit_id", "id"),
        Index("ix_whistle_call_case_id", "case_id"),
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
    metres_off: Mapped[int | None]
    helped: Mapped[bool | None]
    justified: Mapped[bool | None]
    ruling: Mapped[bool | None]

    whistle: Mapped[Whistle] = relationship(back_populates="calls")
    unit: Mapped[Unit] = relationship()
