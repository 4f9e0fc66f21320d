"""Keeps handling in the field: what one has to do, signing, contacting, reporting from the spot, and handing on in the village."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.grid_api.matters import LONGEST, WORDS
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, PointSchema, Schema, Word, page_of, row_id, text
from app.http.uploads import file_ids
from app.ledger.attachments import EntryFiles
from app.ledger.disclosure import dial
from app.ledger.dispatching.sub_dispatch import hand_to
from app.ledger.fieldwork import ASKED_BY_PHONE, assist_on_the_spot, contact_on_the_spot, hands_of, result_on_the_spot
from app.ledger.handling import sign_case
from app.ledger.intake.codes import by_code
from app.ledger.requests.asking import ask_with, withdraw_request
from app.ledger.showing.worklist import Work, work_list
from app.ledger.vocabulary import Duty, Kind, RequestKind, RequestState, State, Urgency

listing = DoorBlueprint("work", door=Door.GRID, prefix="/work", auth=staff(Door.GRID), tag="现场办理")
blp = DoorBlueprint("field", door=Door.GRID, prefix="/cases/<number>", auth=staff(Door.GRID), tag="现场办理")
calling = DoorBlueprint(
    "field_calls", door=Door.GRID, prefix="/cases/<number>", auth=staff(Door.GRID), repeatable=False, tag="现场办理"
)

AMOUNT = 400
"""No term is lengthened by more units at once."""


class WorkQuery(PageQuery):
    """Only what is handed to oneself, what one's unit was given, or what is to be looked at."""

    why = Word(Work)


class ToDoSchema(Schema):
    """A case on one's list: why, as which part of it, how far it is, and what is due when."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    state = Word(State)
    state_label = Label("state")
    kind = Word(Kind)
    kind_label = Label("kind")
    urgency = Word(Urgency)
    urgency_label = Label("urgency")
    grid = fields.String(allow_none=True)
    why = Word(Work)
    duty = Word(Duty, allow_none=True)
    duty_label = Label("duty")
    unit = fields.String(allow_none=True)
    signed = fields.Boolean()
    contacted = fields.Boolean()
    reported = fields.Boolean()
    due_at = Moment(allow_none=True)
    late = fields.Boolean()
    version = fields.Integer()


class HandSchema(Schema):
    """A grid worker of one's village."""

    login = fields.String()
    name = fields.String()
    unit = fields.String()


class SeenSchema(Schema):
    """The version of the case that was seen, if it is to be minded."""

    version = fields.Integer()


class SpotSchema(SeenSchema):
    """The same, and where the phone is; far off warns and bars nothing."""

    point = fields.Nested(PointSchema)


class SpotPhotosSchema(SpotSchema):
    """The same, with photos of the place before and after the work, for the file."""

    before = file_ids(load_default=())
    after = file_ids(load_default=())

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the files."""
        names = [name for name in ("reply_files", "before", "after") if name in given]
        return given | {"files": EntryFiles(**{name.removesuffix("_files"): given.pop(name) for name in names})}


class SpotContactSchema(SpotPhotosSchema):
    """How the person was reached and what was said."""

    how = fields.String(required=True, validate=validate.OneOf(("phone", "visit", "wechat", "other")))
    note = text(WORDS, required=True)


class SpotAssistSchema(SpotPhotosSchema):
    """What the unit has done."""

    note = text(WORDS, required=True)


class SpotResultSchema(SpotPhotosSchema):
    """The reply to the person (with `reply_files`), the note for the file, whether it is solved, why assists are not waited for."""

    reply = text(LONGEST, required=True)
    note = text(WORDS, required=True)
    solved = fields.Boolean(required=True)
    without_assists = text(WORDS)
    reply_files = file_ids(load_default=())


class HandedSchema(SeenSchema):
    """To which grid worker of the village, by login."""

    worker = text(64, required=True)
    note = text(WORDS)


class FieldAskSchema(SeenSchema):
    """What is asked, why, and what its kind needs: the one unit instead (return), assists (support), how much more (extend)."""

    kind = Word(RequestKind, required=True, validate=validate.OneOf(ASKED_BY_PHONE))
    note = text(WORDS, required=True)
    reason_code = text(64)
    units = fields.List(text(40), validate=validate.Length(max=20))
    amount = fields.Integer(validate=validate.Range(min=1, max=AMOUNT))


class FieldAskedSchema(Schema):
    """What was asked; somebody else decides."""

    id = fields.Integer()
    kind = Word(RequestKind)
    kind_label = Label("kind")
    state = Word(RequestState)
    state_label = Label("state")


class FieldStandsSchema(Schema):
    """Where a case stands after something was done to it."""

    number = fields.String()
    state = Word(State)
    state_label = Label("state")
    version = fields.Integer()


class SpotMovedSchema(FieldStandsSchema):
    """The same, and how many metres from the case's place it was done: `far_off` is a warning."""

    metres_off = fields.Integer(allow_none=True)
    far_off = fields.Boolean()


class WhomToDialSchema(Schema):
    """Of several reporters, whose report it is."""

    report_id = row_id()


class PersonsPhoneSchema(Schema):
    """The plain phone of the person concerned."""

    phone = fields.String()


@listing.route("", methods=["GET"])
@listing.arguments(WorkQuery, location="query")
@listing.response(200, page_of(ToDoSchema))
def list_work(wanted: dict[str, Any]) -> Any:
    """List what one has to do, urgent cases first, then by what falls due next"""
    return work_list(stamp(), **wanted)


@listing.route("/hands", methods=["GET"])
@listing.response(200, HandSchema(many=True))
def list_hands() -> Any:
    """List the grid workers to whom one may hand a case of one's village"""
    return hands_of(stamp())


@blp.route("/signature", methods=["POST"])
@blp.arguments(SeenSchema, required=False)
@blp.response(200, FieldStandsSchema)
def sign(seen: dict[str, Any], number: str) -> Any:
    """Sign for one's unit, or for the part that was handed to one"""
    return sign_case(stamp(), number, **seen)


@blp.route("/contact", methods=["POST"])
@blp.arguments(SpotContactSchema)
@blp.response(200, SpotMovedSchema)
def contact(given: dict[str, Any], number: str) -> Any:
    """Record a contact with the person; the first one stops the contact clock"""
    return contact_on_the_spot(stamp(), number, **given)


@blp.route("/assist-result", methods=["POST"])
@blp.arguments(SpotAssistSchema)
@blp.response(200, SpotMovedSchema)
def report_assist(given: dict[str, Any], number: str) -> Any:
    """Report an assist's or a sub's part to the lead"""
    return assist_on_the_spot(stamp(), number, **given)


@blp.route("/result", methods=["POST"])
@blp.arguments(SpotResultSchema)
@blp.response(200, SpotMovedSchema)
def report_result(given: dict[str, Any], number: str) -> Any:
    """Submit the lead's result for review"""
    return result_on_the_spot(stamp(), number, **given)


@blp.route("/handing-on", methods=["POST"])
@blp.arguments(HandedSchema)
@blp.response(200, FieldStandsSchema)
def hand_on(given: dict[str, Any], number: str) -> Any:
    """Hand the village's part to one of its grid workers, who owns its clocks from now on"""
    return by_code(hand_to, stamp(), number, **given)


@blp.route("/requests", methods=["POST"])
@blp.arguments(FieldAskSchema)
@blp.response(201, FieldAskedSchema)
def ask(given: dict[str, Any], number: str) -> Any:
    """Ask to return, to extend or for support; somebody else decides"""
    return by_code(ask_with, stamp(), number, **given)


@blp.route("/requests/<int:request_id>/withdrawal", methods=["POST"])
@blp.response(200, FieldStandsSchema)
def take_back(number: str, request_id: int) -> Any:
    """Take back what one asked oneself"""
    return withdraw_request(stamp(), number, request_id)


@calling.route("/dial", methods=["POST"])
@calling.arguments(WhomToDialSchema, required=False)
@calling.response(200, PersonsPhoneSchema)
def dial_person(given: dict[str, Any], number: str) -> Any:
    """Give the phone of the person of a case that one handles; put on record with the case as the reason"""
    return dial(stamp(), number, **given)
