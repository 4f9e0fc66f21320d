"""Keeps danger to life: a case handed to 110, 119 or 120 by three-party call stays open until their arrival is confirmed.

A short clock of the shift's head watches that it is.
"""

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, Invalid
from app.core.stamp import Stamp
from app.ledger.deadlines import cancel, is_open, lock_case_clocks
from app.ledger.labels import label
from app.ledger.models import Case, Entry
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.urgency import raise_urgency
from app.ledger.vocabulary import Action, Clock, EmergencyService


class NoRescueAwaited(Conflict):
    """这个工单没有等待到场的救援"""


class WhichRescue(Invalid):
    """请写明到场的是哪一方救援"""


def hand_to_emergency(stamp: Stamp, number: str, *, service: EmergencyService, note: str, version: int | None = None) -> Case:
    """Hand a case to the police, the fire brigade or the ambulance; it becomes urgent and stays open until they have arrived."""
    case = lock_case(stamp, number, version=version)
    hand_locked(stamp, case, service=service, note=note)
    return case


def hand_locked(stamp: Stamp, case: Case, *, service: EmergencyService, note: str) -> Entry:
    """Hand over a case that the caller has locked (or has just taken in)."""

    def change(acting: Stamp) -> Step:
        case.awaiting_rescue = True
        raise_urgency(acting.at, case)
        for clock in lock_case_clocks([case.id]):
            if clock.clock is Clock.RESCUE and is_open(clock):
                cancel(clock, acting.at)  # the watch counts from the last call
        return Step(facts={"service": service})

    return move_case(stamp, case, Action.HAND_TO_EMERGENCY, Words(note=note), change)


def confirm_arrival(
    stamp: Stamp, number: str, *, note: str, service: EmergencyService | None = None, version: int | None = None
) -> Case:
    """Confirm that a rescue service has arrived: who said so, and what they found; where several are awaited, `service` is which.

    The case stays open until each of them has arrived. Raises NoRescueAwaited, WhichRescue.
    """
    case = lock_case(stamp, number, version=version)

    def change(_: Stamp) -> Step:
        awaited = awaited_services(case)
        if not awaited:
            raise NoRescueAwaited
        if service is None and len(awaited) > 1:
            raise WhichRescue(errors={"service": [f"正在等待{'、'.join(label(each) for each in awaited)}，请选择到场的一方"]})
        arrived = service or awaited[0]
        if arrived not in awaited:
            raise NoRescueAwaited(f"没有等待到场的{label(arrived)}")
        case.awaiting_rescue = len(awaited) > 1
        return Step(facts={"service": arrived}, others=case.awaiting_rescue)

    move_case(stamp, case, Action.CONFIRM_ARRIVAL, Words(note=note), change)
    return case


def awaited_services(case: Case) -> list[EmergencyService]:
    """Give the services that a case was handed to and whose arrival is not confirmed, in the order of the calls."""
    if not case.awaiting_rescue:
        return []
    steps = Entry.action.in_((Action.HAND_TO_EMERGENCY, Action.CONFIRM_ARRIVAL))
    lines = select(Entry.action, Entry.facts).where(Entry.case_id == case.id, steps).order_by(Entry.seq)
    awaited: dict[EmergencyService, None] = {}
    for action, facts in db.session.execute(lines):
        if action is Action.HAND_TO_EMERGENCY:
            awaited[EmergencyService(facts["service"])] = None
        elif "service" in facts:
            awaited.pop(EmergencyService(facts["service"]), None)
        else:
            awaited.clear()  # confirmed before several were told apart
    return list(awaited)
