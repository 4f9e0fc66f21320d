"""Keeps whose visits somebody sees: a worker those of own grids, a cadre those of the village, the desk those below its posts."""

from typing import Any

from sqlalchemy import Select, or_, select

from app.core.stamp import Role, Stamp
from app.territory.models import Grid, Unit

OF_THE_VILLAGE = (Role.CADRE, Role.ADMINISTRATOR)
"""Who decides what a visit brought up, and calls visits off."""

AT_THE_DESK = (Role.SUPERVISOR, Role.LEADER, Role.UNIT_HEAD, Role.ADMINISTRATOR, Role.CADRE)


def grids_below(stamp: Stamp, *roles: Role) -> Select[Any]:
    """Give the query of the ids of grids below the units at which the actor holds one of some roles."""
    below = [Unit.path.startswith(path) for path in stamp.actor.paths(*roles)]
    return select(Grid.id).join(Unit, Unit.id == Grid.unit_id).where(or_(False, *below))


def seen_grids(stamp: Stamp, *roles: Role) -> Select[Any]:
    """Give the query of the ids of one's own grids, and of those below a post of some roles (a cadre's, by default)."""
    below = [Unit.path.startswith(path) for path in stamp.actor.paths(*(roles or (Role.CADRE,)))]
    mine = Grid.id.in_(sorted(stamp.actor.grid_ids))
    return select(Grid.id).join(Unit, Unit.id == Grid.unit_id).where(or_(mine, *below))
