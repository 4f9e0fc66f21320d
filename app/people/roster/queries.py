"""Keeps what is shown of the roster: grids, households with who lives there, and how somebody is found; all of it masked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import joinedload

from app.core.clock import CHINA
from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Invalid
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.people.identity import Person, clean_person, masked, open_person, unmask
from app.people.models import EndedBy, Resident, ResidentIdentity, Sex, Staff
from app.people.roster.care import CareShown, care_of
from app.people.roster.commands import open_household
from app.people.roster.groups import HeadShown, heads_of
from app.people.roster.models import RosterChange, RosterChangeKind
from app.people.roster.scope import GroupNotFound, find_household, find_resident, in_reach
from app.people.roster.tags import TagHeld, belonging, living, tags_of
from app.territory.models import Grid, Household, HouseholdGroup, HouseholdKind, Unit

FOUND_MOST = 50


class NothingToFindBy(Invalid):
    """请填写姓名、电话或身份证号中的一项"""


class NoSuchPhone(Invalid):
    """没有登记电话"""


@dataclass(frozen=True, kw_only=True)
class ResidentShown:
    """A resident of a household, masked, with the populations that they belong to and who cares for them."""

    id: int
    household_id: int
    grid: str
    name: str | None
    phone: str | None
    id_number: str | None
    sex: Sex | None
    birth_month: date | None
    relation: str | None
    version: int
    updated_at: datetime
    ended_at: datetime | None
    ended_by: EndedBy | None
    tags: list[TagHeld]
    carers: list[CareShown]


@dataclass(frozen=True, kw_only=True)
class HouseholdShown:
    """A household, masked: the head's name and the place without its numbers; its group with its heads; who lives there."""

    id: int
    code: str
    grid: str
    grid_name: str
    kind: HouseholdKind
    group: str | None
    group_name: str | None
    heads: list[HeadShown]
    head_name: str | None
    place: str
    version: int
    updated_at: datetime
    ended_at: datetime | None
    residents: list[ResidentShown]


def own_grids(stamp: Stamp) -> list[Any]:
    """Give the grids (code, name, unit) within the actor's reach, by code."""
    query = select(Grid.code, Grid.name, Unit.name.label("unit")).join(Unit, Unit.id == Grid.unit_id)
    return list(db.session.execute(query.where(Grid.active, in_reach(stamp, Grid.id)).order_by(Grid.code)))


def own_households(
    stamp: Stamp,
    *,
    grid: str | None = None,
    group: str | None = None,
    tag: str | None = None,
    kind: HouseholdKind | None = None,
    code: str | None = None,
    ended: bool = False,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[HouseholdShown]:
    """Give the households within reach by code: of a grid, a group, a kind, with somebody of a population, of one code.

    `ended`: those taken off the roster too. A code without the grid's before it is looked for in the grid that is named. What is
    beyond one's reach is as empty as what is not there. Raises TagNotFound.
    """
    query = select(Household).where(in_reach(stamp, Household.grid_id)).options(joinedload(Household.identity))
    if grid is not None:
        query = query.where(Household.grid_id == select(Grid.id).where(Grid.code == grid).scalar_subquery())
    if group is not None:
        query = query.where(Household.group_id == select(HouseholdGroup.id).where(HouseholdGroup.code == group).scalar_subquery())
    if kind is not None:
        query = query.where(Household.kind == kind)
    if code is not None:
        query = query.where(Household.code.in_([code, *([f"{grid}-{code}"] if grid is not None else [])]))
    if tag is not None:
        query = query.where(exists().where(Resident.household_id == Household.id, belonging(tag, _today(stamp))))
    if not ended:
        query = query.where(Household.ended_at.is_(None))
    rows = list(db.session.scalars(paged(query, key=[(Household.code, False)], cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda household: (household.code,))
    return Page(households_shown(stamp, page.items), page.next_cursor)


def own_household(stamp: Stamp, household_id: int) -> HouseholdShown:
    """Give a household within reach; raises HouseholdNotFound, also for one elsewhere."""
    return households_shown(stamp, [find_household(stamp, household_id)])[0]


def own_resident(stamp: Stamp, resident_id: int) -> ResidentShown:
    """Give a resident within reach; raises ResidentNotFound, also for one elsewhere."""
    return residents_shown(stamp, [find_resident(stamp, resident_id)])[0]


def find_people(
    stamp: Stamp, *, name: str | None = None, phone: str | None = None, id_number: str | None = None
) -> list[ResidentShown]:
    """Give the residents within reach with exactly this name, phone or ID number (all that are given), FOUND_MOST at most.

    Raises NothingToFindBy, WrongIdentity.
    """
    person, ring = clean_person(Person(name, phone, id_number)), keyring()
    given = {field: getattr(person, field) for field in ("name", "phone", "id_number") if getattr(person, field)}
    if not given:
        raise NothingToFindBy
    query = select(Resident).join(ResidentIdentity).where(living(_today(stamp)), in_reach(stamp, Resident.grid_id))
    for field, value in given.items():
        query = query.where(getattr(ResidentIdentity, f"{field}_index") == ring.blind(value, field=field))
    query = query.options(joinedload(Resident.identity)).order_by(Resident.id).limit(FOUND_MOST)
    return residents_shown(stamp, db.session.scalars(query).all())


def residents_page(
    stamp: Stamp, *, tag: str | None = None, grid: str | None = None, cursor: str | None = None, limit: int = LIMIT
) -> Page[ResidentShown]:
    """Give the residents within reach by id: of a population, of a grid. Raises TagNotFound."""
    today = _today(stamp)
    query = select(Resident).where(living(today), in_reach(stamp, Resident.grid_id)).options(joinedload(Resident.identity))
    if tag is not None:
        query = query.where(belonging(tag, today))
    if grid is not None:
        query = query.where(Resident.grid_id == select(Grid.id).where(Grid.code == grid).scalar_subquery())
    rows = db.session.scalars(paged(query, key=[(Resident.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda resident: [resident.id])
    return Page(residents_shown(stamp, page.items), page.next_cursor)


def dial_resident(stamp: Stamp, resident_id: int, *, reason: str) -> str:
    """Give the plain phone of a resident within reach, put on record with the reason. Raises ResidentNotFound, NoSuchPhone."""
    find_resident(stamp, resident_id)
    phone = unmask(stamp, resident_id, fields=("phone",), reason=f"roster: {reason}").phone
    if phone is None:
        raise NoSuchPhone
    return phone


def _today(stamp: Stamp) -> date:
    return stamp.at.astimezone(CHINA).date()


def households_shown(stamp: Stamp, households: Sequence[Household]) -> list[HouseholdShown]:
    """Give households as they are shown, with who lives there now; the number of queries does not grow with them."""
    ids = [household.id for household in households]
    query = select(Resident).where(Resident.household_id.in_(ids), Resident.ended_at.is_(None)).order_by(Resident.id)
    residents = residents_shown(stamp, db.session.scalars(query.options(joinedload(Resident.identity))).all())
    names = select(Grid.id, Grid.code, Grid.name).where(Grid.id.in_({household.grid_id for household in households}))
    grids = {row.id: row for row in db.session.execute(names)}
    group_ids = sorted({household.group_id for household in households if household.group_id is not None})
    heads = heads_of(group_ids) if group_ids else {}
    named = select(HouseholdGroup).where(HouseholdGroup.id.in_(group_ids))
    groups = {row.id: row for row in db.session.scalars(named)} if group_ids else {}
    shown = []
    for household in households:
        head, place = open_household(household)
        group = groups.get(household.group_id or 0)
        shown.append(
            HouseholdShown(
                id=household.id,
                code=household.code,
                grid=grids[household.grid_id].code,
                grid_name=grids[household.grid_id].name,
                kind=household.kind,
                group=group.code if group else None,
                group_name=group.name if group else None,
                heads=heads.get(household.group_id or 0, []),
                head_name=masked(Person(name=head)).name,
                place=masked_place(place),
                version=household.version,
                updated_at=household.updated_at,
                ended_at=household.ended_at,
                residents=[resident for resident in residents if resident.household_id == household.id],
            )
        )
    return shown


def masked_place(place: str) -> str:
    """Give a place without its numbers: `柳林村一组 ** 号`."""
    return re.sub(r"\d+", "**", place)


def residents_shown(stamp: Stamp, residents: Sequence[Resident]) -> list[ResidentShown]:
    """Give residents as they are shown, masked; the number of queries does not grow with them."""
    ids = [resident.id for resident in residents]
    tags, carers = tags_of(ids, _today(stamp)), care_of(ids) if ids else {}
    codes = select(Grid.id, Grid.code).where(Grid.id.in_({resident.grid_id for resident in residents}))
    grids: dict[int, str] = {row.id: row.code for row in db.session.execute(codes)} if ids else {}
    same = ("id", "sex", "birth_month", "relation", "version", "updated_at", "ended_at", "ended_by")
    shown = []
    for resident in residents:
        person = masked(open_person(resident.identity))
        shown.append(
            ResidentShown(
                **{name: getattr(resident, name) for name in same},
                household_id=resident.household_id or 0,
                grid=grids.get(resident.grid_id or 0, ""),
                name=person.name,
                phone=person.phone,
                id_number=person.id_number,
                tags=tags[resident.id],
                carers=carers[resident.id],
            )
        )
    return shown


@dataclass(frozen=True)
class ChangeShown:
    """A line of history: when, by whom, what, and what of it changed."""

    id: int
    at: datetime
    by: str | None
    what: RosterChangeKind
    facts: dict[str, Any]


def household_history(stamp: Stamp, household_id: int, *, cursor: str | None = None, limit: int = LIMIT) -> Page[ChangeShown]:
    """Give the history of a household within reach and of who lives or lived there, the newest first; raises HouseholdNotFound."""
    find_household(stamp, household_id)
    return _history(stamp, RosterChange.household_id == household_id, cursor=cursor, limit=limit)


def resident_history(stamp: Stamp, resident_id: int, *, cursor: str | None = None, limit: int = LIMIT) -> Page[ChangeShown]:
    """Give the history of a resident within reach, the newest first; raises ResidentNotFound."""
    find_resident(stamp, resident_id)
    return _history(stamp, RosterChange.resident_id == resident_id, cursor=cursor, limit=limit)


def group_history(stamp: Stamp, code: str, *, cursor: str | None = None, limit: int = LIMIT) -> Page[ChangeShown]:
    """Give the history of a household group within reach, also of one that has ended, the newest first; raises GroupNotFound."""
    query = select(HouseholdGroup.id).where(HouseholdGroup.code == code, in_reach(stamp, HouseholdGroup.grid_id))
    group_id = db.session.scalar(query)
    if group_id is None:
        raise GroupNotFound
    return _history(stamp, RosterChange.group_id == group_id, cursor=cursor, limit=limit)


def _history(stamp: Stamp, whose: ColumnElement[bool], *, cursor: str | None, limit: int) -> Page[ChangeShown]:
    query = select(RosterChange, Staff.name).outerjoin(Staff, Staff.id == RosterChange.staff_id)
    query = query.where(whose, in_reach(stamp, RosterChange.grid_id))
    rows = db.session.execute(paged(query, key=[(RosterChange.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].id])
    return Page([ChangeShown(row.id, row.at, name, row.what, _own_facts(row.facts)) for row, name in page.items], page.next_cursor)


def _own_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Give the facts of a change but for the household that somebody came from, which may be another grid's."""
    return {name: value for name, value in facts.items() if name != "from_household_id"}
