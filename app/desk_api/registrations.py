"""Keeps the registration of what reaches the desk: calls, letters, mailbox items, visitors, upstream orders, patrols, leaders."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PointSchema, Schema, Word, text
from app.http.uploads import file_ids
from app.ledger.intake.registration import Registration, register
from app.ledger.intake.report_people import People
from app.ledger.vocabulary import Channel, EmergencyService, Kind, State, Urgency
from app.people.identity import Person

blp = DoorBlueprint("registrations", door=Door.DESK, prefix="/registrations", auth=staff(Door.DESK), tag="来电来件登记")


class BesideSchema(Schema):
    """Somebody who stands beside the person concerned: a representative, a guardian."""

    name = text(80, required=True)
    phone = text(40, load_default=None)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Person:
        """Make it a person."""
        return Person(**given)


class RegistrationSchema(Schema):
    """What was said, by whom, about what; grid and units by code, staff by login; `answer` is what the person was told at once.

    A group names representatives; a minor's matter names a guardian. `emergency` is whom danger to
    life was handed to by three-party call. `sign_by`, `return_by`, `due_by` are upstream's moments.
    `files`: a scanned letter, what a visitor brought.
    """

    channel = Word(Channel, required=True)
    body = text(20_000, required=True)
    title = text(200)
    kind = Word(Kind)
    category_id = fields.Integer()
    urgency = Word(Urgency)
    grid = text(40)
    outside_grids = fields.Boolean()
    place = text(200)
    point = fields.Nested(PointSchema)
    name = text(80)
    phone = text(40)
    id_number = text(40)
    anonymous = fields.Boolean()
    confidential = fields.Boolean()
    against_unit = text(40)
    against_staff = text(64)
    said_at = Moment()
    upstream_number = text(64)
    call_id = fields.Integer()
    answer = text(4000)
    group_size = fields.Integer(validate=validate.Range(min=2, max=100_000))
    representatives = fields.List(fields.Nested(BesideSchema), validate=validate.Length(max=50))
    minor = fields.Boolean()
    guardian = fields.Nested(BesideSchema)
    suspected_abuse = fields.Boolean()
    emergency = Word(EmergencyService)
    emergency_note = text(4000)
    sign_by = Moment()
    return_by = Moment()
    due_by = Moment()
    files = file_ids()

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather who stands beside the person concerned."""
        people = {name: given.pop(name) for name in ("group_size", "representatives", "minor", "guardian") if name in given}
        return given | {"people": People(**people)}


class RegisteredSchema(Schema):
    """The case number and the claim code to read to the person (shown once), and danger words that call for 110, 119 or 120."""

    number = fields.String()
    number_in_fours = InFours("number")
    claim_code = fields.String(allow_none=True)
    claim_code_in_fours = InFours("claim_code", allow_none=True)
    state = Word(State)
    state_label = Label("state")
    version = fields.Integer()
    dangers = fields.List(fields.String())


@blp.route("", methods=["POST"])
@blp.arguments(RegistrationSchema)
@blp.response(201, RegisteredSchema)
def register_report(given: dict[str, Any]) -> Any:
    """Register what somebody said; with an answer, the case opens and is answered in one step"""
    return register(stamp(), Registration(**given))
