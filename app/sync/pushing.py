"""Keeps how a phone's batch is taken in: item by item in its order, each once by its key, a bad one never to another's harm."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BigInteger, bindparam, select, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from app.core.bulk import insert_many
from app.core.crypto import keyring
from app.core.database import db, transaction
from app.core.errors import Conflict, Invalid, Refusal
from app.core.stamp import Stamp
from app.sync.models import SyncedKind, SyncItem

log = logging.getLogger("minhu.sync")

ITEMS_MOST = 200
REFERABLE = {"household": SyncedKind.HOUSEHOLD, "resident": SyncedKind.RESIDENT}
"""What an item may name by the key of the item that made it: `household_key` for `household_id`."""

AFTER = "after_key"
"""By this an item names, in place of `version`, an earlier one of the same phone on the same row: that is what it had seen."""


class SyncKeyReused(Conflict):
    """同一个编号已经用于另一条记录"""


class NotYetArrived(Invalid):
    """所依据的记录还没有收到，请稍后再传"""


class ChangedMeanwhile(Conflict):
    """数据刚刚被别人修改"""


class ValidationFailed(Invalid):
    """填写的内容有误"""


class ItemFailed(Invalid):
    """这一条暂时没能登记，请稍后再传"""


class Outcome(StrEnum):
    """What became of an item."""

    CREATED = "created"
    REPLAYED = "replayed"
    CONFLICT = "conflict"
    INVALID = "invalid"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """An item as the phone sent it; `phone_at`: the phone's time when it was written down, `sent_at` that of its sending."""

    key: UUID
    kind: str
    phone_at: datetime
    sent_at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Unreadable:
    """An item of which not even key and kind can be read."""

    key: str | None
    refusal: Invalid


@dataclass(frozen=True)
class Done:
    """What an item came to: the row that it made or changed, the answer, and whether it had been done before another way."""

    row_id: int | None
    answer: dict[str, Any]
    before: bool = False


@dataclass(frozen=True, kw_only=True)
class ItemKind:
    """A kind of item: how its body is read (raises Invalid), what is done, what we have where that is refused as a conflict.

    `makes`: what the row is that it leaves, where later items may name it.
    """

    read: Callable[[Sent], Any]
    do: Callable[[Stamp, Sent, Any], Done]
    stored: Callable[[Stamp, Sent, Any], dict[str, Any] | None] = lambda _stamp, _sent, _given: None
    makes: SyncedKind | None = None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a phone is told of an item; of a conflict both versions. `again`: it may well be taken when it is sent again."""

    key: str | None
    outcome: Outcome
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    again: bool = False
    result: dict[str, Any] | None = None
    sent: dict[str, Any] | None = None
    stored: dict[str, Any] | None = None


@dataclass(frozen=True)
class Pushed:
    """The answers in the order of the items, and by how many seconds the phone's clock is ahead."""

    clock_off_seconds: int
    items: list[Answered]


def push(stamp: Stamp, items: Sequence[Sent | Unreadable], *, sent_at: datetime, kinds: Mapping[str, ItemKind]) -> Pushed:
    """Take a batch in, in transactions of its own; `sent_at` is the phone's time.

    All items share one transaction, each in a savepoint. Batches of one account, and those in one grid, come one after the
    other. Should the batch and somebody else wait for each other nevertheless, its items are taken one by one.
    """
    off = round((sent_at - stamp.at).total_seconds())
    try:
        with transaction():
            return Pushed(off, _Batch(stamp, off, kinds).take(items))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "40P01":
            raise
    answers = []
    for item in items:
        try:
            with transaction():
                answers += _Batch(stamp, off, kinds).take([item])
        except OperationalError:
            log.warning("an item of a batch waited in vain")
            answers.append(_refused(item, ItemFailed(), again=True))
    return Pushed(off, answers)


_STAFF, _GRID = 0x53594E31, 0x53594E32
_LOCK = text(
    "SELECT pg_advisory_xact_lock(:space, (each % 2147483647)::int) FROM (SELECT unnest(:ids) AS each ORDER BY 1) AS ids"
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))


class _Batch:
    """Items under way in one transaction."""

    def __init__(self, stamp: Stamp, off: int, kinds: Mapping[str, ItemKind]) -> None:
        self.stamp, self.off, self.kinds = stamp, off, kinds
        self.known: dict[UUID, SyncItem | dict[str, Any]] = {}
        self.rows: list[dict[str, Any]] = []

    def take(self, items: Sequence[Sent | Unreadable]) -> list[Answered]:
        db.session.execute(_LOCK, {"space": _STAFF, "ids": [self.stamp.actor.id]})
        if self.stamp.actor.grid_ids:
            db.session.execute(_LOCK, {"space": _GRID, "ids": sorted(self.stamp.actor.grid_ids)})
        self.known = _done_before(self.stamp, [item for item in items if isinstance(item, Sent)])
        answers = [self._one(item) for item in items]
        insert_many(SyncItem, self.rows)
        return answers

    def _one(self, item: Sent | Unreadable) -> Answered:
        if isinstance(item, Unreadable):
            return _refused(item, item.refusal)
        content = _content(item)
        known = self.known.get(item.key)
        given: Any = None
        try:
            if known is not None:
                return _again(item, known, content)
            named = replace(item, body=self._named(item.body))
            given = self.kinds[item.kind].read(named)
            with db.session.begin_nested():
                done = self.kinds[item.kind].do(self.stamp, named, given)
        except Refusal as refusal:
            return self._refuse(item, refusal, given)
        except IntegrityError as error:
            log.warning("integrity: %s", getattr(getattr(error.orig, "diag", None), "constraint_name", None))
            return self._refuse(item, ChangedMeanwhile(), given)
        except (DataError, UnicodeEncodeError):
            return _refused(item, ValidationFailed())
        except OperationalError:
            raise
        except Exception as error:
            log.exception("unhandled %s in an item of kind %s", type(error).__name__, item.kind, exc_info=error)
            return _refused(item, ItemFailed(), again=True)
        self._keep(item, content, done)
        outcome = Outcome.REPLAYED if done.before else Outcome.CREATED
        return Answered(key=str(item.key), outcome=outcome, result=done.answer)

    def _named(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Give a body with ids in place of the keys by which it names what earlier items made; raises NotYetArrived."""
        named = dict(body)
        for name, kind in REFERABLE.items():
            key = named.pop(f"{name}_key", None)
            if key is None:
                continue
            found = self.known.get(_uuid(key, f"{name}_key"))
            if found is None:
                raise NotYetArrived(errors={f"{name}_key": [NotYetArrived.title()]})
            made = self.kinds[_of(found, "kind")].makes if _of(found, "kind") in self.kinds else None
            if made is not kind or _of(found, "row_id") is None:
                raise ValidationFailed(errors={f"{name}_key": ["这个编号不是" + ("户" if name == "household" else "居民")]})
            named[f"{name}_id"] = _of(found, "row_id")
        if (before := named.pop(AFTER, None)) is not None:
            found = self.known.get(_uuid(before, AFTER))
            version = None if found is None else _told(found).get("answer", {}).get("version")
            if version is None:
                raise NotYetArrived(errors={AFTER: [NotYetArrived.title()]})
            named["version"] = version
        return named

    def _refuse(self, item: Sent, refusal: Refusal, given: Any) -> Answered:
        if not isinstance(refusal, Conflict):
            return _refused(item, refusal, again=isinstance(refusal, NotYetArrived))
        told = _refused(item, refusal)
        stored = None if given is None else self.kinds[item.kind].stored(self.stamp, item, given)
        return replace(told, outcome=Outcome.CONFLICT, sent=dict(item.body), stored=stored)

    def _keep(self, item: Sent, content: bytes, done: Done) -> None:
        told = orjson.dumps({"answer": done.answer, "body": item.body}, default=str).decode()
        row = {
            "staff_id": self.stamp.actor.id,
            "key": item.key,
            "kind": item.kind,
            "content": content,
            "row_id": done.row_id,
            "sealed": keyring().encrypt(told, field="sync_item.sealed"),
            "phone_at": item.phone_at,
            "clock_off": self.off,
            "at": self.stamp.at,
        }
        self.rows.append(row)
        self.known[item.key] = row


def _done_before(stamp: Stamp, items: list[Sent]) -> dict[UUID, SyncItem | dict[str, Any]]:
    """Give the items that were done, of the keys of a batch and of those that its items name."""
    keys = {item.key for item in items}
    for item in items:
        for name in (*(f"{name}_key" for name in REFERABLE), AFTER):
            try:
                keys.add(_uuid(item.body.get(name), name))
            except ValidationFailed:
                continue
    query = select(SyncItem).where(SyncItem.staff_id == stamp.actor.id, SyncItem.key.in_(keys))
    return {row.key: row for row in db.session.scalars(query)}


def _again(item: Sent, known: SyncItem | dict[str, Any], content: bytes) -> Answered:
    """Give the first answer to an item that was done before; raises SyncKeyReused where it now says something else."""
    told = _told(known)
    if bytes(_of(known, "content")) != content:
        reused = _refused(item, SyncKeyReused())
        return replace(reused, outcome=Outcome.CONFLICT, sent=dict(item.body), stored=told.get("body"), result=told.get("answer"))
    return Answered(key=str(item.key), outcome=Outcome.REPLAYED, result=told.get("answer"))


def _told(known: SyncItem | dict[str, Any]) -> dict[str, Any]:
    sealed = _of(known, "sealed")
    told: dict[str, Any] = {}
    if sealed is not None:
        told = orjson.loads(keyring().decrypt(bytes(sealed), field="sync_item.sealed"))
    return told


def _content(item: Sent) -> bytes:
    plain = orjson.dumps([item.kind, item.body], option=orjson.OPT_SORT_KEYS, default=str)
    return keyring().blind(hashlib.sha256(plain).hexdigest(), field="sync_item.content")


def _refused(item: Sent | Unreadable, refusal: Refusal, *, again: bool = False) -> Answered:
    return Answered(
        key=str(item.key) if item.key is not None else None,
        outcome=Outcome.INVALID,
        code=refusal.code(),
        title=refusal.title(),
        detail=refusal.detail or None,
        errors=refusal.errors if isinstance(refusal, Invalid) else {},
        facts=dict(refusal.facts),
        again=again,
    )


def _uuid(value: Any, name: str) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise ValidationFailed(errors={name: ["格式不正确"]}) from None


def _of(known: SyncItem | dict[str, Any], name: str) -> Any:
    return known[name] if isinstance(known, dict) else getattr(known, name)
