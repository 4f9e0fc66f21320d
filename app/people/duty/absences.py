"""Keeps stand-ins (AB岗) and leave: who stands in for whom, and who is away from when until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased, joinedload

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.held import Held
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.people.duty.models import Leave, StandIn
from app.people.models import Staff, StaffPost
from app.people.staff import posts_held
from app.territory.models import Unit

LONGEST = timedelta(days=366)


class PeoplePlanIsNotYours(NotAllowed):
    """请假和 AB 岗由本人、本单位负责人或管理员登记"""


class StandInUnfit(Invalid):
    """AB 岗应是同一单位的另一位在岗人员"""


class LeaveUnfit(Invalid):
    """请假登记有误"""


class LeaveNotFound(NotFound):
    """没有找到这条请假记录"""


class LeaveOver(Conflict):
    """这次请假已经结束或取消"""


@dataclass(frozen=True, kw_only=True)
class StandInView:
    """Who stands in for whom."""

    login: str
    name: str
    stand_in: str
    stand_in_name: str
    set_at: datetime


@dataclass(frozen=True, kw_only=True)
class LeaveView:
    """A leave as it is shown, with who stands in meanwhile, where somebody does."""

    id: int
    login: str
    name: str
    starts_at: datetime
    until: datetime
    reason: str
    begun_at: datetime | None
    ended_at: datetime | None
    cancelled_at: datetime | None
    stand_in: str | None
    stand_in_name: str | None


def _load() -> dict[int, int | None]:
    query = select(Leave.staff_id, StandIn.stand_in_id).outerjoin(StandIn, StandIn.staff_id == Leave.staff_id)
    rows = db.session.execute(query.where(Leave.begun_at.is_not(None), Leave.ended_at.is_(None)))
    active = posts_held().paths
    return {row.staff_id: row.stand_in_id if row.stand_in_id in active else None for row in rows}


away = Held(_load)
"""Who is away now (their leave has begun and has not ended), and who stands in for each; None where nobody does."""


def set_stand_in(stamp: Stamp, *, staff_id: int, stand_in_id: int) -> StandInView:
    """Let one of the same unit stand in for a member of staff; whoever did before no longer does.

    Raises PeoplePlanIsNotYours, StandInUnfit. What a leave under way has moved stays where it is.
    """
    check_may_plan(stamp, staff_id)
    if stand_in_id == staff_id or not of_one_unit(staff_id, stand_in_id):
        raise StandInUnfit(errors={"stand_in_id": ["请选同一单位的另一位在岗人员"]})
    row = insert(StandIn).values(staff_id=staff_id, stand_in_id=stand_in_id, set_at=stamp.at, set_by=stamp.actor.id)
    changed = {"stand_in_id": stand_in_id, "set_at": stamp.at, "set_by": stamp.actor.id}
    db.session.execute(row.on_conflict_do_update(index_elements=[StandIn.staff_id], set_=changed))
    away.forget()
    return next(iter(stand_ins_page(stamp, staff_id=staff_id).items))


def of_one_unit(one: int, other: int) -> bool:
    """Say whether two members of staff hold a post at the same unit."""
    paths = posts_held().paths
    return bool(set(paths.get(one, ())) & set(paths.get(other, ())))


def check_may_plan(stamp: Stamp, staff_id: int) -> None:
    """Let people plan for themselves, heads for their own unit, administrators for all below; raises PeoplePlanIsNotYours."""
    paths = posts_held().paths.get(staff_id, ())
    for post in stamp.actor.posts:
        if post.role is Role.ADMINISTRATOR and any(path.startswith(post.path) for path in paths):
            return
        if post.role is Role.UNIT_HEAD and post.path in paths:
            return
    if stamp.actor.id != staff_id or not paths:
        raise PeoplePlanIsNotYours


def stand_ins_page(
    stamp: Stamp, *, staff_id: int | None = None, cursor: str | None = None, limit: int = LIMIT
) -> Page[StandInView]:
    """Give who stands in for whom among those for whom the actor may plan."""
    other = aliased(Staff)
    query = select(StandIn.staff_id, Staff.login, Staff.name, other.login, other.name, StandIn.set_at)
    query = query.join(Staff, Staff.id == StandIn.staff_id).join(other, other.id == StandIn.stand_in_id)
    query = query.where(StandIn.staff_id.in_(_planned(stamp)))
    if staff_id is not None:
        query = query.where(StandIn.staff_id == staff_id)
    rows = db.session.execute(paged(query, key=[(StandIn.staff_id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0]])
    items = [StandInView(login=r[1], name=r[2], stand_in=r[3], stand_in_name=r[4], set_at=r[5]) for r in page.items]
    return Page(items, page.next_cursor)


def put_leave(stamp: Stamp, *, staff_id: int, starts_at: datetime, until: datetime, reason: str) -> LeaveView:
    """Put a leave; one whose beginning is past begins at the job's next run. Raises PeoplePlanIsNotYours, LeaveUnfit."""
    check_may_plan(stamp, staff_id)
    lock_rows(Staff, [staff_id])
    if until <= starts_at or until <= stamp.at:
        raise LeaveUnfit(errors={"until": ["结束时间要晚于开始时间和现在"]})
    if until - starts_at > LONGEST:
        raise LeaveUnfit(errors={"until": ["一次请假不能超过一年"]})
    standing = (Leave.staff_id == staff_id, Leave.ended_at.is_(None), Leave.cancelled_at.is_(None))
    overlap = select(Leave.id).where(*standing, Leave.starts_at < until, Leave.until > starts_at)
    if db.session.scalars(overlap).first() is not None:
        raise LeaveUnfit(errors={"starts_at": ["这段时间已经登记请假"]})
    leave = Leave(staff_id=staff_id, starts_at=starts_at, until=until, reason=reason, put_at=stamp.at, put_by=stamp.actor.id)
    db.session.add(leave)
    db.session.flush()
    return _views([leave])[0]


def end_leave(stamp: Stamp, leave_id: int) -> LeaveView:
    """End a leave early, from now on, or cancel one that has not begun. Raises LeaveNotFound, LeaveOver.

    What it moved goes back at the job's next run.
    """
    leave = next(iter(lock_rows(Leave, [leave_id])), None)
    if leave is None:
        raise LeaveNotFound
    try:
        check_may_plan(stamp, leave.staff_id)
    except PeoplePlanIsNotYours:
        raise LeaveNotFound from None
    if leave.ended_at is not None or leave.cancelled_at is not None:
        raise LeaveOver
    if leave.begun_at is None:
        leave.cancelled_at = stamp.at
    else:
        leave.until = min(leave.until, max(stamp.at, leave.starts_at + timedelta(microseconds=1)))
    db.session.flush()
    return _views([leave])[0]


def leaves_page(stamp: Stamp, *, past: bool = False, cursor: str | None = None, limit: int = LIMIT) -> Page[LeaveView]:
    """Give the leaves of those for whom the actor may plan, the newest first; `past`: those that are over too."""
    query = select(Leave).options(joinedload(Leave.staff)).where(Leave.staff_id.in_(_planned(stamp)))
    if not past:
        query = query.where(Leave.ended_at.is_(None), Leave.cancelled_at.is_(None))
    rows = db.session.scalars(paged(query, key=[(Leave.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda leave: [leave.id])
    return Page(_views(list(page.items)), page.next_cursor)


def _planned(stamp: Stamp) -> Select[int]:
    posts = stamp.actor.posts
    administered = [Unit.path.startswith(post.path) for post in posts if post.role is Role.ADMINISTRATOR]
    headed = [Unit.path == post.path for post in posts if post.role is Role.UNIT_HEAD]
    ways = or_(StaffPost.staff_id == stamp.actor.id, *administered, *headed)
    return select(StaffPost.staff_id).join(Unit, Unit.id == StaffPost.unit_id).where(ways)


def _views(leaves: list[Leave]) -> list[LeaveView]:
    query = select(StandIn.staff_id, Staff.login, Staff.name).join(Staff, Staff.id == StandIn.stand_in_id)
    stand_ins = {row[0]: row for row in db.session.execute(query.where(StandIn.staff_id.in_([each.staff_id for each in leaves])))}
    same = ("id", "starts_at", "until", "reason", "begun_at", "ended_at", "cancelled_at")
    return [
        LeaveView(
            **{name: getattr(leave, name) for name in same},
            login=leave.staff.login,
            name=leave.staff.name,
            stand_in=stand_ins[leave.staff_id][1] if leave.staff_id in stand_ins else None,
            stand_in_name=stand_ins[leave.staff_id][2] if leave.staff_id in stand_ins else None,
        )
        for leave in leaves
    ]
