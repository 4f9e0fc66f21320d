"""Keeps which grids are a grid worker's or a cadre's own."""

from typing import Any

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.roster_fields import RosterGridSchema
from app.people.roster.queries import own_grids

blp = DoorBlueprint("territory", door=Door.GRID, prefix="", auth=staff(Door.GRID), tag="网格和户")


@blp.route("/grids", methods=["GET"])
@blp.response(200, RosterGridSchema(many=True))
def list_grids() -> Any:
    """List one's own grids"""
    return own_grids(stamp())
