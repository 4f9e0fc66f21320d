"""Keeps who decides about visits in a village, and who sees at the desk what is late; who sees the roster sees its visits."""

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
