"""Supervision at the desk: who may press, lists by scope, slips, answers, meetings, counts."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.core.stamp import Door, Role, Stamp
from app.ledger.models import Case, Entry
from app.ledger.moves import Words, move_case
from app.ledger.numbers import new_number
from app.ledger.supervision.models import Urging
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action
from app.people.sessions import staff_actor
from app.people.staff import enrol_hashed
from tests.counting import statements

PHONE = {"mode": "phone", "words": "请今天到现场处理"}
WRITTEN = {"mode": "written", "words": "请于三日内办结并反馈"}


def post(desk, login, path, body, *, expect=201, **more):
    answer = desk(login).post(path, body, **more)
    assert answer.status_code == expect, answer.text
    return answer.json


def get(desk, login, path, *, expect=200, **query):
    answer = desk(login).get(path, **query)
    assert answer.status_code == expect, answer.text
    return answer.json


@pytest.fixture
def urged(road, desk):
    """A case in hand, urged in writing; gives the slip."""
    road.signed()
    return post(desk, "sun", "/supervision/urgings", WRITTEN | {"numbers": [road.number]})["items"][0]


@pytest.fixture
def townships(cast, session):
    """Supervisors of two townships: `liuhe` (where the cases lie) and `shiqiao`."""
    for login, unit in (("liuhe", "柳河镇"), ("shiqiao", "石桥镇")):
        posts = [(Role.SUPERVISOR, cast.units[unit].id)]
        cast.staff[login] = enrol_hashed(login=login, name=login, password_hash="-", posts=posts)


def test_a_written_urging_goes_out_as_a_numbered_slip(road, desk, urged):
    assert (urged["number"], urged["slip"], urged["state"]) == (road.number, "催〔2026〕0001号", "issued")
    slip = get(desk, "he", f"/supervision/urgings/{urged['id']}/slip")
    assert (slip["kind_label"], slip["slip"], slip["unit"], slip["persons"]) == (
        "催办单",
        "催〔2026〕0001号",
        "城市管理局",
        ["何城"],
    )
    assert slip["issued_by"] == "孙督"
    assert "王桂花" not in str(slip)
    listed = get(desk, "he", f"/cases/{road.number}/supervision")["items"]
    assert [(row["kind"], row["mode_label"], row["words"], row["by"]) for row in listed] == [
        ("urging", "书面", WRITTEN["words"], "孙督")
    ]
    assert get(desk, "fang", f"/supervision/urgings/{urged['id']}/slip", expect=404)["code"] == "slip_not_found"


def test_the_same_key_urges_once(road, desk, session):
    road.signed()
    key = str(uuid4())
    body = PHONE | {"numbers": [road.number]}
    first = post(desk, "sun", "/supervision/urgings", body, key=key)
    assert post(desk, "sun", "/supervision/urgings", body, key=key) == first
    assert session.scalar(select(func.count()).select_from(Urging)) == 1
    assert session.scalar(select(func.count()).select_from(Entry).where(Entry.action == Action.URGE)) == 1


def test_all_cases_of_a_call_are_urged_or_none(road, desk, session):
    road.signed()
    body = PHONE | {"numbers": [road.number, new_number(road.clock())]}
    assert post(desk, "sun", "/supervision/urgings", body, expect=404)["code"] == "case_not_found"
    assert session.scalar(select(func.count()).select_from(Urging)) == 0


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"numbers": []}, "numbers"),
        ({"mode": "letter"}, "mode"),
        ({"words": "  "}, "words"),
        ({"person_times": 0}, "person_times"),
        ({"others": ["甲", "乙"], "person_times": 1}, "person_times"),
        ({"unit": "nowhere"}, "unit"),
        ({"staff": ["shui"]}, "staff"),
        ({"draft": True}, "draft"),
    ],
)
def test_what_is_amiss_is_named_by_its_field(road, desk, more, field):
    road.signed()
    refused = post(desk, "sun", "/supervision/urgings", PHONE | {"numbers": [road.number]} | more, expect=422)
    assert field in refused["errors"]


@pytest.mark.parametrize("login", ["fang", "he", "qin", "lu"])
def test_others_do_not_urge_in_their_own_name(road, desk, login):
    road.signed()
    refused = post(desk, login, "/supervision/urgings", PHONE | {"numbers": [road.number]}, expect=403)
    assert refused["code"] == "not_your_move"


def test_the_desk_records_that_the_resident_urged(road, desk):
    road.signed()
    road.do("lu", "/resident-urging", {"words": "来电再次催办"})
    road.do("he", "/resident-urging", {"words": "没有人催"}, expect=403)
    road.do("lu", "/resident-urging", {"words": "再催", "version": 1}, expect=412)
    (row,) = get(desk, "sun", f"/cases/{road.number}/supervision")["items"]
    assert (row["by_resident"], row["mode"], row["words"]) == (True, None, "来电再次催办")


def test_an_order_is_answered_insisted_on_and_accepted(road, desk):
    road.signed()
    order = post(desk, "sun", "/supervision/orders", WRITTEN | {"numbers": [road.number]})["items"][0]
    assert order["slip"] == "督〔2026〕0001号"
    path = f"/supervision-orders/{order['id']}"
    assert "answer_supervision" in road.see("he")["actions"]
    assert "supervision" in [clock["clock"] for clock in road.see("he")["clocks"]]
    road.do("sun", f"{path}/answer", {"words": "我来答"}, expect=403)
    road.do("he", f"{path}/acceptance", {"words": "好"}, expect=403)
    road.do("he", "/supervision-orders/999999/answer", {"words": "…"}, expect=404)
    road.do("he", f"{path}/answer", {"words": "已安排"})
    assert "answer_supervision" not in road.see("he")["actions"]
    assert road.do("he", f"{path}/answer", {"words": "已安排"}, expect=409)["code"] == "order_not_open"
    road.do("sun", f"{path}/insistence", {"words": "请附照片", "due": "2026-11-20T09:00:00+08:00"}, expect=422)
    road.do("sun", f"{path}/insistence", {"words": "请附照片", "due": "2026-11-25T09:00:00+08:00"})
    assert [row["number"] for row in get(desk, "he", "/supervision/orders", state="issued")["items"]] == [road.number]
    road.do("he", f"{path}/answer", {"words": "照片已传"})
    road.do("ling", f"{path}/acceptance", {"words": "属实"})
    assert get(desk, "sun", "/supervision/orders")["items"] == []
    (row,) = get(desk, "he", f"/cases/{road.number}/supervision")["items"]
    assert (row["state_label"], row["answer"]) == ("已销号", "照片已传")
    assert verify_ledger().breaks == []


def test_drafts_are_issued_in_bulk_with_one_text_and_an_entry_each(road, desk, as_system, session):
    numbers = [road.signed().number for _ in range(3)]
    road.clock.advance(days=10)
    sweep(as_system)
    waiting = get(desk, "sun", "/supervision/drafts")["items"]
    assert sorted(row["number"] for row in waiting) == sorted(numbers)
    assert {row["slip"] for row in waiting} == {None}
    keep, *issue = [row["id"] for row in waiting]
    body = {"kind": "urging", "ids": issue, "words": "逾期未办，请立即办结。"}
    post(desk, "du", "/supervision/drafts/issue", body | {"ids": [*issue, 999999]}, expect=404)
    issued = post(desk, "sun", "/supervision/drafts/issue", body, expect=200)["items"]
    assert [row["slip"] for row in issued] == ["催〔2026〕0001号", "催〔2026〕0002号"]
    said = session.scalars(select(Entry).where(Entry.action == Action.URGE)).all()
    assert [entry.words.note for entry in said] == ["逾期未办，请立即办结。"] * 2
    assert len({entry.case_id for entry in said}) == 2
    assert post(desk, "sun", "/supervision/drafts/issue", body, expect=409)["code"] == "slip_not_draft"
    post(desk, "he", "/supervision/drafts/discard", {"kind": "urging", "ids": [keep]}, expect=403)
    post(desk, "sun", "/supervision/drafts/discard", {"kind": "urging", "ids": [keep]}, expect=200)
    assert get(desk, "sun", "/supervision/drafts")["items"] == []


LISTS = (
    ("/supervision/late", {}),
    ("/supervision/listed", {"listing": "onsite"}),
    ("/supervision/listed", {"listing": "interview"}),
    ("/supervision/drafts", {}),
    ("/supervision/orders", {}),
    ("/supervision/repeated", {}),
    ("/supervision/suspended", {}),
)


@pytest.fixture
def watched(road, desk, as_system, session):
    """Three cases that stand on every list at once but that of the suspended."""
    numbers = [road.signed().number for _ in range(3)]
    post(desk, "sun", "/supervision/orders", WRITTEN | {"numbers": numbers})
    road.clock.advance(days=30)
    sweep(as_system)
    for case in session.scalars(select(Case)):
        case.reworks = 3
    session.flush()
    return sorted(numbers)


@pytest.mark.parametrize(("path", "query"), LISTS[:-1])
def test_a_townships_supervisor_sees_only_its_own(watched, townships, desk, path, query):
    for login in ("sun", "liuhe"):
        assert sorted({row["number"] for row in get(desk, login, path, **query)["items"]}) == watched
    assert get(desk, "shiqiao", path, **query)["items"] == []


@pytest.mark.parametrize(("path", "query"), LISTS)
def test_lists_are_not_for_everybody(watched, desk, path, query):
    for login in ("fang", "lu", "zhou"):
        assert get(desk, login, path, expect=403, **query)["code"] == "lists_are_the_supervisors"


@pytest.mark.parametrize(("path", "query"), LISTS[:-1])
def test_a_list_is_read_in_pages_and_a_longer_one_costs_no_more_statements(watched, desk, path, query):
    seen, cursor, sent = [], None, []
    sun = desk("sun")
    for limit in (1, 2, 200):
        more = {"cursor": cursor} if cursor and limit != 200 else {}
        with statements() as counted:
            page = sun.get(path, limit=limit, **query, **more).json
        sent.append(len(counted))
        seen.append([row["number"] for row in page["items"]])
        cursor = page["next_cursor"]
    assert len(seen[0]) == 1
    assert seen[0] + seen[1] == seen[2][:3]
    assert sent[0] == sent[2]


def test_suspended_cases_are_listed_with_their_review(road, desk, session):
    road.signed()
    case = session.scalars(select(Case).where(Case.number == road.number)).one()
    actor = staff_actor(road.cast.staff["sun"].id)
    move_case(Stamp(actor, Role.SUPERVISOR, road.clock(), Door.DESK), case, Action.SUSPEND, Words(reply="因管线施工，暂缓办理"))
    session.flush()
    (row,) = get(desk, "sun", "/supervision/suspended")["items"]
    assert (row["number"], row["unit"]) == (road.number, "城市管理局")
    assert get(desk, "sun", "/supervision/suspended", before="2026-01-01T00:00:00+08:00")["items"] == []


def test_what_nobody_signed_is_the_late_clock_sign(road, desk, as_system):
    road.dispatched()
    road.clock.advance(hours=2)
    sweep(as_system)
    rows = get(desk, "sun", "/supervision/late", clock="sign")["items"]
    assert [(row["number"], row["unit"], row["level"]) for row in rows] == [(road.number, "城市管理局", 2)]
    assert get(desk, "sun", "/supervision/late", clock="sign", level=3)["items"] == []
    assert get(desk, "sun", "/supervision/late", unit=road.code("水利局"))["items"] == []
    assert get(desk, "sun", "/supervision/late", unit="nowhere", expect=422)["errors"]["unit"]


def test_counts_of_a_period_by_unit(road, desk, urged):
    post(desk, "sun", "/supervision/urgings", PHONE | {"numbers": [road.number], "others": ["甲", "乙"]})
    period = {"since": "2026-11-23T00:00:00+08:00", "until": "2026-11-24T00:00:00+08:00"}
    with statements() as sent:
        rows = get(desk, "yan", "/supervision/counts", **period)["items"]
    assert len([each for each in sent if "person_times" in each]) == 1
    assert [(row["kind_label"], row["mode_label"], row["times"], row["person_times"]) for row in rows] == [
        ("催办单", "电话", 1, 2),
        ("催办单", "书面", 1, 1),
    ]
    assert get(desk, "yan", "/supervision/counts", unit=road.code("水利局"), **period)["items"] == []
    assert get(desk, "he", "/supervision/counts", expect=403, **period)["code"] == "lists_are_the_supervisors"


def test_the_weekly_meeting_from_agenda_to_next_weeks_question(road, desk, as_system):
    road.signed()
    road.clock.advance(days=10)
    sweep(as_system)
    meeting = post(desk, "sun", "/meetings", {"chair": "县长严县", "participants": ["城市管理局高局"]})
    path = f"/meetings/{meeting['id']}"
    (item,) = get(desk, "sun", f"{path}/agenda", light="red")["items"]
    assert (item["number"], item["light_label"], item["unit"]) == (road.number, "超时", "城市管理局")
    assert "decide_progress" in road.see("sun")["actions"]
    body = {"number": road.number, "words": "症结：权属不清", "staff": ["gao"], "due": "2026-12-05T17:30:00+08:00"}
    decided = post(desk, "sun", f"{path}/decisions", body)
    assert decided["slip"] == "交〔2026〕0001号"
    slip = get(desk, "he", f"/cases/{road.number}/order-slip")
    assert (slip["kind_label"], slip["words"], slip["persons"]) == ("交办单", "症结：权属不清", ["高局"])
    assert slip["reply_by"] == "2026-12-05T17:30:00+08:00"
    shown = get(desk, "yan", path)
    assert (shown["red"], shown["decisions"], shown["participants"]) == (1, 1, ["城市管理局高局"])
    road.clock.advance(days=7)
    again = post(desk, "sun", "/meetings", {"chair": "县长严县"})
    (row,) = get(desk, "sun", f"/meetings/{again['id']}/previous-decisions")["items"]
    assert (row["slip"], row["done"], row["late"]) == ("交〔2026〕0001号", False, True)
    assert [row["id"] for row in get(desk, "sun", "/meetings")["items"]] == [again["id"], meeting["id"]]
    assert get(desk, "fang", path, expect=403)["code"] == "lists_are_the_supervisors"
    assert get(desk, "sun", "/meetings/999999", expect=404)["code"] == "meeting_not_found"


def test_the_person_sees_that_the_centre_urged_and_nothing_of_what_was_said(road, desk, client):
    road.signed()
    post(desk, "sun", "/supervision/urgings", PHONE | {"numbers": [road.number]})
    order = post(desk, "sun", "/supervision/orders", WRITTEN | {"numbers": [road.number]})["items"][0]
    road.do("he", f"/supervision-orders/{order['id']}/answer", {"words": "内部反馈"})
    proof = {"number": road.number, "claim_code": road.claim_code}
    seen = client.post("/miniprogram/v1/look-ups", json=proof).json
    lines = [(line["what"], line["words"]) for line in seen["timeline"]]
    assert ("催办", None) in lines
    assert ("督办", None) in lines
    assert "内部反馈" not in str(seen)
    assert PHONE["words"] not in str(seen)
