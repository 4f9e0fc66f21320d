"""Services at the residents' door: the guide for oneself, an order, and an order taken by a neighbour."""

from datetime import date

import pytest
from sqlalchemy import select

from app.core.database import db
from app.demo.cast import PASSWORD
from app.ledger.models import Case
from app.notices.models import Notice
from app.people.identity import Person, enrol_resident
from app.people.roster.models import PopulationTag, ResidentTag
from tests.callers import grid_caller
from tests.files.conftest import kept
from tests.pictures import photo, upload

__all__ = ["kept"]


@pytest.fixture
def at_home(cast, clock):
    """Lin and Chen live in 柳林村; Chen is a volunteer."""
    for name in ("lin", "chen"):
        cast.residents[name].grid_id = cast.grids["柳林村一网格"].id
    tag = db.session.scalars(select(PopulationTag.id).where(PopulationTag.code == "volunteer")).one()
    db.session.add(
        ResidentTag(resident_id=cast.residents["chen"].id, tag_id=tag, source="登记", since=date(2026, 1, 1), noted_at=clock())
    )
    db.session.commit()


def codes(answer) -> set[str]:
    return {each["code"] for each in answer.json["items"]}


def test_the_guide_for_oneself_leaves_out_what_is_for_others(lin, cast):
    every = codes(lin.get("/service-items"))
    assert "old_age_allowance" in every
    cast.residents["lin"].birth_month = date(1980, 5, 1)
    db.session.commit()
    mine = codes(lin.get("/service-items", for_me="true"))
    assert "home_repair" in mine
    assert "old_age_allowance" not in mine
    cast.residents["lin"].birth_month = date(1940, 5, 1)
    db.session.commit()
    assert "old_age_allowance" in codes(lin.get("/service-items", for_me="true"))


def test_an_order_is_taken_served_and_rated_by_whom_it_is_for_alone(lin, chen, at_home, backstage):
    made = lin.post("/service-orders", {"item": "medicine", "words": "给林秀英送药", "place": "一组 15 号"})
    assert made.status_code == 201, made.text
    number = made.json["number"]
    (offered,) = chen.get("/volunteer-orders").json["items"]
    assert (offered["number"], offered["name"]) == (number, "送药上门")
    assert "林" not in offered["grid_name"].replace("柳林村", "")
    assert not {"person", "place", "words"} & set(offered)
    assert chen.get(f"/cases/{number}").status_code == chen.get(f"/service-orders/{number}").status_code == 404
    assert chen.post(f"/volunteer-orders/{number}/contact").status_code == 403
    assert lin.post(f"/volunteer-orders/{number}/taking").status_code == 404
    assert chen.post(f"/volunteer-orders/{number}/taking").status_code == 201
    assert chen.post(f"/volunteer-orders/{number}/contact").json == {
        "name": "林秀英",
        "phone": "13800000001",
        "place": "一组 15 号",
        "files": [],
    }
    assert chen.get("/volunteer-orders/taken").json["items"][0]["number"] == number
    assert chen.post(f"/volunteer-orders/{number}/result", {"reply": "药已送到。"}).status_code == 201
    backstage.let_pass(number)
    verdict = {"contacted": True, "solved": True, "satisfaction": "satisfied"}
    assert chen.post(f"/cases/{number}/rating", verdict).status_code == 404
    assert lin.post(f"/cases/{number}/rating", verdict).status_code == 201
    assert lin.get("/service-orders").json["items"][0]["state"] == "closed"
    told = [(line["what"], line["who"]) for line in lin.get(f"/cases/{number}").json["timeline"]]
    assert ("接单", "接单人") in told
    assert ("反馈结果", "接单人") in told


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"item": "medicine", "wished_at": "2026-11-22T08:00:00+08:00"}, "wished_at"),
        ({"item": "medicine", "grid": "9"}, "grid"),
        ({}, "item"),
    ],
)
def test_a_wrong_order_is_refused_by_field(lin, at_home, given, field):
    answer = lin.post("/service-orders", given)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_who_has_no_grid_names_one(lin, cast):
    assert list(lin.post("/service-orders", {"item": "medicine"}).json["errors"]) == ["grid"]
    assert lin.post("/service-orders", {"item": "medicine", "grid": cast.grids["柳林村一网格"].code}).status_code == 201
    assert lin.post("/service-orders", {"item": "no_such"}).status_code == 404


def test_a_volunteer_shows_a_photo_that_the_resident_sees_and_no_other_may_use(lin, chen, at_home, backstage, kept):
    number = lin.post("/service-orders", {"item": "medicine"}).json["number"]
    chen.post(f"/volunteer-orders/{number}/taking")
    mine, hers = upload(chen, photo(), purpose="reply").json["id"], upload(lin, photo(), purpose="reply").json["id"]
    stolen = chen.post(f"/volunteer-orders/{number}/result", {"reply": "药已送到。", "reply_files": [hers]})
    assert (stolen.status_code, list(stolen.json["errors"])) == (422, ["reply_files"])
    assert chen.post(f"/volunteer-orders/{number}/result", {"reply": "药已送到。", "reply_files": [mine]}).status_code == 201
    backstage.let_pass(number)
    lines = lin.get(f"/cases/{number}").json["timeline"]
    assert [len(line["files"]) for line in lines if line["what"] == "反馈结果"] == [1]


def test_a_volunteer_of_the_roster_joins_their_account_by_code_and_takes_orders(lin, chen, cast, client, stamp):
    wu = grid_caller(client, "wu", PASSWORD)
    zhao = grid_caller(client, "zhao", PASSWORD)
    cast.residents["lin"].grid_id = cast.grids["柳林村一网格"].id
    household = cast.households["郑守田"].id
    bai = enrol_resident(stamp, Person(name="白志愿"), grid_id=cast.grids["柳林村一网格"].id, household_id=household)
    db.session.commit()
    assert wu.post(f"/residents/{bai.id}/tags", {"tag": "volunteer", "source": "登记"}).status_code == 201
    assert zhao.post(f"/residents/{bai.id}/account-code").status_code == 404
    number = lin.post("/service-orders", {"item": "medicine", "place": "一组 15 号"}).json["number"]
    assert chen.get("/volunteer-orders").json["items"] == []
    old, made = (wu.post(f"/residents/{bai.id}/account-code") for _ in range(2))
    assert (made.status_code, made.json["name"]) == (201, "白**")
    for wrong in (old.json["code"], "123"):
        assert chen.post("/volunteer/joining", {"code": wrong}).json["code"] == "wrong_account_code"
    assert chen.post("/volunteer/joining", {"code": made.json["code"]}).status_code == 204
    assert lin.post("/volunteer/joining", {"code": made.json["code"]}).json["code"] == "wrong_account_code"
    assert [each["number"] for each in chen.get("/volunteer-orders").json["items"]] == [number]
    assert chen.post(f"/volunteer-orders/{number}/taking").status_code == 201
    told = lin.post("/service-orders", {"item": "medicine"}).json["number"]
    case = db.session.scalars(select(Case.id).where(Case.number == told)).one()
    heard = select(Notice.recipient_id).where(Notice.template == "service_open", Notice.case_id == case)
    assert db.session.scalars(heard).all() == [cast.residents["chen"].id]
    assert wu.post(f"/residents/{bai.id}/tags/end", {"tag": "volunteer"}).status_code == 200
    assert chen.get("/volunteer-orders").json["items"] == []


def test_nobody_takes_what_is_for_themselves_on_the_roster(lin, chen, cast, client, stamp):
    wu = grid_caller(client, "wu", PASSWORD)
    zheng = cast.residents["zheng"].id
    assert wu.post(f"/residents/{zheng}/tags", {"tag": "volunteer", "source": "登记"}).status_code == 201
    assert chen.post("/volunteer/joining", {"code": wu.post(f"/residents/{zheng}/account-code").json["code"]}).status_code == 204
    number = wu.post("/service-orders", {"item": "medicine", "resident_id": zheng}).json["number"]
    assert chen.post(f"/volunteer-orders/{number}/taking").json["code"] == "own_order"
