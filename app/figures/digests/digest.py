"""Keeps what a digest tells of a unit's territory in a week or month: visits, cases, the rates, topics, and what is late."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select

from app.core.database import db
from app.core.errors import NotFound
from app.core.stamp import Actor, Stamp
from app.figures.catalogue import FIGURES, Report, Selection
from app.figures.counting import count, pooled, weights_now
from app.figures.digests.spans import Every, Span, span_of
from app.figures.digests.visited import Visited, visited_by_grid
from app.figures.digests.visited import pooled as visited_pooled
from app.figures.groups import Dimension, groups_of
from app.figures.periods import Period
from app.figures.reach import Reach, reach_of
from app.figures.standing import Cutoff, cutoff_at
from app.ledger.catalogue import catalogue
from app.ledger.models import Case
from app.ledger.rates import Share
from app.ledger.scope import visible
from app.ledger.vocabulary import Channel
from app.territory.models import Grid, Level, Unit

TOPICS = 10
LISTED = 20
TOPIC_DEPTH = 3
"""Topics are categories of the third level, 城乡建设/市政管理/路灯照明."""
RISING_FROM = 3
RISING_BY = 1.5
"""A topic rises that came so many times at least, and so many times as often as in the mean of the spans before."""

_BELOW = {Level.COUNTY: Dimension.TOWNSHIP, Level.TOWNSHIP: Dimension.VILLAGE, Level.VILLAGE: Dimension.GRID}


class DigestUnitNotFound(NotFound):
    """没有这个单位的汇总"""


@dataclass(frozen=True)
class FigureTold:
    """A figure as a digest tells it, excluded cases left out: what it is called, how it is defined, what it is counted from."""

    code: str
    name: str
    definition: str
    share: Share


@dataclass(frozen=True)
class PlaceLine:
    """A township, village or grid: what was visited there, and how many cases were accepted and how many of them are closed."""

    code: str
    name: str
    visited: Visited
    accepted: int
    closed: int


@dataclass(frozen=True)
class Topic:
    """A category: how many cases were accepted in the span, how many in the one before, and in the mean of several before."""

    name: str
    accepted: int
    before: int
    mean: float
    rising: bool


@dataclass(frozen=True)
class LateCase:
    """An open case past a term, as it stands when the digest is made."""

    number: str
    category: str
    unit: str | None
    late_since: datetime
    days: int


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What a span brought to the territory of a unit. `cases` and `channels` count what was accepted in the span."""

    every: Every
    unit: str
    unit_code: str
    span: Span
    cutoff: datetime
    visited: Visited
    visited_before: Visited
    cases: Mapping[str, int]
    accepted_before: int
    channels: list[tuple[Channel, int]]
    figures: list[FigureTold]
    places: list[PlaceLine]
    topics: list[Topic]
    late: list[LateCase]
    late_count: int


def digest_of(stamp: Stamp, every: Every, *, unit: str | None = None, day: date | None = None) -> Digest:
    """Give the digest of a unit's territory (by its code; where none is named, the whole of what the actor reads) for a span.

    Raises FiguresAreNotYours, DigestUnitNotFound (also for one out of reach), PeriodUnfit.
    """
    span = span_of(every, day, stamp.at)
    found = _unit(stamp.actor, unit)
    reach = _within(reach_of(stamp.actor), found.path)
    cutoff = cutoff_at(None, stamp.at)
    cohort = _counts(stamp, Selection.ACCEPTED, span.period, cutoff, reach)
    visited = visited_by_grid(found.path, span.period, at=stamp.at)
    late, late_count = _late(stamp, found.path)
    channels = _by(stamp, Dimension.CHANNEL, span.period, cutoff, reach)
    return Digest(
        every=every,
        unit=found.name,
        unit_code=found.code,
        span=span,
        cutoff=stamp.at,
        visited=visited_pooled(visited.values()),
        visited_before=visited_pooled(visited_by_grid(found.path, span.before, at=stamp.at).values()),
        cases=cohort,
        accepted_before=_counts(stamp, Selection.ACCEPTED, span.before, cutoff, reach)["accepted"],
        channels=[(each, channels[each.value]["accepted"]) for each in Channel if each.value in channels],
        figures=_figures(stamp, span.period, cutoff, reach),
        places=_places(stamp, found, span.period, cutoff, reach, visited),
        topics=_topics(stamp, span, cutoff, reach),
        late=late,
        late_count=late_count,
    )


def _unit(actor: Actor, code: str | None) -> Any:
    """Give the unit that is asked for, if the actor reads figures of it; else the highest of which they do."""
    reach = reach_of(actor)
    query = select(Unit.id, Unit.code, Unit.name, Unit.path, Unit.level).order_by(func.length(Unit.path), Unit.code)
    if code is not None:
        query = query.where(Unit.code == code)
    elif reach.paths is not None:
        query = query.where(Unit.path.in_([*reach.paths, *reach.on_the_ground]))
    row = db.session.execute(query.limit(1)).first()
    if row is None or not reach.holds(row.path):
        raise DigestUnitNotFound
    return row


def _within(reach: Reach, path: str) -> Reach:
    """Give the part of a reach that lies below a path: who reads only what is open there goes on doing so."""
    if reach.paths is None or any(path.startswith(each) for each in reach.paths):
        return Reach(None if path == catalogue().county_path else (path,))
    return Reach((), (path,))


def _counts(stamp: Stamp, selection: Selection, period: Period, cutoff: Cutoff, reach: Reach) -> Mapping[str, int]:
    groups = groups_of(Dimension.COUNTY, reach)
    return pooled(selection, count(stamp, selection, period=period, cutoff=cutoff, groups=groups).values()).after


def _by(stamp: Stamp, dimension: Dimension, period: Period, cutoff: Cutoff, reach: Reach) -> dict[str, Mapping[str, int]]:
    groups = groups_of(dimension, reach, depth=TOPIC_DEPTH)
    found = count(stamp, Selection.ACCEPTED, period=period, cutoff=cutoff, groups=groups)
    return {key: counted.after for key, counted in found.items()}


def _figures(stamp: Stamp, period: Period, cutoff: Cutoff, reach: Reach) -> list[FigureTold]:
    wanted = [figure for figure in FIGURES if figure.report in (Report.CLOSURE, Report.SATISFACTION, Report.PARTS)]
    selections = dict.fromkeys(figure.selection for figure in wanted)
    counted = {selection: _counts(stamp, selection, period, cutoff, reach) for selection in selections}
    weights = weights_now()
    return [
        FigureTold(figure.code, figure.name, figure.definition, figure.compute(counted[figure.selection], weights))
        for figure in wanted
    ]


def _places(
    stamp: Stamp, unit: Any, period: Period, cutoff: Cutoff, reach: Reach, visited: Mapping[int, Visited]
) -> list[PlaceLine]:
    if unit.level not in _BELOW:
        return []
    dimension = _BELOW[unit.level]
    cases = _by(stamp, dimension, period, cutoff, reach)
    grids = select(Grid.id, Grid.code, Unit.path).join(Unit, Unit.id == Grid.unit_id).where(Unit.path.startswith(unit.path))
    rows = db.session.execute(grids).all()
    lines = []
    for group in groups_of(dimension, reach).groups:
        mine = [row.id for row in rows if (row.id if dimension is Dimension.GRID else row.path) in group.members]
        counts = cases.get(group.key, {})
        line = visited_pooled(visited[grid_id] for grid_id in mine if grid_id in visited)
        lines.append(PlaceLine(group.key, group.name, line, counts.get("accepted", 0), counts.get("closed", 0)))
    return lines


def _topics(stamp: Stamp, span: Span, cutoff: Cutoff, reach: Reach) -> list[Topic]:
    names = {group.key: group.name for group in groups_of(Dimension.CATEGORY, reach, depth=TOPIC_DEPTH).groups}
    now, before, earlier = (
        {key: counts["accepted"] for key, counts in _by(stamp, Dimension.CATEGORY, period, cutoff, reach).items() if key in names}
        for period in (span.period, span.before, span.earlier)
    )
    topics = []
    for key, number in now.items():
        mean = earlier.get(key, 0) / span.earlier_spans
        rising = number >= RISING_FROM and number >= RISING_BY * mean
        topics.append(Topic(names[key], number, before.get(key, 0), mean, rising))
    return sorted(topics, key=lambda topic: (-topic.accepted, topic.name))[:TOPICS]


def _late(stamp: Stamp, path: str) -> tuple[list[LateCase], int]:
    """Give the longest late of the open cases that the actor sees in a territory or at its units, and how many there are."""
    units = select(Unit.id).where(Unit.path.startswith(path))
    here = or_(Case.territory_path.startswith(path), Case.lead_unit_id.in_(units))
    conditions = (Case.late_since.is_not(None), Case.closed_at.is_(None), ~Case.archived, here, visible(stamp.actor))
    query = select(Case.number, Case.category_id, Case.late_since, Unit.name).outerjoin(Unit, Unit.id == Case.lead_unit_id)
    rows = db.session.execute(query.where(*conditions).order_by(Case.late_since, Case.id).limit(LISTED)).all()
    number = db.session.execute(select(func.count()).select_from(Case).where(*conditions)).scalar_one()
    return [_late_case(row, stamp.at) for row in rows], number


def _late_case(row: Any, at: datetime) -> LateCase:
    category = "未分类" if row.category_id is None else catalogue().category(row.category_id).path
    return LateCase(row.number, category, row.name, row.late_since, (at - row.late_since).days)


def rising(topics: Iterable[Topic]) -> list[Topic]:
    """Give the topics that rise."""
    return [topic for topic in topics if topic.rising]
