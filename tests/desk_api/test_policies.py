"""The county's rules through the desk door: who edits, who reads, what is said of a mistake."""

import pytest

LADDER = [{"level": 1, "on": "due", "tell": ["owner"]}]
DRAFT = {"code": "resolve-help", "clock": "resolve", "amount": 2, "unit": "working_day", "kind": "help", "ladder": LADDER}


def test_the_administrator_publishes_and_all_versions_are_told(desk):
    admin = desk("admin")
    answer = admin.post("/rules/policies", DRAFT | {"reason": "加快", "version": 1})
    assert (answer.status_code, answer.json["version"], answer.json["clock_label"]) == (201, 2, "办理时限")
    versions = desk("sun").get("/rules/policies", code="resolve-help", old=True).json["items"]
    assert [(row["version"], row["amount"]) for row in versions] == [(2, 2), (1, 5)]
    stale = admin.post("/rules/policies", DRAFT | {"reason": "再加快", "version": 1})
    assert (stale.status_code, stale.json["code"]) == (412, "policy_changed")
    (change,) = admin.get("/rules/changes", what="policy:").json["items"]
    assert (change["by"], change["reason"], change["before"]["amount"], change["after"]["amount"]) == ("管理员", "加快", 5, 2)


@pytest.mark.parametrize("login", ["he", "du", "sun"])
def test_others_do_not_edit(desk, login):
    assert desk(login).post("/rules/policies", DRAFT | {"reason": "加快", "version": 1}).status_code == 403
    assert desk(login).put("/rules/settings/rating_days", {"value": 20, "reason": "放宽"}).status_code == 403


def test_mistakes_name_their_field(desk):
    admin = desk("admin")
    wrong = admin.post("/rules/policies", DRAFT | {"reason": "加快", "version": 1, "ladder": [{"level": 1, "on": "sometime"}]})
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["ladder"])
    assert admin.post("/rules/policies", DRAFT | {"version": 1}).status_code == 422
    assert admin.put("/rules/settings/rating_days", {"value": -1, "reason": "试试"}).json["errors"] == {
        "value": ["应填大于 0 的整数"]
    }
    assert admin.put("/rules/settings/nonsense", {"value": 1, "reason": "试试"}).status_code == 404


def test_a_draft_is_tried_out_on_a_past_period(desk, road, clock):
    begin = clock().isoformat()
    road.dispatched()
    clock.advance(days=3)
    period = {"begin": begin, "end": clock().isoformat()}
    told = desk("sun").post("/rules/policies/dry-run", DRAFT | period | {"amount": 1}).json
    assert (told["total"], told["changed"]) == ({"clocks": 1, "late": 0, "would_be_late": 1}, 1)
    assert told["cases"][0]["number"] == road.number


def test_settings_and_categories_and_reasons_are_edited(desk, cast):
    admin = desk("admin")
    assert admin.put("/rules/settings/danger_words", {"value": ["漏电"], "reason": "本县用词"}).json["value"] == ["漏电"]
    names = {row["name"]: row for row in admin.get("/rules/settings").json["items"]}
    assert (names["danger_words"]["changed"], names["rating_days"]["changed"]) == (True, False)
    added = admin.post("/rules/categories", {"name": "共享单车", "reason": "新事物"})
    assert (added.status_code, added.json["path"]) == (201, "共享单车")
    urgent = admin.put(f"/rules/categories/{added.json['id']}", {"urgent": True, "reason": "试"})
    assert urgent.json["urgent"] is True
    reason = admin.put("/rules/reasons/flood", {"kind": "extend", "words": "汛期道路中断", "reason": "新增"})
    assert reason.json == {"code": "flood", "kind": "extend", "words": "汛期道路中断", "active": True}
