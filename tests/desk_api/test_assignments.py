"""Lead and assists at the desk: sub-dispatch, the named handler, the catalogue, suggestions, corrections, raising."""

from uuid import uuid4

import pytest

from app.ledger.timeline import verify_ledger


def named(road, unit):
    return road.code(unit)


def act(road, login, *, of="actions"):
    return set(road.see(login)[of])


class TestBelowTheLead:
    @pytest.fixture
    def led(self, road):
        """A case that the township leads and has signed."""
        road.accepted()
        road.do("du", "/dispatch", {"lead_unit": road.code("柳河镇")})
        road.do("liu", "/signature")
        return road

    def test_the_township_passes_on_and_its_village_reports(self, led):
        assert "sub_dispatch" in act(led, "shi")
        assert "sub_dispatch" not in act(led, "liu")
        led.do("shi", "/sub-dispatch", {"sub_units": [led.code("柳林村")], "note": "请到现场"})
        assert "sign_assist" in act(led, "hua")
        assert "sign_assist" not in act(led, "liu")
        led.do("hua", "/signature")
        led.do("hua", "/contact", {"how": "visit", "note": "上门看过"})
        refused = led.do("liu", "/result", {"reply": "好了", "note": "好了", "solved": True}, expect=409)
        assert refused["detail"].startswith("柳林村还没有反馈")
        led.do("hua", "/assist-result", {"note": "已扶正"})
        assert led.do("liu", "/result", {"reply": "好了", "note": "好了", "solved": True})["state"] == "under_review"
        assert [(a["duty"], a["duty_label"]) for a in led.see("du")["assignments"]] == [("lead", "主办"), ("sub", "二级承办")]
        assert verify_ledger().breaks == []

    def test_what_is_refused_names_its_field(self, led):
        body = {"sub_units": [led.code("水利局")]}
        assert list(led.do("shi", "/sub-dispatch", body, expect=422)["errors"]) == ["sub_units"]
        assert list(led.do("shi", "/sub-dispatch", {"sub_units": ["000"]}, expect=422)["errors"]) == ["sub_units"]
        late = {"sub_units": [led.code("柳林村")], "due_by": "2027-03-01T00:00:00+08:00"}
        assert list(led.do("shi", "/sub-dispatch", late, expect=422)["errors"]) == ["due_by"]
        assert led.do("liu", "/sub-dispatch", body, expect=403)["code"] == "not_your_move"
        led.do("xu", "/sub-dispatch", body, expect=404)
        assert led.do("shi", "/sub-dispatch", body, expect=412, match='"1"')["code"] == "stale_version"

    def test_a_replayed_sub_dispatch_happens_once(self, led):
        key, body = str(uuid4()), {"sub_units": [led.code("柳林村")]}
        shi = led.desk("shi")
        first = shi.post(f"/cases/{led.number}/sub-dispatch", body, key=key)
        again = shi.post(f"/cases/{led.number}/sub-dispatch", body, key=key)
        assert (first.status_code, first.json) == (200, again.json)
        assert len(led.see("du")["assignments"]) == 2

    def test_the_head_names_the_handler(self, led):
        assert list(led.do("tong", "/handler", {"handler": "he"}, expect=422)["errors"]) == ["handler"]
        assert list(led.do("tong", "/handler", {"handler": "nobody"}, expect=422)["errors"]) == ["handler"]
        led.do("tong", "/handler", {"handler": "tong"})
        assert led.see("du")["assignments"][0]["handler"] == "童镇"
        assert led.do("liu", "/handler", {"handler": "liu"}, expect=403)["code"] == "not_your_move"


def test_a_case_is_raised_until_it_stands_at_the_county(road):
    road.signed()
    assert "raise" in act(road, "sun")
    assert road.do("sun", "/raise", {}, expect=422)["errors"]
    road.do("sun", "/raise", {"note": "超期五个工作日"})
    assert road.see("tang")["raised"] == 1
    assert "raise" not in act(road, "sun")
    assert road.do("sun", "/raise", {"note": "再提"}, expect=409)["code"] == "already_at_the_top"
    road.do("he", "/raise", {"note": "办不了"}, expect=403)


class TestTheMeeting:
    def test_its_record_stands_in_the_timeline(self, road):
        road.accepted()
        meeting = {"held_on": "2026-11-23", "participants": ["高局", "童镇"], "record": "由城管局牵头"}
        road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局"), "meeting": meeting})
        entry = road.see("du")["timeline"]["items"][0]
        assert entry["facts"]["meeting"] == {"held_on": "2026-11-23", "participants": 2}
        assert "高局、童镇" in entry["note"]
        assert road.see("du")["assignments"][0]["by_meeting"]

    @pytest.mark.parametrize("gone", ["held_on", "participants", "record"])
    def test_half_a_meeting_is_none(self, road, gone):
        road.accepted()
        meeting = {"held_on": "2026-11-23", "participants": ["高局"], "record": "由城管局牵头"}
        del meeting[gone]
        refused = road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局"), "meeting": meeting}, expect=422)
        assert any(gone in name for name in refused["errors"])


class TestTheCatalogue:
    def put(self, desk, cast, login="admin", *, expect=201, category="市政管理", unit="城市管理局", role="statutory"):
        body = {"category_id": cast.categories[category], "unit": cast.units[unit].code, "role": role, "note": "三定方案"}
        answer = desk(login).post("/duties", body)
        assert answer.status_code == expect, answer.text
        return answer.json

    def test_the_administrator_puts_lists_and_ends(self, desk, cast):
        duty = self.put(desk, cast)
        assert (duty["unit_name"], duty["role_label"], duty["put_by"]) == ("城市管理局", "法定主责", "管理员")
        (row,) = desk("du").get("/duties", category_id=cast.categories["市政管理"]).json["items"]
        assert row["category"] == "城乡建设/市政管理"
        ended = desk("admin").post(f"/duties/{duty['id']}/end")
        assert (ended.status_code, ended.json["ended_by"]) == (200, "管理员")
        assert desk("admin").post(f"/duties/{duty['id']}/end").status_code == 409
        assert desk("du").get("/duties").json["items"] == []
        assert len(desk("du").get("/duties", ended=True).json["items"]) == 1

    def test_others_do_not_edit_it(self, desk, cast):
        assert self.put(desk, cast, "du", expect=403)["code"] == "catalogue_is_the_administrators"
        duty = self.put(desk, cast)
        assert desk("gao").post(f"/duties/{duty['id']}/end").status_code == 403
        assert desk("admin").post("/duties/999999/end").status_code == 404

    def test_wrong_lines_name_their_field(self, desk, cast):
        assert self.put(desk, cast, unit="柳林村", expect=409)["code"] == "duty_unfit"
        assert list(self.put(desk, cast, unit="云溪县", expect=422)["errors"]) == ["unit"]
        body = {"category_id": 999_999, "unit": cast.units["水利局"].code, "role": "lead"}
        assert list(desk("admin").post("/duties", body).json["errors"]) == ["category_id"]

    def test_it_holds_at_the_dispatch_and_suggests_units(self, desk, cast, road):
        self.put(desk, cast)
        road.accepted()
        (best,) = desk("du").get(f"/cases/{road.number}/dispatch-suggestions").json
        assert (best["unit"]["name"], best["duty"], best["score"]) == ("城市管理局", "lead", 95)
        assert best["reasons"] == ["责任清单：“城乡建设/市政管理”法定主责（三定方案）"]
        refused = road.do("du", "/dispatch", {"lead_unit": road.code("柳林村")}, expect=403)
        assert refused["code"] == "not_on_duty_list"
        body = {"lead_unit": road.code("柳林村"), "assist_units": [road.code("城市管理局")], "first_responder": True}
        road.do("du", "/dispatch", body)
        assert road.see("du")["assignments"][0]["first_responder"]

    def test_suggestions_are_the_dispatchers(self, desk, road):
        road.accepted()
        assert desk("fang").get(f"/cases/{road.number}/dispatch-suggestions").status_code == 403
        assert desk("xu").get(f"/cases/{road.number}/dispatch-suggestions").status_code == 404


class TestCorrections:
    def test_one_case_is_corrected_with_a_reason(self, road):
        road.signed()
        assert list(road.do("fang", "/correction", {"kind": "complaint"}, expect=422)["errors"]) == ["note"]
        road.do("fang", "/correction", {"kind": "complaint", "note": "实为投诉"})
        assert road.see("fang")["kind"] == "complaint"
        assert road.do("fang", "/correction", {"kind": "complaint", "note": "再改"}, expect=422)["code"] == "nothing_to_correct"
        assert list(road.do("fang", "/correction", {"grid": "000", "note": "网格"}, expect=422)["errors"]) == ["grid"]
        road.do("he", "/correction", {"kind": "help", "note": "我改"}, expect=403)

    def test_whom_it_is_against_is_named_at_acceptance_and_put_right_later(self, road):
        road.registered()
        body = {"kind": "complaint", "category_id": road.heard["category_id"], "grid": road.heard["grid"]}
        unknown = road.do("fang", "/acceptance", body | {"against_unit": "000"}, expect=422)
        assert list(unknown["errors"]) == ["against_unit"]
        road.do("fang", "/acceptance", body | {"against_staff": "ding", "hidden_from_grid": True})
        seen = road.see("fang")
        assert (seen["confidential"], seen["hidden_from_grid"], seen["reports"][0]["confidential"]) == (True, True, True)
        assert road.desk("ding").get(f"/cases/{road.number}").status_code == 404
        road.do("fang", "/correction", {"against_nobody": True, "note": "登记有误"})
        assert road.desk("ding").get(f"/cases/{road.number}").status_code == 200
        road.do("fang", "/correction", {"against_unit": road.code("城市管理局"), "note": "反映的是城管局"})
        refused = road.do("du", "/dispatch", {"lead_unit": road.code("城市管理局")}, expect=403)
        assert refused["code"] == "unit_recused"
        stays = road.do("fang", "/correction", {"confidential": False, "note": "可以公开"}, expect=403)
        assert stays["code"] == "confidentiality_stays"

    def test_many_are_corrected_with_one_reason(self, road):
        first = road.accepted().number
        second = road.registered(body="河湾村的垃圾没有人清运。").number
        body = {"numbers": [first, second, "1"], "urgency": "urgent", "note": "寒潮预警，统一提级为紧急"}
        told = road.desk("sun").post("/corrections", body).json
        assert [(each["number"], each["done"], each["code"]) for each in told] == [
            (first, True, None),
            (second, False, "illegal_move"),
            ("1", False, "case_not_found"),
        ]
        assert told[1]["detail"] == "工单现在是“待受理”，不能进行“更正”"
        too_many = road.desk("sun").post("/corrections", body | {"numbers": [str(n) for n in range(201)]})
        assert too_many.status_code == 422
