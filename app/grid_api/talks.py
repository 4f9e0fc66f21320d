"""Keeps village talks in the field: minutes written down once, everything said a report of its own."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.grid_api.matters import LONGEST, PersonSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, row_id, text
from app.http.uploads import file_ids
from app.ledger.vocabulary import Kind, State
from app.talks.commands import Said, Talk, own_talks, show_talk, write_talk

blp = DoorBlueprint("talks", door=Door.GRID, prefix="/talks", auth=staff(Door.GRID), tag="村民说事")


class SaidItemSchema(Schema):
    """One thing said: by whom, in which words, and what was answered on the spot; photos, uploaded before."""

    words = fields.String(required=True, validate=validate.Length(max=LONGEST))
    title = text(200, allow_none=True)
    kind = Word(Kind)
    category_id = row_id(allow_none=True)
    resident_id = row_id(allow_none=True)
    household_id = row_id(allow_none=True)
    person = fields.Nested(PersonSchema, allow_none=True)
    grid = text(40, allow_none=True)
    answer = text(LONGEST, allow_none=True)
    files = file_ids()

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Said:
        """Make it something said."""
        return Said(**given)


class TalkSchema(Schema):
    """A talk: village, day, place, who chaired it, how many came, its minutes, and everything said."""

    village = text(40, required=True)
    held_on = fields.Date(required=True)
    place = text(200, required=True)
    chair = text(40, required=True)
    attendants = fields.Integer(required=True, validate=validate.Range(min=1, max=10_000))
    minutes = text(LONGEST, allow_none=True)
    items = fields.List(fields.Nested(SaidItemSchema), required=True, validate=validate.Length(max=100))

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Talk:
        """Make it a talk."""
        return Talk(**given)


class SaidShownSchema(Schema):
    """What became of one thing said; the claim code is for who said it, shown once. Of a case that one may not see: nothing."""

    place = fields.Integer()
    number = fields.String(allow_none=True)
    number_in_fours = InFours("number")
    title = fields.String(allow_none=True)
    state = Word(State, allow_none=True)
    state_label = Label("state")
    answered = fields.Boolean(allow_none=True)
    claim_code = fields.String(allow_none=True)
    claim_code_in_fours = InFours("claim_code")


class TalkShownSchema(Schema):
    """A talk and what came of it."""

    id = fields.Integer()
    village = fields.String()
    held_on = fields.Date()
    place = fields.String()
    chair = fields.String()
    attendants = fields.Integer()
    minutes = fields.String(allow_none=True)
    written_at = Moment()
    items = fields.List(fields.Nested(SaidShownSchema))


@blp.route("", methods=["POST"])
@blp.arguments(TalkSchema)
@blp.response(201, TalkShownSchema)
def write(talk: Talk) -> Any:
    """Write a talk down; everything said becomes a report"""
    return write_talk(stamp(), talk)


@blp.route("", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(TalkShownSchema))
def list_talks(wanted: dict[str, Any]) -> Any:
    """List the talks of one's villages, newest first"""
    return own_talks(stamp(), **wanted)


@blp.route("/<int:talk_id>", methods=["GET"])
@blp.response(200, TalkShownSchema)
def show(talk_id: int) -> Any:
    """Show a talk of one's villages and what came of it"""
    return show_talk(stamp(), talk_id)
