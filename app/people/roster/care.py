"""Keeps who cares for whom (帮扶): named by those who keep the roster, ended and never deleted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotFound
from app.core.stamp import Stamp
from app.people.identity import masked, open_person
from app.people.models import Resident, Staff
from app.people.roster.changes import changed
from app.people.roster.models import Care, CareBy, RosterChangeKind
from app.people.roster.residents import ResidentOver
from app.people.roster.scope import as_editor, find_resident, lock_resident
from app.people.staff import posts_held

BY_STAFF = frozenset({CareBy.CADRE, CareBy.GRID_WORKER})
"""As what only members of staff care; family are residents; party members and volunteers may be either."""


class CareNotFound(NotFound):
    """没有找到这条帮扶关系"""


class CareNamed(Conflict):
    """这条帮扶关系已经登记"""


class WrongCare(Invalid):
    """帮扶关系填写有误"""


@dataclass(frozen=True)
class CareShown:
    """Somebody who cares for a resident: a member of staff by name, or a resident, masked."""

    id: int
    by: CareBy
    name: str | None
    resident_id: int | None
    since: datetime


def put_care(
    stamp: Stamp, resident_id: int, *, by: CareBy, staff: str | None = None, carer_id: int | None = None, version: int | None = None
) -> CareShown:
    """Name who cares for a resident: a member of staff by login, or another resident within reach.

    Raises RosterIsNotYoursToEdit, ResidentNotFound, RosterStale, ResidentOver, WrongCare, CareNamed.
    """
    stamp = as_editor(stamp)
    if (staff is None) == (carer_id is None) or (by in BY_STAFF and staff is None) or (by is CareBy.FAMILY and staff is not None):
        raise WrongCare(errors={"by": ["干部、网格员请填账号，亲属请填居民，党员和志愿者任选其一"]})
    lock_rows(Resident, [ident for ident in (resident_id, carer_id) if ident is not None])
    resident = lock_resident(stamp, resident_id, version=version)
    staff_id = _staff_id(staff) if staff is not None else None
    if carer_id == resident_id:
        raise WrongCare(errors={"carer_id": ["不能自己帮扶自己"]})
    carer = find_resident(stamp, carer_id) if carer_id is not None else None
    if resident.ended_at is not None or (carer is not None and carer.ended_at is not None):
        raise ResidentOver
    who = (Care.staff_id == staff_id) if staff_id is not None else (Care.carer_id == carer_id)
    query = select(Care.id).where(Care.resident_id == resident_id, who, Care.ended_at.is_(None))
    if db.session.scalars(query).first() is not None:
        raise CareNamed
    care = Care(resident_id=resident_id, by=by, staff_id=staff_id, carer_id=carer_id, since=stamp.at)
    db.session.add(care)
    changed(stamp, resident, RosterChangeKind.CARE_PUT, by=by, staff_id=staff_id, carer_id=carer_id)
    return _shown(care)


def _staff_id(login: str) -> int:
    found = db.session.execute(select(Staff.id).where(Staff.login == login, Staff.active)).scalar()
    if found is None or found not in posts_held().paths:
        raise WrongCare(errors={"staff": ["没有这个账号"]})
    return int(found)


def end_care(stamp: Stamp, care_id: int) -> CareShown:
    """Say that somebody cares for a resident no longer. Raises RosterIsNotYoursToEdit, CareNotFound."""
    stamp = as_editor(stamp)
    care = db.session.get(Care, care_id)
    if care is None:
        raise CareNotFound
    try:
        resident = lock_resident(stamp, care.resident_id)
    except NotFound:
        raise CareNotFound from None
    db.session.refresh(care)
    if care.ended_at is not None:
        raise CareNotFound
    care.ended_at = stamp.at
    changed(stamp, resident, RosterChangeKind.CARE_ENDED, care_id=care_id)
    return _shown(care)


def care_of(resident_ids: list[int]) -> dict[int, list[CareShown]]:
    """Give who cares for residents now; one query."""
    found: dict[int, list[CareShown]] = {ident: [] for ident in resident_ids}
    query = select(Care).where(Care.resident_id.in_(resident_ids), Care.ended_at.is_(None)).order_by(Care.id)
    carers = joinedload(Care.carer).joinedload(Resident.identity)
    for care in db.session.scalars(query.options(joinedload(Care.staff), carers)):
        found[care.resident_id].append(_shown(care))
    return found


def cared_for_by(stamp: Stamp) -> list[int]:
    """Give the ids of the residents for whom the acting member of staff cares."""
    query = select(Care.resident_id).where(Care.staff_id == stamp.actor.id, Care.ended_at.is_(None))
    return list(db.session.scalars(query.order_by(Care.resident_id)))


def is_cared_for(resident_id: int, *, staff_id: int | None = None, carer_id: int | None = None) -> bool:
    """Say whether a member of staff or a resident cares for somebody now."""
    who = or_(Care.staff_id == staff_id, Care.carer_id == carer_id)
    query = select(Care.id).where(Care.resident_id == resident_id, Care.ended_at.is_(None), who)
    return db.session.scalars(query).first() is not None


def _shown(care: Care) -> CareShown:
    if care.staff is not None:
        return CareShown(care.id, care.by, care.staff.name, None, care.since)
    return CareShown(
        care.id,
        care.by,
        masked(open_person(care.carer.identity if care.carer is not None else None)).name,
        care.carer_id,
        care.since,
    )
