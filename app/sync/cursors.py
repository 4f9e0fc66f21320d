"""Keeps how far a phone has caught up: for each of its grids a place among the changes, in a cursor that only we read.

It is sealed: a place names the last row that changed, which may be one that the reader must not know of. It is packed, since it
travels in an address: grids of which a phone has everything share one place.
"""

import base64
import binascii
import zlib
from dataclasses import dataclass, field
from itertools import accumulate
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
    """In which database and as whom a phone has read, and its place in each grid.

    `whole`: of what changed before this transaction the phone has had everything, or has begun after it.
    """

    epoch: str
    reader: str
    whole: int
    places: dict[int, Place] = field(default_factory=dict)

    def encode(self) -> str:
        """Give the cursor as text."""
        grids = sorted(self.places)
        steps = [grid - before for before, grid in zip([0, *grids], grids, strict=False)]
        kinds = list(dict.fromkeys(self.places[grid] for grid in grids))
        which = {place: number for number, place in enumerate(kinds)}
        told = [self.epoch, self.reader, self.whole, steps, [which[self.places[grid]] for grid in grids]]
        told.append([[at.changed_in, at.kind, at.row_id, at.begun] for at in kinds])
        packed = base64.b85encode(zlib.compress(orjson.dumps(told), 9)).decode()
        return base64.urlsafe_b64encode(keyring().encrypt(packed, field=_FIELD)).decode().rstrip("=")


def decode(cursor: str) -> Cursor:
    """Give what a cursor says; raises CursorUnreadable, also for one that we did not write, and SyncStartAnew for one of old."""
    try:
        told = keyring().decrypt(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), field=_FIELD)
    except (Undecipherable, binascii.Error, ValueError):
        raise CursorUnreadable from None
    try:
        epoch, reader, whole, steps, which, kinds = orjson.loads(zlib.decompress(base64.b85decode(told)))
        places = [_place(*at) for at in kinds]
        return Cursor(epoch, reader, whole, dict(zip(accumulate(steps), (places[each] for each in which), strict=True)))
    except (ValueError, TypeError, zlib.error):
        raise SyncStartAnew from None


_FIELD = "sync.cursor"


def _place(changed_in: Any, kind: Any, row_id: Any, begun: Any) -> Place:
    return Place(int(changed_in), SyncedKind(kind) if kind else "", int(row_id), int(begun))
