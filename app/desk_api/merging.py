"""Keeps how the desk finds cases that are one thing, merges them and takes them apart again, links what comes back, publishes."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Label, Moment, Number, Schema, Word, text
from app.ledger.merging.candidates import merge_candidates
from app.ledger.merging.joining import MOST, merge_cases
from app.ledger.merging.publishing import publish_case, take_down
from app.ledger.merging.repeats import link_recurrence
from app.ledger.merging.unmerging import unmerge_case
from app.ledger.vocabulary import Kind, State, Urgency

blp = DoorBlueprint("merging", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="并案和公开")

WORDS = 4000


class CandidateSchema(Schema):
    """A case that may be the same thing: `recurrence` says that it is closed, to be linked or reopened, not merged.

    One that is `settled` is not taken up again without new facts. `refusal` says why the merge would be refused now.
    """

    number = fields.String()
    title = fields.String()
    state = Word(State)
    state_label = Label("state")
    kind = Word(Kind)
    kind_label = Label("kind")
    urgency = Word(Urgency)
    grid = fields.String(allow_none=True)
    heat = fields.Integer()
    opened_at = Moment()
    closed_at = Moment(allow_none=True)
    score = fields.Float()
    likeness = fields.Float()
    reasons = fields.String()
    recurrence = fields.Boolean()
    settled = fields.Boolean()
    one_click = fields.Boolean()
    refusal = fields.String(allow_none=True)


class MergeSchema(MoveSchema):
    """Which cases are the same thing as this one, and what the persons whose case ends by it are told.

    With `versions` (number to version) of the others, and `into`, the case that is expected to survive, the merge is refused
    where a colleague was faster.
    """

    numbers = fields.List(Number(), required=True, validate=validate.Length(min=1, max=MOST))
    reply = text(WORDS)
    versions = fields.Dict(keys=Number(), values=fields.Integer())
    into = Number()


class MergeNoteSchema(MoveSchema):
    """A note for the file."""

    note = text(WORDS, required=True)


class RecurrenceSchema(MoveSchema):
    """The number of the case that was closed lately."""

    of = Number(required=True)


class PublicationSchema(MoveSchema):
    """What everybody reads: no name, no phone, no house number."""

    title = text(60, required=True)
    summary = text(500, required=True)


@blp.route("/merge-candidates", methods=["GET"])
@blp.response(200, CandidateSchema(many=True))
def list_candidates(number: str) -> Any:
    """List the cases that may be the same thing, the likeliest first, with the reasons"""
    return merge_candidates(stamp(), number)


@blp.route("/merge", methods=["POST"])
@blp.arguments(MergeSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def merge(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Merge a case with others, all or none; gives the one that survives"""
    return merge_cases(stamp(), number, **given | match)


@blp.route("/unmerge", methods=["POST"])
@blp.arguments(MergeNoteSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def unmerge(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Take a merged case out again while its survivor is open; it goes on from where it was"""
    return unmerge_case(stamp(), number, **given | match)


@blp.route("/recurrence", methods=["POST"])
@blp.arguments(RecurrenceSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def link(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Link a case to one that was closed lately and is the same thing"""
    return link_recurrence(stamp(), number, **given | match)


@blp.route("/publication", methods=["POST"])
@blp.arguments(PublicationSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def publish(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Publish a case under words that name nobody, or change them"""
    return publish_case(stamp(), number, **given | match)


@blp.route("/publication/end", methods=["POST"])
@blp.arguments(MergeNoteSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def unpublish(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Take a published case down"""
    return take_down(stamp(), number, **given | match)
