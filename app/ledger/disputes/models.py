"""Keeps the table of disputed consents."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class ConsentDispute(Base):
    """That the person of a proxy filing says they gave no consent; `upheld` is a supervisor's finding.

    `staff_id` is who filed: while the dispute is open or upheld they do nothing more on the case. `resident_id` is who said so,
    None where it was said by claim code. What was said stands in the entries. `case_id` is where it was said: a merge takes the
    report elsewhere, so that who asks goes by the report.
    """

    __tablename__ = "consent_dispute"
    __table_args__ = (
        CheckConstraint("num_nonnulls(ruled_at, ruled_by, upheld) IN (0, 3)", name="ruling"),
        Index("ix_consent_dispute_open", "id", postgresql_where="ruled_at IS NULL"),
        Index("ix_consent_dispute_case_id", "case_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    report_id: Mapped[int] = mapped_column(ForeignKey("report.id"), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    at: Mapped[datetime]
    ruled_at: Mapped[datetime | None]
    ruled_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    upheld: Mapped[bool | None]
