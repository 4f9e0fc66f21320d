"""Keeps what leaving the roster means for visits: whoever ends a resident or a household at any door stops its tasks at once.

The roster lies below and knows nothing of visits; each of these does both in one transaction. A death is told once, to those who
cared for the resident and to the village, not to the family, who know.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from app.core.database import db
from app.core.stamp import Role, Stamp
from app.ledger.vocabulary import Audience
from app.notices.models import Recipient
from app.notices.outbox import drop_notices, drop_notices_to, file_notices, notice_row
from app.people.models import EndedBy, Resident
from app.people.roster.commands import edit_household, end_household, move_household
from app.people.roster.lists.taking_in import Gone
from app.people.roster.models import Care, CareBy, GroupHead, ResidentTag
from app.people.roster.residents import end_resident, move_resident, restore_resident
from app.people.staff import posts_held
from app.territory.models import Grid, Household, HouseholdKind
from app.visits.clocks import Told, at_work
from app.visits.models import TaskEnd, VisitTask
from app.visits.tasks import BY_HAND, follow_moves, reopen_tasks, stop_tasks

Address = tuple[Recipient, int]


def take_off(
    stamp: Stamp, resident_id: int, *, why: EndedBy, merged_into_id: int | None = None, version: int | None = None
) -> Resident:
    """Take a resident off the roster and stop what was planned for them; raises what `end_resident` raises."""
    carers = _carers(resident_id)
    resident = end_resident(stamp, resident_id, why=why, merged_into_id=merged_into_id, version=version)
    stop_tasks(stamp, resident_ids=[resident_id], why=TaskEnd(why))
    if why is EndedBy.DECEASED:
        drop_notices_to((Recipient.RESIDENT, resident_id))
        _tell_of_death(stamp, resident, carers)
    return resident


def put_back(stamp: Stamp, resident_id: int, *, version: int | None = None) -> Resident:
    """Put a resident back who was ended by mistake, with the tags, care and headship that ended with them; their tasks run on.

    Raises what `restore_resident` raises.
    """
    ended_at = db.session.scalar(select(Resident.ended_at).where(Resident.id == resident_id))
    resident = restore_resident(stamp, resident_id, version=version)
    if ended_at is not None:
        _give_back(resident_id, ended_at)
        drop_notices([f"death:{resident_id}"])
        homes = or_(VisitTask.resident_id == resident_id, VisitTask.household_id == resident.household_id)
        stopped = (VisitTask.ended_at == ended_at, VisitTask.ended_by.not_in(BY_HAND))
        reopen_tasks(stamp, select(VisitTask.id).where(homes, *stopped))
    return resident


def _give_back(resident_id: int, ended_at: datetime) -> None:
    cared = or_(Care.resident_id == resident_id, Care.carer_id == resident_id)
    whose: list[tuple[Any, Any]] = [
        (ResidentTag, ResidentTag.resident_id == resident_id),
        (GroupHead, GroupHead.resident_id == resident_id),
        (Care, cared),
    ]
    for model, theirs in whose:
        db.session.execute(update(model).where(theirs, model.ended_at == ended_at).values(ended_at=None))


def edit_home(stamp: Stamp, household_id: int, **given: Any) -> Household:
    """Change a household; one that stands empty from now on has no tasks. Raises what `edit_household` raises."""
    household = edit_household(stamp, household_id, **given)
    if given.get("kind") is HouseholdKind.VACANT:
        stop_tasks(stamp, household_ids=[household_id], why=TaskEnd.VACANT)
    return household


def end_home(stamp: Stamp, household_id: int, *, reason: str, version: int | None = None) -> Household:
    """Take an empty household off the roster with its tasks; raises what `end_household` raises."""
    household = end_household(stamp, household_id, reason=reason, version=version)
    stop_tasks(stamp, household_ids=[household_id], why=TaskEnd.HOUSEHOLD_ENDED)
    return household


def move_home(stamp: Stamp, household_id: int, **given: Any) -> Household:
    """Move a household to another grid, its visits with it; raises what `move_household` raises."""
    household = move_household(stamp, household_id, **given)
    homes = select(Resident.id).where(Resident.household_id == household_id)
    follow_moves(stamp, or_(VisitTask.household_id == household_id, VisitTask.resident_id.in_(homes)))
    return household


def move_to(stamp: Stamp, resident_id: int, **given: Any) -> Resident:
    """Move a resident to another household, their visits with them; raises what `move_resident` raises."""
    resident = move_resident(stamp, resident_id, **given)
    follow_moves(stamp, VisitTask.resident_id == resident_id)
    return resident


def follow_list(stamp: Stamp, gone: Gone) -> None:
    """Stop what was planned for those whom a list has just taken off the roster at `stamp.at`, and tell of the dead."""
    for why in EndedBy:
        ids = [ident for ident, how in gone.residents.items() if how is why]
        if ids:
            stop_tasks(stamp, resident_ids=ids, why=TaskEnd(why))
    if gone.vacant:
        stop_tasks(stamp, household_ids=gone.vacant, why=TaskEnd.VACANT)
    dead = sorted(ident for ident, how in gone.residents.items() if how is EndedBy.DECEASED)
    cared = (Care.resident_id.in_(dead), Care.ended_at == stamp.at, Care.by != CareBy.FAMILY)
    carers: dict[int, list[Address]] = {}
    for care in db.session.scalars(select(Care).where(*cared).order_by(Care.id)):
        if care.carer_id not in gone.residents:
            carers.setdefault(care.resident_id, []).append(_address(care))
    for resident_id in dead:
        drop_notices_to((Recipient.RESIDENT, resident_id))
        _tell_of_death(stamp, db.session.get_one(Resident, resident_id), carers.get(resident_id, []))


def _carers(resident_id: int) -> list[Address]:
    cared = (Care.resident_id == resident_id, Care.ended_at.is_(None), Care.by != CareBy.FAMILY)
    found = db.session.scalars(select(Care).where(*cared).order_by(Care.id))
    return [_address(care) for care in found]


def _address(care: Care) -> Address:
    return (Recipient.STAFF, care.staff_id) if care.staff_id else (Recipient.RESIDENT, care.carer_id or 0)


def _tell_of_death(stamp: Stamp, resident: Resident, carers: list[Address]) -> None:
    assert resident.grid_id is not None
    told = dict.fromkeys(carers, "death_carer")
    for staff_id in village_of(resident.grid_id):
        told.setdefault((Recipient.STAFF, staff_id), "death_village")
    params = {"grid": db.session.get_one(Grid, resident.grid_id).name}
    key = f"death:{resident.id}:{stamp.at.isoformat()}"
    file_notices(
        [
            notice_row(key, to=to, template=template, params=params, case_id=None, at=stamp.at, about=f"death:{resident.id}")
            for to, template in told.items()
        ]
    )


def village_of(grid_id: int) -> list[int]:
    """Give the cadre of a grid's village who are at work; where there is none, its head or the one above."""
    unit_id = db.session.get_one(Grid, grid_id).unit_id
    return at_work(posts_held().at(unit_id, Role.CADRE)) or Told.of([grid_id]).staff(grid_id, Audience.UNIT_HEAD)
