"""Keeps what a grid worker sees of the territory: own grids and their households, masked."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import PageQuery, Schema, page_of, text
from app.visits.queries import own_grids, own_household, own_households

blp = DoorBlueprint("territory", door=Door.GRID, prefix="", auth=staff(Door.GRID), tag="网格和户")


class GridSchema(Schema):
    """A grid and its village or community."""

    code = fields.String()
    name = fields.String()
    unit = fields.String()


class ResidentSchema(Schema):
    """Somebody who lives in a household, masked."""

    id = fields.Integer()
    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)


class HouseholdSchema(Schema):
    """A household, masked."""

    id = fields.Integer()
    code = fields.String()
    grid = fields.String()
    grid_name = fields.String()
    head_name = fields.String(allow_none=True)
    place = fields.String()
    residents = fields.List(fields.Nested(ResidentSchema))


class HouseholdsQuery(PageQuery):
    """Which households: those of one grid, by its code."""

    grid = text(40, load_default=None)


@blp.route("/grids", methods=["GET"])
@blp.response(200, GridSchema(many=True))
def list_grids() -> Any:
    """List one's own grids"""
    return own_grids(stamp())


@blp.route("/households", methods=["GET"])
@blp.arguments(HouseholdsQuery, location="query")
@blp.response(200, page_of(HouseholdSchema))
def list_households(wanted: dict[str, Any]) -> Any:
    """List the households of one's own grids, masked"""
    return own_households(stamp(), **wanted)


@blp.route("/households/<int:household_id>", methods=["GET"])
@blp.response(200, HouseholdSchema)
def show_household(household_id: int) -> Any:
    """Show a household of one's own grids, masked"""
    return own_household(stamp(), household_id)
