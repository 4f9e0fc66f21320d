"""Keeps the moves of intake: accept, ask and supply, supplement, answer."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Schema, Word, text
from app.ledger.commands import accept_case, answer_case, ask_info, supplement, supply_info
from app.ledger.intake.codes import by_code
from app.ledger.vocabulary import Kind, Urgency

blp = DoorBlueprint("intake", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="受理")

WORDS = 4000


class AcceptanceSchema(MoveSchema):
    """What the matter is and where: a grid by code, or outside any grid.

    What its words ask for besides: confidential (hidden from the handling unit too), hidden from the grid, whom it is against.
    """

    kind = Word(Kind, required=True)
    category_id = fields.Integer(required=True)
    grid = text(40, load_default=None)
    outside_grids = fields.Boolean()
    urgency = Word(Urgency)
    confidential = fields.Boolean()
    hidden_from_grid = fields.Boolean()
    against_unit = text(40)
    against_staff = text(64)


class QuestionSchema(MoveSchema):
    """What the person is asked."""

    question = text(WORDS, required=True)


class InformationSchema(MoveSchema):
    """What the person said when asked."""

    words = text(WORDS, required=True)


class SupplementSchema(Schema):
    """What somebody has to add."""

    words = text(WORDS, required=True)


class AnswerSchema(MoveSchema):
    """The answer, and what the case still lacks: category, grid or outside any grid."""

    reply = text(WORDS, required=True)
    category_id = fields.Integer()
    grid = text(40)
    outside_grids = fields.Boolean()


@blp.route("/acceptance", methods=["POST"])
@blp.arguments(AcceptanceSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def accept(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Accept a case: settle kind, category, place and urgency"""
    return by_code(accept_case, stamp(), number, **given | match)


@blp.route("/question", methods=["POST"])
@blp.arguments(QuestionSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def ask(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Ask the filer for what is missing"""
    return ask_info(stamp(), number, **given | match)


@blp.route("/information", methods=["POST"])
@blp.arguments(InformationSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def supply(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Supply, for the person on the phone, what was asked"""
    return supply_info(stamp(), number, **given | match)


@blp.route("/supplement", methods=["POST"])
@blp.arguments(SupplementSchema)
@blp.response(200, MovedSchema)
def add(given: dict[str, Any], number: str) -> Any:
    """Add what somebody has to say to a case under way"""
    return supplement(stamp(), number, **given)


@blp.route("/answer", methods=["POST"])
@blp.arguments(AnswerSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def answer(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Answer a case directly, before it is dispatched"""
    return by_code(answer_case, stamp(), number, **given | match)
