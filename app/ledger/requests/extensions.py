"""Keeps extensions: until when they are asked, how often, and what moves along: every open part's term and the promise."""

from datetime import datetime

from app.core.errors import Conflict
from app.ledger.clocks import Deadline
from app.ledger.county import county
from app.ledger.deadlines import is_open, lengthened, lock_case_clocks, new_version, term_of, upstream_limit
from app.ledger.models import Assignment, Case
from app.ledger.terms import Term
from app.ledger.vocabulary import Clock, Subject
from app.territory.calendar.queries import load_calendar


class AlreadyDue(Conflict):
    """办理时限已到，不能再申请延期"""


class NoMoreExtensions(Conflict):
    """延期次数已用完"""


class PastUpstream(Conflict):
    """延期后超过上级交办的期限，请先向上级申请"""


def term_to_extend(at: datetime, case: Case, lead: Assignment, amount: int) -> Deadline:
    """Give the term that a lead asks to have extended. Raises NoMoreExtensions, AlreadyDue once it has ended, PastUpstream."""
    if case.extensions >= county().extensions_most:
        raise NoMoreExtensions(f"最多延期 {county().extensions_most} 次")
    clocks = lock_case_clocks([case.id])
    term = _term_of(clocks, lead)
    if term is None or at > term.due_at or term.breached_at is not None:
        raise AlreadyDue
    _check_limit(upstream_limit(clocks, at), term, amount)
    return term


def _check_limit(limit: datetime | None, term: Deadline, amount: int) -> None:
    if limit is not None and lengthened(term, amount) > limit:
        raise PastUpstream


def extended_to(case: Case, lead: Assignment, amount: int) -> datetime:
    """Give when a lead's term is due once it is extended; raises AlreadyDue where it has none that is open."""
    term = _term_of(lock_case_clocks([case.id]), lead)
    if term is None:
        raise AlreadyDue
    return lengthened(term, amount)


def extend(at: datetime, case: Case, lead: Assignment, *, amount: int, asked_at: datetime) -> datetime:
    """Lengthen the lead's term, those of the parts beside and below it, and the promise by as much; give the lead's new due moment.

    A breach that came while the request waited is not the unit's, which had asked in time; the old version keeps it. Whoever was
    late before stays late. Upstream's due moment bounds all of them. Raises AlreadyDue, PastUpstream.
    """
    clocks = [clock for clock in lock_case_clocks([case.id]) if is_open(clock)]
    mine = _term_of(clocks, lead)
    if mine is None:
        raise AlreadyDue
    limit = upstream_limit(clocks, at)
    _check_limit(limit, mine, amount)
    _, by = term_of(mine)
    due = mine.due_at
    for clock in clocks:
        if clock is mine or (clock.clock, clock.subject) == (Clock.RESOLVE, Subject.ASSIGNMENT):
            longer = _lengthen(at, clock, amount, term_of(clock)[1], asked_at, limit)
            due = longer.due_at if clock is mine else due
        elif clock.clock is Clock.OVERALL:
            _lengthen(at, clock, amount, by, asked_at, limit)
    case.extensions += 1
    return due


def _term_of(clocks: list[Deadline], lead: Assignment) -> Deadline | None:
    subject = (Clock.RESOLVE, Subject.ASSIGNMENT, lead.id)
    return next((clock for clock in clocks if is_open(clock) and (clock.clock, clock.subject, clock.subject_id) == subject), None)


def _lengthen(at: datetime, clock: Deadline, amount: int, by: Term, asked_at: datetime, limit: datetime | None) -> Deadline:
    """Replace a clock by one that is due `amount` units of a term later, by `limit` at the latest; none is shortened by it."""
    _, own = term_of(clock)
    due = lengthened(clock, amount, term=by)
    bound = limit is not None and due > limit
    if limit is not None and bound:
        due = max(limit, clock.due_at)
    same_unit = (own.unit, own.hours) == (by.unit, by.hours)
    provisional = load_calendar(clock.owner_unit_id).reaches_unconfirmed(clock.starts_at, due)
    return new_version(
        clock,
        at,
        due=due,
        given=clock.given or clock.resumed_at is not None or not same_unit or bound,
        amount=own.amount + amount if same_unit else own.amount,
        provisional=provisional,
        breached_at=None if clock.breached_at is not None and asked_at <= clock.due_at else clock.breached_at,
    )
