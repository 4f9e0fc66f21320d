"""Keeps who heads a household group and who cares for whom by a list: compared with what there is, written when all have come."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from app.core.bulk import insert_many
from app.core.database import db
from app.core.stamp import Stamp
from app.people.models import Resident, ResidentIdentity
from app.people.roster.lists.history import history_line
from app.people.roster.lists.matching import Where, among, name_index
from app.people.roster.lists.named_carers import Carer, NamedCarers, holds_post
from app.people.roster.models import Care, GroupHead, RosterChangeKind
from app.territory.models import Household

Told = list[tuple[Where, str]]
Who = tuple[int | None, int | None]
"""A carer: a member of staff or a resident."""


@dataclass(frozen=True, slots=True)
class HeadsSaid:
    """Which groups a resident heads; `complete`: and no others."""

    where: Where
    grid_id: int
    groups: frozenset[int]
    complete: bool


@dataclass(frozen=True, slots=True)
class CareSaid:
    """Who cares for a resident of a household; `complete`: and nobody else."""

    where: Where
    grid_id: int
    household_id: int
    carers: tuple[Carer, ...]
    complete: bool


@dataclass(slots=True)
class _Diff:
    """What is to be put and what is to end."""

    put: list[Any] = field(default_factory=list)
    end: list[Any] = field(default_factory=list)


@dataclass
class Ties:
    """What rows say of heads and carers that is other than it is; `named`: heads of groups, by name (group, blind index)."""

    heads: dict[int, HeadsSaid] = field(default_factory=dict)
    cares: dict[int, CareSaid] = field(default_factory=dict)
    named: dict[tuple[int, bytes], tuple[Where, int, str]] = field(default_factory=dict)

    def add(self, heads: dict[int, HeadsSaid], cares: dict[int, CareSaid]) -> None:
        """Keep of what rows say what differs; two queries."""
        led, cared = _led(heads), _cared(cares)
        self.heads |= {ident: said for ident, said in heads.items() if _differ(_of_heads(ident, said, led[ident]))}
        self.cares |= {ident: said for ident, said in cares.items() if _differ(_of_care(said, cared[ident]))}

    def __len__(self) -> int:
        """Give how many residents and groups it is about."""
        return len(self.heads) + len(self.cares) + len(self.named)

    def split_names(self) -> "Ties":
        """Take out, and give, what is said by names: whom it means is known when the whole list has been read."""
        later = Ties(cares={ident: said for ident, said in self.cares.items() if any(carer.name for carer in said.carers)})
        later.named, self.named = self.named, {}
        self.cares = {ident: said for ident, said in self.cares.items() if ident not in later.cares}
        return later

    def residents(self) -> set[int]:
        """Give the ids of those whom it is about."""
        carers = {carer.carer_id for said in self.cares.values() for carer in said.carers if carer.carer_id is not None}
        return {*self.heads, *self.cares, *carers}

    def groups(self) -> set[int]:
        """Give the ids of the groups that may get a head."""
        return {ident for said in self.heads.values() for ident in said.groups} | {group_id for group_id, _ in self.named}

    def leave(self, residents: Collection[int]) -> None:
        """Leave out what is said of some residents."""
        for ident in residents:
            self.heads.pop(ident, None)
            self.cares.pop(ident, None)

    def leave_groups(self, groups: Collection[int]) -> None:
        """Leave out groups that have ended."""
        if groups:
            self.heads = {ident: replace(said, groups=said.groups - set(groups)) for ident, said in self.heads.items()}
            self.named = {key: said for key, said in self.named.items() if key[0] not in groups}

    def write(self, stamp: Stamp, changes: list[dict[str, Any]], *, reach: frozenset[int]) -> tuple[Counter[str], Told]:
        """Write all of it, once those whom it is about are locked; gives the counts and what is to be told of rows."""
        counts, told = Counter[str](), Told()
        if not len(self):
            return counts, told
        named = _Named(self)
        self._write_heads(stamp, changes, named, counts, told)
        self._write_care(stamp, changes, named, reach, counts, told)
        return counts, told

    def _write_heads(self, stamp: Stamp, changes: list[dict[str, Any]], named: "_Named", counts: Counter[str], told: Told) -> None:
        led, diff = _led(self.heads, [group_id for group_id, _ in self.named]), _Diff()
        heading = {(row.resident_id, row.group_id) for rows in led.values() for row in rows}
        grids: dict[int, int] = {}
        for ident, said in self.heads.items():
            mine = _of_heads(ident, said, led[ident])
            diff.put += mine.put
            diff.end += mine.end
            grids |= {group_id: said.grid_id for _, group_id in mine.put}
            grids |= {row.group_id: said.grid_id for row in mine.end}
        for (group_id, index), (where, grid_id, name) in self.named.items():
            found, why = named.head(grid_id, group_id, index)
            grids[group_id] = grid_id
            if found is None:
                told.append((where, f"户长“{name}”{why}，请在“户长”一列标注本人，或在系统里指定"))
            elif (found, group_id) not in heading:
                diff.put.append((found, group_id))
        put = sorted(set(diff.put))
        rows = [{"group_id": group_id, "resident_id": ident, "since": stamp.at} for ident, group_id in put]
        insert_many(GroupHead, rows)
        _end(GroupHead, [row.id for row in diff.end], stamp.at)
        counts["heads_named"], counts["heads_ended"] = len(put), len(diff.end)
        said_of = [(RosterChangeKind.HEAD_NAMED, group_id, ident) for ident, group_id in put]
        said_of += [(RosterChangeKind.HEAD_ENDED, row.group_id, row.resident_id) for row in diff.end]
        changes += [_head_line(stamp, what, grids[group_id], group_id, ident) for what, group_id, ident in said_of]

    def _write_care(
        self,
        stamp: Stamp,
        changes: list[dict[str, Any]],
        named: "_Named",
        reach: frozenset[int],
        counts: Counter[str],
        told: Told,
    ) -> None:
        cared, fit = _cared(self.cares), _living(self.residents())
        put, lines, over = [], [], list[int]()
        staff = NamedCarers()
        for ident, said in self.cares.items():
            known = [carer for each in said.carers if (carer := self._resolved(ident, said, each, named, told)) is not None]
            caring = {(row.staff_id, row.carer_id) for row in cared[ident]}
            fitting = [carer for carer in known if (carer.staff_id, carer.carer_id) in caring or _may_care(carer, fit, reach)]
            if len(fitting) < len(known):
                told.append((said.where, "帮扶人里有人已不在岗、不在名册上，或不在您负责的范围内，未登记"))
            complete = said.complete and len(fitting) == len(said.carers)
            diff = _of_care(replace(said, carers=tuple(fitting), complete=complete), cared[ident])
            about = {"household_id": said.household_id, "resident_id": ident}
            for carer in diff.put:
                by = staff.as_what(carer)
                put.append({"resident_id": ident, "by": by, "staff_id": carer.staff_id, "carer_id": carer.carer_id,
                            "since": stamp.at})  # fmt: skip
                facts = {"by": by, "staff_id": carer.staff_id, "carer_id": carer.carer_id}
                lines.append(history_line(stamp, RosterChangeKind.CARE_PUT, said.grid_id, **about, **facts))
            for row in diff.end:
                over.append(row.id)
                lines.append(history_line(stamp, RosterChangeKind.CARE_ENDED, said.grid_id, **about, care_id=row.id))
        _end(Care, over, stamp.at)
        insert_many(Care, put)
        changes += lines
        counts["care_put"], counts["care_ended"] = len(put), len(over)
        touched = sorted({line["resident_id"] for line in lines})
        if touched:
            count_up = update(Resident).where(among(Resident.id, touched))
            count_up = count_up.values(version=Resident.version + 1, updated_at=stamp.at)
            db.session.execute(count_up, execution_options={"synchronize_session": False})

    def _resolved(self, ident: int, said: CareSaid, carer: Carer, named: "_Named", told: Told) -> Carer | None:
        """Give a carer as a member of staff or a resident; None, and why, where there is none of the name, or it is oneself."""
        if carer.name:
            found, why = named.carer(said.grid_id, said.household_id, carer.name, but=ident)
            if found is None:
                told.append((said.where, f"帮扶人“{carer.name}”{why}，未登记"))
                return None
            return replace(carer, carer_id=found)
        if carer.carer_id == ident:
            told.append((said.where, "不能自己帮扶自己，未登记"))
            return None
        return carer


class _Named:
    """The residents whom rows mean by their names, looked up at once."""

    def __init__(self, ties: Ties) -> None:
        """Look them up; one query."""
        self._index = {carer.name: name_index(carer.name) for said in ties.cares.values() for carer in said.carers if carer.name}
        indexes = sorted({*self._index.values(), *(index for _, index in ties.named)})
        grids = {said.grid_id for said in ties.cares.values()} | {grid_id for _, grid_id, _ in ties.named.values()}
        self._found: dict[tuple[int, bytes], list[Any]] = {}
        if not indexes:
            return
        columns = (Resident.id, Resident.grid_id, Resident.household_id, Household.group_id, ResidentIdentity.name_index)
        query = select(*columns).join(ResidentIdentity).join(Household, Household.id == Resident.household_id)
        where = (among(ResidentIdentity.name_index, indexes), among(Resident.grid_id, sorted(grids)), Resident.ended_at.is_(None))
        for row in db.session.execute(query.where(*where).order_by(Resident.id)):
            self._found.setdefault((row.grid_id, bytes(row.name_index)), []).append(row)

    def head(self, grid_id: int, group_id: int, index: bytes) -> tuple[int | None, str]:
        """Give the head of a group by name: of its own households, else of the grid; or why nobody is."""
        found = self._found.get((grid_id, index), [])
        return _only([row for row in found if row.group_id == group_id] or found)

    def carer(self, grid_id: int, household_id: int, name: str, *, but: int) -> tuple[int | None, str]:
        """Give a carer by name: of the household, else of the grid; or why nobody is."""
        found = [row for row in self._found.get((grid_id, self._index[name]), []) if row.id != but]
        return _only([row for row in found if row.household_id == household_id] or found)


def _only(rows: list[Any]) -> tuple[int | None, str]:
    if len(rows) == 1:
        return rows[0].id, ""
    return None, f"在这个网格有 {len(rows)} 位同名" if rows else "在这个网格的名册上没有找到"


def _led(residents: Collection[int], groups: Collection[int] = ()) -> defaultdict[int, list[Any]]:
    """Give resident → open headships: of these residents, and of whoever heads these groups."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    if residents or groups:
        columns = (GroupHead.id, GroupHead.resident_id, GroupHead.group_id)
        whose = or_(among(GroupHead.resident_id, sorted(residents)), among(GroupHead.group_id, sorted(set(groups))))
        for row in db.session.execute(select(*columns).where(whose, GroupHead.ended_at.is_(None)).order_by(GroupHead.id)):
            found[row.resident_id].append(row)
    return found


def _of_heads(ident: int, said: HeadsSaid, led: list[Any]) -> _Diff:
    now = {row.group_id: row for row in led}
    over = [row for group_id, row in now.items() if group_id not in said.groups] if said.complete else []
    return _Diff([(ident, group_id) for group_id in sorted(said.groups - now.keys())], over)


def _cared(residents: Collection[int]) -> defaultdict[int, list[Any]]:
    """Give resident → open care."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    if residents:
        columns = (Care.id, Care.resident_id, Care.by, Care.staff_id, Care.carer_id)
        query = select(*columns).where(among(Care.resident_id, sorted(residents)), Care.ended_at.is_(None))
        for row in db.session.execute(query.order_by(Care.id)):
            found[row.resident_id].append(row)
    return found


def _of_care(said: CareSaid, cared: list[Any]) -> _Diff:
    now: dict[Who | str, Any] = {(row.staff_id, row.carer_id): row for row in cared}
    wanted: dict[Who | str, Carer] = {
        carer.name if carer.name and carer.carer_id is None else (carer.staff_id, carer.carer_id): carer for carer in said.carers
    }
    put, end = [], []
    for who, carer in wanted.items():
        before = now.get(who)
        if before is None or carer.by not in (None, before.by):
            put.append(carer)
            end += [before] if before is not None else []
    end += [row for who, row in now.items() if who not in wanted] if said.complete else []
    return _Diff(put, end)


def _differ(diff: _Diff) -> bool:
    return bool(diff.put or diff.end)


def _may_care(carer: Carer, grids: dict[int, int], reach: frozenset[int]) -> bool:
    """Say whether somebody may be named as a carer: staff at a post, a resident who lives within reach."""
    return (
        holds_post(carer.staff_id) if carer.staff_id is not None else grids.get(carer.carer_id or 0, 0) in reach or bool(carer.name)
    )


def _living(residents: Collection[int]) -> dict[int, int]:
    """Give resident → grid of those who live on the roster."""
    query = select(Resident.id, Resident.grid_id).where(among(Resident.id, sorted(residents)), Resident.ended_at.is_(None))
    rows = db.session.execute(query.where(Resident.household_id.is_not(None)))
    return {row.id: row.grid_id or 0 for row in rows}


def _end(model: type[Care] | type[GroupHead], ids: list[int], at: datetime) -> None:
    if ids:
        over = update(model).where(among(model.id, ids)).values(ended_at=at)
        db.session.execute(over, execution_options={"synchronize_session": False})


def _head_line(stamp: Stamp, what: RosterChangeKind, grid_id: int, group_id: int, ident: int) -> dict[str, Any]:
    line = history_line(stamp, what, grid_id, group_id=group_id)
    return line | {"facts": {"resident_id": ident}}  # as the doors note it: the line is of the group
