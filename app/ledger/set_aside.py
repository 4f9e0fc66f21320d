"""Keeps the clocks that a sweep set aside with their error: listing them, and giving them back to the sweep."""

from collections.abc import Collection

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import NotFound
from app.ledger.clocks import Deadline
from app.ledger.deadlines import is_open, schedule
from app.ledger.models import Case


class NothingSetAside(NotFound):
    """没有被搁置的时限"""


def clocks_set_aside(*, most: int = 200) -> list[tuple[Deadline, str | None]]:
    """Give the clocks that stopped a sweep with an error, oldest first, each with its case's number."""
    query = select(Deadline, Case.number).outerjoin(Case, Case.id == Deadline.case_id).where(Deadline.error.is_not(None))
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(Deadline.id).limit(most))]


def give_back(ids: Collection[int] | None) -> int:
    """Let the sweep look again at clocks that were set aside (all when `ids` is None); give how many. Raises NothingSetAside."""
    query = select(Deadline.id, Deadline.case_id).where(Deadline.error.is_not(None))
    if ids is not None:
        query = query.where(Deadline.id.in_(ids))
    rows = db.session.execute(query).all()
    lock_rows(Case, [row.case_id for row in rows if row.case_id is not None])
    clocks = [clock for clock in lock_rows(Deadline, [row.id for row in rows]) if clock.error is not None]
    if not clocks:
        raise NothingSetAside
    for clock in clocks:
        clock.error = None
        if is_open(clock) and clock.paused_at is None:
            schedule(clock)
    return len(clocks)
