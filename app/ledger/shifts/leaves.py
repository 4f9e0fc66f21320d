"""Keeps what leave does to clocks: they move to the stand-in when it begins, and what is still open goes back when it ends."""

from collections.abc import Callable, Sequence

from sqlalchemy import or_, select

from app.core.database import db, lock_rows, transaction
from app.core.stamp import Stamp
from app.ledger.deadlines import is_open, lock_case_clocks
from app.ledger.models import Case
from app.ledger.shifts.models import LeaveMove
from app.ledger.shifts.passing_on import Passed, owned_cases, pass_on, write_passed
from app.ledger.vocabulary import OPEN, Subject
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.people.duty.absences import away
from app.people.duty.models import Leave
from app.people.models import Staff
from app.people.staff import posts_held

BATCH = 50


def begin_and_end_leaves(stamps: Callable[[], Stamp]) -> int:
    """Begin the leaves whose time has come and end those that are over; give how many cases changed hands.

    Run again it does only what is left: a leave is marked first, its cases follow in batches, and a case that somebody holds
    waits for the next run. While a leave lasts, whatever comes to own a clock by name is moved too.
    """
    with transaction():
        _mark(stamps())
    away.forget()
    return _in_batches(stamps, _ended(), _to_return, _give_back) + _in_batches(stamps, _begun(), _to_take, _take)


def _mark(stamp: Stamp) -> None:
    """Write which leaves have begun and ended by now; one that nobody saw begin before its end moves nothing."""
    standing = (Leave.ended_at.is_(None), Leave.cancelled_at.is_(None))
    due = or_(Leave.until <= stamp.at, Leave.begun_at.is_(None) & (Leave.starts_at <= stamp.at))
    ids = db.session.scalars(select(Leave.id).where(*standing, due)).all()
    for leave in lock_rows(Leave, ids, skip_locked=True):
        if leave.ended_at is None and leave.cancelled_at is None:
            if leave.starts_at <= stamp.at:
                leave.begun_at = leave.begun_at or stamp.at
            if leave.until <= stamp.at:
                leave.ended_at = stamp.at


def _begun() -> Sequence[Leave]:
    return db.session.scalars(select(Leave).where(Leave.begun_at.is_not(None), Leave.ended_at.is_(None)).order_by(Leave.id)).all()


def _ended() -> Sequence[Leave]:
    open_moves = select(LeaveMove.leave_id).where(LeaveMove.returned_at.is_(None))
    return db.session.scalars(select(Leave).where(Leave.id.in_(open_moves), Leave.ended_at.is_not(None)).order_by(Leave.id)).all()


def _to_take(leave: Leave, after: int) -> list[int]:
    query = owned_cases(leave.staff_id).where(Case.id > after).order_by(Case.id)
    return list(db.session.scalars(query.limit(BATCH)))


def _to_return(leave: Leave, after: int) -> list[int]:
    query = select(LeaveMove.case_id).distinct().where(LeaveMove.leave_id == leave.id, LeaveMove.returned_at.is_(None))
    return list(db.session.scalars(query.where(LeaveMove.case_id > after).order_by(LeaveMove.case_id).limit(BATCH)))


def _in_batches(
    stamps: Callable[[], Stamp],
    leaves: Sequence[Leave],
    find: Callable[[Leave, int], list[int]],
    change: Callable[[Stamp, Leave, Case], bool],
) -> int:
    moved = 0
    for leave_id in [leave.id for leave in leaves]:
        ids = [0]
        while ids:
            with transaction():
                leave = db.session.get_one(Leave, leave_id)
                ids = find(leave, ids[-1])
                stamp = stamps()
                moved += sum(change(stamp, leave, case) for case in lock_rows(Case, ids, skip_locked=True))
    return moved


def _take(stamp: Stamp, leave: Leave, case: Case) -> bool:
    """Pass what the one on leave owns in a case to their stand-in, and remember it; who receives it first is told once."""
    db.session.refresh(leave)
    if leave.ended_at is not None:
        return False
    name = leave.staff.name
    passed = pass_on(stamp, case, leave.staff_id, away().get(leave.staff_id), note=lambda to: f"{name}请假，由{_name(to)}接续办理")
    for each in passed:
        db.session.add(LeaveMove(leave_id=leave.id, case_id=case.id, **vars(each)))
    file_notices(
        [
            notice_row(
                f"leave:{leave.id}",
                to=(Recipient.STAFF, to),
                template="leave_begins",
                params={"name": name},
                case_id=None,
                at=stamp.at,
            )
            for to in dict.fromkeys(each.to_staff_id for each in passed)
        ]
    )
    return bool(passed)


def _give_back(stamp: Stamp, leave: Leave, case: Case) -> bool:
    """Give back what a leave moved and what is still open and still with whom it went to; the rest stays where it is."""
    query = select(LeaveMove).where(LeaveMove.leave_id == leave.id, LeaveMove.case_id == case.id, LeaveMove.returned_at.is_(None))
    moves = list(db.session.scalars(query.order_by(LeaveMove.id)))
    back = dict[int, list[Passed]]()
    if leave.staff_id in posts_held().paths and case.state in OPEN:
        for move in moves:
            back.setdefault(move.to_staff_id, []).extend(_still(case, move, leave))
    for holder, passed in back.items():
        if passed:
            write_passed(stamp, case, holder, list(dict.fromkeys(passed)), note=f"{leave.staff.name}销假，由本人继续办理")
    for move in moves:
        move.returned_at = stamp.at
    db.session.flush()
    return any(back.values())


def _still(case: Case, move: LeaveMove, leave: Leave) -> list[Passed]:
    """Give what of a move can go back: the one clock, or the handling of a part with the clocks that it got meanwhile."""
    staff_id = leave.staff_id
    part = next((each for each in case.assignments if each.id == move.subject_id), None)
    handled = move.subject is Subject.ASSIGNMENT and part is not None and part.handler_id == move.to_staff_id
    held = [
        clock
        for clock in lock_case_clocks([case.id])
        if is_open(clock) and clock.owner_staff_id == move.to_staff_id
        and (clock.subject, clock.subject_id) == (move.subject, move.subject_id)
    ]  # fmt: skip
    if move.clock is not None:
        return [Passed(move.subject, move.subject_id, clock.clock, staff_id) for clock in held if clock.clock is move.clock]
    if not handled or part is None or part.ended_at is not None:
        return []
    since = [clock for clock in held if leave.begun_at is not None and clock.starts_at >= leave.begun_at]
    return [
        Passed(move.subject, move.subject_id, None, staff_id),
        *(Passed(move.subject, move.subject_id, clock.clock, staff_id) for clock in since),
    ]


def _name(staff_id: int) -> str:
    return db.session.get_one(Staff, staff_id).name
