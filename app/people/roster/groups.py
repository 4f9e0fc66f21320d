"""Keeps household groups (户区) and their heads: made, renamed, ended with their headships; several heads if need be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import joinedload

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.people.identity import masked, open_person
from app.people.models import Resident
from app.people.roster.changes import changed, noted
from app.people.roster.models import GroupHead, RosterChangeKind
from app.people.roster.residents import ResidentOver
from app.people.roster.scope import as_editor, find_grid, find_group, in_reach, lock_resident
from app.territory.models import Grid, Household, HouseholdGroup

LONGEST_NAME = 40


class GroupCodeTaken(Conflict):
    """这个户区编号已经有了"""


class HeadElsewhere(Invalid):
    """户长要住在户区所在的网格"""


class HeadNamed(Conflict):
    """这位居民已经是这个户区的户长"""


class HeadNotNamed(Conflict):
    """这位居民不是这个户区的户长"""


@dataclass(frozen=True)
class HeadShown:
    """A head of a group, masked."""

    resident_id: int
    name: str | None
    since: datetime


@dataclass(frozen=True)
class GroupShown:
    """A household group: its grid, its heads, and how many households it has."""

    code: str
    name: str
    grid: str
    households: int
    heads: list[HeadShown]


def add_group(stamp: Stamp, *, grid: str, name: str, code: str | None = None) -> GroupShown:
    """Make a household group in a grid within reach. Raises RosterIsNotYoursToEdit, GridNotFound, GroupCodeTaken."""
    stamp = as_editor(stamp)
    there = find_grid(stamp, grid)
    number = db.session.scalar(select(func.nextval("household_group_id_seq"))) if code is None else None
    code = f"{there.code}-G{number:04d}" if code is None else code if code.startswith(there.code) else f"{there.code}-{code}"
    if db.session.scalar(select(exists().where(HouseholdGroup.code == code))):
        raise GroupCodeTaken
    group = HouseholdGroup(code=code, name=name, grid_id=there.id, created_at=stamp.at)
    db.session.add(group)
    noted(stamp, group, RosterChangeKind.GROUP_ADDED)
    return group_shown(group)


def _lock_group(stamp: Stamp, code: str) -> HouseholdGroup:
    lock_rows(HouseholdGroup, [find_group(stamp, code).id])
    return find_group(stamp, code)


def rename_group(stamp: Stamp, code: str, *, name: str) -> GroupShown:
    """Give a group another name. Raises RosterIsNotYoursToEdit, GroupNotFound."""
    group = _lock_group(stamp := as_editor(stamp), code)
    if group.name != name:
        group.name = name
        noted(stamp, group, RosterChangeKind.GROUP_EDITED, name=name)
    return group_shown(group)


def end_group(stamp: Stamp, code: str) -> GroupShown:
    """End a group: its households are in none then, its heads head nothing. Raises RosterIsNotYoursToEdit, GroupNotFound."""
    stamp = as_editor(stamp)
    ids = list(db.session.scalars(select(Household.id).where(Household.group_id == find_group(stamp, code).id)))
    households = lock_rows(Household, ids)
    group = _lock_group(stamp, code)
    for household in households:
        if household.group_id == group.id:
            household.group_id = None
            changed(stamp, household, RosterChangeKind.HOUSEHOLD_EDITED, group_id=None)
    headships = update(GroupHead).where(GroupHead.group_id == group.id, GroupHead.ended_at.is_(None))
    db.session.execute(headships.values(ended_at=stamp.at))
    group.ended_at = stamp.at
    noted(stamp, group, RosterChangeKind.GROUP_ENDED)
    return group_shown(group)


def name_head(stamp: Stamp, code: str, *, resident_id: int) -> GroupShown:
    """Make a resident of the group's grid one of its heads.

    Raises RosterIsNotYoursToEdit, GroupNotFound, ResidentNotFound, ResidentOver, HeadElsewhere, HeadNamed.
    """
    stamp = as_editor(stamp)
    find_group(stamp, code)
    resident = lock_resident(stamp, resident_id)
    group = _lock_group(stamp, code)
    if resident.ended_at is not None:
        raise ResidentOver
    if resident.grid_id != group.grid_id:
        raise HeadElsewhere(errors={"resident_id": [HeadElsewhere.title()]})
    if _headship(group.id, resident_id) is not None:
        raise HeadNamed
    db.session.add(GroupHead(group_id=group.id, resident_id=resident_id, since=stamp.at))
    noted(stamp, group, RosterChangeKind.HEAD_NAMED, resident_id=resident_id)
    return group_shown(group)


def end_head(stamp: Stamp, code: str, *, resident_id: int) -> GroupShown:
    """Let a head be one no longer. Raises RosterIsNotYoursToEdit, GroupNotFound, HeadNotNamed."""
    stamp = as_editor(stamp)
    group = _lock_group(stamp, code)
    headship = _headship(group.id, resident_id)
    if headship is None:
        raise HeadNotNamed
    headship.ended_at = stamp.at
    noted(stamp, group, RosterChangeKind.HEAD_ENDED, resident_id=resident_id)
    return group_shown(group)


def _headship(group_id: int, resident_id: int) -> GroupHead | None:
    query = select(GroupHead).where(
        GroupHead.group_id == group_id, GroupHead.resident_id == resident_id, GroupHead.ended_at.is_(None)
    )
    return db.session.scalars(query).first()


def groups_headed(resident_id: int) -> list[int]:
    """Give the ids of the groups that a resident heads now; for the door of household heads."""
    query = select(GroupHead.group_id).join(HouseholdGroup).where(GroupHead.resident_id == resident_id)
    still = (GroupHead.ended_at.is_(None), HouseholdGroup.ended_at.is_(None))
    return list(db.session.scalars(query.where(*still).order_by(GroupHead.group_id)))


def groups_page(stamp: Stamp, *, grid: str | None = None, cursor: str | None = None, limit: int = LIMIT) -> Page[GroupShown]:
    """Give the household groups within reach by code, of one grid when named; three queries however many they are."""
    query = select(HouseholdGroup).where(HouseholdGroup.ended_at.is_(None), in_reach(stamp, HouseholdGroup.grid_id))
    query = query.options(joinedload(HouseholdGroup.grid))
    if grid is not None:
        query = query.where(HouseholdGroup.grid_id == select(Grid.id).where(Grid.code == grid).scalar_subquery())
    rows = db.session.scalars(paged(query, key=[(HouseholdGroup.code, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda group: [group.code])
    return Page(_shown(page.items), page.next_cursor)


def group_shown(group: HouseholdGroup) -> GroupShown:
    """Give a group as it is shown."""
    db.session.flush()
    return _shown([group])[0]


def own_group(stamp: Stamp, code: str) -> GroupShown:
    """Give a group within reach; raises GroupNotFound."""
    return group_shown(find_group(stamp, code))


def heads_of(group_ids: Sequence[int]) -> dict[int, list[HeadShown]]:
    """Give the heads of groups now, masked; one query."""
    found: dict[int, list[HeadShown]] = {ident: [] for ident in group_ids}
    query = select(GroupHead).where(GroupHead.group_id.in_(group_ids), GroupHead.ended_at.is_(None)).order_by(GroupHead.id)
    for head in db.session.scalars(query.options(joinedload(GroupHead.resident).joinedload(Resident.identity))):
        name = masked(open_person(head.resident.identity)).name
        found[head.group_id].append(HeadShown(head.resident_id, name, head.since))
    return found


def _shown(groups: Sequence[HouseholdGroup]) -> list[GroupShown]:
    ids = [group.id for group in groups]
    heads = heads_of(ids)
    counted = select(Household.group_id, func.count()).where(Household.group_id.in_(ids), Household.ended_at.is_(None))
    counts: dict[int | None, int] = {row[0]: row[1] for row in db.session.execute(counted.group_by(Household.group_id))}
    return [
        GroupShown(group.code, group.name, group.grid.code, counts.get(group.id, 0), [] if group.ended_at else heads[group.id])
        for group in groups
    ]
