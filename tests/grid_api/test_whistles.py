"""Whistles on the grid worker's phone: the cadre calls a department, the neighbours' village is called and checks in."""

import pytest

from app.core.database import transaction
from app.ledger.intake.codes import in_ids
from app.ledger.whistles.blowing import whistle
from app.territory.datum import to_gcj02

LATITUDE, LONGITUDE = to_gcj02(33.54, 117.55)
PHONE = {"latitude": LATITUDE, "longitude": LONGITUDE, "datum": "gcj02"}


@pytest.fixture
def number(lin, cast, backstage):
    """Lin's ditch, accepted."""
    said = {"body": "沟渠堵了，水漫进院子。", "kind": "help", "grid": cast.grids["柳林村一网格"].code}
    made = lin.post("/reports", said).json["number"]
    backstage.accept(made)
    return made


def given(cast, *units):
    return {"units": [cast.units[unit].code for unit in units], "place": "村口桥头", "words": "请到场会商", "point": PHONE}


def test_the_cadre_calls_a_department_and_says_what_came_of_it(wu, number, cast, clock):
    blown = wu.post(f"/cases/{number}/whistles", given(cast, "水利局"))
    assert blown.status_code == 201, blown.text
    (call,) = blown.json["items"]
    assert (round(call["latitude"], 6), round(call["longitude"], 6), call["by_unit"]) == (33.54, 117.55, "柳林村")
    clock.advance(minutes=31)
    said = wu.post(f"/cases/{number}/whistle-calls/{call['id']}/help", {"helped": False, "note": "没有来人"})
    assert (said.status_code, said.json["helped"], said.json["in_time"]) == (200, False, False)


def test_the_grid_worker_of_a_called_village_checks_in_by_position(wu, zhao, number, cast):
    assert zhao.get("/whistles", waiting=True).json["items"] == []
    (call,) = wu.post(f"/cases/{number}/whistles", given(cast, "河湾村")).json["items"]
    (waiting,) = zhao.get("/whistles", mine=True, waiting=True).json["items"]
    assert (waiting["id"], waiting["by"]) == (call["id"], "吴村")
    came = zhao.post(f"/cases/{number}/whistle-calls/{call['id']}/arrival", {"point": PHONE, "note": "已到桥头"})
    assert (came.status_code, came.json["metres_off"], came.json["in_time"]) == (200, 0, True)
    judged = zhao.post(f"/cases/{number}/whistle-calls/{call['id']}/justification", {"justified": True, "note": "确需帮忙"})
    assert judged.json["justified"] is True


def test_the_cadre_takes_it_back(wu, zhao, number, cast):
    (call,) = wu.post(f"/cases/{number}/whistles", given(cast, "河湾村")).json["items"]
    back = wu.post(f"/cases/{number}/whistles/{call['whistle_id']}/cancellation", {"note": "水退了"})
    assert back.json["items"][0]["cancelled"] is True
    late = zhao.post(f"/cases/{number}/whistle-calls/{call['id']}/arrival", {"point": PHONE})
    assert (late.status_code, late.json["code"]) == (409, "whistle_over")


def test_a_village_that_was_not_called_neither_sees_nor_comes(wu, zhao, number, cast):
    (call,) = wu.post(f"/cases/{number}/whistles", given(cast, "水利局")).json["items"]
    assert zhao.get("/whistles").json["items"] == []
    assert zhao.post(f"/cases/{number}/whistle-calls/{call['id']}/arrival", {"point": PHONE}).status_code == 404
    assert zhao.post(f"/cases/{number}/whistles", given(cast, "水利局")).status_code == 404


def test_a_resident_s_whistle_names_nobody(wu, number, as_resident):
    with transaction():
        whistle(as_resident("lin"), number, words="快来", place="村口", **in_ids({}))
    (call,) = wu.get("/whistles", mine=True, waiting=True).json["items"]
    assert (call["by_resident"], call["by"], call["by_unit"]) == (True, None, None)
