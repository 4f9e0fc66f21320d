"""Keeps the work queue: the cases that staff see, filtered, in order of arrival or of what falls due, each with its light."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, not_, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from app.core.database import db
from app.core.errors import Invalid, NotAllowed
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.intake.calls import number_index
from app.ledger.models import Call, Case, Report
from app.ledger.requests.models import Request
from app.ledger.scope import keeps_from, visible
from app.ledger.showing.narrowing import is_own, seen_by_ways
from app.ledger.vocabulary import OPEN, Channel, Clock, Kind, Light, RequestState, State, Urgency
from app.people.identity import residents_by_phone
from app.territory.models import Grid, Unit

FINDS_BY_PHONE = (Role.INTAKE, Role.DISPATCHER, Role.CALLBACK_AGENT, Role.SUPERVISOR, Role.DATA_PROTECTION_OFFICER)
"""Roles that may look a caller's cases up; to others a number that fits would tell whose a confidential case is."""


class PhoneSearchIsTheDesks(NotAllowed):
    """按电话查询只对坐席开放"""


class UnknownPlaceInQueue(Invalid):
    """没有这个网格或单位"""


class Order(StrEnum):
    """In which order the queue is read: newest first, or what falls due first (then only cases with a running clock)."""

    NEWEST = "newest"
    DUE = "due"


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What of the queue is asked for. `mine` are cases whose clock one owns (signed for) or which one registered.

    `pending` are cases in which a request waits for its decision, `triage` those whose dissatisfied word waits for the
    supervisor. `late` are cases in which an open clock was breached, whatever their next clock says; `light` is what the desk
    sees now; `due_before` looks at the nearest clock that runs. Several states stand for any of them. `upstream_number` is the
    number that the upstream platform gave, by which it calls; `awaiting_rescue` are those that 110, 119 or 120 have not reached;
    `to_place` are those of which nobody knows the grid yet.
    """

    order: Order = Order.NEWEST
    states: Sequence[State] = ()
    channel: Channel | None = None
    kind: Kind | None = None
    urgency: Urgency | None = None
    category_id: int | None = None
    grid: str | None = None
    lead_unit: str | None = None
    number: str | None = None
    upstream_number: str | None = None
    light: Light | None = None
    due_before: datetime | None = None
    late: bool = False
    mine: bool = False
    pending: bool = False
    triage: bool = False
    to_place: bool = False
    awaiting_rescue: bool = False
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
    conditions = _filters(stamp, sought)
    by_due = sought.order is Order.DUE
    if by_due:
        conditions.append(Case.next_due_at.is_not(None))
    key: list[tuple[Any, bool]] = [(Case.next_due_at, False), (Case.id, False)] if by_due else [(Case.id, True)]

    def read(query: Select[Any]) -> Select[Any]:
        return paged(query, key=key, cursor=sought.cursor, limit=sought.limit)

    found = db.session.scalars(read(_heads().where(seen_by_ways(stamp.actor, conditions, read)))).all()
    page = page_from(found, limit=sought.limit, key=lambda case: [case.next_due_at, case.id] if by_due else [case.id])
    return Page(_rows(page.items, stamp.at), page.next_cursor)


def find_by_phone(stamp: Stamp, *, phone: str, last_four: str) -> list[QueueRow]:
    """Give the cases whose number ends in `last_four` and in which somebody with this phone files, is concerned or called.

    Whoever works for the unit that handles a confidential case does not find that one: it would tell whose it is. Raises
    PhoneSearchIsTheDesks, WrongIdentity.
    """
    if stamp.actor.holds(FINDS_BY_PHONE) is None:
        raise PhoneSearchIsTheDesks
    people = residents_by_phone(phone)
    by_them = or_(Report.concerned_id.in_(people), Report.filer_resident_id.in_(people))
    reported = [select(Report.case_id).where(by_them), select(Report.opened_case_id).where(by_them)]
    called = select(Call.case_id).where(Call.number_index == number_index("".join(filter(str.isdigit, phone))))
    query = _heads().where(Case.id.in_(union_all(*reported, called)), Case.number.endswith(last_four), visible(stamp.actor))
    query = query.where(not_(keeps_from(stamp.actor)))
    return _rows(db.session.scalars(query.order_by(Case.id.desc()).limit(LIMIT)).all(), stamp.at)


def _heads() -> Select[Case]:
    return select(Case).options(joinedload(Case.grid), joinedload(Case.lead_unit))


def _filters(stamp: Stamp, sought: Sought) -> list[ColumnElement[bool]]:
    equal = {
        Case.channel: sought.channel,
        Case.kind: sought.kind,
        Case.urgency: sought.urgency,
        Case.number: sought.number,
        Case.upstream_number: sought.upstream_number,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    found.append(Case.archived.expression if sought.archived else not_(Case.archived))
    if sought.states:
        found.append(Case.state.in_(sought.states) if len(sought.states) > 1 else Case.state == sought.states[0])
    if sought.category_id is not None:
        catalogue().category(sought.category_id)
        found.append(Case.category_id.in_(catalogue().below(sought.category_id)))
    if sought.grid is not None:
        found.append(Case.grid_id == _id_of("grid", Grid.id, Grid.code == sought.grid))
    if sought.lead_unit is not None:
        found.append(Case.lead_unit_id == _id_of("lead_unit", Unit.id, Unit.code == sought.lead_unit))
    of_open = (sought.states and OPEN.issuperset(sought.states)) or sought.awaiting_rescue or sought.to_place
    if of_open or sought.light or sought.late or sought.triage or sought.due_before or sought.order is Order.DUE:
        found.append(Case.closed_at.is_(None))  # true of all of these anyway, and what the index of open cases is of
    if sought.light is not None:
        found.append(shows(sought.light, stamp.at))
    if sought.due_before is not None:
        found.append(Case.next_due_at < sought.due_before)
    if sought.late:
        found.append(Case.late_since.is_not(None))
    if sought.awaiting_rescue:
        found.append(Case.awaiting_rescue.expression)
    if sought.to_place:
        found.append(Case.to_place.expression)
    if sought.triage:
        found.append(Case.triage.expression)
    if sought.mine:
        found.append(is_own(stamp.actor))
    if sought.pending:
        found.append(Case.id.in_(select(Request.case_id).where(Request.state == RequestState.PENDING)))
    return found


def shows(light: Light, at: datetime) -> ColumnElement[bool]:
    """Give the condition that a case shows a light at a moment; cases without an open clock show none."""
    red = or_(Case.late_since.is_not(None), Case.next_due_at <= at)
    match light:
        case Light.RED:
            return red
        case Light.AMBER:
            return and_(Case.late_since.is_(None), Case.amber_at <= at, Case.next_due_at > at)
        case Light.GREEN:
            running = or_(Case.amber_at > at, and_(Case.amber_at.is_(None), Case.state.in_(OPEN)))
            return and_(Case.late_since.is_(None), running)


def _id_of(field: str, key: InstrumentedAttribute[int], named: ColumnElement[bool]) -> int:
    """Look an id up, so that the planner knows how many cases it stands for; raises UnknownPlaceInQueue."""
    found = db.session.scalars(select(key).where(named)).first()
    if found is None:
        raise UnknownPlaceInQueue(errors={field: ["没有这个网格或单位"]})
    return found


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
