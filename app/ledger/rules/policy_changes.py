"""Keeps who changed which rule of the county, when, and why: an append-only, hash-chained record of its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, event, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.chain import GENESIS, link
from app.core.crypto import keyring
from app.core.database import Base, db, enum_type
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.held import forget_all
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import ActorKind, Door, Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.vocabulary import Rule
from app.people.models import Staff

LOCK = 0x706F6C69
"""The key of the advisory lock under which the chain grows: one change at a time."""

EDITED = "rules_edited"
"""Key in `session.info`: this session has changed a rule, so what processes hold of the rules is stale once it is over."""

READERS = (Role.ADMINISTRATOR, Role.SUPERVISOR, Role.LEADER, Role.DATA_PROTECTION_OFFICER)


class RulesAreTheAdministrators(NotAllowed):
    """规则由县级管理员维护"""


class ReasonNeeded(Invalid):
    """请写明修改原因"""


class RuleChanged(Conflict):
    """这条规则刚刚有人改过，请刷新后再改"""

    status = 412


class PolicyChange(Base):
    """One change of a rule: what it was before and is after (NULL: nothing), by whom and why; linked to the change before it.

    `key` names the rule among those of its kind: a policy's or reason's code, a setting's name, a category's id, a day. By
    nobody: the county's own command line.
    """

    __tablename__ = "policy_change"
    __table_args__ = (Index("ix_policy_change_rule", "rule", "key", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    door: Mapped[Door] = mapped_column(enum_type(Door))
    rule: Mapped[Rule] = mapped_column(enum_type(Rule))
    key: Mapped[str]
    before: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str]
    link: Mapped[bytes]


@dataclass(frozen=True, kw_only=True)
class ChangeView:
    """A change as it is shown."""

    id: int
    at: datetime
    by: str | None
    door: Door
    rule: Rule
    key: str
    before: Any
    after: Any
    reason: str


def check_administrator(stamp: Stamp) -> None:
    """Raise RulesAreTheAdministrators unless the actor administers the county; the command line does."""
    actor = stamp.actor
    if actor.kind is not ActorKind.SYSTEM and catalogue().county_path not in actor.paths(Role.ADMINISTRATOR):
        raise RulesAreTheAdministrators


def check_reader(stamp: Stamp) -> None:
    """Raise RulesAreTheAdministrators unless the actor may read the county's rules."""
    if stamp.actor.kind is not ActorKind.SYSTEM and stamp.actor.holds(READERS) is None:
        raise RulesAreTheAdministrators("规则由管理员、督办员和领导查看")


def begin_change(stamp: Stamp, reason: str) -> None:
    """Begin a change: one at a time in the whole county, so that what is checked still holds when it is written.

    Raises RulesAreTheAdministrators, ReasonNeeded.
    """
    check_administrator(stamp)
    if not reason.strip():
        raise ReasonNeeded(errors={"reason": ["请写明修改原因"]})
    db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def check_version(rule: Rule, key: str, version: int | None) -> None:
    """Raise RuleChanged when a rule was changed since somebody saw it at `version` (None: they do not say)."""
    if version is not None and (now := versions_of(rule, [key]).get(key, 0)) != version:
        raise RuleChanged(version=now)


def versions_of(rule: Rule, keys: Sequence[str]) -> Mapping[str, int]:
    """Give how often each of some rules was changed; those that never were are left out."""
    counted = select(PolicyChange.key, func.count()).where(PolicyChange.rule == rule, PolicyChange.key.in_(keys))
    return dict(db.session.execute(counted.group_by(PolicyChange.key)).all())


def note_change(stamp: Stamp, rule: Rule, key: str, *, before: Any, after: Any, reason: str) -> PolicyChange:
    """Append a change that was begun; `before` and `after` are JSON values, None for nothing.

    What processes hold of the rules is forgotten now and when the transaction is over; others look again within half a minute.
    """
    db.session.flush()
    last = db.session.scalars(select(PolicyChange.link).order_by(PolicyChange.id.desc()).limit(1)).first() or GENESIS
    staff_id = stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None
    change = PolicyChange(
        at=stamp.at, staff_id=staff_id, door=stamp.door, rule=rule, key=key, before=before, after=after, reason=reason.strip()
    )
    change.link = link(keyring().audit, last, _record(change))
    db.session.add(change)
    db.session.flush()
    db.session.info[EDITED] = True
    forget_all()
    return change


@event.listens_for(db.session, "after_commit")
@event.listens_for(db.session, "after_rollback")
def _forget(session: Session) -> None:
    """Forget what another thread may have read again while the change was not committed, or what is rolled back."""
    if session.info.get(EDITED):
        forget_all()
        if not session.in_nested_transaction():
            del session.info[EDITED]


def _record(change: PolicyChange) -> dict[str, Any]:
    return {
        "at": change.at.astimezone(UTC),
        "staff": change.staff_id,
        "door": change.door,
        "rule": change.rule,
        "key": change.key,
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
    query = select(PolicyChange).order_by(PolicyChange.id).limit(chunk).execution_options(populate_existing=True)
    while rows := list(db.session.scalars(query.where(PolicyChange.id > last))):
        yield from rows
        last = rows[-1].id


def changes_page(
    stamp: Stamp, *, rule: Rule | None = None, key: str | None = None, cursor: str | None = None, limit: int = LIMIT
) -> Page[ChangeView]:
    """Give the changes, the newest first: of a kind of rule, of one rule of that kind. Raises RulesAreTheAdministrators."""
    check_reader(stamp)
    query = select(PolicyChange, Staff.name).outerjoin(Staff, Staff.id == PolicyChange.staff_id)
    if rule is not None:
        query = query.where(PolicyChange.rule == rule)
    if key is not None:
        query = query.where(PolicyChange.key == key)
    rows = db.session.execute(paged(query, key=[(PolicyChange.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].id])
    return Page([_view(change, name) for change, name in page.items], page.next_cursor)


def _view(change: PolicyChange, name: str | None) -> ChangeView:
    same = ("id", "at", "door", "rule", "key", "before", "after", "reason")
    return ChangeView(**{field: getattr(change, field) for field in same}, by=name)
