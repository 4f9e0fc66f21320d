"""Keeps the judgement of the recount on clocks: whether each was met, and whether its term was kept, told from the timeline.

Of a clock's rows only what no timeline holds is used: for what it ran, when it fell due, when a version of it ended. That it
was met, and that it was late, is told by the entries, so that a breach or a verdict that is missing, or is none, shows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.ledger.vocabulary import TERMINAL, Action, Clock, Duty, State

STANDS_STILL = {
    Clock.RESOLVE: frozenset({State.SUSPENDED}),
    Clock.OVERALL: frozenset({State.SUSPENDED, State.INFO_REQUESTED}),
}
"""The states in which a clock of handling, or the promise, stands still."""
SIGNED = (Action.SIGN, Action.SIGN_ASSIST, Action.TAKE)
CALLED = (Action.RECORD_CALLBACK, Action.RATE)


@dataclass(frozen=True)
class Chain:
    """The versions of one clock: the newest, whether it was met, and whether the term was not kept by the cut-off."""

    newest: Any
    met: bool
    late: bool


class Tale:
    """A case's timeline, up to the cut-off, as clocks are judged by it."""

    def __init__(self, entries: Sequence[Any], cutoff: datetime) -> None:
        """Read the timeline: which clocks it calls breached, when they stood still, when the case ended."""
        self.entries, self.cutoff = entries, cutoff
        self.breached = {entry.facts.get("deadline") for entry in entries if entry.action is Action.BREACH_CLOCK}
        self.pauses = {clock: list(self._pauses(states)) for clock, states in STANDS_STILL.items()}
        self.ends = list(self._ends())

    def _pauses(self, states: frozenset[State]) -> Iterable[tuple[datetime, datetime | None]]:
        since: datetime | None = None
        for entry in self.entries:
            if since is None and entry.to_state in states:
                since = entry.at
            elif since is not None and entry.to_state not in states and entry.to_state is not State.MERGED:
                yield since, entry.at
                since = None
        if since is not None:
            yield since, None

    def _ends(self) -> Iterable[datetime | None]:
        """Give of each life of the case, from its opening or reopening on, when it ended; None where it goes on."""
        ended: datetime | None = None
        for entry in self.entries:
            if entry.action is Action.REOPEN:
                yield ended
                ended = None
            elif ended is None and entry.to_state in TERMINAL and entry.to_state is not State.MERGED:
                ended = entry.at
        yield ended

    def has(self, at: datetime | None, *actions: Action) -> bool:
        """Say whether one of some things was done at a moment."""
        return at is not None and any(entry.at == at and entry.action in actions for entry in self.entries)

    def over(self, clock: Any, end: datetime | None) -> bool:
        """Say whether a version was due before it ended, or, where it still runs (`end` None), by the cut-off."""
        moment = self.cutoff if end is None else end
        for since, until in self.pauses.get(clock.clock, ()):
            if since < moment and (until is None or moment <= until):
                return bool(since > clock.due_at)
        return bool(moment > clock.due_at or (end is None and moment == clock.due_at))

    def forgives(self, clock: Any) -> bool:
        """Say whether a version was replaced by an extension that was asked for in time."""
        asked: datetime | None = None
        for entry in self.entries:
            if entry.action is Action.ASK_EXTEND:
                asked = entry.at
            elif entry.action is Action.EXTEND and entry.at == clock.cancelled_at and asked is not None:
                return bool(asked <= clock.due_at)
        return False

    def settled_at(self, clock: Any) -> datetime | None:
        """Give when nobody was left to be called in a clock's round: by a word that the timeline has, or by leaving the state."""
        if self.has(clock.met_at, *CALLED):
            return clock.met_at  # type: ignore[no-any-return]
        left = (entry for entry in self._of_round(clock.round) if entry.action in CALLED)
        return next((entry.at for entry in left if entry.to_state is not State.AWAITING_CALLBACK), None)

    def _of_round(self, round_: int) -> Iterable[Any]:
        now = 1
        for entry in self.entries:
            now += entry.action in (Action.TRIAGE, Action.REOPEN)
            if now == round_:
                yield entry


def chains_of(tale: Tale, clocks: Sequence[Any], parts: Sequence[Any]) -> list[Chain]:
    """Judge the clocks of a case, given in the order of their ids, each with its versions as one."""
    before = {clock.supersedes_id: clock for clock in clocks if clock.supersedes_id is not None}
    own = {part.id: part for part in parts}
    found, promises = [], 0
    for first in (clock for clock in clocks if clock.supersedes_id is None):
        versions = [first]
        while versions[-1].id in before:
            versions.append(before[versions[-1].id])
        stop = _stop(tale, versions[-1], own, promises)
        promises += first.clock is Clock.OVERALL
        found.append(_judged(tale, versions, stop))
    return found


def _judged(tale: Tale, versions: Sequence[Any], stop: datetime | None) -> Chain:
    late = False
    for version in versions[:-1]:
        late = late or version.id in tale.breached or tale.over(version, version.cancelled_at)
        late = late and not tale.forgives(version)
    newest = versions[-1]
    end = newest.cancelled_at if newest.cancelled_at is not None else stop
    late = late or newest.id in tale.breached or tale.over(newest, end)
    return Chain(newest, met=newest.cancelled_at is None and stop is not None, late=late)


def _stop(tale: Tale, clock: Any, parts: dict[int, Any], promise: int) -> datetime | None:
    """Give when a clock was stopped by what it waits for, as the timeline has it; `promise` counts those of the case before it."""
    match clock.clock:
        case Clock.SIGN:
            part = parts.get(clock.subject_id)
            return part.signed_at if part is not None and tale.has(part.signed_at, *SIGNED) else None
        case Clock.RESOLVE:
            part = parts.get(clock.subject_id)
            action = Action.SUBMIT_RESULT if part is not None and part.duty is Duty.LEAD else Action.SUBMIT_ASSIST
            return part.submitted_at if part is not None and tale.has(part.submitted_at, action) else None
        case Clock.OVERALL:
            return tale.ends[promise] if promise < len(tale.ends) else None
        case Clock.ARRIVE:
            came = (entry for entry in tale.entries if entry.action is Action.ARRIVE)
            return next((entry.at for entry in came if entry.facts.get("call") == clock.subject_id), None)
    return None
