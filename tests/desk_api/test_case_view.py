"""One case as staff see it: masked persons, who does what, what may be done now, and the timeline in pages."""

import pytest

from app.ledger.commands import accept_case, supplement
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.vocabulary import Channel, Kind
from tests.counting import statements
from tests.ledger.intake.test_intake import lins_report


def actions(road, login: str) -> set[str]:
    return set(road.see(login)["actions"])


def test_the_person_is_masked(road):
    seen = road.registered(id_number="110101199003077758").see("fang")
    (report,) = seen["reports"]
    assert report["person"] == {"name": "王**", "phone": "138****1234", "id_number": "1101**********7758"}
    assert (report["channel_label"], report["filed_by"], report["body"]) == ("热线", "方晓", road.heard["body"])
    assert seen["identity_hidden"] is False
    assert "13800001234" not in str(seen)
    assert "王桂花" not in str(seen)


def test_a_confidential_person_is_hidden_from_the_handling_unit_even_masked(road):
    road.signed(confidential=True)
    handling = road.see("he")
    assert handling["identity_hidden"] is True
    assert [report["person"] for report in handling["reports"]] == [None]
    assert "138" not in str([report["person"] for report in handling["reports"]])
    assert "王" not in str(handling)
    assert road.see("lu")["reports"][0]["person"]["phone"] == "138****1234"


def test_who_filed_a_confidential_matter_for_a_neighbour_is_hidden_too(road, cast, as_staff):
    wu, zheng = as_staff("wu"), cast.residents["zheng"].id
    said = Submission(
        channel=Channel.PROXY,
        body="有人倒卖救济粮",
        kind=Kind.TIP_OFF,
        filer_staff_id=wu.actor.id,
        concerned_id=zheng,
        consent_id=1,
    )
    road.number = take_in(wu, said).number
    road.do("fang", "/acceptance", {"kind": "tip_off", "category_id": road.heard["category_id"], "outside_grids": True})
    road.do("du", "/dispatch", {"lead_unit": road.code("民政局")})
    assert "吴村" in str(road.see("fang"))
    seen = road.see("min")
    assert "吴村" not in str(seen)
    assert "柳林村" not in str(seen["timeline"])


def test_nobody_is_shown_behind_an_anonymous_report(road):
    seen = road.registered(name=None, phone=None, anonymous=True).see("fang")
    assert (seen["anonymous"], seen["identity_hidden"], seen["may_dial"]) == (True, True, False)
    assert (seen["reports"][0]["person"], seen["reports"][0]["filed_by"]) == (None, None)


def test_assignments_and_clocks_are_shown(road):
    seen = road.signed(assists=("水利局",)).see("du")
    lead, assist = seen["assignments"]
    assert (lead["duty_label"], lead["unit"]["name"], lead["handler"], lead["signed_at"] is not None) == (
        "主办",
        "城市管理局",
        "何城",
        True,
    )
    assert (assist["duty_label"], assist["unit"]["name"], assist["handler"]) == ("协办", "水利局", None)
    clocks = [(clock["clock"], clock["owner_unit"], clock["light"], clock["paused"]) for clock in seen["clocks"]]
    assert clocks[0] == ("sign", "水利局", "red", False)  # twenty minutes have passed
    assert {clock for clock, *_ in clocks} == {"sign", "contact", "resolve", "overall"}
    assert (seen["light"], seen["due_clock"]) == ("red", "sign")


def test_a_clock_that_stands_still_says_so(road):
    road.registered()
    road.do("fang", "/question", {"question": "哪一盏？"})
    paused = {clock["clock"]: clock["paused"] for clock in road.see("fang")["clocks"]}
    assert paused == {"accept": True, "overall": True, "info": False}
    assert road.see("fang")["due_clock"] == "info"


PRESS = {"urge", "order_supervision"}
RESCUE = {"hand_to_emergency"}
LEADS = {"ask_return", "ask_reassign"}
LEADS_SIGNED = LEADS | {"ask_support", "ask_extend", "ask_suspend", "ask_terminate", "ask_exclude", "ask_reject", "ask_redirect"}


def test_what_may_be_done_depends_on_who_looks_and_when(road):
    road.registered()
    desk = {"accept", "answer", "ask_info", "ask_redirect", "supplement", "ask_void", "urge", "link_recurrence"} | RESCUE
    assert actions(road, "fang") == desk | {"ask_reject", "ask_withdraw"}
    assert actions(road, "sun") == PRESS | RESCUE
    asked = road.do(
        "fang", "/requests", {"kind": "reject", "reason_code": "no_facts", "reply": "请补充", "note": "说不清"}, expect=201
    )
    assert actions(road, "fang") == desk | {"withdraw_request", "ask_withdraw"}
    assert {"reject", "refuse_request"} <= actions(road, "ding")
    assert actions(road, "sun") == {"reject", "refuse_request"} | PRESS | RESCUE
    road.do("sun", f"/requests/{asked['id']}/decision", {"approve": False, "note": "可以受理"})
    body = {"kind": "help", "category_id": road.heard["category_id"], "grid": road.heard["grid"]}
    road.do("fang", "/acceptance", body)
    assert "dispatch" in actions(road, "du")
    assert "dispatch" not in actions(road, "fang")
    road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局"), "assist_units": [road.code("水利局")]})
    assert (actions(road, "he"), actions(road, "shui")) == (
        {"sign", "ask_support", "ask_exclude"} | LEADS,
        {"sign_assist", "ask_return", "ask_exclude"},
    )
    road.do("he", "/signature")
    assert actions(road, "he") == {"contact", "submit_result"} | LEADS_SIGNED
    road.do("shui", "/signature")
    assert actions(road, "shui") == {"submit_assist", "ask_return", "ask_exclude"}
    road.do("shui", "/assist-result", {"note": "好了"})
    assert actions(road, "shui") == {"ask_exclude"}
    road.do("he", "/contact", {"how": "phone", "note": "联系"})
    road.do("he", "/result", {"reply": "好了", "note": "好了", "solved": True})
    assert actions(road, "qin") == {"pass", "send_back"}
    assert actions(road, "he") == {"ask_exclude"}
    road.do("qin", "/review/pass")
    assert {"attempt_callback", "record_callback"} <= actions(road, "lu")


def test_what_is_offered_can_be_done(road):
    place = {"kind": "help", "category_id": road.heard["category_id"], "grid": road.heard["grid"]}
    road.registered()
    for login, action, path, body in (
        ("fang", "ask_info", "/question", {"question": "哪一盏？"}),
        ("fang", "supply_info", "/information", {"words": "第二盏"}),
        ("fang", "accept", "/acceptance", place),
        ("du", "dispatch", "/dispatch", {"lead_unit": road.code("城市管理局")}),
        ("he", "sign", "/signature", {}),
        ("he", "contact", "/contact", {"how": "phone", "note": "联系"}),
        ("he", "submit_result", "/result", {"reply": "好了", "note": "好了", "solved": True}),
        ("qin", "pass", "/review/pass", {}),
        ("lu", "record_callback", "/callbacks", {"contacted": True, "solved": True, "satisfaction": "satisfied"}),
    ):
        assert action in actions(road, login)
        road.do(login, path, body)
    assert road.see("fang")["state"] == "closed"


def test_a_confidential_case_offers_contact_to_the_call_back_agent_alone(road):
    road.signed(confidential=True)
    assert "contact" not in actions(road, "he")
    assert "contact" in actions(road, "lu")


def test_the_timeline_comes_newest_first_in_pages(road):
    road.registered()
    for number in range(5):
        road.do("fang", "/supplement", {"words": f"补充 {number}"})
    first = road.desk("fang").get(f"/cases/{road.number}/entries", limit=4).json
    second = road.desk("fang").get(f"/cases/{road.number}/entries", limit=4, cursor=first["next_cursor"]).json
    assert [line["seq"] for line in first["items"] + second["items"]] == [6, 5, 4, 3, 2, 1]
    assert second["next_cursor"] is None
    assert first["items"][0] | {"at": ""} == {
        "case_number": None,
        "seq": 6, "at": "", "action": "supplement", "action_label": "补充说明", "from_state": "submitted", "to_state": "submitted",
        "to_state_label": "待受理", "actor": "staff", "role": "intake", "role_label": "受理员", "unit": "云溪县", "name": "方晓",
        "door": "desk", "facts": {}, "reply": None, "note": "补充 4", "files": [],
    }  # fmt: skip
    assert road.see("fang")["timeline"]["items"][0]["seq"] == 6


def test_a_resident_in_the_timeline_has_no_name(road, as_resident, cast):
    road.number = take_in(as_resident("lin"), lins_report(cast)).number
    (line,) = road.see("fang")["timeline"]["items"]
    assert (line["actor"], line["role_label"], line["name"], line["unit"]) == ("resident", "居民", None, None)


@pytest.mark.parametrize("path", ["", "/entries"])
@pytest.mark.parametrize("number", ["2026112300000000", "x", "%00", "' OR 1=1 --"])
def test_a_case_that_does_not_exist_is_not_found(desk, path, number):
    assert desk("fang").get(f"/cases/{number}{path}").status_code in (404, 422)


def test_a_long_story_takes_no_more_statements_than_a_short_one(road, cast, as_staff):
    road.registered()
    caller = road.desk("fang")
    caller.get(f"/cases/{road.number}")
    with statements() as short:
        caller.get(f"/cases/{road.number}")
    fang = as_staff("fang")
    for number in range(40):
        supplement(fang, road.number, words=f"补充 {number}")
    accept_case(fang, road.number, kind=Kind.HELP, category_id=road.heard["category_id"], grid_id=cast.grids["柳林村一网格"].id)
    units = [road.code(name) for name in ("水利局", "民政局", "卫生健康委员会", "供水公司")]
    road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局"), "assist_units": units})
    for login in ("he", "shui", "min", "gong"):
        road.do(login, "/signature")
    with statements() as long:
        seen = caller.get(f"/cases/{road.number}").json
    assert (len(seen["assignments"]), len(seen["timeline"]["items"])) == (5, 47)
    assert len(long) == len(short) <= 17
