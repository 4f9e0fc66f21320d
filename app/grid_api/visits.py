"""Keeps how grid workers log visits."""

from typing import Any
from uuid import UUID

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.files.models import MOST_FILES
from app.grid_api.matters import LONGEST, MatterSchema, PersonSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PointSchema, Schema, Word, row_id, text
from app.ledger.vocabulary import State
from app.visits.commands import add_photos, log_visit
from app.visits.models import EffectKind, EffectState, VisitOutcome
from app.visits.rules import MET_MOST, Need, VisitLog

blp = DoorBlueprint("visits", door=Door.GRID, prefix="/visits", auth=staff(Door.GRID), tag="走访")


class NeedSchema(MatterSchema):
    """A need that was heard; `answer` is what was answered on the spot."""

    answer = text(LONGEST, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Need:
        """Make it a need."""
        return Need(**given)


class VisitSaidSchema(Schema):
    """What is said of a visit; `key` is the phone's own, `phone_at` its clock at writing, `sent_at` at sending."""

    key = fields.UUID(required=True)
    outcome = Word(VisitOutcome, required=True)
    sent_at = Moment(allow_none=True)
    resident_id = row_id(allow_none=True)
    person = fields.Nested(PersonSchema, allow_none=True)
    met_ids = fields.List(row_id(), validate=validate.Length(max=MET_MOST))
    findings = fields.String(allow_none=True)
    needs = fields.List(fields.Nested(NeedSchema))
    topics = fields.List(text(40), validate=validate.Length(max=50))
    seconds = fields.Integer(allow_none=True)
    position = fields.Nested(PointSchema, allow_none=True)
    follow_up_on = fields.Date(allow_none=True)
    follow_up_note = fields.String(allow_none=True)
    files = fields.List(row_id(), validate=validate.Length(max=MOST_FILES))

    @staticmethod
    def in_tuples(given: dict[str, Any]) -> dict[str, Any]:
        """Give what was said with its lists as they are kept."""
        files = tuple(given.pop("files", ()))
        return given | {name: tuple(given.get(name, ())) for name in ("needs", "met_ids", "topics")} | {"file_ids": files}


class VisitLogSchema(VisitSaidSchema):
    """A visit as the phone tells it, with where it was and when."""

    visited_at = Moment(required=True)
    phone_at = Moment(required=True)
    household_id = row_id(allow_none=True)
    grid = text(40, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> VisitLog:
        """Make it a visit log."""
        return VisitLog(**self.in_tuples(given))


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


class EffectBroughtSchema(Schema):
    """What the visit changes on the roster: done at once, or put before the village."""

    id = fields.Integer()
    kind = Word(EffectKind)
    state = Word(EffectState)


class VisitLoggedSchema(Schema):
    """A stored visit, by our clock (`told_at`: by the phone's); `replayed` when it was stored before; `done`: the tasks it did."""

    key = fields.UUID(attribute="visit.key")
    outcome = fields.Enum(VisitOutcome, by_value=True, attribute="visit.outcome")
    visited_at = Moment(attribute="visit.visited_at")
    phone_at = Moment(attribute="visit.phone_at")
    told_at = Moment(attribute="visit.told_at")
    clock_off = fields.Boolean(attribute="visit.clock_off")
    in_person = fields.Boolean(attribute="visit.in_person")
    received_at = Moment(attribute="visit.received_at")
    replayed = fields.Boolean()
    needs = fields.List(fields.Nested(NeedLoggedSchema))
    done = fields.List(fields.Integer())
    effect = fields.Nested(EffectBroughtSchema, allow_none=True)
    follow_up = fields.Integer(attribute="follow_up.id")
    place_warning = fields.String(allow_none=True)


class VisitPhotosSchema(Schema):
    """Files that one has uploaded."""

    files = fields.List(row_id(), required=True, validate=validate.Length(min=1, max=MOST_FILES))


class VisitPhotographedSchema(Schema):
    """The visit that the photos belong to."""

    key = fields.UUID()


@blp.route("", methods=["POST"])
@blp.arguments(VisitLogSchema)
@blp.response(201, VisitLoggedSchema)
def log(visit: VisitLog) -> Any:
    """Log a visit: each need becomes a case, one with an answer is closed on the spot; the same key again changes nothing"""
    return log_visit(stamp(), visit)


@blp.route("/<uuid:key>/photos", methods=["POST"])
@blp.arguments(VisitPhotosSchema)
@blp.response(201, VisitPhotographedSchema)
def photograph(given: dict[str, Any], key: UUID) -> Any:
    """Attach photos that arrived after their visit"""
    return add_photos(stamp(), key, **given)
