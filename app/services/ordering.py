"""Keeps the making of orders (点单—下单): a case of kind `service`, accepted and given to its unit at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import SYSTEM, ActorKind, Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.handling import add_part, grant
from app.ledger.intake.calls import join_call
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case
from app.ledger.moves import Step, Words, move_case
from app.ledger.rounds.parts import name_lead
from app.ledger.vocabulary import Access, Action, Audience, Channel, Duty, Kind, Outcome
from app.notices.models import Recipient
from app.people.accounts_known import on_roster
from app.people.identity import Person, ResidentNotFound, enrol_resident, find_or_enrol
from app.people.models import Resident
from app.services.catalogue import current_item
from app.services.models import ServiceOrder
from app.services.stays import begin_stay, terms_of, units_above, units_of, village_of
from app.services.volunteers import tell_volunteers
from app.territory.models import Level, Unit

NEAR = (Role.GRID_WORKER, Role.CADRE)
CENTRE = (Role.INTAKE, Role.DISPATCHER, Role.CALLBACK_AGENT)
ORDERS = (*NEAR, *CENTRE)
"""Who orders for somebody else: grid workers and cadres within their grids, the centre for anybody."""

AHEAD = timedelta(days=60)
"""How far ahead a service may be wished for."""


class OrderUnfit(Invalid):
    """点单信息有误"""


class MayNotOrderForOthers(NotAllowed):
    """代为点单由村干部、网格员或坐席登记"""


class NotOffered(Conflict):
    """这个事项现在不接受点单"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is ordered: the item by code, in words what exactly, where and when it is wished; the grid by code.

    `files` are uploads of whoever orders, shown to who works on the order.
    """

    item: str
    words: str | None = None
    grid: str | None = None
    place: str | None = None
    wished_at: datetime | None = None
    files: Sequence[int] = ()


@dataclass(frozen=True)
class Ordered:
    """A made order: the case's number and, where somebody ordered for a person, the claim code for them (shown once)."""

    number: str
    claim_code: str | None
    order_id: int


def order_own(stamp: Stamp, wanted: Wanted) -> Ordered:
    """Order a service for oneself, in one's own grid where none is named. Raises as `place_order`."""
    assert stamp.actor.kind is ActorKind.RESIDENT
    assert stamp.actor.id is not None
    return place_order(stamp, wanted, resident_id=stamp.actor.id, channel=Channel.MINI_PROGRAM)


def order_for(
    stamp: Stamp,
    wanted: Wanted,
    *,
    resident_id: int | None = None,
    person: Person | None = None,
    call_id: int | None = None,
) -> Ordered:
    """Order a service for somebody: a resident of the actor's grids, or a person told of on the telephone or at the door.

    Raises MayNotOrderForOthers, ResidentNotFound (also for one elsewhere), OrderUnfit, WrongIdentity, and as `place_order`.
    """
    role = stamp.actor.holds(ORDERS) if stamp.actor.kind is ActorKind.STAFF else None
    if role is None:
        raise MayNotOrderForOthers
    stamp = stamp.acting_as(role)
    if (resident_id is None) == (person is None):
        raise OrderUnfit(errors={"person": ["请写明为谁点单：选择居民，或填写姓名和电话"]})
    grid_id = catalogue().grid_id(wanted.grid) if wanted.grid is not None else None
    if grid_id is not None and not covers(stamp, grid_id):
        raise OrderUnfit(errors={"grid": ["这不是您负责的网格"]})
    if resident_id is not None:
        resident = db.session.get(Resident, resident_id)
        if resident is None or resident.ended_at is not None or not covers(stamp, resident.grid_id):
            raise ResidentNotFound
    else:
        assert person is not None
        if not (person.name or "").strip() and not (person.phone or "").strip():
            raise OrderUnfit(errors={"person": ["请填写姓名或电话"]})
        resident_id = _person(stamp, person, grid_id)
    channel = Channel.HOTLINE if call_id is not None or role in CENTRE else Channel.VISIT
    made = place_order(stamp, wanted, resident_id=resident_id, channel=channel)
    if call_id is not None:
        join_call(call_id, db.session.get_one(ServiceOrder, made.order_id).case)
    return made


def _person(stamp: Stamp, person: Person, grid_id: int | None) -> int:
    """Give whom an order is for who was named in words: somebody on file only where the actor might have chosen them.

    Somebody who lives elsewhere is enrolled anew with what was said of them, so that an order shows its taker nothing else.
    """
    resident = find_or_enrol(stamp, person, grid_id=grid_id)
    if covers(stamp, resident.grid_id):
        return resident.id
    return enrol_resident(stamp, person, grid_id=grid_id).id


def covers(stamp: Stamp, grid_id: int | None) -> bool:
    """Say whether a grid is one of those for whose people the actor may order."""
    if grid_id is None:
        return stamp.actor.holds(CENTRE) is not None
    path = catalogue().grid_path(grid_id)
    near = grid_id in stamp.actor.grid_ids or any(path.startswith(each) for each in stamp.actor.paths(Role.CADRE))
    return near or any(path.startswith(each) for each in stamp.actor.paths(*CENTRE))


def place_order(stamp: Stamp, wanted: Wanted, *, resident_id: int, channel: Channel, key: str | None = None) -> Ordered:
    """Make an order: take it in, accept it and give it to the unit that answers for it, tell who may take it.

    Raises ItemNotFound, NotOffered, OrderUnfit, UnknownGrid, and what `take_in` raises.
    """
    item = current_item(wanted.item)
    if not item.active:
        raise NotOffered
    grid_id = _grid(wanted, resident_id)
    if wanted.wished_at is not None and not stamp.at <= wanted.wished_at <= stamp.at + AHEAD:
        raise OrderUnfit(errors={"wished_at": ["期望时间要在现在以后、60 天以内"]})
    staff = stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None
    receipt = take_in(
        stamp,
        Submission(
            channel=channel, title=item.name, body=f"点单：{item.name}。{(wanted.words or '').strip()}", kind=Kind.SERVICE,
            category_id=item.category_id, grid_id=grid_id, filer_staff_id=staff,
            filer_resident_id=resident_id if staff is None else None, concerned_id=resident_id, source_key=key,
            files=wanted.files,
        ),
    )  # fmt: skip
    (case,) = lock_rows(Case, [receipt.case_id])
    above = units_above(grid_id)
    order = ServiceOrder(
        case=case, item=item, item_code=item.code, resident_id=resident_id, grid_id=grid_id, village_id=village_of(above).id,
        unit_id=village_of(above).id, wished_at=wanted.wished_at, key=key,
        place=keyring().encrypt(place, field="service_order.place") if (place := (wanted.place or "").strip()) else None,
    )  # fmt: skip
    db.session.add(order)
    db.session.flush()
    _give(Stamp(SYSTEM, Role.SYSTEM, stamp.at, stamp.door), case, order, above)
    tell_volunteers(stamp.at, order)
    return Ordered(receipt.number, receipt.claim_code, order.id)


def _grid(wanted: Wanted, resident_id: int) -> int:
    if wanted.grid is not None:
        return catalogue().grid_id(wanted.grid)
    grid_id = db.session.scalar(select(Resident.grid_id).where(Resident.id == resident_id))
    if grid_id is None:
        grid_id = db.session.scalar(select(Resident.grid_id).where(Resident.id == on_roster(resident_id)))
    if grid_id is None:
        raise OrderUnfit(errors={"grid": ["请选择网格"]})
    return grid_id


def _give(system: Stamp, case: Case, order: ServiceOrder, above: dict[Level, Unit]) -> None:
    """Accept an order and give it to its unit; item and grid are known, so that nobody needs to dispatch it."""
    item = order.item
    where = {"category_id": case.category_id, "grid_id": case.grid_id, "kind": case.kind, "urgency": case.urgency}
    move_case(system, case, Action.ACCEPT, Words(), lambda _: Step(facts=where, templates={Audience.PERSONS: None}))

    def change(acting: Stamp) -> Step:
        units = units_of(item, above)
        lead = item.unit or units[0]
        part = add_part(acting, case, lead, Duty.LEAD)
        case.outcome = Outcome.PASSED_ON
        for unit in units:
            if unit.id != lead.id:
                grant(case, unit, Access.WRITE)
        name_lead(case, lead.id)
        _, part.handler_id = begin_stay(acting.at, case, order, 0)
        facts = {"lead": lead.code, "assists": [], "by_meeting": False, "first_responder": False}
        facts |= {"item": item.code, "version": item.version}
        first = [(Recipient.STAFF, part.handler_id)] if part.handler_id is not None else None
        return Step(
            facts=facts, terms=terms_of(item), told={Audience.LEAD: first} if first else {},
            templates={Audience.LEAD: "service_offered"},
        )  # fmt: skip

    move_case(system, case, Action.DISPATCH, Words(), change)
