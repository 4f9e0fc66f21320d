"""Whistles at the desk: a township calls a department, which checks in; who may not, and what is told twice."""

from uuid import uuid4

import pytest

from app.ledger.timeline import verify_ledger

BRIDGE = {"latitude": 33.54, "longitude": 117.55, "datum": "wgs84"}
HERE = {"point": {"latitude": 33.541, "longitude": 117.55, "datum": "wgs84"}}


@pytest.fixture
def led(road):
    """A case that the township leads and has signed."""
    road.accepted()
    road.do("du", "/dispatch", {"lead_unit": road.code("柳河镇")})
    road.do("liu", "/signature")
    return road


def given(road, *units, **more):
    codes = [road.code(unit) for unit in units]
    return {"units": codes, "place": "村口涵管", "words": "涵管塌了，请到场会商", "point": BRIDGE} | more


def blow(road, *units, **more):
    return road.do("liu", "/whistles", given(road, *units, **more), expect=201)["items"]


def test_from_the_whistle_to_the_ruling(led):
    assert "whistle" in led.see("liu")["actions"]
    (call,) = blow(led, "水利局", arrive_by="2026-11-23T11:00:00+08:00")
    assert (call["unit_name"], call["by_unit"], call["due_at"], call["in_time"]) == (
        "水利局", "柳河镇", "2026-11-23T11:00:00+08:00", None,
    )  # fmt: skip
    (waiting,) = led.desk("shui").get("/whistles", mine=True, waiting=True).json["items"]
    assert (waiting["number"], waiting["words"], waiting["place"]) == (led.number, "涵管塌了，请到场会商", "村口涵管")
    assert "arrive" in led.see("shui")["actions"]
    came = led.do("shui", f"/whistle-calls/{call['id']}/arrival", HERE | {"note": "已到现场"})
    assert (came["metres_off"], came["far_off"], came["in_time"], came["arrived_by"]) == (111, False, True, "沈水")
    led.do("liu", f"/whistle-calls/{call['id']}/help", {"helped": True, "note": "提出了方案"})
    led.do("shui", f"/whistle-calls/{call['id']}/justification", {"justified": False, "note": "不属于我局职责"})
    (contested,) = led.desk("sun").get("/whistles", contested=True).json["items"]
    assert contested["id"] == call["id"]
    ruled = led.do("sun", f"/whistle-calls/{call['id']}/ruling", {"justified": True, "note": "属于水利设施"})
    assert (ruled["helped"], ruled["justified"], ruled["ruling"]) == (True, False, True)
    assert verify_ledger().breaks == []


def test_a_whistle_replayed_with_its_key_is_blown_once(led):
    key, body, liu = str(uuid4()), given(led, "水利局"), led.desk("liu")
    first, again = (liu.post(f"/cases/{led.number}/whistles", body, key=key) for _ in range(2))
    assert (first.status_code, first.json) == (201, again.json)
    assert len(led.desk("liu").get("/whistles", number=led.number).json["items"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"units": []}, "units"),
        ({"units": ["000"]}, "units"),
        ({"place": " "}, "place"),
        ({"words": None}, "words"),
        ({"arrive_by": "2026-11-22T09:00:00+08:00"}, "arrive_by"),
        ({"point": {"latitude": 48.85, "longitude": 2.35, "datum": "wgs84"}}, "point"),
        ({"point": {"latitude": 133, "longitude": 2.35, "datum": "wgs84"}}, "point.latitude"),
    ],
)
def test_what_is_wrong_names_its_field(led, change, field):
    refused = led.do("liu", "/whistles", given(led, "水利局") | change, expect=422)
    assert list(refused["errors"]) == [field]


def test_who_may_not(led):
    body = given(led, "水利局")
    assert led.do("liu", "/whistles", given(led, "柳河镇"), expect=422)["code"] == "whistle_unfit"
    led.do("he", "/whistles", body, expect=404)
    assert led.do("fang", "/whistles", body, expect=403)["code"] == "not_your_move"
    assert led.do("du", "/whistles", body, expect=403)["code"] == "whistles_from_below"
    assert led.do("liu", "/whistles", body | {"version": 1}, expect=412)["code"] == "stale_version"
    (call,) = blow(led, "水利局")
    assert led.do("liu", f"/whistle-calls/{call['id']}/arrival", HERE, expect=403)["code"] == "not_called"
    led.do("jiao", f"/whistle-calls/{call['id']}/arrival", HERE, expect=404)
    assert led.do("shui", "/whistle-calls/999/arrival", HERE, expect=404)["code"] == "whistle_not_found"
    early = {"helped": False, "note": "没有来"}
    assert led.do("liu", f"/whistle-calls/{call['id']}/help", early, expect=409)["code"] == "too_early_to_judge"


def test_taken_back(led):
    (call,) = blow(led, "水利局")
    path = f"/whistles/{call['whistle_id']}/cancellation"
    assert led.do("sun", path, {"note": "不需要"}, expect=403)["code"] == "not_the_blower"
    assert led.do("liu", path, {"note": "已经解决"})["items"][0]["cancelled"] is True
    assert led.do("shui", f"/whistle-calls/{call['id']}/arrival", HERE, expect=409)["code"] == "whistle_over"
    assert led.desk("shui").get("/whistles", mine=True, waiting=True).json["items"] == []


def test_the_list_refuses_what_it_does_not_know(led):
    assert led.desk("liu").get("/whistles", number="123").status_code == 422
    assert led.desk("liu").get("/whistles", page=2).status_code == 422
    assert led.desk("jiao").get("/whistles", number=led.number).status_code == 404
