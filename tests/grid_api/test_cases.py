"""Cases at the grid door: those of one's grids and filings, replies without notes or identity, answered on the spot."""

import pytest

from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Outcome, State
from tests.counting import statements


@pytest.fixture
def lins(lin, cast):
    """Lin's report in Zhou's grid: its number."""
    body = {"body": "路口的路灯坏了三天了。", "grid": cast.grids["柳林村一网格"].code, "category_id": cast.categories["路灯照明"]}
    return lin.post("/reports", body).json["number"]


def test_zhou_sees_the_cases_of_the_own_grid_and_zhao_does_not(zhou, zhao, wu, lins):
    assert [case["number"] for case in zhou.get("/cases").json["items"]] == [lins]
    assert [case["number"] for case in wu.get("/cases").json["items"]] == [lins]
    assert zhao.get("/cases").json["items"] == []
    assert zhao.get(f"/cases/{lins}").status_code == 404
    assert zhao.post(f"/cases/{lins}/supplements", {"words": "x"}).status_code == 404
    assert zhao.post(f"/cases/{lins}/answer", {"reply": "x"}).status_code == 404


def test_a_case_is_shown_without_notes_and_without_who_it_is(zhou, lins, backstage):
    backstage.handle(lins)
    told = zhou.get(f"/cases/{lins}")
    assert told.json["reports"][0]["body"] == "路口的路灯坏了三天了。"
    assert "路灯已修好。" in told.text
    assert not [word for word in ("内部", "林秀英", "林**", "13800000001") if word in told.text]


def test_a_confidential_case_is_not_in_the_grids_list(lin, zhou, wu, cast):
    body = {"body": "有人夜里偷倒垃圾。", "grid": cast.grids["柳林村一网格"].code, "kind": "tip_off"}
    number = lin.post("/reports", body).json["number"]
    for who in (zhou, wu):
        assert who.get("/cases").json["items"] == []
        assert who.get(f"/cases/{number}").status_code == 404


def test_a_case_against_the_village_is_kept_from_it(lin, zhou, wu, cast):
    body = {"body": "村里公示不及时。", "grid": cast.grids["柳林村一网格"].code, "against_unit": cast.units["柳林村"].code}
    number = lin.post("/reports", body).json["number"]
    for who in (zhou, wu):
        assert who.get("/cases").json["items"] == []
        assert who.get(f"/cases/{number}").status_code == 404


def test_zhou_answers_on_the_spot_and_the_person_is_asked_for_a_word(lin, zhou, lins, backstage):
    answer = zhou.post(f"/cases/{lins}/answer", {"reply": "灯泡已当场换好。", "version": 1})
    assert (answer.status_code, answer.json["state"]) == (201, "awaiting_callback")
    assert backstage.case(lins).outcome is Outcome.ON_THE_SPOT
    line = lin.get(f"/cases/{lins}").json["timeline"][-1]
    assert (line["who"], line["words"]) == ("网格员", "灯泡已当场换好。")
    again = zhou.post(f"/cases/{lins}/answer", {"reply": "再答一次"})
    assert (again.status_code, again.json["code"], again.json["facts"]["state"]) == (409, "illegal_move", "awaiting_callback")
    assert verify_ledger().breaks == []


def test_an_answer_settles_category_and_grid_where_they_are_missing(zhou, visit, cast):
    bare = visit | {"needs": [{"body": "路灯坏了。"}]}
    number = zhou.post("/visits", bare).json["needs"][0]["number"]
    missing = zhou.post(f"/cases/{number}/answer", {"reply": "已修"})
    assert (missing.status_code, list(missing.json["errors"])) == (422, ["category_id"])
    unknown = zhou.post(f"/cases/{number}/answer", {"reply": "已修", "category_id": cast.categories["路灯照明"], "grid": "0"})
    assert (unknown.status_code, list(unknown.json["errors"])) == (422, ["grid"])
    done = zhou.post(f"/cases/{number}/answer", {"reply": "已修", "category_id": cast.categories["路灯照明"]})
    assert (done.status_code, done.json["state"]) == (201, "closed")


def test_a_cadre_sees_but_does_not_answer(wu, lins):
    answer = wu.post(f"/cases/{lins}/answer", {"reply": "好的"})
    assert (answer.status_code, answer.json["code"]) == (403, "not_your_move")


def test_the_filer_adds_and_supplies_what_is_asked(wu, filing, backstage):
    number = wu.post("/filings", filing).json["number"]
    assert wu.post(f"/cases/{number}/supplements", {"words": "附上存折信息。"}).status_code == 201
    backstage.ask(number, "请问是哪家银行？")
    assert wu.get(f"/cases/{number}").json["question"] == "请问是哪家银行？"
    assert wu.post(f"/cases/{number}/information", {"words": "信用社。"}).json["state"] == "submitted"
    own = [line["words"] for line in wu.get(f"/cases/{number}").json["timeline"] if line["who"] == "您"]
    assert own[1:] == ["附上存折信息。", "信用社。"]


def test_an_answer_needs_words_and_the_version_that_was_seen(zhou, lins):
    assert list(zhou.post(f"/cases/{lins}/answer", {"reply": "  "}).json["errors"]) == ["reply"]
    stale = zhou.post(f"/cases/{lins}/answer", {"reply": "好了", "version": 9})
    assert (stale.status_code, stale.json["code"], stale.json["facts"]["version"]) == (412, "stale_version", 1)


def test_lists_and_details_cost_the_same_however_many_there_are(lin, zhou, lins, cast):
    def cost(path):
        zhou.get(path)
        with statements() as sent:
            assert zhou.get(path).status_code == 200
        return len(sent)

    listed, shown = cost("/cases"), cost(f"/cases/{lins}")
    for place in range(6):
        lin.post("/reports", {"body": f"第 {place} 盏路灯坏了。", "grid": cast.grids["柳林村一网格"].code})
        zhou.post(f"/cases/{lins}/supplements", {"words": f"第 {place} 次去看，还没有修。"})
    assert len(zhou.get("/cases", state=State.SUBMITTED.value).json["items"]) == 7
    assert cost("/cases") == listed <= 6
    assert cost(f"/cases/{lins}") == shown <= 9


def test_the_list_follows_the_order_of_registration_page_by_page(session, lin, zhou, lins, cast, clock):
    """By id, as the work queue: a moment has no index to walk along."""
    body = {"body": "沟渠堵了。", "grid": cast.grids["柳林村一网格"].code}
    clock.advance(minutes=-5)
    later = [lin.post("/reports", body).json["number"] for _ in range(2)]
    first = zhou.get("/cases", limit=2).json
    rest = zhou.get("/cases", limit=2, cursor=first["next_cursor"]).json
    assert [case["number"] for case in first["items"] + rest["items"]] == [*later[::-1], lins]
    assert rest["next_cursor"] is None
