"""Keeps the counting: a report's figures by any dimension, each with what it was counted from, before and after exclusion."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text

from app.core.database import db
from app.core.stamp import Actor, Stamp
from app.figures.catalogue import MEASURES, Counts, Figure, Report, Selection, figure_of, figures_in
from app.figures.groups import Dimension, Group, Groups, groups_of
from app.figures.periods import Period
from app.figures.reach import reach_for
from app.figures.rows import Rows, rows_of
from app.figures.standing import Cutoff, cutoff_at
from app.ledger.county import county
from app.ledger.rates import Share, Weights, exact
from app.ledger.recusal import not_recused

TOTAL = "all"
"""The key of the line that pools all others."""
FOR_LARGE = text(
    "SELECT set_config('work_mem', '32MB', true), set_config('plan_cache_mode', 'force_custom_plan', true), "
    "set_config('jit', 'off', true)"
)
"""For the rest of the transaction: a month of 100,000 cases is sorted in memory, where the server's own measure, meant for small
statements, would go to disk; and each period is planned for itself, since a plan for any period takes four times as long. Nothing
is compiled, which costs more than it saves here, whatever the server's own setting."""

_ALL = Group(TOTAL, "合计", frozenset())


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What lists exactly the cases of a figure: of which figure, for which group, in which period, up to which moment."""

    figure: str
    dimension: Dimension
    key: str
    group: str
    depth: int
    since: datetime
    until: datetime
    cutoff: datetime


@dataclass(frozen=True, kw_only=True)
class FigureValue:
    """A figure as it is published: `before` counts everything, `after` leaves out the cases excluded from the rates."""

    code: str
    name: str
    definition: str
    before: Share
    after: Share
    period: Period
    cutoff: datetime
    filter: Filter


@dataclass(frozen=True)
class Line:
    """One line of a table: a group, and its figures in the order of the report."""

    key: str
    name: str
    figures: Sequence[FigureValue]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A report by a dimension; `total` is pooled from the counts of all lines, never the mean of their rates."""

    report: Report
    dimension: Dimension
    depth: int
    period: Period
    cutoff: datetime
    lines: Sequence[Line]
    total: Line


@dataclass(frozen=True)
class Counted:
    """How many rows each measure holds for, before and after exclusion."""

    before: Counts
    after: Counts


def table(
    stamp: Stamp,
    report: Report,
    *,
    period: Period,
    cutoff: datetime | None = None,
    dimension: Dimension = Dimension.COUNTY,
    depth: int = 1,
) -> Table:
    """Count a report by a dimension, as the ledger stood at a cut-off, now where none is named; lines without any row are left out.

    Raises FiguresAreNotYours, PeriodUnfit.
    """
    upto = cutoff_at(cutoff, stamp.at)
    groups = groups_of(dimension, reach_for(stamp.actor, period), depth=depth)
    figures = figures_in(report)
    selections = dict.fromkeys(figure.selection for figure in figures)
    counted = {selection: count(stamp, selection, period=period, cutoff=upto, groups=groups) for selection in selections}
    weights = weights_now()

    def line(group: Group, at: Mapping[Selection, Counted]) -> Line:
        made = [_value(figure, at[figure.selection], weights, group, period=period, at=upto.at, groups=groups, depth=depth)
                for figure in figures]  # fmt: skip
        return Line(group.key, group.name, made)

    lines = []
    for group in (*groups.groups, groups.rest):
        if any(group.key in by_key for by_key in counted.values()):
            none = {each: _nothing(each) for each in selections}
            lines.append(line(group, {each: counted[each].get(group.key, none[each]) for each in selections}))
    whole = {each: pooled(each, counted[each].values()) for each in selections}
    return Table(
        report=report,
        dimension=dimension,
        depth=depth,
        period=period,
        cutoff=upto.at,
        lines=lines,
        total=line(_ALL, whole),
    )


def one_figure(
    stamp: Stamp,
    code: str,
    *,
    period: Period,
    cutoff: datetime | None = None,
    dimension: Dimension = Dimension.COUNTY,
    key: str = TOTAL,
    depth: int = 1,
) -> FigureValue:
    """Count one figure, of one group or (`all`) of every one together, as the ledger stood at a cut-off.

    Raises FiguresAreNotYours, PeriodUnfit, UnknownFigure, UnknownGroup.
    """
    figure, upto = figure_of(code), cutoff_at(cutoff, stamp.at)
    groups = groups_of(dimension, reach_for(stamp.actor, period), depth=depth)
    group = _ALL if key == TOTAL else groups.named(key)
    found = count(stamp, figure.selection, period=period, cutoff=upto, groups=groups)
    counted = pooled(figure.selection, found.values() if key == TOTAL else [found[key]] if key in found else [])
    return _value(figure, counted, weights_now(), group, period=period, at=upto.at, groups=groups, depth=depth)


def weights_now() -> Weights:
    """Give the weights that the county has set."""
    held = county()
    return Weights(
        response=exact(held.response_weight),
        satisfaction=exact(held.satisfaction_weight),
        solution=exact(held.solution_weight),
        basically=exact(held.basically_satisfied_share),
    )


def _value(
    figure: Figure, counted: Counted, weights: Weights, group: Group, *, period: Period, at: datetime, groups: Groups, depth: int
) -> FigureValue:
    before = figure.compute(counted.before, weights)
    return FigureValue(
        code=figure.code,
        name=figure.name,
        definition=figure.definition,
        before=before,
        after=before if counted.after == counted.before else figure.compute(counted.after, weights),
        period=period,
        cutoff=at,
        filter=Filter(
            figure=figure.code,
            dimension=groups.dimension,
            key=group.key,
            group=group.name,
            depth=depth,
            since=period.since,
            until=period.until,
            cutoff=at,
        ),
    )


def count(stamp: Stamp, selection: Selection, *, period: Period, cutoff: Cutoff, groups: Groups) -> dict[str, Counted]:
    """Count the rows of a selection by group: one statement, gathered by the raw values of the dimension."""
    rows = rows_of(selection, period, cutoff)
    names = MEASURES[selection]
    raw = groups.raw(rows)
    query = select(raw, rows.excluded, *(func.count().filter(rows.measures[name]) for name in names))
    query = query.select_from(rows.source).where(*conditions(stamp.actor, rows, groups)).group_by(raw, rows.excluded)
    db.session.execute(FOR_LARGE)
    found: dict[str, Counted] = {}
    for value, excluded, *numbers in db.session.execute(query):
        key = groups.by_member.get(value, groups.rest).key
        counts = dict(zip(names, numbers, strict=True))
        one = Counted(counts, dict.fromkeys(names, 0) if excluded else counts)
        found[key] = pooled(selection, [found[key], one]) if key in found else one
    return found


def conditions(actor: Actor, rows: Rows, groups: Groups) -> list[ColumnElement[bool]]:
    """Give what holds for every row that is counted or listed for an actor: the rows' own, in reach, not against the actor."""
    return [*rows.conditions, groups.within(rows), not_recused(actor)]


def pooled(selection: Selection, counted: Iterable[Counted]) -> Counted:
    """Give the counts of several groups together."""
    held = list(counted)
    names = MEASURES[selection]
    return Counted(
        {name: sum(one.before[name] for one in held) for name in names},
        {name: sum(one.after[name] for one in held) for name in names},
    )


def _nothing(selection: Selection) -> Counted:
    return pooled(selection, [])
