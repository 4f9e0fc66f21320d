"""Keeps what is read of orders: those that are open to somebody, one's own, and the lists of a unit by station and lateness."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, not_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.paging import Page, by_ways, page_from, paged
from app.core.stamp import ActorKind, Stamp
from app.ledger.clocks import Deadline
from app.ledger.models import Case, Report
from app.ledger.numbers import WrongNumber, check_number
from app.ledger.scope import visible
from app.ledger.showing.narrowing import ids_by_ways
from app.ledger.vocabulary import OPEN, Clock, State, Subject
from app.people.identity import masked, open_person
from app.people.models import Resident
from app.services.catalogue import stations_of
from app.services.models import ITEM_KINDS, ItemKind, ServiceItem, ServiceOrder, ServiceStation
from app.services.taking import ServiceOrderNotFound, free, taken_by, within_reach
from app.territory.models import Unit


class OrdersAreTheStaffs(NotAllowed):
    """服务订单由工作人员查看"""


@dataclass(frozen=True)
class OpenOrder:
    """An order as those see it who may take it: what, roughly where, by when; nothing of whose it is, nor their words."""

    number: str
    item: str
    name: str
    kind: ItemKind
    kind_label: str
    state: State
    grid_name: str
    wished_at: datetime | None
    station: str
    station_due: datetime | None
    late: bool
    fee: str


@dataclass(frozen=True)
class StayShown:
    """A stay at a station."""

    name: str
    unit: str
    began_at: datetime
    ended_at: datetime | None
    returned: bool
    due_at: datetime | None
    late: bool


@dataclass(frozen=True)
class OrderShown(OpenOrder):
    """An order as its people and its staff see it: the item in the version that it keeps, its way, and, masked, for whom.

    `case_version` is what a move of the order may say it was decided on.
    """

    version: int
    case_version: int
    person: str | None
    stations: list[StayShown]
    ahead: list[str]
    taken: bool
    mine: bool
    opened_at: datetime


def _orders() -> Select[ServiceOrder]:
    query = select(ServiceOrder).join(Case, Case.id == ServiceOrder.case_id)
    query = query.join(ServiceItem, ServiceItem.id == ServiceOrder.item_id).join(Unit, Unit.id == ServiceOrder.unit_id)
    return query.options(
        joinedload(ServiceOrder.case),
        joinedload(ServiceOrder.item).joinedload(ServiceItem.unit),
        joinedload(ServiceOrder.grid),
        joinedload(ServiceOrder.resident).joinedload(Resident.identity),
        selectinload(ServiceOrder.stations).joinedload(ServiceStation.unit),
    )


def open_orders(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[OpenOrder]:
    """Give the orders that the actor may take now, the oldest first; nothing tells whose they are."""
    conditions = [within_reach(stamp), free()]
    if stamp.actor.kind is ActorKind.RESIDENT:
        mine = exists().where(Report.case_id == ServiceOrder.case_id, Report.filer_resident_id == stamp.actor.id)
        conditions += [ServiceOrder.resident_id != stamp.actor.id, ~mine.correlate(ServiceOrder)]
    query = paged(_orders().where(*conditions), key=[(ServiceOrder.id, False)], cursor=cursor, limit=limit)
    return _page(stamp, query, limit=limit, show=_open)


def taken_orders(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[OrderShown]:
    """Give the orders that the actor has taken, the latest first."""
    query = paged(_orders().where(taken_by(stamp.actor)), key=[(ServiceOrder.id, True)], cursor=cursor, limit=limit)
    return _page(stamp, query, limit=limit, show=_shown)


def own_orders(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[OrderShown]:
    """Give the orders that are for the signed-in resident, or that they made, the latest first."""

    def read(query: Select[Any]) -> Select[Any]:
        return paged(query, key=[(ServiceOrder.id, True)], cursor=cursor, limit=limit)

    filed = select(Report.case_id).where(Report.filer_resident_id == stamp.actor.id)
    ways = (ServiceOrder.resident_id == stamp.actor.id, ServiceOrder.case_id.in_(filed))
    ids = db.session.scalars(by_ways([read(select(ServiceOrder.id).where(way)) for way in ways])).all()
    return _page(stamp, read(_orders().where(ServiceOrder.id.in_(ids))), limit=limit, show=_shown)


def orders_page(
    stamp: Stamp,
    *,
    unit_id: int | None = None,
    item: str | None = None,
    late: bool | None = None,
    running: bool = True,
    taken: bool | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[OrderShown]:
    """Give the orders that a member of staff sees: at the station of a unit or below it, late, taken; the latest case first.

    Raises OrdersAreTheStaffs.
    """
    if stamp.actor.kind is not ActorKind.STAFF:
        raise OrdersAreTheStaffs
    conditions = [not_(Case.archived)]  # true of all orders, and what the indexes of territory and lead are of
    if unit_id is not None:
        below = select(Unit.id).where(Unit.path.startswith(db.session.get_one(Unit, unit_id).path))
        conditions.append(ServiceOrder.unit_id.in_(below))
    if item is not None:
        conditions.append(ServiceOrder.item_code == item)
    if running:
        conditions.append(Case.state.in_(OPEN))
    if late is not None:
        conditions.append(Case.late_since.is_not(None) if late else Case.late_since.is_(None))
    if taken is not None:
        conditions.append(ServiceOrder.taken_at.is_not(None) if taken else ServiceOrder.taken_at.is_(None))

    def read(query: Select[Any]) -> Select[Any]:
        return paged(query, key=[(ServiceOrder.case_id, True)], cursor=cursor, limit=limit)

    query = select(ServiceOrder.case_id).join(Case, Case.id == ServiceOrder.case_id).where(*conditions)
    ids = db.session.scalars(ids_by_ways(stamp.actor, query, read)).all()
    found = read(_orders().where(ServiceOrder.case_id.in_(ids)))
    return _page(stamp, found, limit=limit, show=_shown, key=lambda order: (order.case_id,))


def show_order(stamp: Stamp, number: str) -> OrderShown:
    """Give one order that the actor has made, works on or sees as a case; raises ServiceOrderNotFound, also for one elsewhere.

    Who could take it, but has not, finds it in the list of open orders alone.
    """
    try:
        number = check_number(number)
    except WrongNumber:
        raise ServiceOrderNotFound from None
    query = _orders().where(Case.number == number, or_(visible(stamp.actor), taken_by(stamp.actor)))
    order = db.session.scalars(query).first()
    if order is None:
        raise ServiceOrderNotFound
    return _shown(stamp, order, _clocks([order]))


def order_of(stamp: Stamp, order: ServiceOrder) -> OrderShown:
    """Give an order as who has just done something to it sees it."""
    return _shown(stamp, order, _clocks([order]))


def _by_id(order: ServiceOrder) -> tuple[int, ...]:
    return (order.id,)


def _page(
    stamp: Stamp,
    query: Select[ServiceOrder],
    *,
    limit: int,
    show: Any,
    key: Callable[[ServiceOrder], tuple[int, ...]] = _by_id,
) -> Page[Any]:
    page = page_from(list(db.session.scalars(query)), limit=limit, key=key)
    clocks = _clocks(list(page.items))
    return Page([show(stamp, order, clocks) for order in page.items], page.next_cursor)


def _clocks(orders: Sequence[ServiceOrder]) -> dict[int, Deadline]:
    """Give the newest clock of each stay of some orders, by the stay's id: one statement for a page."""
    stays = [stay.id for order in orders for stay in order.stations]
    query = select(Deadline).where(Deadline.subject == Subject.SERVICE_STATION, Deadline.subject_id.in_(stays))
    rows = db.session.scalars(query.where(Deadline.clock == Clock.STATION).order_by(Deadline.id))
    return {clock.subject_id: clock for clock in rows}


def _open(_: Stamp, order: ServiceOrder, clocks: dict[int, Deadline]) -> OpenOrder:
    return OpenOrder(**_common(order, clocks))


def _common(order: ServiceOrder, clocks: dict[int, Deadline]) -> dict[str, Any]:
    stay = order.stations[-1]
    clock = clocks.get(stay.id)
    return {
        "number": order.case.number,
        "item": order.item_code,
        "name": order.item.name,
        "kind": order.item.kind,
        "kind_label": ITEM_KINDS[order.item.kind],
        "state": order.case.state,
        "grid_name": order.grid.name,
        "wished_at": order.wished_at,
        "station": stay.name,
        "station_due": clock.due_at if clock is not None else None,
        "late": order.case.late_since is not None,
        "fee": order.item.fee,
    }


def _shown(stamp: Stamp, order: ServiceOrder, clocks: dict[int, Deadline]) -> OrderShown:
    mine = order.taken_by_resident if stamp.actor.kind is ActorKind.RESIDENT else order.taken_by_staff
    stays = []
    for stay in order.stations:
        clock = clocks.get(stay.id)
        late = clock is not None and clock.breached_at is not None
        due = clock.due_at if clock is not None else None
        stays.append(StayShown(stay.name, stay.unit.name, stay.began_at, stay.ended_at, stay.returned, due, late))
    return OrderShown(
        **_common(order, clocks),
        version=order.item.version,
        case_version=order.case.version,
        person=None if order.case.confidential else masked(open_person(order.resident.identity)).name,
        stations=stays,
        ahead=[station.name for station in stations_of(order.item)[order.stations[-1].place + 1 :]],
        taken=order.taken_at is not None,
        mine=mine is not None and mine == stamp.actor.id,
        opened_at=order.case.opened_at,
    )
