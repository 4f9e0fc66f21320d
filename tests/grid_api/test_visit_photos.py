"""What was photographed at a visit: seen with the visit by those who reach the household, and with the cases of its needs."""

import pytest

from app.demo.cast import PASSWORD
from tests.callers import Caller
from tests.pictures import photo, upload


@pytest.fixture
def du(client, cast):
    """The clerk of the county's hall at the desk, who sees every case."""
    answer = client.post("/desk/v1/sign-in", json={"login": "du", "password": PASSWORD})
    return Caller(client, "/desk/v1", answer.json["token"])


def picture(caller, color="red"):
    answer = upload(caller, photo(color=color), purpose="photo")
    assert answer.json["state"] == "ready", answer.text
    return answer.json["id"]


def seen_at_home(caller, household_id):
    (made,) = caller.get(f"/households/{household_id}/visits").json["items"]
    return [file["id"] for file in made["files"]]


def seen_in_case(caller, number):
    (report,) = caller.get(f"/cases/{number}").json["reports"]
    return [file["id"] for file in report["files"]]


def test_a_visits_photos_are_seen_with_the_visit_and_with_its_needs(zhou, wu, zhao, du, visit, kept):
    mine = picture(zhou)
    told = zhou.post("/visits", visit | {"files": [mine]}).json
    for who in (zhou, wu):
        assert seen_at_home(who, visit["household_id"]) == [mine]
    assert zhao.get(f"/households/{visit['household_id']}/visits").status_code == 404
    assert [seen_in_case(du, need["number"]) for need in told["needs"]] == [[mine], [mine]]
    (report,) = du.get(f"/cases/{told['needs'][0]['number']}").json["reports"]
    assert du.client.get(report["files"][0]["links"]["view"]).status_code == 200


def test_photos_that_arrive_after_their_visit_are_seen_in_the_same_places(zhou, du, visit, kept):
    told = zhou.post("/visits", visit).json
    late = picture(zhou, "green")
    for _ in range(2):
        assert zhou.post(f"/visits/{visit['key']}/photos", {"files": [late]}).status_code == 201
    assert seen_at_home(zhou, visit["household_id"]) == [late]
    assert seen_in_case(du, told["needs"][0]["number"]) == [late]
