"""Keeps the map on which points are placed: a search tree over the grids' polygons, as one version of the county has them.

Read-only once it is made, so that threads share it. It is imported only where there are polygons: shapely and numpy cost a
process some 25 MB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from app.territory.shapes.comparing import METRES_A_DEGREE, on_a_plane

NEAR_METRES = 2000.0
"""How far around a point outside every grid the nearest one is looked for."""


@dataclass(frozen=True)
class Nearest:
    """The nearest grid, by its place among the codes, and how far it is."""

    place: int
    metres: float


class GridMap:
    """Polygons in WGS-84 in the order of their grids' codes: the first of several that hold a point is the one it belongs to."""

    def __init__(self, shapes: Sequence[BaseGeometry]) -> None:
        """Make the tree; there is at least one polygon."""
        self._shapes = np.asarray(shapes, dtype=object)
        self._tree = shapely.STRtree(self._shapes)
        bounds = shapely.total_bounds(self._shapes)
        self._latitude = float(bounds[1] + bounds[3]) / 2
        self._hull = on_a_plane(shapely.convex_hull(shapely.multipoints(shapely.get_coordinates(self._shapes))), self._latitude)[0]
        shapely.prepare(self._hull)

    def holding(self, latitude: float, longitude: float) -> list[int]:
        """Give the places of the polygons that hold a point, borders belong to them, smallest code first."""
        return sorted(self._tree.query(shapely.Point(longitude, latitude), predicate="intersects").tolist())

    def first_holding(self, latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
        """Give for each of many points the place of the polygon that it belongs to, -1 where it is in none."""
        found = np.full(len(latitudes), len(self._shapes), dtype=np.int64)
        points, places = self._tree.query(shapely.points(longitudes, latitudes), predicate="intersects")
        np.minimum.at(found, points, places)
        return np.where(found == len(self._shapes), -1, found)

    def nearest(self, latitude: float, longitude: float) -> Nearest | None:
        """Give the nearest polygon to a point that none holds; None where none is within `NEAR_METRES`."""
        north = NEAR_METRES / METRES_A_DEGREE
        east = north / cos(radians(latitude))
        around = shapely.box(longitude - east, latitude - north, longitude + east, latitude + north)
        places = np.sort(self._tree.query(around))
        if not len(places):
            return None
        away = shapely.distance(on_a_plane(list(self._shapes[places]), latitude), self._point(latitude, longitude, latitude))
        first = int(np.argmin(away))
        return Nearest(int(places[first]), float(away[first])) if away[first] <= NEAR_METRES else None

    def metres_beyond(self, latitude: float, longitude: float) -> float:
        """Give how far a point lies outside the line that could be drawn around all grids; 0 inside it."""
        return float(shapely.distance(self._hull, self._point(latitude, longitude, self._latitude)))

    @staticmethod
    def _point(latitude: float, longitude: float, around: float) -> BaseGeometry:
        return shapely.Point(longitude * METRES_A_DEGREE * cos(radians(around)), latitude * METRES_A_DEGREE)


def read_wkb(shapes: Sequence[bytes]) -> Sequence[BaseGeometry]:
    """Give stored polygons."""
    return list(shapely.from_wkb(np.asarray(shapes, dtype=object)))
