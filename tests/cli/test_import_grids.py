"""Grids' polygons from GeoJSON on the command line: tried, refused with their places, published as versions."""

import csv

import pytest
from sqlalchemy import func, select

from app.core.database import db
from app.demo.grid_map import collection, demo_rings, feature
from app.territory.shapes.models import GridShape, ShapeImport
from app.territory.shapes.placing import grid_at

RINGS = demo_rings()
FIRST = min(RINGS)


@pytest.fixture
def geojson(tmp_path):
    def write(*features, name="grids.geojson"):
        file = tmp_path / name
        file.write_bytes(collection(features or [feature(code, ring) for code, ring in RINGS.items()]))
        return str(file)

    return write


def count(table):
    return db.session.scalar(select(func.count()).select_from(table))


def test_a_dry_run_tells_and_writes_nothing(run, geojson):
    told = run("import", "grids", geojson(), "--datum", "wgs84", "--dry-run").output
    assert "18 shapes new, 0 changed, 0 unchanged (dry run: nothing was written)" in told
    assert count(ShapeImport) == 0


def test_a_map_comes_in_and_the_same_again_changes_nothing(run, geojson):
    assert "18 shapes new" in run("import", "grids", geojson(), "--datum", "wgs84").output
    assert grid_at(33.44, 117.43) is not None
    assert "0 shapes new, 0 changed, 18 unchanged" in run("import", "grids", geojson(), "--datum", "wgs84").output
    assert (count(ShapeImport), count(GridShape)) == (1, 18)


def test_an_error_is_told_with_its_place_and_nothing_is_written(run, geojson, tmp_path):
    crossed = feature(FIRST, [(117.5, 33.5), (117.6, 33.6), (117.6, 33.5), (117.5, 33.6), (117.5, 33.5)])
    findings = tmp_path / "findings.csv"
    told = run("import", "grids", geojson(crossed), "--datum", "wgs84", "--findings", findings, fails=True).output
    assert "error crossed: feature 1 at 117.550000 33.550000" in told
    assert "nothing was written" in told
    (row,) = csv.DictReader(findings.read_text(encoding="utf-8-sig").splitlines())
    assert (row["about"], row["feature"], row["grids"]) == ("crossed", "1", FIRST)
    assert count(ShapeImport) == 0


def test_warnings_do_not_bar(run, geojson):
    told = run("import", "grids", geojson(feature(FIRST, RINGS[FIRST])), "--datum", "wgs84").output
    assert "warning without_shape" in told
    assert count(GridShape) == 1


def test_new_grids_are_made_where_their_property_says(run, geojson):
    new = feature("77", RINGS[FIRST], 村代码="990101001001")
    assert "unknown_grid" in run("import", "grids", geojson(new), "--datum", "wgs84", fails=True).output
    assert "1 grids new" in run("import", "grids", geojson(new), "--datum", "wgs84", "--create").output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("missing.geojson", "--datum", "wgs84"), "cannot be read"),
        (("missing.geojson",), "--datum"),
        (("missing.geojson", "--datum", "bd09"), "bd09"),
        (("missing.geojson", "--datum", "wgs84", "--map", "code"), "FIELD=PROPERTY"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(run, words, sentence):
    assert sentence in run("import", "grids", *words, fails=True).output
