"""Keeps recusal (回避): whom a case is against, they and their subordinates never see, receive, decide or call back about it."""

from sqlalchemy import ColumnElement, Text, and_, cast, not_, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Actor, ActorKind, Role
from app.ledger.models import Case
from app.people.models import StaffPost
from app.people.staff import posts_held
from app.territory.models import Unit


class UnknownParty(Invalid):
    """被反映的单位或人员不存在"""


def against(unit_id: int | None, staff_id: int | None, *, county_id: int | None) -> tuple[list[str] | None, int | None]:
    """Give what a case stores of whom it is against: the paths below which everybody is recused, and the person.

    A unit recuses its whole subtree; a unit's head recuses the unit as well. The county itself recuses nobody below it:
    somebody must be able to pass the matter on; its head is recused as a person.
    """
    paths = []
    if staff_id is not None:
        rows = db.session.execute(
            select(StaffPost.role, StaffPost.unit_id, Unit.path)
            .join(Unit, Unit.id == StaffPost.unit_id)
            .where(StaffPost.staff_id == staff_id)
        ).all()
        if not rows:
            raise UnknownParty(errors={"against_staff_id": ["没有这个工作人员"]})
        paths += [row.path for row in rows if row.role is Role.UNIT_HEAD and row.unit_id != county_id]
    if unit_id is not None:
        path = db.session.scalars(select(Unit.path).where(Unit.id == unit_id)).first()
        if path is None:
            raise UnknownParty(errors={"against_unit_id": ["没有这个单位"]})
        if unit_id != county_id:
            paths.append(path)
    return sorted(set(paths)) or None, staff_id


def not_recused(actor: Actor) -> ColumnElement[bool]:
    """Give the condition that a case is not against the actor or the actor's superiors."""
    if actor.kind is not ActorKind.STAFF:
        return true()
    above = sorted({prefix for path in actor.paths() for prefix in prefixes(path)})
    return and_(
        or_(Case.against_staff_id.is_(None), Case.against_staff_id != actor.id),
        or_(Case.against_paths.is_(None), not_(Case.against_paths.overlap(cast(above, ARRAY(Text))))),
    )


def prefixes(path: str) -> list[str]:
    """Give the paths of a unit and of all above it: `/1/7/` gives `/1/` and `/1/7/`."""
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[: place + 1]) + "/" for place in range(len(parts))]


def is_staff_against(staff_id: int, paths: list[str] | None, against_staff_id: int | None) -> bool:
    """Say whether a member of staff is the person a matter is against, or belongs below one of `paths`."""
    if against_staff_id == staff_id:
        return True
    mine = posts_held().paths.get(staff_id, ())
    return any(path.startswith(prefix) for prefix in paths or () for path in mine)


def is_recused(staff_id: int, case: Case) -> bool:
    """Say whether a member of staff is recused from a case, by the snapshot of posts."""
    return is_staff_against(staff_id, case.against_paths, case.against_staff_id)


def is_unit_recused(path: str, case: Case) -> bool:
    """Say whether a unit lies below one that a case is against."""
    return any(path.startswith(prefix) for prefix in case.against_paths or ())
