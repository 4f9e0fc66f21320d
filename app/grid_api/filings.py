"""Keeps how cadres and grid workers file for residents who cannot."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.filings.commands import file_for
from app.filings.models import ConsentBy
from app.filings.queries import own_filings
from app.filings.rules import ConsentGiven, Filing
from app.grid_api.matters import MatterSchema, PersonSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.intake.report_people import People
from app.ledger.vocabulary import State

blp = DoorBlueprint("filings", door=Door.GRID, prefix="/filings", auth=staff(Door.GRID), tag="代办")


class ConsentSchema(Schema):
    """How the person consented; a spoken consent names a witness."""

    method = Word(ConsentBy, required=True)
    witness = text(40, allow_none=True)
    evidence = text(500, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> ConsentGiven:
        """Make it a consent."""
        return ConsentGiven(**given)


class FilingSchema(MatterSchema):
    """A matter filed for somebody else."""

    person = fields.Nested(PersonSchema, required=True)
    consent = fields.Nested(ConsentSchema, required=True)
    grid = text(40, required=True)
    against_unit = text(40, allow_none=True)
    reason = text(500, allow_none=True)
    group_size = fields.Integer(validate=validate.Range(min=2, max=100_000))
    representatives = fields.List(fields.Nested(PersonSchema), validate=validate.Length(max=50))
    minor = fields.Boolean()
    guardian = fields.Nested(PersonSchema)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Filing:
        """Make it a filing."""
        people = {name: given.pop(name) for name in ("group_size", "representatives", "minor", "guardian") if name in given}
        return Filing(**given, people=People(**people))


class FiledSchema(Schema):
    """The number, the claim code to hand to the resident (shown once), and the words to print for them."""

    number = fields.String()
    number_in_fours = InFours("number")
    claim_code = fields.String()
    claim_code_in_fours = InFours("claim_code")
    handout = fields.String()


class MaskedPersonSchema(Schema):
    """A person, masked."""

    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)


class FilingShownSchema(Schema):
    """A filing of one's own and where its case stands."""

    filed_at = Moment()
    person = fields.Nested(MaskedPersonSchema)
    consent = Word(ConsentBy)
    number = fields.String(attribute="case.number")
    state = fields.Enum(State, by_value=True, attribute="case.state")
    state_label = Label("case.state")
    title = fields.String(attribute="case.title")
    promised_by = Moment(attribute="case.promised_by", allow_none=True)
    late = fields.Boolean(attribute="case.late")


@blp.route("", methods=["POST"])
@blp.arguments(FilingSchema)
@blp.response(201, FiledSchema)
def file(filing: Filing) -> Any:
    """File for somebody who cannot, with their consent"""
    return file_for(stamp(), filing)


@blp.route("", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(FilingShownSchema))
def list_filings(wanted: dict[str, Any]) -> Any:
    """List what one has filed for others, newest first"""
    return own_filings(stamp(), **wanted)
