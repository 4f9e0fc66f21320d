"""Keeps the moves of handling: dispatch, sign, contact, assists' and lead's results."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import PointSchema, Schema, text
from app.http.uploads import file_ids
from app.ledger.attachments import EntryFiles
from app.ledger.handling import Meeting, dispatch_case, record_contact, sign_case, submit_assist, submit_result
from app.ledger.intake.codes import by_code

blp = DoorBlueprint("handling", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="派单和办理")

WORDS = 4000


class MeetingSchema(Schema):
    """A joint meeting: its day, who took part, and its record."""

    held_on = fields.Date(required=True)
    participants = fields.List(text(80), required=True, validate=validate.Length(min=1, max=50))
    record = text(WORDS, required=True)

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> Meeting:
        """Make it a meeting."""
        return Meeting(**given)


class DispatchSchema(MoveSchema):
    """One lead and any assists by code; a complex matter after a joint meeting.

    `first_responder`: a village or community goes first where a department, among the assists, answers by statute.
    `reset_term` says why the term of a case that changed hands starts anew instead of keeping its first due moment.
    """

    lead_unit = text(40, required=True)
    assist_units = fields.List(text(40), validate=validate.Length(max=20))
    note = text(WORDS)
    meeting = fields.Nested(MeetingSchema)
    first_responder = fields.Boolean()
    reset_term = text(WORDS)


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
    """The reply to the person, the note for the file, whether it is solved, and why assists are not waited for.

    `evidence` are references to what proves it (a receipt's number); of what was uploaded, `reply_files` are shown to the person
    with the reply, `evidence_files` stay in the file. `point` is where it was done, by default where the photos were taken.
    """

    reply = text(WORDS, required=True)
    note = text(WORDS, required=True)
    solved = fields.Boolean(required=True)
    without_assists = text(WORDS)
    evidence = fields.List(text(200), validate=validate.Length(max=20))
    reply_files = file_ids(load_default=())
    evidence_files = file_ids(load_default=())
    point = fields.Nested(PointSchema)

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the files."""
        files = EntryFiles(reply=given.pop("reply_files"), evidence=given.pop("evidence_files"))
        return given | {"files": files}


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
