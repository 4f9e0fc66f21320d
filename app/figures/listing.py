"""Keeps the cases behind a figure: those of its numerator or denominator, from the very rows that were counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, not_, null, or_, select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.paging import LIMIT, page_from, paged
from app.core.stamp import Stamp
from app.figures.catalogue import figure_of
from app.figures.counting import FOR_LARGE, TOTAL, conditions
from app.figures.groups import Dimension, groups_of
from app.figures.periods import Period
from app.figures.reach import reach_for
from app.figures.rows import GRADES, Rows, rows_of
from app.figures.standing import cutoff_at
from app.ledger.catalogue import catalogue
from app.ledger.models import Case
from app.ledger.scope import visible
from app.ledger.showing.queue import Named, QueueRow, head_of, open_clocks
from app.ledger.vocabulary import Channel, Kind, Satisfaction, State, Urgency
from app.territory.models import Grid, Unit

BATCH = 2000


class Part(StrEnum):
    """Which of a figure's cases; the missing ones are in the denominator but not in the numerator."""

    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    MISSING = "missing"


PART_NAMES = {Part.NUMERATOR: "分子", Part.DENOMINATOR: "分母", Part.MISSING: "计入分母、未计入分子的"}


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which cases are listed: a figure's filter, which part of it, and whether excluded cases stand in it."""

    figure: str
    period: Period
    cutoff: datetime | None = None
    dimension: Dimension = Dimension.COUNTY
    key: str = TOTAL
    depth: int = 1
    part: Part = Part.DENOMINATOR
    excluded: bool = True


@dataclass(frozen=True, kw_only=True)
class CountedRow:
    """What was counted of a case: whose it was, in which round, and whether it stands in the numerator.

    A case accepted began when it was accepted, a part when it was dispatched, a whistle's call when it was blown; `due_at` and
    `met_at` are those of signing and of arriving. A round tells the least favourable words that were said of it.
    """

    unit: Named | None
    round: int
    in_numerator: bool
    began_at: datetime | None
    due_at: datetime | None
    met_at: datetime | None
    contacted: bool | None
    solved: bool | None
    satisfaction: Satisfaction | None


@dataclass(frozen=True, kw_only=True)
class FigureCase(QueueRow):
    """A case behind a figure as it is now, with what was counted of it."""

    counted: Sequence[CountedRow]


@dataclass(frozen=True)
class FigurePage:
    """A page of the cases behind a figure; the first tells how many rows were counted, and how many of them the reader may see."""

    items: Sequence[FigureCase]
    next_cursor: str | None
    counted: int | None
    shown: int | None


@dataclass(frozen=True, kw_only=True)
class CountedCase:
    """A row behind a figure as a sheet lists it: nothing that was said in words, nothing of the persons.

    `state` and `excluded` are the case's at the cut-off, `lead` is who leads it now.
    """

    number: str
    state: State
    kind: Kind
    channel: Channel
    urgency: Urgency
    category: str | None
    lead: str | None
    grid: str | None
    excluded: bool
    opened_at: datetime
    accepted_at: datetime | None
    closed_at: datetime | None
    row: CountedRow


@dataclass(frozen=True)
class _Behind:
    """The rows behind a figure: where they are read, which of them, and when one stands in the numerator."""

    rows: Rows
    conditions: Sequence[ColumnElement[bool]]
    in_numerator: ColumnElement[bool]

    def select(self, *columns: Any) -> Select[Any]:
        """Select columns of the rows."""
        return select(*columns).select_from(self.rows.source).where(*self.conditions)

    def columns(self) -> list[ColumnElement[Any]]:
        """Give what tells the rows of a case apart."""
        names = ("round", "began_at", "due_at", "met_at", "contacted", "solved", "grade")
        details = [self.rows.details.get(name, null()).label(f"row_{name}") for name in names]
        return [self.rows.unit_id.label("row_unit_id"), self.in_numerator.label("row_in_numerator"), *details]


def _behind(stamp: Stamp, chosen: Chosen) -> _Behind:
    figure = figure_of(chosen.figure)
    groups = groups_of(chosen.dimension, reach_for(stamp.actor, chosen.period), depth=chosen.depth)
    rows = rows_of(figure.selection, chosen.period, cutoff_at(chosen.cutoff, stamp.at))
    wanted: list[ColumnElement[bool]] = [*conditions(stamp.actor, rows, groups), rows.measures[figure.denominator]]
    if chosen.key != TOTAL:
        wanted.append(groups.belongs(rows, groups.named(chosen.key)))
    counted = func.coalesce(or_(*(rows.measures[name] for name in figure.numerator)), false())
    if chosen.part is Part.NUMERATOR:
        wanted.append(counted)
    elif chosen.part is Part.MISSING:
        wanted.append(not_(counted))
    if not chosen.excluded:
        wanted.append(not_(rows.excluded))
    return _Behind(rows, wanted, counted)


def case_ids(stamp: Stamp, chosen: Chosen) -> Select[int]:
    """Select the ids of the cases that were counted, one for every row.

    Raises FiguresAreNotYours, PeriodUnfit, UnknownFigure, UnknownGroup.
    """
    return _behind(stamp, chosen).select(Case.id)


def figure_cases(stamp: Stamp, chosen: Chosen, *, cursor: str | None = None, limit: int = LIMIT) -> FigurePage:
    """Give a page of the cases behind a figure, the newest first; only those that the actor sees."""
    behind = _behind(stamp, chosen)
    query = select(Case).options(joinedload(Case.grid), joinedload(Case.lead_unit))
    query = query.where(Case.id.in_(behind.select(Case.id)), visible(stamp.actor))
    db.session.execute(FOR_LARGE)
    cases = db.session.scalars(paged(query, key=[(Case.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(cases, limit=limit, key=lambda case: [case.id])
    ids = [case.id for case in page.items]
    clocks, counted = open_clocks(ids, stamp.at), _counted(behind, ids)
    items = [FigureCase(**head_of(case, clocks.get(case.id, [])), counted=counted[case.id]) for case in page.items]
    totals = (None, None) if cursor is not None else _totals(stamp, behind)
    return FigurePage(items, page.next_cursor, *totals)


def _totals(stamp: Stamp, behind: _Behind) -> tuple[int, int]:
    """Count the rows behind a figure: all, and those of cases that the actor sees."""
    counted, shown = db.session.execute(behind.select(func.count(), func.count().filter(visible(stamp.actor)))).one()
    return counted, shown


def _counted(behind: _Behind, case_ids: Sequence[int]) -> Mapping[int, list[CountedRow]]:
    """Give what was counted of some cases, a case's rows in the order of its rounds."""
    found: dict[int, list[CountedRow]] = {case_id: [] for case_id in case_ids}
    units = _units()
    query = behind.select(Case.id, *behind.columns()).where(behind.rows.case_id.in_(case_ids))
    for row in db.session.execute(query):
        found[row.id].append(_row(row, units))
    for rows in found.values():
        rows.sort(key=lambda row: (row.round, row.unit.code if row.unit else ""))
    return found


def _units() -> Mapping[int | None, Named]:
    return {row.id: Named(row.code, row.name) for row in db.session.execute(select(Unit.id, Unit.code, Unit.name))}


def _row(row: Any, units: Mapping[int | None, Named]) -> CountedRow:
    same = ("round", "in_numerator", "began_at", "due_at", "met_at", "contacted", "solved")
    return CountedRow(
        **{name: getattr(row, f"row_{name}") for name in same},
        unit=units.get(row.row_unit_id),
        satisfaction=GRADES[row.row_grade] if row.row_grade is not None else None,
    )


def counted_cases(stamp: Stamp, chosen: Chosen) -> Iterator[CountedCase]:
    """Give every row behind a figure whose case the actor sees, the newest case first, read some at a time."""
    behind, units, categories = _behind(stamp, chosen), _units(), catalogue().categories
    upto = cutoff_at(chosen.cutoff, stamp.at).at
    same = ("number", "kind", "channel", "urgency", "opened_at", "accepted_at")
    columns = [getattr(Case, name) for name in same]
    columns += [behind.rows.state.label("state"), behind.rows.excluded.label("excluded")]
    query = behind.select(*columns, Case.closed_at, Case.category_id, Case.lead_unit_id, Grid.name.label("grid"), *behind.columns())
    query = query.outerjoin(Grid, Grid.id == Case.grid_id).where(visible(stamp.actor))
    query = query.order_by(Case.id.desc(), behind.rows.details["round"], behind.rows.unit_id)
    db.session.execute(FOR_LARGE)
    for row in db.session.execute(query.execution_options(yield_per=BATCH)):
        category, lead = categories.get(row.category_id), units.get(row.lead_unit_id)
        yield CountedCase(
            **{name: getattr(row, name) for name in same},
            closed_at=row.closed_at if row.closed_at is not None and row.closed_at <= upto else None,
            state=row.state,
            excluded=row.excluded,
            category=category.path if category is not None else None,
            lead=lead.name if lead is not None else None,
            grid=row.grid,
            row=_row(row, units),
        )
