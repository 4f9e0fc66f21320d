"""Keeps the map in a grid worker's hand: which grid a point lies in, one's own polygons, and the one tap for a wrong grid."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.grid_api.cases import MovedSchema
from app.grid_api.matters import WORDS
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import PlacingSchema, PointSchema, Schema, text
from app.ledger.grid_moves import move_grid
from app.ledger.intake.codes import by_code
from app.ledger.intake.places import Point, where_is
from app.people.roster.scope import grids_in_reach
from app.territory.shapes.versions import grids_as_geojson

blp = DoorBlueprint("grids", door=Door.GRID, prefix="/grids", auth=staff(Door.GRID), repeatable=False, tag="网格和户")
moves = DoorBlueprint("grid_moves", door=Door.GRID, prefix="/cases/<number>", auth=staff(Door.GRID), tag="工单")


class ShapesSchema(Schema):
    """Polygons as a GeoJSON FeatureCollection in WGS-84."""

    type = fields.String()
    features = fields.List(fields.Dict())


class GridMoveSchema(Schema):
    """The right grid by its code, or a point in it; with neither, the case's own point tells, or intake places it by hand."""

    grid = text(40, load_default=None, allow_none=True)
    point = fields.Nested(PointSchema, load_default=None, allow_none=True)
    note = text(WORDS, load_default=None, allow_none=True)
    version = fields.Integer(load_default=None)


@blp.route("/at", methods=["POST"])
@blp.arguments(PointSchema)
@blp.response(200, PlacingSchema)
def find_grid(point: Point) -> Any:
    """Tell in which grid a point lies; the point is not kept"""
    return where_is(point)


@blp.route("/shapes", methods=["GET"])
@blp.response(200, ShapesSchema)
def show_shapes() -> Any:
    """Show the polygons of one's own grids, to cadres those of their villages' grids, as GeoJSON"""
    return grids_as_geojson(grids_in_reach(stamp()))


@moves.route("/grid", methods=["POST"])
@moves.arguments(GridMoveSchema)
@moves.response(201, MovedSchema)
def correct_grid(given: dict[str, Any], number: str) -> Any:
    """Say that a case of one's grid belongs to another; without penalty, the clocks run on"""
    return by_code(move_grid, stamp(), number, **given)
