"""Keeps what an item of a phone is: what was sent, what kinds there are, what became of it, and how that is told."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from app.core.crypto import keyring
from app.core.errors import Conflict, Invalid, Refusal
from app.core.stamp import Stamp
from app.sync.models import SyncedKind

ITEMS_MOST = 200


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


class ItemOutcome(StrEnum):
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

    def content(self) -> bytes:
        """Give the blind index of what it says: sent again, it must say the same."""
        plain = orjson.dumps([self.kind, self.body], option=orjson.OPT_SORT_KEYS)
        return keyring().blind(hashlib.sha256(plain).hexdigest(), field="sync_item.content")


@dataclass(frozen=True)
class Unreadable:
    """An item of which not even key and kind can be read."""

    key: str | None
    refusal: Invalid


@dataclass
class Done:
    """What an item came to: the row that it made or changed, the answer, and whether it had been done before another way.

    `made` is what its kind wants to see again when it finishes.
    """

    row_id: int | None
    answer: dict[str, Any] | None
    before: bool = False
    made: Any = None


@dataclass(frozen=True, kw_only=True)
class ItemKind:
    """A kind of item: how its body is read (raises Invalid), what is done, what we have where that is refused as a conflict.

    `begin` and `finish` do once for all items of a batch what need not be done for each: the first takes locks in order and gives
    what `do` gets last, the other may set the answers anew. `makes`: what the row is that it leaves, where items may name it.
    """

    read: Callable[[Sent], Any]
    do: Callable[[Stamp, Sent, Any, Any], Done]
    stored: Callable[[Stamp, Sent, Any], dict[str, Any] | None] = lambda _stamp, _sent, _given: None
    begin: Callable[[Stamp, Sequence[Sent]], Any] = lambda _stamp, _sent: None
    upset: Callable[[Any], None] = lambda _begun: None
    finish: Callable[[Stamp, Sequence[Done]], None] | None = None
    after: tuple[str, ...] = ()
    makes: SyncedKind | None = None


@dataclass(kw_only=True)
class Answered:
    """What a phone is told of an item; of a conflict both versions. `again`: it may well be taken when it is sent again."""

    key: str | None
    outcome: ItemOutcome
    done: Done | None = None
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    again: bool = False
    sent: dict[str, Any] | None = None
    stored: dict[str, Any] | None = None

    @property
    def result(self) -> dict[str, Any] | None:
        """The answer to what was done."""
        return None if self.done is None else self.done.answer


def refused(item: Sent | Unreadable, refusal: Refusal, *, again: bool = False) -> Answered:
    """Tell that an item was refused, in the words of the single endpoint."""
    return Answered(
        key=str(item.key) if item.key is not None else None,
        outcome=ItemOutcome.INVALID,
        code=refusal.code(),
        title=refusal.title(),
        detail=refusal.detail or None,
        errors=refusal.errors if isinstance(refusal, Invalid) else {},
        facts=dict(refusal.facts),
        again=again,
    )


def in_conflict(item: Sent, refusal: Refusal, stored: dict[str, Any] | None, done: Done | None = None) -> Answered:
    """Tell that an item was refused as a conflict, with both versions."""
    told = refused(item, refusal)
    told.outcome, told.sent, told.stored, told.done = ItemOutcome.CONFLICT, dict(item.body), stored, done
    return told
