"""Keeps how cadres and grid workers file for residents who cannot, and what they do for a filing after it."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.filings.commands import file_for
from app.filings.following import hand_over_slip, pass_on_wish
from app.filings.models import ConsentBy
from app.filings.queries import filing_counts, own_filings
from app.filings.rules import ConsentGiven, Filing
from app.grid_api.matters import MatterSchema, PersonSchema, WordsSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, row_id, text
from app.http.uploads import file_ids
from app.ledger.intake.report_people import People
from app.ledger.vocabulary import RequestKind, RequestState, State

blp = DoorBlueprint("filings", door=Door.GRID, prefix="/filings", auth=staff(Door.GRID), tag="代办")


class ConsentSchema(Schema):
    """How the person consented: before a witness, by the code that was proved, or by the photo of a signature, uploaded before."""

    method = Word(ConsentBy, required=True)
    witness = text(40, allow_none=True)
    witness_phone = text(30, allow_none=True)
    code_id = row_id(allow_none=True)
    signature_id = row_id(allow_none=True)
    evidence = text(500, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> ConsentGiven:
        """Make it a consent."""
        return ConsentGiven(**given)


class FilingSchema(MatterSchema):
    """A matter filed for somebody else, picked from one's roster (`resident_id`) or named (`person`), one of the two.

    `reason` is asked where one's roster does not have the person, or the matter lies elsewhere. `home_request` is the number of
    the request to come home that led to it. `files` are photos and papers about the matter, uploaded before; the photo of a
    signature belongs to the consent.
    """

    resident_id = row_id(allow_none=True)
    person = fields.Nested(PersonSchema, allow_none=True)
    consent = fields.Nested(ConsentSchema, required=True)
    grid = text(40, required=True)
    against_unit = text(40, allow_none=True)
    reason = text(500, allow_none=True)
    home_request = text(40, allow_none=True)
    group_size = fields.Integer(validate=validate.Range(min=2, max=100_000))
    representatives = fields.List(fields.Nested(PersonSchema), validate=validate.Length(max=50))
    minor = fields.Boolean()
    guardian = fields.Nested(PersonSchema)
    files = file_ids()

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Filing:
        """Make it a filing."""
        people = {name: given.pop(name) for name in ("group_size", "representatives", "minor", "guardian") if name in given}
        return Filing(**given, people=People(**people))


class FiledSchema(Schema):
    """The number, the claim code to hand to the resident (shown once), and the words to print for them.

    `told`: a notice reaches the person; else the filing counts as not told until the paper was handed over.
    """

    number = fields.String()
    number_in_fours = InFours("number")
    claim_code = fields.String()
    claim_code_in_fours = InFours("claim_code")
    handout = fields.String()
    told = fields.Boolean()


class FilingsQuery(PageQuery):
    """Which filings of one's own: in a state, late or not, told of or not yet."""

    state = Word(State)
    late = fields.Boolean()
    told = fields.Boolean()


class FilingCountsSchema(Schema):
    """How many one has filed: all, under way, late among these, and those of which the person is not told yet."""

    all = fields.Integer()
    open = fields.Integer()
    late = fields.Integer()
    untold = fields.Integer()


class ToldSchema(Schema):
    """That the person has been told."""

    handed_over_at = Moment()


class WishHeardSchema(Schema):
    """What waits for the centre's call."""

    id = fields.Integer()
    kind = Word(RequestKind)
    kind_label = Label("kind")
    state = Word(RequestState)
    state_label = Label("state")


class MaskedPersonSchema(Schema):
    """A person, masked."""

    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)


class FilingShownSchema(Schema):
    """A filing of one's own and where its case stands."""

    filed_at = Moment()
    person = fields.Nested(MaskedPersonSchema)
    consent = Word(ConsentBy)
    told = fields.Boolean()
    disputed = fields.Boolean()
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
@blp.arguments(FilingsQuery, location="query")
@blp.response(200, page_of(FilingShownSchema))
def list_filings(wanted: dict[str, Any]) -> Any:
    """List what one has filed for others, newest first"""
    return own_filings(stamp(), **wanted)


@blp.route("/counts", methods=["GET"])
@blp.response(200, FilingCountsSchema)
def count_filings() -> Any:
    """Count what one has filed for others"""
    return filing_counts(stamp())


@blp.route("/<number>/hand-over", methods=["POST"])
@blp.response(200, ToldSchema)
def hand_over(number: str) -> Any:
    """Say that the person was told in person, and the paper handed over"""
    return hand_over_slip(stamp(), number)


@blp.route("/<number>/withdrawal", methods=["POST"])
@blp.arguments(WordsSchema)
@blp.response(201, WishHeardSchema)
def pass_on(said: dict[str, Any], number: str) -> Any:
    """Record in the person's words that they wish to withdraw; the centre calls them to make sure"""
    return pass_on_wish(stamp(), number, **said)
