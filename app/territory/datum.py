"""Keeps the conversion between WGS-84, in which points are stored, and GCJ-02, the shifted datum of Chinese maps and phones.

Pure. GCJ-02 is a published series of sines over longitude and latitude; it has no closed inverse, so the way back is found by
repeating the way there until nothing moves. Points outside the rectangle around China are not shifted.
"""

from enum import StrEnum
from math import cos, hypot, pi, radians, sin, sqrt


class Datum(StrEnum):
    """How the numbers of a point are meant."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"


SOUTH, NORTH, WEST, EAST = 0.8293, 55.8271, 72.004, 137.8347
"""The rectangle in which GCJ-02 shifts points, in degrees."""

_AXIS = 6_378_245.0
_ECCENTRICITY = 0.006_693_421_622_965_943
_STILL = 1e-12
"""Degrees below which a step of the inverse moves nothing: a ten-thousandth of a millimetre."""


def in_china(latitude: float, longitude: float) -> bool:
    """Say whether a point lies in the rectangle around China, in degrees."""
    return SOUTH <= latitude <= NORTH and WEST <= longitude <= EAST


def to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """Give the GCJ-02 latitude and longitude of a WGS-84 point, in degrees."""
    if not in_china(latitude, longitude):
        return latitude, longitude
    north, east = _shift(latitude, longitude)
    return latitude + north, longitude + east


def to_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """Give the WGS-84 latitude and longitude of a GCJ-02 point, in degrees, exact to far below 0.1 m."""
    if not in_china(latitude, longitude):
        return latitude, longitude
    found = latitude, longitude
    for _ in range(30):
        north, east = _shift(*found)
        last, found = found, (latitude - north, longitude - east)
        if abs(found[0] - last[0]) + abs(found[1] - last[1]) < _STILL:
            break
    return found


def _shift(latitude: float, longitude: float) -> tuple[float, float]:
    """Give how far GCJ-02 moves a WGS-84 point to the north and to the east, in degrees."""
    x, y = longitude - 105.0, latitude - 35.0
    ripple = 20.0 * sin(6.0 * pi * x) + 20.0 * sin(2.0 * pi * x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north += (ripple + _waves(y, ((20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0)))) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east += (ripple + _waves(x, ((20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0)))) * 2.0 / 3.0
    flat = 1.0 - _ECCENTRICITY * sin(radians(latitude)) ** 2
    metres_north = _AXIS * (1.0 - _ECCENTRICITY) / (flat * sqrt(flat)) * pi / 180.0
    metres_east = _AXIS / sqrt(flat) * cos(radians(latitude)) * pi / 180.0
    return north / metres_north, east / metres_east


def _waves(along: float, terms: tuple[tuple[float, float], ...]) -> float:
    """Give the sum of sines of (height, how many degrees make half a wave)."""
    return sum(height * sin(pi * along / width) for height, width in terms)


def metres_between(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Give the distance of two near points (latitude, longitude) in metres, on a sphere of the mean radius."""
    north = radians(second[0] - first[0])
    east = radians(second[1] - first[1]) * cos(radians((first[0] + second[0]) / 2.0))
    return 6_371_000.0 * hypot(north, east)
