"""Keeps village talks: where and when one was held, its minutes, and the cases that came of what was said."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base
from app.ledger.models import Case
from app.people.models import Staff
from app.territory.models import Unit


class VillageTalk(Base):
    """An evening on which a village said what it has to say, written down by a cadre or grid worker."""

    __tablename__ = "village_talk"
    __table_args__ = (
        CheckConstraint("attendants > 0", name="attendants"),
        Index("ix_village_talk_unit_id", "unit_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    held_on: Mapped[date]
    place: Mapped[str]
    chair: Mapped[str]
    attendants: Mapped[int]
    minutes: Mapped[str | None]
    written_at: Mapped[datetime]

    unit: Mapped[Unit] = relationship()
    staff: Mapped[Staff] = relationship()
    items: Mapped[list["TalkItem"]] = relationship(back_populates="talk", order_by="TalkItem.place")


class TalkItem(Base):
    """One thing said at a talk, and the case it became; `answered` where it was settled there and then."""

    __tablename__ = "talk_item"
    __table_args__ = (UniqueConstraint("talk_id", "place"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    talk_id: Mapped[int] = mapped_column(ForeignKey("village_talk.id"))
    place: Mapped[int]
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    answered: Mapped[bool]

    talk: Mapped[VillageTalk] = relationship(back_populates="items")
    case: Mapped[Case] = relationship()
