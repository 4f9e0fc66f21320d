"""Keeps what the ledger looks like from afar: its newest entries, its late cases, and counts for those who watch over it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.core.database import db
from app.ledger.clocks import Deadline
from app.ledger.models import Case, Entry
from app.ledger.vocabulary import Action, Channel, Clock, State
from app.notices.models import Notice, NoticeState
from app.territory.models import Unit


@dataclass(frozen=True)
class NewEntry:
    """One of the newest entries, without words and names."""

    at: datetime
    number: str
    channel: Channel
    title: str
    action: Action
    state: State


@dataclass(frozen=True)
class LateCase:
    """A case with a breached open clock: which, since when, whose."""

    number: str
    title: str
    state: State
    clock: Clock
    due_at: datetime
    unit: str


@dataclass(frozen=True)
class Watch:
    """Counts that tell whether the machinery keeps up."""

    late_clocks: int
    set_aside_clocks: int
    waiting_notices: int
    dead_notices: int


_SHOWN = (~Case.confidential, ~Case.hidden_from_grid, Case.against_paths.is_(None), Case.against_staff_id.is_(None))
"""What a page that everybody sees may show: nothing confidential, nothing that is against somebody."""


def newest_entries(*, most: int = 20) -> list[NewEntry]:
    """Give the newest entries, newest first."""
    query = select(Entry.at, Case.number, Case.channel, Case.title, Entry.action, Entry.to_state)
    query = query.join(Case, Case.id == Entry.case_id).where(*_SHOWN)
    rows = db.session.execute(query.order_by(Entry.at.desc(), Entry.id.desc()).limit(most))
    return [NewEntry(*row) for row in rows]


def late_cases(*, most: int = 20) -> list[LateCase]:
    """Give cases with a breached open clock, the longest overdue first."""
    query = (
        select(Case.number, Case.title, Case.state, Deadline.clock, Deadline.due_at, func.coalesce(Unit.name, ""))
        .join(Case, Case.id == Deadline.case_id)
        .outerjoin(Unit, Unit.id == Deadline.owner_unit_id)
        .where(Deadline.breached_at.is_not(None), Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None), *_SHOWN)
    )
    return [LateCase(*row) for row in db.session.execute(query.order_by(Deadline.breached_at, Deadline.id).limit(most))]


def watch() -> Watch:
    """Count late clocks, clocks set aside, notices that wait and notices that are dead."""

    def count(*conditions: object) -> int:
        return db.session.scalar(select(func.count()).where(*conditions)) or 0  # type: ignore[arg-type]

    late = count(Deadline.breached_at.is_not(None), Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))
    return Watch(
        late,
        count(Deadline.error.is_not(None)),
        count(Notice.state.in_((NoticeState.PENDING, NoticeState.LEASED))),
        count(Notice.state == NoticeState.DEAD),
    )
