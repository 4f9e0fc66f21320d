"""Keeps how the duty roster comes in from a table: every row checked before any is written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db
from app.core.sheets import Row, RowError, cleaned
from app.core.stamp import Stamp
from app.people.duty.models import DUTY_LABELS, OnDuty, RosterEntry
from app.people.duty.roster import dialled, roster, unfit, write_entry
from app.people.models import Staff
from app.territory.models import Unit

COLUMNS: dict[str, tuple[str, ...]] = {
    "unit_code": ("单位代码", "代码", "编码"),
    "login": ("账号", "登录名", "人员账号"),
    "what": ("值班岗位", "岗位", "职责"),
    "from": ("开始时间", "开始", "起"),
    "until": ("结束时间", "结束", "止"),
    "phone": ("电话", "值班号码", "联系电话"),
}
"""Field → the names that its column usually has."""

DUTIES: dict[str, OnDuty] = {**{what.value: what for what in OnDuty}, **{words: what for what, words in DUTY_LABELS.items()}}


@dataclass
class RosterPlan:
    """The entries that a table puts; how many stand so already; and what is wrong."""

    new: list[RosterEntry] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def plan_roster(rows: Iterable[Row | RowError], columns: Mapping[str, str], now: datetime) -> RosterPlan:
    """Check a table of duties against the units and staff that there are, and plan the entries to put.

    A line that stands on the roster already is passed over; what the table does not name stays. Moments are China's, written
    as `2027-02-06 08:00`.
    """
    plan, seen = RosterPlan(), list[tuple[int, RosterEntry]]()
    units = {unit.code: unit for unit in db.session.scalars(select(Unit).where(Unit.active))}
    staff = {row.login: row.id for row in db.session.execute(select(Staff.login, Staff.id).where(Staff.active))}
    for row in rows:
        if isinstance(row, RowError):
            plan.errors.append(row)
            continue
        cells = {name: cleaned(row.cells[column])[0].strip() for name, column in columns.items()}
        unit, staff_id, what = units.get(cells["unit_code"]), staff.get(cells["login"]), DUTIES.get(cells["what"])
        starts_at, until = moment_of(cells["from"]), moment_of(cells["until"])
        if unit is None:
            plan.errors.append(RowError(row.line, "unit_code", f"there is no unit “{cells['unit_code']}”"))
        elif staff_id is None:
            plan.errors.append(RowError(row.line, "login", f"nobody signs in as “{cells['login']}”"))
        elif what is None:
            plan.errors.append(RowError(row.line, "what", f"“{cells['what']}” is none of {', '.join(DUTIES)}"))
        elif starts_at is None or until is None:
            name = "from" if starts_at is None else "until"
            plan.errors.append(RowError(row.line, name, f"“{cells[name]}” is no moment: write it like 2027-02-06 08:00"))
        else:
            phone = dialled(cells.get("phone"))
            entry = RosterEntry(unit_id=unit.id, staff_id=staff_id, what=what, starts_at=starts_at, until=until, phone=phone)
            _take(plan, seen, row.line, entry, unit, now)
    return plan


def _take(plan: RosterPlan, seen: list[tuple[int, RosterEntry]], line: int, entry: RosterEntry, unit: Unit, now: datetime) -> None:
    spans = roster().get((entry.unit_id, entry.what), ())
    if any((span.staff_id, span.starts_at, span.until) == (entry.staff_id, entry.starts_at, entry.until) for span in spans):
        plan.unchanged += 1
        return
    wrong = unfit(entry, unit, now=now)
    plan.errors += [RowError(line, _FIELDS[name], why) for name, why in wrong]
    first = next((other for other, taken in seen if _overlap(entry, taken)), None)
    if first is not None:
        plan.errors.append(RowError(line, "from", f"the same person has this duty at that time by line {first} already"))
    if not wrong and first is None:
        seen.append((line, entry))
        plan.new.append(entry)


_FIELDS = {"starts_at": "from", "until": "until", "staff_id": "login", "phone": "phone"}


def _overlap(one: RosterEntry, other: RosterEntry) -> bool:
    same = (one.unit_id, one.what, one.staff_id) == (other.unit_id, other.what, other.staff_id)
    return same and one.starts_at < other.until and other.starts_at < one.until


def moment_of(text: str) -> datetime | None:
    """Give the moment of `2027-02-06 08:00` in China (one with a zone keeps it); None for anything else."""
    try:
        at = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=CHINA)


def write_roster(stamp: Stamp, plan: RosterPlan) -> None:
    """Put the entries of a plan without errors on the roster, in the running transaction."""
    for entry in plan.new:
        write_entry(stamp, entry)
