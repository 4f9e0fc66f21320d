"""Whistles at the residents' door: Lin calls her community, sees that it came, and says whether it helped."""

import pytest

from app.core.database import transaction
from app.ledger.timeline import verify_ledger
from app.ledger.whistles.arrivals import arrive

WORDS = {
    "place": "村口桥头",
    "words": "水漫进院子了，请来看看",
    "point": {"latitude": 33.54, "longitude": 117.55, "datum": "gcj02"},
}


@pytest.fixture
def number(lin, street_light):
    return lin.post("/reports", street_light).json["number"]


def test_lin_whistles_and_her_community_comes(lin, number, as_staff):
    blown = lin.post(f"/cases/{number}/whistles", WORDS)
    assert blown.status_code == 201, blown.text
    (call,) = blown.json["items"]
    assert (call["unit_name"], call["due_at"], call["arrived_at"]) == ("柳林村", "2026-11-23T09:30:00+08:00", None)
    with transaction():
        arrive(as_staff("wu"), number, call["id"])
    (seen,) = lin.get(f"/cases/{number}/whistles").json["items"]
    assert (seen["arrived_at"], seen["in_time"]) == ("2026-11-23T09:00:00+08:00", True)
    assert set(seen) == {
        "id", "whistle_id", "unit_name", "place", "words", "blown_at", "due_at", "arrived_at", "in_time", "cancelled", "helped",
    }  # fmt: skip
    helped = lin.post(f"/cases/{number}/whistle-calls/{call['id']}/help", {"helped": True, "note": "来得很快"})
    assert (helped.status_code, helped.json["helped"]) == (200, True)
    lines = [(line["what"], line["who"], line["words"]) for line in lin.get(f"/cases/{number}").json["timeline"][-2:]]
    assert lines == [("吹哨", "您", "水漫进院子了，请来看看"), ("报到", "代办员", None)]
    assert verify_ledger().breaks == []


def test_one_whistle_at_a_time(lin, number):
    (call,) = lin.post(f"/cases/{number}/whistles", WORDS).json["items"]
    second = lin.post(f"/cases/{number}/whistles", WORDS)
    assert (second.status_code, second.json["code"]) == (409, "whistle_open")
    back = lin.post(f"/cases/{number}/whistles/{call['whistle_id']}/cancellation", {"note": "水退了"})
    assert back.json["items"][0]["cancelled"] is True
    assert lin.post(f"/cases/{number}/whistles", WORDS).status_code == 201


def test_three_a_day(lin, number):
    for _ in range(3):
        (call,) = lin.post(f"/cases/{number}/whistles", WORDS).json["items"]
        lin.post(f"/cases/{number}/whistles/{call['whistle_id']}/cancellation", {"note": "不用了"})
    often = lin.post(f"/cases/{number}/whistles", WORDS)
    assert (often.status_code, often.json["code"]) == (429, "whistled_often")
    assert often.headers["Retry-After"] == str(15 * 3600 + 1)


def test_a_neighbour_can_neither_whistle_nor_see(lin, chen, number):
    (call,) = lin.post(f"/cases/{number}/whistles", WORDS).json["items"]
    assert chen.post(f"/cases/{number}/whistles", WORDS).status_code == 404
    assert chen.get(f"/cases/{number}/whistles").status_code == 404
    assert chen.post(f"/cases/{number}/whistle-calls/{call['id']}/help", {"helped": False, "note": "没来"}).status_code == 404


def test_of_a_confidential_matter_the_community_is_not_told(lin, street_light):
    number = lin.post("/reports", street_light | {"confidential": True}).json["number"]
    refused = lin.post(f"/cases/{number}/whistles", WORDS)
    assert (refused.status_code, refused.json["code"]) == (409, "no_community")
    assert "热线" in refused.json["detail"]
