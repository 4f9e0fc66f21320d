"""Keeps proxy filings: who filed for whom, the consent that the person gave, and the codes by which consent is texted."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type


class ConsentBy(StrEnum):
    """How a person consented to being filed for."""

    SIGNATURE = "signature"
    SMS_CODE = "sms_code"
    SPOKEN = "spoken"


class ConsentCode(Base):
    """A code texted to a person so that they may consent by telling it: bound to one filer, one phone and one matter's title.

    Only its hash is kept. Right once (`proved_at`), it serves one filing.
    """

    __tablename__ = "consent_code"
    __table_args__ = (CheckConstraint("tries >= 0", name="tries"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    phone_index: Mapped[bytes]
    title: Mapped[str]
    code_hash: Mapped[bytes]
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    proved_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class Consent(Base):
    """The recorded consent of a resident to one filing; spoken consent names a witness, whose name and phone are sealed."""

    __tablename__ = "consent"
    __table_args__ = (CheckConstraint("method <> 'spoken' OR witness IS NOT NULL", name="witness"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    method: Mapped[ConsentBy] = mapped_column(enum_type(ConsentBy))
    witness: Mapped[bytes | None]
    witness_phone: Mapped[bytes | None]
    code_id: Mapped[int | None] = mapped_column(ForeignKey("consent_code.id"), unique=True)
    evidence: Mapped[str | None]
    given_at: Mapped[datetime]


class ProxyFiling(Base):
    """A filing by a cadre or grid worker for a resident who cannot file; `reason` where the filer's roster does not have them.

    `person_elsewhere`: the roster of another village has the person; for who watches over filings, never told to the filer.
    `reachable`: the person has a phone or an account, so that notices reach them; else they are told on paper, at
    `handed_over_at`. `home_request_id`: what somebody came home for.
    """

    __tablename__ = "proxy_filing"
    __table_args__ = (
        Index("ix_proxy_filing_staff_id", "staff_id", "id"),
        Index("ix_proxy_filing_untold", "staff_id", "id", postgresql_where="NOT reachable AND handed_over_at IS NULL"),
        Index("ix_proxy_filing_elsewhere", "id", postgresql_where="person_elsewhere"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    consent_id: Mapped[int] = mapped_column(ForeignKey("consent.id"))
    report_id: Mapped[int] = mapped_column(ForeignKey("report.id"), unique=True)
    home_request_id: Mapped[int | None] = mapped_column(ForeignKey("home_request.id"), index=True)
    reason: Mapped[str | None]
    filed_at: Mapped[datetime]
    reachable: Mapped[bool]
    person_elsewhere: Mapped[bool] = mapped_column(default=False, server_default="false")
    handed_over_at: Mapped[datetime | None]
