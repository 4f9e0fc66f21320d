"""Keeps where a matter is: the point as somebody gave it, and the same in WGS-84, in which the ledger stores."""

from dataclasses import dataclass
from typing import Any

from app.core.errors import Invalid
from app.ledger.county import County
from app.ledger.county import county as held_county
from app.territory.datum import Datum, in_china, to_wgs84
from app.territory.shapes.placing import GridNamed, Placing, grid_at, metres_outside, place_point


class PointOutsideCounty(Invalid):
    """这个位置不在本县范围内"""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point in degrees, and in which datum they are meant."""

    latitude: float
    longitude: float
    datum: Datum


def located(point: Point, county: County) -> dict[str, Any]:
    """Give the columns of a report's place: WGS-84 degrees and the raw point; raises PointOutsideCounty. Pure."""
    columns = placed(point)
    latitude, longitude = columns["latitude"], columns["longitude"]
    if not in_china(latitude, longitude) or not _inside(latitude, longitude, county.bounds):
        raise _outside()
    return columns


def grid_of(latitude: float, longitude: float) -> GridNamed | None:
    """Give the grid in which a matter's point (WGS-84) lies; None where it is in none.

    Raises PointOutsideCounty where it is further than the county allows outside the line around all its grids.
    """
    if metres_outside(latitude, longitude) > held_county().outside_metres:
        raise _outside()
    return grid_at(latitude, longitude)


def _outside() -> PointOutsideCounty:
    return PointOutsideCounty(errors={"point": ["这个位置不在本县范围内，请在地图上重新选择"]})


def where_is(point: Point) -> Placing:
    """Give the grid in which a point lies, for whoever asks; raises PointOutsideCounty."""
    columns = located(point, held_county())
    grid_of(columns["latitude"], columns["longitude"])
    return place_point(columns["latitude"], columns["longitude"])


def placed(point: Point) -> dict[str, Any]:
    """Give the columns of a place wherever it is: WGS-84 degrees and the raw point."""
    latitude, longitude = point.latitude, point.longitude
    if point.datum is Datum.GCJ02:
        latitude, longitude = to_wgs84(latitude, longitude)
    raw = {"latitude": point.latitude, "longitude": point.longitude, "datum": point.datum}
    return {"latitude": latitude, "longitude": longitude, "raw_point": raw}


def _inside(latitude: float, longitude: float, bounds: tuple[float, ...]) -> bool:
    if len(bounds) != 4:
        return True
    south, west, north, east = bounds
    return south <= latitude <= north and west <= longitude <= east
