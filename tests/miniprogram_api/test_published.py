"""Published cases on the phone: the list near by, and "me too"."""

import pytest

from app.core.database import transaction
from app.ledger.merging.publishing import publish_case


@pytest.fixture
def number(lin, street_light, backstage, as_staff) -> str:
    number = lin.post("/reports", street_light).json["number"]
    backstage.accept(number)
    with transaction():
        publish_case(as_staff("du"), number, title="柳林村一组路口路灯不亮", summary="已受理，正在派单。")
    return number


def test_a_neighbour_sees_it_says_me_too_and_follows_it(number, lin, chen, street_light):
    (row,) = chen.get("/published-cases").json["items"]
    assert (row["number"], row["title"], row["heat"], row["mine"]) == (number, "柳林村一组路口路灯不亮", 1, False)
    assert set(row) == {
        "number", "number_in_fours", "title", "summary", "state", "state_label", "grid", "heat", "published_at", "mine",
    }  # fmt: skip
    assert chen.get(f"/cases/{number}").status_code == 404
    said = chen.post(f"/published-cases/{number}/me-too", {"words": "我家门口也黑"})
    assert (said.status_code, said.json["number"]) == (201, number)
    seen = chen.get(f"/cases/{number}").json
    assert seen["title"] == "柳林村一组路口路灯不亮"
    assert [report["body"] for report in seen["reports"]] == ["我家门口也黑"]
    assert street_light["body"] not in str(seen)
    (row,) = lin.get("/published-cases").json["items"]
    assert (row["heat"], row["mine"]) == (2, True)
    assert chen.post(f"/published-cases/{number}/me-too").json["code"] == "said_already"
    assert chen.post(f"/cases/{number}/rating", {"contacted": True, "solved": True, "satisfaction": "satisfied"}).status_code == 403


def test_what_is_not_published_cannot_be_joined_nor_told_from_what_is_not_there(lin, chen, street_light):
    hidden = lin.post("/reports", street_light).json["number"]
    answers = [chen.post(f"/published-cases/{each}/me-too") for each in (hidden, "2026112300000007", "abc")]
    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(404, "not_published")}
    assert chen.get("/published-cases", grid="没有").status_code == 422
    assert chen.get("/published-cases").json == {"items": [], "next_cursor": None}
