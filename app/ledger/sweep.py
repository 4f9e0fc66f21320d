"""Keeps the sweep: every clock that reached a level of its ladder is told of, exactly once, whoever sweeps and however often.

Due clocks are read unlocked, their cases or other subjects claimed with `FOR UPDATE SKIP LOCKED`, the clocks read again, and
breach, level, entry and notice written in one transaction a batch. The cost follows the number of due clocks, not the size of
the ledger. Of clocks without a case it knows what `ledger.subjects` was told of them.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.exc import OperationalError

from app.core.bulk import insert_many, update_many
from app.core.clock import CHINA
from app.core.database import db, lock_rows, transaction
from app.core.stamp import Stamp
from app.ledger.audiences import recipients
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline, DeadlineLevel
from app.ledger.commands import lapse_info
from app.ledger.county import county, next_digest
from app.ledger.deadlines import is_open, moments_of
from app.ledger.models import Case, Entry
from app.ledger.policies import Step, next_check
from app.ledger.requests.suspensions import resume_due
from app.ledger.subjects import Reached, kind_of
from app.ledger.supervision.ladder_effects import Effects, gather, raise_late
from app.ledger.supervision.ladder_effects import write as write_effects
from app.ledger.terms import Unit as TermUnit
from app.ledger.timeline import entry_columns
from app.ledger.vocabulary import Action, Audience, Clock, State, Subject, Urgency
from app.ledger.workflow import MOVES
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.territory.models import Unit

BATCH = 100

_TURNS: dict[Clock, tuple[State, Callable[[Stamp, Case], None]]] = {
    Clock.INFO: (State.INFO_REQUESTED, lapse_info),
    Clock.SUSPENSION: (State.SUSPENDED, resume_due),
}
"""Clocks whose end lets a case go on by itself, from which state and how: that is a turn, and nothing is overdue."""

AT_ONCE = frozenset({Clock.SIGN, Clock.ARRIVE, Clock.RESCUE})
"""Clocks that are spoken of at once, as every clock of an urgent case is; the others wait for a digest."""

log = logging.getLogger("minhu.sweep")


@dataclass
class Swept:
    """What a sweep did: clocks looked at, breaches written, levels written, notices filed, rows set aside."""

    clocks: int = 0
    breaches: int = 0
    levels: int = 0
    notices: int = 0
    set_aside: int = 0


@dataclass
class _Writings:
    """What one batch writes, gathered so that each table is written once."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    levels: list[dict[str, Any]] = field(default_factory=list)
    clocks: list[dict[str, Any]] = field(default_factory=list)
    unwanted: list[dict[str, Any]] = field(default_factory=list)
    reached: dict[Subject, list[Reached]] = field(default_factory=dict)
    cases: dict[int, dict[str, Any]] = field(default_factory=dict)
    notices: list[dict[str, Any]] = field(default_factory=list)
    turning: list[tuple[Clock, Case]] = field(default_factory=list)
    effects: Effects = field(default_factory=Effects)
    breaches: int = 0


def sweep(stamps: Callable[[], Stamp], *, batch: int = BATCH) -> Swept:
    """Write every level that was reached by now, in the order in which they were; give what was done.

    A batch that fails is repeated clock by clock; a clock that fails alone is set aside with its error and stops no other.
    """
    done = Swept()
    last: tuple[datetime, int] | None = None
    while True:
        with transaction():
            due = due_clocks(stamps().at, after=last, most=batch)
        if not due:
            return done
        last = (due[-1][1], due[-1][0])
        ids = [row[0] for row in due]
        try:
            _sweep_batch(stamps(), ids, done)
        except OperationalError:  # the database is away, slow or locked: no clock's fault, and the next sweep finds them all
            raise
        except Exception:
            log.exception("a batch of %s clocks failed and is repeated singly", len(ids))
            for deadline_id in ids:
                _sweep_single(stamps(), deadline_id, done)


def due_clocks(at: datetime, *, after: tuple[datetime, int] | None = None, most: int = BATCH) -> list[tuple[int, datetime]]:
    """Give (id, moment) of open clocks to be looked at by `at`, in order, unlocked, after a place in that order."""
    query = select(Deadline.id, Deadline.next_check_at).where(
        Deadline.met_at.is_(None),
        Deadline.cancelled_at.is_(None),
        Deadline.next_check_at.is_not(None),
        Deadline.next_check_at <= at,
    )
    if after is not None:
        query = query.where(tuple_(Deadline.next_check_at, Deadline.id) > tuple_(*after))
    rows = db.session.execute(query.order_by(Deadline.next_check_at, Deadline.id).limit(most))
    return [(row.id, row.next_check_at) for row in rows]


def _sweep_single(stamp: Stamp, deadline_id: int, done: Swept) -> None:
    try:
        _sweep_batch(stamp, [deadline_id], done)
    except OperationalError:
        raise
    except Exception as failure:
        log.exception("clock %s is set aside", deadline_id)
        done.set_aside += _set_aside(stamp, deadline_id, type(failure).__name__)


def _set_aside(stamp: Stamp, deadline_id: int, error: str) -> bool:
    """Set a clock aside unless it was moved meanwhile; give whether it was."""
    with transaction():
        case_id = db.session.scalar(select(Deadline.case_id).where(Deadline.id == deadline_id))
        lock_rows(Case, [case_id] if case_id is not None else [])
        clocks = [clock for clock in lock_rows(Deadline, [deadline_id]) if _is_due(clock, stamp.at)]
        for clock in clocks:
            clock.error, clock.next_check_at = error, None
        return bool(clocks)


def _sweep_batch(stamp: Stamp, ids: list[int], done: Swept) -> None:
    with transaction():
        columns = (Deadline.id, Deadline.case_id, Deadline.subject, Deadline.subject_id)
        rows = db.session.execute(select(*columns).where(Deadline.id.in_(ids))).all()
        cases = {case.id: case for case in lock_rows(Case, [row.case_id for row in rows if row.case_id], skip_locked=True)}
        others, unwanted = _claim_others([(row.subject, row.subject_id) for row in rows if row.case_id is None])
        mine = [row.id for row in rows if row.case_id in cases or (row.subject, row.subject_id) in others]
        clocks = [clock for clock in lock_rows(Deadline, mine, skip_locked=True) if _is_due(clock, stamp.at)]
        writings = _Writings()
        for clock in sorted(clocks, key=lambda clock: (clock.next_check_at, clock.id)):
            if clock.case_id is None and (clock.subject, clock.subject_id) in unwanted:
                writings.unwanted.append({"id": clock.id, "cancelled_at": stamp.at, "next_check_at": None})
            else:
                subject = others.get((clock.subject, clock.subject_id)) if clock.case_id is None else None
                _look_at(stamp, clock, cases.get(clock.case_id or 0), writings, other=subject)
        for kind, reached in writings.reached.items():
            writings.notices += kind_of(kind).notices(stamp, reached)
        _write(writings)
        for ended, case in writings.turning:
            db.session.refresh(case)
            _TURNS[ended][1](stamp, case)
        raise_late(stamp, writings.effects)
    done.clocks += len(writings.clocks) + len(writings.turning) + len(writings.unwanted)
    done.breaches += writings.breaches
    done.levels += len(writings.levels)
    done.notices += len(writings.notices)


Other = tuple[Subject, int]


def _claim_others(wanted: list[Other]) -> tuple[dict[Other, Any], set[Other]]:
    """Lock the subjects of clocks without a case, kind by kind; give those nobody else holds, and which are not wanted any more.

    Raises SubjectUndeclared.
    """
    found: dict[Other, Any] = {}
    unwanted: set[Other] = set()
    for subject in sorted({subject for subject, _ in wanted}):
        kind = kind_of(subject)
        rows: list[Any] = lock_rows(kind.model, [each for of, each in wanted if of is subject], skip_locked=True)
        still = kind.wanted(rows)
        found |= {(subject, row.id): row for row in rows}
        unwanted |= {(subject, row.id) for row in rows if row.id not in still}
    return found, unwanted


def _is_due(clock: Deadline, at: datetime) -> bool:
    return is_open(clock) and clock.next_check_at is not None and clock.next_check_at <= at


def _look_at(stamp: Stamp, clock: Deadline, case: Case | None, writings: _Writings, *, other: Any = None) -> None:
    if case is not None and clock.due_at <= stamp.at and case.state is _TURNS.get(clock.clock, (None,))[0]:
        writings.turning.append((clock.clock, case))
        return
    moments = moments_of(clock)
    reached = [step for step, moment in moments if step.level > clock.level and moment <= stamp.at]
    breaches = clock.breached_at is None and clock.due_at <= stamp.at
    level = reached[-1].level if reached else clock.level
    writings.levels += [
        {"deadline_id": clock.id, "level": step.level, "at": stamp.at, "told": step.level == level} for step in reached
    ]
    writings.clocks.append(
        {
            "id": clock.id,
            "level": level,
            "breached_at": stamp.at if breaches else clock.breached_at,
            "next_check_at": next_check(moments, level=level, due=clock.due_at, breached=breaches or clock.breached_at is not None),
        }
    )
    writings.breaches += breaches
    if other is not None and reached:
        late = breaches or clock.breached_at is not None
        writings.reached.setdefault(clock.subject, []).append(Reached(clock, other, reached[-1], late))
    if case is not None:
        action = _action(clock, reached, breaches=breaches)
        seq = _append(stamp, case, action, clock, reached, writings)
        _tell(stamp, case, clock, reached, action=action, seq=seq, writings=writings)
        gather(writings.effects, stamp.at, case, clock, reached)


def _action(clock: Deadline, reached: list[Step], *, breaches: bool) -> Action:
    if breaches:
        return Action.BREACH_CLOCK
    return Action.ESCALATE_CLOCK if clock.breached_at is not None else Action.WARN_CLOCK


def _append(stamp: Stamp, case: Case, action: Action, clock: Deadline, reached: list[Step], writings: _Writings) -> int:
    head = writings.cases.setdefault(
        case.id,
        {
            "id": case.id,
            "entry_count": case.entry_count,
            "chain_head": case.chain_head,
            "version": case.version,
            "late_since": case.late_since,
        },
    )
    if action is Action.BREACH_CLOCK:
        head["late_since"] = head["late_since"] or stamp.at
    facts = {"clock": clock.clock, "deadline": clock.id, "due": _moment(clock.due_at), "levels": [step.level for step in reached]}
    columns = entry_columns(
        stamp,
        case.number,
        seq=head["entry_count"] + 1,
        before=head["chain_head"],
        action=action,
        states=(case.state, case.state),
        facts=facts,
        seal=None,
    )
    writings.entries.append({"case_id": case.id, **columns})
    head["entry_count"] += 1
    head["chain_head"] = columns["link"]
    head["version"] += 1
    return int(head["entry_count"])


def _moment(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%m月%d日 %H:%M")


def _tell(stamp: Stamp, case: Case, clock: Deadline, reached: list[Step], *, action: Action, seq: int, writings: _Writings) -> None:
    if not reached or case.state not in MOVES[action].sources:
        return
    told = reached[-1]
    digest_at = None
    if not _cannot_wait(clock, case):
        digest_at = next_digest(stamp.at, county().digest_times)
    params = {"number": case.number, "clock": clock.label, "due": _moment(clock.due_at), "level": told.level}
    key = f"{case.number}:{seq}:{clock.id}:{told.level}"
    words = _URGENT[action] if case.urgency is Urgency.URGENT else action.value
    seen: set[tuple[Recipient, int]] = set()
    for audience in told.tell:
        rung = action is not Action.WARN_CLOCK and audience in _RUNG
        template = _RUNG[audience] if rung else words
        said = params | {"unit": _unit_name(clock)} if rung else params
        wait = None if rung else digest_at
        for to in recipients(case, [audience], stamp.at, deadline=clock):
            if to not in seen:
                seen.add(to)
                writings.notices.append(
                    notice_row(key, to=to, template=template, params=said, case_id=case.id, at=stamp.at, digest_at=wait)
                )


def _cannot_wait(clock: Deadline, case: Case) -> bool:
    """Say whether a clock is spoken of at once: by its kind, its case, or since a service counts it in minutes."""
    return clock.clock in AT_ONCE or case.urgency is Urgency.URGENT or clock.term_unit is TermUnit.MINUTE


_RUNG = {Audience.DUTY_PHONE: "duty_phone", Audience.DUTY_LEADER: "duty_leader"}
"""Whom a late clock rings up, with the words for a call."""

_URGENT = {Action.WARN_CLOCK: "warn_urgent", Action.BREACH_CLOCK: "breach_urgent", Action.ESCALATE_CLOCK: "escalate_urgent"}


def _unit_name(clock: Deadline) -> str:
    unit_id = clock.owner_unit_id or catalogue().county_id
    return db.session.get_one(Unit, unit_id).name


def _write(writings: _Writings) -> None:
    """Write a batch, each table once; every row was locked by the caller."""
    insert_many(Entry, writings.entries)
    update_many(Case, list(writings.cases.values()))
    insert_many(DeadlineLevel, writings.levels)
    update_many(Deadline, writings.clocks)
    update_many(Deadline, writings.unwanted)
    write_effects(writings.effects)
    file_notices(writings.notices)
    db.session.expire_all()
