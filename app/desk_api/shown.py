"""Keeps the fields of a case that staff are shown; the queries hand over ready rows, nothing here looks anything up."""

from marshmallow import fields

from app.core.stamp import ActorKind, Door, Role
from app.http.fields import InFours, Label, Moment, Schema, Word, page_of
from app.http.uploads import FileSchema
from app.ledger.showing.case_view import CaseView
from app.ledger.terms import Unit as TermUnit
from app.ledger.vocabulary import (
    Action,
    CallbackBy,
    Channel,
    Clock,
    Duty,
    EmergencyService,
    Kind,
    Light,
    Outcome,
    RequestKind,
    RequestState,
    Satisfaction,
    State,
    Urgency,
)


class NamedSchema(Schema):
    """A grid or unit."""

    code = fields.String()
    name = fields.String()


class QueueRowSchema(Schema):
    """A case in the work queue: its light, and the running clock that falls due next."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    state = Word(State)
    state_label = Label("state")
    channel = Word(Channel)
    channel_label = Label("channel")
    kind = Word(Kind)
    kind_label = Label("kind")
    urgency = Word(Urgency)
    urgency_label = Label("urgency")
    category_id = fields.Integer(allow_none=True)
    category = fields.String(allow_none=True)
    grid = fields.Nested(NamedSchema, allow_none=True)
    lead_unit = fields.Nested(NamedSchema, allow_none=True)
    confidential = fields.Boolean()
    anonymous = fields.Boolean()
    archived = fields.Boolean()
    round = fields.Integer()
    version = fields.Integer()
    opened_at = Moment()
    light = Word(Light, allow_none=True)
    light_label = Label("light", allow_none=True)
    due_clock = Word(Clock, allow_none=True)
    due_clock_label = Label("due_clock", allow_none=True)
    due_at = Moment(allow_none=True)


QueuePageSchema = page_of(QueueRowSchema)


class FoundSchema(Schema):
    """The cases that were found."""

    items = fields.List(fields.Nested(QueueRowSchema))


class PersonSchema(Schema):
    """A person, masked."""

    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    id_number = fields.String(allow_none=True)


class BesideShownSchema(Schema):
    """Somebody who stands beside the person concerned, masked."""

    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)


class ReportSchema(Schema):
    """What was said; no person where nobody may see who it is."""

    id = fields.Integer()
    channel = Word(Channel)
    channel_label = Label("channel")
    title = fields.String()
    body = fields.String()
    said_at = Moment()
    received_at = Moment()
    withdrawn_at = Moment(allow_none=True)
    anonymous = fields.Boolean()
    confidential = fields.Boolean()
    place = fields.String(allow_none=True)
    latitude = fields.Float(allow_none=True)
    longitude = fields.Float(allow_none=True)
    person = fields.Nested(PersonSchema, allow_none=True)
    filed_by = fields.String(allow_none=True)
    group_size = fields.Integer(allow_none=True)
    minor = fields.Boolean()
    representatives = fields.List(fields.Nested(BesideShownSchema))
    guardian = fields.Nested(BesideShownSchema, allow_none=True)
    files = fields.List(fields.Nested(FileSchema))


class AssignmentSchema(Schema):
    """A unit's part in a round."""

    duty = Word(Duty)
    duty_label = Label("duty")
    round = fields.Integer()
    unit = fields.Nested(NamedSchema)
    handler = fields.String(allow_none=True)
    dispatched_at = Moment()
    signed_at = Moment(allow_none=True)
    contacted_at = Moment(allow_none=True)
    submitted_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    by_meeting = fields.Boolean()
    first_responder = fields.Boolean()


class ClockSchema(Schema):
    """An open clock; its due moment stands for nothing while it is paused."""

    clock = Word(Clock)
    clock_label = Label("clock")
    round = fields.Integer()
    owner_unit = fields.String(allow_none=True)
    starts_at = Moment()
    warn_at = Moment()
    due_at = Moment()
    paused = fields.Boolean()
    breached_at = Moment(allow_none=True)
    provisional = fields.Boolean()
    light = Word(Light)
    light_label = Label("light")


class RequestSchema(Schema):
    """Something asked, and what became of it.

    `note` says why, `reply` is what the person will read. `unit` is whose part it speaks of, `units` are those asked for;
    `amount` counts in `amount_unit`. `by_person`: a person wants to withdraw.
    """

    id = fields.Integer()
    kind = Word(RequestKind)
    kind_label = Label("kind")
    state = Word(RequestState)
    state_label = Label("state")
    reason_code = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    reply = fields.String(allow_none=True)
    redirect_to = fields.String(allow_none=True)
    unit = fields.Nested(NamedSchema, allow_none=True)
    units = fields.List(fields.Nested(NamedSchema))
    amount = fields.Integer(allow_none=True)
    amount_unit = Word(TermUnit, allow_none=True)
    review_on = fields.Date(allow_none=True)
    evidence = fields.String(allow_none=True)
    by_person = fields.Boolean()
    asked_by = fields.String(allow_none=True)
    asked_at = Moment()
    decided_by = fields.String(allow_none=True)
    decided_at = Moment(allow_none=True)


class CallbackSchema(Schema):
    """A call-back attempt, a call-back or a rating."""

    round = fields.Integer()
    report_id = fields.Integer(allow_none=True)
    at = Moment()
    by = Word(CallbackBy)
    agent = fields.String(allow_none=True)
    reached = fields.Boolean()
    contacted = fields.Boolean(allow_none=True)
    solved = fields.Boolean(allow_none=True)
    satisfaction = Word(Satisfaction, allow_none=True)
    satisfaction_label = Label("satisfaction", allow_none=True)
    attitude = fields.Integer(allow_none=True)
    competence = fields.Integer(allow_none=True)
    convenience = fields.Integer(allow_none=True)
    speed = fields.Integer(allow_none=True)


class ResultShownSchema(Schema):
    """A result or direct answer of a round; `passed` is null until somebody has reviewed it."""

    round = fields.Integer()
    at = Moment()
    action = Word(Action)
    action_label = Label("action")
    reply = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    solved = fields.Boolean(allow_none=True)
    passed = fields.Boolean(allow_none=True)


class EntryShownSchema(Schema):
    """A line of the timeline; `reply` went to the person, `note` is for the file."""

    case_number = fields.String(allow_none=True)
    seq = fields.Integer()
    at = Moment()
    action = Word(Action)
    action_label = Label("action")
    from_state = Word(State, allow_none=True)
    to_state = Word(State)
    to_state_label = Label("to_state")
    actor = Word(ActorKind)
    role = Word(Role)
    role_label = fields.String()
    unit = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    door = Word(Door)
    facts = fields.Dict()
    reply = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    files = fields.List(fields.Nested(FileSchema))


EntryPageSchema = page_of(EntryShownSchema)


class CaseSchema(QueueRowSchema):
    """A case with all that hangs on it, and what the viewer may do with it now."""

    upstream_number = fields.String(allow_none=True)
    outcome = Word(Outcome, allow_none=True)
    outcome_label = Label("outcome", allow_none=True)
    unit_solved = fields.Boolean(allow_none=True)
    person_solved = fields.Boolean(allow_none=True)
    upstream_solved = fields.Boolean(allow_none=True)
    heat = fields.Integer()
    closed_at = Moment(allow_none=True)
    triage = fields.Boolean()
    excluded = fields.Boolean()
    return_locked = fields.Boolean()
    settled = fields.Boolean()
    reworks = fields.Integer()
    reopenings = fields.Integer()
    reassignments = fields.Integer()
    extensions = fields.Integer()
    urgings = fields.Integer()
    raised = fields.Integer()
    awaiting_rescue = fields.Boolean()
    rescue_awaited = fields.List(Word(EmergencyService))
    hidden_from_grid = fields.Boolean()
    to_place = fields.Boolean()
    suggested_grid = fields.Nested(NamedSchema, allow_none=True)
    merged_into = fields.String(allow_none=True)
    merged = fields.List(fields.String())
    recurrence_of = fields.String(allow_none=True)
    recurrence_settled = fields.Boolean()
    published_at = Moment(allow_none=True)
    public_title = fields.String(allow_none=True)
    public_summary = fields.String(allow_none=True)
    identity_hidden = fields.Boolean()
    may_dial = fields.Boolean()
    actions = fields.List(Word(Action))
    reports = fields.List(fields.Nested(ReportSchema))
    assignments = fields.List(fields.Nested(AssignmentSchema))
    clocks = fields.List(fields.Nested(ClockSchema))
    requests = fields.List(fields.Nested(RequestSchema))
    callbacks = fields.List(fields.Nested(CallbackSchema))
    results = fields.List(fields.Nested(ResultShownSchema))
    timeline = fields.Nested(EntryPageSchema)


class MovedSchema(Schema):
    """Where a case stands after a move."""

    number = fields.String()
    state = Word(State)
    state_label = Label("state")
    round = fields.Integer()
    version = fields.Integer()


def tagged(view: CaseView) -> tuple[CaseView, dict[str, str]]:
    """Give a case with its version as the entity tag that If-Match takes."""
    return view, {"ETag": f'"{view.version}"'}
