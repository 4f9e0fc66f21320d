"""Keeps the clocks: deadlines, the levels of their ladders that were reached, and the versioned policies that set them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.ledger.terms import HoursKind
from app.ledger.terms import Unit as TermUnit
from app.ledger.vocabulary import Clock, Kind, Subject


class DeadlinePolicy(Base):
    """How long a clock runs and what its ladder does. No row is ever changed: a change is a new version.

    The newest version that has begun (`effective_from`, NULL: from the beginning) holds for clocks that start then; one that is
    not `active` ends the policy. A running clock keeps the version with which it started. `change_id` is the record of who
    published it and why; the product's own versions have none.
    """

    __tablename__ = "deadline_policy"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str]
    version: Mapped[int]
    clock: Mapped[Clock] = mapped_column(enum_type(Clock))
    urgent: Mapped[bool | None]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    kind: Mapped[Kind | None] = mapped_column(enum_type(Kind))
    amount: Mapped[int]
    unit: Mapped[TermUnit] = mapped_column(enum_type(TermUnit))
    hours: Mapped[HoursKind] = mapped_column(enum_type(HoursKind))
    ladder: Mapped[list[Any]]
    active: Mapped[bool] = mapped_column(default=True)
    effective_from: Mapped[datetime | None]
    change_id: Mapped[int | None] = mapped_column(ForeignKey("policy_change.id"))


class Deadline(Base):
    """One clock, fixed when it starts. Open while neither met nor cancelled; `next_check_at` is what the sweep reads.

    `paused_at` and `remainder` (counted time of its own unit) are set while it stands still;
    `resumed_at` and `resumed_with` tell from where and with how much it went on. One that was due before it stood still keeps
    its due moment: `stood` tells from when until when, by turns, so that its ladder counts on. `error` sets a poisoned row aside.
    `term_unit` and `term_hours` are set where its whole term was given (a service item's), not only an amount.
    `given`: its due moment was set by somebody, not counted by the policy. A new version names the one before it in
    `supersedes_id`, and that one is cancelled.
    """

    __tablename__ = "deadline"
    __table_args__ = (
        Index(
            "ix_deadline_next_check_at",
            "next_check_at",
            "id",
            postgresql_where="met_at IS NULL AND cancelled_at IS NULL AND next_check_at IS NOT NULL",
        ),
        Index(
            "ix_deadline_late",
            "breached_at",
            "id",
            postgresql_where="breached_at IS NOT NULL AND met_at IS NULL AND cancelled_at IS NULL",
        ),
        Index(
            "ix_deadline_due",
            "due_at",
            "id",
            postgresql_where="met_at IS NULL AND cancelled_at IS NULL AND paused_at IS NULL AND case_id IS NOT NULL",
        ),
        Index(
            "ix_deadline_owner",
            "owner_staff_id",
            "case_id",
            postgresql_where="owner_staff_id IS NOT NULL AND met_at IS NULL AND cancelled_at IS NULL",
        ),
        Index(
            "ix_deadline_breached",
            "case_id",
            "clock",
            postgresql_where="breached_at IS NOT NULL AND clock IN ('resolve', 'overall')",
        ),
        Index(
            "ix_deadline_callback",
            "met_at",
            "case_id",
            "round",
            "starts_at",
            postgresql_where="clock = 'callback' AND cancelled_at IS NULL",
        ),
        Index("ix_deadline_arrive", "starts_at", "id", postgresql_where="clock = 'arrive'"),
        Index("ix_deadline_subject", "subject", "subject_id"),
        Index("ix_deadline_case_id", "case_id"),
        Index(
            "ix_deadline_starts_at",
            "starts_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 32, "autosummarize": True},
        ),
        Index("ix_deadline_error", "id", postgresql_where="error IS NOT NULL"),
        Index("ix_deadline_provisional", "due_at", postgresql_where="provisional AND met_at IS NULL AND cancelled_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    clock: Mapped[Clock] = mapped_column(enum_type(Clock))
    subject: Mapped[Subject] = mapped_column(enum_type(Subject))
    subject_id: Mapped[int]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    round: Mapped[int] = mapped_column(default=1)
    owner_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    owner_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    label: Mapped[str]
    policy_id: Mapped[int] = mapped_column(ForeignKey("deadline_policy.id"))
    amount: Mapped[int]
    term_unit: Mapped[TermUnit | None] = mapped_column(enum_type(TermUnit, "term_unit"))
    term_hours: Mapped[HoursKind | None] = mapped_column(enum_type(HoursKind, "term_hours"))
    starts_at: Mapped[datetime]
    warn_at: Mapped[datetime]
    due_at: Mapped[datetime]
    provisional: Mapped[bool] = mapped_column(default=False)
    given: Mapped[bool] = mapped_column(default=False, server_default="false")
    next_check_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    remainder: Mapped[timedelta | None]
    resumed_at: Mapped[datetime | None]
    resumed_with: Mapped[timedelta | None]
    stood: Mapped[list[datetime] | None] = mapped_column(ARRAY(DateTime(timezone=True)))
    met_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    level: Mapped[int] = mapped_column(default=0)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("deadline.id"))
    error: Mapped[str | None]


class DeadlineLevel(Base):
    """A level of a clock's ladder that was reached: each once, told or only written."""

    __tablename__ = "deadline_level"
    __table_args__ = (UniqueConstraint("deadline_id", "level"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    deadline_id: Mapped[int] = mapped_column(ForeignKey("deadline.id"))
    level: Mapped[int]
    at: Mapped[datetime]
    told: Mapped[bool]
