"""Handling in the field: who the village hands a case to signs, contacts and reports it from the spot; far off warns only."""

import pytest
from sqlalchemy import delete, select

from app.core.database import transaction
from app.demo.cast import PASSWORD
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case
from app.ledger.handling import dispatch_case, pass_result, sign_case
from app.ledger.models import Assignment, Case, Category, Entry
from app.ledger.vocabulary import Action, Clock, Duty, Kind, Urgency, VerifyBy
from app.notices.models import Notice
from app.people.models import IdentityAccess, StaffGrid, StaffPost
from tests.callers import grid_caller
from tests.counting import statements

HERE = {"latitude": 33.54, "longitude": 117.55, "datum": "wgs84"}
NEAR = {"latitude": 33.5401, "longitude": 117.55, "datum": "wgs84"}
ABROAD = {"latitude": 48.85, "longitude": 2.35, "datum": "wgs84"}
RESULT = {"reply": "沟已清通，请放心。", "note": "清淤 30 米", "solved": True}


@pytest.fixture
def hua(client):
    return grid_caller(client, "hua", PASSWORD)


@pytest.fixture
def given(lin, cast, clock, as_staff):
    """Makes a case of Lin's in 柳林村一网格 that is dispatched to units, the first of which leads."""

    def make(lead="柳林村", assists=(), *, grid="柳林村一网格", urgency=None, **said):
        clock.advance(minutes=40)
        body = {"body": f"水沟堵了，{clock():%H%M}。", "grid": cast.grids[grid].code, "point": HERE}
        number = lin.post("/reports", body | said).json["number"]
        settled = {"category_id": cast.categories["沟渠灌溉"], "grid_id": cast.grids[grid].id, "urgency": urgency}
        with transaction():
            accept_case(as_staff("fang"), number, kind=Kind.HELP, **settled)
            ids = [cast.units[name].id for name in (lead, *assists)]
            dispatch_case(as_staff("du"), number, lead_unit_id=ids[0], assist_unit_ids=ids[1:])
        return number

    return make


def entry(session, action):
    return session.execute(select(Entry.facts, Entry.role).where(Entry.action == action).order_by(Entry.id.desc()).limit(1)).one()


def numbers(caller, **query):
    return [each["number"] for each in caller.get("/work", **query).json["items"]]


def test_a_village_hands_its_part_to_a_grid_worker_who_does_the_whole_work(session, wu, zhou, hua, given, cast, clock):
    number = given()
    assert wu.get("/work/hands").json == [{"login": "zhou", "name": "周格", "unit": "柳林村"}]
    assert wu.post(f"/cases/{number}/handing-on", {"worker": "zhou", "note": "请去看看"}).status_code == 200
    part = session.scalars(select(Assignment)).one()
    assert part.handler_id == cast.staff["zhou"].id
    owners = session.scalars(select(Deadline.owner_staff_id).where(Deadline.clock == Clock.RESOLVE)).all()
    assert owners == [cast.staff["zhou"].id]
    told = session.scalars(select(Notice.recipient_id).where(Notice.template == "hand_to")).all()
    assert told == [cast.staff["zhou"].id]
    (row,) = zhou.get("/work").json["items"]
    assert (row["number"], row["why"], row["duty"], row["signed"]) == (number, "mine", "lead", False)
    assert zhou.post(f"/cases/{number}/signature").json["state"] == "in_progress"
    assert entry(session, Action.SIGN).role.value == "grid_worker"
    assert zhou.post(f"/cases/{number}/dial").json == {"phone": "13800000001"}
    assert session.scalars(select(IdentityAccess.staff_id)).all() == [cast.staff["zhou"].id]
    said = zhou.post(f"/cases/{number}/contact", {"how": "visit", "note": "当面看了现场", "point": NEAR})
    assert (said.json["metres_off"], said.json["far_off"]) == (11, False)
    assert entry(session, Action.CONTACT).facts["metres_off"] == 11
    done = zhou.post(f"/cases/{number}/result", RESULT | {"point": ABROAD})
    assert (done.status_code, done.json["state"], done.json["far_off"]) == (200, "under_review", True)
    assert entry(session, Action.SUBMIT_RESULT).facts["metres_off"] > 1_000_000
    assert numbers(zhou) == numbers(hua) == []


def test_who_was_handed_nothing_handles_nothing(zhou, zhao, wu, given, session):
    number = given()
    for path, body in (
        ("signature", None),
        ("contact", {"how": "phone", "note": "联系过"}),
        ("result", RESULT),
        ("assist-result", {"note": "配合"}),
        ("dial", None),
        ("handing-on", {"worker": "zhou"}),
        ("requests", {"kind": "extend", "note": "要料", "amount": 1, "reason_code": "larger_works"}),
    ):
        inside, outside = zhou.post(f"/cases/{number}/{path}", body), zhao.post(f"/cases/{number}/{path}", body)
        assert inside.status_code in (403, 409), (path, inside.text)
        assert (outside.status_code, outside.json["code"]) == (404, "case_not_found"), path
    assert wu.post(f"/cases/{number}/signature").status_code == 403
    assert numbers(zhou) == numbers(zhao) == []


def test_a_case_outside_ones_grids_is_seen_once_handed_and_no_more_once_taken_back(session, zhou, hua, given, cast):
    number = given(grid="柳林村二网格")
    assert zhou.get(f"/cases/{number}").status_code == 404
    assert hua.post(f"/cases/{number}/handing-on", {"worker": "zhou"}).status_code == 200
    assert zhou.get(f"/cases/{number}").status_code == 200
    assert numbers(zhou) == [number]
    with transaction():
        session.scalars(select(Assignment)).one().handler_id = cast.staff["hua"].id
    assert zhou.get(f"/cases/{number}").status_code == 404
    assert numbers(zhou) == []


def test_it_is_handed_to_the_villages_own_grid_workers_by_its_own_people(wu, zhao, given, client):
    number = given()
    for login in ("zhao", "hua", "nobody"):
        answer = wu.post(f"/cases/{number}/handing-on", {"worker": login})
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["worker"]), login
    assert zhao.post(f"/cases/{number}/handing-on", {"worker": "zhao"}).status_code == 404
    liu = grid_caller(client, "liu", PASSWORD)
    assert liu.post(f"/cases/{number}/handing-on", {"worker": "zhou"}).json["code"] == "not_your_unit"
    township = given("柳河镇")
    assert wu.post(f"/cases/{township}/handing-on", {"worker": "zhou"}).json["code"] == "not_your_unit"


def test_a_confidential_case_stays_with_the_villages_handler(session, hua, wu, zhou, given):
    number = given(confidential=True)
    assert hua.post(f"/cases/{number}/handing-on", {"worker": "zhou"}).json["code"] == "hidden_from_grid"
    assert wu.post(f"/cases/{number}/handing-on", {"worker": "zhou"}).status_code == 404
    assert numbers(wu) == numbers(zhou) == []
    assert numbers(hua) == [number]


def test_the_handler_works_at_the_grid_door_and_asks_from_the_phone(session, hua, given, cast):
    number = given()
    assert hua.post(f"/cases/{number}/signature").status_code == 200
    early = hua.post(f"/cases/{number}/result", RESULT)
    assert (early.status_code, early.json["code"]) == (409, "contact_missing")
    asked = {"kind": "extend", "note": "要等石料", "amount": 3, "reason_code": "larger_works"}
    answer = hua.post(f"/cases/{number}/requests", asked)
    assert (answer.status_code, answer.json["state"]) == (201, "pending")
    assert hua.post(f"/cases/{number}/requests", asked).json["code"] == "request_pending"
    assert hua.post(f"/cases/{number}/requests/{answer.json['id']}/withdrawal").status_code == 200
    unknown = {"kind": "support", "note": "要挖机", "units": ["0000"], "reason_code": "needs_others"}
    assert list(hua.post(f"/cases/{number}/requests", unknown).json["errors"]) == ["units"]
    assert hua.post(f"/cases/{number}/requests", asked | {"kind": "terminate"}).status_code == 422
    stale = hua.post(f"/cases/{number}/contact", {"how": "phone", "note": "联系", "version": 1})
    assert stale.status_code == 412


def test_the_one_who_was_handed_it_asks_to_return_and_reports_an_assists_part(session, hua, zhou, given, cast, as_staff):
    number = given()
    hua.post(f"/cases/{number}/handing-on", {"worker": "zhou"})
    asked = {"kind": "return", "note": "水利站管的渠", "units": [cast.units["水利局"].code], "reason_code": "wrong_unit"}
    assert zhou.post(f"/cases/{number}/requests", asked).status_code == 201
    other = given("水利局", ["柳林村"])
    with transaction():
        sign_case(as_staff("shui"), other)
    assert hua.post(f"/cases/{other}/handing-on", {"worker": "zhou"}).status_code == 200
    assert zhou.post(f"/cases/{other}/assist-result", {"note": "已配合"}).json["code"] == "not_signed"
    assert zhou.post(f"/cases/{other}/signature").status_code == 200
    done = zhou.post(f"/cases/{other}/assist-result", {"note": "已配合疏导", "point": HERE})
    assert (done.status_code, done.json["metres_off"]) == (200, 0)
    assert entry(session, Action.SUBMIT_ASSIST).facts["metres_off"] == 0
    assert zhou.post(f"/cases/{other}/result", RESULT).json["code"] == "not_your_unit"


def test_the_list_has_urgent_cases_first_then_by_due_and_goes_on_by_its_cursor(hua, given, clock):
    ordinary = [given() for _ in range(3)]
    urgent = given(urgency=Urgency.URGENT)
    assert numbers(hua) == [urgent, *ordinary]
    first = hua.get("/work", limit=2).json
    rest = hua.get("/work", limit=2, cursor=first["next_cursor"]).json
    assert [each["number"] for each in first["items"] + rest["items"]] == [urgent, *ordinary]
    assert hua.get("/work", cursor="x").status_code == 422
    assert numbers(hua, why="mine") == []
    assert numbers(hua, why="unit") == [urgent, *ordinary]
    assert hua.get("/work").json["items"][0]["duty"] == Duty.LEAD


def test_results_to_look_at_stand_on_the_list_of_the_grids_worker(session, zhou, zhao, hua, given, cast, as_staff):
    with transaction():
        session.get(Category, cast.categories["沟渠灌溉"]).verify_by = VerifyBy.LOOK
    from app.core.held import forget_all

    forget_all()
    number = given("水利局")
    assert numbers(zhou) == []
    with transaction():
        sign_case(as_staff("shui"), number)
    shui = grid_caller(zhou.client, "shui", PASSWORD)
    shui.post(f"/cases/{number}/contact", {"how": "phone", "note": "联系过"})
    assert shui.post(f"/cases/{number}/result", RESULT).status_code == 200
    assert numbers(zhou) == numbers(zhou, why="look") == [number]
    assert numbers(zhao) == []
    with transaction():
        pass_result(as_staff("qin"), number, note="核验通过")
    assert zhou.post(f"/cases/{number}/look", {"solved": True, "words": "水流通畅"}).status_code == 201
    assert numbers(zhou) == []


def test_the_list_costs_the_same_however_many_there_are(hua, given):
    def cost():
        with statements() as sent:
            assert hua.get("/work").status_code == 200
        return len(sent)

    given()
    before = cost()
    for _ in range(4):
        given()
    assert cost() == before <= 5


def test_a_worker_whose_post_ended_handles_no_more(session, zhou, hua, given, cast):
    number = given()
    hua.post(f"/cases/{number}/handing-on", {"worker": "zhou"})
    with transaction():
        post = session.scalars(select(StaffPost).where(StaffPost.staff_id == cast.staff["zhou"].id)).one()
        post.unit_id = cast.units["河湾村"].id
    session.execute(delete(StaffGrid))
    assert zhou.post(f"/cases/{number}/signature").status_code == 404
    assert numbers(zhou) == []
    assert session.scalars(select(Case.state)).one().value == "dispatched"
