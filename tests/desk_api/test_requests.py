"""Requests through the desk door: asked, listed, decided, taken back, and what the door refuses."""

from uuid import uuid4

import pytest

from tests.counting import statements

ASKED = {"note": "不属于我局职责", "reason_code": "wrong_unit"}


@pytest.fixture
def returned(road):
    """The bureau asks to give its case back to the water office."""
    road.signed()
    body = ASKED | {"kind": "return", "units": [road.code("水利局")]}
    road.request = road.do("he", "/requests", body, expect=201)
    return road


def decision(road, suffix="decision"):
    return f"/requests/{road.request['id']}/{suffix}"


def waiting(road, login, **query):
    answer = road.desk(login).get("/requests", **query)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def test_a_return_is_asked_listed_decided_and_read_in_the_case(returned):
    asked = returned.request
    assert (asked["kind"], asked["kind_label"], asked["state_label"]) == ("return", "退单", "待审批")
    (row,) = waiting(returned, "du")
    assert (row["number"], row["state"], row["lead_unit"]["name"]) == (returned.number, "in_progress", "城市管理局")
    assert row["due_at"] == "2026-11-24T17:30:00+08:00"
    shown = row["request"]
    assert (shown["id"], shown["asked_by"], shown["reason"], shown["note"]) == (
        asked["id"],
        "何城",
        "不属于本单位职责",
        "不属于我局职责",
    )
    assert (shown["unit"]["name"], [unit["name"] for unit in shown["units"]]) == ("城市管理局", ["水利局"])
    body = {
        "approve": True,
        "note": "属水利局",
        "unit": returned.code("水利局"),
        "reset_term": "耽误不在新单位",
        "version": row["version"],
    }
    moved = returned.do("du", decision(returned), body)
    assert (moved["state"], moved["state_label"]) == ("dispatched", "待签收")
    assert waiting(returned, "du") == []
    (request,) = returned.see("du")["requests"]
    assert (request["state"], request["decided_by"], request["by_person"]) == ("approved", "杜衡", False)
    seen = returned.see("shui")
    assert (seen["lead_unit"]["name"], seen["timeline"]["items"][0]["action"]) == ("水利局", "reassign")
    assert returned.see("he")["lead_unit"]["name"] == "水利局"  # who had the case can read it still
    returned.do("he", "/contact", {"how": "phone", "note": "联系"}, expect=403)


def test_what_each_kind_needs_is_shown_with_it(road):
    road.signed()
    road.do("he", "/contact", {"how": "phone", "note": "已联系"})
    body = {
        "kind": "suspend",
        "note": "等工程",
        "reason_code": "engineering",
        "review_on": "2027-01-20",
        "evidence": "亮化工程计划",
    }
    road.do("he", "/requests", body, expect=201)
    road.do("he", "/requests", {"kind": "extend", "note": "工程量大", "reason_code": "larger_works", "amount": 3}, expect=201)
    suspend, extend = road.see("sun")["requests"]
    assert (suspend["review_on"], suspend["evidence"], suspend["amount"]) == ("2027-01-20", "亮化工程计划", None)
    assert (extend["amount"], extend["amount_unit"], extend["units"]) == (3, "working_day", [])
    assert [row["request"]["kind"] for row in waiting(road, "sun")] == ["suspend", "extend"]
    assert [row["request"]["kind"] for row in waiting(road, "sun", kind="extend")] == ["extend"]
    assert [row["request"]["kind"] for row in waiting(road, "du")] == ["extend"]


def test_a_suspension_is_taken_up_again_by_hand(road):
    road.signed()
    road.do("he", "/contact", {"how": "phone", "note": "已联系"})
    body = {"kind": "suspend", "note": "等工程", "reason_code": "engineering", "review_on": "2027-01-20", "evidence": "计划"}
    road.request = road.do("he", "/requests", body, expect=201)
    assert road.do("sun", decision(road), {"approve": True})["state"] == "suspended"
    assert {clock["clock"] for clock in road.see("he")["clocks"]} == {"resolve", "overall", "suspension"}
    assert "resume" in road.see("he")["actions"]
    road.do("he", "/resumption", {}, expect=422)
    road.do("fang", "/resumption", {"note": "开工"}, expect=403)
    assert road.do("he", "/resumption", {"note": "提前开工"})["state"] == "in_progress"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "return"}, "units"),
        ({"kind": "return", "units": ["没有"]}, "units"),
        ({"kind": "return", "units": []}, "units"),
        ({"kind": "return", "units": "own"}, "units"),
        ({"kind": "extend", "reason_code": "weather"}, "amount"),
        ({"kind": "extend", "reason_code": "weather", "amount": 0}, "amount"),
        ({"kind": "extend", "reason_code": "weather", "amount": 401}, "amount"),
        ({"kind": "extend", "amount": 3}, "reason_code"),
        ({"kind": "suspend", "reason_code": "season", "review_on": "2027-01-20"}, "evidence"),
        ({"kind": "suspend", "reason_code": "season", "evidence": "计划"}, "review_on"),
        ({"kind": "suspend", "reason_code": "season", "evidence": "计划", "review_on": "明年"}, "review_on"),
        ({"kind": "terminate", "reason_code": "impossible"}, "reply"),
        ({"kind": "redirect", "reason_code": "petition", "reply": "请到信访局"}, "redirect_to"),
        ({"kind": "withdraw"}, "kind"),
        ({"kind": "support", "note": " ", "units": ["990101D03"]}, "note"),
        ({"kind": "exclude", "reason_code": "force_majeure", "whatever": 1}, "whatever"),
    ],
)
def test_what_is_missing_is_named(road, body, field):
    road.signed()
    body = {"reason_code": "wrong_unit" if body["kind"] == "return" else None} | body
    if body.get("units") == "own":
        body["units"] = [road.code("城市管理局")]
    sent = {"note": "情况说明"} | {name: value for name, value in body.items() if value is not None}
    refused = road.do("he", "/requests", sent, expect=422)
    assert list(refused["errors"]) == [field]


def test_the_asker_takes_back_what_nobody_else_can(returned):
    returned.do("gao", decision(returned, "withdrawal"), expect=404)
    assert "withdraw_request" in returned.see("he")["actions"]
    assert "withdraw_request" not in returned.see("gao")["actions"]
    returned.do("he", decision(returned, "withdrawal"))
    returned.do("he", decision(returned, "withdrawal"), expect=404)
    assert returned.do("du", decision(returned), {"approve": True}, expect=404)["code"] == "request_not_found"
    assert [(each["state"], each["decided_by"]) for each in returned.see("he")["requests"]] == [("withdrawn", None)]


def test_a_refusal_says_why_and_settles_the_dispute(returned):
    assert returned.do("du", decision(returned), {"approve": False}, expect=422)["errors"] == {"note": ["请填写说明"]}
    returned.do("du", decision(returned), {"approve": False, "note": "属你局职责"})
    again = ASKED | {"kind": "return", "units": [returned.code("水利局")]}
    assert returned.do("he", "/requests", again, expect=409)["code"] == "return_locked"
    assert "ask_return" not in returned.see("he")["actions"]
    seen = returned.see("he")["timeline"]["items"]
    assert (seen[0]["action"], seen[0]["note"]) == ("refuse_request", "属你局职责")


@pytest.mark.parametrize(
    ("login", "status", "code"),
    [("he", 403, "asker_may_not_decide"), ("fang", 403, "not_your_decision"), ("xu", 404, "case_not_found")],
)
def test_it_is_decided_by_nobody_else(returned, login, status, code):
    refused = returned.do(login, decision(returned), {"approve": True}, expect=status)
    assert refused["code"] == code
    if status == 403:
        assert waiting(returned, login) == []
        assert "return" not in returned.see(login)["actions"]


def test_who_does_not_handle_the_case_asks_nothing_of_it(road):
    road.signed()
    body = ASKED | {"kind": "return", "units": [road.code("水利局")]}
    assert road.do("fang", "/requests", body, expect=403)["code"] == "not_your_move"
    road.do("xu", "/requests", body, expect=404)


def test_one_of_a_kind_waits_and_a_wrong_state_is_named(returned):
    body = ASKED | {"kind": "return", "units": [returned.code("民政局")]}
    assert returned.do("he", "/requests", body, expect=409)["code"] == "request_pending"
    returned.do("he", "/contact", {"how": "phone", "note": "已联系"})
    returned.do("he", "/result", {"reply": "修好了", "note": "换灯", "solved": True})
    refused = returned.do("he", "/requests", {"kind": "extend", "note": "慢", "reason_code": "weather", "amount": 1}, expect=409)
    assert (refused["code"], refused["facts"]["state"]) == ("illegal_move", "under_review")
    assert returned.do("du", decision(returned), {"approve": True}, expect=404)["code"] == "request_not_found"  # fell away


def test_a_stale_version_is_refused_and_a_repeated_request_asks_once(road):
    road.signed()
    version = road.see("he")["version"]
    body = ASKED | {"kind": "return", "units": [road.code("水利局")]}
    assert road.do("he", "/requests", body | {"version": version - 1}, expect=412)["code"] == "stale_version"
    key, he = str(uuid4()), road.desk("he")
    first = he.post(f"/cases/{road.number}/requests", body, key=key, match=f'"{version}"')
    again = he.post(f"/cases/{road.number}/requests", body, key=key, match=f'"{version}"')
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(road.see("he")["requests"]) == 1
    road.request = first.json
    key, du = str(uuid4()), road.desk("du")
    decided = [du.post(f"/cases/{road.number}{decision(road)}", {"approve": True}, key=key) for _ in range(2)]
    assert decided[0].json == decided[1].json
    assert decided[0].json["state"] == "accepted"


def test_a_case_is_shown_in_as_many_statements_however_much_was_asked_of_it(road, session):
    road.signed()
    road.do("he", "/contact", {"how": "phone", "note": "已联系"})
    counted = []
    for unit in ("水利局", "民政局", "交通运输局"):
        road.request = road.do("he", "/requests", {"kind": "support", "note": "请配合", "units": [road.code(unit)]}, expect=201)
        road.see("du")
        caller = road.desk("du")
        with statements() as sent:
            answer = caller.get(f"/cases/{road.number}")
        assert len(answer.json["requests"]) == len(counted) + 1
        counted.append(len(sent))
        road.do("du", decision(road), {"approve": False, "note": "不需要"})
    assert len(set(counted)) == 1, counted


class TestRecusal:
    def test_what_is_asked_of_a_case_against_them_is_never_put_before_them(self, road):
        road.accepted(against_staff="sun", kind="complaint")
        road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局")})
        road.do("he", "/signature")
        body = {"kind": "extend", "note": "工程量大", "reason_code": "larger_works", "amount": 3}
        road.request = road.do("he", "/requests", body, expect=201)
        assert waiting(road, "sun") == []
        road.do("sun", decision(road), {"approve": True}, expect=404)
        assert [row["number"] for row in waiting(road, "ling")] == [road.number]


def test_a_case_given_back_keeps_its_first_term_unless_the_dispatcher_says_why_not(returned):
    first = next(clock["due_at"] for clock in returned.see("du")["clocks"] if clock["clock"] == "resolve")
    returned.do("du", decision(returned), {"approve": True, "note": "不属该局"})
    returned.clock.advance(days=1)
    returned.do("du", "/dispatch", {"lead_unit": returned.code("水利局"), "reset_term": "耽误不在新单位"})
    assert next(clock["due_at"] for clock in returned.see("du")["clocks"] if clock["clock"] == "resolve") > first


def test_who_has_but_a_telephone_withdraws_through_the_desk(road):
    road.accepted()
    assert "ask_withdraw" in road.see("fang")["actions"]
    assert list(road.do("fang", "/withdrawal", {}, expect=422)["errors"]) == ["words"]
    asked = road.do("fang", "/withdrawal", {"words": "来电说灯已经亮了"}, expect=201)
    assert (asked["kind"], asked["state"]) == ("withdraw", "pending")
    assert "ask_withdraw" not in road.see("fang")["actions"]
    body = {"approve": True, "note": "电话核实，本人自愿"}
    assert road.do("fang", f"/requests/{asked['id']}/decision", body, expect=403)["code"] == "asker_may_not_decide"
    assert road.do("lu", f"/requests/{asked['id']}/decision", body)["state"] == "withdrawn"
