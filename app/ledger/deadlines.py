"""Keeps clocks going: starting, meeting, pausing, resuming, running on and cancelling them, always at a given moment.

A clock is fixed when it starts: it keeps its policy and version. Visits, service orders and milestones start theirs here too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.county import county
from app.ledger.models import Case
from app.ledger.policies import Policy, choose_policy, in_force, ladder_moments, next_check
from app.ledger.terms import Due, Term, due_at, halved, remaining, resume, warn_at
from app.ledger.vocabulary import Clock, Kind, Subject, Urgency
from app.territory.calendar.queries import load_calendar
from app.territory.calendar.rules import Calendar, Purpose


@dataclass(frozen=True)
class ClockFor:
    """What a new clock is for: its kind and subject, what chooses its policy, and who owns it."""

    clock: Clock
    subject: Subject
    kind: Kind
    urgency: Urgency
    category_id: int | None
    label: str
    owner_unit_id: int | None
    owner_staff_id: int | None = None
    round: int = 1
    half: bool = False
    amount: int | None = None
    due: datetime | None = None
    term: Term | None = None
    not_after: datetime | None = None


def policy_for(clock: Clock, *, kind: Kind, urgency: Urgency, category_id: int | None, at: datetime) -> Policy:
    """Give the policy in force at a moment for a clock of a case of this kind, urgency and category."""
    held = catalogue()
    chain = held.category(category_id).chain if category_id is not None else ()
    policies = in_force(held.policies, at)
    return choose_policy(policies, clock, urgent=urgency is Urgency.URGENT, category_ids=chain, kind=kind)


def clock_row(wanted: ClockFor, at: datetime) -> dict[str, Any]:
    """Give the columns of a clock that starts at a moment, all but its subject's and case's ids.

    `wanted.amount` replaces the policy's amount, `wanted.term` its whole term; `wanted.due` is a due moment that somebody gives,
    which no calendar moves, as is `wanted.not_after` where the term would go past it.
    """
    policy = policy_for(wanted.clock, kind=wanted.kind, urgency=wanted.urgency, category_id=wanted.category_id, at=at)
    term = wanted.term or (policy.term if wanted.amount is None else replace(policy.term, amount=wanted.amount))
    term = halved(term) if wanted.half else term
    calendar = load_calendar(wanted.owner_unit_id)
    due = due_at(at, term, calendar) if wanted.due is None else Due(wanted.due, provisional=False)
    bound = wanted.not_after is not None and due.at > wanted.not_after
    if wanted.not_after is not None and bound:
        due = Due(wanted.not_after, provisional=False)
    return {
        "clock": wanted.clock,
        "subject": wanted.subject,
        "round": wanted.round,
        "owner_unit_id": wanted.owner_unit_id,
        "owner_staff_id": wanted.owner_staff_id,
        "label": wanted.label,
        "policy_id": policy.id,
        "amount": term.amount,
        "term_unit": wanted.term.unit if wanted.term else None,
        "term_hours": wanted.term.hours if wanted.term else None,
        "starts_at": at,
        "given": wanted.due is not None or bound,
        **_marks(policy, term, start=at, due=due, calendar=calendar),
    }


def _marks(policy: Policy, term: Term, *, start: datetime, due: Due, calendar: Calendar) -> dict[str, Any]:
    warn = min(due.at, warn_at(min(start, due.at), due.at, term=term, calendar=calendar, share=county().amber_share))
    moments = ladder_moments(policy.ladder, warn=warn, due=due.at, calendar=calendar)
    check = next_check(moments, level=0, due=due.at, breached=False)
    return {"warn_at": warn, "due_at": due.at, "provisional": due.provisional, "next_check_at": check}


def term_of(deadline: Deadline) -> tuple[Policy, Term]:
    """Give the policy (in the version that the clock keeps) and the term of a clock."""
    if deadline.policy_id not in catalogue().policy_ladders:
        catalogue.forget()  # another process has published it since this one looked
    policy = catalogue().policy_ladders[deadline.policy_id]
    return policy, Term(deadline.amount, deadline.term_unit or policy.term.unit, deadline.term_hours or policy.term.hours)


def moments_of(deadline: Deadline) -> list[tuple[Any, datetime]]:
    """Give the moments of a clock's ladder as it stands now."""
    policy, _ = term_of(deadline)
    calendar, turns = load_calendar(deadline.owner_unit_id), deadline.stood or []
    stood = list(zip(turns[::2], turns[1::2], strict=True))
    return ladder_moments(policy.ladder, warn=deadline.warn_at, due=deadline.due_at, calendar=calendar, stood=stood)


def start_clock(wanted: ClockFor, at: datetime, *, subject_id: int, case_id: int | None) -> Deadline:
    """Start a clock for a subject that is already stored."""
    deadline = Deadline(**clock_row(wanted, at), subject_id=subject_id, case_id=case_id)
    db.session.add(deadline)
    return deadline


def lock_case_clocks(case_ids: Iterable[int]) -> list[Deadline]:
    """Lock every clock of cases whose rows the caller holds, in id order; ended ones too, since a move may let one run on."""
    query = select(Deadline).where(Deadline.case_id.in_(sorted(set(case_ids)))).order_by(Deadline.id)
    return list(db.session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def is_open(deadline: Deadline) -> bool:
    """Say whether a clock has neither been met nor cancelled."""
    return deadline.met_at is None and deadline.cancelled_at is None


def meet(deadline: Deadline, at: datetime) -> None:
    """Stop a clock as met; a breach that no sweep has written yet is written here."""
    _note_breach(deadline, at)
    deadline.met_at = at
    deadline.next_check_at = None


def _note_breach(deadline: Deadline, at: datetime) -> None:
    if deadline.paused_at is None and at > deadline.due_at and deadline.breached_at is None:
        deadline.breached_at = at


def cancel(deadline: Deadline, at: datetime) -> None:
    """End a clock that is not wanted any more; if it was due before that, the breach stays written."""
    _note_breach(deadline, at)
    deadline.cancelled_at = at
    deadline.next_check_at = None


def pause(deadline: Deadline, at: datetime) -> None:
    """Let a clock stand still, keeping what is left of it; one that is already due keeps its due moment, and its breach."""
    if deadline.paused_at is not None:
        return
    _note_breach(deadline, at)
    _, term = term_of(deadline)
    deadline.paused_at = at
    deadline.next_check_at = None
    if at <= deadline.due_at:
        deadline.remainder = remaining(at, deadline.due_at, term=term, calendar=load_calendar(deadline.owner_unit_id))


def go_on(deadline: Deadline, at: datetime) -> None:
    """Resume a paused clock: what was left is added to the moment of resumption.

    Of one that was due already, the steps of its ladder that lie ahead move along: what was counted of them before it stood
    still stays counted.
    """
    if deadline.paused_at is None:
        return
    policy, term = term_of(deadline)
    calendar = load_calendar(deadline.owner_unit_id)
    if deadline.remainder is not None:
        deadline.resumed_at, deadline.resumed_with = at, deadline.remainder
        due = resume(at, deadline.remainder, term=term, calendar=calendar)
        for name, value in _marks(policy, term, start=at, due=due, calendar=calendar).items():
            setattr(deadline, name, value)
    else:
        deadline.stood = [*(deadline.stood or ()), deadline.paused_at, at]
    deadline.paused_at = deadline.remainder = None
    schedule(deadline)


def recompute(deadline: Deadline) -> bool:
    """Work a provisional clock out anew by the calendar as it is now; give whether anything changed. A given moment stays."""
    if deadline.given:
        return False
    policy, term = term_of(deadline)
    calendar = load_calendar(deadline.owner_unit_id)
    if deadline.resumed_at is not None and deadline.resumed_with is not None:
        start = deadline.resumed_at
        due = resume(start, deadline.resumed_with, term=term, calendar=calendar)
    else:
        start = deadline.starts_at
        due = due_at(start, term, calendar)
    if (due.at, due.provisional) == (deadline.due_at, deadline.provisional):
        return False
    for name, value in _marks(policy, term, start=start, due=due, calendar=calendar).items():
        setattr(deadline, name, value)
    schedule(deadline)
    return True


def run_on(deadline: Deadline) -> None:
    """Let a met or cancelled clock run on unchanged: same start, same due moment, same levels reached."""
    deadline.met_at = deadline.cancelled_at = None
    schedule(deadline)


def counted(deadline: Deadline, since: datetime, until: datetime) -> timedelta:
    """Give the time between two moments as a clock counts it."""
    return remaining(since, until, term=term_of(deadline)[1], calendar=load_calendar(deadline.owner_unit_id))


def moved_on(deadline: Deadline, since: datetime, amount: timedelta) -> datetime:
    """Give the moment that lies some counted time of a clock after another."""
    return resume(since, amount, term=term_of(deadline)[1], calendar=load_calendar(deadline.owner_unit_id)).at


def new_version(deadline: Deadline, at: datetime, *, due: datetime, given: bool = True, **changes: Any) -> Deadline:
    """Replace an open clock by a new version due at another moment; the old one stays readable and ends without verdict.

    Levels that were reached stay reached, and a breach stays written, one that no sweep has seen yet too. `changes` are further
    columns (owner, policy, amount). The new row's id is not known before a flush.
    """
    _note_breach(deadline, at)
    same = ("clock", "subject", "subject_id", "case_id", "round", "owner_unit_id", "owner_staff_id", "label", "policy_id",
            "amount", "term_unit", "term_hours", "starts_at", "provisional", "breached_at", "level", "paused_at",
            "remainder", "stood")  # fmt: skip
    fresh = Deadline(**{name: getattr(deadline, name) for name in same} | changes, supersedes_id=deadline.id, given=given)
    policy, term = term_of(fresh)
    calendar = load_calendar(fresh.owner_unit_id)
    marks = _marks(policy, term, start=fresh.starts_at, due=Due(due, provisional=False), calendar=calendar)
    fresh.warn_at, fresh.due_at = marks["warn_at"], due
    if fresh.paused_at is None:
        schedule(fresh)
    elif fresh.paused_at <= due:
        fresh.remainder = remaining(fresh.paused_at, due, term=term, calendar=calendar)
    deadline.cancelled_at, deadline.next_check_at = at, None
    db.session.add(fresh)
    return fresh


def lengthened(deadline: Deadline, amount: int, *, term: Term | None = None) -> datetime:
    """Give the due moment of a clock that gets `amount` more of its own unit (or `term`'s), counted on from its due moment."""
    more = replace(term or term_of(deadline)[1], amount=amount)
    return due_at(deadline.due_at, more, load_calendar(deadline.owner_unit_id)).at


def upstream_limit(clocks: Iterable[Deadline], at: datetime) -> datetime | None:
    """Give when the county must be done with an upstream case: a margin of working hours before upstream's due moment.

    Where the margin is past already, upstream's moment itself; None without an open upstream clock.
    """
    given = [clock for clock in clocks if clock.clock is Clock.UPSTREAM_DUE and is_open(clock)]
    return inner_limit(given[-1].due_at, at) if given else None


def inner_limit(due: datetime, at: datetime) -> datetime:
    """Give the moment that lies the county's margin before one of upstream; that one itself where the margin is past at `at`."""
    margin = timedelta(hours=county().upstream_margin_hours)
    inner = load_calendar(catalogue().county_id).shift(Purpose.WORK, due, -margin)
    return inner if inner > at else due


def note_due(case: Case, clocks: Iterable[Deadline]) -> None:
    """Note on a case what its clocks (all of them) say to the queue: next due, next warning, first breach among open ones."""
    still = [deadline for deadline in clocks if is_open(deadline)]
    running = [deadline for deadline in still if deadline.paused_at is None]
    case.next_due_at = min((deadline.due_at for deadline in running), default=None)
    case.amber_at = min((deadline.warn_at for deadline in running), default=None)
    case.late_since = min((deadline.breached_at for deadline in still if deadline.breached_at is not None), default=None)


def take_on(deadline: Deadline, earlier: Deadline, at: datetime) -> None:
    """Let a clock that was started for other hands, with a due moment that is past, go on where the last one's ladder was.

    What the first hands have been told and done for is not told of the new ones again; only the steps still ahead act, and
    the time in which nobody had the matter in hand is not counted of them. Of a due moment still ahead everything is.
    """
    if deadline.due_at > at:
        return
    deadline.breached_at, deadline.level = earlier.breached_at, earlier.level
    deadline.stood = earlier.stood
    stand_still(deadline, earlier.paused_at or earlier.cancelled_at or at, at)
    schedule(deadline)


def stand_still(deadline: Deadline, since: datetime, until: datetime) -> None:
    """Do not count some time after an overdue clock's due moment of its ladder: nobody had the matter in hand."""
    since = max(since, deadline.due_at)
    if since < until:
        deadline.stood = [*(deadline.stood or ()), since, until]


def schedule(deadline: Deadline) -> None:
    """Set when the sweep looks at a running clock next."""
    deadline.next_check_at = next_check(
        moments_of(deadline), level=deadline.level, due=deadline.due_at, breached=deadline.breached_at is not None
    )
