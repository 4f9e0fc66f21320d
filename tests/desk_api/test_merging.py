"""Merging through the desk door: candidates with reasons, merge, unmerge, recurrence, publication."""

from uuid import uuid4

import pytest


@pytest.fixture
def lamps(road, desk, heard):
    """Two people on the same street light: the numbers of the accepted case and of the one just registered."""
    first = road.accepted().number
    again = heard | {"name": "李大山", "phone": "138 0000 9999", "body": "柳林村一组路口那盏路灯坏了好几天，晚上看不见路。"}
    return first, desk("fang").post("/registrations", again).json["number"]


def test_from_candidate_to_one_case_and_back(lamps, desk):
    first, second = lamps
    (found,) = desk("du").get(f"/cases/{second}/merge-candidates").json
    assert (found["number"], found["one_click"], found["recurrence"]) == (first, True, False)
    assert found["reasons"].startswith("同一网格，文字相似 ")
    assert set(found) == {
        "number", "title", "state", "state_label", "kind", "kind_label", "urgency", "grid", "heat", "opened_at", "closed_at",
        "score", "likeness", "reasons", "recurrence", "settled", "one_click", "refusal",
    }  # fmt: skip
    key = str(uuid4())
    merged = desk("du").post(f"/cases/{second}/merge", {"numbers": [first]}, key=key)
    assert (merged.status_code, merged.json["number"], merged.json["state"]) == (200, first, "accepted")
    assert desk("du").post(f"/cases/{second}/merge", {"numbers": [first]}, key=key).json == merged.json
    seen = desk("du").get(f"/cases/{second}").json
    assert (seen["state"], seen["merged_into"]) == ("merged", first)
    assert seen["actions"] == ["unmerge"]
    survivor = desk("du").get(f"/cases/{first}").json
    assert (survivor["merged"], survivor["heat"], len(survivor["reports"])) == ([second], 2, 2)
    assert {line["case_number"] for line in survivor["timeline"]["items"]} == {None, second}
    body = {"note": "是另一盏灯"}
    stale = desk("du").post(f"/cases/{second}/unmerge", body, match='"1"')
    assert (stale.status_code, stale.json["code"]) == (412, "stale_version")
    apart = desk("du").post(f"/cases/{second}/unmerge", body, match=f'"{seen["version"]}"')
    assert (apart.status_code, apart.json["state"]) == (200, "submitted")
    assert desk("du").post(f"/cases/{second}/unmerge", body).json["code"] == "not_merged"


def test_who_may_not(lamps, desk):
    first, second = lamps
    for login, status in (("he", 403), ("lu", 403)):
        assert desk(login).get(f"/cases/{second}/merge-candidates").status_code == status
    assert desk("fang").post(f"/cases/{second}/merge", {"numbers": [first]}).status_code == 403
    assert desk("he").post(f"/cases/{second}/merge", {"numbers": [first]}).status_code == 404
    assert desk("fang").post(f"/cases/{second}/unmerge", {"note": "分开"}).status_code in (403, 409)


def test_what_is_refused_says_why(lamps, desk, road):
    first, second = lamps
    assert desk("du").post(f"/cases/{second}/merge", {"numbers": [second]}).json["code"] == "nothing_to_merge"
    assert desk("du").post(f"/cases/{second}/merge", {"numbers": []}).status_code == 422
    assert desk("du").post(f"/cases/{second}/merge", {"numbers": ["1"]}).status_code == 422
    unlinked = desk("du").post(f"/cases/{second}/recurrence", {"of": first})
    assert (unlinked.status_code, unlinked.json["code"]) == (409, "recurrence_unfit")


def test_a_merge_says_what_was_seen(lamps, desk):
    first, second = lamps
    seen = {number: desk("du").get(f"/cases/{number}").json["version"] for number in lamps}
    body = {"numbers": [first], "versions": {first: seen[first]}, "into": first}
    stale = desk("du").post(f"/cases/{second}/merge", body | {"versions": {first: seen[first] - 1}})
    assert (stale.status_code, stale.json["code"], stale.json["facts"]["number"]) == (412, "stale_version", first)
    assert desk("du").post(f"/cases/{second}/merge", body, match='"99"').status_code == 412
    other = desk("du").post(f"/cases/{second}/merge", body | {"into": second})
    assert (other.status_code, other.json["code"], other.json["facts"]["number"]) == (409, "survivor_differs", first)
    assert desk("du").post(f"/cases/{second}/merge", body, match=f'"{seen[second]}"').status_code == 200
    again = desk("du").post(f"/cases/{first}/merge", {"numbers": [second]})
    assert (again.status_code, again.json["facts"]["state"], again.json["facts"]["merged_into"]) == (409, "merged", first)


def test_publishing_and_taking_down(lamps, desk):
    first, _ = lamps
    words = {"title": "柳林村一组路口路灯不亮", "summary": "已受理，正在派单。"}
    shown = desk("sun").post(f"/cases/{first}/publication", words)
    assert shown.status_code == 200
    seen = desk("du").get(f"/cases/{first}").json
    assert (seen["public_title"], seen["public_summary"]) == (words["title"], words["summary"])
    assert seen["published_at"] is not None
    assert desk("fang").post(f"/cases/{first}/publication", words).status_code == 403
    unfit = desk("du").post(f"/cases/{first}/publication", words | {"summary": "电话 13800001234"})
    assert list(unfit.json["errors"]) == ["summary"]
    assert desk("du").post(f"/cases/{first}/publication/end", {"note": "已修好"}).status_code == 200
    assert desk("du").post(f"/cases/{first}/publication/end", {"note": "已修好"}).json["code"] == "not_published"
