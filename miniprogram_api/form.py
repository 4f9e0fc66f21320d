"""Keeps what the filing page needs before anybody has signed in."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import anybody
from app.http.blueprint import DoorBlueprint
from app.http.fields import Label, PageQuery, Schema, Word, page_of, text
from app.ledger.showing.filing_form import filing_form, offered_categories, offered_grids, offered_units
from app.ledger.vocabulary import Kind
from app.territory.models import Level

blp = DoorBlueprint("form", door=Door.MINI_PROGRAM, prefix="", auth=anybody(Door.MINI_PROGRAM), tag="填报页")


class KindSchema(Schema):
    """A kind of matter and its label."""

    code = Word(Kind, attribute="kind")
    label = Label("kind")


class EmergencyNumberSchema(Schema):
    """A number for emergencies."""

    number = fields.String()
    label = fields.String()


class FilingFormSchema(Schema):
    """Kinds, limits, and the numbers to call at once when life is in danger."""

    kinds = fields.List(fields.Nested(KindSchema))
    text_limit = fields.Integer()
    title_limit = fields.Integer()
    emergency_words = fields.String()
    emergency_numbers = fields.List(fields.Nested(EmergencyNumberSchema))


class CategorySchema(Schema):
    """A node of the category tree."""

    id = fields.Integer()
    name = fields.String()
    path = fields.String()
    parent_id = fields.Integer(allow_none=True)


class GridsQuery(PageQuery):
    """Which grids: a part of the name of grid or village, or all below a unit."""

    name = text(40, load_default=None)
    unit_code = text(40, load_default=None)


class UnitsQuery(PageQuery):
    """Which units: a part of the name."""

    name = text(40, load_default=None)


class OfferedGridSchema(Schema):
    """A grid and its village or community."""

    code = fields.String()
    name = fields.String()
    unit = fields.String()


class OfferedUnitSchema(Schema):
    """A unit that a matter may be against."""

    code = fields.String()
    name = fields.String()
    level = Word(Level)


@blp.route("/filing-form", methods=["GET"])
@blp.response(200, FilingFormSchema)
def show_form() -> Any:
    """Show kinds, limits and emergency numbers"""
    return filing_form()


@blp.route("/categories", methods=["GET"])
@blp.response(200, CategorySchema(many=True))
def list_categories() -> Any:
    """List the categories as a flat tree, each after the one above it"""
    return offered_categories()


@blp.route("/grids", methods=["GET"])
@blp.arguments(GridsQuery, location="query")
@blp.response(200, page_of(OfferedGridSchema))
def list_grids(wanted: dict[str, Any]) -> Any:
    """List grids by name or unit"""
    return offered_grids(**wanted)


@blp.route("/units", methods=["GET"])
@blp.arguments(UnitsQuery, location="query")
@blp.response(200, page_of(OfferedUnitSchema))
def list_units(wanted: dict[str, Any]) -> Any:
    """List units that a matter may be against, by name"""
    return offered_units(**wanted)
