"""Keeps whom a call-back must reach: each reporter of a case once, what they said in this round, and when to call again.

A case with one report has one callee. A case leaves the call-back when each was heard, has rated, or counts as unreachable;
the least favourable word decides. Source: the rules of a case, section 6.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db
from app.ledger.callbacks.models import Callback
from app.ledger.county import County, county
from app.ledger.models import Case, Report
from app.ledger.vocabulary import BY_PERSON, UNHAPPY, CallbackBy, CalleeState, Satisfaction


@dataclass(frozen=True, kw_only=True)
class Callee:
    """One person whose word is wanted: their reports, what they said last in this round, attempts that count, when to call next.

    `next_at` is None once nobody need call.
    """

    reports: Sequence[Report]
    state: CalleeState
    attempts: int
    next_at: datetime | None
    said: Callback | None

    @property
    def report_id(self) -> int:
        """Give the report that stands for the person: their first."""
        return self.reports[0].id


def callees_of(case: Case, at: datetime, *, said: Sequence[Callback] | None = None) -> list[Callee]:
    """Give whom a case's present round must reach, in the order of their reports; `said` are its call-backs, looked up if None."""
    rows = round_of(case) if said is None else said
    groups = _people(case.reports) if not case.anonymous else []
    return [_callee(group, [row for row in rows if _is_of(row, group, groups)], at) for group in groups]


def round_of(case: Case) -> list[Callback]:
    """Give the attempts, call-backs and ratings of a case's present round but upstream's, oldest first."""
    query = select(Callback).where(Callback.case_id == case.id, Callback.round == case.round, Callback.by != CallbackBy.UPSTREAM)
    return still_in(case, db.session.scalars(query.order_by(Callback.id)))


def still_in(case: Case, rows: Iterable[Callback]) -> list[Callback]:
    """Give those of a case's call-backs that count: the words of reporters taken out again speak of another matter."""
    here = {report.id for report in case.reports}
    return [row for row in rows if row.report_id is None or row.report_id in here]


def _people(reports: Iterable[Report]) -> list[list[Report]]:
    """Give the reports of each person who can be called: those that share who is concerned, or who claimed them; no "me too"."""
    groups: list[tuple[set[int], list[Report]]] = []
    for report in reports:
        people = {claim.resident_id for claim in report.claims} | ({report.concerned_id} if report.concerned_id else set())
        if report.anonymous or report.me_too or report.withdrawn_at is not None or not people:
            continue
        mine = [group for group in groups if group[0] & people]
        joined = people.union(*(group[0] for group in mine)), [each for group in mine for each in group[1]] + [report]
        groups = [group for group in groups if group not in mine] + [joined]
    return sorted((group for _, group in groups), key=lambda group: group[0].id)


def _is_of(row: Callback, group: Sequence[Report], groups: Sequence[Sequence[Report]]) -> bool:
    """Say whether a word belongs to a person; one that names no report dates from when there was only the first."""
    if row.report_id is None:
        return group is groups[0]
    return any(report.id == row.report_id for report in group)


def _callee(group: Sequence[Report], rows: Sequence[Callback], at: datetime) -> Callee:
    held = county()
    said = next((row for row in reversed(rows) if row.reached), None)
    attempts = apart([row.at for row in rows if not row.reached], timedelta(minutes=held.callback_gap_minutes))
    if said is not None:
        state = CalleeState.RATED if said.by in BY_PERSON else CalleeState.HEARD
    else:
        state = CalleeState.UNREACHABLE if enough(attempts, held) else CalleeState.WAITING
    next_at = next_call(at, attempts, held) if state is CalleeState.WAITING else None
    return Callee(reports=group, state=state, attempts=len(attempts), next_at=next_at, said=said)


def apart(moments: Sequence[datetime], gap: timedelta) -> list[datetime]:
    """Give the moments that count as attempts of their own: each at least `gap` after the one counted before."""
    counted: list[datetime] = []
    for at in moments:
        if not counted or at - counted[-1] >= gap:
            counted.append(at)
    return counted


def enough(attempts: Sequence[datetime], held: County) -> bool:
    """Say whether attempts that count make somebody unreachable: so many, on so many days in China."""
    days = {at.astimezone(CHINA).date() for at in attempts}
    return len(attempts) >= held.callback_attempts and len(days) >= held.callback_days


def next_call(at: datetime, attempts: Sequence[datetime], held: County) -> datetime:
    """Give when a call makes sense next: it would count, on another day where the days are what is missing, and in the day."""
    when = max(at, attempts[-1] + timedelta(minutes=held.callback_gap_minutes)) if attempts else at
    local = when.astimezone(CHINA)
    days = {attempt.astimezone(CHINA).date() for attempt in attempts}
    still = max(held.callback_attempts - len(attempts), 1)
    # The last call, or the last ones, must fall on days not called on yet.
    another_day = local.date() in days and held.callback_days - len(days) >= still
    first, last = (time.fromisoformat(hour) for hour in held.callback_hours)
    if another_day or local.time() > last:
        local = datetime.combine(local.date() + timedelta(days=1), first, tzinfo=CHINA)
    elif local.time() < first:
        local = datetime.combine(local.date(), first, tzinfo=CHINA)
    return local.astimezone(at.tzinfo)


def all_settled(callees: Sequence[Callee]) -> bool:
    """Say whether nobody is left to be called."""
    return all(callee.state is not CalleeState.WAITING for callee in callees)


def worst_word(rows: Iterable[Callback]) -> Satisfaction | None:
    """Give the least favourable grade among words; None without any."""
    grades = [row.satisfaction for row in rows if row.satisfaction is not None]
    return max(grades, key=list(Satisfaction).index, default=None)


def dissatisfied(rows: Iterable[Callback]) -> bool:
    """Say whether the least favourable word is one of dissatisfaction."""
    return worst_word(rows) in UNHAPPY


def solved_by(rows: Sequence[Callback]) -> bool | None:
    """Give the persons' word on whether a matter is solved: no where anybody says no; None while nobody was heard."""
    words = [row.solved for row in rows if row.solved is not None]
    return all(words) if words else None
