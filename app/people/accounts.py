"""Keeps what people are shown of their own account: residents their masked identity, staff their posts and grids."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.core.database import db
from app.core.stamp import Role, Stamp
from app.people.identity import Person, ResidentNotFound, masked, open_person, set_person
from app.people.models import Resident, Staff, StaffGrid, StaffPost
from app.territory.models import Grid

ROLE_LABELS: dict[Role, str] = {
    Role.RESIDENT: "居民", Role.HOUSEHOLD_HEAD: "户长", Role.GRID_WORKER: "网格员", Role.CADRE: "村干部", Role.INTAKE: "受理员",
    Role.DISPATCHER: "派单员", Role.HANDLER: "承办人", Role.UNIT_HEAD: "单位负责人", Role.REVIEWER: "核验员",
    Role.CALLBACK_AGENT: "回访员", Role.SUPERVISOR: "督办员", Role.LEADER: "领导", Role.ADMINISTRATOR: "管理员",
    Role.DATA_PROTECTION_OFFICER: "数据保护专员", Role.SYSTEM: "系统",
}  # fmt: skip


@dataclass(frozen=True)
class OwnAccount:
    """A resident's account as it is shown to them: name and phone masked, and the grid they live in, where known."""

    name: str | None
    phone: str | None
    grid: Grid | None


@dataclass(frozen=True)
class PostShown:
    """A post in words."""

    role: Role
    role_label: str
    unit_code: str
    unit: str


@dataclass(frozen=True)
class StaffAccount:
    """A member of staff as shown to themselves."""

    login: str
    name: str
    posts: list[PostShown]
    grids: list[Grid]


def own_account(stamp: Stamp) -> OwnAccount:
    """Give the signed-in resident's account; raises ResidentNotFound."""
    query = select(Resident).where(Resident.id == stamp.actor.id).options(joinedload(Resident.identity))
    resident = db.session.scalars(query).first()
    if resident is None:
        raise ResidentNotFound
    shown = masked(open_person(resident.identity))
    return OwnAccount(shown.name, shown.phone, db.session.get(Grid, resident.grid_id) if resident.grid_id else None)


def set_own_account(stamp: Stamp, *, name: str | None = None, phone: str | None = None) -> OwnAccount:
    """Set the signed-in resident's own name or phone; what is not given stays. Raises WrongIdentity."""
    assert stamp.actor.id is not None
    set_person(stamp, stamp.actor.id, Person(name=name, phone=phone))
    db.session.flush()
    return own_account(stamp)


def staff_account(stamp: Stamp) -> StaffAccount:
    """Give the signed-in member of staff with posts and grids."""
    staff = db.session.get_one(
        Staff,
        stamp.actor.id,
        options=[selectinload(Staff.posts).joinedload(StaffPost.unit), selectinload(Staff.grids).joinedload(StaffGrid.grid)],
    )
    posts = [PostShown(post.role, ROLE_LABELS[post.role], post.unit.code, post.unit.name) for post in staff.posts]
    return StaffAccount(staff.login, staff.name, posts, sorted((each.grid for each in staff.grids), key=lambda grid: grid.code))
