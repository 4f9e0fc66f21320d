"""Datum: a point from a phone's map is stored where it really is, to a tenth of a metre, and finds its way back."""

import pytest
from hypothesis import given
from hypothesis.strategies import floats

from app.territory.datum import EAST, NORTH, SOUTH, WEST, in_china, metres_between, to_gcj02, to_wgs84

EXACT = 0.1
"""Metres."""


def grid_over_china(step: float = 0.37):
    latitude = SOUTH + 0.01
    while latitude < NORTH - 0.01:
        longitude = WEST + 0.01
        while longitude < EAST - 0.01:
            yield latitude, longitude
            longitude += step
        latitude += step


def test_a_point_goes_to_gcj02_as_the_maps_of_china_show_it():
    # The pair that map vendors' own converters agree on, in the middle of Beijing.
    assert to_gcj02(39.915, 116.404) == pytest.approx((39.91640428150164, 116.41024449916938), abs=1e-9)


def test_the_shift_is_hundreds_of_metres_so_leaving_it_out_would_show():
    distances = [metres_between(point, to_gcj02(*point)) for point in grid_over_china(2.0)]
    assert min(distances) > 5
    assert 300 < max(distances) < 2000


def test_every_point_of_china_comes_back_from_gcj02_to_a_tenth_of_a_metre():
    worst = max(metres_between(point, to_wgs84(*to_gcj02(*point))) for point in grid_over_china() if in_china(*to_gcj02(*point)))
    assert worst < EXACT / 1000


def test_every_gcj02_point_of_china_comes_back_from_wgs84_to_a_tenth_of_a_metre():
    worst = max(metres_between(point, to_gcj02(*to_wgs84(*point))) for point in grid_over_china() if in_china(*to_wgs84(*point)))
    assert worst < EXACT / 1000


@given(latitude=floats(SOUTH + 0.05, NORTH - 0.05), longitude=floats(WEST + 0.05, EAST - 0.05))
def test_any_point_whatever_comes_back_both_ways(latitude, longitude):
    point = latitude, longitude
    assert metres_between(point, to_wgs84(*to_gcj02(*point))) < EXACT
    assert metres_between(point, to_gcj02(*to_wgs84(*point))) < EXACT


@pytest.mark.parametrize("longitude", [104.9999999, 105.0, 105.0000001])
def test_the_way_back_also_ends_where_the_series_has_a_corner(longitude):
    point = 35.0, longitude
    assert metres_between(point, to_gcj02(*to_wgs84(*point))) < EXACT


@pytest.mark.parametrize("point", [(48.8566, 2.3522), (-33.87, 151.2), (35.68, 139.69)])
def test_points_abroad_are_not_shifted(point):
    assert to_gcj02(*point) == point
    assert to_wgs84(*point) == point
