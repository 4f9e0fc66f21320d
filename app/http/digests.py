"""Keeps the digests at any staff door: weekly summary and monthly study as data, and the same as a paper (PDF, Word)."""

from typing import Any

from flask import Response
from marshmallow import fields

from app.core.papers.paper import Format, typeset
from app.core.stamp import Door
from app.figures.digests.digest import digest_of
from app.figures.digests.spans import Every
from app.figures.digests.words import paper_of
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.downloads import BINARY, DOCX, PDF, download
from app.http.fields import InFours, Label, Moment, Schema, Word, text
from app.ledger.rates import percent, plain
from app.ledger.vocabulary import Channel

KINDS = {Format.PDF: PDF, Format.DOCX: DOCX}


class DigestQuery(Schema):
    """Weekly or monthly, of which unit (its code; by default the highest one reads of), of the span in which a day lies.

    Without a day it is the last span that is over.
    """

    every = Word(Every, required=True)
    unit = text(40, load_default=None)
    day = fields.Date(load_default=None)


class VisitedSchema(Schema):
    """Visits by outcome, households, needs and what became of them, and tasks due in the span."""

    visits = fields.Integer()
    outcomes = fields.Dict(keys=fields.String(), values=fields.Integer())
    met = fields.Integer()
    households = fields.Integer()
    needs = fields.Integer()
    answered = fields.Integer()
    passed_on = fields.Integer()
    due = fields.Integer()
    done = fields.Integer()
    missed = fields.Integer()


class ChannelCountSchema(Schema):
    """How many cases came by a channel."""

    channel = Word(Channel)
    channel_label = Label("channel")
    accepted = fields.Integer()


class DigestFigureSchema(Schema):
    """A figure with its definition and what it was counted from; `percent` is null where there is no figure."""

    code = fields.String()
    name = fields.String()
    definition = fields.String()
    numerator = fields.Function(lambda told: plain(told.share.numerator), metadata={"type": "string"})
    denominator = fields.Integer(attribute="share.denominator")
    percent = fields.Function(lambda told: percent(told.share), metadata={"type": ["string", "null"]})


class PlaceLineSchema(Schema):
    """A township, village or grid below the unit."""

    code = fields.String()
    name = fields.String()
    visited = fields.Nested(VisitedSchema)
    accepted = fields.Integer()
    closed = fields.Integer()


class TopicSchema(Schema):
    """A category, and how its cases compare with the spans before."""

    name = fields.String()
    accepted = fields.Integer()
    before = fields.Integer()
    mean = fields.Float()
    rising = fields.Boolean()


class LateCaseSchema(Schema):
    """An open case past a term."""

    number = fields.String()
    number_in_fours = InFours("number")
    category = fields.String()
    unit = fields.String(allow_none=True)
    late_since = Moment()
    days = fields.Integer()


class DigestSchema(Schema):
    """A digest as data; `cases` counts what was accepted in the span and what became of it by the cut-off."""

    every = Word(Every)
    unit = fields.String()
    unit_code = fields.String()
    span = fields.String(attribute="span.name")
    since = Moment(attribute="span.period.since")
    until = Moment(attribute="span.period.until")
    cutoff = Moment()
    visited = fields.Nested(VisitedSchema)
    visited_before = fields.Nested(VisitedSchema)
    cases = fields.Dict(keys=fields.String(), values=fields.Integer())
    accepted_before = fields.Integer()
    channels = fields.Function(
        lambda digest: ChannelCountSchema(many=True).dump([{"channel": c, "accepted": n} for c, n in digest.channels]),
        metadata={"type": "array", "items": {"type": "object"}},
    )
    figures = fields.List(fields.Nested(DigestFigureSchema))
    places = fields.List(fields.Nested(PlaceLineSchema))
    topics = fields.List(fields.Nested(TopicSchema))
    late = fields.List(fields.Nested(LateCaseSchema))
    late_count = fields.Integer()


def digest_topic(at: Door) -> DoorBlueprint:
    """Make the blueprint by which staff read digests at a door."""
    blp = DoorBlueprint("digests", door=at, prefix="/digests", auth=staff(at), tag="周汇总和月研判")

    @blp.route("", methods=["GET"])
    @blp.arguments(DigestQuery, location="query")
    @blp.response(200, DigestSchema)
    def show_digest(wanted: dict[str, Any]) -> Any:
        """Show the weekly summary or monthly study of a unit's territory"""
        return digest_of(stamp(), **wanted)

    @blp.route("/paper.pdf", methods=["GET"])
    @blp.arguments(DigestQuery, location="query")
    @blp.response(200, BINARY, content_type=PDF)
    def print_digest(wanted: dict[str, Any]) -> Any:
        """Give the same as a PDF"""
        return _paper(wanted, Format.PDF)

    @blp.route("/paper.docx", methods=["GET"])
    @blp.arguments(DigestQuery, location="query")
    @blp.response(200, BINARY, content_type=DOCX)
    def write_digest(wanted: dict[str, Any]) -> Any:
        """Give the same as a Word document, to be edited and passed on"""
        return _paper(wanted, Format.DOCX)

    return blp


def _paper(wanted: dict[str, Any], how: Format) -> Response:
    made = typeset(paper_of(digest_of(stamp(), **wanted)), how)
    return download(made, f"{wanted['every']}-digest", kind=KINDS[how])
