"""Keeps the cases behind a figure: those of its numerator or denominator, from the very rows that were counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, func, not_, or_, select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.figures.catalogue import figure_of
from app.figures.counting import FOR_LARGE, TOTAL, conditions
from app.figures.groups import Dimension, groups_of
from app.figures.periods import Period
from app.figures.reach import reach_of
from app.figures.rows import rows_of
from app.ledger.catalogue import catalogue
from app.ledger.models import Case
from app.ledger.queries import QueueRow, head_of, open_clocks
from app.ledger.scope import visible
from app.ledger.vocabulary import Channel, Kind, State, Urgency
from app.territory.models import Grid, Unit

BATCH = 2000


class Part(StrEnum):
    """Which of a figure's cases; the missing ones are in the denominator but not in the numerator."""

    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which cases are listed: a figure's filter, which part of it, and whether excluded cases stand in it."""

    figure: str
    period: Period
    dimension: Dimension = Dimension.COUNTY
    key: str = TOTAL
    depth: int = 1
    part: Part = Part.DENOMINATOR
    excluded: bool = True


@dataclass(frozen=True, kw_only=True)
class CountedCase:
    """A case behind a figure as a sheet lists it: nothing that was said, nothing of the persons."""

    number: str
    state: State
    kind: Kind
    channel: Channel
    urgency: Urgency
    category: str | None
    unit: str | None
    grid: str | None
    round: int
    excluded: bool
    opened_at: datetime
    accepted_at: datetime | None
    closed_at: datetime | None


def case_ids(stamp: Stamp, chosen: Chosen) -> Select[int]:
    """Select the ids of the cases that were counted, one for every row; raises FiguresAreNotYours, UnknownFigure, UnknownGroup."""
    figure = figure_of(chosen.figure)
    groups = groups_of(chosen.dimension, reach_of(stamp.actor), depth=chosen.depth)
    rows = rows_of(figure.selection, chosen.period, stamp.at)
    wanted: list[ColumnElement[bool]] = [*conditions(stamp.actor, rows, groups), rows.measures[figure.denominator]]
    if chosen.key != TOTAL:
        wanted.append(groups.belongs(rows, groups.named(chosen.key)))
    counted = or_(*(rows.measures[name] for name in figure.numerator))
    if chosen.part is Part.NUMERATOR:
        wanted.append(counted)
    elif chosen.part is Part.MISSING:
        wanted.append(not_(func.coalesce(counted, False)))
    if not chosen.excluded:
        wanted.append(not_(Case.excluded))
    return select(Case.id).select_from(rows.source).where(*wanted)


def figure_cases(stamp: Stamp, chosen: Chosen, *, cursor: str | None = None, limit: int = LIMIT) -> Page[QueueRow]:
    """Give a page of the cases behind a figure, the newest first; only those that the actor sees."""
    query = select(Case).options(joinedload(Case.grid), joinedload(Case.lead_unit))
    query = query.where(Case.id.in_(case_ids(stamp, chosen)), visible(stamp.actor))
    db.session.execute(FOR_LARGE)
    cases = db.session.scalars(paged(query, key=[(Case.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(cases, limit=limit, key=lambda case: [case.id])
    clocks = open_clocks([case.id for case in page.items], stamp.at)
    return Page([QueueRow(**head_of(case, clocks.get(case.id, []))) for case in page.items], page.next_cursor)


def counted_cases(stamp: Stamp, chosen: Chosen) -> Iterator[CountedCase]:
    """Give every case behind a figure that the actor sees, the newest first, read some at a time."""
    same = ("number", "state", "kind", "channel", "urgency", "round", "excluded", "opened_at", "accepted_at", "closed_at")
    columns = [getattr(Case, name) for name in same]
    query = select(*columns, Case.category_id, Unit.name.label("unit"), Grid.name.label("grid"))
    query = query.outerjoin(Unit, Unit.id == Case.lead_unit_id).outerjoin(Grid, Grid.id == Case.grid_id)
    query = query.where(Case.id.in_(case_ids(stamp, chosen)), visible(stamp.actor)).order_by(Case.id.desc())
    categories = catalogue().categories
    db.session.execute(FOR_LARGE)
    for row in db.session.execute(query.execution_options(yield_per=BATCH)):
        category = categories.get(row.category_id)
        yield CountedCase(
            **{name: getattr(row, name) for name in same},
            category=category.path if category is not None else None,
            unit=row.unit,
            grid=row.grid,
        )
