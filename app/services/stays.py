"""Keeps an order's stays at its stations: which unit one is at, when a stay begins, with its own clock, and when it ends."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from app.core.database import db
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.deadlines import ClockFor, cancel, is_open, start_clock
from app.ledger.models import Case
from app.ledger.terms import Term, halved
from app.ledger.terms import Unit as TermUnit
from app.ledger.vocabulary import Clock, Subject
from app.services.catalogue import Station, stations_of
from app.services.duties import responsible
from app.services.models import ServiceItem, ServiceOrder, ServiceStation
from app.territory.models import Level, Unit


def units_above(grid_id: int) -> dict[Level, Unit]:
    """Give the units of a grid by level: its village or community, its township, the county."""
    ids = [int(each) for each in catalogue().grid_path(grid_id).strip("/").split("/")]
    return {unit.level: unit for unit in db.session.scalars(select(Unit).where(Unit.id.in_(ids)).order_by(Unit.path))}


def unit_of(station: Station, above: dict[Level, Unit]) -> Unit:
    """Give the unit at which a station is for an order of a grid; where a level is not above it, the nearest that is."""
    if station.unit is not None:
        found = db.session.scalars(select(Unit).where(Unit.code == station.unit, Unit.active)).first()
        if found is not None:
            return found
    nearest = (Level.VILLAGE, Level.TOWNSHIP, Level.COUNTY)
    wanted = nearest[nearest.index(station.level) :] if station.level in nearest else nearest
    return next(above[level] for level in (*wanted, *nearest) if level in above)


def units_of(item: ServiceItem, above: dict[Level, Unit]) -> list[Unit]:
    """Give the units of an item's stations in order, for an order of a grid."""
    return [unit_of(station, above) for station in stations_of(item)]


def village_of(above: dict[Level, Unit]) -> Unit:
    """Give the village or community among the units above a grid; where there is none, the nearest."""
    return next(above[level] for level in (Level.VILLAGE, Level.TOWNSHIP, Level.COUNTY) if level in above)


def terms_of(item: ServiceItem, *, amount: int | None = None) -> dict[Clock, Term]:
    """Give the terms that an item sets: its time limit and, where that is counted in minutes, half of it for taking the order.

    `amount` is how much a supervisor gives instead, in the item's own unit.
    """
    quick = item.unit_of_term is TermUnit.MINUTE
    whole = item.term if amount is None else replace(item.term, amount=amount)
    return {Clock.RESOLVE: whole} | ({Clock.SIGN: halved(item.term)} if quick else {})


def begin_stay(
    at: datetime, case: Case, order: ServiceOrder, place: int, *, unit: Unit | None = None, half: bool = False
) -> tuple[ServiceStation, int | None]:
    """Begin an order's stay at the station of a place, and its clock; give the stay and whose clock it is, if anybody's.

    `unit` does the station's work in place of the item's own, `half` gives it half the station's term, rounded up.
    """
    station = stations_of(order.item)[place]
    unit = unit or unit_of(station, units_above(order.grid_id))
    stay = ServiceStation(place=place, name=station.name, unit_id=unit.id, unit=unit, began_at=at)
    order.stations.append(stay)
    order.unit_id, order.unit = unit.id, unit
    db.session.flush()
    owner = responsible(order, unit, at)
    wanted = ClockFor(
        Clock.STATION, Subject.SERVICE_STATION, case.kind, case.urgency, case.category_id, station.name, unit.id, owner,
        case.round, half=half, term=station.term,
    )  # fmt: skip
    start_clock(wanted, at, subject_id=stay.id, case_id=case.id)
    return stay, owner


def end_stay(at: datetime, stay: ServiceStation) -> None:
    """End a stay whose work goes no further there; its clock ends without verdict, a breach stays written."""
    if stay.ended_at is None:
        stay.ended_at = at
        clock = clock_of(stay)
        if clock is not None and is_open(clock):
            cancel(clock, at)


def let_go(order: ServiceOrder) -> None:
    """Let nobody have an order in hand."""
    order.taken_at = order.taken_by_staff = order.taken_by_resident = order.contact_seen_at = None


def present_stay(order: ServiceOrder) -> ServiceStation:
    """Give the stay at which an order is."""
    return order.stations[-1]


def clock_of(stay: ServiceStation) -> Deadline | None:
    """Give the clock of a stay as it stands."""
    query = select(Deadline).where(Deadline.subject == Subject.SERVICE_STATION, Deadline.subject_id == stay.id)
    return db.session.scalars(query.order_by(Deadline.id.desc())).first()
