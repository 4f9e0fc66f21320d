"""The county's rules through the desk door: who edits, who reads, what is said of a mistake."""

from datetime import timedelta
from uuid import uuid4

import pytest

LADDER = [{"level": 1, "on": "due", "tell": ["owner"]}]
DRAFT = {"code": "resolve-help", "clock": "resolve", "amount": 2, "unit": "working_day", "kind": "help", "ladder": LADDER}
WRITES = [
    ("POST", "/rules/policies", DRAFT | {"reason": "加快", "version": 1}),
    ("POST", "/rules/policies/resolve-help/end", {"reason": "停用", "version": 1}),
    ("PUT", "/rules/settings", {"values": {"rating_days": 20}, "reason": "放宽"}),
    ("POST", "/rules/categories", {"name": "共享单车", "reason": "新事物"}),
    ("PATCH", "/rules/categories/1", {"name": "住建", "reason": "改名"}),
    ("PUT", "/rules/reasons/flood", {"kind": "extend", "words": "汛期断路", "reason": "新增"}),
    ("PUT", "/rules/calendar/days/2026-11-25", {"kind": "restday", "source": "县政府办〔2026〕12号"}),
    ("PUT", "/rules/hours", {"purpose": "duty", "seasons": [], "reason": "按全县"}),
]
READS = ["/rules/policies", "/rules/policies/resolve", "/rules/changes", "/rules/settings", "/rules/categories", "/rules/reasons",
         "/rules/calendar/2026", "/rules/hours"]  # fmt: skip


def call(caller, method, path, body):
    if method == "POST":
        return caller.post(path, body)
    return caller.client.open(caller.door + path, method=method, json=body, headers=caller._headers())


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_the_administrator_writes_and_nobody_else(desk, method, path, body):
    for login in ("sun", "yan", "du", "he"):
        answer = call(desk(login), method, path, body)
        assert (answer.status_code, answer.json["code"]) == (403, "rules_are_the_administrators"), login
    assert call(desk("admin"), method, path, body).status_code in (200, 201)


@pytest.mark.parametrize("path", READS)
def test_administrators_supervisors_and_leaders_read(desk, path):
    for login in ("admin", "sun", "yan"):
        assert desk(login).get(path).status_code == 200, login
    for login in ("he", "du", "fang"):
        assert desk(login).get(path).status_code == 403, login


def test_the_administrator_publishes_and_all_versions_are_told(desk, clock):
    admin = desk("admin")
    answer = admin.post("/rules/policies", DRAFT | {"reason": "加快", "version": 1})
    assert (answer.status_code, answer.json["version"], answer.json["clock_label"]) == (201, 2, "办理时限")
    shown = desk("sun").get("/rules/policies/resolve-help").json
    assert [(row["version"], row["amount"], row["state_label"], row["published_by"]) for row in shown["versions"]] == [
        (2, 2, "现行", "管理员"), (1, 5, "已被替代", None),
    ]  # fmt: skip
    assert shown["versions"][0]["ladder"] == [{"level": 1, "on": "due", "tell": ["owner"], "after": None, "does": []}]
    stale = admin.post("/rules/policies", DRAFT | {"reason": "再加快", "version": 1})
    assert (stale.status_code, stale.json["code"], stale.json["facts"]) == (412, "policy_changed", {"version": 2})
    later = (clock() + timedelta(days=7)).isoformat()
    coming = admin.post("/rules/policies", DRAFT | {"amount": 3, "reason": "下周起", "version": 2, "effective_from": later})
    assert [row["state"] for row in coming.json["versions"]] == ["coming", "in_force", "past"]
    changes = admin.get("/rules/changes", rule="policy", key="resolve-help").json["items"]
    assert [(c["by"], c["reason"], c["rule_label"]) for c in changes] == [
        ("管理员", "下周起", "时限规则"), ("管理员", "加快", "时限规则"),
    ]  # fmt: skip


def test_a_version_that_was_read_can_be_sent_back_changed(desk):
    admin = desk("admin")
    shown = admin.get("/rules/policies/resolve-complaint").json
    now = shown["versions"][0]
    body = {name: shown[name] for name in ("code", "clock", "urgent", "category_id", "kind")}
    body |= {name: now[name] for name in ("unit", "hours", "ladder")} | {"amount": now["amount"] - 1}
    answer = admin.post("/rules/policies", body | {"reason": "缩短一天", "version": shown["version"]})
    assert answer.status_code == 201, answer.text
    assert answer.json["versions"][0]["ladder"] == now["ladder"]
    assert now["ladder"][2]["does"] == ["draft_urging"]


def test_a_replay_publishes_once(desk):
    key, body = str(uuid4()), DRAFT | {"reason": "加快", "version": 1}
    first = desk("admin").post("/rules/policies", body, key=key)
    again = desk("admin").post("/rules/policies", body, key=key)
    assert (first.status_code, first.json) == (201, again.json)
    assert len(desk("admin").get("/rules/changes").json["items"]) == 1


def test_mistakes_name_their_field(desk):
    admin = desk("admin")
    base = DRAFT | {"reason": "加快", "version": 1}
    for wrong, field in (
        ({"ladder": [{"level": 1, "on": "sometime"}]}, "ladder.0.on"),
        ({"ladder": [{"level": 1, "on": "due", "tell": ["nobody"]}]}, "ladder.0.tell.0"),
        ({"ladder": [{"level": 1, "on": "after", "tell": ["owner"]}]}, "ladder"),
        ({"code": "Resolve Help"}, "code"),
        ({"amount": 0}, "amount"),
        ({"kind": "complaint"}, "code"),
        ({"reason": " "}, "reason"),
        ({"effective_from": "2026-11-01T00:00:00+08:00"}, "effective_from"),
    ):
        answer = admin.post("/rules/policies", base | wrong)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field]), answer.text
    assert admin.post("/rules/policies", base | {"amount": 9999}).json["code"] == "wrong_term"
    assert admin.get("/rules/policies/nonsense").status_code == 404
    assert admin.post("/rules/policies/resolve/end", {"reason": "不要了", "version": 1}).json["code"] == "last_default"


def test_a_draft_is_tried_out_on_a_past_period(desk, road, clock):
    begin = clock().isoformat()
    road.dispatched()
    clock.advance(days=3)
    body = DRAFT | {"begin": begin, "end": clock().isoformat(), "amount": 1}
    told = desk("sun").post("/rules/policies/dry-run", body, key=None).json
    assert told["total"] == {
        "clocks": 1, "kept": 0, "late": 0, "would_be_late": 1, "newly_late": 1, "no_longer_late": 0,
    }  # fmt: skip
    assert [(unit["unit"], unit["name"], unit["newly_late"]) for unit in told["units"]] == [
        (road.code("城市管理局"), "城市管理局", 1)
    ]
    page = desk("admin").post("/rules/policies/dry-run/cases", body | {"limit": 1}, key=None).json
    assert [(case["number"], case["unit"], case["late"], case["would_be_late"]) for case in page["items"]] == [
        (road.number, "城市管理局", False, True)
    ]
    assert page["next_cursor"] is None
    assert "title" not in page["items"][0]
    for path in ("/rules/policies/dry-run", "/rules/policies/dry-run/cases"):
        assert desk("he").post(path, body, key=None).status_code == 403
    assert desk("sun").post("/rules/policies/dry-run", body | {"end": begin}, key=None).json["errors"].keys() == {"end"}
    assert desk("sun").get("/rules/changes").json["items"] == []


def test_settings_are_set_together_and_seen(desk):
    admin = desk("admin")
    put = {"values": {"danger_words": ["漏电"], "rating_days": 20}, "versions": {"rating_days": 0}, "reason": "本县情况"}
    answer = call(admin, "PUT", "/rules/settings", put)
    assert {row["name"]: (row["value"], row["version"]) for row in answer.json} == {
        "danger_words": (["漏电"], 1), "rating_days": (20, 1),
    }  # fmt: skip
    names = {row["name"]: row for row in desk("sun").get("/rules/settings").json}
    assert (names["danger_words"]["label"], names["danger_words"]["changed"], names["reopen_days"]["changed"]) == (
        "危险词", True, False,
    )  # fmt: skip
    assert call(admin, "PUT", "/rules/settings", put).status_code == 412
    wrong = call(admin, "PUT", "/rules/settings", {"values": {"rating_days": -1}, "reason": "试试"})
    assert wrong.json["errors"] == {"rating_days": ["应填整数，不能是负数"]}
    assert call(admin, "PUT", "/rules/settings", {"values": {"nonsense": 1}, "reason": "试试"}).status_code == 404
    back = call(admin, "PUT", "/rules/settings", {"values": {"rating_days": None}, "reason": "恢复"})
    assert (back.json[0]["value"], back.json[0]["changed"]) == (15, False)


def test_categories_and_reasons(desk, cast):
    admin = desk("admin")
    upper = cast.categories["市政管理"]
    added = admin.post("/rules/categories", {"name": "共享单车", "parent_id": upper, "urgent": True, "reason": "新事物"})
    assert (added.status_code, added.json["path"], added.json["urgent"]) == (201, "城乡建设/市政管理/共享单车", True)
    path = f"/rules/categories/{added.json['id']}"
    root = call(admin, "PATCH", path, {"parent_id": None, "verify_by": "look", "reason": "单列", "version": 1}).json
    assert (root["path"], root["verify_by"], root["version"]) == ("共享单车", "look", 2)
    assert call(admin, "PATCH", path, {"name": "电动车", "reason": "改名", "version": 1}).json["code"] == "rule_changed"
    assert call(admin, "PATCH", "/rules/categories/999999", {"name": "甲", "reason": "改名"}).status_code == 404
    assert call(admin, "PATCH", path, {"name": "甲/乙", "reason": "改名"}).json["errors"].keys() == {"name"}
    off = call(admin, "PATCH", path, {"active": False, "reason": "停用"}).json
    assert off["active"] is False
    shown = {row["path"]: row["active"] for row in admin.get("/rules/categories", limit=200).json["items"]}
    assert shown["共享单车"] is False
    assert "共享单车" not in [row["path"] for row in admin.get("/categories", limit=200).json["items"]]
    reason = call(admin, "PUT", "/rules/reasons/flood", {"kind": "extend", "words": "汛期道路中断", "reason": "新增"})
    assert reason.json == {
        "code": "flood", "kind": "extend", "kind_label": "延期", "words": "汛期道路中断", "active": True, "version": 1,
    }  # fmt: skip
    assert "flood" in [row["code"] for row in admin.get("/reasons", kind="extend").json["items"]]


def test_days_and_hours(desk, cast):
    admin = desk("admin")
    day = call(admin, "PUT", "/rules/calendar/days/2026-11-25", {"kind": "restday", "source": "县政府办〔2026〕12号"})
    assert day.json == {"date": "2026-11-25", "kind": "restday", "source": "县政府办〔2026〕12号", "note": ""}
    assert day.json in admin.get("/rules/calendar/2026").json["days"]
    assert call(admin, "PUT", "/rules/calendar/days/someday", {"kind": "restday", "source": "县里"}).status_code == 422
    season = {"first": "05-01", "last": "09-30", "spans": [["08:00", "12:00"], ["15:00", "18:00"]]}
    hours = {"purpose": "work", "unit": cast.units["城市管理局"].code, "seasons": [season], "reason": "夏季作息"}
    assert call(admin, "PUT", "/rules/hours", hours).json["seasons"] == [season]
    work, _ = admin.get("/rules/hours", unit=hours["unit"]).json
    assert work["seasons"] == [season]
    for wrong in ({"first": "13-01"}, {"first": "02-31"}, {"spans": [["8:00", "12:00"]]}, {"spans": [["12:00", "08:00"]]}):
        assert call(admin, "PUT", "/rules/hours", hours | {"seasons": [season | wrong]}).status_code == 422
