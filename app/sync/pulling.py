"""Keeps how a phone catches up: page by page what changed in its grids, what is gone, and which grids it is to forget."""

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.stamp import Role, Stamp
from app.people.roster.scope import in_reach
from app.sync.catalogues import Catalogues, catalogues
from app.sync.cursors import Cursor, Place, SyncStartAnew, decode
from app.sync.models import SyncedKind, SyncEpoch, SyncTold
from app.sync.recounting import counted_here
from app.sync.showing import KEPT, Grids
from app.territory.models import Grid, Unit

MOST = 500
LIMIT = 200


class SyncForVillages(NotAllowed):
    """离线数据只供网格员和村干部使用"""


@dataclass(frozen=True)
class Gone:
    """A row that the phone is to drop: ended, done, moved away, or not to be seen any more; which of these is not told."""

    kind: SyncedKind
    id: int


@dataclass(kw_only=True)
class Pulled:
    """A page of what changed; `more`: the next page has something already."""

    cursor: str
    more: bool
    forget_grids: list[str]
    rows: dict[SyncedKind, list[Any]] = field(default_factory=lambda: {kind: [] for kind in SyncedKind})
    gone: list[Gone] = field(default_factory=list)
    catalogues: Catalogues | None = None


def grids_of(stamp: Stamp) -> list[Any]:
    """Give the grids (id, code, name, unit) in a worker's or cadre's reach, whose rows a phone keeps; raises SyncForVillages."""
    if stamp.actor.holds((Role.GRID_WORKER, Role.CADRE)) is None:
        raise SyncForVillages
    query = select(Grid.id, Grid.code, Grid.name, Unit.name.label("unit")).join(Unit, Unit.id == Grid.unit_id)
    return list(db.session.execute(query.where(Grid.active, in_reach(stamp, Grid.id)).order_by(Grid.code)))


def pull(stamp: Stamp, *, cursor: str | None, limit: int, catalogue: str | None = None) -> Pulled:
    """Give the next page of changes after a cursor, from the beginning without one; at most `limit` rows.

    The catalogues come along unless the phone has those of the version `catalogue`.
    A grid that the worker has got since is given whole, one that they lost is to be forgotten. Only what changed in transactions
    before the oldest that still runs is read, so that one that commits late is never passed over.
    Raises SyncForVillages, SyncBeingCounted, CursorUnreadable, and SyncStartAnew for a cursor of another database, another person
    or other posts, or of a phone that was away for longer than we tell what is gone.
    """
    rows = grids_of(stamp)
    grids = {row.id: row.code for row in rows}
    place, horizon = counted_here()
    held = _held(cursor, Cursor(place, _reader(stamp), horizon), horizon)
    lost = [grid for grid in held.places if grid not in grids]
    places = {grid: held.places.get(grid) or Place(-1, "", 0, horizon) for grid in grids}
    changes = _changes(places, horizon, limit + 1)
    if (
        held.whole < db.session.scalars(select(SyncEpoch.anew_before)).one()
    ):  # asked now: what it lacks may have just been forgotten
        raise SyncStartAnew
    pulled = Pulled(cursor="", more=len(changes) > limit, forget_grids=_codes(lost))
    pulled.rows, pulled.gone = _told(stamp, grids, changes[:limit], places)
    for change in changes[:limit]:
        places[change.grid_id] = replace(
            places[change.grid_id], changed_in=change.changed_in, kind=change.kind, row_id=change.row_id
        )
    unread = _unread(places, horizon) if pulled.more else set()
    places = {grid: at if grid in unread else Place(horizon, "", 0, horizon) for grid, at in places.items()}
    held = replace(held, whole=held.whole if pulled.more else horizon)
    pulled.cursor = replace(held, places=places).encode()
    lists = catalogues(rows)
    pulled.catalogues = lists if lists.version != catalogue else None
    return pulled


def _reader(stamp: Stamp) -> str:
    """Give a mark of who reads and in which posts: what one may see of cases hangs on both."""
    posts = sorted(f"{post.role}{post.path}" for post in stamp.actor.posts)
    return hashlib.sha256("\0".join([str(stamp.actor.id), *posts]).encode()).hexdigest()[:16]


def _held(cursor: str | None, fresh: Cursor, horizon: int) -> Cursor:
    """Give what a phone's cursor says, or a fresh one; raises CursorUnreadable, SyncStartAnew."""
    if not cursor:
        return fresh
    told = decode(cursor)
    ahead = any(at.changed_in > horizon for at in told.places.values())
    if ahead or (told.epoch, told.reader) != (fresh.epoch, fresh.reader):
        raise SyncStartAnew
    return told


_PLACES = [
    bindparam(name, type_=ARRAY(Text if name == "kinds" else BigInteger)) for name in ("grids", "changed_in", "kinds", "rows")
]
_CHANGES = text("""
SELECT s.grid_id, c.changed_in, c.kind, c.row_id
FROM unnest(:grids, :changed_in, :kinds, :rows) AS s (grid_id, changed_in, kind, row_id)
CROSS JOIN LATERAL (
    SELECT * FROM sync_change c
    WHERE c.grid_id = s.grid_id AND c.changed_in < :horizon AND (c.changed_in, c.kind, c.row_id) > (s.changed_in, s.kind, s.row_id)
    ORDER BY c.changed_in, c.kind, c.row_id LIMIT :most
) c
LIMIT :most
""").bindparams(*_PLACES)

_UNREAD = text("""
SELECT s.grid_id
FROM unnest(:grids, :changed_in, :kinds, :rows) AS s (grid_id, changed_in, kind, row_id)
WHERE EXISTS (
    SELECT FROM sync_change c
    WHERE c.grid_id = s.grid_id AND c.changed_in < :horizon AND (c.changed_in, c.kind, c.row_id) > (s.changed_in, s.kind, s.row_id)
)
""").bindparams(*_PLACES)


def _changes(places: dict[int, Place], horizon: int, most: int) -> list[Any]:
    return list(db.session.execute(_CHANGES, {"horizon": horizon, "most": most, **_columns(places)})) if places else []


def _unread(places: dict[int, Place], horizon: int) -> set[int]:
    """Give the grids of which something is still to be read."""
    return {row.grid_id for row in db.session.execute(_UNREAD, {"horizon": horizon, **_columns(places)})}


def _columns(places: dict[int, Place]) -> dict[str, list[Any]]:
    after = list(places.values())
    return {
        "grids": list(places),
        "changed_in": [at.changed_in for at in after],
        "kinds": [at.kind for at in after],
        "rows": [at.row_id for at in after],
    }


def _told(
    stamp: Stamp, grids: Grids, changes: list[Any], places: dict[int, Place]
) -> tuple[dict[SyncedKind, list[Any]], list[Gone]]:
    """Give the rows that changed as the worker may see them, and which are gone of those that the phone may have."""
    wanted: dict[SyncedKind, dict[int, bool]] = defaultdict(dict)
    for change in changes:
        ids = wanted[SyncedKind(change.kind)]
        ids[change.row_id] = ids.get(change.row_id, False) or change.changed_in >= places[change.grid_id].begun
    rows: dict[SyncedKind, list[Any]] = {kind: [] for kind in SyncedKind}
    gone = []
    for kind, ids in wanted.items():
        rows[kind] = KEPT[kind](stamp, grids, list(ids))
        there = {row.id for row in rows[kind]}
        missing = [row_id for row_id, had in ids.items() if had and row_id not in there]
        if kind is SyncedKind.CASE:
            missing = _note_told(stamp, there, missing)
        gone += [Gone(kind, row_id) for row_id in missing]
    return rows, gone


def _note_told(stamp: Stamp, told: Collection[int], missing: Collection[int]) -> list[int]:
    """Note of which cases the phone is told now; give those of the missing ones of which it, or its twin, was told before."""
    if told:
        rows = [{"staff_id": stamp.actor.id, "case_id": each} for each in sorted(told)]
        db.session.execute(insert(SyncTold).on_conflict_do_nothing(), rows)
    if not missing:
        return []
    known = select(SyncTold.case_id).where(SyncTold.staff_id == stamp.actor.id, SyncTold.case_id.in_(missing))
    return list(db.session.scalars(known.order_by(SyncTold.case_id)))


def kept_now(stamp: Stamp, kind: SyncedKind, row_id: int) -> Any:
    """Give a row as the phone keeps it, or None where it is not to be kept any more."""
    rows = KEPT[kind](stamp, {row.id: row.code for row in grids_of(stamp)}, [row_id])
    return rows[0] if rows else None


def _codes(grid_ids: list[int]) -> list[str]:
    return list(db.session.scalars(select(Grid.code).where(Grid.id.in_(grid_ids)).order_by(Grid.code))) if grid_ids else []
