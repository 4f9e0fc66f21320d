"""Keeps people: staff with posts and grids, residents with their sealed identity, sessions, and who looked at whom."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, enum_type
from app.core.stamp import Role
from app.territory.models import Grid, Unit


class Staff(Base):
    """A member of staff, who signs in by login and password."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    posts: Mapped[list["StaffPost"]] = relationship(back_populates="staff", order_by="StaffPost.id")
    grids: Mapped[list["StaffGrid"]] = relationship(back_populates="staff")


class StaffPost(Base):
    """One role that a member of staff holds at one unit; it reaches the unit's subtree."""

    __tablename__ = "staff_post"
    __table_args__ = (UniqueConstraint("staff_id", "role", "unit_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    role: Mapped[Role] = mapped_column(enum_type(Role))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    staff: Mapped[Staff] = relationship(back_populates="posts")
    unit: Mapped[Unit] = relationship()


class StaffGrid(Base):
    """A grid that a grid worker looks after."""

    __tablename__ = "staff_grid"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), primary_key=True, index=True)
    staff: Mapped[Staff] = relationship(back_populates="grids")
    grid: Mapped[Grid] = relationship()


class StaffGridPast(Base):
    """A grid that a grid worker looked after until a moment; a trigger writes it, whichever way the grid was taken from them."""

    __tablename__ = "staff_grid_past"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), primary_key=True)
    until: Mapped[datetime]


class Sex(StrEnum):
    """Women and men."""

    FEMALE = "female"
    MALE = "male"


class EndedBy(StrEnum):
    """Why a resident is not on the roster any more."""

    DECEASED = "deceased"
    MOVED_AWAY = "moved_away"
    DUPLICATE = "duplicate"


class Resident(Base):
    """A resident; every field that says who it is stands sealed in `resident_identity`. Ended, never deleted.

    Whoever has a household is on the roster. `relation` is to the household's head, in the roster's own words; `birth_month` is
    the first day of the month, which is as near as ages need. `version` counts changes, those of the identity too. A duplicate
    names the resident that it was merged into.
    """

    __tablename__ = "resident"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        CheckConstraint("merged_into_id IS NULL OR ended_by = 'duplicate'", name="merged"),
        Index("ix_resident_birth_month", "birth_month", postgresql_where="ended_at IS NULL AND household_id IS NOT NULL"),
        Index("ix_resident_merged_into_id", "merged_into_id", postgresql_where="merged_into_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"), index=True)
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"), index=True)
    sex: Mapped[Sex | None] = mapped_column(enum_type(Sex))
    birth_month: Mapped[date | None]
    relation: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[EndedBy | None] = mapped_column(enum_type(EndedBy))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    identity: Mapped["ResidentIdentity | None"] = relationship(back_populates="resident")


class ResidentIdentity(Base):
    """The sealed part of a resident; name, phone and ID number are found by blind index, each as a whole."""

    __tablename__ = "resident_identity"
    __table_args__ = (
        Index("ix_resident_identity_to_index", "resident_id", postgresql_where="name IS NOT NULL AND name_index IS NULL"),
    )

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True)
    name: Mapped[bytes | None]
    name_index: Mapped[bytes | None] = mapped_column(index=True)
    phone: Mapped[bytes | None]
    phone_index: Mapped[bytes | None] = mapped_column(index=True)
    id_number: Mapped[bytes | None]
    id_number_index: Mapped[bytes | None] = mapped_column(index=True)
    resident: Mapped[Resident] = relationship(back_populates="identity")


class WechatAccount(Base):
    """A WeChat identity, keyed by (appid, openid), bound to one resident; the openid is sealed and found by blind index."""

    __tablename__ = "wechat_account"
    __table_args__ = (UniqueConstraint("appid", "openid_index"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    appid: Mapped[str]
    openid: Mapped[bytes]
    openid_index: Mapped[bytes]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    created_at: Mapped[datetime]


class SourceAccount(Base):
    """A resident as another system knows them: found again by the blind index of that system's name for them."""

    __tablename__ = "source_account"

    source: Mapped[str] = mapped_column(primary_key=True)
    user_index: Mapped[bytes] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)


class Principal(StrEnum):
    """Who a session belongs to."""

    RESIDENT = "resident"
    STAFF = "staff"


class Session(Base):
    """A signed-in session; only the token's hash is stored. It ends when idle, at its absolute end, or when revoked."""

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    principal: Mapped[Principal] = mapped_column(enum_type(Principal))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    door: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class IdentityAccess(Base):
    """Who looked at whose identity, when and why; hash-chained like the ledger.

    A list that went out is one record: no single resident, but its `scope` in words and the `count` of residents in it. Who
    looked is staff, or a resident (`looker_id`) who serves another as a volunteer.
    """

    __tablename__ = "identity_access"
    __table_args__ = (
        CheckConstraint("(resident_id IS NULL) = (scope IS NOT NULL) AND (scope IS NULL) = (count IS NULL)", name="one_or_many"),
        CheckConstraint("num_nonnulls(staff_id, looker_id) = 1", name="one_looker"),
        Index("ix_identity_access_looker_id", "looker_id", "at", postgresql_where="looker_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    looker_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    scope: Mapped[str | None]
    count: Mapped[int | None]
    fields: Mapped[str]
    reason: Mapped[str]
    link: Mapped[bytes]
