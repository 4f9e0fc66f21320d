"""The straight road through the desk door, and what it refuses on the way."""

from uuid import uuid4

import pytest

from app.ledger.timeline import verify_ledger
from tests.callers import resident_caller
from tests.desk_api.conftest import DESK, DeskCaller

SATISFIED = {"contacted": True, "solved": True, "satisfaction": "satisfied", "attitude": 5}
DISSATISFIED = {"contacted": True, "solved": False, "satisfaction": "dissatisfied"}


def test_a_hotline_call_goes_the_straight_road_to_closed(road):
    road.awaiting_callback()
    moved = road.do("lu", "/callbacks", SATISFIED | {"note": "居民满意"})
    assert (moved["number"], moved["state"], moved["state_label"]) == (road.number, "closed", "已办结")
    seen = road.see("fang")
    assert seen["outcome"] == "passed_on"
    assert seen["light"] is None
    assert seen["clocks"] == []
    lines = list(reversed(seen["timeline"]["items"]))
    assert [(line["action"], line["to_state"], line["name"]) for line in lines] == [
        ("submit", "submitted", "方晓"),
        ("accept", "accepted", "方晓"),
        ("dispatch", "dispatched", "杜衡"),
        ("sign", "in_progress", "何城"),
        ("contact", "in_progress", "何城"),
        ("submit_result", "under_review", "何城"),
        ("pass", "awaiting_callback", "秦越"),
        ("record_callback", "closed", "陆瑶"),
    ]
    assert lines[5]["reply"] == "路灯已修好。"
    assert (lines[5]["role_label"], lines[5]["unit"]) == ("承办人", "城市管理局")
    assert verify_ledger().breaks == []


def test_a_dissatisfied_person_sends_the_case_back_to_its_unit(road):
    road.awaiting_callback()
    moved = road.do("lu", "/callbacks", DISSATISFIED)
    assert (moved["state"], moved["round"]) == ("awaiting_callback", 1)
    assert road.see("sun")["triage"] is True
    moved = road.do("sun", "/triage", {"verdict": "rework", "note": "请换线后再报"})
    assert (moved["state"], moved["round"]) == ("in_progress", 2)
    assert [(a["duty"], a["round"], a["handler"], a["ended_at"] is None) for a in road.see("he")["assignments"]] == [
        ("lead", 1, "何城", False),
        ("lead", 2, "何城", True),
    ]


def test_a_result_is_sent_back_and_submitted_again(road):
    road.under_review()
    road.do("qin", "/review/send-back", {}, expect=422)
    assert road.do("qin", "/review/send-back", {"note": "照片看不清"})["state"] == "in_progress"
    road.do("he", "/result", {"reply": "已修好", "note": "补了照片", "solved": True})
    assert road.do("qin", "/review/pass", {"note": "照片清楚"})["state"] == "awaiting_callback"


def test_lead_and_assists_each_sign_and_report(road):
    road.dispatched(assists=("水利局",))
    road.do("shui", "/signature")
    assert road.see("shui")["state"] == "dispatched"  # only the lead's signature moves the case
    road.do("he", "/signature")
    road.do("he", "/contact", {"how": "visit", "note": "上门"})
    refused = road.do("he", "/result", {"reply": "好了", "note": "好了", "solved": True}, expect=409)
    assert (refused["code"], refused["detail"]) == ("assists_outstanding", "水利局还没有反馈；如不再等待，请说明原因")
    road.do("shui", "/assist-result", {"note": "已疏通"})
    assert road.do("he", "/result", {"reply": "好了", "note": "好了", "solved": True})["state"] == "under_review"


def test_three_attempts_on_two_days_close_a_case_as_unreachable(road):
    road.awaiting_callback()
    for _ in range(2):
        assert road.do("lu", "/callback-attempts", {"note": "无人接听"})["state"] == "awaiting_callback"
        road.clock.advance(hours=2)
    road.clock.advance(days=1)
    assert road.do("lu", "/callback-attempts")["state"] == "closed"
    assert [callback["reached"] for callback in road.see("lu")["callbacks"]] == [False, False, False]


def test_what_is_asked_is_supplied_for_the_person_on_the_phone(road):
    road.registered()
    assert road.do("fang", "/question", {"question": "请问是哪一盏灯？"})["state"] == "info_requested"
    assert road.do("fang", "/information", {"words": "村口第二盏"})["state"] == "submitted"
    road.do("ding", "/supplement", {"words": "来电人补充：旁边是学校"})
    assert [line["note"] for line in road.see("ding")["timeline"]["items"]][:2] == ["来电人补充：旁边是学校", "村口第二盏"]


def test_a_direct_answer_closes_a_hotline_case(road):
    road.registered(category_id=None, grid=None)
    refused = road.do("fang", "/answer", {"reply": "请拨打供电热线"}, expect=422)
    assert list(refused["errors"]) == ["category_id"]
    refused = road.do("fang", "/answer", {"reply": "请拨打供电热线", "category_id": road.heard["category_id"]}, expect=422)
    assert list(refused["errors"]) == ["grid"]
    body = {"reply": "请拨打供电热线", "category_id": road.heard["category_id"], "outside_grids": True}
    assert road.do("fang", "/answer", body)["state"] == "closed"
    assert road.see("fang")["outcome"] == "direct"


def test_a_rejection_needs_a_second_person(road):
    road.registered()
    words = {"kind": "reject", "reason_code": "no_facts", "reply": "请补充具体情况后再反映", "note": "电话里也说不清"}
    asked = road.do("fang", "/requests", words, expect=201)
    assert (asked["kind"], asked["state"]) == ("reject", "pending")
    assert road.do("fang", "/requests", words, expect=409)["code"] == "request_pending"
    decision = f"/requests/{asked['id']}/decision"
    assert road.do("fang", decision, {"approve": True}, expect=403)["code"] == "asker_may_not_decide"
    assert road.do("ding", decision, {"approve": True})["state"] == "rejected"
    (request,) = road.see("fang")["requests"]
    assert (request["state"], request["asked_by"], request["decided_by"]) == ("approved", "方晓", "丁岚")
    assert request["reason"] == "没有具体事实，且无法补充"


def test_a_redirection_names_its_channel_and_may_be_refused(road):
    road.accepted()
    words = {"kind": "redirect", "reason_code": "petition", "reply": "请到县信访局反映", "note": "属于信访"}
    assert list(road.do("fang", "/requests", words, expect=422)["errors"]) == ["redirect_to"]
    asked = road.do("fang", "/requests", words | {"redirect_to": "县信访局"}, expect=201)
    decision = f"/requests/{asked['id']}/decision"
    assert road.do("ma", decision, {"approve": False}, expect=422)["errors"] == {"note": ["请填写说明"]}
    assert road.do("ma", decision, {"approve": False, "note": "属于我们办理"})["state"] == "accepted"


def test_an_upstream_case_waits_for_upstreams_word(road):
    road.awaiting_callback(channel="upstream_12345", upstream_number="SZ20261123001")
    assert road.do("lu", "/callbacks", SATISFIED)["state"] == "awaiting_upstream"
    assert road.do("du", "/upstream-confirmation", {"note": "上级已审核"})["state"] == "closed"


def test_a_stale_version_is_refused_with_the_present_one(road):
    road.registered()
    assert road.see("fang")["version"] == 1
    road.do("fang", "/question", {"question": "哪一盏？", "version": 1})
    refused = road.do("ding", "/information", {"words": "第二盏", "version": 1}, expect=412)
    assert (refused["code"], refused["facts"]) == ("stale_version", {"version": 2, "state": "info_requested"})
    refused = road.do("ding", "/information", {"words": "第二盏"}, expect=412, match='"1"')
    assert refused["facts"]["version"] == 2
    road.do("ding", "/information", {"words": "第二盏", "version": 1}, match='"2"')  # the header stands before the field
    road.do("ding", "/acceptance", {"kind": "help"}, expect=422, match="yesterday")


def test_the_entity_tag_of_a_case_is_its_version(road):
    road.registered()
    assert road.desk("fang").get(f"/cases/{road.number}").headers["ETag"] == '"1"'


def test_an_action_illegal_in_the_present_state_names_the_state(road):
    road.registered()
    refused = road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局")}, expect=409)
    assert refused["code"] == "illegal_move"
    assert refused["facts"] == {"state": "submitted", "action": "dispatch"}
    assert refused["detail"] == "工单现在是“待受理”，不能进行“派单”"


@pytest.mark.parametrize(
    ("login", "path", "body"),
    [
        ("fang", "/dispatch", {"lead_unit": "990101D01"}),
        ("he", "/dispatch", {"lead_unit": "990101D01"}),
        ("he", "/acceptance", {"kind": "help", "category_id": 1, "outside_grids": True}),
        ("fang", "/review/pass", {}),
        ("du", "/callbacks", SATISFIED),
        ("lu", "/signature", {}),
    ],
)
def test_what_is_another_posts_job_is_refused(road, login, path, body):
    road.dispatched()
    assert road.do(login, path, body, expect=403)["code"] == "not_your_move"


def test_another_unit_cannot_handle_the_case(road):
    road.signed()
    assert road.desk("xu").get(f"/cases/{road.number}").status_code == 404
    road.do("xu", "/result", {"reply": "好", "note": "好", "solved": True}, expect=404)


def test_unknown_codes_are_named(road):
    road.registered(grid=None, category_id=None)
    body = {"kind": "help", "category_id": road.heard["category_id"], "grid": "000"}
    assert road.do("fang", "/acceptance", body, expect=422)["errors"] == {"grid": ["没有这个编号：000"]}
    assert list(road.do("fang", "/acceptance", body | {"grid": None}, expect=422)["errors"]) == ["grid"]
    assert list(road.do("fang", "/acceptance", body | {"category_id": 0, "grid": road.heard["grid"]}, expect=422)["errors"]) == [
        "category_id"
    ]
    road.do("fang", "/acceptance", body | {"grid": road.heard["grid"]})
    good = road.code("城市管理局")
    assert list(road.do("du", "/dispatch", {"lead_unit": "X"}, expect=422)["errors"]) == ["lead_unit"]
    assert list(road.do("du", "/dispatch", {"lead_unit": good, "assist_units": ["X"]}, expect=422)["errors"]) == ["assist_units"]
    assert list(road.do("du", "/dispatch", {"lead_unit": good, "assist_units": [good]}, expect=422)["errors"]) == ["assist_units"]
    county = road.code("云溪县")
    assert list(road.do("du", "/dispatch", {"lead_unit": county}, expect=422)["errors"]) == ["lead_unit"]


def test_a_move_sent_twice_moves_once(road):
    road.registered()
    key, body = str(uuid4()), {"words": "来电人补充"}
    fang = road.desk("fang")
    first = fang.post(f"/cases/{road.number}/supplement", body, key=key)
    again = fang.post(f"/cases/{road.number}/supplement", body, key=key)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert road.see("fang")["version"] == 2
    assert fang.post(f"/cases/{road.number}/supplement", body, key=None).status_code == 400


def test_a_residents_token_does_not_open_the_desk(client, road):
    road.registered()
    lin = DeskCaller(client, DESK, resident_caller(client, "lin").token)
    assert lin.get("/cases").json["code"] == "wrong_door"
    assert lin.get(f"/cases/{road.number}").status_code == 403
    assert lin.post(f"/cases/{road.number}/supplement", {"words": "我来补充"}).status_code == 403


class TestRecusal:
    """A case against the city management bureau (he is its handler, gao its head)."""

    @pytest.fixture
    def against(self, road):
        return road.accepted(against_unit=road.code("城市管理局"), kind="complaint")

    @pytest.mark.parametrize("login", ["he", "gao"])
    def test_they_never_see_it(self, against, login):
        caller = against.desk(login)
        assert caller.get("/cases").json["items"] == []
        assert caller.get(f"/cases/{against.number}").status_code == 404
        assert caller.get(f"/cases/{against.number}/entries").status_code == 404
        assert caller.post(f"/cases/{against.number}/dial").status_code == 404
        against.do(login, "/supplement", {"words": "我们没有错"}, expect=404)

    def test_it_is_not_dispatched_to_them_and_they_do_not_see_it_elsewhere(self, against):
        refused = against.do("du", "/dispatch", {"lead_unit": against.code("城市管理局")}, expect=403)
        assert refused["code"] == "unit_recused"
        against.do(
            "du", "/dispatch", {"lead_unit": against.code("水利局"), "assist_units": [against.code("城市管理局")]}, expect=403
        )
        against.do("du", "/dispatch", {"lead_unit": against.code("水利局")})
        against.do("shui", "/signature")
        assert against.desk("he").get(f"/cases/{against.number}").status_code == 404

    def test_a_case_against_a_person_is_hidden_from_that_person_alone(self, road):
        road.registered(against_staff="he")
        assert road.desk("he").get(f"/cases/{road.number}").status_code == 404
        assert road.see("fang")["state"] == "submitted"


def test_a_confidential_case_is_contacted_by_the_desk_alone(road):
    road.signed(confidential=True)
    assert road.do("he", "/contact", {"how": "phone", "note": "联系"}, expect=403)["code"] == "contact_by_desk"
    road.do("lu", "/contact", {"how": "phone", "note": "回访员代为联系"})
    assert "contact" not in [clock["clock"] for clock in road.see("lu")["clocks"]]


def test_the_contract_tells_of_key_and_version_beside_each_other(client):
    contract = client.get(f"{DESK}/openapi.json").json
    named = [each["name"] for each in contract["paths"][f"{DESK}/cases/{{number}}/acceptance"]["post"]["parameters"]]
    assert named == ["If-Match", "Idempotency-Key"]
