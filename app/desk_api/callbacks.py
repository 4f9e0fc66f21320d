"""Keeps the desk's lists of the person's word: whom to call back, and who is dissatisfied."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.desk_api.shown import PersonSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of
from app.ledger.callbacks.tasks import call_tasks, callees_view
from app.ledger.rounds.triage_list import triage_list
from app.ledger.vocabulary import CallbackBy, CalleeState, Channel, Clock, Kind, Light, Satisfaction, State, Urgency

blp = DoorBlueprint("callbacks", door=Door.DESK, prefix="", auth=staff(Door.DESK), tag="核验和回访")


class CallTaskSchema(Schema):
    """A case to be called about: who waits, attempts that count, and when the next call makes sense.

    `clock` says what the call is: the call-back, or the first contact of a confidential case.
    """

    clock = Word(Clock)
    clock_label = Label("clock")
    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    kind = Word(Kind)
    kind_label = Label("kind")
    urgency = Word(Urgency)
    urgency_label = Label("urgency")
    confidential = fields.Boolean()
    round = fields.Integer()
    unit_solved = fields.Boolean(allow_none=True)
    waiting = fields.Integer()
    heard = fields.Integer()
    attempts = fields.Integer()
    next_at = Moment(allow_none=True)
    due_at = Moment()
    light = Word(Light)
    light_label = Label("light")


class CalleeSchema(Schema):
    """A reporter, masked, and where their call-back stands."""

    report_id = fields.Integer()
    channel = Word(Channel)
    channel_label = Label("channel")
    title = fields.String()
    person = fields.Nested(PersonSchema, allow_none=True)
    state = Word(CalleeState)
    state_label = Label("state")
    attempts = fields.Integer()
    next_at = Moment(allow_none=True)
    solved = fields.Boolean(allow_none=True)
    satisfaction = Word(Satisfaction, allow_none=True)
    satisfaction_label = Label("satisfaction", allow_none=True)


class CalleesSchema(Schema):
    """Whom to call, and three words on whether it is solved: the unit's, the persons', upstream's."""

    number = fields.String()
    round = fields.Integer()
    unit_solved = fields.Boolean(allow_none=True)
    person_solved = fields.Boolean(allow_none=True)
    upstream_solved = fields.Boolean(allow_none=True)
    satisfaction = Word(Satisfaction, allow_none=True)
    satisfaction_label = Label("satisfaction", allow_none=True)
    callees = fields.List(fields.Nested(CalleeSchema))


class TriageQuery(PageQuery):
    """Those that wait for triage, or closed ones rated badly afterwards."""

    closed = fields.Boolean(load_default=False)


class HeardSchema(Schema):
    """What somebody said of the handling."""

    at = Moment()
    by = Word(CallbackBy)
    contacted = fields.Boolean(allow_none=True)
    solved = fields.Boolean(allow_none=True)
    satisfaction = Word(Satisfaction, allow_none=True)
    satisfaction_label = Label("satisfaction", allow_none=True)
    attitude = fields.Integer(allow_none=True)
    competence = fields.Integer(allow_none=True)
    convenience = fields.Integer(allow_none=True)
    speed = fields.Integer(allow_none=True)
    words = fields.String(allow_none=True)


class DissatisfiedSchema(Schema):
    """A case with whose handling somebody is dissatisfied, and what was said."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    state = Word(State)
    state_label = Label("state")
    kind = Word(Kind)
    kind_label = Label("kind")
    urgency = Word(Urgency)
    urgency_label = Label("urgency")
    unit = fields.String(allow_none=True)
    round = fields.Integer()
    reworks = fields.Integer()
    unit_solved = fields.Boolean(allow_none=True)
    due_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    said = fields.List(fields.Nested(HeardSchema))


@blp.route("/callbacks", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(CallTaskSchema))
def list_calls(wanted: dict[str, Any]) -> Any:
    """List the cases that one may call back or, where confidential, contact first; the most urgent come first"""
    return call_tasks(stamp(), **wanted)


@blp.route("/cases/<number>/callees", methods=["GET"])
@blp.response(200, CalleesSchema)
def show_callees(number: str) -> Any:
    """Show whom to call back for a case, and what was said so far"""
    return callees_view(stamp(), number)


@blp.route("/triage", methods=["GET"])
@blp.arguments(TriageQuery, location="query")
@blp.response(200, page_of(DissatisfiedSchema))
def list_dissatisfied(wanted: dict[str, Any]) -> Any:
    """List the cases whose people are dissatisfied, with their words"""
    return triage_list(stamp(), **wanted)
