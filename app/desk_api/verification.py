"""Keeps the double verification at the desk: the checklist of a review, and representatives' ratings (评单)."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, Schema, Word, text
from app.http.uploads import FileSchema
from app.ledger.verification.looks import record_appraisal, review_of
from app.ledger.vocabulary import CheckItem, CheckState, Satisfaction, VerifyBy

blp = DoorBlueprint("verification", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="核验和回访")

WORDS = 4000


class CheckSchema(Schema):
    """An item of the checklist; `number` is what the words count."""

    item = Word(CheckItem)
    item_label = Label("item")
    state = Word(CheckState)
    state_label = Label("state")
    words = fields.String()
    number = fields.Integer(allow_none=True)


class VerifiedSchema(Schema):
    """What a grid worker saw on the spot, or how satisfied a representative is."""

    by = Word(VerifyBy)
    by_label = Label("by")
    at = Moment()
    recorded_by = fields.String()
    solved = fields.Boolean(allow_none=True)
    satisfaction = Word(Satisfaction, allow_none=True)
    satisfaction_label = Label("satisfaction", allow_none=True)
    representative = fields.String(allow_none=True)


class ChecklistSchema(Schema):
    """What the review of the present round looks at; what is missing must be explained when the result passes."""

    number = fields.String()
    number_in_fours = InFours("number")
    round = fields.Integer()
    verify_by = Word(VerifyBy)
    verify_by_label = Label("verify_by")
    checks = fields.List(fields.Nested(CheckSchema))
    evidence = fields.List(fields.String())
    files = fields.List(fields.Nested(FileSchema))
    verified = fields.List(fields.Nested(VerifiedSchema))


class AppraisalSchema(MoveSchema):
    """Which representative, how satisfied, and in what words."""

    representative = text(40, required=True)
    satisfaction = Word(Satisfaction, required=True)
    words = text(WORDS, required=True)


@blp.route("/checklist", methods=["GET"])
@blp.response(200, ChecklistSchema)
def show_checklist(number: str) -> Any:
    """Show what a result is checked by, and what was found"""
    return review_of(stamp(), number)


@blp.route("/appraisals", methods=["POST"])
@blp.arguments(AppraisalSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def appraise(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record a representative's rating of the result"""
    return record_appraisal(stamp(), number, **given | match)
