"""Keeps how the polygons of a county are held against each other: where grids overlap, and where no grid lies between them.

Pure. Areas are measured on a plane that touches the county's middle; over a county they are right to a few parts in a thousand.
"""

from collections.abc import Iterator, Mapping
from math import cos, radians

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from app.territory.shapes.findings import About, Finding

METRES_A_DEGREE = 111_319.49
"""Along a meridian, and along the equator."""

NEAR_METRES = 2.0
"""Grids so near a gap count as its neighbours."""


def on_a_plane(shapes: BaseGeometry | list[BaseGeometry], latitude: float) -> np.ndarray:
    """Give polygons in metres, on a plane that is right around a latitude."""
    scale = np.array([METRES_A_DEGREE * cos(radians(latitude)), METRES_A_DEGREE])
    moved: np.ndarray = shapely.transform(np.atleast_1d(np.asarray(shapes, dtype=object)), lambda points: points * scale)
    return moved


def compare(shapes: Mapping[str, BaseGeometry], *, changed: frozenset[str], tolerance: float) -> Iterator[Finding]:
    """Give the overlaps that a changed grid takes part in, and the gaps between grids, above a tolerance in square metres."""
    if not shapes:
        return
    codes = sorted(shapes)
    degrees = [shapes[code] for code in codes]
    bounds = shapely.total_bounds(degrees)
    latitude = float(bounds[1] + bounds[3]) / 2
    plane = on_a_plane(degrees, latitude)
    tree = shapely.STRtree(plane)
    yield from _overlaps(codes, plane, tree, changed=changed, tolerance=tolerance, latitude=latitude)
    yield from _gaps(codes, plane, tree, tolerance=tolerance, latitude=latitude)


def _overlaps(
    codes: list[str], plane: np.ndarray, tree: shapely.STRtree, *, changed: frozenset[str], tolerance: float, latitude: float
) -> Iterator[Finding]:
    one, other = tree.query(plane, predicate="intersects")
    fit = one < other
    one, other = one[fit], other[fit]
    common = shapely.intersection(plane[one], plane[other])
    areas = shapely.area(common)
    for place in np.flatnonzero(areas > tolerance):
        pair = codes[one[place]], codes[other[place]]
        if changed.isdisjoint(pair):
            continue
        longitude, north = _middle(common[place], latitude)
        words = f"网格 {pair[0]} 和 {pair[1]} 重叠 {areas[place]:,.0f} 平方米；重叠处的点归编码较小的网格"
        yield Finding(
            about=About.OVERLAP, words=words, grids=pair, longitude=longitude, latitude=north, square_metres=float(areas[place])
        )


def _gaps(codes: list[str], plane: np.ndarray, tree: shapely.STRtree, *, tolerance: float, latitude: float) -> Iterator[Finding]:
    whole = shapely.union_all(plane)
    for part in shapely.get_parts(whole):
        for ring in shapely.get_rings(part)[1:]:
            gap = shapely.polygons(ring)
            # A grid that lies as an island in the hole fills a part of it.
            islands = tree.query(gap, predicate="contains")
            gap = shapely.difference(gap, shapely.union_all(plane[islands])) if len(islands) else gap
            area = float(shapely.area(gap))
            if area <= tolerance:
                continue
            near = tuple(sorted({codes[place] for place in tree.query(gap, predicate="dwithin", distance=NEAR_METRES)}))
            longitude, north = _middle(gap, latitude)
            words = f"有 {area:,.0f} 平方米不属于任何网格，周围是 {'、'.join(near[:6])}{' 等' if len(near) > 6 else ''}"
            yield Finding(about=About.GAP, words=words, grids=near, longitude=longitude, latitude=north, square_metres=area)


def _middle(shape: BaseGeometry, latitude: float) -> tuple[float, float]:
    """Give a point inside a polygon of the plane, in degrees."""
    point = shapely.point_on_surface(shape)
    return float(point.x) / (METRES_A_DEGREE * cos(radians(latitude))), float(point.y) / METRES_A_DEGREE
