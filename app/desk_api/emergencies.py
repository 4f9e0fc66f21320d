"""Keeps danger to life at the desk: the hand-over to 110, 119 or 120, and their arrival."""

from typing import Any

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Word, text
from app.ledger.emergencies import confirm_arrival, hand_to_emergency
from app.ledger.vocabulary import EmergencyService

blp = DoorBlueprint("emergencies", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="紧急救援")

WORDS = 4000


class HandOverSchema(MoveSchema):
    """To whom, and what was said in the three-party call."""

    service = Word(EmergencyService, required=True)
    note = text(WORDS, required=True)


class ArrivalSchema(MoveSchema):
    """Who said that rescue has arrived, and what it found; where several services are awaited, which one it is."""

    service = Word(EmergencyService)
    note = text(WORDS, required=True)


@blp.route("/emergency", methods=["POST"])
@blp.arguments(HandOverSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def hand_over(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Hand a case to the police, the fire brigade or the ambulance"""
    return hand_to_emergency(stamp(), number, **given | match)


@blp.route("/arrival", methods=["POST"])
@blp.arguments(ArrivalSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def arrived(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Confirm that rescue has arrived"""
    return confirm_arrival(stamp(), number, **given | match)
