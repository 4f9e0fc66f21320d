"""Keeps how a phone's batch is taken in: item by item in its order, each once by its key, a bad one never to another's harm."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BigInteger, bindparam, select, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from app.core.bulk import insert_many
from app.core.crypto import keyring
from app.core.database import db, transaction
from app.core.errors import Conflict, Refusal
from app.core.stamp import Stamp
from app.sync.items import (
    Answered,
    ChangedMeanwhile,
    Done,
    ItemFailed,
    ItemKind,
    ItemOutcome,
    NotYetArrived,
    Sent,
    SyncKeyReused,
    Unreadable,
    ValidationFailed,
    in_conflict,
    refused,
)
from app.sync.models import SyncedKind, SyncItem

log = logging.getLogger("minhu.sync")

REFERABLE = {"household": SyncedKind.HOUSEHOLD, "resident": SyncedKind.RESIDENT}
"""What an item may name by the key of the item that made it: `household_key` for `household_id`."""

AFTER = "after_key"
"""By this an item names, in place of `version`, an earlier one of the same account on the same row: that is what it had seen."""

_NAMING = (*(f"{name}_key" for name in REFERABLE), AFTER)


@dataclass(frozen=True)
class Pushed:
    """The answers in the order of the items, and by how many seconds the phone's clock is ahead."""

    clock_off_seconds: int
    items: list[Answered]


def push(stamp: Stamp, items: Sequence[Sent | Unreadable], *, sent_at: datetime, kinds: Mapping[str, ItemKind]) -> Pushed:
    """Take a batch in, in transactions of its own; `sent_at` is the phone's time.

    All items share one transaction, each in a savepoint. Batches of one account, and those in one grid, come one after the
    other. Should the batch and somebody else wait for each other nevertheless, or somebody hold what it needs for long, its items
    are taken one by one, each waiting but shortly: what cannot be had now is to be sent again, the rest is done.
    """
    off = round((sent_at - stamp.at).total_seconds())
    try:
        with transaction():
            return Pushed(off, _Batch(stamp, off, kinds).take(items))
    except _OneByOne:
        log.warning("a batch is taken item by item")
    answers, waited = [], 0
    for item in items:
        if waited == WAITS_MOST:
            answers.append(refused(item, ItemFailed(), again=True))
            continue
        try:
            with transaction():
                db.session.execute(_WAIT_SHORTLY)
                answers += _Batch(stamp, off, kinds).take([item])
        except _OneByOne:
            waited += 1
            answers.append(refused(item, ItemFailed(), again=True))
    return Pushed(off, answers)


class _OneByOne(Exception):
    """A batch failed as a whole: its items may be done each alone."""


@dataclass(frozen=True)
class _Known:
    """An item that was done, in this batch or before: its kind, what it said, and what it came to."""

    kind: str
    content: bytes
    body: dict[str, Any] | None
    done: Done


WAITS_MOST = 10
"""After so many items that could not be had, the rest of a batch is to be sent again as well: somebody holds the whole grid."""

_WAIT_SHORTLY = text("SET LOCAL lock_timeout = '500ms'")
_DEADLOCK, _LOCKED = "40P01", "55P03"
_STAFF, _GRID = 0x53594E31, 0x53594E32
_LOCK = text(
    "SELECT pg_advisory_xact_lock(:space, (each % 2147483647)::int) FROM (SELECT unnest(:ids) AS each ORDER BY 1) AS ids"
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))


class _Batch:
    """Items under way in one transaction."""

    def __init__(self, stamp: Stamp, off: int, kinds: Mapping[str, ItemKind]) -> None:
        self.stamp, self.off, self.kinds = stamp, off, kinds
        self.known: dict[UUID, _Known] = {}
        self.begun: dict[str, Any] = {}
        self.fresh: list[tuple[Sent, _Known]] = []
        self.finished: Counter[str] = Counter()

    def take(self, items: Sequence[Sent | Unreadable]) -> list[Answered]:
        try:
            db.session.execute(_LOCK, {"space": _STAFF, "ids": [self.stamp.actor.id]})
            if self.stamp.actor.grid_ids:
                db.session.execute(_LOCK, {"space": _GRID, "ids": sorted(self.stamp.actor.grid_ids)})
            self.known = _done_before(self.stamp, [item for item in items if isinstance(item, Sent)])
            self._begin([item for item in items if isinstance(item, Sent) and item.key not in self.known])
            answers = [self._one(item) for item in items]
            for name in self.kinds:
                self._finish(name)
            insert_many(SyncItem, [self._row(item, known) for item, known in self.fresh])
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in (_DEADLOCK, _LOCKED):
                raise
            raise _OneByOne from error
        return answers

    def _begin(self, items: Sequence[Sent]) -> None:
        for name, kind in self.kinds.items():
            if wanted := [item for item in items if item.kind == name]:
                self.begun[name] = kind.begin(self.stamp, wanted)

    def _one(self, item: Sent | Unreadable) -> Answered:
        if isinstance(item, Unreadable):
            return refused(item, item.refusal)
        known, given = self.known.get(item.key), None
        if known is not None:
            return _again(item, known)
        for name in self.kinds[item.kind].after:
            self._finish(name)
        try:
            named = replace(item, body=self._named(item.body))
            given = self.kinds[item.kind].read(named)
            done = self._do(named, given)
        except Refusal as refusal:
            return self._refuse(item, refusal, given)
        except IntegrityError as error:
            log.warning("integrity: %s", getattr(getattr(error.orig, "diag", None), "constraint_name", None))
            told = self._refuse(item, ChangedMeanwhile(), given)
            told.again = True  # taken anew, it gets its true answer
            return told
        except (DataError, UnicodeEncodeError):
            return refused(item, ValidationFailed())
        except OperationalError:
            raise
        except Exception as error:
            log.exception("unhandled %s in an item of kind %s", type(error).__name__, item.kind, exc_info=error)
            return refused(item, ItemFailed(), again=True)
        self.known[item.key] = _Known(item.kind, item.content(), dict(item.body), done)
        self.fresh.append((item, self.known[item.key]))
        return Answered(key=str(item.key), outcome=ItemOutcome.REPLAYED if done.before else ItemOutcome.CREATED, done=done)

    def _do(self, item: Sent, given: Any) -> Done:
        """Do an item in a savepoint; what was known for the other kinds, or of what is taken back, is to be asked anew."""
        try:
            with db.session.begin_nested():
                done = self.kinds[item.kind].do(self.stamp, item, given, self.begun[item.kind])
        except BaseException:
            self.kinds[item.kind].upset(self.begun[item.kind])
            raise
        for name, begun in self.begun.items():
            if name != item.kind:
                self.kinds[name].upset(begun)
        return done

    def _named(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Give a body with ids in place of the keys by which it names what earlier items made; raises NotYetArrived."""
        named = dict(body)
        for name, kind in REFERABLE.items():
            if (key := named.pop(f"{name}_key", None)) is None:
                continue
            known = self._known(key, f"{name}_key")
            made = self.kinds[known.kind].makes if known.kind in self.kinds else None
            if made is not kind or known.done.row_id is None:
                raise ValidationFailed(errors={f"{name}_key": ["这个编号不是" + ("户" if name == "household" else "居民")]})
            named[f"{name}_id"] = known.done.row_id
        if (key := named.pop(AFTER, None)) is not None:
            version = (self._known(key, AFTER).done.answer or {}).get("version")
            if version is None:
                raise ValidationFailed(errors={AFTER: ["所依据的修改已查不到，请核对最新内容后再改"]})
            named["version"] = version
        return named

    def _known(self, key: Any, name: str) -> _Known:
        known = self.known.get(_uuid(key, name))
        if known is None:
            raise NotYetArrived(errors={name: [NotYetArrived.title()]})
        return known

    def _refuse(self, item: Sent, refusal: Refusal, given: Any) -> Answered:
        if not isinstance(refusal, Conflict):
            return refused(item, refusal, again=isinstance(refusal, NotYetArrived))
        stored = None if given is None else self.kinds[item.kind].stored(self.stamp, item, given)
        return in_conflict(item, refusal, stored)

    def _finish(self, name: str) -> None:
        """Finish what was done of a kind since it was last finished."""
        done = [known.done for item, known in self.fresh if item.kind == name][self.finished[name] :]
        finish = self.kinds[name].finish
        if finish is None or not done:
            return
        try:
            finish(self.stamp, done)
            db.session.flush()
        except OperationalError:
            raise
        except Exception as error:
            log.exception("unhandled %s when items of kind %s were finished", type(error).__name__, name, exc_info=error)
            raise _OneByOne from error
        self.finished[name] += len(done)

    def _row(self, item: Sent, known: _Known) -> dict[str, Any]:
        told = orjson.dumps({"answer": known.done.answer, "body": known.body}, default=str).decode()
        return {
            "staff_id": self.stamp.actor.id,
            "key": item.key,
            "kind": item.kind,
            "content": known.content,
            "row_id": known.done.row_id,
            "sealed": keyring().encrypt(told, field="sync_item.sealed"),
            "phone_at": item.phone_at,
            "clock_off": self.off,
            "at": self.stamp.at,
        }


def _again(item: Sent, known: _Known) -> Answered:
    """Give the first answer to an item that was done before, or a conflict where it now says something else."""
    if known.content != item.content():
        return in_conflict(item, SyncKeyReused(), known.body, known.done)
    return Answered(key=str(item.key), outcome=ItemOutcome.REPLAYED, done=known.done)


def _done_before(stamp: Stamp, items: list[Sent]) -> dict[UUID, _Known]:
    """Give the items that were done, of the keys of a batch and of those that its items name."""
    keys = {item.key for item in items}
    for item in items:
        for name in _NAMING:
            try:
                keys.add(_uuid(item.body.get(name), name))
            except ValidationFailed:
                continue
    columns = (SyncItem.key, SyncItem.kind, SyncItem.content, SyncItem.row_id, SyncItem.sealed)
    query = select(*columns).where(SyncItem.staff_id == stamp.actor.id, SyncItem.key.in_(keys))
    return {row.key: _opened(row) for row in db.session.execute(query)}


def _opened(row: Any) -> _Known:
    told: dict[str, Any] = {}
    if row.sealed is not None:
        told = orjson.loads(keyring().decrypt(bytes(row.sealed), field="sync_item.sealed"))
    return _Known(row.kind, bytes(row.content), told.get("body"), Done(row.row_id, told.get("answer"), before=True))


def _uuid(value: Any, name: str) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise ValidationFailed(errors={name: ["格式不正确"]}) from None
