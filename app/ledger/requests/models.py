"""Keeps requests: what somebody asks about a case, and what was decided."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.ledger.vocabulary import RequestKind, RequestState


class Request(Base):
    """Something asked of a case that somebody else decides; `details` holds what its kind needs (units, amount, review date).

    Asked by a member of staff, or by a resident who wants to withdraw. `assignment_id` is the part that it speaks of,
    `entry_seq` the entry with which it was asked, whose words say why.
    `to_upstream`: the matter goes back to the upstream platform, which signs for it at `signed_at`.
    """

    __tablename__ = "request"
    __table_args__ = (
        Index("uq_request_pending", "case_id", "kind", unique=True, postgresql_where="state = 'pending'"),
        CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="another_decides"),
        CheckConstraint("num_nonnulls(asked_by, asked_by_resident) = 1", name="one_asker"),
        Index("ix_request_unsigned", "id", postgresql_where="to_upstream AND state = 'approved' AND signed_at IS NULL"),
        Index("ix_request_returned", "decided_at", postgresql_where="kind = 'return' AND state = 'approved'"),
        Index("ix_request_awaited", "kind", "id", postgresql_where="state = 'pending'"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    kind: Mapped[RequestKind] = mapped_column(enum_type(RequestKind))
    state: Mapped[RequestState] = mapped_column(enum_type(RequestState), default=RequestState.PENDING)
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    reason_code: Mapped[str | None] = mapped_column(ForeignKey("reason.code"))
    reply: Mapped[str | None]
    redirect_to: Mapped[str | None]
    to_upstream: Mapped[bool] = mapped_column(server_default="false")
    signed_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    entry_seq: Mapped[int | None]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    asked_by_resident: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    asked_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
