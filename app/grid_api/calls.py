"""Keeps the village hotline on the telephone: calls are registered with what they make, in one go."""

from typing import Any

from marshmallow import fields, post_load

from app.core.stamp import Door
from app.grid_api.matters import MatterSchema, PersonSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, text
from app.http.services import WantedSchema
from app.http.uploads import file_ids
from app.ledger.intake.calls import own_calls
from app.ledger.vocabulary import CallOutcome
from app.people.identity import Person
from app.services.calls import Asked, VillageCall, register_call
from app.services.ordering import Wanted

blp = DoorBlueprint("calls", door=Door.GRID, prefix="/calls", auth=staff(Door.GRID), tag="村级热线")


class CallerSchema(PersonSchema):
    """Who called; the telephone may be all that is known."""

    name = text(60, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Person:
        """Make it a person."""
        return Person(**given)


class CallOrderSchema(WantedSchema):
    """What the caller orders."""

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Wanted:
        """Make it what is wanted."""
        return Wanted(**given)


class CallReportSchema(MatterSchema):
    """What the caller reports."""

    files = file_ids()

    class Meta(Schema.Meta):
        """A call at the village is not confidential: whom that is for calls the county."""

        exclude = ("confidential",)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Asked:
        """Make it a report."""
        return Asked(**given)


class VillageCallSchema(Schema):
    """A call: when, from which number, what became of it, and the order or report that it makes."""

    at = Moment(required=True)
    outcome = Word(CallOutcome, required=True)
    number = text(40, allow_none=True)
    person = fields.Nested(CallerSchema, allow_none=True)
    grid = text(40, allow_none=True)
    order = fields.Nested(CallOrderSchema, allow_none=True)
    report = fields.Nested(CallReportSchema, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> VillageCall:
        """Make it a call."""
        return VillageCall(**given)


class RegisteredSchema(Schema):
    """A registered call and its case; `joined`: the number waits to be called back already."""

    id = fields.Integer()
    outcome = Word(CallOutcome)
    outcome_label = Label("outcome")
    case = fields.String(allow_none=True)
    claim_code = fields.String(allow_none=True)
    claim_code_in_fours = InFours("claim_code")
    joined = fields.Boolean()


class CallShownSchema(Schema):
    """A call that one took; the number is masked."""

    id = fields.Integer()
    at = Moment()
    number = fields.String(allow_none=True)
    outcome = Word(CallOutcome)
    outcome_label = Label("outcome")
    case = fields.String(allow_none=True)


@blp.route("", methods=["POST"])
@blp.arguments(VillageCallSchema)
@blp.response(201, RegisteredSchema)
def register(call: VillageCall) -> Any:
    """Register a call at the village hotline with the order or report that it makes"""
    return register_call(stamp(), call)


@blp.route("", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(CallShownSchema))
def list_calls(wanted: dict[str, Any]) -> Any:
    """List the calls that one took, the latest first"""
    return own_calls(stamp(), **wanted)
