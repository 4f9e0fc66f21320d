"""Keeps what phones need to catch up: which row of which grid changed in which transaction, and which of their items came."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type


class SyncedKind(StrEnum):
    """What a phone keeps of its grids."""

    HOUSEHOLD = "household"
    RESIDENT = "resident"
    TASK = "task"
    CASE = "case"


class SyncChange(Base):
    """That a row of a grid changed in a transaction, in which it is now or from which it went; written by triggers.

    It says where to look, never what is there: a phone gets the row as it may see it when it asks, or that it is gone.
    """

    __tablename__ = "sync_change"

    grid_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    changed_in: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[SyncedKind] = mapped_column(enum_type(SyncedKind), primary_key=True)
    row_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class SyncTold(Base):
    """That somebody's phone was told of a case: only then does it hear that the case is gone.

    That there is a case in their grid which they may not see, against them perhaps, is never told, not even by its going.
    """

    __tablename__ = "sync_told"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True)


class SyncEpoch(Base):
    """Which database the changes were counted in, in its one row; a restored one counts anew (`counting`), up to a grid so far.

    Transactions before `thinned_to` have been looked through for repeats. Of those before `forgotten_to` the changes of rows that
    are gone have been forgotten; whoever last had everything before `anew_before` may have missed such a one.
    """

    __tablename__ = "sync_epoch"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[str]
    counting: Mapped[str | None]
    counted_to: Mapped[int] = mapped_column(default=0, server_default="0")
    thinned_to: Mapped[int] = mapped_column(default=0, server_default="0")
    forgotten_to: Mapped[int] = mapped_column(default=0, server_default="0")
    anew_before: Mapped[int] = mapped_column(default=0, server_default="0")


class SyncMark(Base):
    """Which transaction was the oldest that still ran at some moment: all before it were over then."""

    __tablename__ = "sync_mark"

    at: Mapped[datetime] = mapped_column(primary_key=True)
    horizon: Mapped[int]


class SyncItem(Base):
    """An item of a phone that was done, by its own key: of its content the blind index, and for some days its sealed answer.

    `row_id` is what it made or changed, so that later items may name it by key. `phone_at`: the time on the phone when it was
    written down; `clock_off`: by how many seconds the phone was ahead of us when it sent it.
    """

    __tablename__ = "sync_item"
    __table_args__ = (
        UniqueConstraint("staff_id", "key"),
        Index("ix_sync_item_answered", "at", postgresql_where="sealed IS NOT NULL"),
        Index("ix_sync_item_at", "at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    key: Mapped[UUID]
    kind: Mapped[str]
    content: Mapped[bytes]
    row_id: Mapped[int | None]
    sealed: Mapped[bytes | None]
    phone_at: Mapped[datetime]
    clock_off: Mapped[int]
    at: Mapped[datetime]
