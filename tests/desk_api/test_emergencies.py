"""Danger to life and upstream orders at the desk."""

from datetime import datetime, timedelta


def test_the_operator_hands_over_while_registering(road):
    road.registered(emergency="119", emergency_note="三方通话，消防已出动")
    seen = road.see("fang")
    assert (seen["awaiting_rescue"], seen["urgency"]) == (True, "urgent")
    refused = road.do("fang", "/answer", {"reply": "已通知消防", "outside_grids": True}, expect=409)
    assert refused["code"] == "rescue_awaited"
    assert "confirm_arrival" in seen["actions"]
    road.do("ding", "/arrival", {"note": "消防到场，险情排除"})
    seen = road.see("fang")
    assert not seen["awaiting_rescue"]
    assert "confirm_arrival" not in seen["actions"]
    assert road.do("fang", "/answer", {"reply": "险情已排除", "outside_grids": True})["state"] == "closed"


def test_a_case_under_way_is_handed_over(road, desk):
    road.signed()
    assert road.do("he", "/emergency", {"service": "120", "note": "有人受伤"}, expect=403)["code"] == "not_your_move"
    assert list(road.do("fang", "/emergency", {"service": "114", "note": "查号"}, expect=422)["errors"]) == ["service"]
    road.do("lu", "/emergency", {"service": "120", "note": "有人受伤，120 已派车"})
    road.do("lu", "/emergency", {"service": "110", "note": "现场混乱，110 出警"})
    assert road.see("fang")["rescue_awaited"] == ["120", "110"]
    assert road.do("fang", "/arrival", {"note": "到了"}, expect=422)["code"] == "which_rescue"
    road.do("fang", "/arrival", {"note": "民警到场", "service": "110"})
    assert [row["number"] for row in desk("fang").get("/cases", awaiting_rescue=True).json["items"]] == [road.number]
    assert road.do("fang", "/arrival", {"note": "到了"})["state"] == "in_progress"
    assert road.do("fang", "/arrival", {"note": "到了"}, expect=409)["code"] == "no_rescue_awaited"
    assert desk("fang").get("/cases", awaiting_rescue=True).json["items"] == []


def test_a_group_and_a_minor_are_registered_with_who_speaks_for_them(road, desk, heard):
    body = {"group_size": 8, "representatives": [{"name": "赵一", "phone": "138 0000 0011"}]}
    road.registered(**body, minor=True, guardian={"name": "王大山"})
    (report,) = road.see("fang")["reports"]
    assert (report["group_size"], report["minor"]) == (8, True)
    assert report["representatives"] == [{"name": "赵*", "phone": "138****0011"}]
    assert report["guardian"]["name"] == "王**"
    refused = desk("fang").post("/registrations", heard | {"group_size": 8, "minor": True})
    assert (refused.status_code, set(refused.json["errors"])) == (422, {"representatives", "guardian"})


def test_who_may_not_know_the_person_does_not_know_who_stands_beside(road):
    body = {"group_size": 8, "representatives": [{"name": "赵一"}], "confidential": True}
    road.signed(**body)
    (report,) = road.see("he")["reports"]
    assert (report["representatives"], report["group_size"]) == ([], 8)


def test_an_upstream_order_keeps_upstreams_moments_and_comes_back_for_triage(road):
    due = (road.clock() + timedelta(days=2)).isoformat()
    road.awaiting_callback(channel="upstream_12345", upstream_number="SZ-7", due_by=due)
    assert "upstream_due" in {clock["clock"] for clock in road.see("fang")["clocks"]}
    happy = {"contacted": True, "solved": True, "satisfaction": "satisfied"}
    assert road.do("lu", "/callbacks", happy)["state"] == "awaiting_upstream"
    unhappy = {"contacted": True, "solved": False, "satisfaction": "dissatisfied"}
    assert list(road.do("fang", "/upstream-callback", unhappy, expect=422)["errors"]) == ["note"]
    road.do("he", "/upstream-callback", unhappy | {"note": "不满意"}, expect=403)
    moved = road.do("fang", "/upstream-callback", unhappy | {"note": "市里回访不满意"})
    assert moved["state"] == "awaiting_callback"
    assert [callback["by"] for callback in road.see("fang")["callbacks"]] == ["agent", "upstream"]


def test_upstream_sets_another_moment(road):
    due = road.clock() + timedelta(days=2)
    road.dispatched(channel="upstream_12345", upstream_number="SZ-9", due_by=due.isoformat())
    assert "adjust_clock" in road.see("du")["actions"]
    later = (due + timedelta(days=3)).isoformat()
    assert list(road.do("du", "/upstream-moments", {"due_by": later}, expect=422)["errors"]) == ["note"]
    moved = road.do("du", "/upstream-moments", {"due_by": later, "note": "市平台同意延期"})
    assert moved["state"] == "dispatched"
    (clock,) = [clock for clock in road.see("du")["clocks"] if clock["clock"] == "upstream_due"]
    assert datetime.fromisoformat(clock["due_at"]) == due + timedelta(days=3)
    refused = road.do("he", "/upstream-moments", {"due_by": later, "note": "再延"}, expect=403)
    assert refused["code"] == "not_your_move"


def test_what_goes_back_upstream_is_listed_until_it_is_signed(road, desk):
    road.accepted(channel="upstream_12345", upstream_number="SZ-8")
    words = {"reason_code": "other_county", "reply": "事发地在邻县，已退回上级平台转办。"}
    asked = road.do("fang", "/upstream-return", words, expect=201)
    assert asked["kind"] == "redirect"
    assert road.do("ding", f"/requests/{asked['id']}/decision", {"approve": True})["state"] == "redirected"
    (row,) = desk("fang").get("/upstream-returns").json["items"]
    assert (row["number"], row["upstream_number"]) == (road.number, "SZ-8")
    assert "confirm_upstream" in road.see("fang")["actions"]
    road.do("fang", "/upstream-signature", {"note": "市平台已签收"})
    assert desk("fang").get("/upstream-returns").json["items"] == []
    assert "confirm_upstream" not in road.see("fang")["actions"]
    assert road.do("fang", "/upstream-signature", {"note": "再签"}, expect=409)["code"] == "nothing_sent_back"
