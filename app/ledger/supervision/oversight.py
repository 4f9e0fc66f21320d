"""Keeps the supervisor's lists: what is late and since when, whom to visit or interview, drafts, unanswered orders, repeats.

Every list is read in pages and holds only cases that the actor sees, below the units that the actor watches over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import aliased

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.paging import Key, Page, page_from, paged
from app.core.stamp import Actor, Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.dispatching.eligible import UnknownUnit
from app.ledger.models import Case
from app.ledger.scope import visible
from app.ledger.showing.narrowing import in_reach
from app.ledger.supervision.models import CaseListing, SupervisionOrder, Urging
from app.ledger.supervision.slips import still_late
from app.ledger.vocabulary import Clock, ListedFor, Listing, PressMode, SlipKind, SlipState, State
from app.people.models import Staff
from app.territory.models import Unit

Row = TypeVar("Row")

WATCHES = (Role.SUPERVISOR, Role.LEADER)


class ListsAreTheSupervisors(NotAllowed):
    """督办清单只对督办员和领导开放"""


@dataclass(frozen=True, kw_only=True)
class LateClock:
    """A clock that was breached and runs on: how high up its ladder, whose, since when."""

    id: int
    number: str
    title: str
    state: State
    clock: Clock
    level: int
    due_at: datetime
    breached_at: datetime
    unit: str | None
    owner: str | None
    urgings: int


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A case on a list of the supervisor, because of which unit, why and since when."""

    id: int
    number: str
    title: str
    state: State
    unit: str
    unit_code: str
    listed_for: ListedFor
    since: datetime
    reworks: int
    reassignments: int
    urgings: int


@dataclass(frozen=True, kw_only=True)
class SlipRow:
    """An urging or a supervision order in a list."""

    id: int
    kind: SlipKind
    state: SlipState
    mode: PressMode | None
    slip: str | None
    number: str
    title: str
    unit: str
    words: str | None
    drafted_at: datetime
    issued_at: datetime | None
    reply_by: datetime | None


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """An open case that came back: how often it was handled again or opened again."""

    id: int
    number: str
    title: str
    state: State
    unit: str | None
    reworks: int
    reopenings: int
    opened_at: datetime


@dataclass(frozen=True, kw_only=True)
class StandsStill:
    """A suspended case: since when, and when it is looked at again."""

    id: int
    number: str
    title: str
    unit: str | None
    since: datetime
    review_at: datetime | None


def watched(stamp: Stamp) -> list[ColumnElement[bool]]:
    """Give the conditions for the cases that a supervisor or leader watches over; raises ListsAreTheSupervisors for others."""
    if stamp.actor.holds(WATCHES) is None:
        raise ListsAreTheSupervisors
    return [visible(stamp.actor), *_below(stamp.actor), *in_reach(stamp.actor)]


def _below(actor: Actor) -> list[ColumnElement[bool]]:
    """Give what lies below, or is led from below, the actor's posts; nothing narrows the county's own."""
    paths = actor.paths(*WATCHES)
    if catalogue().county_path in paths:
        return []
    lead = aliased(Unit)  # the lists name units of their own
    led = [exists().where(lead.id == Case.lead_unit_id, lead.path.startswith(path)) for path in paths]
    return [or_(*(Case.territory_path.startswith(path) for path in paths), *led)]


def late_clocks(
    stamp: Stamp,
    *,
    clock: Clock | None = None,
    level: int | None = None,
    unit: str | None = None,
    cursor: str | None,
    limit: int,
) -> Page[LateClock]:
    """Give open clocks that were breached, the longest late first: of a kind, from a level up, of a unit and below.

    What nobody signed is the clock `sign`.
    """
    owner = aliased(Unit)
    query = select(
        Deadline.id, Case.number, Case.title, Case.state, Case.urgings, Deadline.clock, Deadline.level, Deadline.due_at,
        Deadline.breached_at, owner.name.label("unit"), Staff.name.label("owner"),
    )  # fmt: skip
    query = query.join(Case, Case.id == Deadline.case_id).outerjoin(owner, owner.id == Deadline.owner_unit_id)
    query = query.outerjoin(Staff, Staff.id == Deadline.owner_staff_id)
    running = (Deadline.breached_at.is_not(None), Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))
    query = query.where(*running, *watched(stamp))
    if clock is not None:
        query = query.where(Deadline.clock == clock)
    if level is not None:
        query = query.where(Deadline.level >= level)
    if unit is not None:
        query = query.where(owner.path.startswith(path_of(unit)))
    return _page(
        query, [(Deadline.breached_at, False), (Deadline.id, False)], LateClock, ("breached_at", "id"), cursor=cursor, limit=limit
    )


def path_of(code: str) -> str:
    """Give the path of a unit by its code; raises UnknownUnit."""
    path = db.session.scalars(select(Unit.path).where(Unit.code == code)).first()
    if path is None:
        raise UnknownUnit(errors={"unit": [f"没有这个编号：{code}"]})
    return path


def listed_cases(stamp: Stamp, listing: Listing, *, cursor: str | None, limit: int) -> Page[Listed]:
    """Give the open cases on the list for a visit on the spot, or for an interview, the longest there first."""
    query = select(
        CaseListing.id, Case.number, Case.title, Case.state, Case.reworks, Case.reassignments, Case.urgings,
        Unit.name.label("unit"), Unit.code.label("unit_code"), CaseListing.listed_for, CaseListing.since,
    )  # fmt: skip
    query = query.join(Case, Case.id == CaseListing.case_id).join(Unit, Unit.id == CaseListing.unit_id)
    standing = (CaseListing.listing == listing, CaseListing.settled_at.is_(None), Case.closed_at.is_(None))
    query = query.where(*standing, *watched(stamp))
    return _page(query, [(CaseListing.since, False), (CaseListing.id, False)], Listed, ("since", "id"), cursor=cursor, limit=limit)


def _slips(kind: SlipKind, model: type[Urging] | type[SupervisionOrder]) -> Select[*tuple[Any, ...]]:
    columns = [model.id, model.state, model.mode, model.number.label("slip"), model.words, model.drafted_at, model.issued_at]
    query = select(*columns, Case.number, Case.title, Unit.name.label("unit"))
    if kind is not SlipKind.URGING:
        query = query.add_columns(SupervisionOrder.reply_by, SupervisionOrder.meeting_id)
    query = query.select_from(model).join(Case, Case.id == model.case_id).join(Unit, Unit.id == model.unit_id)
    return query.where(Case.closed_at.is_(None))


def drafts(stamp: Stamp, kind: SlipKind, *, cursor: str | None, limit: int) -> Page[SlipRow]:
    """Give the drafts to be issued, oldest first; one that a ladder made is left out once its clock is not late any more."""
    model: type[Urging] | type[SupervisionOrder] = Urging if kind is SlipKind.URGING else SupervisionOrder
    query = _slips(kind, model).where(model.state == SlipState.DRAFT, *watched(stamp))
    if model is Urging:
        query = query.where(or_(Urging.deadline_id.is_(None), still_late()))
    key: Key = [(model.drafted_at, False), (model.id, False)]
    return _page(query, key, _row_maker(kind), ("drafted_at", "id"), cursor=cursor, limit=limit)


def open_orders(
    stamp: Stamp, *, state: SlipState | None = None, late: bool = False, cursor: str | None, limit: int
) -> Page[SlipRow]:
    """Give the orders that are not accepted, oldest first: to a unit's own people those of the unit; `late` are past their term."""
    query = _slips(SlipKind.SUPERVISION, SupervisionOrder)
    query = query.where(SupervisionOrder.state.in_((SlipState.ISSUED, SlipState.ANSWERED)), *_ordered(stamp))
    if state is not None:
        query = query.where(SupervisionOrder.state == state)
    if late:
        query = query.where(SupervisionOrder.state == SlipState.ISSUED, SupervisionOrder.reply_by <= stamp.at)
    key: Key = [(SupervisionOrder.issued_at, False), (SupervisionOrder.id, False)]
    return _page(query, key, _row_maker(SlipKind.SUPERVISION), ("issued_at", "id"), cursor=cursor, limit=limit)


def _ordered(stamp: Stamp) -> list[ColumnElement[bool]]:
    if stamp.actor.holds(WATCHES) is not None:
        return watched(stamp)
    own = [Unit.path.startswith(path) for path in stamp.actor.paths(Role.HANDLER, Role.UNIT_HEAD)]
    if not own:
        raise ListsAreTheSupervisors
    return [visible(stamp.actor), or_(*own)]


def _row_maker(kind: SlipKind) -> Callable[..., SlipRow]:
    def make(*, meeting_id: int | None = None, reply_by: datetime | None = None, **row: Any) -> SlipRow:
        return SlipRow(kind=kind if meeting_id is None else SlipKind.ORDER, reply_by=reply_by, **row)

    return make


def repeated_cases(stamp: Stamp, *, times: int = 2, cursor: str | None, limit: int) -> Page[Repeated]:
    """Give open cases that were handled again or opened again at least so many times, newest first."""
    query = select(
        Case.id, Case.number, Case.title, Case.state, Case.reworks, Case.reopenings, Case.opened_at, Unit.name.label("unit")
    ).outerjoin(Unit, Unit.id == Case.lead_unit_id)
    again = Case.reworks + Case.reopenings
    query = query.where(again > 0, Case.closed_at.is_(None), again >= times, *watched(stamp))
    return _page(query, [(Case.id, True)], Repeated, ("id",), cursor=cursor, limit=limit)


def long_suspended(stamp: Stamp, *, before: datetime | None = None, cursor: str | None, limit: int) -> Page[StandsStill]:
    """Give suspended cases, the longest first, perhaps only those suspended before a moment."""
    review = aliased(Deadline)
    still = and_(Deadline.case_id == Case.id, Deadline.clock == Clock.OVERALL, Deadline.paused_at.is_not(None))
    reviewed = and_(review.case_id == Case.id, review.clock == Clock.SUSPENSION, review.cancelled_at.is_(None))
    query = select(
        Case.id, Case.number, Case.title, Unit.name.label("unit"), Deadline.paused_at.label("since"),
        review.due_at.label("review_at"),
    )  # fmt: skip
    query = query.join(Deadline, and_(still, Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None)))
    query = query.outerjoin(review, and_(reviewed, review.met_at.is_(None))).outerjoin(Unit, Unit.id == Case.lead_unit_id)
    query = query.where(Case.state == State.SUSPENDED, *watched(stamp))
    if before is not None:
        query = query.where(Deadline.paused_at < before)
    key: Key = [(Deadline.paused_at, False), (Case.id, False)]
    return _page(query, key, StandsStill, ("since", "id"), cursor=cursor, limit=limit)


def _page(
    query: Select[*tuple[Any, ...]], key: Key, make: Callable[..., Row], names: Sequence[str], *, cursor: str | None, limit: int
) -> Page[Row]:
    """Run a list; `names` are the row's fields that stand for its key."""
    rows = db.session.execute(paged(query, key=key, cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [getattr(row, name) for name in names])
    return Page([make(**row._asdict()) for row in page.items], page.next_cursor)
