"""Keeps how a list says where its people live: by a column, by the sheet's name, by the title above; within one's reach only."""

import re
from dataclasses import dataclass

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Stamp
from app.people.roster.lists.headings import plain
from app.people.roster.lists.rows import Place
from app.people.roster.scope import in_reach
from app.territory.models import Grid, Level, Unit

_TEAM = re.compile(r"[一二三四五六七八九十\d]+\s*组")


@dataclass(frozen=True)
class GridKnown:
    """A grid that a list may name, and its village."""

    id: int
    code: str
    name: str
    village: str
    village_code: str


class Places:
    """The grids of one import: those within the importer's reach, below the unit that was named."""

    def __init__(self, stamp: Stamp, unit: Unit | None) -> None:
        """Load them once."""
        query = select(Grid.id, Grid.code, Grid.name, Unit.name, Unit.code).join(Unit, Unit.id == Grid.unit_id)
        query = query.where(Grid.active, in_reach(stamp, Grid.id))
        if unit is not None:
            query = query.where(Unit.path.startswith(unit.path))
        self.grids = {row[0]: GridKnown(*row) for row in db.session.execute(query.order_by(Grid.code))}
        reach = select(Grid.id).where(in_reach(stamp, Grid.id))
        self.reach = frozenset(db.session.scalars(reach))
        self._by_word: dict[str, list[GridKnown]] = {}  # villages call their grids alike
        for grid in self.grids.values():
            for word in {plain(grid.code), plain(grid.name)}:
                self._by_word.setdefault(word, []).append(grid)
        self._villages: dict[str, list[GridKnown]] = {}
        for grid in self.grids.values():
            for word in (grid.village, grid.village_code):
                self._villages.setdefault(plain(word), []).append(grid)
        beyond = select(Unit.name).where(
            Unit.level == Level.VILLAGE, Unit.code.not_in({each.village_code for each in self.grids.values()})
        )
        self._beyond = [name for name in db.session.scalars(beyond) if plain(name) not in self._villages]
        others = select(Grid.name, Grid.code).join(Unit, Unit.id == Grid.unit_id).where(Grid.active, Grid.id.not_in(self.grids))
        others = others.where(Unit.code.in_({each.village_code for each in self.grids.values()}))
        self._others = [(plain(name), code, name) for name, code in db.session.execute(others)]
        self._found: dict[tuple[str, str, str, str], Place] = {}

    def of(self, *, grid: str, village: str, sheet: str, title: str) -> Place:
        """Give the place of a row by what its columns, its sheet's name and the title say."""
        key = (grid, village, sheet, title)
        if key not in self._found:
            team = _TEAM.search(sheet)
            found = self._find(*key)
            self._found[key] = Place(found.grid_id, found.why, team[0] if team else "")
        return self._found[key]

    def _find(self, grid: str, village: str, sheet: str, title: str) -> Place:
        near = self._village(village) if village else self._village_in(sheet) or self._village_in(title)
        if village and not near:
            return Place(None, f"您负责的范围内没有“{village}”")
        if grid:
            exact = [each for each in self._by_word.get(plain(grid), ()) if not near or each in near]
            within = exact or [each for each in near or self.grids.values() if plain(each.name).endswith(plain(grid))]
            if len(within) == 1:
                return Place(within[0].id)
            one_of = f"“{grid}”不止一个，请写网格编码，或加一列“村”" if not near else f"“{grid}”不止一个，请写网格编码"
            return Place(None, one_of if within else f"您负责的范围内没有网格“{grid}”")
        for text in (sheet, title):
            named = [each for each in near or self.grids.values() if plain(each.name) in plain(text) or each.code in text]
            if len(named) == 1:
                return Place(named[0].id)
        other = next((name for name in self._beyond if plain(name) in plain(f"{sheet} {title}")), None)
        if other is not None and not near:
            return Place(None, f"您负责的范围内没有“{other}”")
        candidates = near or list(self.grids.values())
        if (others := self._others_in(sheet, title, candidates)) is not None:
            return Place(None, f"您负责的范围内没有网格“{others}”")
        if len(candidates) == 1:
            return Place(candidates[0].id)
        whose = f"“{candidates[0].village}”有 {len(candidates)} 个网格" if near else "不知道是哪个网格的"
        return Place(None, f"{whose}，请加一列“所属网格”，或把工作表改名为网格的名称")

    def _others_in(self, sheet: str, title: str, candidates: list[GridKnown]) -> str | None:
        """Give the grid of one's villages, beyond one's reach, that is named in full, or by a sheet of its last words."""
        short = plain(sheet)
        own = any(plain(each.name).endswith(short) for each in candidates)
        for words, code, name in self._others:
            if any(words in plain(text) or code in text for text in (sheet, title)):
                return name
            if not own and len(short) > 1 and words.endswith(short):
                return name
        return None

    def _village(self, word: str) -> list[GridKnown]:
        return self._villages.get(plain(word), [])

    def _village_in(self, text: str) -> list[GridKnown]:
        inside = [name for name in self._villages if name and name in plain(text)]
        return self._villages[max(inside, key=len)] if inside else []
