"""Keeps visit logs: who was visited, what was found, and the needs that became cases or were answered on the spot."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type


class VisitOutcome(StrEnum):
    """How a visit went."""

    MET = "met"
    PHONE = "phone"
    NOBODY_HOME = "nobody_home"
    WORKING_AWAY = "working_away"
    VACANT = "vacant"
    REFUSED = "refused"
    MOVED = "moved"
    DECEASED = "deceased"


class Visit(Base):
    """One household visit by a grid worker; `key` is the UUID made by the phone, `phone_at` the time on the phone."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_grid", "grid_id", "visited_at"), Index("ix_visit_staff", "staff_id", "id"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[UUID] = mapped_column(unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"), index=True)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    outcome: Mapped[VisitOutcome] = mapped_column(enum_type(VisitOutcome))
    visited_at: Mapped[datetime]
    phone_at: Mapped[datetime]
    received_at: Mapped[datetime]
    findings: Mapped[str | None]
    needs: Mapped[list["VisitNeed"]] = relationship(back_populates="visit", order_by="VisitNeed.place")


class VisitNeed(Base):
    """One need heard at a visit, and the case it became."""

    __tablename__ = "visit_need"
    __table_args__ = (UniqueConstraint("visit_id", "place"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    place: Mapped[int]
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    answered: Mapped[bool]
    visit: Mapped[Visit] = relationship(back_populates="needs")
