"""Keeps requests at the desk: what is asked of a case, what waits for one's decision, and the decisions."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema, NamedSchema, RequestSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, row_id, text
from app.ledger.intake.codes import by_code
from app.ledger.requests.asking import ASKS, ask_with, withdraw_request
from app.ledger.requests.awaited import awaiting_decision
from app.ledger.requests.deciding import decide_with
from app.ledger.requests.suspensions import resume_case
from app.ledger.requests.withdrawal import hear_wish
from app.ledger.vocabulary import RequestKind, RequestState, State, Urgency

blp = DoorBlueprint("requests", door=Door.DESK, prefix="", auth=staff(Door.DESK), tag="申请和审批")

WORDS = 4000
LONGEST = 400
"""No term is lengthened by more units at once."""


class AskSchema(MoveSchema):
    """What is asked, why, and what its kind needs.

    `reply` is what the person will read (reject, redirect, terminate, void, judge_closed). `units`: the one unit instead
    (return), the new lead (reassign), the assists (support). `amount`: how many units of the term more (extend).
    `review_on` and `evidence`: until when and on what ground a case is suspended.
    """

    kind = Word(RequestKind, required=True, validate=validate.OneOf(tuple(ASKS)))
    note = text(WORDS, required=True)
    reason_code = text(64)
    reply = text(WORDS)
    redirect_to = text(100)
    units = fields.List(text(40), validate=validate.Length(max=20))
    amount = fields.Integer(validate=validate.Range(min=1, max=LONGEST))
    review_on = fields.Date()
    evidence = text(WORDS)


class WishSchema(MoveSchema):
    """What a person who wishes to withdraw said on the phone; of several reporters, whose report it is."""

    words = text(WORDS, required=True)
    report_id = row_id()


class RequestedSchema(Schema):
    """What was asked; somebody else decides."""

    id = fields.Integer()
    kind = Word(RequestKind)
    kind_label = Label("kind")
    state = Word(RequestState)
    state_label = Label("state")


class DecisionSchema(MoveSchema):
    """Yes or no; a no needs a note. `reply` replaces the words proposed for the person.

    `unit` names who takes over at once when a return is approved, or another new lead than the one asked for; `reset_term`
    says why the new lead's term starts anew.
    """

    approve = fields.Boolean(required=True)
    note = text(WORDS)
    reply = text(WORDS)
    unit = text(40)
    reset_term = text(WORDS)


class AwaitedQuery(PageQuery):
    """Only requests of one kind."""

    kind = Word(RequestKind)


class AwaitedSchema(Schema):
    """A request that waits for one's decision, of which case (in the `version` that may be decided on), and by when."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    state = Word(State)
    state_label = Label("state")
    urgency = Word(Urgency)
    urgency_label = Label("urgency")
    lead_unit = fields.Nested(NamedSchema, allow_none=True)
    version = fields.Integer()
    due_at = Moment(allow_none=True)
    request = fields.Nested(RequestSchema)


AwaitedPageSchema = page_of(AwaitedSchema)


class ResumptionSchema(MoveSchema):
    """Why a suspended case goes on before its review date."""

    note = text(WORDS, required=True)


@blp.route("/requests", methods=["GET"])
@blp.arguments(AwaitedQuery, location="query")
@blp.response(200, AwaitedPageSchema)
def list_awaited(wanted: dict[str, Any]) -> Any:
    """List the requests that wait for one's decision, the oldest first"""
    return awaiting_decision(stamp(), **wanted)


@blp.route("/cases/<number>/requests", methods=["POST"])
@blp.arguments(AskSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(201, RequestedSchema)
def ask(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Ask something of a case that somebody else decides"""
    return by_code(ask_with, stamp(), number, **given | match)


@blp.route("/cases/<number>/withdrawal", methods=["POST"])
@blp.arguments(WishSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(201, RequestedSchema)
def wish_to_withdraw(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record that a person wishes, on the phone, to withdraw; a second person makes sure"""
    return hear_wish(stamp(), number, **given | match)


@blp.route("/cases/<number>/requests/<int:request_id>/decision", methods=["POST"])
@blp.arguments(DecisionSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def decide(given: dict[str, Any], match: dict[str, Any], number: str, request_id: int) -> Any:
    """Decide what somebody else asked"""
    return by_code(decide_with, stamp(), number, request_id, **given | match)


@blp.route("/cases/<number>/requests/<int:request_id>/withdrawal", methods=["POST"])
@blp.arguments(MoveSchema, required=False)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def take_back(given: dict[str, Any], match: dict[str, Any], number: str, request_id: int) -> Any:
    """Take back what one asked oneself"""
    return withdraw_request(stamp(), number, request_id, **given | match)


@blp.route("/cases/<number>/resumption", methods=["POST"])
@blp.arguments(ResumptionSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def resume(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Take a suspended case up again before its review date"""
    return resume_case(stamp(), number, **given | match)
