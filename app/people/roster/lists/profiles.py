"""Keeps how a unit's columns were understood before: by the name that was given, or known again by their headers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.database import db
from app.core.sheets import Unreadable
from app.core.stamp import ActorKind, Stamp
from app.people.roster.lists.headings import Headers, Heading
from app.people.roster.lists.models import ColumnProfile
from app.people.roster.lists.reading import Cells
from app.people.roster.tags import TagFacts
from app.territory.models import Level, Unit


@dataclass(frozen=True)
class Remembered:
    """A profile: its name, its unit's code, field → header."""

    name: str
    unit: str
    columns: Mapping[str, str]
    fingerprint: bytes


def remembered(unit: Unit | None) -> list[Remembered]:
    """Give the profiles of a unit and of those above it, the nearest first."""
    query = select(ColumnProfile, Unit.code).join(Unit, Unit.id == ColumnProfile.unit_id)
    if unit is not None:
        query = query.where(Unit.id.in_([int(part) for part in unit.path.split("/") if part]))
    rows = db.session.execute(query.order_by(Unit.path.desc(), ColumnProfile.name))
    return [Remembered(row.name, code, row.columns, bytes(row.fingerprint)) for row, code in rows]


class HeadingFinder:
    """Finds the header of each sheet: by what was given or a profile's name; else by usual names and what is remembered."""

    def __init__(self, tags: Sequence[TagFacts], *, unit: Unit | None, given: Mapping[str, str], profile: str | None) -> None:
        """Take what was given; raises Unreadable."""
        self._known = remembered(unit)
        named = next((each for each in self._known if each.name == profile), None) if profile else None
        self._fixed = Headers(tags, given={**(named.columns if named else {}), **given}) if named or given else None
        self._usual = Headers(tags)
        self._others = [(each, Headers(tags, given=each.columns)) for each in self._known]
        self.used: dict[str, str] = {}
        self.first: Heading | None = None

    def __call__(self, rows: Sequence[Cells]) -> Heading | None:
        """Give the heading of a sheet, or None."""
        found = self._fixed.find(rows) if self._fixed else self._find(rows)
        if found is not None and self.first is None:
            self.first = found
            self.used = {field: found.names[column] for field, column in found.columns.items()}
        return found

    def _find(self, rows: Sequence[Cells]) -> Heading | None:
        for profile, headers in self._others:
            try:
                found = headers.find(rows)
            except Unreadable:
                continue
            if found is not None and found.fingerprint == profile.fingerprint:
                return found
        return self._usual.find(rows)


def remember(stamp: Stamp, finder: HeadingFinder, *, name: str, unit: Unit | None) -> None:
    """Keep how the first sheet was understood under a name, in place of what the name meant before."""
    if finder.first is None:
        return
    unit_id = unit.id if unit is not None else db.session.scalar(select(Unit.id).where(Unit.level == Level.COUNTY).limit(1))
    values = {
        "fingerprint": finder.first.fingerprint,
        "columns": finder.used,
        "made_at": stamp.at,
        "made_by": stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None,
    }
    kept = insert(ColumnProfile).values(unit_id=unit_id, name=name, **values)
    db.session.execute(kept.on_conflict_do_update(index_elements=[ColumnProfile.unit_id, ColumnProfile.name], set_=values))
