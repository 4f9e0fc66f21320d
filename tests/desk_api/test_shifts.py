"""Shifts at the desk: the hand-over list by scope, taking over with a signature, roster and leave through the door."""

from datetime import timedelta

import pytest

from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.vocabulary import RequestKind, Urgency
from app.ledger.whistles.blowing import whistle
from tests.counting import statements
from tests.ledger.test_straight_road import road

__all__ = ["road"]


def post(desk, login, path, body, *, expect=201, **more):
    answer = desk(login).post(path, body, **more)
    assert answer.status_code == expect, answer.text
    return answer.json


def get(desk, login, path, *, expect=200, **query):
    answer = desk(login).get(path, **query)
    assert answer.status_code == expect, answer.text
    return answer.json


@pytest.fixture
def pressing(road, session):
    """An urgent case in hand with an open whistle and an undecided request."""
    road.in_progress()
    road.case.urgency = Urgency.URGENT
    units = road.cast.units
    whistle(road.as_staff("liu"), road.number, unit_ids=[units["水利局"].id], words="请到场", place="村口")
    ask(road.as_staff("he"), road.number, RequestKind.SUPPORT, Asked(note="缺人", unit_ids=[units["交通运输局"].id]))
    session.flush()
    return road


def test_the_list_shows_what_presses_and_nothing_of_it_to_others(pressing, desk):
    listed = get(desk, "ma", "/shifts/hand-over")
    assert (listed["unit_name"], listed["last"], listed["heads"]) == ("云溪县", None, [])
    assert listed["figures"] == {"open": 1, "urgent": 1, "amber": 0, "red": 0, "whistles": 1, "requests": 1}
    number = pressing.number
    assert [row["number"] for row in listed["urgent"]] == [number]
    assert [row["number"] for row in listed["nearest"]] == [number]
    assert [(row["number"], row["unit_name"], row["place"]) for row in listed["whistles"]] == [(number, "水利局", "村口")]
    assert [(row["number"], row["kind"]) for row in listed["requests"]] == [(number, "support")]
    other = get(desk, "min", "/shifts/hand-over")
    assert other["figures"] == {"open": 0, "urgent": 0, "amber": 0, "red": 0, "whistles": 0, "requests": 0}
    assert (other["urgent"], other["nearest"], other["whistles"], other["requests"]) == ([], [], [], [])


def test_a_recused_head_does_not_read_of_the_case(pressing, desk, session):
    pressing.case.against_staff_id = pressing.cast.staff["ma"].id
    session.flush()
    assert get(desk, "ma", "/shifts/hand-over")["figures"]["open"] == 0


def test_a_shift_is_taken_over_with_a_signature_and_a_remark(pressing, desk, clock):
    taken = post(desk, "ma", "/shifts/hand-over", {"remark": "水利局未到场，请盯紧"})
    assert (taken["name"], taken["unit_name"], taken["figures"]["whistles"]) == ("马班", "云溪县", 1)
    clock.advance(hours=8)
    post(desk, "fang", "/shifts/hand-over", {})
    assert get(desk, "ma", "/shifts/hand-over")["last"]["name"] == "方晓"
    first = get(desk, "ma", "/shifts/hand-overs", limit=1)
    assert [row["name"] for row in first["items"]] == ["方晓"]
    rest = get(desk, "ma", "/shifts/hand-overs", limit=1, cursor=first["next_cursor"])
    assert [(row["name"], row["remark"]) for row in rest["items"]] == [("马班", "水利局未到场，请盯紧")]


def test_the_same_key_signs_once(desk, road):
    for _ in range(2):
        post(desk, "ma", "/shifts/hand-over", {}, key="3e1a1df4-0d9d-4b7b-9c0c-0f0e4c7f0c11")
    assert len(get(desk, "ma", "/shifts/hand-overs")["items"]) == 1


def test_nobody_signs_for_a_unit_where_they_do_not_serve(desk, cast):
    county = cast.units["云溪县"].code
    assert post(desk, "he", "/shifts/hand-over", {"unit": county}, expect=403)["code"] == "not_your_shift"
    assert get(desk, "he", "/shifts/hand-overs", unit=county, expect=403)["code"] == "not_your_shift"


def test_the_list_takes_as_many_statements_for_many_cases_as_for_one(pressing, desk):
    def count():
        with statements() as made:
            get(desk, "ma", "/shifts/hand-over")
        return len(made)

    count()
    few = count()
    for _ in range(4):
        pressing.clock.advance(minutes=20)
        pressing.in_progress()
    pressing.session.flush()
    assert count() <= few


def test_the_head_puts_the_roster_and_everybody_reads_it(desk, clock, cast):
    begins = clock() + timedelta(hours=1)
    body = {
        "unit": cast.units["城市管理局"].code,
        "staff": "he",
        "what": "phone",
        "starts_at": begins.isoformat(),
        "until": (begins + timedelta(hours=8)).isoformat(),
    }
    assert post(desk, "he", "/shifts/roster", body, expect=403)["code"] == "roster_is_not_yours"
    wrong = post(desk, "gao", "/shifts/roster", body | {"phone": "值班室"}, expect=422)
    assert list(wrong["errors"]) == ["phone"]
    put = post(desk, "gao", "/shifts/roster", body | {"phone": "0398-2345 678"})
    assert (put["name"], put["what_label"], put["phone"]) == ("何城", "值班电话", "03982345678")
    assert [row["id"] for row in get(desk, "fang", "/shifts/roster", unit=body["unit"])["items"]] == [put["id"]]
    assert get(desk, "fang", "/shifts/roster", at=clock().isoformat())["items"] == []
    wrong = post(desk, "gao", "/shifts/roster", body | {"staff": "nobody"}, expect=422)
    assert list(wrong["errors"]) == ["staff"]
    wrong = post(desk, "gao", "/shifts/roster", body | {"staff": "shui"}, expect=422)
    assert list(wrong["errors"]) == ["staff"]
    assert post(desk, "gao", f"/shifts/roster/{put['id']}/end", {}, expect=200)["ended_at"] is not None


def test_who_is_on_duty_now_where_the_gaps_are_and_ones_own_shifts(desk, clock, cast):
    now = {"at": "2026-11-23T09:00:00+08:00", "heads": ["马班"], "items": [], "missing_years": [2027]}
    assert get(desk, "fang", "/shifts/now") == now
    body = {
        "unit": cast.units["城市管理局"].code,
        "staff": "he",
        "what": "phone",
        "starts_at": clock().isoformat(),
        "until": (clock() + timedelta(hours=8)).isoformat(),
    }
    post(desk, "gao", "/shifts/roster", body)
    assert [row["name"] for row in get(desk, "fang", "/shifts/now", unit=body["unit"])["items"]] == ["何城"]
    assert get(desk, "fang", "/shifts/now", unit=cast.units["水利局"].code)["items"] == []
    assert len(get(desk, "he", "/shifts/roster", mine=True)["items"]) == 1
    assert get(desk, "gao", "/shifts/roster", mine=True)["items"] == []
    gaps = get(desk, "fang", "/shifts/gaps", unit=body["unit"], what="phone", days=1)
    assert gaps == [{"starts_at": "2026-11-23T17:00:00+08:00", "until": "2026-11-24T09:00:00+08:00", "rest_days": []}]
    assert list(get(desk, "fang", "/shifts/gaps", unit="000", expect=422)["errors"]) == ["unit"]
    assert get(desk, "fang", "/shifts/gaps", expect=422)


def test_leave_and_stand_in_are_put_and_ended_through_the_door(desk, clock):
    assert post(desk, "gao", "/shifts/stand-ins", {"staff": "he", "stand_in": "gao"})["stand_in_name"] == "高局"
    assert post(desk, "gao", "/shifts/stand-ins", {"staff": "he", "stand_in": "shui"}, expect=422)["code"] == "stand_in_unfit"
    begins = clock() + timedelta(hours=1)
    body = {"staff": "he", "starts_at": begins.isoformat(), "until": (begins + timedelta(days=2)).isoformat(), "reason": "病假"}
    leave = post(desk, "he", "/shifts/leaves", body)
    assert (leave["name"], leave["stand_in"]) == ("何城", "gao")
    assert get(desk, "shui", "/shifts/leaves")["items"] == []
    assert post(desk, "shui", f"/shifts/leaves/{leave['id']}/end", {}, expect=404)["code"] == "leave_not_found"
    assert post(desk, "gao", f"/shifts/leaves/{leave['id']}/end", {}, expect=200)["cancelled_at"] is not None
    assert [row["stand_in"] for row in get(desk, "gao", "/shifts/stand-ins")["items"]] == ["gao"]
