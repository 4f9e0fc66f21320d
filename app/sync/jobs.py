"""Keeps the changes and items of phones few: what a later change repeats goes, what is long gone, old answers and items."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import TextClause, delete, func, select, text, update

from app.core.database import db, transaction
from app.core.jobs import job
from app.core.stamp import Stamp
from app.sync.models import SyncEpoch, SyncMark
from app.sync.recounting import recount

ANSWERS_KEPT = timedelta(days=7)
"""How long the answer to an item, with its claim codes, is kept for the phone that lost it."""

ITEMS_KEPT = timedelta(days=366)
"""How long an item is known by its key; visits are for ever."""

GONE_KEPT = timedelta(days=30)
"""How long phones are told that a row has gone; one that was away for longer starts anew."""

GRIDS = 100
BATCH = 1000

_MARK = text("""
INSERT INTO sync_mark VALUES (:at, pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
ON CONFLICT (at) DO UPDATE SET horizon = EXCLUDED.horizon RETURNING horizon
""")
_GRIDS = text("""
SELECT id FROM grid WHERE id > :after AND EXISTS
    (SELECT FROM sync_change c WHERE c.grid_id = grid.id AND c.changed_in >= :since AND c.changed_in < :before)
ORDER BY id LIMIT :most
""")
# Whoever has not read the earlier change of a row has not read the later one either, and gets the row by that.
_THIN = text("""
WITH ranked AS (
    SELECT grid_id, changed_in, kind, row_id,
           row_number() OVER (PARTITION BY grid_id, kind, row_id ORDER BY changed_in DESC) AS place
    FROM sync_change WHERE grid_id = ANY(:grids)
), gone AS (
    DELETE FROM sync_change c USING ranked r
    WHERE r.place > 1 AND (c.grid_id, c.changed_in, c.kind, c.row_id) = (r.grid_id, r.changed_in, r.kind, r.row_id)
    RETURNING 1
)
SELECT count(*) FROM gone
""")
# A row that comes back leaves a change of its own, so that each change is looked at once.
_FORGET_GONE = text("""
WITH gone AS (
    DELETE FROM sync_change c
    WHERE c.grid_id = ANY(:grids) AND c.changed_in >= :since AND c.changed_in < :before AND NOT CASE c.kind
        WHEN 'household' THEN EXISTS
            (SELECT FROM household r WHERE r.id = c.row_id AND r.grid_id = c.grid_id AND r.ended_at IS NULL)
        WHEN 'resident' THEN EXISTS
            (SELECT FROM resident r
             WHERE r.id = c.row_id AND r.grid_id = c.grid_id AND r.ended_at IS NULL AND r.household_id IS NOT NULL)
        WHEN 'task' THEN EXISTS (SELECT FROM visit_task r WHERE r.id = c.row_id AND r.grid_id = c.grid_id AND r.state = 'open')
        ELSE EXISTS (SELECT FROM "case" r WHERE r.id = c.row_id AND r.grid_id = c.grid_id AND NOT r.archived) END
    RETURNING 1
)
SELECT count(*) FROM gone
""")
_OLD_ENOUGH = text("SELECT max(horizon) FROM sync_mark WHERE at < :before")
_UNSEAL = text("""
UPDATE sync_item SET sealed = NULL WHERE id IN
    (SELECT id FROM sync_item WHERE at < :before AND sealed IS NOT NULL ORDER BY at LIMIT :most)
RETURNING 1
""")
_FORGET = text("""
DELETE FROM sync_item WHERE id IN (SELECT id FROM sync_item WHERE at < :before ORDER BY at LIMIT :most)
RETURNING 1
""")


@job("thin-sync-changes", every=timedelta(hours=1))
def thin_sync_changes(stamps: Callable[[], Stamp]) -> int:
    """Delete the changes that a later one of the same row in the same grid repeats, of grids where something changed since."""
    with transaction():
        horizon = db.session.scalars(_MARK, {"at": stamps().at}).one()
        since = _epoch().thinned_to
    gone = _by_grids(_THIN, since=since, before=_LAST)
    with transaction():
        db.session.execute(update(SyncEpoch).values(thinned_to=func.greatest(SyncEpoch.thinned_to, horizon)))
    return gone


@job("forget-gone-sync-changes", every=timedelta(hours=1))
def forget_gone_sync_changes(stamps: Callable[[], Stamp]) -> int:
    """Forget the changes of rows that are gone after thirty days; before that, have phones that were away for longer start anew."""
    kept_from = stamps().at - GONE_KEPT
    with transaction():
        since = _epoch().forgotten_to
        before = db.session.scalars(_OLD_ENOUGH, {"before": kept_from}).one() or 0
        db.session.execute(update(SyncEpoch).values(anew_before=func.greatest(SyncEpoch.anew_before, before)))
    gone = _by_grids(_FORGET_GONE, since=since, before=before)
    with transaction():
        db.session.execute(update(SyncEpoch).values(forgotten_to=func.greatest(SyncEpoch.forgotten_to, before)))
        db.session.execute(delete(SyncMark).where(SyncMark.at < kept_from, SyncMark.horizon < before))
    return gone


@job("count-sync-changes-anew", every=timedelta(minutes=1))
def count_sync_changes_anew(_stamps: Callable[[], Stamp]) -> int:
    """Where the database is another than the one in which changes were counted, a restored one, count them anew; how many rows."""
    return recount()


def _epoch() -> SyncEpoch:
    return db.session.scalars(select(SyncEpoch)).one()


_LAST = 2**62


def _by_grids(statement: TextClause, *, since: int, before: int) -> int:
    """Run a statement for the grids in which something changed in some transactions, some grids at a time; give the sum."""
    gone, after = 0, 0
    span = {"since": since, "before": before}
    while True:
        with transaction():
            grids = db.session.scalars(_GRIDS, {"after": after, "most": GRIDS, **span}).all()
            if not grids:
                return gone
            after = grids[-1]
            gone += db.session.scalars(statement, {"grids": list(grids), **span}).one()


@job("forget-sync-items", every=timedelta(hours=1))
def forget_sync_items(stamps: Callable[[], Stamp]) -> int:
    """Forget the answers to items after seven days and the items themselves after a year, in batches."""
    done = 0
    for statement, kept in ((_UNSEAL, ANSWERS_KEPT), (_FORGET, ITEMS_KEPT)):
        while True:
            with transaction():
                count = len(db.session.execute(statement, {"before": stamps().at - kept, "most": BATCH}).all())
            done += count
            if count < BATCH:
                break
    return done
