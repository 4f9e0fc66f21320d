"""Keeps the coverage of visits at any staff door."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.figures.coverage import CoveredBy, coverage
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Schema, Word, row_id, text
from app.ledger.rates import percent, plain


class CoverageQuery(Schema):
    """Of which period (`2026-11`, `2026-Q4`, `2026-H2`, `2026`) or round of visits, by what, of which unit by its code."""

    period = text(10, load_default=None)
    campaign = row_id(load_default=None)
    by = Word(CoveredBy, load_default=CoveredBy.VILLAGE)
    unit = text(40, load_default=None)


class CoverageShareSchema(Schema):
    """A figure with what it was counted from; `percent` has one decimal, none where there is no figure."""

    numerator = fields.Function(lambda share: plain(share.numerator), metadata={"type": "string"})
    denominator = fields.Integer()
    percent = fields.Function(percent, metadata={"type": ["string", "null"]})


class CoverageLineSchema(Schema):
    """A township, village or grid: households due and how they stand, key residents due and met."""

    key = fields.String()
    name = fields.String()
    due = fields.Integer(attribute="covered.due")
    visited = fields.Integer(attribute="covered.visited")
    late = fields.Integer(attribute="covered.late")
    phoned = fields.Integer(attribute="covered.phoned")
    tried = fields.Integer(attribute="covered.tried")
    untouched = fields.Integer(attribute="covered.untouched")
    overdue = fields.Integer(attribute="covered.overdue")
    people_due = fields.Integer(attribute="covered.people_due")
    people_visited = fields.Integer(attribute="covered.people_visited")
    visited_share = fields.Nested(CoverageShareSchema, attribute="covered.visited_share")
    reached_share = fields.Nested(CoverageShareSchema, attribute="covered.reached_share")
    people_share = fields.Nested(CoverageShareSchema, attribute="covered.people_share")


class CoverageSchema(Schema):
    """The coverage by place, the total pooled, and how each figure is defined."""

    first = fields.Date()
    last = fields.Date()
    campaign = fields.String(allow_none=True)
    by = Word(CoveredBy)
    lines = fields.List(fields.Nested(CoverageLineSchema))
    total = fields.Nested(CoverageLineSchema)
    definitions = fields.Dict(keys=fields.String(), values=fields.String())


def coverage_topic(at: Door) -> DoorBlueprint:
    """Make the topic for a door of staff."""
    prefix = "/figures/coverage" if at is Door.DESK else "/coverage"
    blp = DoorBlueprint("coverage", door=at, prefix=prefix, auth=staff(at), tag="走访覆盖")

    @blp.route("", methods=["GET"])
    @blp.arguments(CoverageQuery, location="query")
    @blp.response(200, CoverageSchema)
    def show_coverage(wanted: dict[str, Any]) -> Any:
        """Count whom visits have reached, of those due in a period or a round"""
        return coverage(stamp(), **wanted)

    return blp
