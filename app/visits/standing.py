"""Keeps what visits mean for a task: which one did it, on how many days somebody came in vain, when it was telephoned.

A pure function of the visits, whatever the order in which phones delivered them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from app.visits.models import VisitOutcome
from app.visits.periods import day_of

IN_VAIN = frozenset({VisitOutcome.NOBODY_HOME, VisitOutcome.WORKING_AWAY, VisitOutcome.REFUSED})
"""Outcomes that leave a task open and count as an attempt."""

TRIES = 3
"""On so many different days somebody came in vain before a task counts as unreached."""


@dataclass(frozen=True)
class Made:
    """A visit as a task sees it."""

    id: int
    at: datetime
    outcome: VisitOutcome
    in_person: bool
    met: frozenset[int]


@dataclass(frozen=True)
class Standing:
    """Where a task stands by its visits."""

    visit_id: int | None
    attempts: int
    contacted_on: date | None


def stand(visits: Iterable[Made], *, first_on: date, resident_id: int | None, in_person: bool) -> Standing:
    """Give where a task stands that is open from a day on, for a household or a resident of it.

    A visit in person does it, at which the resident was met where it is about one; a telephone call does where none in person
    is asked for. The earliest counts; what came after it does not.
    """
    days: set[date] = set()
    contacted: date | None = None
    for visit in sorted(visits, key=lambda visit: (visit.at, visit.id)):
        day = day_of(visit.at)
        reached = resident_id is None or resident_id in visit.met
        if day < first_on:
            continue
        if reached and (visit.in_person or (visit.outcome is VisitOutcome.PHONE and not in_person)):
            return Standing(visit.id, len(days), contacted)
        if visit.outcome in IN_VAIN:
            days.add(day)
        elif visit.outcome is VisitOutcome.PHONE and reached:
            contacted = contacted or day
    return Standing(None, len(days), contacted)
