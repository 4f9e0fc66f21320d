"""Keeps how the catalogue of responsible units comes in from a table: every row checked before any is written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from app.core.database import db
from app.core.sheets import Row, RowError, cleaned
from app.core.stamp import Stamp
from app.ledger.dispatching.duties import in_force, unfit, write_duty
from app.ledger.intake.importing import names_of_categories
from app.ledger.labels import label
from app.ledger.vocabulary import Responsibility
from app.territory.models import Level, Unit

COLUMNS: dict[str, tuple[str, ...]] = {
    "category": ("事项分类", "分类", "诉求分类"),
    "unit_code": ("单位代码", "责任单位代码", "代码", "编码"),
    "role": ("职责", "责任", "角色"),
    "note": ("备注", "说明", "依据"),
}
"""Field → the names that its column usually has."""

ROLES: dict[str, Responsibility] = {
    **{role.value: role for role in Responsibility},
    **{label(role): role for role in Responsibility},
    "主责": Responsibility.STATUTORY, "法定": Responsibility.STATUTORY, "主办": Responsibility.LEAD, "协办": Responsibility.ASSIST,
}  # fmt: skip
LONGEST_NOTE = 400


@dataclass(frozen=True)
class NewDuty:
    """A line to put: a category, a unit, its role, why."""

    category_id: int
    unit: Unit
    role: Responsibility
    note: str | None


@dataclass
class DutyPlan:
    """The lines that a table puts; how many stand so already; and what is wrong."""

    new: list[NewDuty] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def plan_duties(rows: Iterable[Row | RowError], columns: Mapping[str, str]) -> DutyPlan:
    """Check a table of duties against the units and categories that there are, and plan the lines to put.

    A category goes by its path or, where only one has it, by its name. Lines that the table does not name stay.
    """
    plan, seen = DutyPlan(), dict[tuple[int, int], int]()
    categories = names_of_categories()
    units = {unit.code: unit for unit in db.session.scalars(select(Unit).where(Unit.active, Unit.level != Level.COUNTY))}
    held = {(duty.category_id, duty.unit_id): (duty.role, duty.note) for duty in db.session.scalars(in_force())}
    for row in rows:
        if isinstance(row, RowError):
            plan.errors.append(row)
            continue
        cells = {name: cleaned(row.cells[column])[0].strip() for name, column in columns.items()}
        category_id, unit, role = categories.get(cells["category"]), units.get(cells["unit_code"]), ROLES.get(cells["role"])
        note = cells.get("note") or None
        if category_id is None:
            why = _unknown("category", cells["category"], "or several have this name: write its path")
            plan.errors.append(RowError(row.line, "category", why))
        elif unit is None:
            plan.errors.append(RowError(row.line, "unit_code", _unknown("unit", cells["unit_code"], "or it is the county")))
        elif role is None:
            plan.errors.append(RowError(row.line, "role", f"“{cells['role']}” is none of {', '.join(ROLES)}"))
        elif unfit(unit.level, role):
            plan.errors.append(RowError(row.line, "role", f"a village or community answers for nothing by statute: {unit.name}"))
        elif note is not None and len(note) > LONGEST_NOTE:
            plan.errors.append(RowError(row.line, "note", f"longer than {LONGEST_NOTE} characters"))
        elif (first := seen.setdefault((category_id, unit.id), row.line)) != row.line:
            plan.errors.append(RowError(row.line, "unit_code", f"this category and unit stand in line {first} already"))
        elif held.get((category_id, unit.id)) == (role, note):
            plan.unchanged += 1
        else:
            plan.new.append(NewDuty(category_id, unit, role, note))
    return plan


def _unknown(what: str, name: str, otherwise: str) -> str:
    return f"there is no {what} “{name}”, {otherwise}" if name else "missing"


def write_duties(stamp: Stamp, plan: DutyPlan) -> None:
    """Put the lines of a plan without errors in force, in the running transaction."""
    for line in plan.new:
        write_duty(stamp, category_id=line.category_id, unit=line.unit, role=line.role, note=line.note)
