"""Keeps what merging stores: the texts by which cases are found again, how common each gram is, every merge with its undoing."""

from datetime import datetime
from typing import Any

from sqlalchemy import REAL, BigInteger, CheckConstraint, Double, ForeignKey, Identity, Index, Integer
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.ledger.vocabulary import State


class CaseText(Base):
    """The grams of a case that is open or was closed lately, and the square of some 500 m in which its point lies.

    `figures` stands for the figures of the text: equal in who says the same thing again. Written at intake; a job adds what
    is missing and takes out what ended long ago, so that the index is as large as the open ledger.
    """

    __tablename__ = "case_text"
    __table_args__ = (
        Index("ix_case_text_grams", "grams", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index("ix_case_text_square", "square", "case_id", postgresql_where="square IS NOT NULL"),
    )

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True, autoincrement=False)
    grams: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    figures: Mapped[int] = mapped_column(Integer)
    square: Mapped[int | None] = mapped_column(Integer)
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)


class GramShares(Base):
    """In which share of the texts each gram stands, one row made anew by a job; rarer grams than `least` are left out."""

    __tablename__ = "gram_shares"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    cases: Mapped[int]
    least: Mapped[float] = mapped_column(Double)
    grams: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    shares: Mapped[list[float]] = mapped_column(ARRAY(REAL))


class Merge(Base):
    """One merge of a case into its survivor, with all that undoing it needs; undone once `undone_at` is set.

    `report_ids` were moved, `deadline_ids` cancelled, `request_ids` withdrawn, `assignment_ids` ended by it; `overall_id` is
    the version of the survivor's overall clock that it made. `brought` is what the merged case adds to the survivor's recusal
    and to whether it is anonymous, `own` what the survivor had before its first merge.
    """

    __tablename__ = "merge"
    __table_args__ = (
        Index("uq_merge_in_force", "merged_id", unique=True, postgresql_where="undone_at IS NULL"),
        Index("ix_merge_survivor_id", "survivor_id", postgresql_where="undone_at IS NULL"),
        Index("ix_merge_undone", "survivor_id", postgresql_where="undone_at IS NOT NULL"),
        CheckConstraint("merged_id <> survivor_id", name="two_cases"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    merged_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    survivor_id: Mapped[int] = mapped_column(ForeignKey("case.id"))
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    state_before: Mapped[State] = mapped_column(enum_type(State))
    triage: Mapped[bool]
    report_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    deadline_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    request_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    assignment_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    overall_id: Mapped[int | None] = mapped_column(ForeignKey("deadline.id"))
    brought: Mapped[dict[str, Any]]
    own: Mapped[dict[str, Any]]
