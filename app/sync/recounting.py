"""Keeps in which database changes are counted: one that was put back from a backup is counted anew, step by step.

Its transactions may bear numbers that phones have seen already. So what is there is noted as if it had changed before all else, and
every phone starts anew. Nobody who writes waits for it meanwhile; phones are told to come back.
"""

from typing import Any

from sqlalchemy import text

from app.core.database import db, transaction
from app.core.errors import TooMany

GRIDS = 100
RETRY_AFTER = 60
"""Seconds after which a phone may ask again: the job that counts anew begins once a minute."""


class SyncBeingCounted(TooMany):
    """数据刚刚恢复，正在整理，请稍后再同步"""

    status = 503


_HERE = text("SELECT sync_place(), epoch, pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM sync_epoch")


def counted_here() -> tuple[str, int]:
    """Give where changes are counted, and the oldest transaction that still runs; raises SyncBeingCounted."""
    place, counted, horizon = db.session.execute(_HERE).one()
    if place != counted:
        raise SyncBeingCounted(retry_after=RETRY_AFTER)
    return place, horizon


_HELD = text("SELECT sync_place() AS place, epoch, counting, counted_to FROM sync_epoch FOR UPDATE")
_BEGUN = text("UPDATE sync_epoch SET counting = :place, counted_to = 0")
_GRIDS = text("SELECT id FROM grid WHERE id > :after ORDER BY id LIMIT :most")
# What bears the number of a transaction that is still to come was noted in the other database.
_STILL_TO_COME = text("""
DELETE FROM sync_change
WHERE grid_id BETWEEN :first AND :last AND changed_in >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
""")
_COUNTED = text("""
WITH counted AS (
    INSERT INTO sync_change
    SELECT grid_id, 0, 'household', id FROM household WHERE grid_id BETWEEN :first AND :last AND ended_at IS NULL
    UNION ALL
    SELECT grid_id, 0, 'resident', id FROM resident
    WHERE grid_id BETWEEN :first AND :last AND ended_at IS NULL AND household_id IS NOT NULL
    UNION ALL
    SELECT grid_id, 0, 'task', id FROM visit_task WHERE grid_id BETWEEN :first AND :last AND state = 'open'
    UNION ALL
    SELECT grid_id, 0, 'case', id FROM "case" WHERE grid_id BETWEEN :first AND :last AND NOT archived
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM counted
""")
_SO_FAR = text("UPDATE sync_epoch SET counted_to = :last")
_OVER = text("""
UPDATE sync_epoch
SET epoch = counting, counting = NULL, counted_to = 0, thinned_to = 0, forgotten_to = 0, anew_before = 0
""")


def recount() -> int:
    """Count anew where the database is another one, some grids at a time, going on where it was broken off; give how many rows."""
    rows = 0
    while (counted := _step()) is not None:
        rows += counted
    return rows


def _step() -> int | None:
    with transaction():
        held: Any = db.session.execute(_HELD).one()
        if held.place == held.epoch:
            return None
        if held.counting != held.place:
            db.session.execute(_BEGUN, {"place": held.place})
        after = held.counted_to if held.counting == held.place else 0
        grids = db.session.scalars(_GRIDS, {"after": after, "most": GRIDS}).all()
        if not grids:
            db.session.execute(text("DELETE FROM sync_mark"))
            db.session.execute(_OVER)
            return None
        span = {"first": after + 1, "last": grids[-1]}
        db.session.execute(_STILL_TO_COME, span)
        counted: int = db.session.scalars(_COUNTED, span).one()
        db.session.execute(_SO_FAR, {"last": grids[-1]})
        return counted
