"""Keeps what presses a late case: urgings, supervision orders, slip numbers, the supervisor's lists, progress meetings."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type
from app.ledger.models import Case
from app.ledger.vocabulary import Light, ListedFor, Listing, PressMode, SlipKind, SlipState, State
from app.territory.models import Unit


class SlipSeries(Base):
    """The last number of a kind of slip in a year; whoever takes the next one holds the row until the end, so none is lost."""

    __tablename__ = "slip_series"

    kind: Mapped[SlipKind] = mapped_column(enum_type(SlipKind), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Urging(Base):
    """A unit was urged to get on with a case (催办): by staff in a mode, to whom, how many person-times; or by the resident.

    A resident's urging has no mode, and its words stand in the timeline alone. What was said once about several cases counts
    once: `part_of_id` names the row that counts. A draft that a ladder made names its clock; it gets number and entry
    (`entry_seq`) when it is issued.
    """

    __tablename__ = "urging"
    __table_args__ = (
        CheckConstraint("by_resident = (mode IS NULL)", name="mode"),
        CheckConstraint("(state = 'draft') = (issued_at IS NULL AND discarded_at IS NULL)", name="draft"),
        CheckConstraint("person_times >= 0", name="person_times"),
        Index("uq_urging_draft", "case_id", "unit_id", unique=True, postgresql_where="state = 'draft'"),
        Index("ix_urging_drafted", "drafted_at", "id", postgresql_where="state = 'draft'"),
        Index("ix_urging_issued", "issued_at", "id", postgresql_where="issued_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    round: Mapped[int]
    by_resident: Mapped[bool] = mapped_column(default=False)
    mode: Mapped[PressMode | None] = mapped_column(enum_type(PressMode))
    state: Mapped[SlipState] = mapped_column(enum_type(SlipState))
    number: Mapped[str | None] = mapped_column(unique=True)
    words: Mapped[str | None]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    staff_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    others: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    person_times: Mapped[int]
    part_of_id: Mapped[int | None] = mapped_column(ForeignKey("urging.id"))
    by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    deadline_id: Mapped[int | None] = mapped_column(ForeignKey("deadline.id"))
    drafted_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    discarded_at: Mapped[datetime | None]
    entry_seq: Mapped[int | None]

    case: Mapped[Case] = relationship()
    unit: Mapped[Unit] = relationship()


class SupervisionOrder(Base):
    """A unit must answer for a case by a moment (督办); its answer is accepted, or the supervisor insists on more.

    One that a progress meeting decided names the meeting and has no mode: it goes out as an order slip (交办单). `reply_by` is
    the due moment of its newest clock; a decision without a date has none.
    """

    __tablename__ = "supervision_order"
    __table_args__ = (
        CheckConstraint("(meeting_id IS NULL) <> (mode IS NULL)", name="mode"),
        CheckConstraint("(state = 'draft') = (issued_at IS NULL AND discarded_at IS NULL)", name="draft"),
        CheckConstraint("person_times >= 0", name="person_times"),
        Index("uq_supervision_order_draft", "case_id", "unit_id", unique=True, postgresql_where="state = 'draft'"),
        Index("ix_supervision_order_drafted", "drafted_at", "id", postgresql_where="state = 'draft'"),
        Index("ix_supervision_order_issued", "issued_at", "id", postgresql_where="issued_at IS NOT NULL"),
        Index("ix_supervision_order_open", "issued_at", "id", postgresql_where="state IN ('issued', 'answered')"),
        Index("ix_supervision_order_meeting", "meeting_id", "id", postgresql_where="meeting_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    round: Mapped[int]
    mode: Mapped[PressMode | None] = mapped_column(enum_type(PressMode))
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("progress_meeting.id"))
    state: Mapped[SlipState] = mapped_column(enum_type(SlipState))
    number: Mapped[str | None] = mapped_column(unique=True)
    words: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    staff_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    others: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    person_times: Mapped[int]
    part_of_id: Mapped[int | None] = mapped_column(ForeignKey("supervision_order.id"))
    by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    drafted_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    discarded_at: Mapped[datetime | None]
    reply_by: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    answer_seq: Mapped[int | None]
    accepted_at: Mapped[datetime | None]
    insisted: Mapped[int] = mapped_column(default=0)
    entry_seq: Mapped[int | None]

    case: Mapped[Case] = relationship()
    unit: Mapped[Unit] = relationship()


class CaseListing(Base):
    """A case on a supervisor's list, because of which unit, and why.

    `settled_at` when somebody went there, or the unit was interviewed, or the case had ended.
    """

    __tablename__ = "case_listing"
    __table_args__ = (
        Index("uq_case_listing_open", "case_id", "listing", "unit_id", unique=True, postgresql_where="settled_at IS NULL"),
        Index("ix_case_listing_since", "listing", "since", "id", postgresql_where="settled_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    listing: Mapped[Listing] = mapped_column(enum_type(Listing))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    listed_for: Mapped[ListedFor] = mapped_column(enum_type(ListedFor))
    since: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()


class ProgressMeeting(Base):
    """A weekly progress meeting (周调度) of the county or a unit: when, led by whom, with whom."""

    __tablename__ = "progress_meeting"
    __table_args__ = (Index("ix_progress_meeting_unit_id", "unit_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    held_at: Mapped[datetime]
    chair: Mapped[str]
    participants: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    by_staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))

    unit: Mapped[Unit] = relationship()


class ProgressItem(Base):
    """A case on a meeting's agenda as it stood at that moment; it stays as it was when the case moves on."""

    __tablename__ = "progress_item"
    __table_args__ = (UniqueConstraint("meeting_id", "place"),)

    meeting_id: Mapped[int] = mapped_column(ForeignKey("progress_meeting.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True, index=True)
    place: Mapped[int]
    light: Mapped[Light] = mapped_column(enum_type(Light))
    state: Mapped[State] = mapped_column(enum_type(State))
    lead_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    due_at: Mapped[datetime | None]
    late_since: Mapped[datetime | None]

    case: Mapped[Case] = relationship()


Index(
    "ix_case_repeated",
    Case.id,
    postgresql_where=(Case.reworks + Case.reopenings > 0) & Case.closed_at.is_(None),
)
