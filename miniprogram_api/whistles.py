"""Keeps how residents whistle for their community, see whether it came, and say whether it helped."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import resident, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PointSchema, Schema, text
from app.http.flood import count_writes
from app.ledger.whistles.arrivals import assess_help
from app.ledger.whistles.blowing import cancel_whistle, whistle
from app.ledger.whistles.view import own_calls

blp = DoorBlueprint(
    "whistles",
    door=Door.MINI_PROGRAM,
    prefix="/cases/<number>",
    auth=resident(Door.MINI_PROGRAM),
    first=count_writes,
    tag="吹哨报到",
)

WORDS = 1000


class WhistleGivenSchema(Schema):
    """Where the community is to come, and why."""

    place = text(200, required=True)
    words = text(WORDS, required=True)
    point = fields.Nested(PointSchema)


class WhistleNoteSchema(Schema):
    """Why it is not needed any more."""

    note = text(WORDS, required=True)


class HelpSchema(Schema):
    """Whether they came and helped."""

    helped = fields.Boolean(required=True)
    note = text(WORDS, required=True)


class AwaitedSchema(Schema):
    """Who is to come where, by when, whether they came in time, and what one said of it."""

    id = fields.Integer()
    whistle_id = fields.Integer()
    unit_name = fields.String()
    place = fields.String()
    words = fields.String(allow_none=True)
    blown_at = Moment()
    due_at = Moment()
    arrived_at = Moment(allow_none=True)
    in_time = fields.Boolean(allow_none=True)
    cancelled = fields.Boolean()
    helped = fields.Boolean(allow_none=True)


class AwaitedListSchema(Schema):
    """One's whistles, the newest first."""

    items = fields.List(fields.Nested(AwaitedSchema))


@blp.route("/whistles", methods=["GET"])
@blp.response(200, AwaitedListSchema)
def list_own(number: str) -> Any:
    """List one's whistles on a case: who is to come, and whether they did"""
    return {"items": own_calls(stamp(), number)}


@blp.route("/whistles", methods=["POST"])
@blp.arguments(WhistleGivenSchema)
@blp.response(201, AwaitedListSchema)
def blow(given: dict[str, Any], number: str) -> Any:
    """Whistle for the community to come and see"""
    return {"items": whistle(stamp(), number, **given)}


@blp.route("/whistles/<int:whistle_id>/cancellation", methods=["POST"])
@blp.arguments(WhistleNoteSchema)
@blp.response(200, AwaitedListSchema)
def take_back(given: dict[str, Any], number: str, whistle_id: int) -> Any:
    """Take a whistle back that is not needed any more"""
    return {"items": cancel_whistle(stamp(), number, whistle_id, **given)}


@blp.route("/whistle-calls/<int:call_id>/help", methods=["POST"])
@blp.arguments(HelpSchema)
@blp.response(200, AwaitedSchema)
def say_helped(given: dict[str, Any], number: str, call_id: int) -> Any:
    """Say whether they came and helped"""
    return assess_help(stamp(), number, call_id, **given)
