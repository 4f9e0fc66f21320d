"""Keeps what results are verified by: each result with its evidence and place, and what people saw or thought of it on the spot."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Double, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.ledger.vocabulary import Satisfaction, VerifyBy


class Result(Base):
    """A result that a lead has submitted: references to its evidence, where it was done, and the blind index of its reply.

    `files` is how many uploaded files its entry has. `distance_m` is how far the place lies from where the case is; None where
    either is not known. The words themselves stand in the entry. The newest row of a round is the one that is reviewed.
    """

    __tablename__ = "result"
    __table_args__ = (Index("ix_result_case_id", "case_id", "id"), Index("ix_result_reply_index", "reply_index", "case_id"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    round: Mapped[int]
    at: Mapped[datetime]
    reply_index: Mapped[bytes]
    evidence: Mapped[list[Any]]
    files: Mapped[int] = mapped_column(default=0)
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    distance_m: Mapped[float | None] = mapped_column(Double)


class Verification(Base):
    """A result verified by people: a grid worker's look on the spot (`solved`), or a representative's rating (`satisfaction`).

    The representative's name is sealed; the words stand in the entry.
    """

    __tablename__ = "verification"
    __table_args__ = (
        CheckConstraint("num_nonnulls(solved, satisfaction) = 1", name="one_word"),
        CheckConstraint("(satisfaction IS NULL) = (representative IS NULL)", name="named"),
        Index("ix_verification_case_id", "case_id", "round"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    round: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[VerifyBy] = mapped_column(enum_type(VerifyBy))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    solved: Mapped[bool | None]
    satisfaction: Mapped[Satisfaction | None] = mapped_column(enum_type(Satisfaction))
    representative: Mapped[bytes | None]
