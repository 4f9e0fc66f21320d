"""The person's word at the desk: whom to call, who is dissatisfied, and what a supervisor or dispatcher makes of it."""

from tests.desk_api.test_moves import DISSATISFIED, SATISFIED

REWORK = {"verdict": "rework", "note": "请再查线路"}


def test_the_agent_reads_tasks_calls_and_the_task_is_gone(road):
    road.awaiting_callback()
    (task,) = road.desk("lu").get("/callbacks").json["items"]
    assert (task["number"], task["waiting"], task["attempts"], task["unit_solved"]) == (road.number, 1, 0, True)
    assert task["due_at"] == "2026-11-26T17:30:00+08:00"
    road.do("lu", "/callback-attempts", {"note": "无人接听"})
    (task,) = road.desk("lu").get("/callbacks").json["items"]
    assert (task["attempts"], task["next_at"]) == (1, "2026-11-23T12:42:00+08:00")
    seen = road.desk("lu").get(f"/cases/{road.number}/callees").json
    (callee,) = seen["callees"]
    assert (callee["state"], callee["state_label"], callee["attempts"]) == ("waiting", "待回访", 1)
    assert callee["person"]["phone"] == "138****1234"
    road.do("lu", "/callbacks", SATISFIED | {"report_id": callee["report_id"], "note": "满意"})
    assert road.desk("lu").get("/callbacks").json == {"items": [], "next_cursor": None}
    shown = road.see("lu")
    assert (shown["unit_solved"], shown["person_solved"], shown["upstream_solved"]) == (True, True, None)
    assert [(one["report_id"], one["round"]) for one in shown["callbacks"]] == [(callee["report_id"], 1)] * 2


def test_the_tasks_are_the_agents_and_whom_to_call_is_nobodys_business_elsewhere(road):
    road.awaiting_callback()
    assert road.desk("fang").get("/callbacks").json["code"] == "calls_are_the_agents"
    assert road.desk("xu").get(f"/cases/{road.number}/callees").status_code == 404
    assert road.do("lu", "/callbacks", SATISFIED | {"report_id": 999_999}, expect=422)["errors"].keys() == {"report_id"}


def test_a_confidential_case_shows_its_unit_nobody(road):
    road.signed(confidential=True)
    road.do("lu", "/contact", {"how": "phone", "note": "回访员代为联系"})
    road.do("he", "/result", {"reply": "好了", "note": "好了", "solved": True})
    road.do("qin", "/review/pass")
    (callee,) = road.desk("he").get(f"/cases/{road.number}/callees").json["callees"]
    assert callee["person"] is None
    (callee,) = road.desk("lu").get(f"/cases/{road.number}/callees").json["callees"]
    assert callee["person"]["name"] == "王**"


def test_a_dissatisfied_case_is_listed_triaged_and_both_results_stay_readable(road):
    road.awaiting_callback()
    road.do("lu", "/callbacks", DISSATISFIED | {"note": "灯还是不亮"})
    assert road.do("lu", "/callback-attempts", {}, expect=409)["code"] == "triage_waiting"
    (row,) = road.desk("sun").get("/triage").json["items"]
    assert (row["number"], row["unit"], row["reworks"]) == (road.number, "城市管理局", 0)
    assert [(said["satisfaction_label"], said["words"]) for said in row["said"]] == [("不满意", "灯还是不亮")]
    assert road.desk("lu").get("/triage").json["code"] == "lists_are_the_supervisors"
    assert road.do("lu", "/triage", REWORK, expect=403)["code"] == "not_your_move"
    assert road.do("sun", "/triage", REWORK, expect=412, match='"1"')["code"] == "stale_version"
    assert list(road.do("sun", "/triage", {"verdict": "rework"}, expect=422)["errors"]) == ["note"]
    moved = road.do("sun", "/triage", REWORK)
    assert (moved["state"], moved["round"]) == ("in_progress", 2)
    assert road.do("sun", "/triage", REWORK, expect=409)["code"] == "illegal_move"
    assert road.desk("sun").get("/triage").json["items"] == []
    road.do("he", "/result", {"reply": "换了整根线。", "note": "换线", "solved": True})
    results = road.see("qin")["results"]
    assert [(one["round"], one["reply"], one["passed"]) for one in results] == [
        (1, "路灯已修好。", True),
        (2, "换了整根线。", None),
    ]


def test_a_dispatcher_reopens_and_a_supervisor_settles(road):
    road.awaiting_callback()
    road.do("lu", "/callbacks", SATISFIED)
    assert "reopen" in road.see("du")["actions"]
    assert "reopen" not in road.see("fang")["actions"]
    assert road.do("fang", "/reopening", {"words": "又坏了"}, expect=403)["code"] == "not_your_move"
    moved = road.do("du", "/reopening", {"words": "群众来电说又坏了"})
    assert (moved["state"], moved["round"]) == ("accepted", 2)
    seen = road.see("du")
    assert (seen["reopenings"], seen["lead_unit"], seen["closed_at"]) == (1, None, None)
    road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局")})
    road.do("he", "/signature")
    road.do("he", "/contact", {"how": "phone", "note": "联系"})
    road.do("he", "/result", {"reply": "电缆已更换。", "note": "换电缆", "solved": True})
    road.do("qin", "/review/pass")
    road.do("lu", "/callbacks", SATISFIED)
    words = {"reply": "已两次答复，没有新情况不再受理。", "note": "两轮都核验过"}
    assert road.do("du", "/settlement", words, expect=403)["code"] == "not_your_move"
    assert "mark_settled" in road.see("sun")["actions"]
    road.do("sun", "/settlement", words)
    assert road.see("sun")["settled"] is True
    assert "mark_settled" not in road.see("sun")["actions"]


def test_an_unsettled_matter_needs_two_answers(road):
    road.awaiting_callback()
    road.do("lu", "/callbacks", SATISFIED)
    assert "mark_settled" not in road.see("sun")["actions"]
    words = {"reply": "不再受理。", "note": "一次"}
    assert road.do("sun", "/settlement", words, expect=409)["code"] == "not_answered_often_enough"
