"""Keeps how the rows of a list meet the roster: whole batches looked up at once, by blind indexes, never a query a row."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Row, and_, any_, exists, func, literal, select

from app.core.crypto import keyring
from app.core.database import db
from app.people.models import EndedBy, Resident, ResidentIdentity, Sex, WechatAccount
from app.people.roster.lists.rows import PersonRow
from app.people.roster.models import ResidentTag
from app.territory.commands import household_index
from app.territory.models import Household, HouseholdIdentity, HouseholdKind

Where = tuple[str, int]
"""Sheet and line."""


@dataclass(frozen=True, slots=True)
class Known:
    """A resident as the ledger has it, without a word of who it is."""

    id: int
    household_id: int | None
    grid_id: int | None
    version: int
    sex: Sex | None
    birth_month: date | None
    relation: str | None
    ended_by: EndedBy | None
    declared: bool
    name_index: bytes | None
    phone_index: bytes | None
    id_index: bytes | None


@dataclass(frozen=True, slots=True)
class KnownHousehold:
    """A household as the ledger has it."""

    id: int
    code: str
    grid_id: int
    kind: HouseholdKind
    version: int
    ended: bool
    match_index: bytes | None
    group_id: int | None


@dataclass(slots=True)
class Sought:
    """A row with the blind indexes by which its person and its household are looked for."""

    row: PersonRow
    cells: list[Any]
    name_index: bytes
    phone_index: bytes | None
    id_index: bytes | None
    match_index: bytes
    code: str | None
    code_as_written: str | None

    @property
    def where(self) -> Where:
        """Give where the row stands."""
        return self.row.sheet, self.row.line


@dataclass
class Met:
    """What the ledger knows of a batch."""

    by_row: dict[int, Known] = field(default_factory=dict)
    by_number: dict[bytes, list[Known]] = field(default_factory=dict)
    by_phone: dict[tuple[bytes, bytes], list[Known]] = field(default_factory=dict)
    members: dict[int, list[Known]] = field(default_factory=dict)
    by_code: dict[str, KnownHousehold] = field(default_factory=dict)
    by_match: dict[tuple[int, bytes], KnownHousehold] = field(default_factory=dict)
    by_id: dict[int, KnownHousehold] = field(default_factory=dict)


def sought(row: PersonRow, cells: list[Any], grid_code: str, *, above: Sought | None = None) -> Sought:
    """Give a row with its indexes; the household's is that of the row above where it is the same."""
    same = above is not None and (above.row.head_name, above.row.place) == (row.head_name, row.place)
    match_index = above.match_index if above is not None and same else household_index(row.head_name, row.place)
    ring, person = keyring(), row.given.person
    code = "".join(row.household.split()) or None
    return Sought(
        row,
        cells,
        ring.blind(person.name or "", field="name"),
        ring.blind(person.phone, field="phone") if person.phone else None,
        ring.blind(person.id_number, field="id_number") if person.id_number else None,
        match_index,
        code if code is None or code.startswith(grid_code) else f"{grid_code}-{code}",
        code,
    )


def name_index(name: str) -> bytes:
    """Give the blind index of a name."""
    return keyring().blind(name, field="name")


def meet(batch: Sequence[Sought], *, also: Collection[int] = ()) -> Met:
    """Look up whom and what the rows of a batch may be, with who lives in the households `also`; a handful of queries."""
    met = Met()
    for known in _residents(among(Resident.id, sorted({each.row.row_id for each in batch if each.row.row_id is not None}))):
        met.by_row[known.id] = known
    numbers = sorted({each.id_index for each in batch if each.id_index is not None})
    for known in _residents(among(ResidentIdentity.id_number_index, numbers)) if numbers else ():
        met.by_number.setdefault(known.id_index or b"", []).append(known)
    _meet_by_phone(met, batch)
    _meet_households(met, batch)
    homes = sorted({*met.by_id, *also})
    living = and_(among(Resident.household_id, homes), Resident.ended_at.is_(None))
    for known in _residents(living) if homes else ():
        met.members.setdefault(known.household_id or 0, []).append(known)
    return met


def _meet_by_phone(met: Met, batch: Iterable[Sought]) -> None:
    phones = sorted({each.phone_index for each in batch if each.id_index is None and each.phone_index is not None})
    on_roster = and_(Resident.household_id.is_not(None), Resident.ended_at.is_(None))
    for known in _residents(and_(among(ResidentIdentity.phone_index, phones), on_roster)) if phones else ():
        if known.name_index is not None and known.phone_index is not None:
            met.by_phone.setdefault((known.name_index, known.phone_index), []).append(known)


def _meet_households(met: Met, batch: Sequence[Sought]) -> None:
    codes = {code for each in batch for code in (each.code, each.code_as_written) if code}
    matches = {each.match_index for each in batch if each.code is None}
    lived = {known.household_id for each in met.by_number.values() for known in each if known.household_id}
    lived |= {known.household_id for known in met.by_row.values() if known.household_id}
    lived |= {each.row.household_id for each in batch if each.row.household_id}
    ways: list[ColumnElement[bool]] = []
    ways += [among(Household.code, sorted(codes))] if codes else []
    ways += [and_(among(HouseholdIdentity.match_index, sorted(matches)), Household.ended_at.is_(None))] if matches else []
    ways += [among(Household.id, sorted(lived))] if lived else []
    columns = (Household.id, Household.code, Household.grid_id, Household.kind, Household.version, Household.ended_at)
    for way in ways:
        query = (
            select(*columns, Household.group_id, HouseholdIdentity.match_index)
            .join(HouseholdIdentity)
            .where(way)
            .order_by(Household.id)
        )
        for row in db.session.execute(query):
            found = _household(row)
            met.by_id[found.id] = met.by_code[found.code] = found
            if found.match_index is not None and not found.ended:
                met.by_match.setdefault((found.grid_id, found.match_index), found)


def _household(row: Any) -> KnownHousehold:
    index = bytes(row.match_index) if row.match_index is not None else None
    return KnownHousehold(row.id, row.code, row.grid_id, row.kind, row.version, row.ended_at is not None, index, row.group_id)


def _residents(where: ColumnElement[bool]) -> list[Known]:
    declared = exists().where(WechatAccount.resident_id == Resident.id)
    columns = (
        Resident.id, Resident.household_id, Resident.grid_id, Resident.version, Resident.sex, Resident.birth_month,
        Resident.relation, Resident.ended_by, declared, ResidentIdentity.name_index, ResidentIdentity.phone_index,
        ResidentIdentity.id_number_index,
    )  # fmt: skip
    query = select(*columns).join(ResidentIdentity).where(where).order_by(Resident.id)
    return [Known(*row[:9], *(bytes(each) if each is not None else None for each in row[9:])) for row in db.session.execute(query)]


def fresh_ids(sequence: str, count: int) -> list[int]:
    """Give so many ids of a table, before its rows are written."""
    query = select(func.nextval(sequence)).select_from(func.generate_series(1, count).alias("n"))
    return list(db.session.scalars(query)) if count else []


def open_tags(resident_ids: Collection[int]) -> list[Row[Any]]:
    """Give the tags of residents that have not ended: id, resident, population, first and last day, source."""
    columns = (ResidentTag.id, ResidentTag.resident_id, ResidentTag.tag_id, ResidentTag.since, ResidentTag.expires_on)
    query = select(*columns, ResidentTag.source).where(
        among(ResidentTag.resident_id, sorted(resident_ids)), ResidentTag.ended_at.is_(None)
    )
    return list(db.session.execute(query))


def among(column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """Give the condition that a column is one of many values, which travel as one array: the statement is always the same."""
    return column == any_(literal(list(values), ARRAY(column.type)))  # type: ignore[no-any-return]
