"""Keeps the moves of handling: dispatch, sign, contact, assists' and lead's results."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import text
from app.ledger.codes import by_code
from app.ledger.handling import dispatch_case, record_contact, sign_case, submit_assist, submit_result

blp = DoorBlueprint("handling", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="派单和办理")

WORDS = 4000


class DispatchSchema(MoveSchema):
    """One lead and any assists by code; `meeting` is the record of a joint meeting for a complex matter."""

    lead_unit = text(40, required=True)
    assist_units = fields.List(text(40), validate=validate.Length(max=20))
    note = text(WORDS)
    meeting = text(WORDS)


class SignatureSchema(MoveSchema):
    """Nothing but, perhaps, the version."""


class ContactSchema(MoveSchema):
    """How the person was reached and what was said."""

    how = fields.String(required=True, validate=validate.OneOf(("phone", "visit", "wechat", "other")))
    note = text(WORDS, required=True)


class AssistResultSchema(MoveSchema):
    """What the assisting unit has done."""

    note = text(WORDS, required=True)


class ResultSchema(MoveSchema):
    """The reply to the person, the note for the file, whether it is solved, and why assists are not waited for."""

    reply = text(WORDS, required=True)
    note = text(WORDS, required=True)
    solved = fields.Boolean(required=True)
    without_assists = text(WORDS)


@blp.route("/dispatch", methods=["POST"])
@blp.arguments(DispatchSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def dispatch(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Dispatch a case to its lead and assists"""
    return by_code(dispatch_case, stamp(), number, **given | match)


@blp.route("/signature", methods=["POST"])
@blp.arguments(SignatureSchema, required=False)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def sign(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Sign for one's unit, lead or assist"""
    return sign_case(stamp(), number, **given | match)


@blp.route("/contact", methods=["POST"])
@blp.arguments(ContactSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def contact(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record a contact with the person; the first one stops the contact clock"""
    return record_contact(stamp(), number, **given | match)


@blp.route("/assist-result", methods=["POST"])
@blp.arguments(AssistResultSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def report_assist(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Report an assist's part to the lead"""
    return submit_assist(stamp(), number, **given | match)


@blp.route("/result", methods=["POST"])
@blp.arguments(ResultSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def report_result(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Submit the lead's result for review"""
    return submit_result(stamp(), number, **given | match)
