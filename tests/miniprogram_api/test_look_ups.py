"""Claim codes: who holds one may follow, answer and rate without an account; who guesses learns nothing and is stopped."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.database import transaction
from app.core.throttle import Throttle
from app.filings.commands import file_for
from app.filings.models import ConsentBy
from app.filings.rules import ConsentGiven, Filing
from app.ledger.callbacks.models import Callback
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Entry, ReportClaim
from app.ledger.numbers import in_fours, new_claim_code, new_number
from app.ledger.vocabulary import Channel, Kind
from app.people.identity import Person
from tests.backstage import HAPPY


@pytest.fixture
def slip(cast, as_staff):
    """What Wu hands to old Zheng: number and claim code."""
    filing = Filing(
        person=Person(name="郑守田", phone="05570000001"),
        consent=ConsentGiven(method=ConsentBy.SPOKEN, witness="见证人"),
        body="高龄津贴三个月没有到账。",
        grid=cast.grids["柳林村一网格"].code,
    )
    with transaction():
        filed = file_for(as_staff("wu"), filing)
    return {"number": filed.number, "claim_code": filed.claim_code}


def test_the_holder_of_a_claim_code_sees_the_case_without_an_account(nobody, slip):
    shown = nobody.post("/look-ups", slip, key=None)
    assert shown.status_code == 200
    assert shown.json["reports"][0]["body"] == "高龄津贴三个月没有到账。"
    assert "郑守田" not in shown.text


def test_numbers_may_be_typed_as_people_read_them(nobody, slip):
    full_width = str.maketrans("0123456789", "０１２３４５６７８９")
    typed = {"number": in_fours(slip["number"]), "claim_code": in_fours(slip["claim_code"]).translate(full_width)}
    assert nobody.post("/look-ups", typed, key=None).status_code == 200


def test_a_wrong_code_and_an_unknown_number_are_told_alike(nobody, slip, street_light, lin, clock):
    lins = lin.post("/reports", street_light).json["number"]
    wrong_code = slip | {"claim_code": new_claim_code()}
    no_code = {"number": lins, "claim_code": new_claim_code()}
    unknown = {"number": new_number(clock()), "claim_code": slip["claim_code"]}
    told = set()
    for path, more in (("", {}), ("/supplements", {"words": "x"}), ("/information", {"words": "x"}), ("/rating", HAPPY)):
        for proof in (wrong_code, no_code, unknown):
            answer = nobody.post(f"/look-ups{path}", proof | more)
            told.add((answer.status_code, answer.json["code"], answer.json["title"], answer.json.get("detail")))
    assert told == {(404, "wrong_claim", "工单号或查询码不正确", None)}


def test_a_misread_digit_is_pointed_out_without_a_look_into_the_ledger(nobody, slip):
    last = str((int(slip["claim_code"][-1]) + 1) % 10)
    answer = nobody.post("/look-ups", slip | {"claim_code": slip["claim_code"][:-1] + last}, key=None)
    assert answer.status_code == 404
    assert "读错" in answer.json["detail"]


def test_guessing_at_a_number_is_stopped_for_everybody_and_the_count_stays(session, nobody, slip):
    answers = [
        nobody.post("/look-ups", slip | {"claim_code": new_claim_code()}, key=None, address=f"10.0.0.{place}")
        for place in range(21)
    ]
    assert [answer.status_code for answer in answers] == [404] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert nobody.post("/look-ups", slip, key=None, address="10.9.9.9").status_code == 429
    assert nobody.post("/look-ups/rating", slip | HAPPY, address="10.9.9.9").status_code == 429
    counts = {
        row.key.split(":")[0]: row.tries
        for row in session.scalars(select(Throttle))
        if row.tries > 20 and row.key.startswith("claim-number")
    }
    assert counts == {"claim-number": 23}


def test_guessing_opens_again_after_a_while(nobody, slip, clock):
    for _ in range(21):
        nobody.post("/look-ups", slip | {"claim_code": new_claim_code()}, key=None)
    clock.advance(minutes=15)
    assert nobody.post("/look-ups", slip, key=None).status_code == 200


def test_other_ways_to_write_a_number_are_the_same_number_to_the_limit(nobody, slip):
    for place in range(20):
        written = slip["number"][:place] + " " + slip["number"][place:]
        nobody.post("/look-ups", {"number": written, "claim_code": new_claim_code()}, key=None)
    assert nobody.post("/look-ups", slip, key=None).status_code == 429


def test_guessing_from_one_address_is_stopped_for_that_address_alone(nobody, slip):
    for place in range(120):
        answer = nobody.post("/look-ups", {"number": f"{place}", "claim_code": "0"}, key=None, address="10.0.0.1")
        assert answer.status_code == 404
    assert nobody.post("/look-ups", slip, key=None, address="10.0.0.1").status_code == 429
    assert nobody.post("/look-ups", slip, key=None, address="10.0.0.2").status_code == 200


def test_what_is_counted_by_cannot_be_read_from_the_counts(session, nobody, slip):
    nobody.post("/look-ups", slip, key=None, address="10.0.0.77")
    keys = list(session.scalars(select(Throttle.key)))
    assert len(keys) == 2
    assert not [key for key in keys if slip["number"] in key or "10.0.0.77" in key]


@pytest.mark.parametrize(
    "body", [None, [], "x", 5, {}, {"number": 5, "claim_code": {}}, {"number": "x"}, {"number": "1\u0000", "claim_code": "1"}]
)
def test_a_look_up_without_shape_is_refused(nobody, body):
    assert nobody.post("/look-ups", body, key=None).status_code in (400, 415, 422)


def test_the_holder_adds_answers_and_rates(session, nobody, slip, backstage):
    assert nobody.post("/look-ups/supplements", slip | {"words": "存折在这里。"}).status_code == 201
    backstage.ask(slip["number"], "请问是哪家银行？")
    assert nobody.post("/look-ups", slip, key=None).json["question"] == "请问是哪家银行？"
    assert nobody.post("/look-ups/information", slip | {"words": "信用社。"}).json["state"] == "submitted"
    backstage.handle(slip["number"])
    shown = nobody.post("/look-ups", slip, key=None).json
    assert shown["may_rate"] is True
    own = [line["words"] for line in shown["timeline"] if line["who"] == "您"]
    assert own == ["存折在这里。", "信用社。"]
    key = str(uuid4())
    answers = [nobody.post("/look-ups/rating", slip | HAPPY, key=key) for _ in range(2)]
    assert [(answer.status_code, answer.json["state"]) for answer in answers] == [(201, "awaiting_callback")] * 2
    assert session.scalars(select(Callback)).all() == []
    assert nobody.post("/look-ups", slip, key=None).json["may_rate"] is False


def test_a_rating_by_a_code_that_was_read_out_by_the_desk_counts(session, nobody, as_staff, cast, backstage):
    told = take_in(as_staff("fang"), Submission(channel=Channel.HOTLINE, body="路灯不亮。", kind=Kind.HELP,
        filer_staff_id=cast.staff["fang"].id, concerned_id=cast.residents["zheng"].id))  # fmt: skip
    session.commit()
    backstage.handle(told.number)
    answer = nobody.post("/look-ups/rating", {"number": told.number, "claim_code": told.claim_code} | HAPPY)
    assert (answer.status_code, answer.json["state"]) == (201, "closed")
    assert [row.by.value for row in session.scalars(select(Callback))] == ["claim_code"]


def test_writing_by_claim_code_needs_a_key(nobody, slip):
    assert nobody.post("/look-ups/supplements", slip | {"words": "x"}, key=None).status_code == 400


def test_lin_joins_a_matter_to_her_account_by_its_code(session, lin, chen, slip, backstage):
    assert lin.get(f"/cases/{slip['number']}").status_code == 404
    assert lin.post("/claims", slip).status_code == 201
    assert lin.post("/claims", slip).status_code == 201
    assert len(session.scalars(select(ReportClaim)).all()) == 1
    shown = lin.get(f"/cases/{slip['number']}").json
    assert shown["reports"][0]["body"] == "高龄津贴三个月没有到账。"
    assert [case["number"] for case in lin.get("/cases").json["items"]] == [slip["number"]]
    assert chen.get(f"/cases/{slip['number']}").status_code == 404
    backstage.handle(slip["number"])
    assert lin.post(f"/cases/{slip['number']}/rating", HAPPY).status_code == 201


def test_a_claim_with_a_wrong_code_joins_nothing(session, lin, slip):
    answer = lin.post("/claims", slip | {"claim_code": new_claim_code()})
    assert (answer.status_code, answer.json["code"]) == (404, "wrong_claim")
    assert session.scalars(select(ReportClaim)).all() == []


def test_an_anonymous_matter_is_joined_to_nobody(session, lin, street_light):
    receipt = lin.post("/anonymous-reports", street_light).json
    proof = {"number": receipt["number"], "claim_code": receipt["claim_code"]}
    answer = lin.post("/claims", proof)
    assert (answer.status_code, answer.json["code"]) == (403, "anonymous_stays_unnamed")
    assert session.scalars(select(ReportClaim)).all() == []
    assert {entry.actor.value for entry in session.scalars(select(Entry))} == {"anonymous"}
