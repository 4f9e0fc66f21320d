"""Keeps who stands on which side of a whistle: who may blow and for which unit, who may be called, and who may come."""

from collections.abc import Iterable

from sqlalchemy import select

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.dispatching.eligible import UnitRecused, UnitUnstaffed, where_serves
from app.ledger.models import Case
from app.ledger.recusal import is_recused, is_unit_recused
from app.ledger.scope import comes_for, reaches
from app.ledger.vocabulary import Action
from app.ledger.whistles.models import Whistle, WhistleCall
from app.ledger.workflow import MOVES
from app.people.staff import posts_held
from app.territory.models import Level, Unit

FROM_BELOW = (Level.VILLAGE, Level.TOWNSHIP)
"""Whose staff whistle: those on the ground call for those who have the means."""

COMES = (Role.HANDLER, Role.UNIT_HEAD, Role.CADRE, Role.GRID_WORKER)


class WhistlesFromBelow(NotAllowed):
    """吹哨由村（社区）、乡镇（街道）发起"""


class NotCalled(NotAllowed):
    """这次吹哨没有叫您的单位"""


class NotTheBlower(NotAllowed):
    """只有吹哨的一方可以这样操作"""


def whistling_unit(stamp: Stamp, case: Case) -> int | None:
    """Give the unit for which a member of staff may whistle: their village or township that the case reaches; else None."""
    roles = MOVES[Action.WHISTLE].roles
    own = [post for post in stamp.actor.posts if post.role in roles and _reaches(stamp, post.role, case)]
    query = select(Unit.id).where(Unit.id.in_([post.unit_id for post in own]), Unit.level.in_(FROM_BELOW))
    return db.session.scalars(query.order_by(Unit.path.desc())).first()


def _reaches(stamp: Stamp, role: Role, case: Case) -> bool:
    parts = [part.unit.path for part in case.assignments if part.ended_at is None]
    if role is Role.GRID_WORKER and case.grid_id in stamp.actor.grid_ids:
        return True
    return any(reaches(stamp.actor, role, path) for path in (case.territory_path, *parts))


def is_blower(stamp: Stamp, blown: Whistle) -> bool:
    """Say whether the actor blew a whistle, or works at the unit for which it was blown."""
    if stamp.actor.kind is not ActorKind.STAFF:
        return blown.resident_id is not None and blown.resident_id == stamp.actor.id
    return blown.staff_id == stamp.actor.id or any(post.unit_id == blown.unit_id for post in stamp.actor.posts)


def is_called(stamp: Stamp, call: WhistleCall) -> bool:
    """Say whether the actor may come, and speak, for a unit that was called; nobody does for the one they called."""
    mine = any(comes_for(post.path, call.unit.path) for post in stamp.actor.posts if post.role in COMES)
    return mine and not is_blower(stamp, call.whistle)


def check_called(case: Case, units: Iterable[Unit]) -> None:
    """Refuse to call units that a case is against, where the person serves whom it is against, or where nobody may come.

    Raises UnitRecused, UnitUnstaffed.
    """
    for unit in units:
        if _is_recused(case, unit):
            raise UnitRecused(f"“{unit.name}”需要回避，请叫其他单位")
        if not may_come(case, unit):
            raise UnitUnstaffed(f"“{unit.name}”没有可以到场的人员，请叫其他单位")


def _is_recused(case: Case, unit: Unit) -> bool:
    return is_unit_recused(unit.path, case) or unit.id in where_serves(case)


def may_come(case: Case, unit: Unit) -> list[int]:
    """Give who may come for a unit: those who handle there, at a village its cadres and grid workers too; nobody recused."""
    return [staff for staff in posts_held().at(unit.id, *_comers(unit)) if not is_recused(staff, case)]


def _comers(unit: Unit) -> tuple[Role, ...]:
    return COMES if unit.level is Level.VILLAGE else (Role.HANDLER, Role.UNIT_HEAD)


def community_of(case: Case) -> Unit | None:
    """Give the unit for which a resident whistles: the community of the case's grid, or the township where that one is recused.

    None where the case stands in no grid, or both are recused or without anybody who may come.
    """
    if case.grid is None:
        return None
    village = db.session.get_one(Unit, case.grid.unit_id)
    township = db.session.get(Unit, village.parent_id) if village.parent_id is not None else None
    nearest = [unit for unit in (village, township) if unit is not None and unit.level in FROM_BELOW and unit.active]
    return next((unit for unit in nearest if not _is_recused(case, unit) and may_come(case, unit)), None)
