"""The grids' polygons: files checked as a whole, versions that stay readable, points placed the same way always."""

from random import Random

import orjson
import pytest
from sqlalchemy import func, select

from app.core.database import db
from app.demo.grid_map import cells, collection, demo_rings, draw_county, feature, spot_in
from app.territory.datum import Datum, to_gcj02
from app.territory.models import Grid
from app.territory.shapes.findings import About
from app.territory.shapes.models import GridShape, ShapeImport
from app.territory.shapes.placing import How, grid_at, metres_outside, place_point
from app.territory.shapes.planning import plan_shapes
from app.territory.shapes.publishing import (
    ShapeFile,
    ShapesAreTheAdministrators,
    ShapesUnchanged,
    ShapesUnfit,
    publish_shapes,
)
from app.territory.shapes.versions import ShapeVersionNotFound, version_as_geojson, versions_page

FIRST, SECOND, OTHER_VILLAGE = "99010100100101", "99010100100102", "99010100100201"


def square(west, south, size=0.01):
    east, north = west + size, south + size
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def shapes(*features, datum=Datum.WGS84, **more):
    content = features[0] if isinstance(features[0], bytes) else collection(features)
    return ShapeFile(**{"source": "map.geojson", "content": content, "datum": datum, "columns": {}} | more)


def found(*features, **more):
    return [(finding.about, finding.feature) for finding in plan_shapes(shapes(*features, **more)).report.findings if finding.bars]


def warned(about, *features, **more):
    return [each for each in plan_shapes(shapes(*features, **more)).report.findings if each.about is about]


@pytest.fixture
def drawn(app, stamp, cast):
    draw_county(stamp)


def test_without_polygons_nobody_knows_the_grid(app):
    assert place_point(33.5, 117.5).how is How.NO_SHAPES
    assert grid_at(33.5, 117.5) is None
    assert metres_outside(10.0, 100.0) == 0


def test_a_spot_of_every_grid_is_placed_in_it(drawn):
    chance = Random(5)
    for code in demo_rings():
        longitude, latitude = spot_in(code, chance)
        placing = place_point(latitude, longitude)
        assert (placing.how, placing.grid.code) == (How.INSIDE, code)


def test_a_point_on_a_border_belongs_to_the_smallest_code(drawn):
    rings = demo_rings()
    shared = set(rings[FIRST]) & set(rings[SECOND])
    assert len(shared) >= 5
    for longitude, latitude in shared:
        placing = place_point(latitude, longitude)
        assert (placing.how, placing.grid.code) == (How.SHARED, FIRST)


def test_a_point_just_outside_names_the_nearest_grid_and_how_far_it_is(drawn):
    longitude, latitude = demo_rings()[FIRST][0]
    placing = place_point(latitude - 0.001, longitude + 0.01)
    assert (placing.how, placing.grid, placing.nearest.code) == (How.OUTSIDE, None, FIRST)
    assert placing.metres == pytest.approx(111.3, abs=0.5)
    assert metres_outside(latitude - 0.001, longitude + 0.01) == pytest.approx(111.3, abs=0.5)
    assert place_point(latitude - 0.5, longitude).nearest is None


def test_a_map_in_gcj02_is_the_same_map(app, stamp, cast):
    moved = [feature(code, [to_gcj02(y, x)[::-1] for x, y in ring]) for code, ring in demo_rings().items()]
    publish_shapes(stamp, shapes(*moved, datum=Datum.GCJ02))
    chance = Random(6)
    for code in demo_rings():
        longitude, latitude = spot_in(code, chance)
        assert grid_at(latitude, longitude).code == code


@pytest.mark.parametrize(
    ("about", "broken"),
    [
        (About.RING, feature(FIRST, square(117.5, 33.5)[:-1])),
        (About.RING, feature(FIRST, square(117.5, 33.5)[:2])),
        (About.CROSSED, feature(FIRST, [(117.5, 33.5), (117.6, 33.6), (117.6, 33.5), (117.5, 33.6), (117.5, 33.5)])),
        (About.CROSSED, feature(FIRST, square(117.5, 33.5), square(117.6, 33.6))),
        (About.CROSSED, feature(FIRST, [(117.5, 33.5), (117.6, 33.5), (117.5, 33.5), (117.5, 33.5)])),
        (About.SWAPPED, feature(FIRST, [(y, x) for x, y in square(117.5, 33.5)])),
        (About.OUTSIDE_CHINA, feature(FIRST, square(2.0, 48.0))),
        (About.OUTSIDE_CHINA, feature(FIRST, square(546000.0, 3706000.0))),
        (About.NO_CODE, feature("", square(117.5, 33.5))),
        (About.NO_CODE, feature(9.9e13, square(117.5, 33.5))),
        (About.UNKNOWN_GRID, feature("777", square(117.5, 33.5))),
        (About.GEOMETRY, {"type": "Feature", "properties": {"code": FIRST}, "geometry": {"type": "Point", "coordinates": [1, 2]}}),
        (About.GEOMETRY, {"type": "Feature", "properties": {"code": FIRST}, "geometry": None}),
        (About.GEOMETRY, feature(FIRST, [("a", "b")] * 4)),
        (About.GEOMETRY, feature(FIRST, [(True, 2)] * 4)),
        (About.FILE, 5),
    ],
)
def test_a_wrong_feature_is_named_by_its_place_and_nothing_is_written(app, stamp, cast, about, broken):
    fit = feature(SECOND, square(117.7, 33.5))
    assert found(fit, broken) == [(about, 2)]
    with pytest.raises(ShapesUnfit):
        publish_shapes(stamp, shapes(fit, broken))
    assert db.session.scalar(select(func.count()).select_from(ShapeImport)) == 0


def test_where_a_border_crosses_itself_is_told(app, cast):
    broken = feature(FIRST, [(117.5, 33.5), (117.6, 33.6), (117.6, 33.5), (117.5, 33.6), (117.5, 33.5)])
    (finding,) = plan_shapes(shapes(broken)).report.findings
    assert (finding.longitude, finding.latitude) == (pytest.approx(117.55), pytest.approx(33.55))
    assert "自己相交" in finding.words


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"type": "FeatureCollection"}', b'{"type": "FeatureCollection", "features": []}',
        b'{"type": "FeatureCollection", "features": [NaN]}', b"[" * 5000, "{}".encode("utf-16"),
        b'{"type":"FeatureCollection","crs":{"properties":{"name":"urn:ogc:def:crs:EPSG::4549"}},"features":[1]}',
    ],
)  # fmt: skip
def test_what_is_no_map_is_refused_in_words(app, content):
    report = plan_shapes(shapes(content)).report
    assert report.barred
    assert all(finding.words for finding in report.findings)


def test_the_chinese_datum_of_the_national_survey_is_taken_as_wgs84(app, cast):
    plain = orjson.loads(collection([feature(FIRST, square(117.5, 33.5))]))
    for name in ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4490", "EPSG:4326"):
        assert found(orjson.dumps(plain | {"crs": {"type": "name", "properties": {"name": name}}})) == []


def test_two_features_of_one_grid_are_joined_and_told(app, stamp, cast):
    parts = [feature(FIRST, square(117.5, 33.5)), feature(FIRST, square(117.51, 33.5)), feature(FIRST, square(117.6, 33.6))]
    assert [finding.grids for finding in warned(About.IN_PARTS, *parts)] == [(FIRST,)]
    publish_shapes(stamp, shapes(*parts))
    for longitude in (117.505, 117.51, 117.515):
        assert place_point(33.505, longitude).grid.code == FIRST
    assert place_point(33.605, 117.605).grid.code == FIRST


def test_a_hole_is_no_part_of_the_grid_around_it(app, stamp, cast):
    island = square(117.503, 33.503, 0.002)
    publish_shapes(stamp, shapes(feature(FIRST, square(117.5, 33.5), island[::-1])))
    assert grid_at(33.504, 117.504) is None
    assert grid_at(33.501, 117.501).code == FIRST


def test_overlaps_and_gaps_are_told_with_their_size_and_neighbours(app, cast):
    first, second = feature(FIRST, square(117.5, 33.5)), feature(SECOND, square(117.509, 33.5))
    (overlap,) = warned(About.OVERLAP, first, second)
    assert overlap.grids == (FIRST, SECOND)
    assert overlap.square_metres == pytest.approx(0.001 * 0.01 * 111_319.49**2 * 0.8338, rel=0.01)
    assert 117.509 < overlap.longitude < 117.51
    assert warned(About.OVERLAP, first, second, tolerance=1e6) == []
    around = feature(FIRST, square(117.5, 33.5), square(117.503, 33.503, 0.002)[::-1])
    (gap,) = warned(About.GAP, around)
    assert gap.grids == (FIRST,)
    assert 117.503 < gap.longitude < 117.505
    filled = feature(SECOND, square(117.503, 33.503, 0.002))
    assert warned(About.GAP, around, filled) == []


def test_a_map_that_fits_together_has_neither(app, cast):
    drawn = [feature(code, ring) for code, ring in demo_rings().items()]
    assert plan_shapes(shapes(*drawn, tolerance=0.001)).report.counts == {}
    assert len(warned(About.WITHOUT_SHAPE, *drawn[:-2])) == 2


def test_where_grids_overlap_the_smallest_code_has_the_point(app, stamp, cast):
    publish_shapes(stamp, shapes(feature(SECOND, square(117.5, 33.5)), feature(FIRST, square(117.509, 33.5))))
    assert place_point(33.505, 117.5095).how is How.SHARED
    assert grid_at(33.505, 117.5095).code == FIRST


def test_a_dry_run_writes_nothing(app, cast):
    plan = plan_shapes(shapes(feature(FIRST, square(117.5, 33.5))))
    assert (plan.report.new_shapes, plan.report.changed) == (1, 0)
    assert db.session.scalar(select(func.count()).select_from(GridShape)) == 0


def test_an_older_version_stays_readable(app, stamp, cast):
    one = publish_shapes(stamp, shapes(feature(FIRST, square(117.5, 33.5)), feature(SECOND, square(117.6, 33.5)))).id
    two = publish_shapes(stamp, shapes(feature(FIRST, square(117.52, 33.5)), source="moved.geojson")).id
    corners = {
        version: {
            each["properties"]["code"]: each["geometry"]["coordinates"][0][0] for each in version_as_geojson(version)["features"]
        }
        for version in (one, two)
    }
    assert corners[one] == {FIRST: (117.5, 33.5), SECOND: (117.6, 33.5)}
    assert corners[two] == {FIRST: (117.52, 33.5), SECOND: (117.6, 33.5)}
    assert [(row.id, row.source) for row in versions_page().items] == [(two, "moved.geojson"), (one, "map.geojson")]
    assert grid_at(33.505, 117.505) is None
    with pytest.raises(ShapeVersionNotFound):
        version_as_geojson(two + 1)


def test_the_same_map_again_makes_no_version(app, stamp, cast):
    file = shapes(feature(FIRST, square(117.5, 33.5)))
    publish_shapes(stamp, file)
    assert plan_shapes(file).report.unchanged == 1
    with pytest.raises(ShapesUnchanged):
        publish_shapes(stamp, file)


def test_grids_that_are_not_known_are_made_in_their_village_when_that_is_asked_for(app, stamp, cast):
    village = cast.units["柳林村"]
    new = feature("99010100100103", square(117.5, 33.5), name="柳林村三网格", unit=village.code)
    assert found(new) == [(About.UNKNOWN_GRID, 1)]
    assert found(feature("99010100100104", square(117.5, 33.5), unit="777"), create=True) == [(About.UNKNOWN_UNIT, 1)]
    township = feature("99010100100104", square(117.5, 33.5), unit=cast.units["柳河镇"].code)
    assert found(township, create=True) == [(About.NOT_A_VILLAGE, 1)]
    publish_shapes(stamp, shapes(new, create=True))
    made = db.session.scalars(select(Grid).where(Grid.code == "99010100100103")).one()
    assert (made.name, made.unit_id) == ("柳林村三网格", village.id)
    assert grid_at(33.505, 117.505).id == made.id


def test_properties_with_unusual_names_are_mapped(app, cast):
    strange = {"type": "Feature", "properties": {"WGBM": FIRST}, "geometry": feature(FIRST, square(117.5, 33.5))["geometry"]}
    assert found(strange) == [(About.NO_CODE, None)]
    assert found(strange, columns={"code": "WGBM"}) == []


def test_only_the_countys_administrator_publishes(app, as_staff, cast):
    file = shapes(feature(FIRST, square(117.5, 33.5)))
    with pytest.raises(ShapesAreTheAdministrators):
        publish_shapes(as_staff("du"), file)
    assert publish_shapes(as_staff("admin"), file).staff_id == cast.staff["admin"].id


def test_a_grid_without_polygon_keeps_the_border_of_the_county_open(app, stamp, cast):
    rings = demo_rings()
    draw_county(stamp)
    assert metres_outside(33.0, 117.5) > 40_000
    db.session.execute(GridShape.__table__.delete().where(GridShape.grid_id == cast.grids["柳林村一网格"].id))
    publish_shapes(stamp, shapes(feature(SECOND, square(*rings[SECOND][0]))))
    assert metres_outside(33.0, 117.5) == 0


def test_every_point_has_the_same_grid_by_the_tree_and_by_asking_every_polygon():
    import numpy as np
    import shapely

    from app.territory.shapes.index import GridMap
    from benchmarks.placing import brute_force, points_on

    rings = cells(12, 9, box=(117.2, 33.2, 117.5, 33.5), seed=4)
    chance = Random(2)
    points = [(chance.uniform(117.19, 117.51), chance.uniform(33.19, 33.51)) for _ in range(2000)] + points_on(rings, 400, chance)
    tree = GridMap([shapely.Polygon(ring) for ring in rings])
    xs, ys = np.array([x for x, _ in points]), np.array([y for _, y in points])
    by_tree = tree.first_holding(ys, xs)
    assert by_tree.tolist() == brute_force(rings, points)
    assert [tree.holding(y, x)[:1] or [-1] for x, y in points] == [[place] for place in by_tree.tolist()]
    assert sum(len(tree.holding(y, x)) > 1 for x, y in points) >= 350
