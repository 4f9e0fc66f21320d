"""Services at the desk: the editor, orders on the telephone, orders by station, proactive lists."""

import io
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from app.core.database import db

ITEM = {
    "code": "id_card",
    "name": "身份证换领帮办",
    "kind": "handling",
    "category": "低保",
    "term": {"amount": 5, "unit": "working_day"},
    "stations": [{"name": "村里", "level": "village", "term": {"amount": 1, "unit": "working_day"}}],
}


def test_an_administrator_puts_an_item_and_changes_it(desk):
    made = desk("admin").post("/service-items", ITEM)
    assert (made.status_code, made.json["version"], made.json["term"]) == (201, 1, "5 个工作日")
    assert desk("admin").post("/service-items", ITEM | {"fee": "工本费 20 元"}).json["version"] == 2
    assert desk("admin").post("/service-items", ITEM | {"active": False}).json["version"] == 3
    assert "id_card" not in [each["code"] for each in desk("fang").get("/service-items", limit=200).json["items"]]
    assert "id_card" in [each["code"] for each in desk("fang").get("/service-items", limit=200, inactive="true").json["items"]]


def test_others_leave_the_catalogue_alone(desk):
    assert desk("sun").post("/service-items", ITEM).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"category": "没有"}, "category"),
        ({"unit": "99"}, "unit"),
        ({"tags": ["none"]}, "tags"),
        ({"kind": "supply"}, "term"),
        ({"stations": [{"name": "村里", "term": {"amount": 1, "unit": "working_day"}}]}, "stations.0"),
        ({"stations": [{"name": "村里", "unit": "99", "term": {"amount": 1, "unit": "working_day"}}]}, "stations.0.unit"),
        ({"term": {"amount": 5, "unit": "working_day", "hours": "always"}}, "term"),
    ],
)
def test_a_wrong_item_is_refused_by_field(desk, change, field):
    answer = desk("admin").post("/service-items", ITEM | change)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_the_sheet_holds_every_item(desk):
    answer = desk("admin").get("/service-items/sheet.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert rows[0][:3] == ["事项编码", "事项名称", "类型"]
    assert "old_age_allowance" in [row[0] for row in rows]


def test_an_order_on_the_telephone_walks_its_stations(desk, cast):
    fang = desk("fang")
    call = fang.post("/calls", {"at": "2026-11-23T08:58:00+08:00", "outcome": "consulted", "number": "13900002222"}).json["id"]
    body = {
        "item": "old_age_allowance",
        "grid": cast.grids["柳林村一网格"].code,
        "person": {"name": "孙大娘", "phone": "13900002222"},
    }
    made = fang.post("/service-orders", body | {"call_id": call})
    assert made.status_code == 201, made.text
    number = made.json["number"]
    at_village = fang.get("/service-orders", unit=cast.units["柳林村"].code).json["items"]
    assert [(each["number"], each["station"], each["ahead"]) for each in at_village] == [
        (number, "村（社区）受理", ["乡镇审核", "县级审批"])
    ]
    assert fang.get("/service-orders", unit=cast.units["民政局"].code).json["items"] == []
    hua = desk("hua")
    assert hua.post(f"/service-orders/{number}/taking").status_code == 201
    assert hua.post(f"/service-orders/{number}/next-station", {"words": "齐"}).json["station"] == "乡镇审核"
    assert desk("he").post(f"/service-orders/{number}/next-station", {"words": "齐"}).status_code == 404
    back = desk("liu").post(f"/service-orders/{number}/last-station", {"reason": "缺户口簿"})
    assert [(each["name"], each["returned"]) for each in back.json["stations"]] == [
        ("村（社区）受理", False), ("乡镇审核", True), ("村（社区）受理", False),
    ]  # fmt: skip
    assert desk("liu").post(f"/service-orders/{number}/last-station", {"reason": "再退"}).status_code == 409


def test_a_list_is_defined_counted_and_made_into_visits_and_orders(desk, cast):
    zheng = cast.residents["zheng"]
    zheng.birth_month = date(1940, 1, 1)
    db.session.commit()
    du = desk("du")
    made = du.post(
        "/proactive-lists",
        {"name": "高龄津贴未享受", "unit": cast.units["柳河镇"].code, "item": "old_age_allowance", "tags": ["over_80"]},
    )
    assert made.status_code == 201, made.text
    at = f"/proactive-lists/{made.json['id']}"
    assert du.get(f"{at}/counts").json == [{"village": cast.units["柳林村"].code, "village_name": "柳林村", "count": 1}]
    assert du.get(f"{at}/residents").json["items"][0]["name"] == "郑**"
    assert du.post(f"{at}/visits", {"due_on": "2026-11-30"}).json == {"made": 1}
    assert du.post(f"{at}/visits", {"due_on": "2026-11-30"}).json == {"made": 0}
    assert du.post(f"{at}/visits", {"due_on": "2026-11-22"}).status_code == 422
    assert desk("gao").get(f"{at}/counts").status_code == 404
    assert du.post(f"{at}/orders").json == {"made": 1, "left": 0, "skipped": 0}
    assert du.post(f"{at}/orders").json == {"made": 0, "left": 0, "skipped": 0}
    assert du.get(f"{at}/counts").json == []
    assert du.post(f"{at}/end").json["ended_at"]


def test_a_department_defines_a_list_whose_persons_the_villages_know(desk, cast):
    cast.residents["zheng"].birth_month = date(1940, 1, 1)
    db.session.commit()
    asked = {"name": "高龄津贴未享受", "unit": cast.units["民政局"].code, "item": "old_age_allowance", "tags": ["over_80"]}
    made = desk("min").post("/proactive-lists", asked)
    assert made.status_code == 201, made.text
    at = f"/proactive-lists/{made.json['id']}"
    assert [each["village_name"] for each in desk("min").get(f"{at}/counts").json] == ["柳林村"]
    refused = desk("min").get(f"{at}/residents")
    assert (refused.status_code, refused.json["code"]) == (403, "persons_stay_with_villages")
    assert desk("min").post(f"{at}/visits", {"due_on": "2026-11-30"}).json == {"made": 1}
    assert [each["name"] for each in desk("wu").get(f"{at}/residents").json["items"]] == ["郑**"]


def test_duty_at_a_service_point_is_kept_at_the_desk_too(desk, cast):
    line = {"unit": cast.units["柳林村"].code, "point": "便民服务点", "staff": "zhou", "opens": "08:00:00", "closes": "18:00:00"}
    made = desk("du").post("/service-duties", line)
    assert made.status_code == 201, made.text
    assert [each["staff"] for each in desk("tong").get("/service-duties").json["items"]] == ["zhou"]
    assert desk("tong").post(f"/service-duties/{made.json['id']}/end").json["ended_at"]


def test_whom_an_order_is_for_is_not_kept_to_be_replayed_at_the_desk(desk, cast):
    made = desk("du").post(
        "/service-orders", {"item": "medicine", "person": {"name": "孙大娘"}, "grid": cast.grids["柳林村一网格"].code}
    )
    number, key = made.json["number"], "0c8c7a52-5f3c-4b6f-9a2b-8d3e3d0f9c11"
    hua = desk("hua")
    assert hua.post(f"/service-orders/{number}/taking").status_code == 201
    assert hua.post(f"/service-orders/{number}/contact", key=key).json["name"] == "孙大娘"
    assert hua.post(f"/service-orders/{number}/giving-back", {"reason": "走不开"}).status_code == 201
    assert hua.post(f"/service-orders/{number}/contact", key=key).status_code == 409
