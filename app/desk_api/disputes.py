"""Keeps how supervisors see which consents are disputed or were filed from afar, and say what they found."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.filings.evidence import examine_consent
from app.filings.models import ConsentBy
from app.filings.oversight import filings_from_afar
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, text
from app.http.uploads import FileSchema
from app.ledger.disputes.commands import rule_on_consent
from app.ledger.disputes.listing import disputed_consents
from app.ledger.vocabulary import State

blp = DoorBlueprint("disputes", door=Door.DESK, prefix="", auth=staff(Door.DESK), tag="委托核查")

looking = DoorBlueprint(
    "consents", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), repeatable=False, tag="委托核查"
)

WORDS = 4000


class DisputedSchema(Schema):
    """A case whose person says they asked nobody to file it: who filed, since when it waits."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    state = Word(State)
    state_label = Label("state")
    filer = fields.String()
    filer_login = fields.String()
    at = Moment()


class FiledFromAfarSchema(Schema):
    """A filing for somebody of another village than the filer's: who filed, by which consent, and why they did."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    state = Word(State)
    state_label = Label("state")
    filer = fields.String()
    filer_login = fields.String()
    filed_at = Moment()
    consent = Word(ConsentBy)
    reason = fields.String(allow_none=True)


class RulingSchema(MoveSchema):
    """What was found: `upheld` where consent was missing; the reply to the person, the note for the file."""

    upheld = fields.Boolean(required=True)
    reply = text(WORDS, required=True)
    note = text(WORDS, required=True)


class WhyExaminedSchema(Schema):
    """Why the consent is looked into; goes on record."""

    reason = text(200, required=True)


class ExaminedConsentSchema(Schema):
    """A consent, its witness, and the photo of a signature."""

    method = Word(ConsentBy)
    given_at = Moment()
    evidence = fields.String(allow_none=True)
    witness = fields.String(allow_none=True)
    witness_phone = fields.String(allow_none=True)
    files = fields.List(fields.Nested(FileSchema))


@looking.route("/consent", methods=["POST"])
@looking.arguments(WhyExaminedSchema)
@looking.response(200, ExaminedConsentSchema)
def examine(given: dict[str, Any], number: str) -> Any:
    """Show the consent of a proxy filing for a reason, put on record; for supervisors and data protection officers"""
    return examine_consent(stamp(), number, **given)


@blp.route("/supervision/disputed-consents", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(DisputedSchema))
def list_disputed(wanted: dict[str, Any]) -> Any:
    """List the disputed consents that nobody has ruled on, the oldest first"""
    return disputed_consents(stamp(), **wanted)


@blp.route("/supervision/filings-from-afar", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(FiledFromAfarSchema))
def list_from_afar(wanted: dict[str, Any]) -> Any:
    """List the filings for people of another village than the filer's, newest first"""
    return filings_from_afar(stamp(), **wanted)


@blp.route("/cases/<number>/consent-ruling", methods=["POST"])
@blp.arguments(RulingSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def rule(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Say whether a disputed consent was missing; where it was given, its filer may go on"""
    return rule_on_consent(stamp(), number, **given | match)
