"""Keeps the proof of the figures: each counted again entry by entry from the timelines, without the queries that publish it.

Cases are read in the order of their ids, some at a time; one state of the database should be read from beginning to end.
What timelines do not hold (whose a part was, when a clock fell due) is read from the rows of parts and clocks, in Python.
Whether a term was kept is judged here anew (`figures.terms_kept`), not taken from the breaches and verdicts that stand there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, not_, or_, select

from app.core.database import db
from app.core.stamp import Stamp
from app.figures.catalogue import MEASURES, Selection
from app.figures.counting import Counted, count
from app.figures.groups import REST, Dimension, groups_of
from app.figures.periods import Period
from app.figures.reach import reach_of
from app.figures.standing import cutoff_at
from app.figures.terms_kept import Chain, Tale, chains_of
from app.ledger.clocks import Deadline
from app.ledger.models import Assignment, Case, Entry, GridMove
from app.ledger.requests.models import Request
from app.ledger.vocabulary import (
    Action,
    CallbackBy,
    Clock,
    Duty,
    Kind,
    Outcome,
    RequestKind,
    RequestState,
    Satisfaction,
    State,
)
from app.ledger.whistles.models import Whistle, WhistleCall
from app.territory.models import Unit

BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where query and recount disagree: of which measure, of which unit (`-`: none), how many each counts."""

    selection: Selection
    measure: str
    unit: str
    excluded_counted: bool
    queried: int
    recounted: int


@dataclass
class Story:
    """What a timeline tells, once every entry was read."""

    state: State = State.SUBMITTED
    accepted_at: datetime | None = None
    outcome: Outcome | None = None
    solved: bool | None = None
    excluded: bool = False
    round: int = 1
    reworks: int = 0
    words: dict[int, list[Any]] = field(default_factory=dict)
    judged: dict[int, dict[str, bool]] = field(default_factory=dict)


Tally = dict[tuple[Selection, int | None, str], list[int]]
"""How many rows each measure holds for, by unit: before and after exclusion."""


def whole_ledger(at: datetime) -> Period:
    """Give the period that holds everything up to a moment."""
    first = db.session.scalar(select(func.min(Case.opened_at)).where(not_(Case.archived)))
    return Period(first or at, at + timedelta(seconds=1))


def check(stamp: Stamp, period: Period) -> tuple[int, list[Difference]]:
    """Recount a period; give how many cases were read, and every difference from what the queries say, in a fixed order."""
    read, tally = recount(period, stamp.at)
    codes = {row.id: row.code for row in db.session.execute(select(Unit.id, Unit.code))}
    again: dict[tuple[Selection, str, str], tuple[int, int]] = {}
    for (selection, unit_id, measure), (before, after) in tally.items():
        again[selection, codes.get(unit_id, REST) if unit_id is not None else REST, measure] = (before, after)
    groups = groups_of(Dimension.UNIT, reach_of(stamp.actor))
    differences = []
    for selection in Selection:
        queried = count(stamp, selection, period=period, cutoff=cutoff_at(None, stamp.at), groups=groups)
        for unit in sorted({*queried, *(key for each, key, _ in again if each is selection)}):
            differences += list(_compared(selection, unit, queried.get(unit), again))
    return read, differences


def _compared(
    selection: Selection, unit: str, queried: Counted | None, again: Mapping[tuple[Selection, str, str], tuple[int, int]]
) -> Iterator[Difference]:
    for measure in MEASURES[selection]:
        recounted = again.get((selection, unit, measure), (0, 0))
        said = (queried.before[measure], queried.after[measure]) if queried else (0, 0)
        for place in (0, 1):
            if said[place] != recounted[place]:
                yield Difference(
                    selection=selection,
                    measure=measure,
                    unit=unit,
                    excluded_counted=place == 0,
                    queried=said[place],
                    recounted=recounted[place],
                )


def recount(period: Period, cutoff: datetime) -> tuple[int, Tally]:
    """Count a period from the timelines; give how many cases were read, and the tally."""
    tally: Tally = defaultdict(lambda: [0, 0])
    read = last = 0
    while cases := _cases_after(last, period):
        last, read = cases[-1].id, read + len(cases)
        ids = [case.id for case in cases]
        entries, parts, clocks = _by_case(_entries(ids)), _by_case(_parts(ids)), _by_case(_clocks(ids))
        returned = set(db.session.scalars(select(Request.assignment_id).where(Request.case_id.in_(ids), *_RETURNED)))
        moved = select(Request.assignment_id).join(GridMove, GridMove.assignment_id == Request.assignment_id)
        wrong_grid = set(db.session.scalars(moved.where(Request.case_id.in_(ids), *_CHANGED_HANDS)))
        blowers = _blowers([clock.subject_id for of_case in clocks.values() for clock in of_case if clock.clock is Clock.ARRIVE])
        for case in cases:
            story = tell(entries[case.id], period)
            if case.archived or case.kind is Kind.PRAISE or story.state in (State.MERGED, State.VOID):
                continue
            tale = Tale(entries[case.id], cutoff)
            chains = chains_of(tale, clocks[case.id], parts[case.id])
            held = _Case(story, tale, parts[case.id], chains, returned, wrong_grid, blowers, period)
            for selection, unit_id, measures in held.rows():
                for measure in measures:
                    counted = tally[selection, unit_id, measure]
                    counted[0] += 1
                    counted[1] += not story.excluded
    return read, tally


def tell(entries: Iterable[Any], period: Period) -> Story:
    """Read a timeline from its first entry to its last."""
    story = Story()
    taken_out: set[int] = set()
    for entry in entries:
        story.state = entry.to_state
        match entry.action:
            case Action.ACCEPT:
                story.accepted_at = story.accepted_at or entry.at
            case Action.ANSWER:
                story.accepted_at = story.accepted_at or entry.at
                story.outcome, story.solved = Outcome(entry.facts["outcome"]), True
            case Action.DISPATCH:
                story.outcome = Outcome.PASSED_ON
            case Action.RETURN if entry.facts.get("duty") == Duty.LEAD:
                story.outcome = None
            case Action.SUBMIT_RESULT:
                story.solved = entry.facts["solved"]
            case Action.TRIAGE:
                story.round += 1
                story.reworks += 1
            case Action.REOPEN:
                story.round += 1
                story.outcome = story.solved = None
            case Action.EXCLUDE:
                story.excluded = True
            case Action.ASSESS_WHISTLE:
                said = {word: entry.facts[word] for word in ("helped", "justified", "ruling") if word in entry.facts}
                story.judged.setdefault(entry.facts["call"], {}).update(said)
            case Action.RECORD_CALLBACK | Action.RATE:
                spoken = entry.facts.get("satisfaction") is not None and entry.facts.get("by") != CallbackBy.UPSTREAM
                if spoken and period.since <= entry.at < period.until:
                    story.words.setdefault(story.round, []).append(entry.facts)
            case Action.ABSORB:
                taken_out -= set(entry.facts["reports"])
            case Action.RELEASE:
                taken_out |= set(entry.facts["reports"])
    kept = {place: [said for said in words if said.get("report") not in taken_out] for place, words in story.words.items()}
    story.words = {place: words for place, words in kept.items() if words}
    return story


@dataclass(frozen=True)
class _Case:
    """A case as the recount sees it."""

    story: Story
    tale: Tale
    parts: Sequence[Any]
    chains: Sequence[Chain]
    returned: set[int | None]
    wrong_grid: set[int | None]
    blowers: Mapping[int, int | None]
    period: Period

    def rows(self) -> Iterator[tuple[Selection, int | None, list[str]]]:
        """Give each row of the case: of which selection, whose, and the measures that hold."""
        story = self.story
        left = story.state in (State.REJECTED, State.REDIRECTED, State.WITHDRAWN)
        if story.accepted_at is not None and self._in(story.accepted_at) and not left:
            yield Selection.ACCEPTED, self._lead(story.round), self._of_cohort()
        yield from self._of_callbacks()
        for part in self.parts:
            signs = [chain for chain in self._of(Clock.SIGN) if chain.newest.subject_id == part.id]
            if signs and part.id not in self.wrong_grid and self._in(part.dispatched_at):
                yield Selection.DISPATCHED, part.unit_id, list(self._of_part(part.id, signs))
        for chain in self._of(Clock.ARRIVE):
            clock = chain.newest
            if (clock.cancelled_at is None or chain.late) and self._in(clock.starts_at):
                due = chain.met or chain.late
                kept = chain.met and not chain.late
                said = self.story.judged.get(clock.subject_id, {})
                helped = ["help_judged"] * ("helped" in said) + ["helped"] * said.get("helped", False)
                yield Selection.WHISTLED, clock.owner_unit_id, ["arrive_due"] * due + ["arrived_on_time"] * kept + helped
                word = said.get("ruling", said.get("justified"))
                if (blower := self.blowers.get(clock.subject_id)) is not None and word is not None:
                    yield Selection.BLOWN, blower, ["blown_judged"] + ["justified"] * word

    def _in(self, at: datetime) -> bool:
        return self.period.since <= at < self.period.until

    def _lead(self, round_: int) -> int | None:
        """Give who led a round; in the present one, only who leads it still."""
        leads = [part for part in self.parts if part.duty is Duty.LEAD and part.round == round_]
        if round_ == self.story.round:
            leads = [part for part in leads if part.ended_at is None]
        return leads[-1].unit_id if leads else None

    def _of(self, clock: Clock) -> list[Chain]:
        return [chain for chain in self.chains if chain.newest.clock is clock]

    def _of_cohort(self) -> list[str]:
        story = self.story
        leads = {part.id for part in self.parts if part.duty is Duty.LEAD}
        slow = any(chain.late for chain in self._of(Clock.RESOLVE) if chain.newest.subject_id in leads)
        broken = any(chain.late for chain in self._of(Clock.OVERALL))
        direct = story.outcome in (Outcome.DIRECT, Outcome.ON_THE_SPOT)
        closed = story.state is State.CLOSED
        holds = {
            "accepted": True,
            "closed": closed,
            "resolved": closed and story.solved is True,
            "due": closed or slow or broken,
            "on_time": closed and not slow and not (direct and broken),
            "direct": story.outcome is Outcome.DIRECT,
            "on_the_spot": story.outcome is Outcome.ON_THE_SPOT,
            "passed_on": story.outcome is Outcome.PASSED_ON,
            "reworked": story.outcome is Outcome.PASSED_ON and story.reworks > 0,
        }
        return [name for name, held in holds.items() if held]

    def _of_callbacks(self) -> Iterator[tuple[Selection, int | None, list[str]]]:
        rounds = dict.fromkeys(self.story.words, True)
        for chain in self._of(Clock.CALLBACK):
            clock = chain.newest
            if clock.cancelled_at is not None or clock.starts_at >= self.period.until:
                continue
            settled_at = self.tale.settled_at(clock)
            if settled_at is None or settled_at >= self.period.since:
                settled = settled_at is not None and settled_at < self.period.until
                rounds[clock.round] = rounds.get(clock.round, False) or settled
        for round_, covered in rounds.items():
            words = list(_of_words(self.story.words[round_])) if round_ in self.story.words else []
            yield Selection.HEARD, self._lead(round_), ["owed", *["covered"] * covered, *words]

    def _of_part(self, part_id: int, signs: Sequence[Chain]) -> Iterator[str]:
        yield "dispatched"
        if part_id in self.returned:
            yield "returned"
        if any(chain.met or chain.late for chain in signs):
            yield "sign_due"
        if any(chain.met and not chain.late for chain in signs):
            yield "signed_on_time"


def _of_words(words: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give what holds for a round by the least favourable of its words."""
    yield "valid"
    if all(word["contacted"] for word in words):
        yield "contacted"
    if all(word["solved"] for word in words):
        yield "solved"
    worst = max((Satisfaction(word["satisfaction"]) for word in words), key=list(Satisfaction).index)
    if worst in (Satisfaction.VERY_SATISFIED, Satisfaction.SATISFIED, Satisfaction.BASICALLY_SATISFIED):
        yield worst.value


_RETURNED = (Request.kind == RequestKind.RETURN, Request.state == RequestState.APPROVED)
_CHANGED_HANDS = (Request.kind.in_((RequestKind.RETURN, RequestKind.REASSIGN)), Request.state == RequestState.APPROVED)


def _cases_after(last: int, period: Period) -> Sequence[Any]:
    """Give the next cases that can say anything of a period: those with an entry since it began, and all that are open."""
    since = exists().where(Entry.case_id == Case.id, Entry.at >= period.since)
    query = select(Case.id, Case.kind, Case.archived).where(
        Case.id > last, Case.opened_at < period.until, not_(Case.archived), or_(Case.closed_at.is_(None), since)
    )
    return db.session.execute(query.order_by(Case.id).limit(BATCH)).all()


def _entries(ids: Sequence[int]) -> Iterable[Any]:
    columns = (Entry.case_id, Entry.at, Entry.action, Entry.from_state, Entry.to_state, Entry.facts)
    query = select(*columns).where(Entry.case_id.in_(ids))
    return db.session.execute(query.order_by(Entry.case_id, Entry.seq))


def _parts(ids: Sequence[int]) -> Iterable[Any]:
    columns = (Assignment.case_id, Assignment.id, Assignment.round, Assignment.unit_id, Assignment.duty, Assignment.dispatched_at)
    moments = (Assignment.signed_at, Assignment.submitted_at, Assignment.ended_at)
    query = select(*columns, *moments).where(Assignment.case_id.in_(ids))
    return db.session.execute(query.order_by(Assignment.id))


def _clocks(ids: Sequence[int]) -> Iterable[Any]:
    query = select(
        Deadline.id,
        Deadline.case_id,
        Deadline.clock,
        Deadline.subject,
        Deadline.subject_id,
        Deadline.round,
        Deadline.owner_unit_id,
        Deadline.starts_at,
        Deadline.due_at,
        Deadline.met_at,
        Deadline.cancelled_at,
        Deadline.supersedes_id,
    )
    return db.session.execute(query.where(Deadline.case_id.in_(ids)).order_by(Deadline.id))


def _blowers(call_ids: Sequence[int]) -> Mapping[int, int | None]:
    """Give the unit that blew for each of some calls; None where a resident did."""
    query = select(WhistleCall.id, Whistle.unit_id).join(Whistle).where(WhistleCall.id.in_(call_ids))
    return {row.id: row.unit_id for row in db.session.execute(query)}


def _by_case(rows: Iterable[Any]) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(row)
    return found
