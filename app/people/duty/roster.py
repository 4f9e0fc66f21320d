"""Keeps the duty roster (值班表): who is head of the shift, on the duty phone, or duty leader of a unit, from when until when.

A holiday is no special case: whoever is on duty in it stands in the roster with that span.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.held import Held
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import ActorKind, Role, Stamp
from app.people.duty.models import DUTY_LABELS, OnDuty, RosterEntry
from app.people.models import Staff
from app.people.staff import posts_held
from app.territory.models import Unit

LONGEST = timedelta(days=31)
KEPT = timedelta(days=1)
"""How long past its end a span stays in the snapshot; what was over before the newest line was put, nobody asks for now."""

FIT: dict[OnDuty, tuple[Role, ...]] = {
    OnDuty.HEAD: (Role.UNIT_HEAD,),
    OnDuty.PHONE: (),
    OnDuty.LEADER: (Role.UNIT_HEAD, Role.LEADER),
}
"""The posts at the unit, or above it, one of which a duty asks for; the phone may be answered by anybody of the unit."""


class RosterIsNotYours(NotAllowed):
    """值班表由管理员或本单位负责人维护"""


class RosterEntryNotFound(NotFound):
    """没有找到这条值班安排"""


class RosterEntryEnded(Conflict):
    """这条值班安排已经取消"""


class RosterUnfit(Invalid):
    """值班安排有误"""


class Span(NamedTuple):
    """One span of duty as it is held."""

    unit_id: int
    what: OnDuty
    staff_id: int
    starts_at: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class RosterView:
    """A span of duty as it is shown, with the number that rings."""

    id: int
    unit: str
    unit_name: str
    login: str
    name: str
    what: OnDuty
    starts_at: datetime
    until: datetime
    phone: str | None
    ended_at: datetime | None


def _load() -> dict[tuple[int, OnDuty], tuple[Span, ...]]:
    """Load what stands and was not long over when the newest line was put; which span holds is judged at use."""
    columns = (RosterEntry.unit_id, RosterEntry.what, RosterEntry.staff_id, RosterEntry.starts_at, RosterEntry.until)
    latest = select(func.max(RosterEntry.put_at)).scalar_subquery()
    standing = (Staff.active, RosterEntry.ended_at.is_(None), RosterEntry.until > latest - KEPT)
    query = select(*columns).join(Staff, Staff.id == RosterEntry.staff_id).where(*standing)
    spans: dict[tuple[int, OnDuty], tuple[Span, ...]] = {}
    for row in db.session.execute(query.order_by(RosterEntry.starts_at, RosterEntry.id)):
        span = Span(*row)
        spans[span.unit_id, span.what] = (*spans.get((span.unit_id, span.what), ()), span)
    return spans


roster = Held(_load)
"""Every span of duty that stands, by unit and what."""


def on_duty(unit_id: int, what: OnDuty, at: datetime) -> list[int]:
    """Give who is on duty at a unit at a moment, by when their span begins."""
    spans = roster().get((unit_id, what), ())
    return list(dict.fromkeys(span.staff_id for span in spans if span.starts_at <= at < span.until))


def put_on_roster(
    stamp: Stamp, *, unit_id: int, staff_id: int, what: OnDuty, starts_at: datetime, until: datetime, phone: str | None = None
) -> RosterView:
    """Put somebody on duty, reached at `phone` where that is not their own number.

    Raises RosterIsNotYours, RosterUnfit (also for a span that they have on the roster already).
    """
    unit = db.session.get(Unit, unit_id)
    if unit is None or not unit.active:
        raise RosterUnfit(errors={"unit_id": ["没有这个单位"]})
    check_may_edit(stamp, unit)
    entry = RosterEntry(unit_id=unit_id, staff_id=staff_id, what=what, starts_at=starts_at, until=until, phone=dialled(phone))
    for field, why in unfit(entry, unit, now=stamp.at):
        raise RosterUnfit(errors={field: [why]})
    write_entry(stamp, entry)
    return _view(entry)


def write_entry(stamp: Stamp, entry: RosterEntry) -> None:
    """Store a checked entry."""
    entry.put_at, entry.put_by = stamp.at, stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None
    db.session.add(entry)
    db.session.flush()
    roster.forget()


def unfit(entry: RosterEntry, unit: Unit, *, now: datetime) -> list[tuple[str, str]]:
    """Give (field, why in words for people) for whatever is wrong with an entry; nothing where it may be put."""
    wrong = []
    if entry.until <= entry.starts_at:
        wrong.append(("until", "结束时间要晚于开始时间"))
    elif entry.until - entry.starts_at > LONGEST:
        wrong.append(("until", "一条值班安排不能超过 31 天"))
    elif entry.until <= now:
        wrong.append(("until", "这段时间已经过去"))
    if entry.phone is not None and not re.fullmatch(r"\d{3,12}", entry.phone):
        wrong.append(("phone", "请填写电话号码（可以是短号、座机或手机）"))
    if entry.staff_id not in _fit(unit, entry.what):
        wrong.append(("staff_id", f"这个人不能担任“{unit.name}”的{DUTY_LABELS[entry.what]}"))
    elif any(
        held.starts_at < entry.until and entry.starts_at < held.until
        for held in roster().get((entry.unit_id, entry.what), ())
        if held.staff_id == entry.staff_id
    ):
        wrong.append(("starts_at", "这个人在这段时间已经有同样的值班安排"))
    return wrong


def dialled(phone: str | None) -> str | None:
    """Give a number as it is dialled, without the blanks and strokes that people write; None for nothing."""
    return re.sub(r"[\s\-()（）]", "", phone or "") or None


def _fit(unit: Unit, what: OnDuty) -> set[int]:
    held = posts_held()
    if not FIT[what]:
        return {staff_id for staff_id, paths in held.paths.items() if unit.path in paths}
    fit = set(held.at(unit.id, *FIT[what]))
    return fit if what is OnDuty.HEAD else fit | set(held.over(unit.path, Role.LEADER))


def end_on_roster(stamp: Stamp, entry_id: int) -> RosterView:
    """Take somebody off the roster from now on. Raises RosterEntryNotFound, RosterIsNotYours, RosterEntryEnded."""
    entry = next(iter(lock_rows(RosterEntry, [entry_id])), None)
    if entry is None:
        raise RosterEntryNotFound
    check_may_edit(stamp, entry.unit)
    if entry.ended_at is not None:
        raise RosterEntryEnded
    entry.ended_at, entry.ended_by = stamp.at, stamp.actor.id
    db.session.flush()
    roster.forget()
    return _view(entry)


def check_may_edit(stamp: Stamp, unit: Unit) -> None:
    """Let administrators edit every unit's people plan, heads that of their own unit; raises RosterIsNotYours."""
    posts = stamp.actor.posts
    administrator = any(post.role is Role.ADMINISTRATOR and unit.path.startswith(post.path) for post in posts)
    if not administrator and not any(post.role is Role.UNIT_HEAD and post.unit_id == unit.id for post in posts):
        raise RosterIsNotYours


def roster_page(
    stamp: Stamp,
    *,
    unit_id: int | None = None,
    what: OnDuty | None = None,
    at: datetime | None = None,
    mine: bool = False,
    past: bool = False,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[RosterView]:
    """Give the roster by when a duty begins: what is not over (`past`: all, what was taken off too), or holds `at` a moment.

    `mine`: one's own duties.
    Every member of staff may read it: whom to ring is no secret.
    """
    query = select(RosterEntry).options(joinedload(RosterEntry.unit), joinedload(RosterEntry.staff))
    if not past:
        query = query.where(RosterEntry.ended_at.is_(None), RosterEntry.until > stamp.at)
    if unit_id is not None:
        query = query.where(RosterEntry.unit_id == unit_id)
    if what is not None:
        query = query.where(RosterEntry.what == what)
    if mine:
        query = query.where(RosterEntry.staff_id == stamp.actor.id)
    if at is not None:
        query = query.where(RosterEntry.starts_at <= at, RosterEntry.until > at)
    key = [(RosterEntry.starts_at, False), (RosterEntry.id, False)]
    rows = db.session.scalars(paged(query, key=key, cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda entry: [entry.starts_at, entry.id])
    return Page([_view(entry) for entry in page.items], page.next_cursor)


def _view(entry: RosterEntry) -> RosterView:
    same = ("id", "what", "starts_at", "until", "phone", "ended_at")
    return RosterView(
        **{name: getattr(entry, name) for name in same},
        unit=entry.unit.code,
        unit_name=entry.unit.name,
        login=entry.staff.login,
        name=entry.staff.name,
    )
