"""Keeps how grid workers and cadres follow the cases of their grids and filings, add to them, and answer on the spot."""

from typing import Any

from marshmallow import fields, post_load

from app.core.stamp import Door
from app.grid_api.matters import LONGEST, WordsSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, row_id, text
from app.http.uploads import FileSchema, file_ids
from app.ledger.attachments import EntryFiles
from app.ledger.commands import answer_case, supplement, supply_info
from app.ledger.intake.codes import by_code
from app.ledger.showing.following import follow, follow_list
from app.ledger.vocabulary import Action, Channel, Kind, State

blp = DoorBlueprint("cases", door=Door.GRID, prefix="/cases", auth=staff(Door.GRID), tag="工单")


class CasesQuery(PageQuery):
    """Which cases."""

    state = Word(State, load_default=None)


class StandingSchema(Schema):
    """Where a case stands."""

    number = fields.String()
    number_in_fours = InFours("number")
    state = Word(State)
    state_label = Label("state")
    kind = Word(Kind)
    kind_label = Label("kind")
    title = fields.String()
    opened_at = Moment()
    promised_by = Moment(allow_none=True)
    late = fields.Boolean()


class SaidSchema(Schema):
    """A report in its own words, with its files."""

    said_at = Moment()
    channel = Word(Channel)
    channel_label = Label("channel")
    title = fields.String()
    body = fields.String()
    files = fields.List(fields.Nested(FileSchema))


class LineSchema(Schema):
    """A line of the timeline: the words are a reply to the person, or one's own, the files those of the reply."""

    at = Moment()
    action = Word(Action)
    what = fields.String()
    who = fields.String()
    words = fields.String(allow_none=True)
    files = fields.List(fields.Nested(FileSchema))


class FollowedSchema(StandingSchema):
    """A case as its followers see it: replies, no notes, no identity."""

    version = fields.Integer()
    merged_into = fields.String(allow_none=True)
    category = fields.String(allow_none=True)
    grid = fields.String(allow_none=True)
    closed_at = Moment(allow_none=True)
    what_next = fields.String()
    question = fields.String(allow_none=True)
    reports = fields.List(fields.Nested(SaidSchema))
    timeline = fields.List(fields.Nested(LineSchema))


class SupplementSchema(WordsSchema):
    """What is added to a case, with files of one's own."""

    files = file_ids(load_default=())


class AnswerSchema(Schema):
    """What was answered on the spot; category and grid where the case has none yet.

    Of what was uploaded, `reply_files` are shown to the person with the reply, `evidence_files` stay in the file.
    """

    reply = text(LONGEST, required=True)
    category_id = row_id(load_default=None, allow_none=True)
    grid = text(40, load_default=None, allow_none=True)
    reply_files = file_ids(load_default=())
    evidence_files = file_ids(load_default=())
    version = fields.Integer(load_default=None)

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the files."""
        files = EntryFiles(reply=given.pop("reply_files"), evidence=given.pop("evidence_files"))
        return given | {"files": files}


class MovedSchema(Schema):
    """Where a case stands after something was done to it."""

    number = fields.String()
    state = Word(State)
    state_label = Label("state")
    version = fields.Integer()


@blp.route("", methods=["GET"])
@blp.arguments(CasesQuery, location="query")
@blp.response(200, page_of(StandingSchema))
def list_cases(wanted: dict[str, Any]) -> Any:
    """List the cases of one's grids or villages, newest first"""
    return follow_list(stamp(), **wanted)


@blp.route("/<number>", methods=["GET"])
@blp.response(200, FollowedSchema)
def show_case(number: str) -> Any:
    """Show a case of one's grids, or one that one has filed"""
    return follow(stamp(), number)


@blp.route("/<number>/supplements", methods=["POST"])
@blp.arguments(SupplementSchema)
@blp.response(201, MovedSchema)
def add_words(said: dict[str, Any], number: str) -> Any:
    """Add something to a case that is under way"""
    return supplement(stamp(), number, **said)


@blp.route("/<number>/information", methods=["POST"])
@blp.arguments(SupplementSchema)
@blp.response(201, MovedSchema)
def supply(said: dict[str, Any], number: str) -> Any:
    """Supply what was asked for"""
    return supply_info(stamp(), number, **said)


@blp.route("/<number>/answer", methods=["POST"])
@blp.arguments(AnswerSchema)
@blp.response(201, MovedSchema)
def answer(said: dict[str, Any], number: str) -> Any:
    """Answer a case of one's grids on the spot"""
    return by_code(answer_case, stamp(), number, **said)
