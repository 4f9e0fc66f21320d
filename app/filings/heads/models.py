"""Keeps the tables of household heads' work: what they log for their group, and which account a head signs in with."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type
from app.people.roster.models import GroupHead
from app.territory.models import Household, HouseholdGroup


class HeadDid(StrEnum):
    """What a head did for a household of their group."""

    VISIT = "visit"
    NEED = "need"
    HELP = "help"
    SUGGESTION = "suggestion"


class HeadLog(Base):
    """One thing that a head did for their group: in whose household, in which words; a need or suggestion is a report.

    `head_id` is the head as named, so that what was logged stays theirs when they are not head any more.
    """

    __tablename__ = "head_log"
    __table_args__ = (
        CheckConstraint("what = 'suggestion' OR household_id IS NOT NULL", name="household"),
        CheckConstraint("(what IN ('need', 'suggestion')) = (report_id IS NOT NULL)", name="report"),
        Index("ix_head_log_group_id", "group_id", "what", "at"),
        Index("ix_head_log_head_id", "head_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("household_group.id"))
    head_id: Mapped[int] = mapped_column(ForeignKey("group_head.id"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"))
    what: Mapped[HeadDid] = mapped_column(enum_type(HeadDid))
    words: Mapped[str]
    report_id: Mapped[int | None] = mapped_column(ForeignKey("report.id"), unique=True)
    at: Mapped[datetime]
    group: Mapped[HouseholdGroup] = relationship()
    household: Mapped[Household | None] = relationship()


class HeadAccount(Base):
    """The account with which a head of a group signs in: joined by a code that the cadre handed to them, once.

    On the roster somebody is one resident, by WeChat another, for nobody has proved that they are the same.
    """

    __tablename__ = "head_account"
    __table_args__ = (
        CheckConstraint("(resident_id IS NULL) = (joined_at IS NULL)", name="joined"),
        Index("ix_head_account_resident_id", "resident_id", postgresql_where="resident_id IS NOT NULL"),
    )

    head_id: Mapped[int] = mapped_column(ForeignKey("group_head.id"), primary_key=True)
    code_index: Mapped[bytes] = mapped_column(unique=True)
    code_until: Mapped[datetime]
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    joined_at: Mapped[datetime | None]
    head: Mapped[GroupHead] = relationship()
