"""Hotline calls: their own record, with or without a case."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.ledger.models import Call, Case


@pytest.fixture
def log(desk, clock):
    """Logs a call that came a minute ago."""

    def post(login: str = "fang", *, expect: int = 201, **more):
        body = {"at": (clock() - timedelta(minutes=1)).isoformat(), "number": "138-0000-1234", "outcome": "hung_up"} | more
        answer = desk(login).post("/calls", {k: v for k, v in body.items() if v is not None})
        assert answer.status_code == expect, answer.text
        return answer.json

    return post


def test_a_call_is_its_own_record_with_a_sealed_number(log, session, cast):
    told = log(recording="rec/20261123/001")
    assert (told["number"], told["agent"], told["case"], told["outcome_label"]) == ("138****1234", "方晓", None, "中途挂断")
    call = session.get(Call, told["id"])
    assert b"13800001234" not in call.number
    assert call.agent_id == cast.staff["fang"].id


@pytest.mark.parametrize("outcome", ["silent", "wrong_number", "nuisance"])
def test_a_call_that_says_nothing_makes_no_case(log, desk, heard, session, outcome):
    call = log(outcome=outcome)
    assert session.scalars(select(Case.id)).all() == []
    refused = desk("fang").post("/registrations", heard | {"call_id": call["id"]})
    assert (refused.status_code, refused.json["code"]) == (409, "call_made_no_case")
    assert session.scalars(select(Case.id)).all() == []


def test_a_registration_names_its_call(log, desk, heard, session):
    call = log()
    told = desk("fang").post("/registrations", heard | {"call_id": call["id"]}).json
    (shown,) = desk("fang").get("/calls").json["items"]
    assert (shown["case"], shown["outcome"]) == (told["number"], "registered")
    refused = desk("fang").post("/registrations", heard | {"call_id": call["id"]})
    assert refused.json["code"] == "call_has_case"
    letter = desk("fang").post("/registrations", heard | {"channel": "letter", "call_id": call["id"]})
    assert list(letter.json["errors"]) == ["call_id"]


def test_the_call_of_an_anonymous_person_forgets_who_it_was(log, desk, heard, session):
    call = log(recording="rec/1")
    anonymous = {k: v for k, v in heard.items() if k not in ("name", "phone")} | {"anonymous": True, "call_id": call["id"]}
    assert desk("fang").post("/registrations", anonymous).status_code == 201
    kept = session.get(Call, call["id"])
    assert (kept.number, kept.number_index, kept.recording) == (None, None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", "abc"), ("number", "1" * 21), ("outcome", "joke"), ("at", None), ("at", "2026-11-24T00:00:00+08:00")],
)
def test_a_call_that_cannot_be_is_refused_by_field(log, session, field, value):
    assert list(log(**{field: value}, expect=422)["errors"]) == [field]
    assert session.scalars(select(Call.id)).all() == []


def test_short_and_hidden_numbers_are_taken(log):
    assert log(number="12345")["number"] == "****45"
    assert log(number=None)["number"] is None
    assert log(number="+86 138 0000 1234")["number"] == "138****1234"


@pytest.mark.parametrize("login", ["he", "zhou", "qin", "sun"])
def test_calls_are_logged_by_those_who_take_them(log, login):
    assert log(login, expect=403)["code"] == "calls_are_the_desks"


def test_calls_are_listed_latest_first_in_pages(log, desk):
    ids = [log()["id"] for _ in range(5)]
    first = desk("sun").get("/calls", limit=3).json
    rest = desk("sun").get("/calls", limit=3, cursor=first["next_cursor"]).json
    assert [call["id"] for call in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    assert desk("he").get("/calls").status_code == 403


def test_a_call_is_hidden_from_whom_its_case_is_against(log, desk, heard):
    call = log()
    assert desk("fang").post("/registrations", heard | {"call_id": call["id"], "against_staff": "ding"}).status_code == 201
    assert desk("ding").get("/calls").json["items"] == []
    assert desk("fang").get("/calls").json["items"][0]["case"] is not None
