"""Keeps what goes over when a resident turns out to be another's duplicate: tags, care, headships, the account that was joined."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from app.core.database import db
from app.core.stamp import Stamp
from app.people.accounts_known import hand_account_over
from app.people.models import Resident
from app.people.roster.changes import changed, noted
from app.people.roster.models import Care, GroupHead, ResidentTag, RosterChangeKind
from app.territory.models import HouseholdGroup


def hand_over(stamp: Stamp, resident: Resident, survivor: Resident) -> None:
    """Give the survivor what they have not got themselves; both are locked. What is left with the duplicate ends with it."""
    has = select(ResidentTag.tag_id).where(ResidentTag.resident_id == survivor.id, ResidentTag.ended_at.is_(None))
    _move(ResidentTag, ResidentTag.resident_id, resident, survivor, ResidentTag.tag_id.not_in(has))
    theirs = aliased(Care)
    same_carer = or_(theirs.staff_id == Care.staff_id, theirs.carer_id == Care.carer_id)
    cared = exists().where(theirs.resident_id == survivor.id, theirs.ended_at.is_(None), same_carer)
    _move(Care, Care.resident_id, resident, survivor, Care.carer_id.is_distinct_from(survivor.id), ~cared)
    caring = exists().where(theirs.carer_id == survivor.id, theirs.ended_at.is_(None), theirs.resident_id == Care.resident_id)
    _move(Care, Care.carer_id, resident, survivor, Care.resident_id != survivor.id, ~caring)
    for group in _groups_of(resident, survivor):  # the account of a head is the headship's, and goes with it
        _move(GroupHead, GroupHead.resident_id, resident, survivor, GroupHead.group_id == group.id)
        noted(stamp, group, RosterChangeKind.HEAD_NAMED, resident_id=survivor.id, merged=resident.id)
    hand_account_over(resident.id, survivor.id)
    changed(stamp, survivor, RosterChangeKind.RESIDENT_EDITED, merged=resident.id)


def _groups_of(resident: Resident, survivor: Resident) -> list[HouseholdGroup]:
    """Give the groups that the one heads and the other, who lives in their grid, does not."""
    headed = select(GroupHead.group_id).where(GroupHead.ended_at.is_(None))
    query = select(HouseholdGroup).where(HouseholdGroup.id.in_(headed.where(GroupHead.resident_id == resident.id)))
    query = query.where(HouseholdGroup.id.not_in(headed.where(GroupHead.resident_id == survivor.id)))
    fit = and_(HouseholdGroup.grid_id == survivor.grid_id, HouseholdGroup.ended_at.is_(None))
    return list(db.session.scalars(query.where(fit).order_by(HouseholdGroup.id)))


def _move(model: Any, column: Any, resident: Resident, survivor: Resident, *which: ColumnElement[bool]) -> None:
    moved = update(model).where(column == resident.id, model.ended_at.is_(None), *which).values({column.key: survivor.id})
    db.session.execute(moved, execution_options={"synchronize_session": False})
