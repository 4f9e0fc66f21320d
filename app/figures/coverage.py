"""Keeps the coverage of visits: of the households and key residents due in a period or a round, how many were visited, and how.

A household is due when a visit to it, or to somebody of it, falls due in the period and was not called off. It counts once, by the
best that was done: visited in person in time, in person but late, reached by telephone, tried in vain, or nothing of these.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from sqlalchemy import text

from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.core.stamp import Role, Stamp
from app.figures.reach import COUNTY_READERS, FiguresAreNotYours
from app.ledger.catalogue import catalogue
from app.ledger.rates import Share, share
from app.visits.campaigns import CampaignNotFound
from app.visits.models import Campaign
from app.visits.periods import Period, day_of, period_of

DEFINITIONS = {
    "households": "应访户：统计期内有走访任务到期、未取消的户，每户只计一次",
    "visited": "入户率＝到期前见到人的户 ÷ 应访户；电话联系不算入户",
    "people": "重点人群见面率＝到期前本人被见到的重点人群 ÷ 应访的重点人群，每人只计一次",
    "reached": "联系率＝到期前入户、逾期入户或电话联系到的户 ÷ 应访户",
}


class CoveredBy(StrEnum):
    """By what coverage is told."""

    TOWNSHIP = "township"
    VILLAGE = "village"
    GRID = "grid"


class CoverageUnfit(Invalid):
    """走访覆盖的统计条件有误"""


class CoverageUnitNotFound(NotFound):
    """没有这个统计单位"""


@dataclass(frozen=True)
class Covered:
    """Counts of households: `due` is the sum of the next five; `overdue` those with a visit late and not made; and of residents."""

    due: int = 0
    visited: int = 0
    late: int = 0
    phoned: int = 0
    tried: int = 0
    untouched: int = 0
    overdue: int = 0
    people_due: int = 0
    people_visited: int = 0

    @property
    def visited_share(self) -> Share:
        """Visited in person in time, of the households due."""
        return share(self.visited, self.due)

    @property
    def reached_share(self) -> Share:
        """Visited in person, late too, or reached by telephone, of the households due."""
        return share(self.visited + self.late + self.phoned, self.due)

    @property
    def people_share(self) -> Share:
        """Key residents met in time, of those due."""
        return share(self.people_visited, self.people_due)


@dataclass(frozen=True)
class CoverageLine:
    """One line: a township, village or grid, or all of them pooled."""

    key: str
    name: str
    covered: Covered


@dataclass(frozen=True)
class Coverage:
    """The coverage of a period by place, with the total, pooled from the counts of all lines."""

    first: date
    last: date
    campaign: str | None
    by: CoveredBy
    lines: list[CoverageLine]
    total: CoverageLine
    definitions: dict[str, str]


@dataclass(frozen=True)
class Place:
    """A grid, its village and its township."""

    id: int
    code: str
    name: str
    village: str
    village_name: str
    path: str
    township: str
    township_name: str


_COUNTED = text(
    """
    WITH task AS (
      SELECT t.grid_id, t.household_id, t.resident_id, t.attempts, t.contacted_on,
        t.due_on < :today AND t.state IN ('open', 'unreached', 'missed') AS overdue,
        CAST(v.visited_at AT TIME ZONE 'Asia/Shanghai' AS date) <= t.due_on AS in_time,
        v.in_person, t.why = 'rule' AND t.resident_id IS NOT NULL AS key
      FROM visit_task t LEFT JOIN visit v ON v.id = t.visit_id
      WHERE t.state <> 'cancelled' AND t.grid_id = ANY(CAST(:grids AS bigint[]))
        AND (CASE WHEN CAST(:campaign AS bigint) IS NULL THEN t.due_on BETWEEN :first AND :last ELSE t.campaign_id = :campaign END)
    ),
    home AS (
      SELECT grid_id, household_id,
        COALESCE(bool_or(in_person AND in_time), false) AS visited,
        COALESCE(bool_or(in_person), false) AS in_person,
        COALESCE(bool_or(NOT in_person), false) OR bool_or(contacted_on IS NOT NULL) AS phoned,
        bool_or(attempts > 0) AS tried,
        bool_or(overdue) AS overdue
      FROM task GROUP BY grid_id, household_id
    ),
    person AS (
      SELECT grid_id, resident_id, COALESCE(bool_or(in_person AND in_time), false) AS visited
      FROM task WHERE key GROUP BY grid_id, resident_id
    ),
    homes AS (
      SELECT grid_id, count(*) AS due,
        count(*) FILTER (WHERE visited) AS visited,
        count(*) FILTER (WHERE NOT visited AND in_person) AS late,
        count(*) FILTER (WHERE NOT in_person AND phoned) AS phoned,
        count(*) FILTER (WHERE NOT in_person AND NOT phoned AND tried) AS tried,
        count(*) FILTER (WHERE NOT in_person AND NOT phoned AND NOT tried) AS untouched,
        count(*) FILTER (WHERE overdue) AS overdue
      FROM home GROUP BY grid_id
    ),
    people AS (
      SELECT grid_id, count(*) AS people_due, count(*) FILTER (WHERE visited) AS people_visited FROM person GROUP BY grid_id
    )
    SELECT homes.*, COALESCE(people_due, 0) AS people_due, COALESCE(people_visited, 0) AS people_visited
    FROM homes LEFT JOIN people USING (grid_id)
    """
)

_PLACES = text(
    """
    SELECT g.id, g.code, g.name, village.code AS village, village.name AS village_name, village.path,
      COALESCE(above.code, village.code) AS township, COALESCE(above.name, village.name) AS township_name
    FROM grid g JOIN unit village ON village.id = g.unit_id LEFT JOIN unit above ON above.id = village.parent_id
    WHERE g.id = ANY(CAST(:grids AS bigint[]))
       OR EXISTS (SELECT FROM unnest(CAST(:paths AS text[])) AS reach (path) WHERE starts_with(village.path, reach.path))
    ORDER BY g.code
    """
)


def coverage(
    stamp: Stamp,
    *,
    period: str | None = None,
    campaign: int | None = None,
    by: CoveredBy = CoveredBy.VILLAGE,
    unit: str | None = None,
) -> Coverage:
    """Count the coverage of a period (`2026-11`, `2026-Q4`, `2026-H2`, `2026`) or of a round of visits, as it stands now.

    Leaders and supervisors of the county read all of it, others what lies below their posts, grid workers their own grids. Raises
    FiguresAreNotYours, CoverageUnfit, CoverageUnitNotFound, CampaignNotFound.
    """
    if (period is None) == (campaign is None):
        raise CoverageUnfit(errors={"period": ["请选择一个统计期，或一次遍访"]})
    places = _places(stamp, unit)
    round_ = None if campaign is None else db.session.get(Campaign, campaign)
    if campaign is not None and round_ is None:
        raise CampaignNotFound
    span = Period(round_.name, round_.starts_on, round_.due_on) if round_ is not None else _named(period or "")
    counted = counts_by_grid(day_of(stamp.at), [place.id for place in places], first=span.first, last=span.last, campaign=campaign)
    if round_ is not None and not counted:
        raise CampaignNotFound
    grouped: dict[tuple[str, str], list[Covered]] = {}
    for place in places:
        key = {
            CoveredBy.TOWNSHIP: (place.township, place.township_name),
            CoveredBy.VILLAGE: (place.village, place.village_name),
            CoveredBy.GRID: (place.code, place.name),
        }[by]
        if place.id in counted:
            grouped.setdefault(key, []).append(counted[place.id])
    lines = [CoverageLine(*key, pooled(covered)) for key, covered in sorted(grouped.items())]
    total = CoverageLine("all", "合计", pooled(line.covered for line in lines))
    return Coverage(span.first, span.last, round_.name if round_ else None, by, lines, total, DEFINITIONS)


def _places(stamp: Stamp, unit: str | None) -> list[Place]:
    actor = stamp.actor
    paths = list(actor.paths(*(role for role in Role if role not in (Role.GRID_WORKER, Role.HOUSEHOLD_HEAD))))
    county = catalogue().county_path
    if county not in actor.paths(*COUNTY_READERS, Role.ADMINISTRATOR):
        paths = [path for path in paths if path != county]
    rows = db.session.execute(_PLACES, {"grids": sorted(actor.grid_ids), "paths": paths}).all()
    if not rows:
        raise FiguresAreNotYours
    if unit is None:
        return [Place(*row) for row in rows]
    found = db.session.execute(text("SELECT path FROM unit WHERE code = :code"), {"code": unit}).scalar()
    inside = [Place(*row) for row in rows if found is not None and row.path.startswith(found)]
    if not inside:
        raise CoverageUnitNotFound
    return inside


def _named(code: str) -> Period:
    """Give a period by its name; raises CoverageUnfit."""
    match = re.fullmatch(r"(20\d\d)(?:-(?:(0[1-9]|1[0-2])|Q([1-4])|H([12])))?", code)
    if match is None:
        raise CoverageUnfit(errors={"period": ["统计期应写成 2026-11、2026-Q4、2026-H2 或 2026 这样"]})
    year, month, quarter, half = match.groups()
    if month:
        return period_of(date(int(year), int(month), 1), 1)
    if quarter:
        return period_of(date(int(year), int(quarter) * 3, 1), 3)
    return period_of(date(int(year), int(half) * 6, 1), 6) if half else period_of(date(int(year), 1, 1), 12)


def counts_by_grid(
    today: date, grid_ids: Iterable[int], *, first: date, last: date, campaign: int | None = None
) -> dict[int, Covered]:
    """Count each grid in one statement; a grid where nothing is due is not there."""
    asked = {"today": today, "grids": list(grid_ids), "first": first, "last": last, "campaign": campaign}
    return {row.grid_id: Covered(*row[1:]) for row in db.session.execute(_COUNTED, asked)}


def pooled(counted: Iterable[Covered]) -> Covered:
    """Add counts up; shares are taken of the sums, never averaged."""
    rows = list(counted)
    return Covered(*(sum(getattr(row, field.name) for row in rows) for field in fields(Covered)))
