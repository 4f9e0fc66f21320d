"""Keeps verification on the spot: what a grid worker is to see, what they saw, and representatives' ratings (评单)."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.grid_api.matters import WORDS
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, PageQuery, Schema, Word, page_of, text
from app.ledger.verification.looks import record_appraisal, record_look, to_look_at
from app.ledger.vocabulary import Satisfaction, State

listing = DoorBlueprint("looks", door=Door.GRID, prefix="/looks", auth=staff(Door.GRID), tag="现场查看和评单")
blp = DoorBlueprint("verification", door=Door.GRID, prefix="/cases/<number>", auth=staff(Door.GRID), tag="现场查看和评单")


class ToLookAtSchema(Schema):
    """A case whose result is to be seen on the spot."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    state = Word(State)
    state_label = Label("state")
    grid = fields.String()
    round = fields.Integer()


class LookSchema(Schema):
    """What was seen on the spot."""

    solved = fields.Boolean(required=True)
    words = text(WORDS, required=True)
    version = fields.Integer(load_default=None)


class AppraisalSchema(Schema):
    """Which representative, how satisfied, and in what words."""

    representative = text(40, required=True)
    satisfaction = Word(Satisfaction, required=True)
    words = text(WORDS, required=True)
    version = fields.Integer(load_default=None)


class VerifiedSchema(Schema):
    """Where the case stands."""

    number = fields.String()
    state = Word(State)
    state_label = Label("state")
    version = fields.Integer()


@listing.route("", methods=["GET"])
@listing.arguments(PageQuery, location="query")
@listing.response(200, page_of(ToLookAtSchema))
def list_looks(wanted: dict[str, Any]) -> Any:
    """List the results that one is to see on the spot: of one's own grids, for a township also of villages that handled them"""
    return to_look_at(stamp(), **wanted)


@blp.route("/look", methods=["POST"])
@blp.arguments(LookSchema)
@blp.response(201, VerifiedSchema)
def look(seen: dict[str, Any], number: str) -> Any:
    """Record what one saw on the spot"""
    return record_look(stamp(), number, **seen)


@blp.route("/appraisals", methods=["POST"])
@blp.arguments(AppraisalSchema)
@blp.response(201, VerifiedSchema)
def appraise(given: dict[str, Any], number: str) -> Any:
    """Record a representative's rating of the result"""
    return record_appraisal(stamp(), number, **given)
