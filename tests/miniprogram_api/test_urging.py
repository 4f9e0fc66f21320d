"""Urging at the residents' door: one's own case, once in the county's hours, by account or by claim code."""

import pytest
from sqlalchemy import select

from app.ledger.models import Entry
from app.ledger.supervision.models import Urging
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action
from app.notices.models import Notice


@pytest.fixture
def number(lin, street_light):
    return lin.post("/reports", street_light).json["number"]


def test_lin_urges_her_case_and_who_handles_it_is_told(lin, number, backstage, session, cast):
    for step in (backstage.accept, backstage.dispatch, backstage.sign):
        step(number)
    urged = lin.post(f"/cases/{number}/urging", {"words": "老人出门看不见，请快一点"})
    assert (urged.status_code, urged.json["state"]) == (201, "in_progress")
    assert backstage.case(number).urgings == 1
    told = session.scalars(select(Notice.recipient_id).where(Notice.template == "urge")).all()
    assert told == [cast.staff["he"].id]
    line = lin.get(f"/cases/{number}").json["timeline"][-1]
    assert (line["what"], line["who"], line["words"]) == ("催办", "您", "老人出门看不见，请快一点")
    assert verify_ledger().breaks == []


def test_a_second_urging_has_to_wait_and_is_told_kindly_for_how_long(lin, number, clock, session):
    assert lin.post(f"/cases/{number}/urging", {}).status_code == 201
    clock.advance(hours=20)
    refused = lin.post(f"/cases/{number}/urging", {})
    assert (refused.status_code, refused.json["code"]) == (429, "urged_already")
    assert refused.headers["Retry-After"] == "14400"
    assert "已经催办过" in refused.json["detail"]
    clock.advance(hours=4)
    assert lin.post(f"/cases/{number}/urging", {}).status_code == 201
    assert len(session.scalars(select(Urging)).all()) == 2


def test_the_same_key_urges_once(lin, number, session):
    key = "7a0c9f0e-5a4e-4b52-9c0f-0d8c8b0a5b11"
    first = lin.post(f"/cases/{number}/urging", {}, key=key)
    again = lin.post(f"/cases/{number}/urging", {}, key=key)
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert len(session.scalars(select(Urging)).all()) == 1


def test_a_neighbour_cannot_urge_what_is_not_hers(chen, number):
    assert chen.post(f"/cases/{number}/urging", {}).status_code == 404


def test_a_case_that_has_ended_is_not_urged(lin, number, backstage):
    backstage.handle(number)
    happy = {"contacted": True, "solved": True, "satisfaction": "satisfied"}
    assert lin.post(f"/cases/{number}/rating", happy).status_code == 201
    refused = lin.post(f"/cases/{number}/urging", {})
    assert (refused.status_code, refused.json["code"]) == (409, "illegal_move")


def test_an_anonymous_report_is_urged_by_claim_code_and_leaves_no_name(lin, nobody, street_light, session, clock):
    filed = lin.post("/anonymous-reports", street_light).json
    proof = {"number": filed["number"], "claim_code": filed["claim_code"]}
    assert nobody.post("/look-ups/urging", proof | {"claim_code": "0000000000"}).status_code == 404
    assert nobody.post("/look-ups/urging", proof | {"words": "还没有人来"}).status_code == 201
    entry = session.scalars(select(Entry).where(Entry.action == Action.URGE)).one()
    assert (entry.actor, entry.actor_id) == ("anonymous", None)
    assert session.scalars(select(Urging)).one().by_staff_id is None
    clock.advance(hours=1)
    assert nobody.post("/look-ups/urging", proof).json["code"] == "urged_already"
    line = nobody.post("/look-ups", proof, key=None).json["timeline"][-1]
    assert (line["who"], line["words"]) == ("您", "还没有人来")
