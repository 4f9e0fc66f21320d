"""Keeps the columns of other platforms: named, in their order, with their codes; the county's administrators set them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Invalid, NotAllowed, NotFound
from app.core.stamp import ActorKind, Role, Stamp
from app.people.roster.lists.exporting import OWN_COLUMNS, Wanted, people_rows, write_profiled
from app.people.roster.lists.models import ExportProfile, Profiled
from app.territory.models import Level, Unit

FIELDS: dict[Profiled, frozenset[str]] = {
    Profiled.ROSTER: frozenset({field for field, _ in OWN_COLUMNS} | {"grid_name", "group"}),
    Profiled.VISITS: frozenset({"key", "visited_at", "received_at", "grid_code", "grid_name", "household_code"})
    | {"outcome", "findings", "topics", "met", "staff", "minutes"},
}
"""What a column may be of; the visits' rows are fed by whoever keeps visits."""

MOST_COLUMNS = 60


class ExportProfileNotFound(NotFound):
    """没有找到这个导出模板"""


class WrongExportProfile(Invalid):
    """导出模板有误"""


class ExportProfilesAreTheCountys(NotAllowed):
    """导出模板由县级管理员维护"""


@dataclass(frozen=True)
class ProfileShown:
    """A profile as it is shown and used."""

    code: str
    name: str
    of: Profiled
    columns: Sequence[Mapping[str, Any]]
    active: bool


def export_profiles() -> list[ProfileShown]:
    """Give every profile by code."""
    rows = db.session.scalars(select(ExportProfile).order_by(ExportProfile.code))
    return [ProfileShown(row.code, row.name, row.of, row.columns, row.active) for row in rows]


def export_profile(code: str, of: Profiled) -> ProfileShown:
    """Give a profile in use by its code; raises ExportProfileNotFound."""
    found = next((each for each in export_profiles() if (each.code, each.of, each.active) == (code, of, True)), None)
    if found is None:
        raise ExportProfileNotFound
    return found


def put_export_profile(
    stamp: Stamp, code: str, *, name: str, of: Profiled, columns: Sequence[Mapping[str, Any]], active: bool = True
) -> ProfileShown:
    """Put a profile, or change it by its code. Raises ExportProfilesAreTheCountys, WrongExportProfile."""
    county = select(Unit.path).where(Unit.level == Level.COUNTY).limit(1)
    if stamp.actor.kind is not ActorKind.SYSTEM and db.session.scalar(county) not in stamp.actor.paths(Role.ADMINISTRATOR):
        raise ExportProfilesAreTheCountys
    errors = {f"columns.{place}": wrong for place, column in enumerate(columns) if (wrong := _wrong(column, of))}
    heads = [column["header"] for column in columns]
    if len(set(heads)) < len(heads) or not heads or len(heads) > MOST_COLUMNS:
        errors["columns"] = [f"列名不能重复，最少 1 列，最多 {MOST_COLUMNS} 列"]
    if errors:
        raise WrongExportProfile(errors=errors)
    row = db.session.scalars(select(ExportProfile).where(ExportProfile.code == code)).first()
    if row is None:
        row = ExportProfile(code=code)
        db.session.add(row)
    row.name, row.of, row.columns, row.active = name, of, [dict(column) for column in columns], active
    db.session.flush()
    return ProfileShown(row.code, row.name, row.of, row.columns, row.active)


def _wrong(column: Mapping[str, Any], of: Profiled) -> list[str]:
    said = []
    if column["field"] not in FIELDS[of]:
        said.append(f"没有“{column['field']}”这个字段，可用：{'、'.join(sorted(FIELDS[of]))}")
    try:
        datetime(2026, 1, 2, tzinfo=UTC).strftime(column.get("date", "")).encode()
    except ValueError:
        said.append("日期格式有误，例如 %Y-%m-%d")
    return said


def profiled_workbook(stamp: Stamp, code: str, wanted: Wanted) -> Iterator[bytes]:
    """Give one's roster in the columns of a profile. Raises ExportProfileNotFound, and as `people_rows` does."""
    profile = export_profile(code, Profiled.ROSTER)
    return write_profiled(people_rows(stamp, wanted), profile.columns, name=profile.name)
