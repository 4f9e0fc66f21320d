"""Keeps the hand-over of a shift (交接班): what is open and pressing when one shift goes, and who took over with which remark."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, not_, select

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.audiences import head_chain
from app.ledger.models import Case
from app.ledger.requests.models import Request
from app.ledger.scope import visible
from app.ledger.shifts.models import ShiftHandOver
from app.ledger.showing.narrowing import in_reach
from app.ledger.showing.queue import Order, QueueRow, Sought, shows, work_queue
from app.ledger.vocabulary import OPEN, Light, RequestKind, RequestState, Urgency
from app.ledger.whistles.models import Whistle, WhistleCall
from app.people.duty.absences import away
from app.people.duty.models import OnDuty
from app.people.duty.roster import RosterView, on_duty, roster_page
from app.people.models import Staff
from app.territory.calendar.queries import load_calendar
from app.territory.models import Unit

MOST = 50
MOST_ON_DUTY = 200
NEAREST = 20


class NotYourShift(NotAllowed):
    """您不在这个单位任职，不能交接它的班"""


@dataclass(frozen=True, kw_only=True)
class ShiftNow:
    """Who is on duty now: who heads the shift (by the roster, else as head of the county's unit), and the roster.

    `missing_years` are those whose holidays nobody has brought in though clocks begin to reach into them.
    """

    at: datetime
    heads: list[str]
    items: Sequence[RosterView]
    missing_years: list[int]


@dataclass(frozen=True, kw_only=True)
class OpenCall:
    """A unit that was whistled for and has not come yet."""

    number: str
    title: str
    unit_name: str
    place: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class OpenRequest:
    """A request that waits for its decision."""

    number: str
    title: str
    kind: RequestKind
    asked_at: datetime


@dataclass(frozen=True, kw_only=True)
class TakenOver:
    """A shift that was taken over: by whom, when, the remark, and the figures of that moment."""

    id: int
    unit: str
    unit_name: str
    login: str
    name: str
    at: datetime
    remark: str | None
    figures: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class HandOverList:
    """What a shift hands over: counts of all that the reader sees, of each list the first rows, the oldest or nearest first."""

    unit: str
    unit_name: str
    at: datetime
    heads: list[str]
    figures: dict[str, int]
    urgent: Sequence[QueueRow]
    nearest: Sequence[QueueRow]
    whistles: list[OpenCall]
    requests: list[OpenRequest]
    last: TakenOver | None


def shift_now(stamp: Stamp, *, unit_id: int | None = None) -> ShiftNow:
    """Give who is on duty now, of a unit where one is named; a head who is away is passed over."""
    at_work = ([staff for staff in step if staff not in away()] for step in head_chain(stamp.at))
    heads = db.session.scalars(select(Staff.name).where(Staff.id.in_(next(filter(None, at_work), []))).order_by(Staff.id))
    return ShiftNow(
        at=stamp.at,
        heads=list(heads),
        items=roster_page(stamp, unit_id=unit_id, at=stamp.at, limit=MOST_ON_DUTY).items,
        missing_years=load_calendar().missing_years(stamp.at),
    )


def hand_over_list(stamp: Stamp, *, unit_id: int | None = None) -> HandOverList:
    """Give what the shift of a unit (one's own first when None) hands over, of the cases that the actor sees.

    Raises NotYourShift.
    """
    unit = _own_unit(stamp, unit_id)
    urgent = work_queue(stamp, Sought(states=sorted(OPEN), urgency=Urgency.URGENT, limit=MOST)).items
    nearest = work_queue(stamp, Sought(order=Order.DUE, limit=NEAREST)).items
    calls = db.session.execute(_calls(stamp).order_by(WhistleCall.due_at, WhistleCall.id).limit(MOST))
    asked = db.session.execute(_requests(stamp).order_by(Request.asked_at, Request.id).limit(MOST))
    heads = db.session.scalars(select(Staff.name).where(Staff.id.in_(on_duty(unit.id, OnDuty.HEAD, stamp.at))).order_by(Staff.id))
    past = db.session.execute(_taken().where(ShiftHandOver.unit_id == unit.id).order_by(ShiftHandOver.id.desc()).limit(1))
    return HandOverList(
        unit=unit.code,
        unit_name=unit.name,
        at=stamp.at,
        heads=list(heads),
        figures=_figures(stamp),
        urgent=urgent,
        nearest=nearest,
        whistles=[OpenCall(**row._mapping) for row in calls],
        requests=[OpenRequest(**row._mapping) for row in asked],
        last=next((TakenOver(**row._mapping) for row in past), None),
    )


def take_over(stamp: Stamp, *, unit_id: int | None = None, remark: str | None = None) -> TakenOver:
    """Take the shift of a unit over with one's signature: the figures are kept as they stand now. Raises NotYourShift."""
    unit = _own_unit(stamp, unit_id)
    taken = ShiftHandOver(unit_id=unit.id, staff_id=stamp.actor.id, at=stamp.at, remark=remark, figures=_figures(stamp))
    db.session.add(taken)
    db.session.flush()
    return TakenOver(**db.session.execute(_taken().where(ShiftHandOver.id == taken.id)).one()._mapping)


def taken_over_page(stamp: Stamp, *, unit_id: int | None = None, cursor: str | None = None, limit: int = LIMIT) -> Page[TakenOver]:
    """Give who took a unit's shift over, the newest first. Raises NotYourShift."""
    query = _taken().where(ShiftHandOver.unit_id == _own_unit(stamp, unit_id).id)
    rows = db.session.execute(paged(query, key=[(ShiftHandOver.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([TakenOver(**row._mapping) for row in page.items], page.next_cursor)


def _own_unit(stamp: Stamp, unit_id: int | None) -> Unit:
    own = [post.unit_id for post in stamp.actor.posts]
    if not own or unit_id not in (None, *own):
        raise NotYourShift
    return db.session.get_one(Unit, unit_id or own[0])


def _taken() -> Select[Any]:
    columns = [getattr(ShiftHandOver, name) for name in ("id", "at", "remark", "figures")]
    columns += [Unit.code.label("unit"), Unit.name.label("unit_name"), Staff.login, Staff.name]
    query = select(*columns).join_from(ShiftHandOver, Unit, Unit.id == ShiftHandOver.unit_id)
    return query.join(Staff, Staff.id == ShiftHandOver.staff_id)


def _seen(stamp: Stamp) -> list[Any]:
    return [visible(stamp.actor), *in_reach(stamp.actor), Case.closed_at.is_(None), not_(Case.archived)]


def _calls(stamp: Stamp) -> Select[*tuple[Any, ...]]:
    query = select(Case.number, Case.title, Unit.name.label("unit_name"), Whistle.place, WhistleCall.due_at)
    query = query.join_from(WhistleCall, Whistle, Whistle.id == WhistleCall.whistle_id).join(Case, Case.id == WhistleCall.case_id)
    waiting = (WhistleCall.arrived_at.is_(None), Whistle.cancelled_at.is_(None))
    return query.join(Unit, Unit.id == WhistleCall.unit_id).where(*waiting, *_seen(stamp))


def _requests(stamp: Stamp) -> Select[*tuple[Any, ...]]:
    query = select(Case.number, Case.title, Request.kind, Request.asked_at).join_from(Request, Case, Case.id == Request.case_id)
    return query.where(Request.state == RequestState.PENDING, *_seen(stamp))


def _figures(stamp: Stamp) -> dict[str, int]:
    counts = {
        "urgent": Case.urgency == Urgency.URGENT,
        "amber": shows(Light.AMBER, stamp.at),
        "red": shows(Light.RED, stamp.at),
    }
    columns = [func.count().filter(condition).label(name) for name, condition in counts.items()]
    row = db.session.execute(select(func.count().label("open"), *columns).select_from(Case).where(*_seen(stamp))).one()

    def count(query: Select[*tuple[Any, ...]]) -> int:
        return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0

    return {**row._mapping, "whistles": count(_calls(stamp)), "requests": count(_requests(stamp))}
