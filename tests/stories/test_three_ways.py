"""Three ways into one ledger: Lin by mini-program, Zhou by a visit, Wu for an old neighbour; the clocks watch all of them."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.core.clock import CHINA
from app.core.database import transaction
from app.demo.cast import PASSWORD
from app.ledger.callbacks.answers import FilerMayNotRate, Verdict, rate_case
from app.ledger.models import Case, Entry
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Channel, Outcome, Satisfaction, State
from app.notices.jobs import send_notices
from tests.callers import MINIPROGRAM, Caller, grid_caller, resident_caller

DESK = "/desk/v1"


@pytest.fixture
def at_desk(client):
    """Signs a member of staff in at the desk."""

    def sit(login):
        answer = client.post(f"{DESK}/sign-in", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return Caller(client, DESK, answer.json["token"])

    return sit


def done(answer):
    assert 200 <= answer.status_code < 300, answer.text
    return answer.json


def test_three_ways_into_one_ledger(session, client, cast, clock, at_desk, as_staff, as_system, gateway):
    lin, zhou, wu = resident_caller(client, "lin"), grid_caller(client, "zhou", PASSWORD), grid_caller(client, "wu", PASSWORD)
    grid, nobody = cast.grids["柳林村一网格"].code, Caller(client, MINIPROGRAM)

    # Lin files by mini-program.
    light = {
        "body": "路口的路灯坏了三天了，老人出门看不见。",
        "grid": grid,
        "category_id": cast.categories["路灯照明"],
        "kind": "help",
    }
    lins = done(lin.post("/reports", light))["number"]

    # Zhou logs a visit with two needs and answers one of them on the spot.
    clock.advance(minutes=5)
    just_now = (clock() - timedelta(minutes=3)).astimezone(CHINA).isoformat()
    ditch_blocked = {"body": "门前水沟堵了，下雨就漫进院子。", "kind": "help", "category_id": cast.categories["沟渠灌溉"]}
    doctor_wanted = {"body": "想问家庭医生怎么签约。", "kind": "consultation", "category_id": cast.categories["家庭医生"]}
    needs = [ditch_blocked, doctor_wanted | {"answer": "已当面讲清并登记。"}]
    visit = {"key": str(uuid4()), "outcome": "met", "visited_at": just_now, "phone_at": just_now, "needs": needs}
    visit["household_id"] = zhou.get("/households").json["items"][0]["id"]
    ditch, doctor = (need["number"] for need in done(zhou.post("/visits", visit))["needs"])

    # Wu files for old Zheng, who cannot, and hands him the slip with number and claim code.
    clock.advance(minutes=5)
    filing = {
        "person": {"name": "郑守田", "phone": "05570000001"},
        "consent": {"method": "spoken", "witness": "邻居赵婶"},
        "grid": grid,
        "body": "高龄津贴三个月没有到账。",
        "kind": "help",
        "category_id": cast.categories["高龄津贴"],
    }
    filed = done(wu.post("/filings", filing))
    zhengs, slip = filed["number"], {"number": filed["number"], "claim_code": filed["claim_code"]}

    # All four cases stand in one ledger.
    standing = {case.number: (case.channel, case.state) for case in session.scalars(select(Case))}
    assert standing == {
        lins: (Channel.MINI_PROGRAM, State.SUBMITTED),
        ditch: (Channel.VISIT, State.SUBMITTED),
        doctor: (Channel.VISIT, State.CLOSED),
        zhengs: (Channel.PROXY, State.SUBMITTED),
    }
    assert {case["number"] for case in zhou.get("/cases").json["items"]} == set(standing)

    # The desk takes Zheng's matter along the straight road.
    fang, du, minister, qin = (at_desk(login) for login in ("fang", "du", "min", "qin"))
    clock.advance(minutes=10)
    accepted = {"kind": "help", "category_id": cast.categories["高龄津贴"], "grid": grid}
    assert done(fang.post(f"/cases/{zhengs}/acceptance", accepted))["state"] == "accepted"
    done(du.post(f"/cases/{zhengs}/dispatch", {"lead_unit": cast.units["民政局"].code}))
    clock.advance(minutes=5)
    done(minister.post(f"/cases/{zhengs}/signature", {}))
    done(minister.post(f"/cases/{zhengs}/contact", {"how": "visit", "note": "内部：上门核对了存折。"}))
    clock.advance(minutes=30)
    result = {"reply": "漏发的三个月津贴已补发到存折。", "note": "内部：系统里账号少一位，已更正。", "solved": True}
    done(minister.post(f"/cases/{zhengs}/result", result))
    done(qin.post(f"/cases/{zhengs}/review/pass", {"note": "内部：已见回单。"}))

    # Time goes by: the two cases that nobody took up are late. The sweep says so once, the reminders go out once.
    send_notices(as_system)
    clock.advance(hours=1, minutes=10)
    swept = sweep(as_system)
    assert (swept.breaches, sweep(as_system).clocks) == (2, 0)
    breaches = session.execute(
        select(Case.number, Entry.facts).join(Entry, Entry.case_id == Case.id).where(Entry.action == Action.BREACH_CLOCK)
    ).all()
    assert {(row.number, row.facts["clock"]) for row in breaches} == {(lins, "accept"), (ditch, "accept")}
    clock.advance(hours=4)
    sent_before = len(gateway.sent)
    assert send_notices(as_system) == 2
    assert send_notices(as_system) == 0
    (digest,) = gateway.sent[sent_before:]
    assert (digest.template, digest.recipient_id) == ("digest", cast.staff["ma"].id)
    assert {item["params"]["number"] for item in digest.params["items"]} == {lins, ditch}
    assert "已超时，正在催办" in lin.get(f"/cases/{lins}").json["what_next"]

    # Wu may follow what was filed, and sees the reply; rating it is refused. Zheng rates by the code on the slip, which Wu has
    # seen: the call makes sure.
    followed = wu.get(f"/cases/{zhengs}")
    assert "漏发的三个月津贴已补发到存折。" in followed.text
    assert "内部" not in followed.text
    word = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.VERY_SATISFIED)
    with pytest.raises(FilerMayNotRate), transaction():
        rate_case(as_staff("wu"), zhengs, word)
    rating = {"contacted": True, "solved": True, "satisfaction": "very_satisfied", "words": "钱到账了，谢谢。"}
    assert done(nobody.post("/look-ups/rating", slip | rating))["state"] == "awaiting_callback"
    said = {name: rating[name] for name in ("contacted", "solved", "satisfaction")}
    assert done(at_desk("lu").post(f"/cases/{zhengs}/callbacks", said | {"note": "本人接听，说法一致。"}))["state"] == "closed"
    shown = done(nobody.post("/look-ups", slip, key=None))
    assert (shown["state_label"], shown["may_rate"]) == ("已办结", False)

    outcomes = {case.number: case.outcome for case in session.scalars(select(Case).execution_options(populate_existing=True))}
    assert outcomes == {lins: None, ditch: None, doctor: Outcome.ON_THE_SPOT, zhengs: Outcome.PASSED_ON}
    assert session.scalar(select(func.count()).select_from(Case)) == 4
    assert verify_ledger().breaks == []
