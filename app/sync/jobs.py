"""Keeps the changes and items of phones few: what a later change repeats goes, answers after a week, items after a year."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text

from app.core.database import db, transaction
from app.core.jobs import job
from app.core.stamp import Stamp

ANSWERS_KEPT = timedelta(days=7)
"""How long the answer to an item, with its claim codes, is kept for the phone that lost it."""

ITEMS_KEPT = timedelta(days=366)
"""How long an item is known by its key; visits are for ever."""

GRIDS = 500
BATCH = 1000

_GRIDS = text("SELECT id FROM grid WHERE id > :after ORDER BY id LIMIT :most")
# Whoever has not read the earlier change of a row has not read the later one either, and gets the row by that.
_THIN = text("""
WITH ranked AS (
    SELECT grid_id, changed_in, kind, row_id,
           row_number() OVER (PARTITION BY grid_id, kind, row_id ORDER BY changed_in DESC) AS place
    FROM sync_change WHERE grid_id BETWEEN :first AND :last
), gone AS (
    DELETE FROM sync_change c USING ranked r
    WHERE r.place > 1 AND (c.grid_id, c.changed_in, c.kind, c.row_id) = (r.grid_id, r.changed_in, r.kind, r.row_id)
    RETURNING 1
)
SELECT count(*) FROM gone
""")
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
def thin_sync_changes(_stamps: Callable[[], Stamp]) -> int:
    """Delete the changes that a later one of the same row in the same grid repeats, some grids at a time."""
    gone, after = 0, 0
    while True:
        with transaction():
            found = db.session.scalars(_GRIDS, {"after": after, "most": GRIDS}).all()
            if not found:
                return gone
            after = found[-1]
            gone += db.session.scalars(_THIN, {"first": found[0], "last": after}).one()


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
