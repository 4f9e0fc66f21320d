"""Keeps whistles at any staff door: blowing, checking in by position, and what both sides say of it."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Moment, Number, PageQuery, PointSchema, Schema, page_of, text
from app.ledger.intake.codes import by_code
from app.ledger.whistles.arrivals import arrive, assess_help, assess_whistle
from app.ledger.whistles.blowing import cancel_whistle, whistle
from app.ledger.whistles.view import calls_page

WORDS = 1000


class WhistleGivenSchema(Schema):
    """Which units are to come where, why, and by when, else within the policy's time."""

    units = fields.List(text(40), required=True, validate=validate.Length(min=1, max=20))
    place = text(200, required=True)
    words = text(WORDS, required=True)
    point = fields.Nested(PointSchema)
    arrive_by = Moment()
    version = fields.Integer()


class CheckInSchema(Schema):
    """Where one checks in; a place far off is noted, never refused."""

    point = fields.Nested(PointSchema)
    note = text(WORDS)


class HelpSchema(Schema):
    """Whether they came and helped."""

    helped = fields.Boolean(required=True)
    note = text(WORDS, required=True)


class JustifiedSchema(Schema):
    """Whether the whistle was right."""

    justified = fields.Boolean(required=True)
    note = text(WORDS, required=True)


class WhistleNoteSchema(Schema):
    """Why."""

    note = text(WORDS, required=True)


class WhistleCallSchema(Schema):
    """A unit that is to come, why, whether it came in time and how far off, and what both sides say; points are WGS-84.

    `by_resident`: a resident whistled, and nobody is told who; else `by` and `by_unit` did.
    """

    id = fields.Integer()
    whistle_id = fields.Integer()
    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    unit = fields.String()
    unit_name = fields.String()
    by_resident = fields.Boolean()
    by = fields.String(allow_none=True)
    by_unit = fields.String(allow_none=True)
    words = fields.String(allow_none=True)
    place = fields.String()
    latitude = fields.Float(allow_none=True)
    longitude = fields.Float(allow_none=True)
    blown_at = Moment()
    due_at = Moment()
    arrived_at = Moment(allow_none=True)
    arrived_by = fields.String(allow_none=True)
    arrived_latitude = fields.Float(allow_none=True)
    arrived_longitude = fields.Float(allow_none=True)
    metres_off = fields.Integer(allow_none=True)
    far_off = fields.Boolean()
    in_time = fields.Boolean(allow_none=True)
    cancelled = fields.Boolean()
    helped = fields.Boolean(allow_none=True)
    justified = fields.Boolean(allow_none=True)
    ruling = fields.Boolean(allow_none=True)


class WhistleCallsSchema(Schema):
    """The units of a whistle."""

    items = fields.List(fields.Nested(WhistleCallSchema))


class WhistleCallsQuery(PageQuery):
    """Of which case; `mine`: of one's own unit; `waiting`: who is still to come; `contested`: what waits for a ruling."""

    number = Number()
    mine = fields.Boolean()
    waiting = fields.Boolean()
    contested = fields.Boolean()


def whistle_topics(at: Door) -> list[DoorBlueprint]:
    """Make the blueprints of whistles for a door of staff."""
    return [_listing(at), _whistling(at)]


def _listing(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("whistles", door=at, prefix="/whistles", auth=staff(at), tag="吹哨报到")

    @blp.route("", methods=["GET"])
    @blp.arguments(WhistleCallsQuery, location="query")
    @blp.response(200, page_of(WhistleCallSchema))
    def list_calls(wanted: dict[str, Any]) -> Any:
        """List whistles, the newest first"""
        return calls_page(stamp(), **wanted)

    return blp


def _whistling(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("whistling", door=at, prefix="/cases/<number>", auth=staff(at), tag="吹哨报到")

    @blp.route("/whistles", methods=["POST"])
    @blp.arguments(WhistleGivenSchema)
    @blp.response(201, WhistleCallsSchema)
    def blow(given: dict[str, Any], number: str) -> Any:
        """Whistle for units to come to a place"""
        return {"items": by_code(whistle, stamp(), number, **given)}

    @blp.route("/whistles/<int:whistle_id>/cancellation", methods=["POST"])
    @blp.arguments(WhistleNoteSchema)
    @blp.response(200, WhistleCallsSchema)
    def take_back(given: dict[str, Any], number: str, whistle_id: int) -> Any:
        """Take a whistle back that is not needed any more"""
        return {"items": cancel_whistle(stamp(), number, whistle_id, **given)}

    @blp.route("/whistle-calls/<int:call_id>/arrival", methods=["POST"])
    @blp.arguments(CheckInSchema)
    @blp.response(200, WhistleCallSchema)
    def check_in(given: dict[str, Any], number: str, call_id: int) -> Any:
        """Check in for one's unit"""
        return arrive(stamp(), number, call_id, **given)

    @blp.route("/whistle-calls/<int:call_id>/help", methods=["POST"])
    @blp.arguments(HelpSchema)
    @blp.response(200, WhistleCallSchema)
    def say_helped(given: dict[str, Any], number: str, call_id: int) -> Any:
        """Say, as who blew, whether they came and helped"""
        return assess_help(stamp(), number, call_id, **given)

    @blp.route("/whistle-calls/<int:call_id>/justification", methods=["POST"])
    @blp.arguments(JustifiedSchema)
    @blp.response(200, WhistleCallSchema)
    def say_justified(given: dict[str, Any], number: str, call_id: int) -> Any:
        """Say, as who was called, whether the whistle was right"""
        return assess_whistle(stamp(), number, call_id, **given)

    return blp
