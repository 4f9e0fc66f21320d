"""Keeps what somebody on the ground has to do: cases handed to them, cases of their village or township, results to look at."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, func, literal, or_, select, true
from sqlalchemy import case as when

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.core.stamp import Actor, Role, Stamp
from app.ledger.models import Assignment, Case
from app.ledger.scope import visible
from app.ledger.verification.lookers import awaits_look
from app.ledger.vocabulary import Duty, Kind, State, Urgency
from app.territory.models import Grid, Level, Unit

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""What is due never comes last."""


class Work(StrEnum):
    """Why a case is on one's list: handed to oneself, given to one's unit, or to be looked at on the spot."""

    MINE = "mine"
    UNIT = "unit"
    LOOK = "look"


@dataclass(frozen=True, kw_only=True)
class ToDo:
    """A case on the list: `why`, the part (lead, assist or sub, of which unit) and how far it is, by when something is due."""

    id: int
    number: str
    title: str
    state: State
    kind: Kind
    urgency: Urgency
    grid: str | None
    why: Work
    duty: Duty | None
    unit: str | None
    signed: bool
    contacted: bool
    reported: bool
    due_at: datetime | None
    late: bool
    version: int


def work_list(stamp: Stamp, *, why: Work | None = None, cursor: str | None, limit: int) -> Page[ToDo]:
    """Give what the actor has to do: urgent cases first, then by what falls due next."""
    actor = stamp.actor
    mine, units = Assignment.handler_id == actor.id, Assignment.unit_id.in_(_units(actor))
    still = and_(Assignment.ended_at.is_(None), Assignment.submitted_at.is_(None))
    part = (
        select(
            Assignment.duty, Unit.name.label("unit"), Assignment.signed_at, Assignment.contacted_at, Assignment.submitted_at,
            func.coalesce(mine, False).label("mine"),
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Assignment.case_id == Case.id, still, or_(mine, units))
        .correlate(Case)
        .order_by(mine.desc().nulls_last(), when((Assignment.duty == Duty.LEAD, 0), else_=1), Assignment.id)
        .limit(1)
        .lateral("part")
    )  # fmt: skip
    look = awaits_look(actor)
    reason = when((part.c.mine, Work.MINE.value), (part.c.duty.is_not(None), Work.UNIT.value), else_=Work.LOOK.value)
    urgent = when((Case.urgency == Urgency.URGENT, 0), else_=1).label("rank")
    due = func.coalesce(Case.next_due_at, literal(NEVER)).label("falls_due")
    query = select(
        Case.id, Case.number, Case.title, Case.state, Case.kind, Case.urgency, Grid.name.label("grid"), part.c.duty, part.c.unit,
        part.c.signed_at.is_not(None).label("signed"), part.c.contacted_at.is_not(None).label("contacted"),
        part.c.submitted_at.is_not(None).label("reported"), Case.next_due_at.label("due_at"),
        or_(Case.late_since.is_not(None), func.coalesce(Case.next_due_at < stamp.at, False)).label("late"), Case.version,
        reason.label("why"), urgent, due,
    )  # fmt: skip
    query = query.select_from(Case).outerjoin(part, true()).outerjoin(Grid, Grid.id == Case.grid_id)
    given = select(Assignment.case_id).where(still, or_(mine, units))
    query = query.where(Case.closed_at.is_(None), or_(Case.id.in_(given), look), visible(actor))
    query = query.where(or_(part.c.duty.is_not(None), look))
    if why is not None:
        query = query.where(reason == why.value)
    key = [(urgent, False), (due, False), (Case.id, False)]
    rows = db.session.execute(paged(query, key=key, cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.rank, row.falls_due, row.id])
    return Page([_to_do(row) for row in page.items], page.next_cursor)


def _to_do(row: Any) -> ToDo:
    named = {name: getattr(row, name) for name in ToDo.__dataclass_fields__ if name != "why"}
    return ToDo(**named, why=Work(row.why))


def _units(actor: Actor) -> list[int]:
    """Give the villages and townships for which the actor handles, or whose cadre they are."""
    paths = actor.paths(Role.HANDLER, Role.UNIT_HEAD, Role.CADRE)
    if not paths:
        return []
    query = select(Unit.id).where(Unit.path.in_(paths), Unit.level.in_((Level.VILLAGE, Level.TOWNSHIP)))
    return list(db.session.scalars(query))
