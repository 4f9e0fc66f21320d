"""Keeps the grids' polygons at the desk: trying a GeoJSON file, publishing it, and looking at every version."""

from typing import Any

from flask import request
from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.showing.grid_maps import map_versions, publish_map
from app.territory.datum import Datum
from app.territory.shapes.findings import About
from app.territory.shapes.publishing import TOLERANCE, ShapeFile, try_shapes
from app.territory.shapes.versions import version_as_geojson

LARGEST = 32 * 1024 * 1024
"""Bytes of a file; a county of 1,500 grids has some five million."""


def _take_a_map() -> None:
    request.max_content_length = LARGEST


blp = DoorBlueprint("grid_shapes", door=Door.DESK, prefix="/grid-shapes", auth=staff(Door.DESK), first=_take_a_map, tag="网格图形")
trial_blp = DoorBlueprint(
    "grid_shape_trials",
    door=Door.DESK,
    prefix="/grid-shapes",
    auth=staff(Door.DESK),
    repeatable=False,
    first=_take_a_map,
    tag="网格图形",
)


class ShapeColumnsSchema(Schema):
    """Which property holds what, where it has an unusual name."""

    code = text(100)
    name = text(100)
    unit = text(100)


class ShapeFileSchema(Schema):
    """A GeoJSON file as text, its name, and how its degrees are meant; `create` makes grids that are not known yet.

    `tolerance`: square metres of overlap or gap that are not told.
    """

    source = text(200, required=True)
    datum = Word(Datum, required=True)
    geojson = fields.String(required=True)
    columns = fields.Nested(ShapeColumnsSchema)
    create = fields.Boolean()
    tolerance = fields.Float(load_default=TOLERANCE, validate=validate.Range(min=0, max=1e9))

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> ShapeFile:
        """Make it a file."""
        return ShapeFile(content=given.pop("geojson").encode("utf-8", "surrogatepass"), **given)


class ShapeFindingSchema(Schema):
    """One thing that was found: in which feature (from 1), about which grids, where (WGS-84), how large; whether it bars."""

    about = Word(About)
    bars = fields.Boolean()
    words = fields.String()
    feature = fields.Integer(allow_none=True)
    grids = fields.List(fields.String())
    longitude = fields.Float(allow_none=True)
    latitude = fields.Float(allow_none=True)
    square_metres = fields.Float(allow_none=True)


class ShapeReportSchema(Schema):
    """What a file means: `barred` where nothing may be written; findings by kind, and the first of each."""

    barred = fields.Boolean()
    features = fields.Integer()
    new_grids = fields.Integer()
    new_shapes = fields.Integer()
    changed = fields.Integer()
    unchanged = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    findings = fields.List(fields.Nested(ShapeFindingSchema))


class ShapeVersionSchema(Schema):
    """A version of the county's polygons: from which file, by whom, what it changed."""

    version = fields.Integer()
    at = Moment()
    source = fields.String()
    sha256 = fields.String()
    datum = Word(Datum)
    by = fields.String(allow_none=True)
    features = fields.Integer(attribute="report.features")
    new_grids = fields.Integer(attribute="report.new_grids")
    new_shapes = fields.Integer(attribute="report.new_shapes")
    changed = fields.Integer(attribute="report.changed")
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), attribute="report.counts")


class ShapesShownSchema(Schema):
    """Polygons as a GeoJSON FeatureCollection in WGS-84."""

    type = fields.String()
    version = fields.Integer()
    features = fields.List(fields.Dict())


@trial_blp.route("/dry-run", methods=["POST"])
@trial_blp.arguments(ShapeFileSchema)
@trial_blp.response(200, ShapeReportSchema)
def try_file(file: ShapeFile) -> Any:
    """Try a GeoJSON file of grids: what it would change, what is wrong, where grids overlap or leave gaps"""
    return try_shapes(stamp(), file)


@blp.route("", methods=["POST"])
@blp.arguments(ShapeFileSchema)
@blp.response(201, ShapeVersionSchema)
def publish(file: ShapeFile) -> Any:
    """Publish a GeoJSON file of grids as the newest version; refused as a whole when anything in it is wrong"""
    return publish_map(stamp(), file)


@blp.route("", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(ShapeVersionSchema))
def list_versions(wanted: dict[str, Any]) -> Any:
    """List the versions of the grids' polygons, the newest first"""
    return map_versions(**wanted)


@blp.route("/<int:version>", methods=["GET"])
@blp.response(200, ShapesShownSchema)
def show_version(version: int) -> Any:
    """Show the county's polygons as they were in a version, as GeoJSON"""
    return version_as_geojson(version)
