"""Keeps which household group (户区) a list means: of its grid, by code or name; one that is named first by a list is made."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from sqlalchemy import select

from app.core.bulk import insert_many
from app.core.database import db
from app.core.stamp import Stamp
from app.people.roster.lists.headings import plain
from app.people.roster.lists.history import history_line
from app.people.roster.lists.matching import among, fresh_ids
from app.people.roster.lists.rows import RowFault
from app.people.roster.models import RosterChange, RosterChangeKind
from app.territory.models import Grid, HouseholdGroup

_CODE = re.compile(r"\S+-G\d+")


@dataclass
class NamedGroups:
    """The groups of the grids that a list has named so far, and those that it makes."""

    _by_word: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    _grids: dict[int, str] = field(default_factory=dict)
    _wanted: dict[int, tuple[int, str]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: iter(()))

    def know(self, named: Collection[tuple[int, str]]) -> None:
        """Look up the groups that are named (grid, word), all those of a grid at once; three queries at most."""
        self._load(sorted({grid_id for grid_id, _ in named} - self._grids.keys()))
        new = {(grid_id, plain(word)) for grid_id, word in named} - self._by_word.keys()
        self._ids = iter(fresh_ids("household_group_id_seq", len(new)))

    def _load(self, fresh: list[int]) -> None:
        if not fresh:
            return
        for row in db.session.execute(select(Grid.id, Grid.code).where(among(Grid.id, fresh))):
            self._grids[row.id] = row.code
        columns = (HouseholdGroup.id, HouseholdGroup.grid_id, HouseholdGroup.code, HouseholdGroup.name)
        open_ones = (among(HouseholdGroup.grid_id, fresh), HouseholdGroup.ended_at.is_(None))
        for ident, grid_id, code, name in db.session.execute(select(*columns).where(*open_ones).order_by(HouseholdGroup.id)):
            for word in {plain(code), plain(name)}:
                self._by_word.setdefault((grid_id, word), []).append(ident)

    def find(self, grid_id: int, word: str) -> int | RowFault | None:
        """Give the group of a known grid by code or name; None for one that is to be made, a fault for what is not to be told."""
        found = self._by_word.get((grid_id, plain(word)), [])
        if len(found) == 1:
            return found[0]
        if found:
            return RowFault("group", f"这个网格有 {len(found)} 个户区叫“{word}”，请写户区编号")
        return RowFault("group", f"这个网格没有编号为“{word}”的户区") if _CODE.fullmatch(word) else None

    def make(self, grid_id: int, name: str) -> int:
        """Give the group of a known grid by its name, to be written by `write` where there is none yet."""
        found = self._by_word.setdefault((grid_id, plain(name)), [])
        if not found:
            ident = next(self._ids)
            found.append(ident)
            self._wanted[ident] = (grid_id, " ".join(name.split()))
        return found[0]

    def write(self, stamp: Stamp) -> int:
        """Write the groups that are to be made, with their history; gives how many."""
        wanted, self._wanted = self._wanted, {}
        rows = [
            {"id": ident, "code": f"{self._grids[grid_id]}-G{ident:04d}", "name": name, "grid_id": grid_id, "created_at": stamp.at}
            for ident, (grid_id, name) in wanted.items()
        ]
        insert_many(HouseholdGroup, rows)
        added = RosterChangeKind.GROUP_ADDED
        insert_many(RosterChange, [history_line(stamp, added, grid_id, group_id=ident) for ident, (grid_id, _) in wanted.items()])
        return len(rows)
