"""Keeps an order with its case: it goes where the case goes, whoever has it in hand is let go and told, who is gone gives back."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update

from app.core.database import db
from app.core.stamp import SYSTEM, ActorKind, Role, Stamp
from app.ledger.followers import Follower, declare_follower
from app.ledger.handling import grant, hand_over, lead_of
from app.ledger.models import Assignment, Case, CaseAccess, Entry
from app.ledger.moves import Step, Words, move_case
from app.ledger.recusal import is_recused
from app.ledger.vocabulary import TERMINAL, Access, Action, Audience, Clock, Duty, Kind, State
from app.ledger.workflow import MOVES
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.services.catalogue import stations_of
from app.services.duties import responsible
from app.services.models import ServiceOrder, ServiceStation
from app.services.stays import begin_stay, clock_of, end_stay, let_go, present_stay, terms_of, unit_of, units_above, village_of
from app.services.volunteers import tell_volunteers
from app.territory.models import Grid, Unit

GONE = "接单人请假或离岗，订单重新开放接单"

_LOSES_LEAD = frozenset({Action.RETURN, Action.TRIAGE, Action.REOPEN})
_FOLLOWED = _LOSES_LEAD | {Action.DISPATCH, Action.REASSIGN, Action.SEND_BACK, Action.MOVE_GRID, Action.CORRECT}


def _order_of(case: Case) -> ServiceOrder | None:
    return db.session.scalars(select(ServiceOrder).where(ServiceOrder.case_id == case.id)).first()


def _lead(case: Case) -> Assignment | None:
    return next((part for part in case.assignments if part.duty is Duty.LEAD and part.ended_at is None), None)


def _moving(stamp: Stamp, case: Case, action: Action, target: State, step: Step) -> None:
    """Let the order of a case follow a move: to new hands, another grid, another round, or its end."""
    if action not in _FOLLOWED and target not in TERMINAL:
        return
    order = _order_of(case)
    if order is None or not order.stations:
        return
    lead = _lead(case)
    if target in TERMINAL:
        _end(stamp, order, action, target)
    elif lead is None and action in _LOSES_LEAD:
        tell_taker(stamp, order, "order_passed_on")
        end_stay(stamp.at, present_stay(order))
        let_go(order)
    elif lead is not None and (action is Action.REASSIGN or (action is Action.DISPATCH and present_stay(order).ended_at)):
        _to_new_hands(stamp, order, lead, step)
    elif lead is not None and action is Action.TRIAGE:
        _free_of_who_left(order, lead)
        _once_more(stamp.at, order, lead, step)
    elif lead is not None and action is Action.SEND_BACK:
        _free_of_who_left(order, lead)
        present_stay(order).ended_at = None
    elif action in (Action.MOVE_GRID, Action.CORRECT) and case.grid_id is not None and case.grid_id != order.grid_id:
        _to_grid(stamp, order, case.grid_id, lead)
    db.session.flush()


def _end(stamp: Stamp, order: ServiceOrder, action: Action, target: State) -> None:
    """End an order with its case; a merge may be undone, and then it is where it was."""
    lead = _lead(order.case)
    told = lead is not None and Audience.LEAD in MOVES[action].tells and lead.handler_id == order.taken_by_staff
    if not told or order.taken_by_staff is None:
        tell_taker(stamp, order, "order_over")
    if target is not State.MERGED:
        end_stay(stamp.at, present_stay(order))


def _to_new_hands(stamp: Stamp, order: ServiceOrder, lead: Assignment, step: Step) -> None:
    """Begin a stay at the unit of a new lead, at the same station; whoever had the order is let go, the term stays the item's."""
    stay = present_stay(order)
    tell_taker(stamp, order, "order_passed_on")
    end_stay(stamp.at, stay)
    let_go(order)
    _, owner = begin_stay(stamp.at, order.case, order, stay.place, unit=lead.unit)
    lead.handler_id = lead.handler_id or owner
    step.terms = terms_of(order.item) | step.terms
    tell_volunteers(stamp.at, order)


def _free_of_who_left(order: ServiceOrder, lead: Assignment) -> None:
    """Let nobody have an order that comes back for more work where its taker has meanwhile passed on what they own."""
    if order.taken_by_staff is not None and order.taken_by_staff != lead.handler_id:
        let_go(order)


def _once_more(at: datetime, order: ServiceOrder, lead: Assignment, step: Step) -> None:
    """Begin the last station anew for a rework, in the same hands; in half the term where the case has half."""
    stay = present_stay(order)
    end_stay(at, stay)
    following, owner = begin_stay(at, order.case, order, stay.place, unit=stay.unit, half=step.half)
    clock = clock_of(following)
    if clock is not None:
        clock.owner_staff_id = order.taken_by_staff or owner or lead.handler_id
    step.terms = {Clock.RESOLVE: terms_of(order.item, amount=step.amounts.get(Clock.RESOLVE))[Clock.RESOLVE]} | step.terms


def _to_grid(stamp: Stamp, order: ServiceOrder, grid_id: int, lead: Assignment | None) -> None:
    """Let an order follow its case to another grid; a station that the old village has by its place goes to the new one.

    Where the village leads itself, its station waits for the change of hands.
    """
    before, above = units_above(order.grid_id), units_above(grid_id)
    order.grid_id, order.grid, order.village_id = grid_id, db.session.get_one(Grid, grid_id), village_of(above).id
    stay = present_stay(order)
    station = stations_of(order.item)[stay.place]
    old, new = unit_of(station, before), unit_of(station, above)
    here = stay.ended_at is None and stay.unit_id == old.id != new.id
    if here and (lead is None or lead.unit_id != old.id):
        tell_taker(stamp, order, "order_passed_on")
        end_stay(stamp.at, stay)
        had = order.taken_by_staff
        let_go(order)
        grant(order.case, new, Access.WRITE)
        _read_only(order.case, old)
        following, owner = begin_stay(stamp.at, order.case, order, stay.place)
        tell_next(stamp, order, following, owner)
        if lead is not None and lead.handler_id == had:
            lead.handler_id = owner
            hand_over(lead)
    tell_volunteers(stamp.at, order)


def _read_only(case: Case, unit: Unit) -> None:
    change = update(CaseAccess).where(CaseAccess.case_id == case.id, CaseAccess.unit_id == unit.id)
    db.session.execute(change.values(mode=Access.READ))


def tell_taker(stamp: Stamp, order: ServiceOrder, template: str) -> None:
    """Tell whoever has an order under way in hand what has become of it, unless they did it themselves."""
    if order.taken_at is None or present_stay(order).ended_at is not None:
        return
    staff, resident = order.taken_by_staff, order.taken_by_resident
    who, kind = (staff, ActorKind.STAFF) if staff is not None else (resident, ActorKind.RESIDENT)
    if (stamp.actor.id, stamp.actor.kind) == (who, kind) or (staff is not None and is_recused(staff, order.case)):
        return
    assert who is not None
    to = (Recipient.STAFF if kind is ActorKind.STAFF else Recipient.RESIDENT, who)
    key = f"{order.case.number}:{template}:{order.taken_at.isoformat()}"
    params = {"number": order.case.number}
    file_notices([notice_row(key, to=to, template=template, params=params, case_id=order.case_id, at=stamp.at)])


def tell_next(stamp: Stamp, order: ServiceOrder, stay: ServiceStation, owner: int | None) -> None:
    """Tell the person responsible at the next station that the order has come, where somebody is named."""
    if owner is None:
        return
    row = notice_row(
        f"{order.case.number}:station:{stay.id}", to=(Recipient.STAFF, owner), template="station_begins",
        params={"number": order.case.number, "station": stay.name}, case_id=order.case_id, at=stamp.at,
    )  # fmt: skip
    file_notices([row])


def open_again(stamp: Stamp, order: ServiceOrder, *, reason: str, gone: int | None = None) -> None:
    """Move an order that somebody has in hand back to where it is open, and to who is responsible for it; not to who is `gone`."""
    case = order.case

    def change(acting: Stamp) -> Step:
        part = lead_of(case)
        part.signed_at = None
        tell_taker(acting, order, "order_passed_on")
        let_go(order)
        owner = responsible(order, order.unit, acting.at)
        part.handler_id = owner if gone is None or owner not in (None, gone) else part.handler_id
        told = {Audience.OWNER: [(Recipient.STAFF, part.handler_id)]} if part.handler_id is not None else {}
        return Step(facts={"by": acting.actor.kind.value}, told=told)

    move_case(stamp, case, Action.GIVE_BACK, Words(note=reason), change)
    own_clocks(order, lead_of(case))  # that of taking it, which runs on, too


def own_clocks(order: ServiceOrder, part: Assignment) -> None:
    """Let the handler of the lead's part own the clocks of an order: the lead's and that of the station."""
    hand_over(part)
    clock = clock_of(present_stay(order))
    if clock is not None:
        clock.owner_staff_id = part.handler_id


def _moved(stamp: Stamp, case: Case, entry: Entry) -> None:
    """Open an order again whose taker has passed on what they own, for a leave or with their account.

    What is sent back to nobody's hands is owned by the handler of the lead's part, as its clocks run on.
    """
    if entry.action is Action.SEND_BACK:
        sent = _order_of(case)
        if sent is not None and sent.taken_at is None:
            own_clocks(sent, lead_of(case))
        return
    if entry.action is not Action.HAND_OVER or case.state not in (State.IN_PROGRESS, State.SUSPENDED):
        return
    order, gone = _order_of(case), entry.facts["from"]
    if order is None or order.taken_by_staff != gone or lead_of(case).handler_id == gone:
        return
    if case.state is State.SUSPENDED:
        let_go(order)
        return
    open_again(replace(stamp, actor=SYSTEM, role=Role.SYSTEM), order, reason=GONE, gone=gone)


declare_follower(Kind.SERVICE, Follower(_moving, _moved))
