"""Services at the grid door: orders for people, calls at the village hotline, talks written down."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.core.clock import CHINA
from app.core.database import db
from app.demo.cast import PASSWORD
from app.ledger.clocks import Deadline
from app.ledger.disclosure import dial
from app.ledger.models import Call, Case, Report
from app.ledger.vocabulary import Clock, State
from app.people.identity import Person, check_character, enrol_resident
from app.people.models import IdentityAccess, ResidentIdentity
from app.services.models import ServiceOrder
from app.talks.models import VillageTalk
from tests.callers import grid_caller


@pytest.fixture
def at(clock):
    return (clock() - timedelta(minutes=2)).astimezone(CHINA).isoformat()


@pytest.fixture
def talk(cast):
    """What Wu writes down of the evening."""
    return {
        "village": cast.units["柳林村"].code,
        "held_on": "2026-11-22",
        "place": "村部院子",
        "chair": "吴村",
        "attendants": 23,
        "minutes": "到会 23 人，依次发言。",
        "items": [
            {
                "words": "二组的路灯不亮。",
                "kind": "help",
                "category_id": cast.categories["路灯照明"],
                "grid": cast.grids["柳林村二网格"].code,
            },
            {
                "words": "高龄津贴怎么办？",
                "kind": "consultation",
                "category_id": cast.categories["高龄津贴"],
                "resident_id": cast.residents["zheng"].id,
                "answer": "满 80 岁带身份证到便民服务点登记。",
            },
        ],
    }


def test_a_cadre_orders_takes_and_finishes(wu, cast):
    made = wu.post("/service-orders", {"item": "medicine", "resident_id": cast.residents["zheng"].id, "place": "一组 12 号"})
    assert made.status_code == 201, made.text
    assert made.json["claim_code"]
    number = made.json["number"]
    assert [each["number"] for each in wu.get("/service-orders/open").json["items"]] == [number]
    taken = wu.post(f"/service-orders/{number}/taking")
    assert (taken.status_code, taken.json["mine"], taken.json["person"]) == (201, True, "郑**")
    assert wu.post(f"/service-orders/{number}/contact").json["place"] == "一组 12 号"
    done = wu.post(f"/service-orders/{number}/result", {"reply": "药已送到。"})
    assert (done.status_code, done.json["state"]) == (201, "under_review")
    late = wu.get("/service-orders", late="false", unit=cast.units["柳林村"].code)
    assert [each["number"] for each in late.json["items"]] == [number]


def test_another_village_sees_no_order(wu, zhao, cast):
    number = wu.post("/service-orders", {"item": "medicine", "resident_id": cast.residents["zheng"].id}).json["number"]
    assert zhao.get("/service-orders").json["items"] == []
    assert zhao.get("/service-orders/open").json["items"] == []
    there, nowhere = zhao.get(f"/service-orders/{number}"), zhao.get("/service-orders/2026112300000007")
    assert {name: there.json.get(name) for name in ("status", "code", "title", "detail")} == {
        "status": 404, "code": "service_order_not_found", "title": nowhere.json["title"], "detail": nowhere.json.get("detail"),
    }  # fmt: skip
    assert zhao.post(f"/service-orders/{number}/taking").status_code == 404


def test_a_call_becomes_an_order_in_one_go(wu, cast, at):
    order = {"item": "necessities", "words": "一袋米", "place": "一组 3 号"}
    call = {
        "at": at,
        "outcome": "registered",
        "number": "13900001111",
        "person": {"name": "孙大娘"},
        "grid": cast.grids["柳林村一网格"].code,
    }
    answer = wu.post("/calls", call | {"order": order})
    assert answer.status_code == 201, answer.text
    case = db.session.scalars(select(Case).where(Case.number == answer.json["case"])).one()
    assert (case.kind, case.channel, case.state) == ("service", "hotline", State.DISPATCHED)
    assert db.session.scalars(select(Call)).one().case_id == case.id
    shown = wu.get("/calls").json["items"][0]
    assert (shown["number"], shown["case"]) == ("139****1111", case.number)


def test_a_call_becomes_a_report(wu, cast, at):
    report = {"body": "水管爆了，一组没有水。", "kind": "help", "category_id": cast.categories["自来水供应"]}
    call = {"at": at, "outcome": "registered", "number": "13900001111", "report": report}
    answer = wu.post("/calls", call | {"grid": cast.grids["柳林村一网格"].code})
    assert answer.status_code == 201, answer.text
    assert db.session.scalars(select(Report.channel)).one() == "hotline"


def test_a_call_lands_in_no_grid_that_nobody_said(wu, zhou, cast, at, clock):
    report = {"body": "水管爆了，没有水。", "kind": "help", "category_id": cast.categories["自来水供应"]}
    call = {"at": at, "outcome": "registered", "number": "0557-0000001", "report": report}
    asked = wu.post("/calls", call | {"number": "13900001111"})
    assert (asked.status_code, asked.json["errors"]) == (422, {"grid": ["请选择网格"]})
    db.session.rollback()
    assert wu.post("/calls", call).status_code == 201  # old Zheng's own telephone, and his grid
    assert zhou.post("/calls", call | {"number": "13900001111"}).status_code == 201  # Zhou has one grid
    placed = db.session.scalars(select(Case.grid_id).order_by(Case.id)).all()
    assert placed == [cast.residents["zheng"].grid_id, cast.grids["柳林村一网格"].id]


@pytest.mark.parametrize("number", ["6031234", "95598"])
def test_a_call_from_a_short_or_local_number_is_kept_and_called_back_there(wu, backstage, as_staff, cast, at, number):
    made = wu.post("/calls", {"at": at, "outcome": "hung_up", "number": number})
    assert made.status_code == 201, made.text
    assert wu.post("/calls", {"at": at, "outcome": "hung_up", "number": number}).json["joined"] is True
    wu.post(f"/service-orders/{made.json['case']}/taking")
    assert wu.post(f"/service-orders/{made.json['case']}/contact").json["phone"] == number
    call = {"at": at, "outcome": "registered", "number": number, "grid": cast.grids["柳林村一网格"].code}
    order = wu.post("/calls", call | {"order": {"item": "necessities", "words": "一袋米"}, "person": {"name": "孙大娘"}})
    assert order.status_code == 201, order.text
    report = {"body": "水管爆了，没有水。", "kind": "help", "category_id": cast.categories["自来水供应"]}
    told = wu.post("/calls", call | {"report": report})
    assert told.status_code == 201, told.text
    assert dial(as_staff("fang"), told.json["case"]).phone == number
    assert db.session.scalar(select(func.count()).select_from(Call)) == 4


def test_a_wrong_telephone_of_the_caller_is_named_as_the_form_does(wu, cast, at):
    call = {"at": at, "outcome": "registered", "grid": cast.grids["柳林村一网格"].code, "order": {"item": "necessities"}}
    answer = wu.post("/calls", call | {"person": {"name": "孙大娘", "phone": "603"}})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["person.phone"])
    db.session.rollback()
    assert wu.post("/calls", call).json["errors"].keys() == {"person"}
    db.session.rollback()


def test_who_hangs_up_after_they_were_called_back_is_called_back_again(wu, at):
    call = {"at": at, "outcome": "hung_up", "number": "13900001111"}
    first = wu.post("/calls", call).json["case"]
    wu.post(f"/service-orders/{first}/taking")
    assert wu.post("/calls", call).json["joined"] is True
    assert wu.post(f"/service-orders/{first}/result", {"reply": "已回拨，问题已解答。"}).status_code == 201
    again = wu.post("/calls", call)
    assert (again.json["joined"], again.json["case"] == first) == (False, False)


def test_who_hung_up_is_called_back_in_minutes_and_once_a_number(wu, at, clock):
    call = {"at": at, "outcome": "hung_up", "number": "139 0000 1111"}
    first = wu.post("/calls", call)
    assert (first.status_code, first.json["joined"]) == (201, False)
    case_id = db.session.scalars(select(Case.id).where(Case.number == first.json["case"])).one()
    station = db.session.scalars(select(Deadline).where(Deadline.case_id == case_id, Deadline.clock == Clock.STATION)).one()
    assert station.due_at - clock() == timedelta(minutes=5)
    again = wu.post("/calls", call)
    assert (again.json["joined"], again.json["case"]) == (True, first.json["case"])
    wu.post(f"/service-orders/{first.json['case']}/taking")
    assert wu.post(f"/service-orders/{first.json['case']}/contact").json["phone"] == "13900001111"
    assert wu.get("/calls").json["items"][0]["outcome"] == "hung_up"


@pytest.mark.parametrize("outcome", ["silent", "wrong_number", "consulted"])
def test_a_call_with_nothing_left_to_do_makes_no_case(wu, at, outcome):
    answer = wu.post("/calls", {"at": at, "outcome": outcome})
    assert (answer.status_code, answer.json["case"]) == (201, None)
    assert db.session.scalar(select(func.count()).select_from(Case)) == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"outcome": "hung_up"}, "number"),
        ({"outcome": "registered"}, "order"),
        ({"outcome": "silent", "order": {"item": "medicine"}}, "outcome"),
        ({"outcome": "existing_case"}, "outcome"),
        ({"outcome": "silent", "at": "2027-01-01T08:00:00+08:00"}, "at"),
        ({"outcome": "hung_up", "number": "12"}, "number"),
        ({"outcome": "hung_up", "number": "13900001111", "grid": "99010100100201"}, "grid"),
    ],
)
def test_a_call_that_says_too_little_is_refused_by_field(wu, at, given, field):
    answer = wu.post("/calls", {"at": at} | given)
    assert answer.status_code == 422, answer.text
    assert field in answer.json["errors"]
    db.session.rollback()


def test_a_talk_becomes_reports_once_a_key(wu, talk, cast):
    answer = wu.post("/talks", talk, key="8f14e45f-ceea-467a-9575-0f2f8b3c0001")
    assert answer.status_code == 201, answer.text
    assert [(each["answered"], each["state"]) for each in answer.json["items"]] == [(False, "submitted"), (True, "submitted")]
    keys = db.session.scalars(select(Report.source_key).order_by(Report.id)).all()
    assert keys == [f"talk:{answer.json['id']}:0", f"talk:{answer.json['id']}:1"]
    again = wu.post("/talks", talk, key="8f14e45f-ceea-467a-9575-0f2f8b3c0001")
    assert again.json == answer.json
    assert db.session.scalar(select(func.count()).select_from(VillageTalk)) == 1
    assert [each["id"] for each in wu.get("/talks").json["items"]] == [answer.json["id"]]
    assert wu.get(f"/talks/{answer.json['id']}").json["items"][0]["title"] == "二组的路灯不亮"


def test_what_a_grid_worker_answered_is_closed_what_a_cadre_answered_is_added(wu, zhou, talk):
    closed = zhou.post("/talks", talk).json["items"][1]
    assert (closed["answered"], closed["state"]) == (True, "closed")
    added = wu.post("/talks", talk).json["items"][1]
    case = db.session.scalars(select(Case).where(Case.number == added["number"])).one()
    assert (case.state, case.entry_count) == (State.SUBMITTED, 2)


def test_of_a_talk_with_a_wrong_item_nothing_is_stored(wu, talk):
    talk["items"].append({"words": "😀😀"})
    talk["items"].append({"words": "水渠堵了。"})
    answer = wu.post("/talks", talk)
    assert (answer.status_code, sorted(answer.json["errors"])) == (422, ["items.2.grid", "items.3.grid"])
    talk["items"] = [talk["items"][0] | {"words": "😀😀"}]
    answer = wu.post("/talks", talk)
    assert sorted(answer.json["errors"]) == ["items.0.words"]
    assert db.session.scalar(select(func.count()).select_from(VillageTalk)) == 0


def test_a_talk_of_another_village_is_refused_and_hidden(wu, zhao, zhou, talk):
    made = wu.post("/talks", talk).json["id"]
    assert zhao.post("/talks", talk).json["errors"] == {"village": ["这不是您负责的村（社区）"]}
    assert zhao.get(f"/talks/{made}").status_code == zhou.get(f"/talks/{made}").status_code == 404
    assert zhao.get("/talks").json["items"] == []


def test_talks_are_listed_page_by_page_once_each_by_whoever_wrote_or_reads_them(wu, zhou, talk):
    one = {"items": [talk["items"][0]]}
    written = [
        caller.post("/talks", talk | one | {"place": f"院子{place}"}).json["id"] for place, caller in enumerate((wu, zhou, wu))
    ]
    for caller, wanted in ((wu, written[::-1]), (zhou, [written[1]])):
        found, cursor = [], None
        while True:
            page = caller.get("/talks", limit=1, **({"cursor": cursor} if cursor else {})).json
            found += [each["id"] for each in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == wanted


def test_a_grid_worker_names_nobody_of_another_grid(zhou, talk, cast):
    cast.residents["zheng"].grid_id = cast.grids["柳林村二网格"].id
    db.session.commit()
    answer = zhou.post("/talks", talk)
    assert answer.json["errors"] == {"items.1.resident_id": ["没有找到这位居民"]}


def test_the_guide_shows_steps_materials_and_policy(zhou):
    found = zhou.get("/service-items", words="高龄").json["items"]
    assert [each["code"] for each in found] == ["old_age_allowance"]
    assert (found[0]["term"], found[0]["materials"][0]["name"]) == ("5 个工作日", "居民身份证")
    assert zhou.get("/service-items/none").status_code == 404


def test_duty_at_a_service_point(wu, zhao, cast):
    line = {"unit": cast.units["柳林村"].code, "point": "便民服务点", "staff": "zhou", "opens": "08:00:00", "closes": "18:00:00"}
    made = wu.post("/service-duties", line)
    assert made.status_code == 201, made.text
    assert zhao.post("/service-duties", line).status_code == 403
    assert zhao.post(f"/service-duties/{made.json['id']}/end").status_code == 404
    assert wu.post("/service-duties", line | {"staff": "zhao"}).json["errors"] == {"staff": ["这个人不在“柳林村”任职"]}
    assert wu.post(f"/service-duties/{made.json['id']}/end").json["ended_at"]
    assert wu.get("/service-duties").json["items"] == []


def test_numbers_of_callers_are_sealed(wu, at):
    wu.post("/calls", {"at": at, "outcome": "hung_up", "number": "13900001111"})
    assert b"13900001111" not in db.session.scalars(select(Call.number)).one()
    assert all(b"13900001111" not in phone for phone in db.session.scalars(select(ResidentIdentity.phone)) if phone)


def test_who_serves_is_shown_whom_once_and_never_from_memory(wu, cast):
    number = wu.post("/service-orders", {"item": "medicine", "resident_id": cast.residents["zheng"].id}).json["number"]
    wu.post(f"/service-orders/{number}/taking")
    key = "8f14e45f-ceea-467a-9575-0f2f8b3c0009"
    assert wu.post(f"/service-orders/{number}/contact", key=key).status_code == 200
    wu.post(f"/service-orders/{number}/giving-back", {"reason": "今天去不了"})
    wu.post(f"/service-orders/{number}/taking")
    assert wu.post(f"/service-orders/{number}/contact", key=key).status_code == 200
    assert len(db.session.scalars(select(IdentityAccess)).all()) == 2


def test_name_and_id_number_tell_nobody_the_phone_of_somebody_elsewhere(zhao, cast, stamp):
    seventeen = "34132319460101123"
    id_number = seventeen + check_character(seventeen)
    old = Person(name="郑守田", phone="13812340000", id_number=id_number)
    known = enrol_resident(stamp, old, grid_id=cast.grids["柳林村一网格"].id)
    db.session.commit()
    given = {"item": "medicine", "person": {"name": "郑守田", "id_number": id_number}, "grid": cast.grids["河湾村一网格"].code}
    number = zhao.post("/service-orders", given).json["number"]
    assert zhao.post(f"/service-orders/{number}/taking").status_code == 201
    shown = zhao.post(f"/service-orders/{number}/contact").json
    assert (shown["name"], shown["phone"]) == ("郑守田", None)
    assert db.session.scalars(select(ServiceOrder.resident_id)).one() != known.id


def test_a_talk_tells_nothing_of_a_case_that_one_may_not_see(wu, zhou, cast, talk):
    items = [{"words": "村干部把低保给了亲戚。", "kind": "complaint"}, {"words": "村干部收钱办低保。", "kind": "tip_off"}]
    grid = cast.grids["柳林村一网格"].code
    made = zhou.post("/talks", talk | {"items": [each | {"grid": grid, "category_id": cast.categories["低保"]} for each in items]})
    assert made.status_code == 201, made.text
    first = made.json["items"][0]["number"]
    case = db.session.scalars(select(Case).where(Case.number == first)).one()
    case.against_paths, case.against_staff_id = [cast.units["柳林村"].path], cast.staff["wu"].id
    db.session.commit()
    for shown in (wu.get(f"/talks/{made.json['id']}").json, wu.get("/talks").json["items"][0]):
        for said in shown["items"]:
            if wu.get(f"/cases/{made.json['items'][said['place']]['number']}").status_code == 404:
                assert (said["number"], said["title"], said["state"], said["answered"]) == (None,) * 4
        assert shown["items"][0]["number"] is None


def test_a_grid_worker_closes_nothing_in_anothers_grid(zhou, talk, cast):
    said = {"words": "二组路灯不亮。", "kind": "help", "grid": cast.grids["柳林村二网格"].code, "answer": "已经修好了。"}
    made = zhou.post("/talks", talk | {"items": [said | {"category_id": cast.categories["路灯照明"]}]})
    assert (made.status_code, made.json["items"][0]["state"]) == (201, "submitted")


def test_the_first_contact_is_told_with_a_tap_and_a_station_is_left_as_it_was_seen(wu, zhou, cast):
    number = wu.post("/service-orders", {"item": "medicine", "resident_id": cast.residents["zheng"].id}).json["number"]
    seen = zhou.post(f"/service-orders/{number}/taking").json["case_version"]
    assert zhou.post(f"/service-orders/{number}/contacted", {"how": "owl"}).status_code == 422
    told = zhou.post(f"/service-orders/{number}/contacted", {"how": "phone", "case_version": seen})
    assert (told.status_code, told.json["case_version"]) == (201, seen + 1)
    assert zhou.post(f"/service-orders/{number}/result", {"reply": "药已送到。", "case_version": seen}).status_code == 412
    back = wu.post(f"/service-orders/{number}/giving-back", {"reason": "换人去"})
    assert (back.status_code, back.json["taken"]) == (201, False)


def test_an_order_is_not_signed_as_another_case(wu, cast, client):
    number = wu.post("/service-orders", {"item": "medicine", "resident_id": cast.residents["zheng"].id}).json["number"]
    answer = grid_caller(client, "hua", PASSWORD).post(f"/cases/{number}/signature", {})
    assert (answer.status_code, answer.json["code"]) == (409, "served_as_order")


def test_a_village_brings_the_slips_of_what_a_list_ordered(wu, zhou, nobody, cast):
    cast.residents["zheng"].birth_month = date(1940, 1, 1)
    db.session.commit()
    lacking = {"name": "高龄津贴", "unit": cast.units["柳林村"].code, "item": "old_age_allowance", "tags": ["over_80"]}
    at = f"/proactive-lists/{wu.post('/proactive-lists', lacking).json['id']}"
    assert [each["name"] for each in zhou.get(f"{at}/residents").json["items"]] == ["郑**"]
    assert wu.post(f"{at}/orders").json == {"made": 1, "left": 0, "skipped": 0}
    made = zhou.post(f"{at}/slips").json
    (slip,) = made["slips"]
    assert (made["left"], slip["claim_code_in_fours"] in slip["words"], slip["number_in_fours"] in slip["words"]) == (0, True, True)
    seen = nobody.post("/look-ups", {"number": slip["number"], "claim_code": slip["claim_code"]})
    assert (seen.status_code, seen.json["number"]) == (200, slip["number"])


def test_a_lost_code_of_an_order_is_printed_anew_by_who_made_it_alone(wu, zhou, nobody, cast):
    made = wu.post("/service-orders", {"item": "medicine", "resident_id": cast.residents["zheng"].id}).json
    assert zhou.post(f"/filings/{made['number']}/claim-code", {"by": "print"}).json["code"] == "filing_not_found"
    fresh = wu.post(f"/filings/{made['number']}/claim-code", {"by": "print"})
    assert fresh.status_code == 201, fresh.text
    old = nobody.post("/look-ups", {"number": made["number"], "claim_code": made["claim_code"]})
    assert old.status_code == 404
    assert made["number_in_fours"] in fresh.json["handout"]
