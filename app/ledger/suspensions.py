"""Keeps the end of a suspension: at its review date a case goes on by itself, or earlier by a person's hand."""

from app.core.stamp import Stamp
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import Action


def resume_case(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Take a suspended case up again before its review date: its clocks go on with what was left of them."""
    case = lock_case(stamp, number, version=version)
    move_case(stamp, case, Action.RESUME, Words(note=note))
    return case


def resume_due(stamp: Stamp, case: Case) -> None:
    """Let a locked case go on whose review date has come; suspending it again is a new request."""
    move_case(stamp, case, Action.RESUME, Words(), lambda _: Step(facts={"review": "due"}))
