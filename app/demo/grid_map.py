"""Keeps the map of the demo county: invented polygons for its grids that fit together without overlap or gap, made by chance."""

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import Any

import orjson

from app.core.stamp import Stamp
from app.demo.cast import TOWNSHIPS
from app.territory.datum import Datum
from app.territory.shapes.publishing import ShapeFile, publish_shapes

Place = tuple[float, float]
"""Longitude and latitude in WGS-84 degrees."""

BOX = (117.40, 33.40, 117.76, 33.67)
"""West, south, east and north of the demo county."""

_UNIT = 2**24
"""Vertices are whole numbers of degrees / 2²⁴ (6 mm), so that the middle of two of them lies exactly on their line."""

SOURCE = "云溪县网格.geojson"


def cells(columns: int, rows: int, *, box: tuple[float, float, float, float], seed: int, bends: int = 3) -> list[list[Place]]:
    """Give the closed rings of a lattice whose knots are moved and whose lines are bent by chance, row by row from the south.

    Neighbours share every vertex of the line between them; the outer frame stays straight.
    """
    chance = Random(seed)  # noqa: S311 (an invented map, the same every time)
    west, south, east, north = box
    wide, high = (east - west) / columns, (north - south) / rows
    knots = {
        (x, y): _snapped(
            west + wide * (x + (chance.uniform(-0.3, 0.3) if 0 < x < columns else 0)),
            south + high * (y + (chance.uniform(-0.3, 0.3) if 0 < y < rows else 0)),
        )
        for y in range(rows + 1)
        for x in range(columns + 1)
    }

    def line(one: tuple[int, int], other: tuple[int, int], *, straight: bool) -> list[Place]:
        (from_x, from_y), (to_x, to_y) = knots[one], knots[other]
        between = []
        for step in range(1, bends + 1):
            share = step / (bends + 1)
            off = 0.0 if straight else chance.uniform(-0.06, 0.06)
            upright = one[0] == other[0]
            x = from_x + (to_x - from_x) * share + (off * wide if upright else 0)
            y = from_y + (to_y - from_y) * share + (0 if upright else off * high)
            between.append(_snapped(x, y))
        return between

    across = {(x, y): line((x, y), (x + 1, y), straight=y in (0, rows)) for y in range(rows + 1) for x in range(columns)}
    upward = {(x, y): line((x, y), (x, y + 1), straight=x in (0, columns)) for y in range(rows) for x in range(columns + 1)}

    def ring(x: int, y: int) -> list[Place]:
        south_side = [knots[x, y], *across[x, y]]
        east_side = [knots[x + 1, y], *upward[x + 1, y]]
        north_side = [knots[x + 1, y + 1], *reversed(across[x, y + 1])]
        west_side = [knots[x, y + 1], *reversed(upward[x, y])]
        return [*south_side, *east_side, *north_side, *west_side, knots[x, y]]

    return [ring(x, y) for y in range(rows) for x in range(columns)]


def _snapped(x: float, y: float) -> Place:
    return round(x * _UNIT) / _UNIT, round(y * _UNIT) / _UNIT


@cache
def demo_rings() -> dict[str, list[Place]]:
    """Give the ring of every grid of the demo county by its code: each township a row, each village two cells beside each other."""
    drawn = iter(cells(6, 3, box=BOX, seed=11))
    return {
        f"990101{township:03d}{village:03d}{grid:02d}": next(drawn)
        for township, villages in enumerate(TOWNSHIPS.values(), start=1)
        for village in range(1, len(villages) + 1)
        for grid in (1, 2)
    }


def feature(code: str, *rings: Sequence[Sequence[float]], **properties: Any) -> dict[str, Any]:
    """Give a GeoJSON feature of a grid: its outer ring, and holes."""
    polygon = {"type": "Polygon", "coordinates": [list(ring) for ring in rings]}
    return {"type": "Feature", "properties": {"code": code, **properties}, "geometry": polygon}


def collection(features: Iterator[dict[str, Any]] | Sequence[dict[str, Any]]) -> bytes:
    """Give a GeoJSON file of features."""
    return orjson.dumps({"type": "FeatureCollection", "features": list(features)})


def draw_county(stamp: Stamp) -> None:
    """Publish the map of the demo county."""
    content = collection([feature(code, ring) for code, ring in demo_rings().items()])
    publish_shapes(stamp, ShapeFile(source=SOURCE, content=content, datum=Datum.WGS84, columns={}))


def spot_in(code: str, chance: Random) -> Place:
    """Give some place inside a grid of the demo county, as longitude and latitude."""
    ring = demo_rings()[code][:-1]
    west, east = min(x for x, _ in ring), max(x for x, _ in ring)
    south, north = min(y for _, y in ring), max(y for _, y in ring)
    x, y = sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring)
    return x + (east - west) * chance.uniform(-0.12, 0.12), y + (north - south) * chance.uniform(-0.12, 0.12)
