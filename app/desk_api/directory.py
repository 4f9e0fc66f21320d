"""Keeps the lists that the desk chooses from: units, grids, categories, reasons."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import staff
from app.http.blueprint import DoorBlueprint
from app.http.fields import Label, PageQuery, Schema, Word, page_of, text
from app.ledger.showing.directory import categories_page, reasons_page, units_page
from app.ledger.showing.filing_form import offered_grids
from app.ledger.vocabulary import RequestKind
from app.territory.models import Level

blp = DoorBlueprint("directory", door=Door.DESK, prefix="", auth=staff(Door.DESK), tag="单位、网格和目录")


class UnitsQuery(PageQuery):
    """Which units: one with all below it, a level, a part of the name."""

    under = text(40, load_default=None)
    level = Word(Level, load_default=None)
    name = text(40, load_default=None)


class GridsQuery(PageQuery):
    """Which grids: all below a unit, a part of the name of grid or village."""

    unit_code = text(40, load_default=None, data_key="under")
    name = text(40, load_default=None)


class ReasonsQuery(PageQuery):
    """Which reasons."""

    kind = Word(RequestKind, load_default=None)


class UnitSchema(Schema):
    """A unit; `parent` is the code of the unit above it."""

    code = fields.String()
    name = fields.String()
    level = Word(Level)
    parent = fields.String(allow_none=True)


class GridSchema(Schema):
    """A grid and its village or community."""

    code = fields.String()
    name = fields.String()
    unit = fields.String()


class CategorySchema(Schema):
    """A category; `path` is its full name."""

    id = fields.Integer()
    path = fields.String()
    name = fields.String()
    parent_id = fields.Integer(allow_none=True)
    urgent = fields.Boolean()


class ReasonSchema(Schema):
    """A reason that is told to the filer."""

    code = fields.String()
    kind = Word(RequestKind)
    kind_label = Label("kind")
    words = fields.String()


@blp.route("/units", methods=["GET"])
@blp.arguments(UnitsQuery, location="query")
@blp.response(200, page_of(UnitSchema))
def list_units(wanted: dict[str, Any]) -> Any:
    """List units, each with the code of the one above it"""
    return units_page(**wanted)


@blp.route("/grids", methods=["GET"])
@blp.arguments(GridsQuery, location="query")
@blp.response(200, page_of(GridSchema))
def list_grids(wanted: dict[str, Any]) -> Any:
    """List grids by unit or name"""
    return offered_grids(**wanted)


@blp.route("/categories", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(CategorySchema))
def list_categories(wanted: dict[str, Any]) -> Any:
    """List categories, each after the one above it"""
    return categories_page(**wanted)


@blp.route("/reasons", methods=["GET"])
@blp.arguments(ReasonsQuery, location="query")
@blp.response(200, page_of(ReasonSchema))
def list_reasons(wanted: dict[str, Any]) -> Any:
    """List the reasons for not taking a case up or sending it elsewhere"""
    return reasons_page(**wanted)
