"""Keeps the dry run: what a draft of a policy would have done to the clocks of a past period. Nothing is written.

Only clocks whose term is the policy's own are worked out anew. Where somebody gave the moment or the amount (an extension, a
correction, upstream's date), the policy decided nothing: such a clock is kept as it was, and counted so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, not_, or_, select, tuple_

from app.core.database import db
from app.core.errors import Invalid
from app.core.paging import LIMIT, CursorUnreadable, Page, decode_cursor, page_from
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.deadlines import inner_limit
from app.ledger.models import Case, Entry
from app.ledger.policies import On, Policy, PolicyMissing, Step, choose_policy, in_force, ladder_moments, same_cases
from app.ledger.recusal import not_recused
from app.ledger.rules.policy_changes import READERS, RulesAreTheAdministrators
from app.ledger.rules.policy_drafts import PolicyDraft, check_draft
from app.ledger.scope import visible
from app.ledger.terms import Spans, Term, due_with_pauses, halved
from app.ledger.vocabulary import Clock, Effect, Kind, Urgency
from app.ledger.workflow import MOVES
from app.territory.calendar.queries import load_calendar
from app.territory.models import Unit

CHUNK = 2000
LONGEST = timedelta(days=366)


class WrongPeriod(Invalid):
    """时间段有误"""


@dataclass
class Tally:
    """How many clocks the draft speaks of, how many of them keep a moment that somebody gave, and how many are late.

    `late` as it was, `would_be_late` by the draft; `newly_late` and `no_longer_late` are the clocks that change.
    """

    clocks: int = 0
    kept: int = 0
    late: int = 0
    would_be_late: int = 0
    newly_late: int = 0
    no_longer_late: int = 0


@dataclass(kw_only=True)
class UnitTally(Tally):
    """The clocks that one unit owned; no unit: the centre's own."""

    unit: str | None
    name: str | None


@dataclass
class LevelTally:
    """How many clocks reached a level of their ladder when due or after, and how many would have by the draft's."""

    level: int
    reached: int = 0
    would_reach: int = 0


@dataclass
class EffectTally:
    """How often a ladder drafted a slip, listed or raised, as it was and by the draft."""

    effect: Effect
    done: int = 0
    would_be_done: int = 0


@dataclass
class DryRun:
    """The whole, by the unit that owned the clocks, and what the ladders did; reminders before due are left out."""

    total: Tally = field(default_factory=Tally)
    units: list[UnitTally] = field(default_factory=list)
    levels: list[LevelTally] = field(default_factory=list)
    effects: list[EffectTally] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A case whose clock would have ended otherwise; no due moment by the draft where it would still stand still."""

    number: str
    unit: str | None
    round: int
    starts_at: datetime
    due_at: datetime
    would_be_due_at: datetime | None
    ended_at: datetime | None
    late: bool
    would_be_late: bool


class _Judged(NamedTuple):
    """A clock, and what the draft would have made of it: when due, whether late, the late steps of the ladder reached."""

    row: Any
    due: datetime | None
    late: bool
    would: bool
    kept: bool
    steps: Sequence[Step] = ()


def dry_run(stamp: Stamp, draft: PolicyDraft, *, begin: datetime, end: datetime) -> DryRun:
    """Tell what a draft would have done to the clocks of its kind that started in [`begin`, `end`), a year at most.

    Only clocks whose case the draft would fit better than any other policy of today, by the case's kind, urgency and category
    of today. Pauses are honoured as they were; what is still open is judged now. Cases that the reader is recused from are left
    out. Raises PolicyUnfit, WrongPeriod, RulesAreTheAdministrators.
    """
    _check_reader(stamp)
    found = DryRun()
    units: dict[int | None, UnitTally] = {}
    levels, effects = dict[int, LevelTally](), dict[Effect, EffectTally]()
    for judged in _judge_all(stamp, draft, _clocks(stamp, draft, begin, end)):
        row = judged.row
        mine = units.get(row.owner_unit_id)
        if mine is None:
            mine = units[row.owner_unit_id] = UnitTally(unit=row.code, name=row.unit)
        _count(found.total, judged)
        _count(mine, judged)
        _count_steps(levels, effects, judged)
    found.levels = [levels[level] for level in sorted(levels)]
    found.effects = [effects[effect] for effect in Effect if effect in effects]
    found.units = sorted(units.values(), key=lambda each: each.unit or "")
    return found


def dry_run_cases(
    stamp: Stamp, draft: PolicyDraft, *, begin: datetime, end: datetime, cursor: str | None = None, limit: int = LIMIT
) -> Page[Changed]:
    """Give a page of the cases whose clock would have ended otherwise, in order of the clocks' start.

    Those that the reader sees; an administrator, who sees no case, reads number, unit and moments of all but confidential ones.
    Raises as `dry_run` does, and CursorUnreadable.
    """
    _check_reader(stamp)
    query = _clocks(stamp, draft, begin, end).where(_named(stamp))
    if cursor:
        at, last = decode_cursor(cursor, width=2)
        query = query.where(tuple_(Deadline.starts_at, Deadline.id) > tuple_(_moment(at), int(last)))
    found = []
    for judged in _judge_all(stamp, draft, query):
        if judged.late is not judged.would:
            found.append(judged)
            if len(found) > limit:
                break
    page = page_from(found, limit=limit, key=lambda judged: [judged.row.starts_at, judged.row.id])
    return Page([_shown(judged) for judged in page.items], page.next_cursor)


def _check_reader(stamp: Stamp) -> None:
    """Raise RulesAreTheAdministrators unless the actor reads the rules at the county: the counts are the whole county's."""
    if catalogue().county_path not in stamp.actor.paths(*READERS):
        raise RulesAreTheAdministrators("试算由县级管理员、督办员和领导使用")


def _named(stamp: Stamp) -> ColumnElement[bool]:
    administers = catalogue().county_path in stamp.actor.paths(Role.ADMINISTRATOR)
    return or_(visible(stamp.actor), not_(Case.confidential)) if administers else visible(stamp.actor)


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise CursorUnreadable from None
    if moment.tzinfo is None:
        raise CursorUnreadable
    return moment


def _count(tally: Tally, judged: _Judged) -> None:
    tally.clocks += 1
    tally.kept += judged.kept
    tally.late += judged.late
    tally.would_be_late += judged.would
    tally.newly_late += judged.would and not judged.late
    tally.no_longer_late += judged.late and not judged.would


def _count_steps(levels: dict[int, LevelTally], effects: dict[Effect, EffectTally], judged: _Judged) -> None:
    for step in _climbed(judged.row):
        levels.setdefault(step.level, LevelTally(step.level)).reached += 1
        for effect in step.does:
            effects.setdefault(effect, EffectTally(effect)).done += 1
    for step in judged.steps:
        levels.setdefault(step.level, LevelTally(step.level)).would_reach += 1
        for effect in step.does:
            effects.setdefault(effect, EffectTally(effect)).would_be_done += 1


def _climbed(row: Any) -> list[Step]:
    """Give the late steps of its own ladder that a clock has reached."""
    policy = catalogue().policy_ladders.get(row.policy_id) if row.level else None
    return [step for step in _late_steps(policy.ladder) if step.level <= row.level] if policy is not None else []


def _late_steps(ladder: Iterable[Step]) -> list[Step]:
    return [step for step in ladder if step.on is not On.AMBER]


def _shown(judged: _Judged) -> Changed:
    row = judged.row
    same = {name: getattr(row, name) for name in ("number", "unit", "round", "starts_at", "due_at")}
    ended = row.met_at or row.cancelled_at
    return Changed(**same, would_be_due_at=judged.due, ended_at=ended, late=judged.late, would_be_late=judged.would)


def _clocks(stamp: Stamp, draft: PolicyDraft, begin: datetime, end: datetime) -> Select[*tuple[Any, ...]]:
    """Give the query for the newest versions of the clocks that started in a period, in order of their start."""
    if begin >= end or end > stamp.at or end - begin > LONGEST:
        raise WrongPeriod(errors={"end": ["结束时间要晚于开始时间，不能在将来，时间段不超过一年"]})
    in_period = and_(Deadline.clock == draft.clock, Deadline.starts_at >= begin, Deadline.starts_at < end)
    # A new version starts when the old one did, so that both lie in the period.
    replaced = select(Deadline.supersedes_id).where(in_period, Deadline.supersedes_id.is_not(None))
    columns = (
        Deadline.id, Deadline.case_id, Deadline.round, Deadline.starts_at, Deadline.due_at, Deadline.met_at, Deadline.cancelled_at,
        Deadline.paused_at, Deadline.resumed_at, Deadline.breached_at, Deadline.level, Deadline.owner_unit_id, Deadline.policy_id,
        Deadline.amount, Deadline.given, Deadline.supersedes_id, Case.number, Case.kind, Case.urgency, Case.category_id,
        Case.upstream_number, Unit.code, Unit.name.label("unit"),
    )  # fmt: skip
    query = select(*columns).join(Case, Case.id == Deadline.case_id).outerjoin(Unit, Unit.id == Deadline.owner_unit_id)
    query = query.where(in_period, Deadline.id.not_in(replaced), not_recused(stamp.actor))
    return query.order_by(Deadline.starts_at, Deadline.id)


def _judge_all(stamp: Stamp, draft: PolicyDraft, query: Select[*tuple[Any, ...]]) -> Iterator[_Judged]:
    """Judge the clocks of a query that the draft fits, read in chunks, each a statement of its own."""
    term, ladder = check_draft(draft, stamp.at)
    drafted = Policy(0, draft.code, 0, draft.clock, term, ladder, draft.urgent, draft.category_id, draft.kind)
    fits, moments = _fitting(stamp.at, drafted), _moments(_late_steps(ladder))
    with db.session.execute(query, execution_options={"yield_per": CHUNK}) as result:
        for chunk in result.partitions():
            rows = [row for row in chunk if fits(row)]
            paused = [row.case_id for row in rows if row.paused_at or row.resumed_at or row.breached_at]
            spans, limits = _pauses(draft.clock, paused), _upstream_limits(draft.clock, rows)
            for row in rows:
                own = spans.get(row.case_id, ())
                judged = _judge(stamp.at, term, row, own, limits.get(row.case_id))
                if judged.would and judged.due is not None:
                    ended, climbed = _ended(stamp.at, row), moments(judged.due, row.owner_unit_id, tuple(own))
                    judged = judged._replace(steps=[step for step, moment in climbed if moment <= ended])
                yield judged


def _moments(steps: Sequence[Step]) -> Callable[[datetime, int | None, Spans], list[tuple[Step, datetime]]]:
    """Give what says when a clock would have reached the late steps of the draft's ladder; many are due at the same moment."""

    @cache
    def reached(due: datetime, unit_id: int | None, spans: Spans) -> list[tuple[Step, datetime]]:
        return ladder_moments(steps, warn=due, due=due, calendar=load_calendar(unit_id), stood=spans)

    return reached


def _ended(at: datetime, row: Any) -> datetime:
    """Give until when a clock has run: met, cancelled, standing still, or on to now."""
    ended: datetime = row.met_at or row.cancelled_at or row.paused_at or at
    return ended


def _fitting(at: datetime, drafted: Policy) -> Callable[[Any], bool]:
    """Give what says whether the draft, were it in force, would be chosen for a clock's case; asked once for each sort of case."""
    others = [
        policy
        for policy in in_force(catalogue().policies, at)
        if policy.clock is drafted.clock and policy.code != drafted.code and not same_cases(policy, drafted)
    ]

    @cache
    def chosen(kind: Kind, urgency: Urgency, category_id: int | None) -> bool:
        chain = catalogue().category(category_id).chain if category_id is not None else ()
        urgent = urgency is Urgency.URGENT
        try:
            policy = choose_policy([*others, drafted], drafted.clock, urgent=urgent, category_ids=chain, kind=kind)
        except PolicyMissing:
            return False
        return policy is drafted

    return lambda row: chosen(row.kind, row.urgency, row.category_id)


def _judge(at: datetime, term: Term, row: Any, spans: Spans, limit: datetime | None) -> _Judged:
    ended = _ended(at, row)
    late = row.breached_at is not None or ended > row.due_at
    own = _own_term(term, row)
    if own is None:
        return _Judged(row, row.due_at, late, late, kept=True)
    due = due_with_pauses(row.starts_at, own, load_calendar(row.owner_unit_id), spans)
    if due is not None and limit is not None and due > limit:
        due = limit
    return _Judged(row, due, late, due is not None and ended > due, kept=False)


def _own_term(term: Term, row: Any) -> Term | None:
    """Give the term by which the draft would have set a clock; None where its moment or amount was not the policy's own."""
    if row.given or row.supersedes_id is not None:
        return None
    policy = catalogue().policy_ladders.get(row.policy_id)
    if policy is None:
        return None
    if row.amount == policy.term.amount:
        return term
    rework = policy.clock is Clock.RESOLVE and row.round > 1 and row.amount == halved(policy.term).amount
    return halved(term) if rework else None


def _pauses(clock: Clock, case_ids: Iterable[int]) -> Mapping[int, Spans]:
    """Give when the clocks of a kind stood still, by case, from the timelines."""
    holds = {action for action, move in MOVES.items() if clock in move.pauses}
    frees = {action for action, move in MOVES.items() if clock in move.resumes}
    wanted = sorted(set(case_ids))
    if not holds or not wanted:
        return {}
    query = select(Entry.case_id, Entry.at, Entry.action).where(Entry.case_id.in_(wanted), Entry.action.in_(holds | frees))
    spans: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for row in db.session.execute(query.order_by(Entry.case_id, Entry.seq)):
        mine = spans.setdefault(row.case_id, [])
        still = bool(mine) and mine[-1][1] is None
        if row.action in holds and not still:
            mine.append((row.at, None))
        elif row.action in frees and still:
            mine[-1] = (mine[-1][0], row.at)
    return spans


def _upstream_limits(clock: Clock, rows: Sequence[Any]) -> Mapping[int, datetime]:
    """Give until when the county must be done with cases from upstream, by case: no policy reaches past that."""
    starts = {row.case_id: row.starts_at for row in rows if row.upstream_number is not None}
    if clock not in (Clock.RESOLVE, Clock.OVERALL) or not starts:
        return {}
    query = select(Deadline.case_id, Deadline.due_at).where(
        Deadline.case_id.in_(sorted(starts)), Deadline.clock == Clock.UPSTREAM_DUE
    )
    return {row.case_id: inner_limit(row.due_at, starts[row.case_id]) for row in db.session.execute(query.order_by(Deadline.id))}
