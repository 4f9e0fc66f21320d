"""Keeps reopening: a closed case begins a new round, once at the resident's wish, or by a dispatcher with a reason."""

from datetime import datetime, timedelta

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict
from app.core.stamp import Role, Stamp
from app.ledger.county import county
from app.ledger.intake.persons import check_person
from app.ledger.models import Case, Entry, Report
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.rounds.parts import begin_round
from app.ledger.vocabulary import Action, Audience, Clock, State


class ReopenedBefore(Conflict):
    """已经重新办理过一次"""


class ReopeningClosed(Conflict):
    """重新办理的期限已过"""


class MatterSettled(Conflict):
    """这件事不再重复受理；有新的情况，请拨打热线说明"""


class ArchivedStaysClosed(Conflict):
    """历史工单不能重新办理，请重新反映"""


def reopen_case(stamp: Stamp, number: str, *, words: str, version: int | None = None) -> Case:
    """Reopen a closed case with new facts, dissatisfaction or a reason; the overall clock and the limits start anew.

    A resident may do so once, within the county's days from closing. Raises ReopenedBefore, ReopeningClosed,
    MatterSettled, ArchivedStaysClosed, OnlyThePerson.
    """
    case = lock_case(stamp, number, version=version)
    return reopen_locked(stamp, case, words=words)


def reopen_locked(stamp: Stamp, case: Case, *, words: str, proved: Report | None = None) -> Case:
    """Reopen a locked case; `proved` is the report whose claim code was shown."""

    def change(acting: Stamp) -> Step:
        if case.archived:
            raise ArchivedStaysClosed
        if acting.role is Role.RESIDENT:
            if proved is None:
                check_person(acting, case)
            _check_limits(acting, case)
        last_unit = case.lead_unit_id
        begin_round(acting, case, keep_lead=False)
        case.reopenings += 1
        case.outcome = case.unit_solved = None
        case.extensions, case.return_locked = 0, False  # the new handling has limits of its own
        return Step(
            facts={"round": case.round} | ({"report": proved.id} if proved is not None else {}),
            unit_id=last_unit,
            amounts={Clock.OVERALL: county().reopened_days},
            templates={Audience.OWNER: None} if last_unit is None else {},
        )

    move_case(stamp, case, Action.REOPEN, Words(note=words), change)
    return case


def _check_limits(stamp: Stamp, case: Case) -> None:
    if case.settled:
        raise MatterSettled
    if _reopened_before(case):
        raise ReopenedBefore("群众只能申请重新办理一次，请拨打热线说明情况")
    until = _reopen_until(case)
    if until is None or stamp.at > until:
        raise ReopeningClosed(f"办结超过 {county().reopen_days} 天，请重新反映")


def _reopened_before(case: Case) -> bool:
    before = select(Entry.id).where(Entry.case_id == case.id, Entry.action == Action.REOPEN, Entry.role == Role.RESIDENT)
    return db.session.scalars(before).first() is not None


def _reopen_until(case: Case) -> datetime | None:
    return case.closed_at + timedelta(days=county().reopen_days) if case.closed_at is not None else None


def may_reopen(at: datetime, case: Case) -> bool:
    """Say whether the person concerned may open a case again now."""
    until = _reopen_until(case)
    if case.state is not State.CLOSED or case.archived or case.settled or until is None or at > until:
        return False
    return not _reopened_before(case)
