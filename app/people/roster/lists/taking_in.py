"""Keeps what becomes of a list's rows: entered, changed, moved, ended or refused; decided row by row, written batch by batch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.clock import CHINA
from app.core.stamp import Stamp
from app.people.models import EndedBy
from app.people.roster.lists.homes import Home, Homes
from app.people.roster.lists.matching import Known, Met, Sought, Where, fresh_ids, meet
from app.people.roster.lists.named_carers import NamedCarers
from app.people.roster.lists.named_groups import NamedGroups
from app.people.roster.lists.naming import Taken, plan_tags, plan_ties
from app.people.roster.lists.rows import RowFault
from app.people.roster.lists.writing import Batch, write
from app.territory.models import HouseholdKind

ELSEWHERE = "这位居民已在本县其他网格登记"
CHANGED_MEANWHILE = "刚刚有人改过，请再导入一次"
MOST_REMARKS = 20_000
MOST_HELD = 10_000
"""So many changes of what others may be at work on wait for the list's end; with more, they are written in parts."""


@dataclass(frozen=True)
class Refused:
    """A row that was not taken: where it stands, its cells, and why."""

    sheet: str
    line: int
    cells: list[Any]
    faults: list[RowFault]


@dataclass(frozen=True)
class Remark:
    """What whoever handed a list in should know of a row that was taken."""

    sheet: str
    line: int
    words: str


@dataclass
class Gone:
    """Whom a list has taken off the roster, and why; and which households stand empty from now on."""

    residents: dict[int, EndedBy] = field(default_factory=dict)
    vacant: list[int] = field(default_factory=list)


@dataclass
class TakingIn:
    """One import at work: what it has seen so far, and what became of it.

    What is new to the ledger is written batch by batch, for nobody else can be at work on it. What changes rows of the ledger is
    held back to the end: those rows are then locked for a short while, in the order that all writers keep.
    """

    stamp: Stamp
    source: str
    reach: frozenset[int]
    counts: Counter[str] = field(default_factory=Counter)
    remarks: list[Remark] = field(default_factory=list)
    grids: set[int] = field(default_factory=set)
    touched: dict[int, Where] = field(default_factory=dict)
    gone: Gone = field(default_factory=Gone)
    entered: set[bytes] = field(default_factory=set)
    _numbers: dict[bytes, Where] = field(default_factory=dict)
    _names: dict[tuple[bytes, bytes | int], Where] = field(default_factory=dict)
    _groups: NamedGroups = field(default_factory=NamedGroups)
    _carers: NamedCarers = field(default_factory=NamedCarers)
    _held: Batch = field(default_factory=Batch)

    def __post_init__(self) -> None:
        """Begin without households."""
        self._homes = Homes(self._groups)

    def take(self, rows: Sequence[Sought]) -> list[Refused]:
        """Take a batch of rows in; give those that were refused. Some statements a batch, however many rows it has."""
        fresh, refused = Batch(), list[Refused]()
        met = meet(rows, also=self._homes.met_before(rows))
        self._groups.know({(each.row.grid_id, each.row.group) for each in rows if each.row.group})
        ids = iter(fresh_ids("resident_id_seq", len(rows)))
        home_ids = iter(fresh_ids("household_id_seq", self._homes.count_new(rows)))
        taken: list[Taken] = []
        for each in rows:
            fault = self._take(each, met, fresh, ids, home_ids, taken)
            if fault is not None:
                refused.append(_refused(each, fault))
        told = self._homes.settle(list({one.home.id: one.home for one in taken}.values()), fresh, self._held)
        today = self.stamp.at.astimezone(CHINA).date()
        told += plan_tags(taken, source=self.source, today=today, fresh=fresh, held=self._held)
        told += plan_ties(taken, groups=self._groups, carers=self._carers, held=self._held)
        for where, words in told:
            self._note(where, [words])
        self.counts["groups_new"] += self._groups.write(self.stamp)
        self._write(fresh)
        return refused + (self.settle(more=True) if self._held.size >= MOST_HELD else [])

    def settle(self, *, more: bool = False) -> list[Refused]:
        """Write what was held back, but for names where there is `more` to come; give the rows of what has changed meanwhile."""
        held, self._held = self._held, Batch()
        if more:
            self._held.ties = held.ties.split_names()
        return self._write(held)

    def _write(self, batch: Batch) -> list[Refused]:
        written = write(self.stamp, batch, reach=self.reach)
        for where, words in written.told:
            self._note(where, [words])
        self._held.ties.leave(written.stale)
        self.gone.residents |= {ident: each.row.ended for ident, (each, _) in batch.ending.items() if each.row.ended is not None}
        numbered = [new for new, _, _ in batch.entered]
        numbered += [ch.each for ch in batch.changing.values() if "id_number" in ch.sealed or ch.known.household_id is None]
        self.entered |= {each.id_index for each in numbered if each.id_index is not None}
        changed = batch.changed_households.values()
        self.gone.vacant += [change.known.id for change in changed if change.kind is HouseholdKind.VACANT]
        self.counts.update(batch.counts)
        return [_refused(each, RowFault("", CHANGED_MEANWHILE)) for each in written.stale.values()]

    def _take(
        self,
        each: Sought,
        met: Met,
        fresh: Batch,
        ids: Iterator[int],
        home_ids: Iterator[int],
        taken: list[Taken],
    ) -> RowFault | None:
        row, where = each.row, each.where
        self.grids.add(row.grid_id)
        twin = self._numbers.setdefault(each.id_index, where) if each.id_index is not None else where
        if twin != where:
            return RowFault("id_number", f"与“{twin[0]}”第 {twin[1]} 行的身份证号相同")
        group = self._groups.find(row.grid_id, row.group) if row.group else None
        known = self._by_number(each, met) if not isinstance(group, RowFault) else group
        if isinstance(known, RowFault):
            return known
        home = self._homes.find(each, known, met, home_ids)
        if isinstance(home, RowFault):
            return home
        if row.nobody:
            home.said.append(each)
            taken.append(Taken(each, home, None, None))
            return None
        known = known or self._by_name(each, home, met)
        if isinstance(known, RowFault):
            return known
        name: tuple[bytes, bytes | int] = (each.name_index, each.phone_index or home.id)
        if each.id_index is None and "name" not in row.masked:
            twin = self._names.setdefault(name, where)
            if twin != where:
                return RowFault("name", f"与“{twin[0]}”第 {twin[1]} 行的姓名和{'电话' if each.phone_index else '户'}相同")
        if known is not None and (twin := self.touched.setdefault(known.id, where)) != where:
            return RowFault("name", f"与“{twin[0]}”第 {twin[1]} 行是同一位居民")
        self._note(where, row.remarks)
        if known is None and row.ended is not None:
            self._held.counts["residents_skipped"] += 1
            self._note(where, ["注明已去世或迁出，名册上没有这位居民，未导入"])
            return None
        home.said.append(each)
        if row.is_head and row.ended is None:
            home.head = home.head or where
        ident = known.id if known is not None else next(ids)
        taken.append(Taken(each, home, ident, known))
        if known is None:
            self.touched[ident] = where
            (fresh if home.made_here else self._held).enter(each, ident, home.id)
            self._expect(home)
        else:
            self._compare(each, known, home, where)
        return None

    def _expect(self, home: Home) -> None:
        """Hold that a household of the ledger is still as it was when somebody is written into it."""
        if home.known is not None and not home.made_here:
            self._held.homes[home.id] = home.known.version

    def _by_number(self, each: Sought, met: Met) -> Known | RowFault | None:
        """Give whom a row means by the number of our own export or by ID number."""
        row = each.row
        if row.row_id is not None:
            known = met.by_row.get(row.row_id)
            if known is None or known.grid_id not in self.reach:
                return RowFault("row_id", "您负责的范围内没有这个系统编号的居民，请不要改动“系统编号”一列")
            if known.ended_by is not None:
                return RowFault("row_id", "这位居民在导出之后已从名册注销")
            if row.row_version is not None and row.row_version != known.version:
                return RowFault("row_version", "这位居民的信息在导出之后有人改过，请重新导出后再改")
            others = [one for one in met.by_number.get(each.id_index or b"", ()) if one.id != known.id and _lives(one)]
            return RowFault("id_number", "这个身份证号已登记给另一位居民") if others else known
        candidates = met.by_number.get(each.id_index or b"", [])
        living = next((known for known in candidates if _lives(known)), None)
        if living is not None and living.grid_id not in self.reach:
            return RowFault("id_number", ELSEWHERE)
        if living is not None and living.name_index != each.name_index:
            return RowFault("name", "名册上这个身份证号登记的是另一个姓名，请核对；确实改了名字的，请在系统里修改")
        if living is not None:
            return living
        gone = next((known for known in candidates if known.ended_by is not None and known.grid_id in self.reach), None)
        if gone is not None and row.ended is None and gone.ended_by is not EndedBy.DUPLICATE:
            how = "去世" if gone.ended_by is EndedBy.DECEASED else "迁出"
            return RowFault("id_number", f"名册上这位居民已经{how}，请先在系统里恢复")
        loose = (known for known in candidates if known.household_id is None and known.ended_by is None and not known.declared)
        return next((known for known in loose if known.name_index == each.name_index), None)

    def _by_name(self, each: Sought, home: Home, met: Met) -> Known | RowFault | None:
        """Give whom a row without a known ID number means: of that name in the household, else of that name and phone."""
        for known in met.members.get(home.id, ()):
            other = known.id_index is not None and each.id_index is not None
            if known.name_index == each.name_index and not other and known.id not in self.touched:
                return known
        if each.id_index is not None or each.phone_index is None:
            return None
        found = met.by_phone.get((each.name_index, each.phone_index), [])
        if len(found) == 1:
            return found[0] if found[0].grid_id in self.reach else RowFault("phone", ELSEWHERE)
        return None

    def _compare(self, each: Sought, known: Known, home: Home, where: Where) -> None:
        """Plan what a row changes of a resident: what it leaves blank stays."""
        row, given, batch = each.row, each.row.given, self._held
        if row.ended is not None:
            batch.end(each, known)
            return
        fresh = {"sex": given.sex, "birth_month": given.birth_month, "relation": given.relation}
        values = {name: value for name, value in fresh.items() if value is not None and value != getattr(known, name)}
        sealed = [
            name
            for name, index, before in (
                ("name", each.name_index, known.name_index),
                ("phone", each.phone_index, known.phone_index),
                ("id_number", each.id_index, known.id_index),
            )
            if index is not None and index != before and name not in row.masked
        ]
        moved = home.id != known.household_id
        if moved and known.household_id is not None:
            self._note(where, ["名册上原在另一户，已迁到这一户"])
        if values or sealed or moved:
            batch.change(each, known, home.id, values=values, sealed=sealed)
            if moved:
                self._expect(home)
        else:
            batch.counts["residents_unchanged"] += 1

    def _note(self, where: Where, remarks: Sequence[str]) -> None:
        if len(self.remarks) < MOST_REMARKS:
            self.remarks += [Remark(*where, words) for words in remarks]


def _refused(each: Sought, fault: RowFault) -> Refused:
    return Refused(each.row.sheet, each.row.line, each.cells, [fault])


def _lives(known: Known) -> bool:
    return known.household_id is not None and known.ended_by is None
