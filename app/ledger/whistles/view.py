"""Keeps whistles as they are shown: where, why, by when, who came and how far off, and what both sides say of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import aliased

from app.core.database import db
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.county import county
from app.ledger.models import Case, Entry, EntryWords
from app.ledger.moves import where_now
from app.ledger.scope import find_case, visible
from app.ledger.whistles.models import Whistle, WhistleCall
from app.people.models import Staff
from app.territory.models import Unit


@dataclass(frozen=True, kw_only=True)
class CallView:
    """A call as it is shown; `in_time` is None while there still is time, or where there was when it ended.

    `by` and `by_unit` are None where a resident blew; nobody is told who that is.
    """

    id: int
    whistle_id: int
    number: str
    title: str
    unit: str
    unit_name: str
    by_resident: bool
    by: str | None
    by_unit: str | None
    words: str | None
    place: str
    latitude: float | None
    longitude: float | None
    blown_at: datetime
    due_at: datetime
    arrived_at: datetime | None
    arrived_by: str | None
    arrived_latitude: float | None
    arrived_longitude: float | None
    metres_off: int | None
    far_off: bool
    in_time: bool | None
    cancelled: bool
    helped: bool | None
    justified: bool | None
    ruling: bool | None


def _calls() -> Select[Any]:
    blower, comer, from_unit = aliased(Staff), aliased(Staff), aliased(Unit)
    query = select(
        WhistleCall, Whistle, Unit.code, Unit.name.label("unit_name"), Case.number, Case.title, Case.closed_at,
        EntryWords.note,
blower.name.label("blower"), from_unit.name.label("from_unit"), comer.name.label("comer"),
    ).join(Whistle, Whistle.id == WhistleCall.whistle_id).join(Case, Case.id == WhistleCall.case_id)  # fmt: skip
    query = query.join(Unit, Unit.id == WhistleCall.unit_id).outerjoin(blower, blower.id == Whistle.staff_id)
    query = query.outerjoin(from_unit, from_unit.id == Whistle.unit_id).outerjoin(comer, comer.id == WhistleCall.arrived_by)
    query = query.outerjoin(Entry, and_(Entry.case_id == Whistle.case_id, Entry.seq == Whistle.entry_seq))
    return cast(Select[Any], query.outerjoin(EntryWords, EntryWords.entry_id == Entry.id))


def _view(row: Any, at: datetime) -> CallView:
    call, blown = row.WhistleCall, row.Whistle
    until = call.arrived_at or min(moment for moment in (blown.cancelled_at, row.closed_at, at) if moment is not None)
    same = ("id", "whistle_id", "due_at", "arrived_at", "metres_off", "helped", "justified", "ruling")
    return CallView(
        **{name: getattr(call, name) for name in same},
        number=row.number,
        title=row.title,
        unit=row.code,
        unit_name=row.unit_name,
        by_resident=blown.resident_id is not None,
        by=row.blower,
        by_unit=row.from_unit,
        words=row.note,
        place=blown.place,
        latitude=blown.latitude,
        longitude=blown.longitude,
        blown_at=blown.at,
        arrived_by=row.comer,
        arrived_latitude=call.latitude,
        arrived_longitude=call.longitude,
        far_off=call.metres_off is not None and call.metres_off > county().whistle_metres,
        in_time=until <= call.due_at if call.arrived_at is not None or until > call.due_at else None,
        cancelled=blown.cancelled_at is not None,
    )


def calls_of(blown: Whistle, at: datetime) -> list[CallView]:
    """Give the calls of a whistle in their order, as they stand at a moment."""
    query = _calls().where(Whistle.id == blown.id).order_by(WhistleCall.id)
    return [_view(row, at) for row in db.session.execute(query)]


def call_view(call: WhistleCall, at: datetime) -> CallView:
    """Give one call as it stands at a moment."""
    return _view(db.session.execute(_calls().where(WhistleCall.id == call.id)).one(), at)


def calls_page(
    stamp: Stamp,
    *,
    number: str | None = None,
    mine: bool = False,
    waiting: bool = False,
    contested: bool = False,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[CallView]:
    """Give the calls on cases that the actor sees, the newest first.

    `number`: of one case; `mine`: for units where the actor works; `waiting`: those who are still to come; `contested`: those
    that wait for a supervisor's ruling. Raises CaseNotFound.
    """
    query = _calls().where(visible(stamp.actor))
    if number is not None:
        query = query.where(WhistleCall.case_id == find_case(stamp, number).id)
    if mine:
        query = query.where(or_(*(Unit.path.startswith(path) for path in stamp.actor.paths())))
    if waiting:
        query = query.where(WhistleCall.arrived_at.is_(None), Whistle.cancelled_at.is_(None), Case.closed_at.is_(None))
    if contested:
        query = query.where(contests())
    rows = db.session.execute(paged(query, key=[(WhistleCall.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].id])
    return Page([_view(row, stamp.at) for row in page.items], page.next_cursor)


def contests() -> ColumnElement[bool]:
    """Give the condition that the called unit calls a whistle unjustified, and nobody has ruled on it yet."""
    return and_(WhistleCall.justified.is_(False), WhistleCall.ruling.is_(None))


def own_calls(stamp: Stamp, number: str) -> list[CallView]:
    """Give the calls of the whistles that a resident blew on their case, the newest first; raises CaseNotFound."""
    case = find_case(stamp, number)
    cases = sorted({case.id, where_now(case.id)})
    query = _calls().where(Whistle.resident_id == stamp.actor.id, Whistle.case_id.in_(cases))
    return [_view(row, stamp.at) for row in db.session.execute(query.order_by(WhistleCall.id.desc()))]
