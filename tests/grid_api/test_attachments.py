"""What is photographed when something is filed for others: attached with the report, seen by who handles it and by the person."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.clock import CHINA
from app.core.database import db
from app.demo.cast import PASSWORD
from app.files.models import File, FileLink, FileSubject
from app.ledger.models import Report
from tests.callers import Caller
from tests.pictures import announced, photo, upload


@pytest.fixture
def du(client, cast):
    """The clerk of the county's hall at the desk, who sees every case."""
    answer = client.post("/desk/v1/sign-in", json={"login": "du", "password": PASSWORD})
    return Caller(client, "/desk/v1", answer.json["token"])


def picture(caller, color="red"):
    answer = upload(caller, photo(color=color, located=True))
    assert answer.json["state"] == "ready", answer.text
    return answer.json["id"]


def seen_in_case(caller, number):
    return [file["id"] for report in caller.get(f"/cases/{number}").json["reports"] for file in report["files"]]


def reports():
    return db.session.scalar(select(func.count()).select_from(Report))


def test_what_a_cadre_photographs_at_the_bedside_goes_with_the_filing(wu, du, client, filing, kept):
    mine = [picture(wu, color) for color in ("red", "green")]
    filed = wu.post("/filings", filing | {"files": mine})
    assert filed.status_code == 201, filed.text
    number = filed.json["number"]
    assert seen_in_case(wu, number) == seen_in_case(du, number) == mine
    asked = {"number": number, "claim_code": filed.json["claim_code"]}
    (said,) = client.post("/miniprogram/v1/look-ups", json=asked).json["reports"]
    assert [file["id"] for file in said["files"]] == mine
    assert db.session.scalars(select(File.position).where(File.id.in_(mine))).all() == [None, None]


def test_an_upload_that_is_anothers_or_has_not_arrived_files_nothing(wu, zhou, filing, kept):
    half = wu.post("/uploads", announced(photo())).json["id"]
    answer = wu.post("/filings", filing | {"files": [picture(zhou), half]})
    assert (answer.status_code, answer.json["code"]) == (422, "files_unfit")
    assert answer.json["errors"] == {"files": ["第 1 个附件不存在，或不是您上传的", "第 2 个附件还没有上传完"]}
    assert reports() == 0


def test_who_works_on_an_order_sees_what_was_photographed_for_it(wu, zhou, du, cast, kept):
    mine = picture(wu)
    wanted = {"item": "medicine", "resident_id": cast.residents["zheng"].id, "place": "一组 12 号", "files": [mine]}
    number = wu.post("/service-orders", wanted).json["number"]
    assert wu.post(f"/service-orders/{number}/taking").status_code == 201
    assert [file["id"] for file in wu.post(f"/service-orders/{number}/contact").json["files"]] == [mine]
    assert seen_in_case(du, number) == [mine]
    assert zhou.post(f"/service-orders/{number}/contact").status_code == 403


def test_what_a_call_makes_has_its_photos(wu, du, cast, clock, kept):
    call = {"at": (clock() - timedelta(minutes=2)).astimezone(CHINA).isoformat(), "outcome": "registered", "number": "13900001111"}
    said, ordered = picture(wu), picture(wu, "green")
    call |= {"grid": cast.grids["柳林村一网格"].code}
    report = {"body": "二组的路灯不亮。", "kind": "help", "files": [said]}
    assert seen_in_case(du, wu.post("/calls", call | {"report": report}).json["case"]) == [said]
    order = {"item": "necessities", "words": "一袋米", "place": "一组 3 号", "files": [ordered]}
    assert seen_in_case(du, wu.post("/calls", call | {"order": order}).json["case"]) == [ordered]


def test_everything_said_at_a_talk_has_its_own_photos_and_a_wrong_one_is_named_by_its_place(wu, du, cast, kept):
    meeting = {"held_on": "2026-11-22", "place": "村部", "chair": "吴村", "attendants": 3, "village": cast.units["柳林村"].code}
    grid, mine = cast.grids["柳林村一网格"].code, picture(wu)
    said = [{"words": words, "kind": "help", "grid": grid} for words in ("二组的路灯不亮。", "村口水沟堵了。")]
    wrong = wu.post("/talks", meeting | {"items": [said[0], said[1] | {"files": [999_999]}]})
    assert wrong.json["errors"] == {"items.1.files": ["第 1 个附件不存在，或不是您上传的"]}
    assert reports() == 0
    items = wu.post("/talks", meeting | {"items": [said[0], said[1] | {"files": [mine]}]}).json["items"]
    assert [seen_in_case(du, item["number"]) for item in items] == [[], [mine]]
    assert db.session.scalars(select(FileLink.subject)).all() == [FileSubject.REPORT]
