"""Keeps what raised urgency does to the running clocks of a case: from now on 7×24, and never later than before."""

from datetime import datetime

from app.core.database import db
from app.ledger.clocks import Deadline
from app.ledger.deadlines import is_open, lock_case_clocks, new_version, policy_for
from app.ledger.models import Case
from app.ledger.terms import due_at
from app.ledger.vocabulary import Clock, Duty, Subject, Urgency
from app.territory.calendar.queries import load_calendar

SHORTENED = frozenset({Clock.ACCEPT, Clock.DISPATCH, Clock.SIGN, Clock.CONTACT, Clock.RESOLVE, Clock.REVIEW, Clock.CALLBACK})
"""The clocks that run faster once a case is urgent."""


def raise_urgency(at: datetime, case: Case) -> None:
    """Make a locked case urgent: its running clocks go on 7×24 from now, never later than before."""
    if case.urgency is Urgency.URGENT:
        return
    case.urgency = Urgency.URGENT
    for clock in lock_case_clocks([case.id]):
        if is_open(clock) and clock.clock in SHORTENED:
            hurry(at, case, clock)
    db.session.flush()
    bound_subs(at, case)


def hurry(at: datetime, case: Case, clock: Deadline) -> None:
    """Count the term of a running clock anew from now by the policy of an urgent case, where that is sooner."""
    policy = policy_for(clock.clock, kind=case.kind, urgency=case.urgency, category_id=case.category_id, at=at)
    due = due_at(clock.paused_at or at, policy.term, load_calendar(clock.owner_unit_id))
    if due.at < clock.due_at:
        new_version(clock, at, due=due.at, given=False, policy_id=policy.id, amount=policy.term.amount, provisional=False)


def bound_subs(at: datetime, case: Case) -> None:
    """Keep what a lead has passed on within the lead's own term."""
    running = [
        c for c in lock_case_clocks([case.id]) if is_open(c) and c.clock is Clock.RESOLVE and c.subject is Subject.ASSIGNMENT
    ]
    duties = {assignment.id: assignment.duty for assignment in case.assignments}
    latest = next((clock.due_at for clock in running if duties.get(clock.subject_id) is Duty.LEAD), None)
    for clock in running:
        if duties.get(clock.subject_id) is Duty.SUB and latest is not None and clock.due_at > latest:
            new_version(clock, at, due=latest)
