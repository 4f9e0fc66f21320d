"""Requests to come home: asked in the mini-program or at the desk, taken by one of the village, answered there, told throughout."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from app.core.clock import CHINA
from app.core.crypto import keyring
from app.core.database import db, transaction
from app.core.errors import Refusal
from app.core.stamp import Actor, ActorKind, Door, Role, Stamp
from app.demo.cast import PASSWORD, find_cast
from app.filings.homes.asking import HomeAsked, ask_home
from app.filings.homes.coming import take_home_request
from app.filings.homes.models import HomeRequest
from app.filings.models import ProxyFiling
from app.ledger.clocks import Deadline
from app.ledger.merging.joining import merge_cases
from app.ledger.merging.unmerging import unmerge_case
from app.ledger.models import Case, Entry
from app.ledger.shifts.closing import hand_over_account
from app.ledger.shifts.leaves import begin_and_end_leaves
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Action, Clock, Subject
from app.notices.models import Notice, Recipient
from app.people.duty.models import Leave
from app.people.models import IdentityAccess, Resident
from app.people.sessions import staff_actor
from tests.backstage import HAPPY
from tests.callers import Caller, grid_caller, resident_caller
from tests.conftest import MONDAY
from tests.counting import statements

PLACE = "柳林村一组 15 号"


@pytest.fixture
def asked(lin, cast):
    """Lin's request: her mother cannot walk to the village office."""
    body = {"what": "母亲瘫痪在床，想请人上门代办残疾证。", "grid": cast.grids["柳林村一网格"].code, "place": PLACE}
    answer = lin.post("/home-requests", body)
    assert answer.status_code == 201, answer.text
    return answer.json["number"]


@pytest.fixture
def fang(client, cast):
    answer = client.post("/desk/v1/sign-in", json={"login": "fang", "password": PASSWORD})
    return Caller(client, "/desk/v1", answer.json["token"])


def clocks(session, number):
    query = select(Deadline).join(Case, Case.id == Deadline.case_id).where(Case.number == number, Deadline.clock == Clock.ARRIVE)
    return session.scalars(query.order_by(Deadline.id)).all()


def told(session, template):
    query = select(Notice.recipient, Notice.recipient_id).where(Notice.template == template)
    return [tuple(row) for row in session.execute(query)]


def test_the_village_is_told_and_place_and_phone_are_sealed(session, asked, cast, clock, zhao, wu):
    row = session.scalars(select(HomeRequest)).one()
    assert (row.unit_id, row.take_by) == (cast.units["柳林村"].id, clock() + timedelta(hours=24))
    assert PLACE.encode() not in row.place
    assert keyring().decrypt(row.place, field="home_request.place") == PLACE
    assert keyring().decrypt(row.phone, field="home_request.phone") == "13800000001"
    assert {who for _, who in told(session, "home_request")} <= {cast.staff[each].id for each in ("hua", "wu", "zhou")}
    assert told(session, "home_request")
    (listed,) = wu.get("/home-requests", state="waiting").json["items"]
    assert (listed["number"], listed["taken_by"], listed["mine"]) == (asked, None, False)
    assert PLACE not in wu.get("/home-requests").text
    assert zhao.get("/home-requests").json["items"] == []


def test_one_takes_it_and_alone_learns_the_way(session, asked, wu, zhou, lin, cast, clock):
    come = clock() + timedelta(hours=5)
    answer = wu.post(f"/home-requests/{asked}/taking", {"come_by": come.isoformat()})
    assert (answer.status_code, answer.json["state"]) == (200, "taken")
    first, second = clocks(session, asked)
    assert (first.met_at, second.due_at, second.owner_staff_id) == (clock(), come, cast.staff["wu"].id)
    assert second.subject is Subject.CASE
    assert told(session, "take_visit") == [(Recipient.RESIDENT, cast.residents["lin"].id)]
    words = session.scalars(select(Notice.params).where(Notice.template == "take_visit")).one()
    assert words["arrive_due"]
    (own,) = lin.get("/home-requests").json["items"]
    assert (own["state"], own["taken_by"]) == ("taken", "吴村")
    late = zhou.post(f"/home-requests/{asked}/taking")
    assert (late.status_code, late.json["code"]) == (409, "already_taken")
    assert zhou.post(f"/home-requests/{asked}/contact").json["code"] == "home_request_not_found"
    assert wu.post(f"/home-requests/{asked}/contact").json == {"place": PLACE, "phone": "13800000001"}
    assert session.scalars(select(IdentityAccess.staff_id)).all() == [cast.staff["wu"].id]


def test_who_came_files_and_answers_and_the_person_rates(session, asked, wu, zhou, lin, cast, filing):
    refused = wu.post(f"/home-requests/{asked}/answer", {"reply": "已上门。", "category_id": cast.categories["低保"]})
    assert refused.json["code"] == "not_your_visit"
    early = wu.post("/filings", filing | {"home_request": asked})
    assert (early.status_code, early.json["code"]) == (404, "home_request_not_found")
    wu.post(f"/home-requests/{asked}/taking")
    assert wu.post("/filings", filing | {"home_request": asked}).status_code == 201
    assert session.scalars(select(ProxyFiling.home_request_id)).one() == session.scalars(select(HomeRequest.id)).one()
    assert zhou.post(f"/home-requests/{asked}/answer", {"reply": "我去过了"}).json["code"] == "not_your_visit"
    missing = wu.post(f"/home-requests/{asked}/answer", {"reply": "已上门拍照，代办申请已提交。"})
    assert list(missing.json["errors"]) == ["category_id"]
    body = {"reply": "已上门拍照，代办申请已提交。", "category_id": cast.categories["低保"]}
    assert wu.post(f"/home-requests/{asked}/answer", body).json["state"] == "visited"
    case = session.scalars(select(Case).where(Case.number == asked)).one()
    assert (case.state.value, case.outcome.value) == ("awaiting_callback", "on_the_spot")
    assert all(clock.met_at for clock in clocks(session, asked))
    assert wu.post(f"/home-requests/{asked}/answer", body).json["code"] == "home_request_over"
    assert wu.post(f"/cases/{asked}/rating", HAPPY).status_code == 404
    assert lin.post(f"/cases/{asked}/rating", HAPPY).json["state"] == "closed"


def test_a_cadre_answers_no_other_case_on_the_spot(wu, zhou, lin, cast):
    said = {"body": "路灯不亮", "grid": cast.grids["柳林村一网格"].code, "category_id": cast.categories["路灯照明"]}
    number = lin.post("/reports", said).json["number"]
    assert wu.post(f"/cases/{number}/answer", {"reply": "已修好。"}).status_code == 403
    assert zhou.post(f"/cases/{number}/answer", {"reply": "已修好。"}).status_code == 201


def test_nobody_can_come_and_the_desk_goes_on(session, asked, wu, zhou, lin, cast):
    assert wu.post(f"/home-requests/{asked}/declining", {"reply": " "}).status_code == 422
    wu.post(f"/home-requests/{asked}/taking")
    assert zhou.post(f"/home-requests/{asked}/declining", {"reply": "没空"}).json["code"] == "not_your_visit"
    answer = wu.post(f"/home-requests/{asked}/declining", {"reply": "村里道路封闭，三天内不能上门，请先由家人代办。"})
    assert answer.json["state"] == "declined"
    assert all(clock.met_at for clock in clocks(session, asked))
    assert (Recipient.RESIDENT, cast.residents["lin"].id) in told(session, "decline_visit")
    assert told(session, "decline_visit_intake")
    shown = lin.get(f"/cases/{asked}").json
    assert (shown["state"], shown["timeline"][-1]["words"]) == ("submitted", "村里道路封闭，三天内不能上门，请先由家人代办。")
    assert wu.post(f"/home-requests/{asked}/taking").json["code"] == "home_request_over"
    assert (
        lin.post("/home-requests", {"what": "再请上门。", "grid": cast.grids["柳林村一网格"].code, "place": "家"}).status_code
        == 201
    )


def test_one_request_at_a_time_until_it_is_withdrawn(asked, lin, wu, cast):
    body = {"what": "再请上门。", "grid": cast.grids["柳林村一网格"].code, "place": "家"}
    assert lin.post("/home-requests", body).json["code"] == "home_request_open"
    assert lin.post(f"/cases/{asked}/withdrawal", {"words": "不用来了"}).json["state"] == "withdrawn"
    assert wu.post(f"/home-requests/{asked}/taking").json["code"] == "home_request_over"
    assert wu.get("/home-requests", state="waiting").json["items"] == []
    assert lin.post("/home-requests", body).status_code == 201


def test_once_the_desk_has_it_handled_nobody_comes(session, asked, wu, zhou, backstage, clock):
    backstage.accept(asked)
    wu.post(f"/home-requests/{asked}/taking")
    backstage.dispatch(asked)
    assert not [each for each in clocks(session, asked) if each.met_at is None and each.cancelled_at is None]
    assert wu.get("/home-requests", state="taken").json["items"] == []
    for deed, body in (("declining", {"reply": "不去"}), ("answer", {"reply": "去过"}), ("contact", None)):
        assert wu.post(f"/home-requests/{asked}/{deed}", body).json["code"] == "home_request_over"


def test_what_was_taken_is_given_back_and_somebody_else_comes(session, asked, wu, zhou, lin, cast, clock):
    zhou.post(f"/home-requests/{asked}/taking")
    clock.advance(hours=2)
    early = zhou.post(f"/home-requests/{asked}/giving-back", {"reason": " "})
    assert early.status_code == 422
    first = session.scalars(select(HomeRequest.take_by)).one()
    given = zhou.post(f"/home-requests/{asked}/giving-back", {"reason": "孩子发烧，今天去不了。"})
    assert (given.status_code, given.json) == (200, {"state": "waiting", "come_by": None})
    assert (Recipient.RESIDENT, cast.residents["lin"].id) in told(session, "give_back_visit")
    session.expire_all()
    assert session.scalars(select(HomeRequest.take_by)).one() == first + timedelta(hours=2)  # what is left of it runs on
    *_, waiting = clocks(session, asked)
    assert (waiting.owner_staff_id, waiting.cancelled_at, waiting.due_at) == (None, None, first + timedelta(hours=2))
    assert "孩子发烧" not in lin.get(f"/cases/{asked}").text
    body = {"reply": "已上门。", "category_id": cast.categories["低保"]}
    assert zhou.post(f"/home-requests/{asked}/answer", body).json["code"] == "not_your_visit"
    assert zhou.post(f"/home-requests/{asked}/giving-back", {"reason": "再退"}).json["code"] == "not_your_visit"
    assert wu.post(f"/home-requests/{asked}/taking").json["state"] == "taken"
    assert wu.post(f"/home-requests/{asked}/answer", body).json["state"] == "visited"


def test_of_a_taker_who_is_gone_the_cadre_gives_back_and_anybody_once_the_time_is_past(session, asked, wu, zhou, zhao, clock):
    zhou.post(f"/home-requests/{asked}/taking")
    assert zhao.post(f"/home-requests/{asked}/giving-back", {"reason": "不在"}).status_code == 404
    assert wu.post(f"/home-requests/{asked}/giving-back", {"reason": "周格请假。"}).json["state"] == "waiting"
    wu.post(f"/home-requests/{asked}/taking", {"come_by": (clock() + timedelta(hours=5)).isoformat()})
    assert zhou.post(f"/home-requests/{asked}/giving-back", {"reason": "没人来"}).json["code"] == "not_your_visit"
    clock.advance(hours=6)
    assert zhou.post(f"/home-requests/{asked}/giving-back", {"reason": "约的时间过了没人来。"}).json["state"] == "waiting"


def test_who_leaves_gives_back_what_they_had_taken(session, asked, wu, zhou, cast, clock, as_system, stamp):
    zhou.post(f"/home-requests/{asked}/taking")
    with transaction():
        hand_over_account(stamp, cast.staff["zhou"].id, colleague_id=cast.staff["wu"].id)
    session.expire_all()
    request = session.scalars(select(HomeRequest)).one()
    assert (request.state.value, request.staff_id) == ("waiting", None)
    wu.post(f"/home-requests/{asked}/taking", {"come_by": (clock() + timedelta(days=2)).isoformat()})
    with transaction():
        until = clock() + timedelta(days=3)
        by = {"reason": "事假", "put_at": clock(), "put_by": cast.staff["sun"].id}
        session.add(Leave(staff_id=cast.staff["wu"].id, starts_at=clock(), until=until, **by))
    begin_and_end_leaves(as_system)
    session.expire_all()
    assert session.scalars(select(HomeRequest.state)).one().value == "waiting"
    assert len(told(session, "give_back_visit")) == 2
    assert zhou.post(f"/home-requests/{asked}/taking").json["state"] == "taken"


def test_who_is_on_the_way_is_told_that_it_is_off(session, asked, wu, lin, cast):
    wu.post(f"/home-requests/{asked}/taking")
    assert lin.post(f"/cases/{asked}/withdrawal", {"words": "不用来了"}).json["state"] == "withdrawn"
    assert told(session, "visit_over") == [(Recipient.STAFF, cast.staff["wu"].id)]
    assert told(session, "visit_over_persons") == []  # she said so herself
    session.expire_all()
    (listed,) = wu.get("/home-requests", state="over").json["items"]
    assert (listed["number"], listed["mine"]) == (asked, True)
    assert session.scalars(select(HomeRequest.ended_at)).one() is not None


def test_what_a_unit_handles_nobody_comes_for_and_both_are_told(session, asked, wu, cast, backstage):
    backstage.accept(asked)
    wu.post(f"/home-requests/{asked}/taking")
    backstage.dispatch(asked)
    assert told(session, "visit_over") == [(Recipient.STAFF, cast.staff["wu"].id)]
    assert told(session, "visit_over_persons") == [(Recipient.RESIDENT, cast.residents["lin"].id)]
    assert wu.get("/home-requests", mine="true").json["items"][0]["state"] == "over"


def test_a_merged_request_rests_and_comes_back_when_the_merge_is_undone(client, session, asked, wu, cast, as_staff, backstage):
    said = {"body": "母亲瘫痪，想办残疾证。", "grid": cast.grids["柳林村一网格"].code}
    other = resident_caller(client, "chen").post("/reports", said).json["number"]
    backstage.accept(other)
    wu.post(f"/home-requests/{asked}/taking")
    with transaction():
        merge_cases(as_staff("du"), other, numbers=[asked], reply="同一件事，合并办理。")
    assert told(session, "visit_over") == [(Recipient.STAFF, cast.staff["wu"].id)]
    assert wu.get("/home-requests", state="over").json["items"][0]["number"] == asked
    assert wu.get("/home-requests", state="taken").json["items"] == []
    with transaction():
        unmerge_case(as_staff("du"), asked, note="不是一件事")
    assert wu.get("/home-requests", state="taken").json["items"][0]["number"] == asked
    body = {"reply": "已上门。", "category_id": cast.categories["低保"]}
    assert wu.post(f"/home-requests/{asked}/answer", body).json["state"] == "visited"


def test_the_roster_tells_the_way_only_to_the_residents_own_grid(session, lin, cast):
    with transaction():
        own = session.get(Resident, cast.residents["lin"].id)
        own.household_id, own.grid_id = cast.households["林秀英"].id, cast.grids["柳林村一网格"].id
    body = {"what": "请上门代办。", "grid": cast.grids["柳林村二网格"].code}
    assert list(lin.post("/home-requests", body).json["errors"]) == ["place"]
    assert lin.post("/home-requests", {"what": "请上门代办。"}).status_code == 201


def test_another_village_and_who_is_no_cadre_find_nothing(client, asked, zhao):
    hua = grid_caller(client, "hua", PASSWORD)
    unknown = zhao.post("/home-requests/2026112399999996/taking")
    for caller in (zhao, hua):
        for deed, body in (("taking", None), ("contact", None), ("declining", {"reply": "不去"}), ("answer", {"reply": "去过"})):
            answer = caller.post(f"/home-requests/{asked}/{deed}", body)
            assert answer.status_code == 404, (deed, answer.text)
    assert zhao.post(f"/home-requests/{asked}/taking").json["title"] == unknown.json["title"]
    assert hua.get("/home-requests").status_code == 403


def test_what_nobody_takes_is_late_and_the_village_is_told(session, asked, clock, as_system, cast):
    clock.advance(hours=25)
    sweep(as_system)
    (waiting,) = clocks(session, asked)
    assert waiting.breached_at is not None
    entries = session.scalars(select(Entry.facts).where(Entry.action == Action.BREACH_CLOCK)).all()
    assert waiting.id in [facts["deadline"] for facts in entries]


BAD = [
    ({"what": "👍"}, "what"),
    ({"grid": "0000"}, "grid"),
    ({"grid": None}, "grid"),
    ({"place": None}, "place"),
    ({"phone": "12"}, "phone"),
    ({"wished_at": "2026-11-01T09:00:00+08:00"}, "wished_at"),
    ({"wished_at": "2027-11-01T09:00:00+08:00"}, "wished_at"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_bad_input_names_its_field_and_stores_nothing(session, lin, cast, change, field):
    body = {"what": "请上门代办。", "grid": cast.grids["柳林村一网格"].code, "place": PLACE}
    answer = lin.post("/home-requests", body | change)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert session.scalars(select(Case)).all() == []


def test_the_desk_asks_for_a_caller_who_follows_by_code(session, fang, wu, nobody, cast, clock):
    wished = (clock() + timedelta(days=2)).astimezone(CHINA)
    body = {
        "name": "钱大妈", "phone": "13800000041", "what": "腿脚不便，想请人上门办老年证。", "place": "柳林村二组 3 号",
        "grid": cast.grids["柳林村一网格"].code, "wished_at": wished.isoformat(),
    }  # fmt: skip
    answer = fang.post("/home-requests", body)
    assert answer.status_code == 201, answer.text
    number, code = answer.json["number"], answer.json["claim_code"]
    assert wu.post(f"/home-requests/{number}/taking").json["come_by"] == wished.isoformat()
    shown = nobody.post("/look-ups", {"number": number, "claim_code": code}).json
    assert [line["what"] for line in shown["timeline"]] == ["登记", "接单上门"]
    answer = fang.client.post("/desk/v1/sign-in", json={"login": "he", "password": PASSWORD})
    he = Caller(fang.client, "/desk/v1", answer.json["token"])
    assert he.post("/home-requests", body).json["code"] == "asked_at_the_desk"


def test_a_list_of_requests_costs_the_same_however_many_there_are(wu, fang, cast):
    def cost():
        with statements() as sent:
            assert wu.get("/home-requests").status_code == 200
        return len(sent)

    def ask(place):
        name, phone = f"村民{'甲乙丙丁戊己'[place]}", f"1380000005{place}"
        body = {"name": name, "phone": phone, "what": "请上门。", "place": "家", "grid": cast.grids["柳林村一网格"].code}
        assert fang.post("/home-requests", body).status_code == 201

    ask(0)
    before = cost()
    for place in range(1, 6):
        ask(place)
    assert cost() == before <= 4


def test_of_two_who_take_at_once_one_does(committed):
    with committed.app_context():
        cast = find_cast()
        lin = Stamp(Actor(ActorKind.RESIDENT, cast.residents["lin"].id), Role.RESIDENT, MONDAY, Door.MINI_PROGRAM)
        with transaction():
            number = ask_home(lin, HomeAsked(what="请上门。", grid=cast.grids["柳林村一网格"].code, place="家")).number
        actors = [staff_actor(cast.staff[login].id) for login in ("wu", "zhou")]
    ready, done = Barrier(2), []

    def take(actor):
        with committed.app_context():
            ready.wait()
            try:
                with transaction():
                    take_home_request(Stamp(actor, actor.posts[0].role, MONDAY, Door.GRID), number)
                done.append("taken")
            except Refusal as refusal:
                done.append(refusal.code())
            finally:
                db.session.remove()

    threads = [Thread(target=take, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == ["already_taken", "taken"]
