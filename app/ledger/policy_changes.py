"""Keeps who changed which rule of the county, when, and why: an append-only, hash-chained record of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.chain import GENESIS, link
from app.core.crypto import keyring
from app.core.database import Base, db
from app.core.errors import Invalid, NotAllowed
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.people.models import Staff

LOCK = 0x706F6C69
"""The key of the advisory lock under which the chain grows: one change at a time."""


class RulesAreTheAdministrators(NotAllowed):
    """规则由县级管理员维护"""


class ReasonNeeded(Invalid):
    """请写明修改原因"""


class PolicyChange(Base):
    """One change of a rule: what it was before and is after, by whom and why; linked to the change before it."""

    __tablename__ = "policy_change"
    __table_args__ = (Index("ix_policy_change_what", "what", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    what: Mapped[str]
    before: Mapped[Any] = mapped_column(type_=Base.registry.type_annotation_map[dict[str, Any]], nullable=True)
    after: Mapped[Any] = mapped_column(type_=Base.registry.type_annotation_map[dict[str, Any]], nullable=True)
    reason: Mapped[str]
    link: Mapped[bytes]


@dataclass(frozen=True, kw_only=True)
class ChangeView:
    """A change as it is shown."""

    id: int
    at: datetime
    by: str | None
    what: str
    before: Any
    after: Any
    reason: str


READERS = (Role.ADMINISTRATOR, Role.SUPERVISOR, Role.LEADER, Role.DATA_PROTECTION_OFFICER)


def check_administrator(stamp: Stamp) -> None:
    """Raise RulesAreTheAdministrators unless the actor administers the county."""
    if catalogue().county_path not in stamp.actor.paths(Role.ADMINISTRATOR):
        raise RulesAreTheAdministrators


def check_reader(stamp: Stamp) -> None:
    """Raise RulesAreTheAdministrators unless the actor may read the county's rules."""
    if stamp.actor.holds(READERS) is None:
        raise RulesAreTheAdministrators("规则由管理员、督办员和领导查看")


def note_change(stamp: Stamp, what: str, *, before: Any, after: Any, reason: str) -> PolicyChange:
    """Append a change; `before` and `after` are JSON values, None for nothing. Raises ReasonNeeded."""
    if not reason.strip():
        raise ReasonNeeded(errors={"reason": ["请写明修改原因"]})
    db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    last = db.session.scalars(select(PolicyChange.link).order_by(PolicyChange.id.desc()).limit(1)).first() or GENESIS
    change = PolicyChange(at=stamp.at, staff_id=stamp.actor.id, what=what, before=before, after=after, reason=reason)
    change.link = link(keyring().audit, last, _record(change))
    db.session.add(change)
    db.session.flush()
    return change


def _record(change: PolicyChange) -> dict[str, Any]:
    return {
        "at": change.at.astimezone(UTC),
        "staff": change.staff_id,
        "what": change.what,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
    }


def broken_change() -> int | None:
    """Give the id of the first change whose link does not hold; None when all do."""
    before = GENESIS
    for change in _changes():
        if link(keyring().audit, before, _record(change)) != change.link:
            return change.id
        before = change.link
    return None


def _changes(chunk: int = 500) -> Iterator[PolicyChange]:
    last = 0
    while rows := list(
        db.session.scalars(select(PolicyChange).where(PolicyChange.id > last).order_by(PolicyChange.id).limit(chunk))
    ):
        yield from rows
        last = rows[-1].id


def changes_page(stamp: Stamp, *, what: str | None = None, cursor: str | None = None, limit: int = LIMIT) -> Page[ChangeView]:
    """Give the changes, the newest first; `what` begins the name of the thing changed."""
    check_reader(stamp)
    query = select(PolicyChange, Staff.name).outerjoin(Staff, Staff.id == PolicyChange.staff_id)
    if what is not None:
        query = query.where(PolicyChange.what.startswith(what, autoescape=True))
    rows = db.session.execute(paged(query, key=[(PolicyChange.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].id])
    return Page([_view(change, name) for change, name in page.items], page.next_cursor)


def _view(change: PolicyChange, name: str | None) -> ChangeView:
    same = ("id", "at", "what", "before", "after", "reason")
    return ChangeView(**{field: getattr(change, field) for field in same}, by=name)
