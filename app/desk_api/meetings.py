"""Keeps the weekly progress meetings at the desk: agenda, decisions, what became of the last ones."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.desk_api.supervision import NAME, WORDS, AddressedSchema, SlipSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, Number, PageQuery, Schema, Word, page_of, text
from app.ledger.supervision.meetings import agenda_page, decide_progress, decisions_page, hold_meeting, meeting_view, meetings_page
from app.ledger.vocabulary import Light, SlipState, State

blp = DoorBlueprint("meetings", door=Door.DESK, prefix="/meetings", auth=staff(Door.DESK), tag="周调度")


class HoldSchema(Schema):
    """Who leads it, who takes part; `unit` by code, else one's own."""

    chair = text(NAME, required=True)
    participants = fields.List(text(NAME), load_default=(), validate=validate.Length(max=200))
    unit = text(40, load_default=None)


class DecisionGivenSchema(AddressedSchema):
    """What was decided about a case: the words, the unit, and by when."""

    number = Number(required=True)
    words = text(WORDS, required=True)
    due = Moment(load_default=None)


class AgendaQuery(PageQuery):
    """Which light."""

    light = Word(Light, load_default=None, validate=validate.OneOf((Light.RED, Light.AMBER)))


class HeldSchema(Schema):
    """The meeting that was opened."""

    id = fields.Integer()
    held_at = Moment()
    chair = fields.String()
    participants = fields.List(fields.String())


class ProgressMeetingSchema(HeldSchema):
    """A meeting, how many cases were red and amber, how many decisions it took."""

    unit = fields.String()
    red = fields.Integer()
    amber = fields.Integer()
    decisions = fields.Integer()


class ItemSchema(Schema):
    """A case on the agenda: as it stood, and its state now."""

    place = fields.Integer()
    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    unit = fields.String(allow_none=True)
    light = Word(Light)
    light_label = Label("light")
    state = Word(State)
    state_label = Label("state")
    due_at = Moment(allow_none=True)
    late_since = Moment(allow_none=True)
    state_now = Word(State)
    state_now_label = Label("state_now")
    decisions = fields.Integer()


class ProgressDecisionSchema(Schema):
    """A decision, and whether it is done."""

    id = fields.Integer()
    slip = fields.String(allow_none=True)
    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    unit = fields.String()
    words = fields.String()
    reply_by = Moment(allow_none=True)
    state = Word(SlipState)
    state_label = Label("state")
    state_now = Word(State)
    state_now_label = Label("state_now")
    done = fields.Boolean()
    late = fields.Boolean()


DecisionPageSchema = page_of(ProgressDecisionSchema)


@blp.route("", methods=["POST"])
@blp.arguments(HoldSchema)
@blp.response(201, HeldSchema)
def hold(given: dict[str, Any]) -> Any:
    """Open a progress meeting; every red and amber case of now stands on its agenda"""
    return hold_meeting(stamp(), **given)


@blp.route("", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(ProgressMeetingSchema))
def list_meetings(wanted: dict[str, Any]) -> Any:
    """List the progress meetings, newest first"""
    return meetings_page(stamp(), **wanted)


@blp.route("/<int:meeting_id>", methods=["GET"])
@blp.response(200, ProgressMeetingSchema)
def show_meeting(meeting_id: int) -> Any:
    """Show a progress meeting"""
    return meeting_view(stamp(), meeting_id)


@blp.route("/<int:meeting_id>/agenda", methods=["GET"])
@blp.arguments(AgendaQuery, location="query")
@blp.response(200, page_of(ItemSchema))
def list_agenda(wanted: dict[str, Any], meeting_id: int) -> Any:
    """List the agenda as it stood, the longest late first"""
    return agenda_page(stamp(), meeting_id, **wanted)


@blp.route("/<int:meeting_id>/decisions", methods=["POST"])
@blp.arguments(DecisionGivenSchema)
@blp.response(201, SlipSchema)
def decide(given: dict[str, Any], meeting_id: int) -> Any:
    """Record a decision about a case; with a moment, the unit's clock runs"""
    return decide_progress(stamp(), meeting_id, **given)


@blp.route("/<int:meeting_id>/decisions", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, DecisionPageSchema)
def list_decisions(wanted: dict[str, Any], meeting_id: int) -> Any:
    """List what the meeting decided, and whether it is done"""
    return decisions_page(stamp(), meeting_id, **wanted)


@blp.route("/<int:meeting_id>/previous-decisions", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, DecisionPageSchema)
def list_previous(wanted: dict[str, Any], meeting_id: int) -> Any:
    """List what the meeting before this one decided, and whether it is done"""
    return decisions_page(stamp(), meeting_id, previous=True, **wanted)
