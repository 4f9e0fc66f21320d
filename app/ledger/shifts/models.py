"""Keeps what leave moved from whom to whom, and the signatures by which one shift took over from another."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.ledger.vocabulary import Clock, Subject


class LeaveMove(Base):
    """One thing that a leave moved: a clock of a subject, or (`clock` NULL) the handling of an assignment.

    It speaks of the kind of clock, so that a new version of it goes back too. `returned_at` once the leave gave it back, or
    found that it was over or somebody else's by then.
    """

    __tablename__ = "leave_move"
    __table_args__ = (Index("ix_leave_move_open", "leave_id", "case_id", postgresql_where="returned_at IS NULL"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    leave_id: Mapped[int] = mapped_column(ForeignKey("leave.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    subject: Mapped[Subject] = mapped_column(enum_type(Subject))
    subject_id: Mapped[int]
    clock: Mapped[Clock | None] = mapped_column(enum_type(Clock))
    to_staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    returned_at: Mapped[datetime | None]


class ShiftHandOver(Base):
    """A shift taken over: by whom, when, with which remark, and the figures of the list as it was then. Never changed."""

    __tablename__ = "shift_hand_over"
    __table_args__ = (Index("ix_shift_hand_over_unit_id", "unit_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
    remark: Mapped[str | None]
    figures: Mapped[dict[str, Any]]
