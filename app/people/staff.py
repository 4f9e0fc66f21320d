"""Keeps staff: enrolling, posts, grids, and the snapshot of who holds which role where."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict
from app.core.held import Held
from app.core.stamp import Role
from app.people.models import Staff, StaffGrid, StaffPost
from app.people.sessions import hash_password
from app.territory.models import Unit


class LoginTaken(Conflict):
    """这个账号已有人使用"""


def enrol_staff(*, login: str, name: str, password: str, posts: Iterable[tuple[Role, int]], grid_ids: Iterable[int] = ()) -> Staff:
    """Store a member of staff with posts (role, unit id) and grids; raises LoginTaken."""
    return enrol_hashed(login=login, name=name, password_hash=hash_password(password), posts=posts, grid_ids=grid_ids)


def enrol_hashed(
    *, login: str, name: str, password_hash: str, posts: Iterable[tuple[Role, int]], grid_ids: Iterable[int] = ()
) -> Staff:
    """Store a member of staff whose password is hashed already; raises LoginTaken. A hash takes a tenth of a second to make."""
    if db.session.scalars(select(Staff.id).where(Staff.login == login)).first() is not None:
        raise LoginTaken
    staff = Staff(login=login, name=name, password_hash=password_hash)
    staff.posts = [StaffPost(role=role, unit_id=unit_id) for role, unit_id in posts]
    staff.grids = [StaffGrid(grid_id=grid_id) for grid_id in grid_ids]
    db.session.add(staff)
    db.session.flush()
    posts_held.forget()
    return staff


@dataclass(frozen=True)
class PostHeld:
    """One post of an active member of staff."""

    staff_id: int
    role: Role
    unit_id: int
    path: str


@dataclass(frozen=True)
class Posts:
    """Every post held now, by role and unit, and every path at which somebody holds one."""

    by_unit: dict[tuple[Role, int], tuple[int, ...]]
    by_role: dict[Role, tuple[PostHeld, ...]]
    paths: dict[int, tuple[str, ...]]

    def at(self, unit_id: int, *roles: Role) -> list[int]:
        """Give the staff who hold one of `roles` at exactly this unit."""
        return sorted({staff for role in roles for staff in self.by_unit.get((role, unit_id), ())})

    def over(self, path: str, role: Role) -> list[int]:
        """Give the staff who hold `role` at the unit of `path` or above it."""
        return sorted({post.staff_id for post in self.by_role.get(role, ()) if path.startswith(post.path)})


def _load() -> Posts:
    query = select(StaffPost.staff_id, StaffPost.role, StaffPost.unit_id, Unit.path).join(Unit, Unit.id == StaffPost.unit_id)
    rows = db.session.execute(query.join(Staff, Staff.id == StaffPost.staff_id).where(Staff.active).order_by(StaffPost.id)).all()
    by_unit: dict[tuple[Role, int], tuple[int, ...]] = {}
    by_role: dict[Role, tuple[PostHeld, ...]] = {}
    paths: dict[int, tuple[str, ...]] = {}
    for row in rows:
        post = PostHeld(row.staff_id, row.role, row.unit_id, row.path)
        by_unit[row.role, row.unit_id] = (*by_unit.get((row.role, row.unit_id), ()), row.staff_id)
        by_role[row.role] = (*by_role.get(row.role, ()), post)
        paths[row.staff_id] = (*paths.get(row.staff_id, ()), row.path)
    return Posts(by_unit, by_role, paths)


posts_held = Held(_load)
