"""Keeps proxy filings: who filed for whom, and the consent that the person gave."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type


class ConsentBy(StrEnum):
    """How a person consented to being filed for."""

    SIGNATURE = "signature"
    SMS_CODE = "sms_code"
    SPOKEN = "spoken"


class Consent(Base):
    """The recorded consent of a resident to one filing; spoken consent names a witness, whose name is sealed."""

    __tablename__ = "consent"
    __table_args__ = (CheckConstraint("method <> 'spoken' OR witness IS NOT NULL", name="witness"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    method: Mapped[ConsentBy] = mapped_column(enum_type(ConsentBy))
    witness: Mapped[bytes | None]
    evidence: Mapped[str | None]
    given_at: Mapped[datetime]


class ProxyFiling(Base):
    """A filing by a cadre or grid worker for a resident who cannot file; `reason` where the person lives elsewhere."""

    __tablename__ = "proxy_filing"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    consent_id: Mapped[int] = mapped_column(ForeignKey("consent.id"))
    report_id: Mapped[int] = mapped_column(ForeignKey("report.id"), unique=True)
    reason: Mapped[str | None]
    filed_at: Mapped[datetime]
