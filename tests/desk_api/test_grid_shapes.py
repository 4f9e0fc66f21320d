"""The map at the desk: tried, published by the administrator, every version readable."""

import pytest

from app.demo.grid_map import collection, demo_rings, feature

RINGS = demo_rings()
FIRST, SECOND = sorted(RINGS)[:2]


def file(*features, **more):
    content = collection(features or [feature(code, ring) for code, ring in RINGS.items()]).decode()
    return {"source": "云溪县网格.geojson", "datum": "wgs84", "geojson": content} | more


def test_an_administrator_tries_publishes_and_looks(desk):
    admin = desk("admin")
    tried = admin.post("/grid-shapes/dry-run", file(), key=None)
    assert (tried.status_code, tried.json["barred"], tried.json["new_shapes"]) == (200, False, 18)
    assert admin.get("/grid-shapes").json["items"] == []
    made = admin.post("/grid-shapes", file())
    assert (made.status_code, made.json["new_shapes"], made.json["by"]) == (201, 18, "管理员")
    listed = desk("fang").get("/grid-shapes").json["items"]
    assert [each["version"] for each in listed] == [made.json["version"]]
    shown = desk("fang").get(f"/grid-shapes/{made.json['version']}").json
    assert {each["properties"]["code"] for each in shown["features"]} == set(RINGS)
    assert [tuple(each) for each in shown["features"][0]["geometry"]["coordinates"][0]] == RINGS[FIRST]


def test_what_is_wrong_is_told_with_its_place_and_nothing_is_published(desk):
    admin = desk("admin")
    crossed = feature(FIRST, [(117.5, 33.5), (117.6, 33.6), (117.6, 33.5), (117.5, 33.6), (117.5, 33.5)])
    tried = admin.post("/grid-shapes/dry-run", file(crossed), key=None).json
    assert tried["barred"]
    assert [(each["about"], each["feature"], round(each["longitude"], 3)) for each in tried["findings"] if each["bars"]] == [
        ("crossed", 1, 117.55)
    ]
    refused = admin.post("/grid-shapes", file(crossed))
    assert (refused.status_code, refused.json["code"], list(refused.json["errors"])) == (422, "shapes_unfit", ["geojson"])
    assert admin.get("/grid-shapes").json["items"] == []


def test_the_same_map_again_is_a_conflict(desk):
    admin = desk("admin")
    assert admin.post("/grid-shapes", file()).status_code == 201
    again = admin.post("/grid-shapes", file())
    assert (again.status_code, again.json["code"]) == (409, "shapes_unchanged")


@pytest.mark.parametrize("who", ["fang", "du", "sun", "ma", "yan", "he"])
def test_nobody_but_the_administrator_tries_or_publishes(desk, who):
    for path, key in (("/grid-shapes/dry-run", None), ("/grid-shapes", "")):
        answer = desk(who).post(path, file(), key=key)
        assert (answer.status_code, answer.json["code"]) == (403, "shapes_are_the_administrators")


def test_a_version_that_is_not_there_is_not_found(desk):
    assert desk("fang").get("/grid-shapes/77").json["code"] == "shape_version_not_found"


def test_a_file_of_several_megabytes_is_taken_and_a_stranger_sends_none(desk, client):
    bent = [feature(code, [*ring[:-1], *([ring[0]] * 1)], filler="x" * 150_000) for code, ring in RINGS.items()]
    large = file(*bent)
    assert len(large["geojson"]) > 2_500_000
    assert desk("admin").post("/grid-shapes/dry-run", large, key=None).status_code == 200
    assert client.post("/desk/v1/grid-shapes/dry-run", json=large).status_code == 401


@pytest.mark.parametrize("wrong", [{"datum": "bd09"}, {"geojson": 5}, {"tolerance": -1}, {"columns": {"x": "y"}}, {"source": ""}])
def test_a_wrong_field_is_named(desk, wrong):
    answer = desk("admin").post("/grid-shapes", file() | wrong)
    assert (answer.status_code, next(iter(answer.json["errors"])).split(".")[0]) == (422, next(iter(wrong)))
