"""Keeps how grid workers log visits."""

from typing import Any

from marshmallow import fields, post_load

from app.core.stamp import Door
from app.grid_api.matters import LONGEST, MatterSchema, PersonSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, Schema, Word, row_id, text
from app.ledger.vocabulary import State
from app.visits.commands import log_visit
from app.visits.models import VisitOutcome
from app.visits.rules import Need, VisitLog

blp = DoorBlueprint("visits", door=Door.GRID, prefix="/visits", auth=staff(Door.GRID), tag="走访")


class NeedSchema(MatterSchema):
    """A need that was heard; `answer` is what was answered on the spot."""

    answer = text(LONGEST, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Need:
        """Make it a need."""
        return Need(**given)


class VisitLogSchema(Schema):
    """A visit as the phone tells it; `key` is the phone's own, `phone_at` the time on the phone."""

    key = fields.UUID(required=True)
    outcome = Word(VisitOutcome, required=True)
    visited_at = Moment(required=True)
    phone_at = Moment(required=True)
    household_id = row_id(allow_none=True)
    grid = text(40, allow_none=True)
    resident_id = row_id(allow_none=True)
    person = fields.Nested(PersonSchema, allow_none=True)
    findings = fields.String(allow_none=True)
    needs = fields.List(fields.Nested(NeedSchema))

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> VisitLog:
        """Make it a visit log."""
        return VisitLog(**given | {"needs": tuple(given.get("needs", ()))})


class NeedLoggedSchema(Schema):
    """What became of a need; the claim code is for the household and shown once."""

    place = fields.Integer()
    number = fields.String()
    number_in_fours = InFours("number")
    state = Word(State)
    state_label = Label("state")
    answered = fields.Boolean()
    claim_code = fields.String(allow_none=True)
    claim_code_in_fours = InFours("claim_code")


class VisitLoggedSchema(Schema):
    """A stored visit; `replayed` when it was stored before."""

    key = fields.UUID(attribute="visit.key")
    outcome = fields.Enum(VisitOutcome, by_value=True, attribute="visit.outcome")
    visited_at = Moment(attribute="visit.visited_at")
    phone_at = Moment(attribute="visit.phone_at")
    received_at = Moment(attribute="visit.received_at")
    replayed = fields.Boolean()
    needs = fields.List(fields.Nested(NeedLoggedSchema))


@blp.route("", methods=["POST"])
@blp.arguments(VisitLogSchema)
@blp.response(201, VisitLoggedSchema)
def log(visit: VisitLog) -> Any:
    """Log a visit: each need becomes a case, one with an answer is closed on the spot; the same key again changes nothing"""
    return log_visit(stamp(), visit)
