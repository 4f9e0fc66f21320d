"""Keeps the doing of orders (接单): taken by exactly one, given back with a reason, passed from station to station, done."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from app.core.clock import CHINA
from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, NotAllowed, NotFound
from app.core.stamp import Actor, ActorKind, Role, Stamp
from app.ledger.attachments import NO_FILES, EntryFiles, attach_to_entry, place_of_photos
from app.ledger.county import county
from app.ledger.handling import ContactByDesk, hand_over, lead_of
from app.ledger.intake.calls import called_from
from app.ledger.models import Assignment, Case
from app.ledger.moves import Step, Words, move_case
from app.ledger.numbers import WrongNumber, check_number
from app.ledger.recusal import not_recused
from app.ledger.verification.results import facts_of, keep_result
from app.ledger.vocabulary import Action, Audience, Duty, State, Subject
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.people.accounts_known import on_roster
from app.people.identity import looked_at, unmask
from app.people.models import Resident
from app.services.catalogue import stations_of
from app.services.duties import responsible
from app.services.models import ServiceItem, ServiceOrder, ServiceStation, Taker
from app.services.stays import begin_stay, clock_of
from app.services.volunteers import taker_kinds
from app.territory.models import Unit


class ServiceOrderNotFound(NotFound):
    """没有找到这个服务订单"""


class OrderTaken(Conflict):
    """这个订单已有人接单"""


class ServiceOrderNotOpen(Conflict):
    """这个订单现在不能接单"""


class OwnOrder(Conflict):
    """不能接自己的订单"""


class NotYourOrder(NotAllowed):
    """这个订单由别人接单"""


class TooManyHeld(Conflict):
    """您手上的订单已经不少了，请先办完或退回再接单"""


class TooManyContacts(Conflict):
    """您今天查看的联系方式已到上限，请明天再看，急事请找村干部"""


class NotLastStation(Conflict):
    """这个订单还有下一站"""


class NoStationBeyond(Conflict):
    """没有这一站"""


def within_reach(stamp: Stamp) -> ColumnElement[bool]:
    """Give the condition for the orders that somebody may take, or might have: by village for residents, by unit for staff."""
    actor = stamp.actor
    if actor.kind is ActorKind.RESIDENT:
        assert actor.id is not None
        kinds, village_id = taker_kinds(actor.id, stamp.at)
        return and_(ServiceOrder.village_id == village_id, ServiceItem.takers.overlap(kinds)) if kinds else false()
    return and_(ServiceItem.takers.contains([Taker.UNIT.value]), at_station(actor), not_recused(actor))


def at_station(actor: Actor) -> ColumnElement[bool]:
    """Give the condition that an order is at the station of the actor's unit; a village's are its cadres' and grid workers' too."""
    paths = actor.paths(Role.HANDLER, Role.UNIT_HEAD, Role.CADRE)
    mine: list[ColumnElement[bool]] = [Unit.path.startswith(path) for path in paths]
    if actor.grid_ids:
        mine.append(and_(ServiceOrder.grid_id.in_(sorted(actor.grid_ids)), ServiceOrder.unit_id == ServiceOrder.village_id))
    return or_(*mine) if mine else false()


def taken_by(actor: Actor) -> ColumnElement[bool]:
    """Give the condition that the actor has taken an order."""
    column = ServiceOrder.taken_by_resident if actor.kind is ActorKind.RESIDENT else ServiceOrder.taken_by_staff
    return column == actor.id


def _locked(stamp: Stamp, number: str, condition: ColumnElement[bool]) -> ServiceOrder:
    """Lock case and order by a number within a condition; raises ServiceOrderNotFound, also for one elsewhere."""
    try:
        number = check_number(number)
    except WrongNumber:
        raise ServiceOrderNotFound from None
    query = select(ServiceOrder.id, ServiceOrder.case_id).join(Case, Case.id == ServiceOrder.case_id)
    query = query.join(ServiceItem, ServiceItem.id == ServiceOrder.item_id).join(Unit, Unit.id == ServiceOrder.unit_id)
    found = db.session.execute(query.where(Case.number == number, condition)).first()
    if found is None:
        raise ServiceOrderNotFound
    lock_rows(Case, [found.case_id])
    (order,) = lock_rows(ServiceOrder, [found.id])
    return order


def take_order(stamp: Stamp, number: str) -> ServiceOrder:
    """Take an open order: who takes it first has it.

    Raises ServiceOrderNotFound, OrderTaken, ServiceOrderNotOpen, OwnOrder, TooManyHeld.
    """
    order = _locked(stamp, number, or_(within_reach(stamp), taken_by(stamp.actor)))
    case, actor = order.case, stamp.actor
    if is_held(order):
        raise OrderTaken
    if actor.kind is ActorKind.RESIDENT and {actor.id, on_roster(actor.id)} & _whose(order):
        raise OwnOrder
    if case.state is not State.DISPATCHED:
        raise ServiceOrderNotOpen(state=case.state)
    if actor.kind is ActorKind.RESIDENT and _held_now(actor) >= county().volunteer_holds:
        raise TooManyHeld

    def change(acting: Stamp) -> Step:
        part = lead_of(case)
        part.signed_at = part.contacted_at = acting.at
        owner = part.handler_id
        _let_go(order)
        order.taken_at = acting.at
        if actor.kind is ActorKind.STAFF:
            order.taken_by_staff = part.handler_id = actor.id
        else:
            order.taken_by_resident = actor.id
        told = {Audience.OWNER: [(Recipient.STAFF, owner)]} if owner is not None else {}
        return Step(facts={"by": actor.kind.value}, told=told)

    move_case(stamp, case, Action.TAKE, Words(), change)
    _own_clocks(order, lead_of(case))  # those of taking it are met and stay whose they were, should it be given back
    return order


def is_held(order: ServiceOrder) -> bool:
    """Say whether who has taken an order has it still: a case that was dispatched anew since is anybody's to take."""
    if order.taken_at is None:
        return False
    lead = next((a for a in order.case.assignments if a.duty is Duty.LEAD and a.ended_at is None), None)
    if lead is None or lead.dispatched_at <= order.taken_at:
        return True
    return lead.signed_at == lead.dispatched_at  # a rework round goes on in the same hands


def _held_now(actor: Actor) -> int:
    """Give how many orders under way a volunteer has in hand; orders taken at once by one person wait for each other."""
    assert actor.id is not None
    lock_rows(Resident, [actor.id])
    held = select(func.count()).select_from(ServiceOrder).join(Case, Case.id == ServiceOrder.case_id)
    return db.session.scalar(held.where(taken_by(actor), Case.state == State.IN_PROGRESS)) or 0


def _let_go(order: ServiceOrder) -> None:
    order.taken_at = order.taken_by_staff = order.taken_by_resident = order.contact_seen_at = None


def _own_clocks(order: ServiceOrder, part: Assignment) -> None:
    """Let the handler of the lead's part own the clocks of an order: the lead's and that of the station."""
    hand_over(part)
    clock = clock_of(present_stay(order))
    if clock is not None:
        clock.owner_staff_id = part.handler_id


def _whose(order: ServiceOrder) -> set[int | None]:
    whose = {order.resident_id, *(report.filer_resident_id for report in order.case.reports)}
    return whose | {on_roster(each) for each in whose}


def give_back(stamp: Stamp, number: str, *, reason: str) -> ServiceOrder:
    """Give an order back with a reason: it is open again, and the clock of taking it runs on.

    Raises ServiceOrderNotFound, NotYourOrder.
    """
    order = _locked(stamp, number, or_(within_reach(stamp), taken_by(stamp.actor)))
    _check_taker(stamp, order)
    case = order.case

    def change(_: Stamp) -> Step:
        part = lead_of(case)
        part.signed_at = part.contacted_at = None
        _let_go(order)
        part.handler_id = responsible(order, order.unit, stamp.at)
        _own_clocks(order, part)
        told = {Audience.OWNER: [(Recipient.STAFF, part.handler_id)]} if part.handler_id is not None else {}
        return Step(facts={"by": stamp.actor.kind.value}, told=told)

    move_case(stamp, case, Action.GIVE_BACK, Words(note=reason), change)
    return order


def _check_taker(stamp: Stamp, order: ServiceOrder) -> None:
    mine = order.taken_by_resident if stamp.actor.kind is ActorKind.RESIDENT else order.taken_by_staff
    if mine is None or mine != stamp.actor.id or not is_held(order):
        raise NotYourOrder


def _works(stamp: Stamp, number: str) -> ServiceOrder:
    """Lock an order that the actor works on: who has taken it, and where nobody has, staff of the unit at whose station it is."""
    order = _locked(stamp, number, or_(within_reach(stamp), taken_by(stamp.actor)))
    if is_held(order) or stamp.actor.kind is ActorKind.RESIDENT:
        _check_taker(stamp, order)
    return order


def present_stay(order: ServiceOrder) -> ServiceStation:
    """Give the stay at which an order is."""
    return order.stations[-1]


def pass_station(stamp: Stamp, number: str, *, words: str) -> ServiceOrder:
    """End the work of a station and hand the order to the next, whose clock begins.

    Raises ServiceOrderNotFound, NotYourOrder, NoStationBeyond.
    """
    order = _works(stamp, number)
    if present_stay(order).place + 1 >= len(stations_of(order.item)):
        raise NoStationBeyond("这是最后一站，办完请反馈结果")
    _hand_on(stamp, order, Action.PASS_STATION, Words(note=words), step=1)
    return order


def return_station(stamp: Stamp, number: str, *, reason: str) -> ServiceOrder:
    """Send an order back to the station before, with a reason; its clock begins anew. Raises as `pass_station`."""
    order = _works(stamp, number)
    if present_stay(order).place == 0:
        raise NoStationBeyond("这是第一站，不能再退")
    _hand_on(stamp, order, Action.RETURN_STATION, Words(note=reason), step=-1)
    return order


def _hand_on(stamp: Stamp, order: ServiceOrder, action: Action, words: Words, *, step: int) -> None:
    case, stay = order.case, present_stay(order)

    def change(acting: Stamp) -> Step:
        stay.ended_at, stay.returned = acting.at, step < 0
        _let_go(order)
        following, owner = begin_stay(acting.at, case, order, stay.place + step)
        _tell_next(acting, order, following, owner)
        facts = {"station": stay.name, "next": following.name, "unit": following.unit.code}
        return Step(facts=facts, about=(Subject.SERVICE_STATION, stay.id))

    move_case(stamp, case, action, words, change)


def _tell_next(stamp: Stamp, order: ServiceOrder, stay: ServiceStation, owner: int | None) -> None:
    """Tell the person responsible at the next station that the order has come, where somebody is named."""
    if owner is None:
        return
    row = notice_row(
        f"{order.case.number}:station:{stay.id}", to=(Recipient.STAFF, owner), template="station_begins",
        params={"number": order.case.number, "station": stay.name}, case_id=order.case_id, at=stamp.at,
    )  # fmt: skip
    file_notices([row])


def finish_order(
    stamp: Stamp,
    number: str,
    *,
    reply: str,
    note: str | None = None,
    solved: bool = True,
    evidence: Sequence[str] = (),
    files: EntryFiles = NO_FILES,
) -> ServiceOrder:
    """Say that an order is done, at its last station: `reply` is for the person. Verified and called back as any result.

    `evidence` are references, `files` what was uploaded; where it was done is where the photos say. Raises ServiceOrderNotFound,
    NotYourOrder, NotLastStation, FilesUnfit.
    """
    order = _works(stamp, number)
    case, stay = order.case, present_stay(order)
    if solved and stay.place + 1 < len(stations_of(order.item)):
        raise NotLastStation
    place = place_of_photos(stamp, files)

    def change(acting: Stamp) -> Step:
        part = lead_of(case)
        part.submitted_at = stay.ended_at = acting.at
        part.contacted_at = part.contacted_at or acting.at
        case.unit_solved = solved
        kept = keep_result(acting, case, reply=reply, evidence=evidence, files=len(files), point=place)
        return Step(facts={"solved": solved, "without": [], "station": stay.name} | kept)

    entry = move_case(stamp, case, Action.SUBMIT_RESULT, Words(reply=reply, note=note or reply), change)
    attach_to_entry(stamp, entry, files, keep_position=facts_of(case).check_distance_m is not None)
    return order


@dataclass(frozen=True)
class Contact:
    """Whom an order is for and where, in plain words, for who has taken it."""

    name: str | None
    phone: str | None
    place: str | None


def contact_of(stamp: Stamp, number: str) -> Contact:
    """Give whom an order is for and where, to who works on it and while they do: the order is the reason, on record.

    Raises ServiceOrderNotFound, NotYourOrder, ServiceOrderNotOpen, ContactByDesk (for what has become confidential),
    TooManyContacts for a volunteer who has seen the county's number of other people today.
    """
    order = _works(stamp, number)
    if order.case.state is not State.IN_PROGRESS:
        raise ServiceOrderNotOpen(state=order.case.state)
    if order.case.hides_identity:
        raise ContactByDesk
    order.contact_seen_at = order.contact_seen_at or stamp.at
    if stamp.actor.kind is ActorKind.RESIDENT:
        midnight = stamp.at.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
        if looked_at(stamp, since=midnight, besides=order.resident_id) >= county().volunteer_looks:
            raise TooManyContacts
    person = unmask(stamp, order.resident_id, fields=("name", "phone"), reason=f"服务订单 {order.case.number}")
    place = keyring().decrypt(order.place, field="service_order.place") if order.place is not None else None
    return Contact(person.name, person.phone or called_from(order.case_id), place)
