"""Keeps the writing of households: entered, edited, moved with all who live there, ended; each change a line of history."""

from typing import Any

from sqlalchemy import exists, func, select, update

from app.core.crypto import keyring
from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid
from app.core.stamp import Stamp
from app.people.identity import Person, clean_person
from app.people.models import Resident
from app.people.roster.changes import changed, noted
from app.people.roster.models import GroupHead, RosterChangeKind
from app.people.roster.scope import GroupNotFound, as_editor, find_grid, find_group, lock_household
from app.territory.commands import add_household, seal_household
from app.territory.models import Grid, Household, HouseholdKind

LONGEST_PLACE = 120
LONGEST_CODE = 60


class WrongHousehold(Invalid):
    """户的信息填写有误"""


class HouseholdCodeTaken(Conflict):
    """这个户号已经有了"""


class HouseholdNotEmpty(Conflict):
    """户内还有居民，请先办理迁出或注销"""


class HouseholdOver(Conflict):
    """这户已经注销"""


def enter_household(
    stamp: Stamp,
    *,
    grid: str,
    head_name: str,
    place: str,
    kind: HouseholdKind = HouseholdKind.ORDINARY,
    code: str | None = None,
    group: str | None = None,
) -> Household:
    """Put a household on the roster of a grid (by its code); without a code it gets the next one.

    Raises RosterIsNotYoursToEdit, GridNotFound, GroupNotFound, WrongHousehold, HouseholdCodeTaken.
    """
    stamp = as_editor(stamp)
    there = find_grid(stamp, grid)
    head_name, place = clean_head(head_name), clean_place(place)
    code = household_code(there, code) if code else next_code(there)
    if db.session.scalar(select(exists().where(Household.code == code))):
        raise HouseholdCodeTaken
    group_id = _group(stamp, group, there.id)
    household = add_household(stamp.at, code=code, grid=there, head_name=head_name, place=place, kind=kind, group_id=group_id)
    noted(stamp, household, RosterChangeKind.HOUSEHOLD_ADDED, kind=kind)
    return household


def household_code(grid: Grid, code: str) -> str:
    """Give a household's code as it is stored: the grid's code before a number that is only the village's own."""
    code = "".join(code.split())
    if len(code) > LONGEST_CODE or not code.isprintable():
        raise WrongHousehold(errors={"code": [f"户号请不超过 {LONGEST_CODE} 个字"]})
    return code if code.startswith(grid.code) else f"{grid.code}-{code}"


def next_code(grid: Grid) -> str:
    """Give a code that no household has: the grid's, and the number of the household in the county."""
    return f"{grid.code}-H{db.session.scalar(select(func.nextval('household_id_seq'))):06d}"


def clean_head(head_name: str) -> str:
    """Give a head's name in one form; raises WrongHousehold."""
    try:
        name = clean_person(Person(name=head_name)).name
    except Invalid as refused:
        raise WrongHousehold(errors={"head_name": refused.errors["name"]}) from None
    if not name:
        raise WrongHousehold(errors={"head_name": ["请填写户主姓名"]})
    return name


def clean_place(place: str) -> str:
    """Give an exact place in one form; raises WrongHousehold."""
    place = " ".join(place.split())
    if not place or len(place) > LONGEST_PLACE or not place.isprintable():
        raise WrongHousehold(errors={"place": [f"请填写住址，不超过 {LONGEST_PLACE} 个字"]})
    return place


def edit_household(stamp: Stamp, household_id: int, *, version: int | None = None, **given: Any) -> Household:
    """Change what is given of a household: `head_name`, `place`, `kind`, `group` (by its code; None takes it out of its group).

    Raises RosterIsNotYoursToEdit, HouseholdNotFound, RosterStale, HouseholdOver, GroupNotFound, WrongHousehold.
    """
    stamp = as_editor(stamp)
    household = lock_household(stamp, household_id, version=version)
    _check_open(household)
    facts: dict[str, Any] = {}
    if "head_name" in given or "place" in given:
        facts |= _reseal(household, given)
    if given.get("kind") not in (None, household.kind):
        household.kind = facts["kind"] = given["kind"]
    if "group" in given:
        group_id = _group(stamp, given["group"], household.grid_id)
        if group_id != household.group_id:
            household.group_id = facts["group_id"] = group_id
    if facts:
        changed(stamp, household, RosterChangeKind.HOUSEHOLD_EDITED, **facts)
    return household


def open_household(household: Household) -> tuple[str, str]:
    """Give a household's head and exact place in plain words. Only for masking and for comparing."""
    ring, identity = keyring(), household.identity
    return (
        ring.decrypt(identity.head_name, field="household.head_name"),
        ring.decrypt(identity.place, field="household.place"),
    )


def _reseal(household: Household, given: dict[str, Any]) -> dict[str, Any]:
    head_name, place = open_household(household)
    fresh_head = clean_head(given["head_name"]) if given.get("head_name") is not None else head_name
    fresh_place = clean_place(given["place"]) if given.get("place") is not None else place
    other = [name for name, differs in (("head_name", fresh_head != head_name), ("place", fresh_place != place)) if differs]
    if other:
        for column, value in seal_household(fresh_head, fresh_place).items():
            setattr(household.identity, column, value)
    return {"sealed": other} if other else {}


def _group(stamp: Stamp, code: str | None, grid_id: int) -> int | None:
    if code is None:
        return None
    group = find_group(stamp, code)
    if group.grid_id != grid_id:
        raise GroupNotFound
    return group.id


def _check_open(household: Household) -> None:
    if household.ended_at is not None:
        raise HouseholdOver


def move_household(
    stamp: Stamp, household_id: int, *, grid: str, version: int | None = None, place: str | None = None
) -> Household:
    """Move a household with all who live there to another grid within reach; it leaves its group, and heads of groups are none.

    Raises RosterIsNotYoursToEdit, HouseholdNotFound, GridNotFound, RosterStale, HouseholdOver, WrongHousehold.
    """
    stamp = as_editor(stamp)
    there = find_grid(stamp, grid)
    household = lock_household(stamp, household_id, version=version)
    _check_open(household)
    before = household.grid_id
    if before == there.id:
        return household
    household.grid_id, household.group_id = there.id, None
    if place is not None:
        _reseal(household, {"place": place})
    changed(stamp, household, RosterChangeKind.HOUSEHOLD_MOVED, from_grid_id=before)
    living = select(Resident.id).where(Resident.household_id == household.id, Resident.ended_at.is_(None))
    ids = list(db.session.scalars(living))
    for resident in lock_rows(Resident, ids):
        resident.grid_id = there.id
        changed(stamp, resident, RosterChangeKind.RESIDENT_MOVED, from_grid_id=before, with_household=True)
    headships = update(GroupHead).where(GroupHead.resident_id.in_(ids), GroupHead.ended_at.is_(None))
    db.session.execute(headships.values(ended_at=stamp.at))
    return household


def end_household(stamp: Stamp, household_id: int, *, reason: str, version: int | None = None) -> Household:
    """Take an empty household off the roster. Raises HouseholdNotFound, RosterStale, HouseholdOver, HouseholdNotEmpty."""
    stamp = as_editor(stamp)
    household = lock_household(stamp, household_id, version=version)
    _check_open(household)
    if db.session.scalar(select(exists().where(Resident.household_id == household.id, Resident.ended_at.is_(None)))):
        raise HouseholdNotEmpty
    household.ended_at = stamp.at
    changed(stamp, household, RosterChangeKind.HOUSEHOLD_ENDED, reason=reason)
    return household
