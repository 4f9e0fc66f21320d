"""Keeps what becomes of a list's rows: entered, changed, moved, ended or refused; decided row by row, written batch by batch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.clock import CHINA
from app.core.stamp import Stamp
from app.people.models import EndedBy
from app.people.roster.lists.matching import Known, KnownHousehold, Met, Sought, fresh_ids, meet, open_tags
from app.people.roster.lists.rows import HEAD, RowFault
from app.people.roster.lists.writing import Batch, write
from app.people.roster.tags import population, until
from app.territory.models import HouseholdKind

ELSEWHERE = "这位居民已在本县其他网格登记"
OTHER_GRID = "属于另一个网格，请先在系统里办理整户迁移"
MOST_REMARKS = 20_000
SOURCE = "名册导入："
"""With this begins the source of a naming that comes from a list."""

Where = tuple[str, int]
Key = tuple[str, int, bytes | str]


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
class Home:
    """The household of some rows: one of the ledger's or a new one."""

    id: int
    known: KnownHousehold | None


@dataclass
class Gone:
    """Whom a list has taken off the roster, and why; and which households stand empty from now on."""

    residents: dict[int, EndedBy] = field(default_factory=dict)
    vacant: list[int] = field(default_factory=list)


@dataclass
class TakingIn:
    """One import at work: what it has seen so far, and what became of it."""

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
    _homes: dict[Key, Home] = field(default_factory=dict)
    _claimed: set[int] = field(default_factory=set)

    def take(self, rows: Sequence[Sought]) -> list[Refused]:
        """Take a batch of rows in; give those that were refused. Some statements a batch, however many rows it has."""
        batch, refused = Batch(), list[Refused]()
        homes = {home.id for each in rows if (home := self._homes.get(_key(each))) is not None}
        met = meet(rows, also=homes)
        ids = iter(fresh_ids("resident_id_seq", len(rows)))
        home_ids = iter(fresh_ids("household_id_seq", len({_key(each) for each in rows} - self._homes.keys())))
        for each in rows:
            fault = self._take(each, met, batch, ids, home_ids)
            if fault is not None:
                refused.append(Refused(each.row.sheet, each.row.line, each.cells, [fault]))
        self._plan_tags(batch)
        for stale in write(self.stamp, batch):
            refused.append(Refused(stale.row.sheet, stale.row.line, stale.cells, [RowFault("", "刚刚有人改过，请再导入一次")]))
        self.gone.residents |= {ident: each.row.ended for ident, (each, _) in batch.ending.items() if each.row.ended is not None}
        numbered = [new for new, _, _ in batch.entered]
        numbered += [ch.each for ch in batch.changing.values() if "id_number" in ch.sealed or ch.known.household_id is None]
        self.entered |= {each.id_index for each in numbered if each.id_index is not None}
        changed = batch.changed_households.items()
        self.gone.vacant += [ident for ident, (each, _, _) in changed if each.row.kind is HouseholdKind.VACANT]
        self.counts.update(batch.counts)
        return refused

    def _take(self, each: Sought, met: Met, batch: Batch, ids: Any, home_ids: Any) -> RowFault | None:
        row, where = each.row, (each.row.sheet, each.row.line)
        self.grids.add(row.grid_id)
        twin = self._numbers.setdefault(each.id_index, where) if each.id_index is not None else where
        if twin != where:
            return RowFault("id_number", f"与“{twin[0]}”第 {twin[1]} 行的身份证号相同")
        known = self._by_number(each, met)
        if isinstance(known, RowFault):
            return known
        home = self._home(each, known, met, batch, home_ids)
        if isinstance(home, RowFault):
            return home
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
            batch.counts["residents_skipped"] += 1
            self._note(where, ["注明已去世或迁出，名册上没有这位居民，未导入"])
        elif known is None:
            ident = next(ids)
            self.touched[ident] = where
            batch.enter(each, ident, home.id)
        else:
            self._compare(each, known, home, batch, where)
        return None

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

    def _home(self, each: Sought, known: Known | None, met: Met, batch: Batch, home_ids: Any) -> Home | RowFault:
        key, row = _key(each, known), each.row
        home = self._homes.get(key)
        if home is not None:
            return home
        there = self._known_home(each, known, met)
        if isinstance(there, RowFault):
            return there
        if there is None:
            home = Home(next(home_ids), None)
            batch.enter_household(each, home.id)
        else:
            home = Home(there.id, there)
            resealed = there.match_index != each.match_index and not row.masked & {"head_name", "place"}
            if resealed or (row.kind is not None and row.kind is not there.kind):
                batch.change_household(each, there, resealed=resealed)
        self._homes[key] = home
        self._claimed.add(home.id)
        return home

    def _known_home(self, each: Sought, known: Known | None, met: Met) -> KnownHousehold | RowFault | None:
        row, now = each.row, met.by_id.get((known.household_id if known else None) or 0)
        if each.code is not None:
            # A household keeps its code when it moves: as it is written it is looked for first, and only then as the village's own.
            there = met.by_code.get(each.code_as_written or "") or met.by_code.get(each.code)
            if there is not None and there.grid_id != row.grid_id:
                return RowFault("household", f"这个户号{OTHER_GRID}")
            if there is not None and there.ended:
                return RowFault("household", "这个户号已经注销")
            return there
        if now is not None and row.row_id is not None and not now.ended:  # our own export without its column of codes
            return now if now.grid_id == row.grid_id else RowFault("grid", f"这一户{OTHER_GRID}")
        there = met.by_match.get((row.grid_id, each.match_index))
        is_head = row.given.relation in HEAD or row.given.person.name == row.head_name
        if there is None and now is not None and is_head and now.grid_id == row.grid_id and not now.ended:
            return now if now.id not in self._claimed else None
        return there

    def _compare(self, each: Sought, known: Known, home: Home, batch: Batch, where: Where) -> None:
        """Plan what a row changes of a resident: what it leaves blank stays."""
        row, given = each.row, each.row.given
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
        else:
            batch.unchanged(each, known)

    def _plan_tags(self, batch: Batch) -> None:
        """Plan the populations that rows name: new ones, those whose term begins anew, and those that are denied."""
        today = self.stamp.at.astimezone(CHINA).date()
        open_now: dict[tuple[int, int], Any] = {}
        named = [ident for ident, each in batch.rows.items() if each.row.tags or each.row.no_tags]
        for tag in open_tags(named) if named else ():
            open_now[tag.resident_id, tag.tag_id] = tag
        for ident in named:
            row = batch.rows[ident].row
            for code in sorted(row.tags):
                facts = population(code)
                last, old = until(facts, today), open_now.get((ident, facts.id))
                if old is not None and row.row_id is not None:
                    continue  # our own export says who belongs, and nothing of since when, by whom or until when
                if old is None or (last is not None and old.expires_on is not None and (last - old.expires_on).days > 30):
                    batch.put_tag(
                        ident, facts, source=self.source, since=today, expires_on=last, instead_of=old.id if old else None
                    )
                    if old is not None and not old.source.startswith(SOURCE):
                        words = f"“{facts.name}”原来按“{old.source}”到 {old.expires_on}，已改按这份名单续到 {last}"
                        self._note((row.sheet, row.line), [words])
            for code in sorted(row.no_tags - row.tags):
                facts = population(code)
                old = open_now.get((ident, facts.id))
                if old is not None:
                    batch.end_tag(ident, facts, old.id)

    def _note(self, where: Where, remarks: Sequence[str]) -> None:
        if len(self.remarks) < MOST_REMARKS:
            self.remarks += [Remark(*where, words) for words in remarks]


def _key(each: Sought, known: Known | None = None) -> Key:
    """Give what rows of one household have in common: its code; in our own export, where they live; else head and place."""
    if each.code is not None:
        return "code", 0, each.code
    if each.row.row_id is not None and known is not None and known.household_id is not None:
        return "id", known.household_id, ""
    return "match", each.row.grid_id, each.match_index


def _lives(known: Known) -> bool:
    return known.household_id is not None and known.ended_by is None
