"""Keeps to which household a list's rows belong, and which of its rows says who heads it, where it is, and of which group."""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from app.core.crypto import keyring
from app.core.database import db
from app.people.roster.lists.matching import Known, KnownHousehold, Met, Sought, Where, among
from app.people.roster.lists.named_groups import NamedGroups
from app.people.roster.lists.rows import HEAD, RowFault
from app.people.roster.lists.writing import Batch, HouseholdChange, NewHousehold
from app.territory.commands import household_index
from app.territory.models import HouseholdIdentity, HouseholdKind

OTHER_GRID = "属于另一个网格，请先在系统里办理整户迁移"
HEAD_BROKEN = "本户户主那一行有错误，请一起改好再导入"
STALE_HOME = "这一户的信息在导出之后有人改过，户主、住址、户类别和户区没有改动"

Key = tuple[str, int, bytes | str]


@dataclass
class Home:
    """The household of some rows: one of the ledger's or a new one; which row is its head's, and what a batch's rows say.

    `made_here`: by this list, so that nobody else can refer to it yet. `decided`: batches above have said who heads it and where.
    """

    id: int
    grid_id: int
    known: KnownHousehold | None
    made_here: bool
    group_id: int | None = None
    head: Where | None = None
    decided: bool = False
    said: list[Sought] = field(default_factory=list)


@dataclass
class Homes:
    """The households that a list has named so far."""

    groups: NamedGroups
    _by_key: dict[Key, Home] = field(default_factory=dict)
    _by_id: dict[int, Home] = field(default_factory=dict)
    _broken: dict[str, Key] = field(default_factory=dict)

    def met_before(self, rows: Sequence[Sought]) -> set[int]:
        """Give the ids of households that rows above have named already."""
        return {home.id for each in rows if (home := self._by_key.get(_key(each))) is not None}

    def count_new(self, rows: Sequence[Sought]) -> int:
        """Give how many households the rows may make, at most."""
        return len({_key(each) for each in rows} - self._by_key.keys())

    def find(self, each: Sought, known: Known | None, met: Met, ids: Iterator[int]) -> Home | RowFault:
        """Give the household of a row, or what is wrong with it."""
        key = _key(each, known)
        home = self._by_key.get(key)
        if home is None:
            there = self._known(each, known, met)
            if isinstance(there, RowFault):
                return there
            home = self._by_id.get(there.id) if there is not None else None
            if home is None and there is not None:
                home = Home(there.id, there.grid_id, there, made_here=False, group_id=there.group_id)
            elif home is None:
                home = Home(next(ids), each.row.grid_id, None, made_here=True)
            self._by_key[key] = self._by_id[home.id] = home
        return self._head_fault(each, known, home, key) or home

    def _known(self, each: Sought, known: Known | None, met: Met) -> KnownHousehold | RowFault | None:
        row, now = each.row, met.by_id.get((known.household_id if known else None) or 0)
        if row.household_id is not None:
            there = met.by_id.get(row.household_id)
            if there is None or there.grid_id != row.grid_id or there.ended:
                return RowFault("row_id", "您负责的范围内没有这个系统编号的户，请不要改动“系统编号”一列")
            if row.nobody and row.household_version not in (None, there.version):
                return RowFault("household_version", "这一户的信息在导出之后有人改过，请重新导出后再改")
            return there
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
            return now if now.id not in self._by_id else None
        return there

    def _head_fault(self, each: Sought, known: Known | None, home: Home, key: Key) -> RowFault | None:
        """Say why a second head of one household is none: two families would become one."""
        row, where = each.row, each.where
        if not row.is_head:
            return RowFault("relation", HEAD_BROKEN) if self._broken.get(row.sheet) == key else None
        self._broken.pop(row.sheet, None)
        together = HouseholdKind.COLLECTIVE in (row.kind, home.known.kind if home.known else None)
        here_as_head = known is not None and known.household_id == home.id and known.relation in HEAD
        if home.head in (None, where) or together or here_as_head or row.ended is not None:
            return None
        self._broken[row.sheet] = key
        assert home.head is not None
        sheet, line = home.head
        if each.code is not None:
            return RowFault("relation", f"户号与“{sheet}”第 {line} 行的户主相同，一户只有一位户主：请核对户号或与户主关系")
        return RowFault("relation", f"与“{sheet}”第 {line} 行的户主同名同住址，分不清是不是一户：请加上户号或门牌号")

    def settle(self, homes: Collection[Home], fresh: Batch, held: Batch) -> list[tuple[Where, str]]:
        """Plan what a batch's rows say of their households: new ones and what has changed; gives what is to be told of rows."""
        told: list[tuple[Where, str]] = []
        opened = _open([home for home in homes if home.known is not None and _may_differ(home)])
        for home in homes:
            if not home.said:
                continue
            # The row of the head decides, of two that of who is still here; else the first.
            home.said.sort(key=lambda each: (not each.row.is_head, each.row.ended is not None))
            self._plan(home, opened.get(home.id), fresh, held, told)
            home.decided, home.said = True, []
        return told

    def _plan(self, home: Home, opened: tuple[str, str] | None, fresh: Batch, held: Batch, told: list[tuple[Where, str]]) -> None:
        first, known = home.said[0], home.known
        if known is None:
            kind = next((each.row.kind for each in home.said if each.row.kind is not None), HouseholdKind.ORDINARY)
            home.group_id = self._group(home, home.said, told)
            fresh.enter_household(NewHousehold(home.id, first, kind, home.group_id))
            index = household_index(first.row.head_name, first.row.place)
            home.known = KnownHousehold(home.id, first.code or "", home.grid_id, kind, 1, False, index, home.group_id)
            return
        candidates = [each for each in home.said if each.row.own or each is first]
        if home.decided and not first.row.is_head:
            candidates = [each for each in candidates if each.row.own]
        current = [each for each in candidates if each.row.household_version in (None, known.version)]
        of_group = [each for each in home.said if each.row.household_version in (None, known.version)]
        if home.decided and home.group_id is not None:
            of_group = current
        kind = next((each.row.kind for each in current if each.row.kind not in (None, known.kind)), None) or known.kind
        group_id = self._group(home, of_group, told)
        head_name, place = opened or ("", "")
        sealed = []
        if opened is not None:
            for name, now in (("head_name", head_name), ("place", place)):
                others = (str(getattr(each.row, name)) for each in current if name not in each.row.masked)
                other = next((word for word in others if not _same(word, now)), None)
                if other is not None:
                    sealed.append(name)
                    head_name, place = (other, place) if name == "head_name" else (head_name, other)
        if len(current) < len(candidates) and self._lost(home, candidates, opened):
            told.append((first.where, STALE_HOME))
        if sealed or kind is not known.kind or group_id != known.group_id:
            held.change_household(HouseholdChange(first, known, kind, group_id, (head_name, place) if sealed else None, sealed))
            match_index = household_index(head_name, place) if sealed else known.match_index
            home.known, home.group_id = replace(known, kind=kind, group_id=group_id, match_index=match_index), group_id

    def _group(self, home: Home, said: Sequence[Sought], told: list[tuple[Where, str]]) -> int | None:
        """Give the group of a household: what its rows say that is other than it was, the first of them."""
        wanted: dict[int | None, Sought] = {}
        for each in said:
            if each.row.group is not None:
                wanted.setdefault(self.groups.make(home.grid_id, each.row.group) if each.row.group else None, each)
        other = [group_id for group_id in wanted if group_id != home.group_id]
        if len(other) > 1:
            told.append((wanted[other[1]].where, f"同一户的几行写了不同的户区，已按第 {wanted[other[0]].row.line} 行"))
        return other[0] if other else home.group_id

    def _lost(self, home: Home, candidates: Sequence[Sought], opened: tuple[str, str] | None) -> bool:
        known = home.known
        assert known is not None
        for each in candidates:
            row = each.row
            group_id = self.groups.find(home.grid_id, row.group) if row.group else None
            if row.kind not in (None, known.kind) or (row.group is not None and group_id != known.group_id):
                return True
            said = (("head_name", row.head_name), ("place", row.place))
            if opened and any(not _same(word, opened[name == "place"]) for name, word in said if name not in row.masked):
                return True
        return False


def _key(each: Sought, known: Known | None = None) -> Key:
    """Give what rows of one household have in common: its code; in our own export, where they live; else head and place."""
    if each.code is not None:
        return "code", 0, each.code
    if each.row.household_id is not None:
        return "id", each.row.household_id, ""
    if each.row.row_id is not None and known is not None and known.household_id is not None:
        return "id", known.household_id, ""
    return "match", each.row.grid_id, each.match_index


def _may_differ(home: Home) -> bool:
    assert home.known is not None
    both = {"head_name", "place"}
    return any(each.match_index != home.known.match_index and not both <= each.row.masked for each in home.said)


def _open(homes: Sequence[Home]) -> dict[int, tuple[str, str]]:
    """Give the heads and places of households in plain words, to be compared; one query."""
    if not homes:
        return {}
    columns = (HouseholdIdentity.household_id, HouseholdIdentity.head_name, HouseholdIdentity.place)
    where, ring = among(HouseholdIdentity.household_id, sorted(home.id for home in homes)), keyring()
    rows: Any = db.session.execute(select(*columns).where(where))
    return {
        ident: (ring.decrypt(head, field="household.head_name"), ring.decrypt(place, field="household.place"))
        for ident, head, place in rows
    }


def _same(one: str, other: str) -> bool:
    """Say whether two heads or places are the same, however they are spaced."""
    one, other = ("".join(unicodedata.normalize("NFKC", word).split()) for word in (one, other))
    return one == other
