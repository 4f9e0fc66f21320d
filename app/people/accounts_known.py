"""Keeps which account somebody on the roster signs in with: joined by a code that the village handed over, in person, once.

On the roster somebody is one resident, by WeChat another, for nobody has proved that they are the same. What the roster says of
who joined (volunteer, party member, grid, age) then holds for their account; no case or identity goes from one to the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import keyring
from app.core.database import Base, db, lock_rows
from app.core.errors import Conflict, NotFound
from app.core.stamp import Stamp
from app.people.identity import ResidentNotFound, masked, open_person
from app.people.models import Resident
from app.people.roster.scope import as_editor, find_resident

JOIN_WITHIN = timedelta(days=7)


class WrongAccountCode(NotFound):
    """身份登记码不正确或已失效，请联系村干部"""


class AccountJoinedBefore(Conflict):
    """这个账号已经登记过身份，需要更正请联系村干部"""


class RosterAccount(Base):
    """The account of somebody on the roster, or the code by which they may join it; only the code's blind index is kept."""

    __tablename__ = "roster_account"
    __table_args__ = (
        CheckConstraint("(resident_id IS NULL) = (joined_at IS NULL)", name="joined"),
        Index("ix_roster_account_resident_id", "resident_id", unique=True, postgresql_where="resident_id IS NOT NULL"),
    )

    roster_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True)
    code_index: Mapped[bytes] = mapped_column(unique=True)
    code_until: Mapped[datetime]
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    joined_at: Mapped[datetime | None]


@dataclass(frozen=True, kw_only=True)
class AccountCode:
    """The code (shown once) by which somebody joins their account, to be handed to them in person."""

    name: str | None
    code: str


def make_account_code(stamp: Stamp, resident_id: int, *, code: str) -> AccountCode:
    """Let a code join somebody of the roster within reach to their account; an account joined by an earlier one is let go.

    Raises RosterIsNotYoursToEdit, ResidentNotFound.
    """
    found = find_resident(as_editor(stamp), resident_id)
    if found.ended_at is not None:
        raise ResidentNotFound
    lock_rows(Resident, [found.id])
    account = db.session.get(RosterAccount, found.id)
    if account is None:
        account = RosterAccount(roster_id=found.id)
        db.session.add(account)
    account.code_index, account.code_until = _index(code), stamp.at + JOIN_WITHIN
    account.resident_id = account.joined_at = None
    db.session.flush()
    return AccountCode(name=masked(open_person(found.identity)).name, code=code)


def join_account(stamp: Stamp, code: str) -> None:
    """Join the signed-in account to whom a code was handed, once; raises WrongAccountCode, AccountJoinedBefore."""
    fit = (RosterAccount.code_until > stamp.at, RosterAccount.resident_id.is_(None), Resident.ended_at.is_(None))
    query = select(RosterAccount).join(Resident, Resident.id == RosterAccount.roster_id)
    query = query.where(RosterAccount.code_index == _index(code), *fit).with_for_update(of=RosterAccount)
    account = db.session.scalars(query).first()
    if account is None:
        raise WrongAccountCode
    assert stamp.actor.id is not None
    lock_rows(Resident, [stamp.actor.id])
    if on_roster(stamp.actor.id) != stamp.actor.id:
        raise AccountJoinedBefore
    account.resident_id, account.joined_at = stamp.actor.id, stamp.at
    db.session.flush()


def hand_account_over(resident_id: int, to: int) -> None:
    """Let the account that somebody of the roster joined be that of whom they are a duplicate of, who has joined none."""
    old, kept = db.session.get(RosterAccount, resident_id), db.session.get(RosterAccount, to)
    if old is None or old.resident_id is None or (kept is not None and kept.resident_id is not None):
        return
    if kept is not None:  # a code that nobody has used
        db.session.delete(kept)
        db.session.flush()
    db.session.execute(
        update(RosterAccount).where(RosterAccount.roster_id == resident_id).values(roster_id=to),
        execution_options={"synchronize_session": False},
    )
    db.session.expire(old)
    db.session.expunge(old)


def on_roster(account_id: int | None) -> int | None:
    """Give the resident of the roster whose account this is; the account's own where nobody joined it."""
    query = select(RosterAccount.roster_id).join(Resident, Resident.id == RosterAccount.roster_id)
    query = query.where(RosterAccount.resident_id == account_id, Resident.ended_at.is_(None))
    return db.session.scalar(query) or account_id


def accounts_of(residents: Iterable[int]) -> list[int]:
    """Give some residents in order, each as the account that they joined, where they did."""
    ids = list(residents)
    query = select(RosterAccount.roster_id, RosterAccount.resident_id).where(RosterAccount.roster_id.in_(ids))
    joined = {row.roster_id: row.resident_id for row in db.session.execute(query) if row.resident_id is not None}
    return [joined.get(each, each) for each in ids]


def _index(code: str) -> bytes:
    return keyring().blind(code, field="account_code")
