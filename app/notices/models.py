"""Keeps the outbox: what is to be told to whom, from the transaction that decided it until it was sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type


class NoticeState(StrEnum):
    """Where a notice stands; `dead` waits for an administrator, `dropped` is not to be told any more."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"


class Recipient(StrEnum):
    """What kind of recipient an id names; the address is looked up at sending."""

    RESIDENT = "resident"
    STAFF = "staff"


class Notice(Base):
    """One message to one recipient: a template and its parameters (no identity data), sent at least once by key.

    One marked `digest` waits for the next digest and travels in one message with its recipient's others. `about` names what it
    speaks of (`visit_task:17`), where that may end before it is told.
    """

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_next_attempt_at", "next_attempt_at", postgresql_where="state IN ('pending', 'leased')"),
        Index("ix_notice_dead", "id", postgresql_where="state = 'dead'"),
        Index("ix_notice_recipient", "recipient", "recipient_id", "id"),
        Index("ix_notice_about", "about", postgresql_where="about IS NOT NULL AND state IN ('pending', 'leased', 'dead')"),
        CheckConstraint("attempts >= 0", name="attempts"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    recipient: Mapped[Recipient] = mapped_column(enum_type(Recipient))
    recipient_id: Mapped[int]
    template: Mapped[str]
    params: Mapped[dict[str, Any]]
    case_id: Mapped[int | None] = mapped_column(index=True)
    about: Mapped[str | None]
    digest: Mapped[bool] = mapped_column(default=False)
    state: Mapped[NoticeState] = mapped_column(enum_type(NoticeState), default=NoticeState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    lease: Mapped[str | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
