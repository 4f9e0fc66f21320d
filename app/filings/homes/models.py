"""Keeps the table of requests that somebody comes home (上门代办)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type


class HomeState(StrEnum):
    """Where a request that somebody comes home stands; what is declined goes on at the desk.

    `over`: before anybody came the case ended, or was answered or given to a unit.
    """

    WAITING = "waiting"
    TAKEN = "taken"
    VISITED = "visited"
    DECLINED = "declined"
    OVER = "over"


class HomeRequest(Base):
    """That somebody of the village is to come home: where and on which phone, sealed; who took it, when they mean to come.

    What is asked stands in the report of its case, which keeps clocks, notices and the answer.
    """

    __tablename__ = "home_request"
    __table_args__ = (
        CheckConstraint("(staff_id IS NULL) = (taken_at IS NULL)", name="taken"),
        Index("ix_home_request_unit_id", "unit_id", "id", postgresql_where="state IN ('waiting', 'taken')"),
        Index("ix_home_request_staff_id", "staff_id", "id", postgresql_where="staff_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    place: Mapped[bytes]
    phone: Mapped[bytes | None]
    wished_at: Mapped[datetime | None]
    asked_at: Mapped[datetime]
    take_by: Mapped[datetime]
    state: Mapped[HomeState] = mapped_column(enum_type(HomeState))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    taken_at: Mapped[datetime | None]
    come_by: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
