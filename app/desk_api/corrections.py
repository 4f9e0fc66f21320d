"""Keeps corrections at the desk: of one case, and of many with one reason."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Label, Schema, Word, text
from app.ledger.corrections import MOST, correct_case, correct_many
from app.ledger.intake.codes import by_code
from app.ledger.vocabulary import Kind, State, Urgency

blp = DoorBlueprint("corrections", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="更正")
many_blp = DoorBlueprint("many_corrections", door=Door.DESK, prefix="/corrections", auth=staff(Door.DESK), tag="更正")

WORDS = 4000


class CorrectionSchema(MoveSchema):
    """What is put right, and why; what is not named stays. Confidential: hidden from the handling unit too.

    Whom the case is against: a unit by code, a member of staff by login, or nobody.
    """

    kind = Word(Kind)
    category_id = fields.Integer()
    urgency = Word(Urgency)
    grid = text(40)
    outside_grids = fields.Boolean()
    confidential = fields.Boolean()
    hidden_from_grid = fields.Boolean()
    against_unit = text(40)
    against_staff = text(64)
    against_nobody = fields.Boolean()
    note = text(WORDS, required=True)


class CorrectionOfManySchema(Schema):
    """The numbers of the cases, what is put right in each, and the one reason."""

    numbers = fields.List(text(40), required=True, validate=validate.Length(min=1, max=MOST))
    kind = Word(Kind)
    category_id = fields.Integer()
    urgency = Word(Urgency)
    grid = text(40)
    outside_grids = fields.Boolean()
    confidential = fields.Boolean()
    hidden_from_grid = fields.Boolean()
    note = text(WORDS, required=True)


class CorrectedSchema(Schema):
    """What became of a case: done, or the code and words of its refusal."""

    number = fields.String()
    done = fields.Boolean()
    state = Word(State, allow_none=True)
    state_label = Label("state", allow_none=True)
    version = fields.Integer(allow_none=True)
    code = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)


@blp.route("/correction", methods=["POST"])
@blp.arguments(CorrectionSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def correct(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Correct kind, category, urgency, place, confidentiality or whom it is against after acceptance; the clocks follow"""
    return by_code(correct_case, stamp(), number, **given | match)


@many_blp.route("", methods=["POST"])
@many_blp.arguments(CorrectionOfManySchema)
@many_blp.response(200, CorrectedSchema(many=True))
def correct_all(given: dict[str, Any]) -> Any:
    """Correct many cases with one reason, each with its own entry"""
    return by_code(correct_many, stamp(), **given)
