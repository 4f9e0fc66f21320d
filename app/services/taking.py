"""Keeps the doing of orders (接单): taken by exactly one, given back with a reason, passed from station to station, done."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from app.core.clock import CHINA
from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, NotAllowed, NotFound
from app.core.stamp import Actor, ActorKind, Role, Stamp
from app.files.models import FileSubject
from app.files.showing import FileShown, files_of
from app.ledger.attachments import NO_FILES, EntryFiles, attach_to_entry, place_of_photos
from app.ledger.county import county
from app.ledger.handling import ContactByDesk, lead_of
from app.ledger.intake.calls import called_from
from app.ledger.models import Case
from app.ledger.moves import StaleVersion, Step, Words, move_case
from app.ledger.numbers import WrongNumber, check_number
from app.ledger.recusal import not_recused
from app.ledger.verification.results import facts_of, keep_result
from app.ledger.vocabulary import Action, Audience, State, Subject
from app.notices.models import Recipient
from app.people.accounts_known import on_roster
from app.people.identity import looked_at, unmask
from app.people.models import Resident
from app.services.catalogue import stations_of
from app.services.contacting import record_order_contact
from app.services.following import open_again, own_clocks, tell_next
from app.services.models import ServiceItem, ServiceOrder, Taker
from app.services.stays import begin_stay, let_go, present_stay
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
    """Give the condition for the orders that somebody may take, or might have: by village for residents, by unit for staff.

    What is offered to volunteers alone is the unit's too once it is late, or further on than its first taker.
    """
    actor = stamp.actor
    if actor.kind is ActorKind.RESIDENT:
        assert actor.id is not None
        kinds, village_id = taker_kinds(actor.id, stamp.at)
        return and_(ServiceOrder.village_id == village_id, ServiceItem.takers.overlap(kinds)) if kinds else false()
    offered = ServiceItem.takers.contains([Taker.UNIT.value])
    left = or_(Case.late_since.is_not(None), Case.state != State.DISPATCHED)
    return and_(or_(offered, left), at_station(actor), not_recused(actor))


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


ANSWERS_FOR_TAKERS = (Role.CADRE, Role.UNIT_HEAD, Role.DISPATCHER)
"""Who gives an order back for whoever has it and does not come: cadres and heads of the station's unit, dispatchers over it."""


def _over(actor: Actor) -> ColumnElement[bool]:
    paths = actor.paths(*ANSWERS_FOR_TAKERS)
    return and_(or_(*(Unit.path.startswith(path) for path in paths)), not_recused(actor)) if paths else false()


def _in_reach(stamp: Stamp) -> ColumnElement[bool]:
    return or_(within_reach(stamp), taken_by(stamp.actor))


def free() -> ColumnElement[bool]:
    """Give the condition that an order is anybody's to take: nobody has it, since whoever lost it was let go when they did."""
    return and_(ServiceOrder.taken_at.is_(None), Case.state == State.DISPATCHED)


def _locked(stamp: Stamp, number: str, condition: ColumnElement[bool], *, version: int | None = None) -> ServiceOrder:
    """Lock case and order by a number within a condition, which holds once they are locked too.

    Raises ServiceOrderNotFound, also for one elsewhere, and StaleVersion when the case is no longer at `version`.
    """
    try:
        number = check_number(number)
    except WrongNumber:
        raise ServiceOrderNotFound from None
    query = select(ServiceOrder.id, ServiceOrder.case_id).join(Case, Case.id == ServiceOrder.case_id)
    query = query.join(ServiceItem, ServiceItem.id == ServiceOrder.item_id).join(Unit, Unit.id == ServiceOrder.unit_id)
    query = query.where(Case.number == number, condition)
    found = db.session.execute(query).first()
    if found is None:
        raise ServiceOrderNotFound
    (case,) = lock_rows(Case, [found.case_id])
    if db.session.execute(query).first() is None:
        raise ServiceOrderNotFound
    if version is not None and case.version != version:
        raise StaleVersion(version=case.version, state=case.state)
    (order,) = lock_rows(ServiceOrder, [found.id])
    db.session.expire(order, ["stations"])
    return order


def take_order(stamp: Stamp, number: str) -> ServiceOrder:
    """Take an open order: who takes it first has it.

    Raises ServiceOrderNotFound, OrderTaken, ServiceOrderNotOpen, OwnOrder, TooManyHeld.
    """
    order = _locked(stamp, number, _in_reach(stamp))
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
        part.signed_at = acting.at
        owner = part.handler_id
        let_go(order)
        order.taken_at = acting.at
        if actor.kind is ActorKind.STAFF:
            order.taken_by_staff = part.handler_id = actor.id
        else:
            order.taken_by_resident = actor.id
        told = {Audience.OWNER: [(Recipient.STAFF, owner)]} if owner is not None else {}
        return Step(assignment=part, facts={"by": actor.kind.value}, told=told)

    move_case(stamp, case, Action.TAKE, Words(), change)
    own_clocks(order, lead_of(case))  # those of taking it are met and stay whose they were, should it be given back
    return order


def is_held(order: ServiceOrder) -> bool:
    """Say whether somebody has an order in hand; whoever loses it is let go at once."""
    return order.taken_at is not None


def _held_now(actor: Actor) -> int:
    """Give how many orders under way a volunteer has in hand; orders taken at once by one person wait for each other."""
    assert actor.id is not None
    lock_rows(Resident, [actor.id])
    held = select(func.count()).select_from(ServiceOrder).join(Case, Case.id == ServiceOrder.case_id)
    return db.session.scalar(held.where(taken_by(actor), Case.state == State.IN_PROGRESS)) or 0


def _whose(order: ServiceOrder) -> set[int | None]:
    whose = {order.resident_id, *(report.filer_resident_id for report in order.case.reports)}
    return whose | {on_roster(each) for each in whose}


def give_back(stamp: Stamp, number: str, *, reason: str, version: int | None = None) -> ServiceOrder:
    """Give an order back with a reason: it is open again, and the clock of taking it runs on.

    Whoever took it gives it back; where they do not come, a cadre or head of the station's unit or a dispatcher does for them,
    and they are told. Raises ServiceOrderNotFound, NotYourOrder, StaleVersion.
    """
    order = _locked(stamp, number, or_(_in_reach(stamp), _over(stamp.actor)), version=version)
    if not is_held(order) or not (_is_taker(stamp, order) or _answers_for(stamp.actor, order.unit.path)):
        raise NotYourOrder
    open_again(stamp, order, reason=reason)
    return order


def _answers_for(actor: Actor, path: str) -> bool:
    return any(path.startswith(each) for each in actor.paths(*ANSWERS_FOR_TAKERS))


def _is_taker(stamp: Stamp, order: ServiceOrder) -> bool:
    mine = order.taken_by_resident if stamp.actor.kind is ActorKind.RESIDENT else order.taken_by_staff
    return mine is not None and mine == stamp.actor.id


def _check_taker(stamp: Stamp, order: ServiceOrder) -> None:
    if not _is_taker(stamp, order):
        raise NotYourOrder


def _works(stamp: Stamp, number: str, *, version: int | None = None) -> ServiceOrder:
    """Lock an order that the actor works on: who has taken it, and where nobody has, staff of the unit at whose station it is."""
    order = _locked(stamp, number, _in_reach(stamp), version=version)
    if is_held(order) or stamp.actor.kind is ActorKind.RESIDENT:
        _check_taker(stamp, order)
    return order


def pass_station(stamp: Stamp, number: str, *, words: str, version: int | None = None) -> ServiceOrder:
    """End the work of a station and hand the order to the next, whose clock begins.

    Raises ServiceOrderNotFound, NotYourOrder, NoStationBeyond, StaleVersion.
    """
    order = _works(stamp, number, version=version)
    if present_stay(order).place + 1 >= len(stations_of(order.item)):
        raise NoStationBeyond("这是最后一站，办完请反馈结果")
    _hand_on(stamp, order, Action.PASS_STATION, Words(note=words), step=1)
    return order


def return_station(stamp: Stamp, number: str, *, reason: str, version: int | None = None) -> ServiceOrder:
    """Send an order back to the station before, with a reason; its clock begins anew. Raises as `pass_station`."""
    order = _works(stamp, number, version=version)
    if present_stay(order).place == 0:
        raise NoStationBeyond("这是第一站，不能再退")
    _hand_on(stamp, order, Action.RETURN_STATION, Words(note=reason), step=-1)
    return order


def _hand_on(stamp: Stamp, order: ServiceOrder, action: Action, words: Words, *, step: int) -> None:
    case, stay = order.case, present_stay(order)

    def change(acting: Stamp) -> Step:
        stay.ended_at, stay.returned = acting.at, step < 0
        let_go(order)
        following, owner = begin_stay(acting.at, case, order, stay.place + step, unit=_before(order, stay.place + step))
        tell_next(acting, order, following, owner)
        facts = {"station": stay.name, "next": following.name, "unit": following.unit.code}
        return Step(facts=facts, about=(Subject.SERVICE_STATION, stay.id))

    move_case(stamp, case, action, words, change)


def _before(order: ServiceOrder, place: int) -> Unit | None:
    """Give the unit that had a station since the present lead was given the case: what goes back there goes to the same hands."""
    since = lead_of(order.case).dispatched_at
    return next((stay.unit for stay in reversed(order.stations) if stay.place == place and stay.began_at >= since), None)


def finish_order(
    stamp: Stamp,
    number: str,
    *,
    reply: str,
    note: str | None = None,
    solved: bool = True,
    evidence: Sequence[str] = (),
    files: EntryFiles = NO_FILES,
    contacted: str | None = None,
    version: int | None = None,
) -> ServiceOrder:
    """Say that an order is done, at its last station: `reply` is for the person. Verified and called back as any result.

    `evidence` are references, `files` what was uploaded; where it was done is where the photos say. `contacted` says how the
    person was reached, where that is not on record yet. Raises ServiceOrderNotFound, NotYourOrder, NotLastStation, FilesUnfit,
    StaleVersion, and as `note_contact`.
    """
    order = _works(stamp, number, version=version)
    case, stay = order.case, present_stay(order)
    if solved and stay.place + 1 < len(stations_of(order.item)):
        raise NotLastStation
    place = place_of_photos(stamp, files)
    if contacted is not None:
        record_order_contact(stamp, order, how=contacted)

    def change(acting: Stamp) -> Step:
        part = lead_of(case)
        part.submitted_at = stay.ended_at = acting.at
        case.unit_solved = solved
        kept = keep_result(acting, case, reply=reply, evidence=evidence, files=len(files), point=place)
        return Step(facts={"solved": solved, "without": [], "station": stay.name} | kept)

    entry = move_case(stamp, case, Action.SUBMIT_RESULT, Words(reply=reply, note=note or reply), change)
    attach_to_entry(stamp, entry, files, keep_position=facts_of(case).check_distance_m is not None)
    return order


def note_contact(stamp: Stamp, number: str, *, how: str, note: str | None = None, version: int | None = None) -> ServiceOrder:
    """Say that the person of an order was reached, by who works on it; the first contact stops the contact clock.

    Raises ServiceOrderNotFound, NotYourOrder, NobodyToContact, ContactByDesk, StaleVersion.
    """
    order = _works(stamp, number, version=version)
    record_order_contact(stamp, order, how=how, note=note)
    return order


@dataclass(frozen=True)
class Contact:
    """Whom an order is for and where, in plain words, and what was photographed for it, for who has taken it."""

    name: str | None
    phone: str | None
    place: str | None
    files: Sequence[FileShown] = ()


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
    theirs = [report.id for report in order.case.reports if report.concerned_id == order.resident_id]
    shown = files_of(stamp, FileSubject.REPORT, theirs)
    return Contact(
        person.name, person.phone or called_from(order.case_id), place, [file for files in shown.values() for file in files]
    )
