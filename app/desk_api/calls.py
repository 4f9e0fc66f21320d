"""Keeps the log of hotline calls, which is kept whether or not a call makes a case."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Label, Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.intake.calls import calls_page, log_call
from app.ledger.vocabulary import CallOutcome

blp = DoorBlueprint("calls", door=Door.DESK, prefix="/calls", auth=staff(Door.DESK), tag="来电记录")


class CallSchema(Schema):
    """A call: when it came, from which number, the reference of its recording, what became of it."""

    at = Moment(required=True)
    number = text(40)
    recording = text(200)
    outcome = Word(CallOutcome, required=True)


class CallShownSchema(Schema):
    """A call; the number is masked, the case is shown to those who see it."""

    id = fields.Integer()
    at = Moment()
    number = fields.String(allow_none=True)
    agent = fields.String()
    recording = fields.String(allow_none=True)
    outcome = Word(CallOutcome)
    outcome_label = Label("outcome")
    case = fields.String(allow_none=True)


@blp.route("", methods=["POST"])
@blp.arguments(CallSchema)
@blp.response(201, CallShownSchema)
def log(given: dict[str, Any]) -> Any:
    """Log a call that one took"""
    return log_call(stamp(), **given)


@blp.route("", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(CallShownSchema))
def list_calls(wanted: dict[str, Any]) -> Any:
    """List calls, the latest first"""
    return calls_page(stamp(), **wanted)
