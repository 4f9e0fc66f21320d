"""Keeps what units do with a case they were given: passing work on below, naming the handler, raising it by a level."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, text
from app.ledger.dispatching.sub_dispatch import assign_handler, sub_dispatch
from app.ledger.intake.codes import by_code
from app.ledger.supervision.raising import raise_case

blp = DoorBlueprint("assignments", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="派单和办理")

WORDS = 4000


class SubDispatchSchema(MoveSchema):
    """Units below the lead by code; `due_by` is a term shorter than the lead's own."""

    sub_units = fields.List(text(40), required=True, validate=validate.Length(min=1, max=20))
    due_by = Moment()
    note = text(WORDS)


class HandlerSchema(MoveSchema):
    """A handler by login; `unit` says whose part it is, where one heads several."""

    handler = text(64, required=True)
    unit = text(40)
    note = text(WORDS)


class RaiseSchema(MoveSchema):
    """Why the case is raised."""

    note = text(WORDS, required=True)


@blp.route("/sub-dispatch", methods=["POST"])
@blp.arguments(SubDispatchSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def dispatch_below(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Pass work of the lead on to units below it, within its own term"""
    return by_code(sub_dispatch, stamp(), number, **given | match)


@blp.route("/handler", methods=["POST"])
@blp.arguments(HandlerSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def name_handler(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Give a unit's part to a named handler of that unit"""
    return by_code(assign_handler, stamp(), number, **given | match)


@blp.route("/raise", methods=["POST"])
@blp.arguments(RaiseSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def raise_level(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Raise a case by a level; the handling unit stays answerable"""
    return raise_case(stamp(), number, **given | match)
