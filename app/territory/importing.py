"""Keeps how units come in from a table: every row checked before any is written, known units renamed and never moved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from app.core.database import db
from app.core.sheets import Row, RowError, cleaned
from app.territory.commands import add_unit
from app.territory.models import Level, Unit

COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("单位代码", "代码", "编码", "区划代码"),
    "name": ("单位名称", "名称"),
    "parent_code": ("上级代码", "上级编码", "上级单位代码"),
    "level": ("级别", "层级", "类型"),
}
"""Field → the names that its column usually has."""

LEVELS: dict[str, Level] = {
    **{level.value: level for level in Level},
    "县": Level.COUNTY, "区县": Level.COUNTY,
    "乡镇": Level.TOWNSHIP, "镇": Level.TOWNSHIP, "乡": Level.TOWNSHIP, "街道": Level.TOWNSHIP,
    "村": Level.VILLAGE, "社区": Level.VILLAGE, "村社区": Level.VILLAGE, "村(社区)": Level.VILLAGE, "村（社区）": Level.VILLAGE,
    "部门": Level.DEPARTMENT, "县直部门": Level.DEPARTMENT,
}  # fmt: skip

ABOVE: dict[Level, frozenset[Level]] = {
    Level.COUNTY: frozenset(),
    Level.TOWNSHIP: frozenset({Level.COUNTY}),
    Level.VILLAGE: frozenset({Level.TOWNSHIP}),
    Level.DEPARTMENT: frozenset({Level.COUNTY, Level.TOWNSHIP}),
}
"""The levels directly below which a unit of a level may stand."""

LONGEST = 60


@dataclass(frozen=True)
class UnitRow:
    """One unit as a table names it, or as it stands in the ledger (then without a line)."""

    line: int
    code: str
    name: str
    parent_code: str
    level: Level


@dataclass
class UnitPlan:
    """What a table means for the units there are: new ones (parents first), renamed ones, the unchanged, and what is wrong."""

    new: list[UnitRow] = field(default_factory=list)
    renamed: list[UnitRow] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def plan_units(rows: Iterable[Row | RowError], columns: Mapping[str, str], known: Mapping[str, UnitRow]) -> UnitPlan:
    """Check a table of units against those that are known by code, and plan what to write; with any error, write nothing.

    Parents may stand after their children. A county has one root; a known unit keeps its parent and its level.
    """
    plan = UnitPlan()
    read: dict[str, UnitRow] = {}
    for row in rows:
        unit = row if isinstance(row, RowError) else _read(row, columns, plan.errors)
        if isinstance(unit, RowError):
            plan.errors.append(unit)
        elif unit is not None and unit.code in read:
            plan.errors.append(RowError(unit.line, "code", f"{unit.code} stands in line {read[unit.code].line} already"))
        elif unit is not None:
            read[unit.code] = unit
    everything = {**known, **read}
    for unit in read.values():
        _check_place(unit, everything, known, plan.errors)
    _check_root(read, known, plan.errors)
    if not plan.errors:
        _sort(read, known, plan)
    return plan


def _read(row: Row, columns: Mapping[str, str], errors: list[RowError]) -> UnitRow | None:
    cells = {name: " ".join(cleaned(row.cells[column])[0].split()) for name, column in columns.items()}
    before = len(errors)
    for name in ("code", "name"):
        if not cells[name]:
            errors.append(RowError(row.line, name, "missing"))
        elif len(cells[name]) > LONGEST:
            errors.append(RowError(row.line, name, f"longer than {LONGEST} characters"))
    level = LEVELS.get(cells["level"].lower())
    if level is None:
        errors.append(RowError(row.line, "level", f"“{cells['level']}” is none of {', '.join(Level)}"))
    if len(errors) > before or level is None:
        return None
    return UnitRow(row.line, cells["code"], cells["name"], cells.get("parent_code", ""), level)


def _check_place(unit: UnitRow, units: Mapping[str, UnitRow], known: Mapping[str, UnitRow], errors: list[RowError]) -> None:
    old, parent = known.get(unit.code), units.get(unit.parent_code)
    if old is not None and old.level is not unit.level:
        errors.append(RowError(unit.line, "level", f"{unit.code} is a {old.level} in the ledger; an import does not change that"))
    elif old is not None and old.parent_code != unit.parent_code:
        above = old.parent_code or "nothing"
        errors.append(
            RowError(unit.line, "parent_code", f"{unit.code} stands below {above} in the ledger; an import moves no unit")
        )
    elif unit.level is Level.COUNTY:
        if unit.parent_code:
            errors.append(RowError(unit.line, "parent_code", "a county stands below nothing"))
    elif not unit.parent_code:
        errors.append(RowError(unit.line, "parent_code", "missing"))
    elif parent is None:
        errors.append(RowError(unit.line, "parent_code", f"there is no unit {unit.parent_code}"))
    elif parent.level not in ABOVE[unit.level]:
        errors.append(RowError(unit.line, "parent_code", f"a {unit.level} cannot stand below the {parent.level} {parent.code}"))


def _check_root(read: Mapping[str, UnitRow], known: Mapping[str, UnitRow], errors: list[RowError]) -> None:
    roots = [unit for unit in known.values() if unit.level is Level.COUNTY]
    for unit in read.values():
        if unit.level is Level.COUNTY and all(unit.code != root.code for root in roots):
            roots.append(unit)
            if len(roots) > 1:
                first = f"{roots[0].name} ({roots[0].code})"
                errors.append(RowError(unit.line, "level", f"a ledger belongs to one county, and this one is {first}"))


def _sort(read: Mapping[str, UnitRow], known: Mapping[str, UnitRow], plan: UnitPlan) -> None:
    """Part the rows by what is to be done; levels cannot form a ring, so their order puts parents first."""
    order = (Level.COUNTY, Level.TOWNSHIP, Level.VILLAGE, Level.DEPARTMENT)
    for unit in sorted(read.values(), key=lambda unit: (order.index(unit.level), unit.line)):
        old = known.get(unit.code)
        if old is None:
            plan.new.append(unit)
        elif old.name != unit.name:
            plan.renamed.append(unit)
        else:
            plan.unchanged += 1


def known_units() -> dict[str, UnitRow]:
    """Give the units that there are, by code."""
    rows = db.session.execute(select(Unit.id, Unit.code, Unit.name, Unit.parent_id, Unit.level)).all()
    codes = {row.id: row.code for row in rows}
    return {row.code: UnitRow(0, row.code, row.name, codes.get(row.parent_id, ""), row.level) for row in rows}


def write_units(plan: UnitPlan) -> None:
    """Write what a plan without errors says, in the running transaction."""
    codes = {unit.code for unit in plan.renamed} | {unit.parent_code for unit in plan.new}
    units = {unit.code: unit for unit in db.session.scalars(select(Unit).where(Unit.code.in_(codes)))}
    for row in plan.new:
        units[row.code] = add_unit(code=row.code, name=row.name, level=row.level, parent=units.get(row.parent_code))
    for row in plan.renamed:
        units[row.code].name = row.name
    db.session.flush()
