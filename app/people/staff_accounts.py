"""Keeps the accounts of staff from the administrator's side: the list, a new password, a lock taken off."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, not_, or_, select, update
from sqlalchemy.orm import selectinload

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import ActorKind, Role, Stamp
from app.people.accounts import ROLE_LABELS, PostShown
from app.people.models import Session, Staff, StaffPost
from app.people.sessions import StaffNotFound, hash_password
from app.territory.models import Unit


class AccountsAreTheAdministrators(NotAllowed):
    """账号由管理员维护"""


@dataclass(frozen=True, kw_only=True)
class AccountShown:
    """A member of staff's account: the posts, whether it is in use, until when it is locked."""

    id: int
    login: str
    name: str
    active: bool
    locked_until: datetime | None
    posts: list[PostShown]


def staff_by_login(login: str) -> Staff:
    """Give a member of staff by login, closed accounts too; raises StaffNotFound."""
    staff = db.session.scalars(select(Staff).where(Staff.login == login)).first()
    if staff is None:
        raise StaffNotFound
    return staff


def check_administers(stamp: Stamp, staff: Staff) -> None:
    """Refuse whoever is no administrator over every post of an account; the command line may. Raises as named.

    Raises AccountsAreTheAdministrators, and StaffNotFound to an administrator of another place.
    """
    if stamp.actor.kind is ActorKind.SYSTEM:
        return
    reached = _administered(stamp)
    if not all(any(post.unit.path.startswith(path) for path in reached) for post in staff.posts):
        raise StaffNotFound


def _administered(stamp: Stamp) -> tuple[str, ...]:
    paths = stamp.actor.paths(Role.ADMINISTRATOR)
    if not paths:
        raise AccountsAreTheAdministrators
    return paths


def accounts_page(stamp: Stamp, *, closed: bool = False, cursor: str | None = None, limit: int = LIMIT) -> Page[AccountShown]:
    """Give the accounts that an administrator looks after, by login; `closed`: those that were closed too.

    Raises AccountsAreTheAdministrators.
    """
    query = select(Staff).options(selectinload(Staff.posts).joinedload(StaffPost.unit))
    if stamp.actor.kind is not ActorKind.SYSTEM:
        inside = or_(*(Unit.path.startswith(path) for path in _administered(stamp)))
        posts = exists().where(StaffPost.staff_id == Staff.id, StaffPost.unit_id == Unit.id)
        query = query.where(posts.where(inside), not_(posts.where(not_(inside))))
    if not closed:
        query = query.where(Staff.active)
    rows = db.session.scalars(paged(query, key=[(Staff.login, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda staff: [staff.login])
    return Page([_shown(staff) for staff in page.items], page.next_cursor)


def _shown(staff: Staff) -> AccountShown:
    same = ("id", "login", "name", "active", "locked_until")
    posts = [PostShown(post.role, ROLE_LABELS[post.role], post.unit.code, post.unit.name) for post in staff.posts]
    return AccountShown(**{name: getattr(staff, name) for name in same}, posts=posts)


def reset_password(stamp: Stamp, staff: Staff, password: str) -> int:
    """Give an account a new password, take its lock off and end its sessions; give how many ended."""
    staff.password_hash = hash_password(password)
    unlock(staff)
    return end_sessions(staff.id, stamp.at)


def unlock(staff: Staff) -> None:
    """Take the lock off an account after too many wrong passwords."""
    staff.failed_count, staff.locked_until = 0, None
    db.session.flush()


def end_sessions(staff_id: int, at: datetime) -> int:
    """End every session of a member of staff; give how many there were."""
    ended = update(Session).where(Session.staff_id == staff_id, Session.revoked_at.is_(None)).values(revoked_at=at)
    return len(db.session.scalars(ended.returning(Session.id)).all())
