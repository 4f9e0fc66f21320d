"""Keeps the households of visits that are being taken in: held, and what must be known of them, asked for all of them at once.

A batch of two hundred visits asks no more than one does. What is written for a household is forgotten here by whoever writes it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from app.core.database import db, lock_rows
from app.core.stamp import Stamp
from app.people.models import Resident, StaffGridPast
from app.people.roster.models import RosterChange, RosterChangeKind
from app.territory.models import Household
from app.visits.effects import UNDECIDED
from app.visits.models import TaskState, VisitEffect, VisitTask
from app.visits.periods import day_of
from app.visits.rules import OLDEST

DELIVERED = timedelta(days=31)
"""So long after a household or resident was moved out of a worker's grids, or a grid was taken from them, what was visited before
may be delivered."""

ASKED = timedelta(days=31)
"""How long after its last day a task still says whom a visit was to."""

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class Asked:
    """Whom a task of a household is about, and between which days it is to be done."""

    resident_id: int
    first_on: date
    due_on: date


class _Facts(Generic[Fact]):
    """One thing to be known of each household; what is not known yet is asked for all that are held."""

    def __init__(self, ask: Callable[[list[int]], dict[int, Fact]], none: Fact) -> None:
        self._ask, self._none = ask, none
        self._known: dict[int, Fact] = {}

    def of(self, row_id: int, held: Iterable[int]) -> Fact:
        if row_id not in self._known:
            unknown = sorted({row_id, *held} - self._known.keys())
            self._known |= dict.fromkeys(unknown, self._none) | self._ask(unknown)
        return self._known[row_id]

    def forget(self, row_id: int | None) -> None:
        if row_id is None:
            self._known.clear()
        else:
            self._known.pop(row_id, None)


class Homes:
    """Households of a worker's own grids, and residents whom visits name, held; with what visits must know of them."""

    def __init__(self, stamp: Stamp, ids: Collection[int], residents: Collection[int] = ()) -> None:
        """Lock, in order, the households and then the residents."""
        self._stamp = stamp
        self._past = past_grids(stamp)
        self._grids = stamp.actor.grid_ids | self._past.keys()
        self._held = self._hold_own(ids)
        self._residents = _hold_residents(residents)
        self._living: _Facts[list[int]] = _Facts(_living, [])
        self._asked: _Facts[list[Asked]] = _Facts(lambda ids: _asked(stamp, ids), [])
        self._doubtful = _Facts(_doubtful, False)
        self._moved_at: _Facts[datetime | None] = _Facts(lambda ids: self._moved(RosterChange.household_id, ids), None)
        self._left_at: _Facts[datetime | None] = _Facts(lambda ids: self._moved(RosterChange.resident_id, ids), None)

    def held(self, household_id: int) -> Household | None:
        """Give a household, held; None where it is not the worker's. One that was not named at the beginning is locked now."""
        if household_id not in self._held:
            self._held |= self._hold_own([household_id])
        return self._held.get(household_id)

    def resident(self, resident_id: int) -> Resident | None:
        """Give a resident, held, of whichever grid."""
        if resident_id not in self._residents:
            self._residents |= _hold_residents([resident_id])
        return self._residents.get(resident_id)

    def was_ones_own(self, household: Household, visited_at: datetime) -> bool:
        """Say whether a household lies in the worker's grids, or lay there when it was visited."""
        if self.was_ones_grid(household.grid_id, visited_at):
            return True
        return _after(self._moved_at.of(household.id, self._elsewhere(self._held.values())), visited_at)

    def lived_there(self, resident: Resident, visited_at: datetime) -> bool:
        """Say whether a resident is of the worker's grids, or was when they were visited."""
        if self.was_ones_grid(resident.grid_id, visited_at):
            return True
        return _after(self._left_at.of(resident.id, self._elsewhere(self._residents.values())), visited_at)

    def living(self, household_id: int) -> list[int]:
        """Give who is on the roster of a household, by id."""
        return self._living.of(household_id, self._held)

    def asked(self, household_id: int) -> list[Asked]:
        """Give whom the tasks of a household are about, those that were called off left out."""
        return self._asked.of(household_id, self._held)

    def doubtful(self, household_id: int) -> bool:
        """Say whether something that a visit said to be gone from a household was believed, and nobody has decided since."""
        return self._doubtful.of(household_id, self._held)

    def changed(self, household_id: int | None) -> None:
        """Forget what was known of a household, or of all: something was written, or taken back, that may change it."""
        for facts in (self._living, self._asked, self._doubtful):
            facts.forget(household_id)

    def all_changed(self) -> None:
        """Forget what was known: others than visits have been written for."""
        self.changed(None)
        self._moved_at.forget(None)
        self._left_at.forget(None)

    def was_ones_grid(self, grid_id: int | None, visited_at: datetime) -> bool:
        """Say whether a grid is the worker's, or was at a visit."""
        return grid_id in self._stamp.actor.grid_ids or _after(self._past.get(grid_id or 0), visited_at)

    def _elsewhere(self, rows: Iterable[Household] | Iterable[Resident]) -> list[int]:
        return [row.id for row in rows if row.grid_id not in self._stamp.actor.grid_ids]

    def _hold_own(self, ids: Collection[int]) -> dict[int, Household]:
        """Lock, in order, those of some households that lie in the worker's own grids; being the village's cadre does not do.

        Those that have been moved out of them lately come along, and those of grids that were the worker's until lately: what was
        visited before is still to be delivered. Whoever writes for a household holds its row, taken before anything refers to it:
        two phones there take turns.
        """
        if not ids:
            return {}
        lately = select(RosterChange.household_id).where(*self._moves(RosterChange.household_id))
        mine = or_(Household.grid_id.in_(sorted(self._grids)), Household.id.in_(lately))
        own = db.session.scalars(select(Household.id).where(Household.id.in_(sorted(set(ids))), mine)).all()
        return {household.id: household for household in lock_rows(Household, own)} if own else {}

    def _moved(self, of: InstrumentedAttribute[int | None], ids: list[int]) -> dict[int, datetime | None]:
        """Give when some households or residents were last moved out of the worker's grids, those of which that was lately."""
        query = select(of, func.max(RosterChange.at)).where(of.in_(ids), *self._moves(of)).group_by(of)
        return {row[0]: row[1] for row in db.session.execute(query) if row[0] is not None}

    def _moves(self, of: InstrumentedAttribute[int | None]) -> tuple[ColumnElement[bool], ...]:
        """Give the conditions that a line of the roster's history tells of a move out of the worker's grids, lately."""
        what = RosterChangeKind.HOUSEHOLD_MOVED if of is RosterChange.household_id else RosterChangeKind.RESIDENT_MOVED
        grids = RosterChange.from_grid_id.in_(sorted(self._grids))
        return RosterChange.what == what, grids, RosterChange.at > self._stamp.at - DELIVERED


def past_grids(stamp: Stamp) -> dict[int, datetime]:
    """Give the grids that were taken from a worker lately, and when."""
    query = select(StaffGridPast.grid_id, StaffGridPast.until).where(StaffGridPast.staff_id == stamp.actor.id)
    return {row.grid_id: row.until for row in db.session.execute(query.where(StaffGridPast.until > stamp.at - DELIVERED))}


def _hold_residents(ids: Collection[int]) -> dict[int, Resident]:
    return {resident.id: resident for resident in lock_rows(Resident, list(ids))} if ids else {}


def _after(moved_at: datetime | None, visited_at: datetime) -> bool:
    return moved_at is not None and moved_at > visited_at


def _living(ids: list[int]) -> dict[int, list[int]]:
    query = select(Resident.household_id, Resident.id).where(Resident.household_id.in_(ids), Resident.ended_at.is_(None))
    found: dict[int, list[int]] = defaultdict(list)
    for row in db.session.execute(query.order_by(Resident.id)):
        found[row.household_id].append(row.id)
    return found


def _asked(stamp: Stamp, ids: list[int]) -> dict[int, list[Asked]]:
    oldest = day_of(stamp.at) - 2 * OLDEST - ASKED  # no visit that is taken is older, by its phone's clock and by ours
    query = select(VisitTask.household_id, VisitTask.resident_id, VisitTask.first_on, VisitTask.due_on)
    query = query.where(VisitTask.household_id.in_(ids), VisitTask.resident_id.is_not(None), VisitTask.state != TaskState.CANCELLED)
    query = query.where(VisitTask.due_on >= oldest)
    found: dict[int, list[Asked]] = defaultdict(list)
    for row in db.session.execute(query.order_by(VisitTask.id)):
        found[row.household_id].append(Asked(row.resident_id, row.first_on, row.due_on))
    return found


def _doubtful(ids: list[int]) -> dict[int, bool]:
    query = select(VisitEffect.household_id).where(VisitEffect.household_id.in_(ids), *UNDECIDED).distinct()
    return dict.fromkeys(db.session.scalars(query), True)
