"""How residents end a matter or begin it anew: reopening, withdrawing, thinking again; by account and by claim code."""

import pytest

from app.core.database import transaction
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.models import Request
from app.ledger.rounds.triage import Triage, triage_case
from tests.backstage import HAPPY, UNHAPPY

AGAIN = {"words": "昨晚又不亮了"}


@pytest.fixture
def number(lin, street_light):
    return lin.post("/reports", street_light).json["number"]


@pytest.fixture
def slip(nobody, lin, street_light):
    """What somebody unnamed holds: number and claim code."""
    told = lin.post("/anonymous-reports", street_light).json
    return {"number": told["number"], "claim_code": told["claim_code"]}


def test_lin_reopens_her_closed_case_once(lin, number, backstage):
    assert lin.post(f"/cases/{number}/reopening", AGAIN).json["code"] == "illegal_move"
    backstage.handle(number)
    lin.post(f"/cases/{number}/rating", HAPPY)
    assert lin.get(f"/cases/{number}").json["may_reopen"] is True
    assert lin.post(f"/cases/{number}/reopening", {}).status_code == 422
    answer = lin.post(f"/cases/{number}/reopening", AGAIN)
    assert (answer.status_code, answer.json["state"]) == (201, "accepted")
    shown = lin.get(f"/cases/{number}").json
    assert (shown["timeline"][-1]["what"], shown["timeline"][-1]["words"]) == ("重新办理", AGAIN["words"])
    assert "路灯已修好。" in [line["words"] for line in shown["timeline"]]
    for step in (backstage.dispatch, backstage.sign, backstage.contact, backstage.report_result, backstage.let_pass):
        step(number)
    assert lin.post(f"/cases/{number}/rating", HAPPY).json["state"] == "closed"
    assert lin.get(f"/cases/{number}").json["may_reopen"] is False
    assert lin.post(f"/cases/{number}/reopening", AGAIN).json["code"] == "reopened_before"


def test_too_late_lin_reports_anew(lin, number, backstage, clock):
    backstage.handle(number)
    lin.post(f"/cases/{number}/rating", HAPPY)
    clock.advance(days=16)
    assert lin.get(f"/cases/{number}").json["may_reopen"] is False
    assert lin.post(f"/cases/{number}/reopening", AGAIN).json["code"] == "reopening_closed"


def test_a_neighbour_neither_reopens_nor_withdraws(chen, lin, number, backstage):
    assert chen.post(f"/cases/{number}/withdrawal", {"words": "不用了"}).status_code == 404
    backstage.handle(number)
    lin.post(f"/cases/{number}/rating", HAPPY)
    assert chen.post(f"/cases/{number}/reopening", AGAIN).status_code == 404
    assert chen.post(f"/cases/{number}/withdrawal/revocation").status_code == 404


def test_before_dispatch_lin_withdraws_at_once_and_reads_a_kind_word(lin, number):
    assert lin.get(f"/cases/{number}").json["may_withdraw"] is True
    answer = lin.post(f"/cases/{number}/withdrawal", {"words": "自己修好了"})
    assert answer.json["state"] == "withdrawn"
    shown = lin.get(f"/cases/{number}").json
    assert shown["may_withdraw"] is False
    assert "以后需要时，可以随时重新反映" in shown["timeline"][-1]["words"]
    assert lin.post(f"/cases/{number}/withdrawal", {"words": "再撤一次"}).status_code == 409


def test_after_dispatch_lin_wishes_and_thinks_again(lin, number, backstage, session):
    backstage.accept(number)
    backstage.dispatch(number)
    assert lin.post(f"/cases/{number}/withdrawal", {"words": "不用了"}).json["state"] == "dispatched"
    shown = lin.get(f"/cases/{number}").json
    assert (shown["withdrawing"], shown["may_withdraw"]) == (True, False)
    assert lin.post(f"/cases/{number}/withdrawal", {"words": "不用了"}).json["code"] == "request_pending"
    assert lin.post(f"/cases/{number}/withdrawal/revocation").status_code == 201
    shown = lin.get(f"/cases/{number}").json
    assert (shown["withdrawing"], shown["may_withdraw"]) == (False, True)
    assert lin.post(f"/cases/{number}/withdrawal/revocation").json["code"] == "request_not_found"


def test_the_centre_calls_and_the_case_is_withdrawn(lin, number, backstage, session, as_staff):
    backstage.accept(number)
    backstage.dispatch(number)
    lin.post(f"/cases/{number}/withdrawal", {"words": "不用了"})
    request = session.query(Request).one()
    with transaction():
        decide_request(as_staff("lu"), number, request.id, Decision(approve=True, note="电话核实，本人自愿"))
    assert lin.get(f"/cases/{number}").json["state"] == "withdrawn"


def test_while_the_triage_waits_there_is_nothing_to_rate_and_the_rework_is_told(lin, number, backstage, as_staff):
    backstage.handle(number)
    assert lin.post(f"/cases/{number}/rating", UNHAPPY).json["state"] == "awaiting_callback"
    shown = lin.get(f"/cases/{number}").json
    assert shown["may_rate"] is False
    assert shown["what_next"].startswith("下一步：督办员研判您的意见，决定怎样再办，11月24日 17:30 前。")
    assert lin.post(f"/cases/{number}/rating", HAPPY).json["code"] == "triage_waiting"
    with transaction():
        triage_case(as_staff("sun"), number, verdict=Triage.REWORK, note="再查", reply="已安排重新检修，请您再等两天。")
    shown = lin.get(f"/cases/{number}").json
    assert shown["state"] == "in_progress"
    assert shown["timeline"][-1]["words"] == "已安排重新检修，请您再等两天。"


class TestByClaimCode:
    def test_an_unnamed_case_is_withdrawn_before_dispatch(self, nobody, slip):
        assert nobody.post("/look-ups", slip, key=None).json["may_withdraw"] is True
        answer = nobody.post("/look-ups/withdrawal", slip | {"words": "不反映了"})
        assert (answer.status_code, answer.json["state"]) == (201, "withdrawn")
        last = nobody.post("/look-ups", slip, key=None).json["timeline"][-1]
        assert (last["who"], last["words"].split("\n")[0]) == ("您", "不反映了")

    def test_after_dispatch_nobody_can_be_asked(self, nobody, slip, backstage):
        backstage.accept(slip["number"])
        backstage.dispatch(slip["number"])
        assert nobody.post("/look-ups", slip, key=None).json["may_withdraw"] is False
        refused = nobody.post("/look-ups/withdrawal", slip | {"words": "不反映了"})
        assert (refused.status_code, refused.json["code"]) == (409, "nobody_to_ask")

    def test_a_closed_case_is_reopened_once(self, nobody, slip, backstage):
        for step in (backstage.accept, backstage.dispatch, backstage.sign, backstage.report_result, backstage.let_pass):
            step(slip["number"])
        shown = nobody.post("/look-ups", slip, key=None).json
        assert (shown["state"], shown["may_reopen"], shown["may_rate"]) == ("closed", True, True)
        answer = nobody.post("/look-ups/reopening", slip | AGAIN)
        assert (answer.status_code, answer.json["state"]) == (201, "accepted")
        last = nobody.post("/look-ups", slip, key=None).json["timeline"][-1]
        assert (last["who"], last["words"]) == ("您", AGAIN["words"])

    def test_a_wrong_code_opens_nothing(self, nobody, slip):
        wrong = slip | {"claim_code": slip["claim_code"][::-1]}
        for path in ("withdrawal", "reopening"):
            assert nobody.post(f"/look-ups/{path}", wrong | AGAIN).json["code"] == "wrong_claim"
