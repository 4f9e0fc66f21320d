"""Keeps the registration of what reaches the desk: calls, letters, mailbox items, visitors, upstream orders, patrols, leaders."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, Schema, Word, text
from app.ledger.registration import Registration, register
from app.ledger.vocabulary import Channel, Kind, State, Urgency

blp = DoorBlueprint("registrations", door=Door.DESK, prefix="/registrations", auth=staff(Door.DESK), tag="来电来件登记")


class RegistrationSchema(Schema):
    """What was said, by whom, about what; grid and units by code, staff by login; `answer` is what the person was told at once."""

    channel = Word(Channel, required=True)
    body = text(20_000, required=True)
    title = text(200)
    kind = Word(Kind)
    category_id = fields.Integer()
    urgency = Word(Urgency)
    grid = text(40)
    outside_grids = fields.Boolean()
    place = text(200)
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
