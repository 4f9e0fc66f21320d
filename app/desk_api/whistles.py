"""Keeps rulings on whistles that a unit calls unjustified: the supervisor's, at the desk."""

from typing import Any

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.whistles import JustifiedSchema, WhistleCallSchema
from app.ledger.whistles.arrivals import rule_on_whistle

blp = DoorBlueprint("whistle_rulings", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="吹哨报到")


@blp.route("/whistle-calls/<int:call_id>/ruling", methods=["POST"])
@blp.arguments(JustifiedSchema)
@blp.response(200, WhistleCallSchema)
def rule(given: dict[str, Any], number: str, call_id: int) -> Any:
    """Rule on a whistle that a unit calls unjustified"""
    return rule_on_whistle(stamp(), number, call_id, **given)
