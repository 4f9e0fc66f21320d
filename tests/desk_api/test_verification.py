"""The checklist of a review through the desk door, evidence that comes with a result, and representatives' ratings."""

import pytest

from app.ledger.catalogue import catalogue
from app.ledger.models import Category


@pytest.fixture
def category(road, session):
    """Sets how the results of the road's category are verified."""

    def set_on(**how):
        row = session.get(Category, road.heard["category_id"])
        for field, value in how.items():
            setattr(row, field, value)
        session.flush()
        catalogue.forget()

    yield set_on
    catalogue.forget()


RESULT = {"reply": "路灯已修好。", "note": "换灯头", "solved": True}


def reported(road, **more):
    road.signed()
    road.do("he", "/contact", {"how": "phone", "note": "联系"})
    road.do("he", "/result", RESULT | more)


def test_the_checklist_tells_in_words_and_numbers_what_is_missing(road, category):
    category(asks_evidence=True)
    reported(road)
    seen = road.desk("qin").get(f"/cases/{road.number}/checklist").json
    items = {check["item"]: check for check in seen["checks"]}
    assert items["contact"] == {
        "item": "contact",
        "item_label": "联系群众",
        "state": "ok",
        "state_label": "正常",
        "words": "反馈结果前已联系群众",
        "number": None,
    }
    assert (items["evidence"]["state_label"], items["evidence"]["number"]) == ("缺项", 0)
    refused = road.do("qin", "/review/pass", {}, expect=422)
    assert (refused["code"], list(refused["errors"])) == ("missing_unexplained", ["note"])
    assert road.do("qin", "/review/pass", {"note": "现场已核对"})["state"] == "awaiting_callback"


def test_evidence_and_place_come_with_the_result(road, category):
    category(asks_evidence=True)
    reported(road, evidence=["照片 1123-01"], point={"latitude": 33.55, "longitude": 117.56, "datum": "gcj02"})
    seen = road.desk("qin").get(f"/cases/{road.number}/checklist").json
    assert seen["evidence"] == ["照片 1123-01"]
    road.do("qin", "/review/pass")


def test_evidence_is_held_to_its_shape(road):
    road.signed()
    road.do("he", "/contact", {"how": "phone", "note": "联系"})
    for wrong in ({"evidence": ["  "]}, {"evidence": ["x"] * 21}, {"point": {"latitude": 91, "longitude": 0, "datum": "wgs84"}}):
        road.do("he", "/result", RESULT | wrong, expect=422)
    abroad = {"point": {"latitude": 10, "longitude": 10, "datum": "wgs84"}}
    assert road.do("he", "/result", RESULT | abroad, expect=422)["code"] == "point_outside_county"


def test_there_is_no_checklist_before_a_result_nor_for_strangers(road):
    road.signed()
    assert road.desk("qin").get(f"/cases/{road.number}/checklist").json["code"] == "no_result_yet"
    assert road.desk("xu").get(f"/cases/{road.number}/checklist").status_code == 404


def test_a_representatives_rating_is_recorded_once_for_a_repeated_request(road, category):
    category(verify_by="representative")
    reported(road)
    assert "appraise" in road.see("sun")["actions"]
    assert "appraise" not in road.see("qin")["actions"]
    body = {"representative": "李代表", "satisfaction": "satisfied", "words": "走访了三户"}
    road.do("du", "/appraisals", body, expect=403)
    key = "7b0d4a0e-6d0d-4d53-a6cb-0d3b7a2f7c11"
    first = road.do("sun", "/appraisals", body, key=key)
    assert road.do("sun", "/appraisals", body, key=key) == first
    seen = road.desk("qin").get(f"/cases/{road.number}/checklist").json
    (rated,) = seen["verified"]
    assert (rated["representative"], rated["satisfaction_label"], rated["recorded_by"]) == ("李代表", "满意", "孙督")


def test_where_none_is_asked_there_is_nothing_to_rate(road):
    reported(road)
    body = {"representative": "李代表", "satisfaction": "satisfied", "words": "走访了三户"}
    assert road.do("sun", "/appraisals", body, expect=409)["code"] == "no_representative_asked"
    assert "appraise" not in road.see("sun")["actions"]
