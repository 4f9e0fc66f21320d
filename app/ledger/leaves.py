"""Keeps what leave does to clocks: they move to the stand-in when it begins, and what is still open goes back when it ends."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import exists, or_, select, tuple_

from app.core.database import db, lock_rows, transaction
from app.core.stamp import Role, Stamp
from app.ledger.audiences import free_for, in_charge
from app.ledger.clocks import Deadline
from app.ledger.deadlines import is_open, lock_case_clocks
from app.ledger.handling import hand_over
from app.ledger.models import Assignment, Case
from app.ledger.moves import Step, Words, move_case
from app.ledger.shift_models import LeaveMove
from app.ledger.vocabulary import OPEN, Action, Subject
from app.people.absences import away
from app.people.models import Staff
from app.people.shift_models import Leave

BATCH = 50

Place = tuple[Subject, int]
"""Kind and id of what clocks belong to."""


def begin_and_end_leaves(stamps: Callable[[], Stamp]) -> int:
    """Begin the leaves whose time has come and end those that are over; give how many cases changed hands.

    Run again it does only what is left: a leave is marked first, its cases follow in batches, and a case that somebody holds
    is left to the next run.
    """
    with transaction():
        _mark(stamps())
    away.forget()
    moved = 0
    for leave_id, step in _under_way():
        last = 0
        while True:
            with transaction():
                stamp = stamps()
                ids = step(stamp.at, leave_id, last)
                if not ids:
                    break
                last = ids[-1]
                leave = db.session.get_one(Leave, leave_id)
                change = _return if leave.ended_at is not None else _take
                for case in lock_rows(Case, ids, skip_locked=True):
                    moved += change(stamp, leave, case)
    return moved
