"""Keeps how a phone asks which grid it is in, before or after anybody has signed in; the point is not kept."""

from datetime import timedelta
from typing import Any

from app.core.stamp import Door
from app.http.auth import anybody, now_clock
from app.http.blueprint import DoorBlueprint
from app.http.fields import PlacingSchema, PointSchema
from app.http.limits import Limit, address, count_tries
from app.ledger.intake.places import Point, where_is

BY_ADDRESS = Limit("grid-at", 600, timedelta(minutes=15))
"""Many phones share one address of their network; what is told is no secret, the limit keeps the work small."""


def count_question() -> None:
    """Count a question against the address of the running request; raises TooMany."""
    count_tries(now_clock()(), (BY_ADDRESS, address()))


blp = DoorBlueprint(
    "grids_at",
    door=Door.MINI_PROGRAM,
    prefix="/grids",
    auth=anybody(Door.MINI_PROGRAM),
    repeatable=False,
    first=count_question,
    tag="填报页",
)


@blp.route("/at", methods=["POST"])
@blp.arguments(PointSchema)
@blp.response(200, PlacingSchema)
def find_grid(point: Point) -> Any:
    """Tell in which village and grid a point lies; the point is not kept"""
    return where_is(point)
