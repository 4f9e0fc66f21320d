"""Keeps the dry run: what a draft of a policy would have done to the clocks of a past period. Nothing is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.models import Case, Entry
from app.ledger.policies import PolicyMissing, choose_policy
from app.ledger.policy_changes import check_reader
from app.ledger.policy_editor import PolicyDraft, check_draft
from app.ledger.recusal import not_recused
from app.ledger.scope import visible
from app.ledger.terms import Term, due_at, remaining, resume
from app.ledger.vocabulary import Action, Clock, Urgency
from app.territory.calendar.queries import load_calendar
from app.territory.calendar.rules import Calendar
from app.territory.models import Unit

CHUNK = 5000
SHOWN = 200
"""So many changed cases are named; the counts are of all."""

_HELD_BY: dict[Clock, frozenset[Action]] = {
    Clock.RESOLVE: frozenset({Action.SUSPEND}),
    Clock.OVERALL: frozenset({Action.SUSPEND, Action.ASK_INFO}),
    Clock.ACCEPT: frozenset({Action.ASK_INFO}),
    Clock.DISPATCH: frozenset({Action.ASK_INFO}),
}
_LET_GO = frozenset({Action.RESUME, Action.SUPPLY_INFO, Action.LAPSE_INFO, Action.REASSIGN})

Spans = Sequence[tuple[datetime, datetime | None]]
"""When a clock stood still: from, until (None: still)."""


class WrongPeriod(Invalid):
    """时间段有误"""


@dataclass
class Tally:
    """How many clocks were looked at, how many were late as it was, and how many would have been."""

    clocks: int = 0
    late: int = 0
    would_be_late: int = 0


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A case whose clock would have ended otherwise."""

    number: str
    due_at: datetime
    would_be_due_at: datetime | None
    late: bool
    would_be_late: bool


@dataclass
class DryRun:
    """The whole, by unit that owned the clocks, and the first cases that change."""

    total: Tally = field(default_factory=Tally)
    by_unit: dict[str, Tally] = field(default_factory=dict)
    changed: int = 0
    cases: list[Changed] = field(default_factory=list)


def dry_run(stamp: Stamp, draft: PolicyDraft, *, begin: datetime, end: datetime) -> DryRun:
    """Tell what a draft would have done to the clocks of its kind that started in [`begin`, `end`).

    Only clocks whose case the draft would have fitted better than any other policy; cancelled ones have no verdict, and one
    whose moment somebody gave keeps it. Pauses are honoured as they were; what is still open is judged now. All cases count;
    only those that the reader may see are named. Raises PolicyUnfit, WrongPeriod, RulesAreTheAdministrators.
    """
    check_reader(stamp)
    term, _ = check_draft(draft)
    if begin >= end or end > stamp.at:
        raise WrongPeriod(errors={"end": ["结束时间要晚于开始时间，且不能在将来"]})
    found = DryRun()
    fitting: dict[tuple[Any, ...], bool] = {}
    for rows, spans in _chunks(stamp, draft, begin, end):
        for row in rows:
            which = (row.kind, row.urgency, row.category_id)
            if which not in fitting:
                fitting[which] = _fits(draft, term, row)
            if fitting[which] and not row.given:
                _judge(found, stamp.at, term, row, spans.get(row.case_id, ()))
    return found


def _chunks(stamp: Stamp, draft: PolicyDraft, begin: datetime, end: datetime) -> Iterator[tuple[list[Any], dict[int, Spans]]]:
    columns = (
        Deadline.id, Deadline.case_id, Deadline.starts_at, Deadline.due_at, Deadline.met_at, Deadline.breached_at,
        Deadline.owner_unit_id, Deadline.given, Case.number, Case.kind, Case.urgency, Case.category_id, Unit.name.label("unit"),
        and_(visible(stamp.actor), not_recused(stamp.actor)).label("named"),
    )  # fmt: skip
    query = select(*columns).join(Case, Case.id == Deadline.case_id).outerjoin(Unit, Unit.id == Deadline.owner_unit_id)
    query = query.where(Deadline.clock == draft.clock, Deadline.starts_at >= begin, Deadline.starts_at < end)
    query = query.where(Deadline.cancelled_at.is_(None))
    last = 0
    while True:
        rows = list(db.session.execute(query.where(Deadline.id > last).order_by(Deadline.id).limit(CHUNK)))
        if not rows:
            return
        last = rows[-1].id
        yield rows, _pauses(draft.clock, {row.case_id for row in rows})


def _pauses(clock: Clock, case_ids: set[int]) -> dict[int, Spans]:
    """Give when the clocks of a kind stood still, by case, from the timelines."""
    holds = _HELD_BY.get(clock)
    if holds is None:
        return {}
    query = select(Entry.case_id, Entry.at, Entry.action).where(Entry.case_id.in_(case_ids), Entry.action.in_(holds | _LET_GO))
    spans: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for row in db.session.execute(query.order_by(Entry.case_id, Entry.seq)):
        mine = spans.setdefault(row.case_id, [])
        still = bool(mine) and mine[-1][1] is None
        if row.action in holds and not still:
            mine.append((row.at, None))
        elif row.action in _LET_GO and still:
            mine[-1] = (mine[-1][0], row.at)
    return {case_id: tuple(mine) for case_id, mine in spans.items()}


def _fits(draft: PolicyDraft, term: Term, row: Any) -> bool:
    """Say whether the draft, were it in force, would be chosen for a case of this kind, urgency and category."""
    held = catalogue()
    others = [policy for policy in held.policies if policy.code != draft.code]
    like = next(iter(held.policies))
    drafted = replace(
        like, id=0, code=draft.code, version=1 << 30, clock=draft.clock, term=term, urgent=draft.urgent, kind=draft.kind,
        category_id=draft.category_id, effective_from=None,
    )  # fmt: skip
    chain = held.category(row.category_id).chain if row.category_id is not None else ()
    try:
        chosen = choose_policy(
            [*others, drafted], draft.clock, urgent=row.urgency is Urgency.URGENT, category_ids=chain, kind=row.kind
        )
    except PolicyMissing:
        return False
    return chosen is drafted


def _judge(found: DryRun, at: datetime, term: Term, row: Any, spans: Spans) -> None:
    due = due_with_pauses(row.starts_at, term, load_calendar(row.owner_unit_id), spans)
    ended = row.met_at or at
    late = row.breached_at is not None or (row.met_at is not None and row.met_at > row.due_at)
    would = due is not None and ended > due
    for tally in (found.total, found.by_unit.setdefault(row.unit or "（中心）", Tally())):
        tally.clocks += 1
        tally.late += late
        tally.would_be_late += would
    if late != would:
        found.changed += 1
        if row.named and len(found.cases) < SHOWN:
            found.cases.append(Changed(number=row.number, due_at=row.due_at, would_be_due_at=due, late=late, would_be_late=would))


def due_with_pauses(start: datetime, term: Term, calendar: Calendar, spans: Spans) -> datetime | None:
    """Give when a term is due that stood still in `spans`; None while it still stands still and was not due before."""
    due = due_at(start, term, calendar).at
    for begin, end in spans:
        if begin < start or begin > due:
            continue
        if end is None:
            return None
        due = resume(end, remaining(begin, due, term=term, calendar=calendar), term=term, calendar=calendar).at
    return due
