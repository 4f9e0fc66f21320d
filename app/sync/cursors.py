"""Keeps how far a phone has caught up: for each of its grids a place among the changes, in a cursor that only we read.

It is sealed: a place names the last row that changed, which may be one that the reader must not know of.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.core.crypto import Undecipherable, keyring
from app.core.errors import Conflict
from app.core.paging import CursorUnreadable
from app.sync.models import SyncedKind


class SyncStartAnew(Conflict):
    """请重新下载全部数据"""


@dataclass(frozen=True)
class Place:
    """A place among a grid's changes: after which of them; what was gone before `begun` the phone has never had."""

    changed_in: int
    kind: str
    row_id: int
    begun: int


@dataclass
class Cursor:
    """In which database and as whom a phone has read, and its place in each grid."""

    epoch: str
    reader: str
    places: dict[int, Place] = field(default_factory=dict)

    def encode(self) -> str:
        """Give the cursor as text."""
        places = {str(grid): [at.changed_in, at.kind, at.row_id, at.begun] for grid, at in self.places.items()}
        told = orjson.dumps([self.epoch, self.reader, places]).decode()
        return base64.urlsafe_b64encode(keyring().encrypt(told, field=_FIELD)).decode().rstrip("=")


def decode(cursor: str) -> Cursor:
    """Give what a cursor says; raises CursorUnreadable, also for one that we did not write."""
    try:
        told = keyring().decrypt(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), field=_FIELD)
        epoch, reader, places = orjson.loads(told)
        return Cursor(str(epoch), str(reader), {_number(grid): _place(*at) for grid, at in places.items()})
    except (Undecipherable, binascii.Error, ValueError, TypeError, AttributeError, OverflowError):
        raise CursorUnreadable from None


_FIELD = "sync.cursor"


def _place(changed_in: Any, kind: Any, row_id: Any, begun: Any) -> Place:
    return Place(_number(changed_in), SyncedKind(kind) if kind else "", _number(row_id), _number(begun))


def _number(value: Any) -> int:
    number = int(value)
    if not -1 <= number < 2**63:
        raise ValueError
    return number
