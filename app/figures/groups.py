"""Keeps by what figures are told: unit, department, level, township, village, grid, category, channel, kind, or the county whole.

A group is a set of raw values (unit ids, paths, words): the count gathers them into it, the list asks for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, false, literal, not_, or_, select, true

from app.core.database import db
from app.core.errors import Invalid, NotFound
from app.figures.reach import Reach
from app.figures.rows import Rows
from app.ledger.catalogue import catalogue
from app.ledger.labels import label
from app.ledger.models import Case
from app.ledger.vocabulary import Channel, Kind
from app.territory.models import Grid, Level, Unit


class UnknownGroup(NotFound):
    """没有这个统计对象"""


class NoSuchDimension(Invalid):
    """不能按这一项统计"""


class Dimension(StrEnum):
    """By what figures are told; township, village and grid are where the matter lies, unit and department who handles it."""

    COUNTY = "county"
    UNIT = "unit"
    DEPARTMENT = "department"
    LEVEL = "level"
    TOWNSHIP = "township"
    VILLAGE = "village"
    GRID = "grid"
    CATEGORY = "category"
    CHANNEL = "channel"
    KIND = "kind"


DIMENSION_NAMES = {
    Dimension.COUNTY: "合计",
    Dimension.UNIT: "承办单位",
    Dimension.DEPARTMENT: "部门",
    Dimension.LEVEL: "承办单位层级",
    Dimension.TOWNSHIP: "乡镇（街道）",
    Dimension.VILLAGE: "村（社区）",
    Dimension.GRID: "网格",
    Dimension.CATEGORY: "分类",
    Dimension.CHANNEL: "渠道",
    Dimension.KIND: "类型",
}
BY_UNIT = frozenset({Dimension.UNIT, Dimension.DEPARTMENT, Dimension.LEVEL})
BY_PLACE = frozenset({Dimension.TOWNSHIP, Dimension.VILLAGE, Dimension.GRID})
LEVEL_NAMES = {Level.COUNTY: "县级", Level.TOWNSHIP: "乡镇（街道）", Level.VILLAGE: "村（社区）", Level.DEPARTMENT: "县直部门"}
REST = "-"
REST_NAMES = {
    Dimension.UNIT: "未派单（中心直接办理）",
    Dimension.DEPARTMENT: "其他",
    Dimension.LEVEL: "未派单（中心直接办理）",
    Dimension.TOWNSHIP: "未落到乡镇",
    Dimension.VILLAGE: "未落到村（社区）",
    Dimension.GRID: "未落到网格",
    Dimension.CATEGORY: "未分类",
}


@dataclass(frozen=True)
class Group:
    """One row of a table: its key and name, and the raw values that belong to it."""

    key: str
    name: str
    members: frozenset[Any]


@dataclass(frozen=True)
class Groups:
    """The groups of a dimension in their order; what belongs to none of them is the rest (`-`)."""

    dimension: Dimension
    groups: tuple[Group, ...]
    reach: Reach

    @cached_property
    def by_member(self) -> Mapping[Any, Group]:
        """Give the group of each raw value."""
        return {member: group for group in self.groups for member in group.members}

    @property
    def rest(self) -> Group:
        """Give the group of what belongs to no other."""
        return Group(REST, REST_NAMES.get(self.dimension, "其他"), frozenset())

    def named(self, key: str) -> Group:
        """Give a group by its key; raises UnknownGroup."""
        found = next((group for group in (*self.groups, self.rest) if group.key == key), None)
        if found is None:
            raise UnknownGroup
        return found

    def raw(self, rows: Rows) -> ColumnElement[Any]:
        """Give the column whose values are gathered into groups."""
        columns: dict[Dimension, Any] = {
            Dimension.COUNTY: literal(1),
            Dimension.CATEGORY: Case.category_id,
            Dimension.CHANNEL: Case.channel,
            Dimension.KIND: Case.kind,
            Dimension.GRID: Case.grid_id,
            Dimension.TOWNSHIP: Case.territory_path,
            Dimension.VILLAGE: Case.territory_path,
        }
        found: ColumnElement[Any] = columns.get(self.dimension, rows.unit_id)
        return found

    def belongs(self, rows: Rows, group: Group) -> ColumnElement[bool]:
        """Give the condition that a row belongs to a group."""
        if self.dimension is Dimension.COUNTY:
            return true()
        raw = self.raw(rows)
        if group.key != REST:
            return raw.in_(sorted(group.members))
        return or_(raw.is_(None), raw.not_in(sorted(self.by_member)))

    def within(self, rows: Rows) -> ColumnElement[bool]:
        """Give the condition that a row lies in the reader's reach: handled by a unit of theirs, or lying in their territory."""
        if self.reach.paths is None:
            return true()
        found = self._below(rows, self.reach.paths)
        if not self.reach.on_the_ground:
            return found
        seen = and_(not_(Case.confidential), not_(Case.hidden_from_grid))
        return or_(found, and_(seen, self._below(rows, self.reach.on_the_ground)))

    def _below(self, rows: Rows, paths: tuple[str, ...]) -> ColumnElement[bool]:
        handled = rows.unit_id.in_([unit.id for unit in _units() if any(unit.path.startswith(path) for path in paths)])
        lying = or_(false(), *(Case.territory_path.startswith(path) for path in paths))
        if self.dimension in BY_UNIT:
            return handled
        return lying if self.dimension in BY_PLACE else or_(handled, lying)


def groups_of(dimension: Dimension, reach: Reach, *, depth: int = 1) -> Groups:
    """Give the groups of a dimension that lie in reach; `depth` is the level of the category tree, the roots being 1."""
    return Groups(dimension, tuple(_gathered(dimension, reach, depth)), reach)


def _units() -> list[Any]:
    query = select(Unit.id, Unit.code, Unit.name, Unit.level, Unit.path).order_by(Unit.code)
    return list(db.session.execute(query))


def _gathered(dimension: Dimension, reach: Reach, depth: int) -> Iterable[Group]:
    match dimension:
        case Dimension.COUNTY:
            return [Group("all", "合计", frozenset({1}))]
        case Dimension.CHANNEL:
            return [Group(each.value, label(each), frozenset({each})) for each in Channel]
        case Dimension.KIND:
            return [Group(each.value, label(each), frozenset({each})) for each in Kind if each is not Kind.PRAISE]
        case Dimension.CATEGORY:
            return _categories(depth)
        case Dimension.GRID:
            query = select(Grid.id, Grid.code, Grid.name, Unit.path).join(Unit, Unit.id == Grid.unit_id).order_by(Grid.code)
            return [Group(row.code, row.name, frozenset({row.id})) for row in db.session.execute(query) if reach.holds(row.path)]
        case _:
            return _by_units(dimension, [unit for unit in _units() if reach.holds(unit.path)])


def _by_units(dimension: Dimension, units: list[Any]) -> Iterable[Group]:
    match dimension:
        case Dimension.UNIT:
            return [Group(unit.code, unit.name, frozenset({unit.id})) for unit in units]
        case Dimension.LEVEL:
            sets = {level: frozenset(unit.id for unit in units if unit.level is level) for level in Level}
            return [Group(level.value, LEVEL_NAMES[level], ids) for level, ids in sets.items() if ids]
        case Dimension.DEPARTMENT:
            return _subtrees(Level.DEPARTMENT, units, "id")
        case Dimension.TOWNSHIP:
            return _subtrees(Level.TOWNSHIP, units, "path")
        case Dimension.VILLAGE:
            return _subtrees(Level.VILLAGE, units, "path")
    raise NoSuchDimension


def _subtrees(level: Level, units: list[Any], raw: str) -> list[Group]:
    """Give a group for each unit of a level, with everything below it."""
    tops = {unit.path: unit for unit in units if unit.level is level}
    below: dict[str, list[Any]] = {path: [] for path in tops}
    for unit in units:
        parts = unit.path.strip("/").split("/")
        ways = ("/" + "/".join(parts[: place + 1]) + "/" for place in range(len(parts)))
        top = next((path for path in ways if path in tops), None)
        if top is not None:
            below[top].append(getattr(unit, raw))
    return [Group(unit.code, unit.name, frozenset(below[path])) for path, unit in tops.items()]


def _categories(depth: int) -> list[Group]:
    """Give a group for each category of a level, with everything below it."""
    held = catalogue()
    found = [(facts.path, category_id) for category_id, facts in held.categories.items() if len(facts.chain) == depth]
    return [Group(str(category_id), path, frozenset(held.below(category_id))) for path, category_id in sorted(found)]
