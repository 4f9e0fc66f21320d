"""Keeps what follows on dissatisfaction: the supervisor reads the person's words and sends the case into its next round.

Judging it closed, or sending it elsewhere, are requests that somebody else approves. Source: the rules of a case, section 6.
"""

from enum import StrEnum

from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Stamp
from app.ledger.dispatching.eligible import accused_parts
from app.ledger.handling import works_for_case
from app.ledger.models import Case
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.rounds.parts import begin_round
from app.ledger.supervision.ladder_effects import note_repeated_failure
from app.ledger.vocabulary import Action, Audience, Clock, Duty


class NothingToTriage(Conflict):
    """这个工单没有等待研判的不满意评价"""


class TriageOwnWork(NotAllowed):
    """承办单位的人员不能研判自己的工单"""


class NoTermToExtend(Invalid):
    """要先派单，才有办理时限可以延长"""


class Triage(StrEnum):
    """What the supervisor orders: handle it again in half the term, or with more time."""

    REWORK = "rework"
    EXTENDED = "extended"


def triage_case(
    stamp: Stamp,
    number: str,
    *,
    verdict: Triage,
    note: str,
    reply: str | None = None,
    amount: int | None = None,
    version: int | None = None,
) -> Case:
    """Send a case whose person is dissatisfied into its next round; a direct answer goes to dispatch.

    A rework gets half the term, rounded up; an extended one the whole term, or `amount` of the term's own unit. `reply` is
    told to the person. Raises NothingToTriage, TriageOwnWork, and NoTermToExtend for an `amount` where nobody leads the case on.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        if not case.triage:
            raise NothingToTriage
        if works_for_case(acting, case):
            raise TriageOwnWork
        accused = any(part.duty is Duty.LEAD for part in accused_parts(case))
        begin_round(acting, case, keep_lead=case.lead_unit_id is not None and not accused)
        if amount is not None and case.lead_unit_id is None:
            raise NoTermToExtend(errors={"amount": ["这件事还要派单，请在派单后由承办单位申请延期"]})
        case.reworks += 1
        facts = {"verdict": verdict, "round": case.round, "reworks": case.reworks, "amount": amount}
        amounts = {Clock.RESOLVE: amount} if amount is not None and verdict is Triage.EXTENDED else {}
        templates: dict[Audience, str | None] = {} if case.lead_unit_id else {Audience.PERSONS: "triage_dispatch_persons"}
        return Step(facts=facts, half=verdict is Triage.REWORK, amounts=amounts, templates=templates)

    move_case(stamp, case, Action.TRIAGE, Words(reply=reply, note=note), change)
    note_repeated_failure(stamp, case)
    return case
