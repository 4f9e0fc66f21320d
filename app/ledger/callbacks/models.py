"""Keeps what was said in call-backs and ratings: the person's word beside the unit's."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.ledger.vocabulary import CallbackBy, Satisfaction


class Callback(Base):
    """One call-back attempt or rating: the person's word beside the unit's word, which stands on the case.

    `report_id` names whose word it is where a case holds several reports; upstream's own call-back is a third word.
    """

    __tablename__ = "callback"
    __table_args__ = (
        Index(
            "ix_callback_heard",
            "at",
            "case_id",
            "round",
            postgresql_include=["contacted", "solved", "satisfaction", "report_id"],
            postgresql_where="reached AND by <> 'upstream'",
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("report.id"))
    round: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[CallbackBy] = mapped_column(enum_type(CallbackBy))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reached: Mapped[bool]
    contacted: Mapped[bool | None]
    solved: Mapped[bool | None]
    satisfaction: Mapped[Satisfaction | None] = mapped_column(enum_type(Satisfaction))
    attitude: Mapped[int | None]
    competence: Mapped[int | None]
    convenience: Mapped[int | None]
    speed: Mapped[int | None]
