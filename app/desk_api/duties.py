"""Keeps the catalogue of responsible units at the desk, and what it suggests for a dispatch."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.desk_api.shown import NamedSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Label, Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.dispatching.duties import duties_page, end_duty, put_duty
from app.ledger.dispatching.suggestions import suggest_units
from app.ledger.intake.codes import by_code
from app.ledger.vocabulary import Duty, Responsibility

blp = DoorBlueprint("duties", door=Door.DESK, prefix="/duties", auth=staff(Door.DESK), tag="责任单位清单")
suggestions_blp = DoorBlueprint("suggestions", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="派单和办理")


class DutiesQuery(PageQuery):
    """Which lines: a category with all below it, a unit, those that were ended too."""

    category_id = fields.Integer()
    unit = text(40)
    ended = fields.Boolean()


class DutyGivenSchema(Schema):
    """Which unit does what for a category and all below it."""

    category_id = fields.Integer(required=True)
    unit = text(40, required=True)
    role = Word(Responsibility, required=True)
    note = text(400)


class DutySchema(Schema):
    """A line of the catalogue: who put it when, and who ended it when; put by nobody: brought in from a table."""

    id = fields.Integer()
    category_id = fields.Integer()
    category = fields.String()
    unit = fields.String()
    unit_name = fields.String()
    role = Word(Responsibility)
    role_label = Label("role")
    note = fields.String(allow_none=True)
    put_at = Moment()
    put_by = fields.String(allow_none=True)
    ended_at = Moment(allow_none=True)
    ended_by = fields.String(allow_none=True)


class SuggestionSchema(Schema):
    """A unit for a dispatch, with the reasons."""

    unit = fields.Nested(NamedSchema)
    duty = Word(Duty)
    duty_label = Label("duty")
    score = fields.Integer()
    reasons = fields.List(fields.String())
    led = fields.Integer()
    returned_share = fields.Float(allow_none=True)


@blp.route("", methods=["GET"])
@blp.arguments(DutiesQuery, location="query")
@blp.response(200, page_of(DutySchema))
def list_duties(wanted: dict[str, Any]) -> Any:
    """List which units answer for which categories"""
    return by_code(duties_page, **wanted)


@blp.route("", methods=["POST"])
@blp.arguments(DutyGivenSchema)
@blp.response(201, DutySchema)
def put(given: dict[str, Any]) -> Any:
    """Put a unit's duty for a category in force"""
    return by_code(put_duty, stamp(), **given)


@blp.route("/<int:duty_id>/end", methods=["POST"])
@blp.response(200, DutySchema)
def end(duty_id: int) -> Any:
    """End a line of the catalogue"""
    return end_duty(stamp(), duty_id)


@suggestions_blp.route("/dispatch-suggestions", methods=["GET"])
@suggestions_blp.response(200, SuggestionSchema(many=True))
def suggest(number: str) -> Any:
    """Suggest units for a dispatch, each with its reasons"""
    return suggest_units(stamp(), number)
