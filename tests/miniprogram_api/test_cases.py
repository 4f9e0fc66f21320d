"""Following at the residents' door: one's own cases only, what happens next in plain words, replies and never notes."""

import pytest
from sqlalchemy import select

from app.core.database import transaction
from app.ledger.callbacks.models import Callback
from app.ledger.clocks import Deadline
from app.ledger.handling import record_contact
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.numbers import new_number
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Channel, State
from app.people.models import Staff
from tests.backstage import HAPPY, UNHAPPY
from tests.conftest import MONDAY
from tests.counting import statements


@pytest.fixture
def number(lin, street_light):
    return lin.post("/reports", street_light).json["number"]


def test_lin_sees_where_her_case_stands_and_what_happens_next(lin, number, street_light):
    shown = lin.get(f"/cases/{number}").json
    assert (shown["state"], shown["state_label"], shown["late"]) == ("submitted", "待受理", False)
    assert shown["what_next"] == "下一步：工作人员受理，11月23日 11:00 前。我们承诺 2027年1月5日 17:30 前全部办完。"
    assert shown["promised_by"] == "2027-01-05T17:30:00+08:00"
    assert [report["body"] for report in shown["reports"]] == [street_light["body"]]
    assert [line["what"] for line in shown["timeline"]] == ["登记"]
    assert shown["may_rate"] is False


def test_a_neighbour_cannot_see_the_case(chen, number):
    unknown = chen.get(f"/cases/{new_number(MONDAY)}")
    for answer in (
        chen.get(f"/cases/{number}"),
        chen.post(f"/cases/{number}/supplements", {"words": "我也想说"}),
        chen.post(f"/cases/{number}/information", {"words": "我也想说"}),
        chen.post(f"/cases/{number}/rating", HAPPY),
    ):
        assert answer.status_code == 404
        assert {**answer.json, "request_id": ""} == {**unknown.json, "request_id": ""}
    assert chen.get("/cases").json == {"items": [], "next_cursor": None}


def test_the_whole_road_is_told_in_plain_words_and_closed_by_the_rating(lin, number, backstage):
    told = {}
    steps = (backstage.accept, backstage.dispatch, backstage.sign, backstage.contact, backstage.report_result, backstage.let_pass)
    for step in steps:
        step(number)
        shown = lin.get(f"/cases/{number}").json
        told[shown["state"]] = shown["what_next"]
    assert told["accepted"].startswith("下一步：交给承办单位，11月23日 09:25 前。")
    assert told["dispatched"].startswith("下一步：承办单位签收，11月23日 09:30 前；工作人员与您联系，11月24日 09:10 前。")
    assert told["in_progress"].startswith("下一步：承办单位反馈办理结果，11月30日 17:30 前。")
    assert told["under_review"].startswith("下一步：核验办理结果，11月24日 17:30 前。")
    assert told["awaiting_callback"].startswith("下一步：请您评价办理结果，回访员也会与您联系，")
    assert all("我们承诺 2027年1月5日 17:30 前全部办完。" in words for words in told.values())
    assert shown["may_rate"] is True
    answer = lin.post(f"/cases/{number}/rating", HAPPY | {"speed": 5, "words": "很快，谢谢"})
    assert (answer.status_code, answer.json["state"]) == (201, "closed")
    shown = lin.get(f"/cases/{number}").json
    assert (shown["what_next"], shown["may_rate"]) == ("已办结，办理结果请看答复。", False)
    assert verify_ledger().breaks == []


def test_notes_and_names_of_staff_never_reach_the_person(session, lin, number, backstage):
    backstage.handle(number)
    told = lin.get(f"/cases/{number}").text
    assert "路灯已修好。" in told
    assert "内部" not in told
    assert not [name for name in session.scalars(select(Staff.name)) if name in told]


def test_a_reply_is_shown_only_once_it_has_passed_review(lin, number, backstage):
    for step in (backstage.accept, backstage.dispatch, backstage.sign, backstage.contact):
        step(number)
    backstage.report_result(number, "第一次的答复")
    assert "第一次的答复" not in lin.get(f"/cases/{number}").text
    backstage.send_back(number)
    assert "第一次的答复" not in lin.get(f"/cases/{number}").text
    backstage.report_result(number, "第二次的答复")
    assert "第二次的答复" not in lin.get(f"/cases/{number}").text
    backstage.let_pass(number)
    told = lin.get(f"/cases/{number}").text
    assert "第二次的答复" in told
    assert "第一次的答复" not in told


def test_her_own_words_come_back_to_lin_and_to_nobody_else(session, lin, number, cast, as_resident):
    assert lin.post(f"/cases/{number}/supplements", {"words": "昨晚有人摔倒了。"}).status_code == 201
    line = lin.get(f"/cases/{number}").json["timeline"][-1]
    assert (line["what"], line["who"], line["words"]) == ("补充说明", "您", "昨晚有人摔倒了。")


def test_a_question_is_shown_and_answered_while_the_clock_stands_still(session, lin, number, backstage, clock):
    backstage.ask(number, "请问是哪一根灯杆？")
    shown = lin.get(f"/cases/{number}").json
    assert shown["question"] == "请问是哪一根灯杆？"
    assert shown["what_next"] == "下一步：请您补充情况，11月30日 17:30 前。等您补充期间，我们的办理时限暂停计算。"
    refused = lin.post(f"/cases/{number}/supplements", {"words": "第三根"})
    assert (refused.status_code, refused.json["code"]) == (409, "illegal_move")
    answer = lin.post(f"/cases/{number}/information", {"words": "村口往东第三根。", "version": shown["version"]})
    assert (answer.status_code, answer.json["state"]) == (201, "submitted")
    assert lin.get(f"/cases/{number}").json["question"] is None


def test_an_answer_to_a_case_that_has_moved_on_is_refused_with_its_state(lin, number, backstage):
    backstage.ask(number, "哪一根？")
    answer = lin.post(f"/cases/{number}/information", {"words": "第三根", "version": 1})
    assert (answer.status_code, answer.json["facts"]["state"]) == (412, "info_requested")


def test_dissatisfaction_sends_the_case_back_to_work(session, lin, number, backstage):
    backstage.handle(number)
    assert lin.post(f"/cases/{number}/rating", UNHAPPY).json["state"] == "awaiting_callback"
    shown = lin.get(f"/cases/{number}").json
    assert shown["may_rate"] is False
    assert "研判" in shown["what_next"]
    backstage.triage(number)
    assert backstage.case(number).round == 2
    shown = lin.get(f"/cases/{number}").json
    assert shown["may_rate"] is False
    assert "承办单位反馈办理结果" in shown["what_next"]


def test_a_closed_case_may_be_rated_once_within_fifteen_days(session, lin, number, backstage, clock, as_staff):
    backstage.handle(number)
    assert lin.post(f"/cases/{number}/rating", HAPPY).status_code == 201
    again = lin.post(f"/cases/{number}/rating", UNHAPPY)
    assert (again.status_code, again.json["code"]) == (409, "already_rated")
    assert len(session.scalars(select(Callback)).all()) == 1


def test_a_rating_must_be_whole(lin, number, backstage):
    backstage.handle(number)
    for body, field in (
        ({"contacted": True, "solved": True}, "satisfaction"),
        (HAPPY | {"satisfaction": "so_so"}, "satisfaction"),
        (HAPPY | {"speed": 6}, "speed"),
        (HAPPY | {"words": " "}, "words"),
    ):
        answer = lin.post(f"/cases/{number}/rating", body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_whoever_filed_for_another_is_kindly_refused_a_rating(session, lin, cast, backstage, as_resident, street_light):
    lin_id, zheng = cast.residents["lin"].id, cast.residents["zheng"].id
    with transaction():
        receipt = take_in(
            as_resident("lin"),
            Submission(
                channel=Channel.MINI_PROGRAM, body="替隔壁郑伯反映：路灯坏了。", filer_resident_id=lin_id, concerned_id=zheng
            ),
        )
    backstage.handle(receipt.number)
    shown = lin.get(f"/cases/{receipt.number}").json
    assert (shown["state"], shown["may_rate"]) == ("awaiting_callback", False)
    answer = lin.post(f"/cases/{receipt.number}/rating", HAPPY)
    assert (answer.status_code, answer.json["code"]) == (403, "filer_may_not_rate")
    assert "当事人本人" in answer.json["title"]


def test_a_step_that_is_late_says_so_while_the_promise_still_holds(lin, number, clock):
    clock.advance(hours=3)
    shown = lin.get(f"/cases/{number}").json
    assert "工作人员受理，原定 11月23日 11:00 前，已超时，正在催办。" in shown["what_next"]
    assert shown["late"] is False


def test_a_promise_that_is_broken_is_shown_in_case_and_list(session, lin, number, clock):
    with transaction():
        overall = session.scalars(select(Deadline).where(Deadline.clock == "overall")).one()
        overall.due_at = clock()
    clock.advance(minutes=1)
    shown = lin.get(f"/cases/{number}").json
    assert shown["late"] is True
    assert "已经超过，督办人员会跟进。" in shown["what_next"]
    assert [case["late"] for case in lin.get("/cases").json["items"]] == [True]


def test_contacts_of_a_confidential_case_stay_out_of_the_units_words(session, lin, street_light, backstage, as_staff, clock):
    number = lin.post("/reports", street_light | {"confidential": True}).json["number"]
    for step in (backstage.accept, backstage.dispatch, backstage.sign):
        step(number)
    with transaction():
        record_contact(as_staff("lu"), number, how="phone", note="内部：本人接听")
    told = lin.get(f"/cases/{number}")
    assert [line["who"] for line in told.json["timeline"]][-1] == "回访员"
    assert "本人接听" not in told.text


def test_the_list_is_newest_first_page_by_page_and_filtered(lin, chen, street_light, backstage, clock):
    numbers = []
    for _ in range(5):
        clock.advance(minutes=31)  # the same words within half an hour would be one case
        numbers.append(lin.post("/reports", street_light).json["number"])
    chen.post("/reports", street_light)
    first = lin.get("/cases", limit=3).json
    second = lin.get("/cases", limit=3, cursor=first["next_cursor"]).json
    assert [case["number"] for case in first["items"] + second["items"]] == numbers[::-1]
    assert second["next_cursor"] is None
    backstage.accept(numbers[2])
    assert [case["number"] for case in lin.get("/cases", state="accepted").json["items"]] == [numbers[2]]
    assert lin.get("/cases", state="lost").status_code == 422


@pytest.mark.parametrize("cursor", ["WzEsMl0", "WyJ4IiwieSJd", "WyIyMDI2LTExLTIzVDA5OjAwOjAwIiwiMSJd", "WyIxIl0", "e30", "~"])
def test_a_forged_cursor_is_refused(lin, number, cursor):
    answer = lin.get("/cases", cursor=cursor)
    assert (answer.status_code, answer.json["code"]) == (422, "cursor_unreadable")


def test_lists_and_details_cost_the_same_however_many_there_are(lin, street_light, backstage):
    def cost(path):
        lin.get(path)  # whatever is held for some seconds, and the mark that the session was used, is paid here
        with statements() as sent:
            assert lin.get(path).status_code == 200
        return len(sent)

    number = lin.post("/reports", street_light).json["number"]
    one_listed, one_shown = cost("/cases"), cost(f"/cases/{number}")
    for _ in range(6):
        lin.post("/reports", street_light)
    for words in ("一", "二", "三", "四"):
        lin.post(f"/cases/{number}/supplements", {"words": words})
    backstage.accept(number)
    assert cost("/cases") == one_listed <= 4
    assert cost(f"/cases/{number}") == one_shown <= 8


def test_a_supplement_is_stored_once_by_its_key(session, lin, number):
    key = "7d1f2c1e-4f5b-4b8e-9d3c-0a1b2c3d4e5f"
    answers = [lin.post(f"/cases/{number}/supplements", {"words": "又坏了一盏"}, key=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(lin.get(f"/cases/{number}").json["timeline"]) == 2


def test_states_have_words_for_what_they_mean():
    from app.ledger.showing.outlook import _STANDS, _STEPS

    assert set(_STANDS) | set(_STEPS) == set(State)
