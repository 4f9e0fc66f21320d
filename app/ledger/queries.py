"""Keeps the work queue: the cases that staff see, filtered, in order of arrival or of what falls due, each with its light."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, not_, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.ledger.calls import number_index
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.models import Call, Case, Report, Request
from app.ledger.narrowing import in_reach, is_late, is_own
from app.ledger.scope import visible
from app.ledger.vocabulary import Channel, Clock, Kind, Light, RequestState, State, Urgency
from app.people.identity import residents_by_phone
from app.territory.models import Grid, Unit

FINDS_BY_PHONE = (Role.INTAKE, Role.DISPATCHER, Role.CALLBACK_AGENT, Role.SUPERVISOR, Role.DATA_PROTECTION_OFFICER)
"""Roles that may look a caller's cases up; to others a number that fits would tell whose a confidential case is."""


class PhoneSearchIsTheDesks(NotAllowed):
    """按电话查询只对坐席开放"""


class Order(StrEnum):
    """In which order the queue is read: newest first, or what falls due first (then only cases with a running clock)."""

    NEWEST = "newest"
    DUE = "due"


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What of the queue is asked for. `mine` are cases whose clock one owns (signed for) or which one registered.

    `pending` are cases in which a request waits for its decision.
    """

    order: Order = Order.NEWEST
    state: State | None = None
    channel: Channel | None = None
    kind: Kind | None = None
    urgency: Urgency | None = None
    category_id: int | None = None
    grid: str | None = None
    lead_unit: str | None = None
    number: str | None = None
    late: bool = False
    mine: bool = False
    pending: bool = False
    archived: bool = False
    cursor: str | None = None
    limit: int = LIMIT


@dataclass(frozen=True)
class Named:
    """A grid or unit by code and name."""

    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ClockView:
    """An open clock: when it falls due, its light now, whether it stands still; `provisional` until the calendar is published."""

    id: int
    clock: Clock
    round: int
    owner_unit: str | None
    starts_at: datetime
    warn_at: datetime
    due_at: datetime
    paused: bool
    breached_at: datetime | None
    provisional: bool
    light: Light


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """A case in the work queue; `due_clock` and `due_at` are the running clock that falls due next, None when none runs."""

    number: str
    title: str
    state: State
    channel: Channel
    kind: Kind
    urgency: Urgency
    category_id: int | None
    category: str | None
    grid: Named | None
    lead_unit: Named | None
    confidential: bool
    anonymous: bool
    archived: bool
    round: int
    version: int
    opened_at: datetime
    light: Light | None
    due_clock: Clock | None
    due_at: datetime | None


def work_queue(stamp: Stamp, sought: Sought) -> Page[QueueRow]:
    """Give a page of the cases that the actor sees. Archived cases show only when they are asked for."""
    conditions: list[ColumnElement[bool]] = [visible(stamp.actor), *in_reach(stamp.actor), *_filters(stamp, sought)]
    if sought.order is Order.DUE:
        return _by_due(stamp, conditions, sought)
    query = _heads().where(*conditions)
    cases = db.session.scalars(paged(query, key=[(Case.id, True)], cursor=sought.cursor, limit=sought.limit)).all()
    page = page_from(cases, limit=sought.limit, key=lambda case: [case.id])
    return Page(_rows(page.items, stamp.at), page.next_cursor)


def find_by_phone(stamp: Stamp, *, phone: str, last_four: str) -> list[QueueRow]:
    """Give the cases whose number ends in `last_four` and in which somebody with this phone files, is concerned or called.

    Raises PhoneSearchIsTheDesks, WrongIdentity.
    """
    if stamp.actor.holds(FINDS_BY_PHONE) is None:
        raise PhoneSearchIsTheDesks
    people = residents_by_phone(phone)
    reported = select(Report.case_id).where(or_(Report.concerned_id.in_(people), Report.filer_resident_id.in_(people)))
    called = select(Call.case_id).where(Call.number_index == number_index("".join(filter(str.isdigit, phone))))
    query = _heads().where(Case.id.in_(reported.union_all(called)), Case.number.endswith(last_four), visible(stamp.actor))
    return _rows(db.session.scalars(query.order_by(Case.id.desc()).limit(LIMIT)).all(), stamp.at)


def _heads() -> Select[Case]:
    return select(Case).options(joinedload(Case.grid), joinedload(Case.lead_unit))


CLOCKS_A_CASE = 4
"""How many running clocks a case has at most, usually: so many times more of them are read than cases are asked for."""


def _by_due(stamp: Stamp, conditions: Sequence[ColumnElement[bool]], sought: Sought) -> Page[QueueRow]:
    """Walk the running clocks in the order in which they fall due; each case comes at its nearest one.

    Clocks that a nearer one of the same case has overtaken are dropped here, not in the query: the planner takes so few to
    be left that it would read and sort all.
    """
    clock, nearer = aliased(Deadline), aliased(Deadline)
    overtaken = exists().where(
        nearer.case_id == clock.case_id, _runs(nearer), tuple_(nearer.due_at, nearer.id) < tuple_(clock.due_at, clock.id)
    )
    query = select(Case, clock.due_at, clock.id, overtaken).options(joinedload(Case.grid), joinedload(Case.lead_unit))
    query = query.join(clock, clock.case_id == Case.id).where(_runs(clock), *conditions)
    key = [(clock.due_at, False), (clock.id, False)]
    found: list[Any] = []
    cursor, batch = sought.cursor, CLOCKS_A_CASE * sought.limit
    while len(found) <= sought.limit:
        rows = db.session.execute(paged(query, key=key, cursor=cursor, limit=batch)).all()
        read = page_from(rows, limit=batch, key=lambda row: [row[1], row[2]])
        found += [row for row in read.items if not row[3]]
        cursor = read.next_cursor
        if cursor is None:
            break
    page = page_from(found[: sought.limit + 1], limit=sought.limit, key=lambda row: [row[1], row[2]])
    return Page(_rows([row[0] for row in page.items], stamp.at), page.next_cursor)


def _runs(deadline: Any) -> ColumnElement[bool]:
    running = and_(deadline.met_at.is_(None), deadline.cancelled_at.is_(None), deadline.paused_at.is_(None))
    return and_(running, deadline.case_id.is_not(None))


def _filters(stamp: Stamp, sought: Sought) -> list[ColumnElement[bool]]:
    equal = {
        Case.state: sought.state,
        Case.channel: sought.channel,
        Case.kind: sought.kind,
        Case.urgency: sought.urgency,
        Case.number: sought.number,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    found.append(Case.archived.expression if sought.archived else not_(Case.archived))
    if sought.category_id is not None:
        found.append(Case.category_id.in_(catalogue().below(sought.category_id)))
    if sought.grid is not None:
        found.append(Case.grid_id == _id_of(Grid.id, Grid.code == sought.grid))
    if sought.lead_unit is not None:
        found.append(Case.lead_unit_id == _id_of(Unit.id, Unit.code == sought.lead_unit))
    if sought.late:
        found.append(is_late())
    if sought.mine:
        found.append(is_own(stamp.actor))
    if sought.pending:
        found.append(Case.id.in_(select(Request.case_id).where(Request.state == RequestState.PENDING)))
    return found


def _id_of(key: InstrumentedAttribute[int], named: ColumnElement[bool]) -> int:
    """Look an id up, so that the planner knows how many cases it stands for; 0, which nothing has, for an unknown code."""
    return db.session.scalars(select(key).where(named)).first() or 0


def _rows(cases: Sequence[Case], at: datetime) -> list[QueueRow]:
    clocks = open_clocks([case.id for case in cases], at)
    return [QueueRow(**head_of(case, clocks.get(case.id, []))) for case in cases]


def head_of(case: Case, clocks: Sequence[ClockView]) -> dict[str, Any]:
    """Give the fields of a queue row from a case (grid and lead unit loaded) and its open clocks, nearest first."""
    nearest = next((clock for clock in clocks if not clock.paused), None)
    same = ("number", "title", "state", "channel", "kind", "urgency", "category_id", "confidential", "anonymous", "archived",
            "round", "version", "opened_at")  # fmt: skip
    return {
        **{name: getattr(case, name) for name in same},
        "category": catalogue().category(case.category_id).path if case.category_id is not None else None,
        "grid": Named(case.grid.code, case.grid.name) if case.grid else None,
        "lead_unit": Named(case.lead_unit.code, case.lead_unit.name) if case.lead_unit else None,
        "light": max((clock.light for clock in clocks), key=list(Light).index, default=None),
        "due_clock": nearest.clock if nearest else None,
        "due_at": nearest.due_at if nearest else None,
    }


def open_clocks(case_ids: Iterable[int], at: datetime) -> dict[int, list[ClockView]]:
    """Give the open clocks of cases, each case's in the order in which they fall due."""
    query = select(Deadline, Unit.name).outerjoin(Unit, Unit.id == Deadline.owner_unit_id)
    query = query.where(Deadline.case_id.in_(list(case_ids)), Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))
    found: dict[int, list[ClockView]] = {}
    for deadline, unit in db.session.execute(query.order_by(Deadline.due_at, Deadline.id)):
        same = ("id", "clock", "round", "starts_at", "warn_at", "due_at", "breached_at", "provisional")
        view = ClockView(
            **{name: getattr(deadline, name) for name in same},
            owner_unit=unit,
            paused=deadline.paused_at is not None,
            light=light_of(deadline, at),
        )
        found.setdefault(deadline.case_id or 0, []).append(view)
    return found


def light_of(deadline: Deadline, at: datetime) -> Light:
    """Give the light of an open clock: red when due or breached, amber from its warning on; one that stands still shows no more."""
    if deadline.breached_at is not None:
        return Light.RED
    if deadline.paused_at is not None:
        return Light.GREEN
    if at >= deadline.due_at:
        return Light.RED
    return Light.AMBER if at >= deadline.warn_at else Light.GREEN
