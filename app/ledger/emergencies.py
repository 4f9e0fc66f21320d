"""Keeps danger to life: a case handed to 110, 119 or 120 by three-party call stays open until their arrival is confirmed."""

from app.core.errors import Conflict
from app.core.stamp import Stamp
from app.ledger.models import Case, Entry
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.urgency import raise_urgency
from app.ledger.vocabulary import Action, EmergencyService


class NoRescueAwaited(Conflict):
    """这个工单没有等待到场的救援"""


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
        return Step(facts={"service": service})

    return move_case(stamp, case, Action.HAND_TO_EMERGENCY, Words(note=note), change)


def confirm_arrival(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Confirm that rescue has arrived: who said so, and what they found. Raises NoRescueAwaited."""
    case = lock_case(stamp, number, version=version)

    def change(_: Stamp) -> Step:
        if not case.awaiting_rescue:
            raise NoRescueAwaited
        case.awaiting_rescue = False
        return Step()

    move_case(stamp, case, Action.CONFIRM_ARRIVAL, Words(note=note), change)
    return case
