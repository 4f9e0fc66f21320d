"""After a filing: the filer follows and helps, the person corrects, withdraws, rates, or says that they never asked for it."""

import re

import pytest
from sqlalchemy import select

from app.core.database import transaction
from app.demo.cast import PASSWORD
from app.filings.models import ProxyFiling
from app.ledger.callbacks.models import Callback
from app.ledger.callbacks.tasks import call_tasks
from app.ledger.commands import accept_case
from app.ledger.disputes.models import ConsentDispute
from app.ledger.intake.codes_seen import seen_by_filer
from app.ledger.merging.joining import merge_cases
from app.ledger.models import Entry, EntryWords, Report
from app.ledger.vocabulary import Action
from app.notices.models import Notice, Recipient
from tests.backstage import HAPPY
from tests.callers import Caller, grid_caller
from tests.counting import statements

WHY = "本人还没有登记在名册里，不会用手机。"


@pytest.fixture
def filed(wu, filing):
    """What Wu has filed for old Zheng."""
    return wu.post("/filings", filing).json


@pytest.fixture
def sun(client, cast):
    answer = client.post("/desk/v1/sign-in", json={"login": "sun", "password": PASSWORD})
    return Caller(client, "/desk/v1", answer.json["token"])


def proof(filed, **more):
    return {"number": filed["number"], "claim_code": filed["claim_code"]} | more


def last(session, number):
    row = session.execute(
        select(Entry.action, Entry.facts, EntryWords.note, EntryWords.reply)
        .outerjoin(EntryWords, EntryWords.entry_id == Entry.id)
        .order_by(Entry.id.desc())
        .limit(1)
    ).one()
    assert number
    return row


def test_who_joined_by_code_corrects_what_was_written_and_the_report_stays(session, lin, filed):
    assert lin.post("/claims", proof(filed)).status_code == 201
    answer = lin.post(f"/cases/{filed['number']}/corrections", {"words": "不是三个月，是五个月没有到账。"})
    assert answer.status_code == 201
    row = last(session, filed["number"])
    assert (row.action, row.note) == (Action.SUPPLEMENT, "不是三个月，是五个月没有到账。")
    assert session.scalars(select(Report.body)).one() == "高龄津贴三个月没有到账，老人不会用手机。"
    shown = lin.get(f"/cases/{filed['number']}").json
    assert shown["timeline"][-1]["what"] == "更正登记内容"
    assert shown["timeline"][-1]["words"] == "不是三个月，是五个月没有到账。"


def test_the_holder_of_the_code_corrects_and_withdraws(session, nobody, filed):
    assert nobody.post("/look-ups/corrections", proof(filed, words="是五个月。")).status_code == 201
    assert last(session, filed["number"]).facts["corrects"]
    assert nobody.post("/look-ups/withdrawal", proof(filed, words="已经到账了。")).json["state"] == "submitted"
    assert last(session, filed["number"]).action is Action.ASK_WITHDRAW  # the filer has the code too: the centre calls


def test_a_neighbour_neither_corrects_nor_disputes(lin, filed):
    unknown = lin.post("/cases/2026112300000000/corrections", {"words": "不是这样"})
    for what in ("corrections", "consent-dispute"):
        answer = lin.post(f"/cases/{filed['number']}/{what}", {"words": "不是这样"})
        assert (answer.status_code, answer.json["code"], answer.json["title"]) == (404, "case_not_found", unknown.json["title"])


def test_the_filer_passes_on_a_wish_to_withdraw_and_the_centre_calls(session, wu, zhou, filed):
    number = filed["number"]
    assert zhou.post(f"/filings/{number}/withdrawal", {"words": "老郑说不用办了"}).json["code"] == "filing_not_found"
    assert wu.post(f"/filings/{number}/withdrawal", {"words": " "}).status_code == 422
    answer = wu.post(f"/filings/{number}/withdrawal", {"words": "老郑当面说：钱到了，不用办了。"})
    assert (answer.status_code, answer.json["state"]) == (201, "pending")
    row = last(session, number)
    assert (row.action, row.note, row.facts["by_phone"]) == (Action.ASK_WITHDRAW, "老郑当面说：钱到了，不用办了。", False)
    assert wu.get(f"/cases/{number}").json["state"] == "submitted"
    assert wu.post(f"/filings/{number}/withdrawal", {"words": "又说一次"}).json["code"] == "request_pending"


def test_a_lost_code_is_printed_anew_and_the_old_one_opens_nothing(session, wu, nobody, filed):
    answer = wu.post(f"/filings/{filed['number']}/claim-code", {"by": "print"})
    assert answer.status_code == 201
    fresh = re.search(r"查询码：([\d ]+)", answer.json["handout"])[1].replace(" ", "")
    assert fresh != filed["claim_code"]
    assert nobody.post("/look-ups", proof(filed)).status_code == 404
    assert nobody.post("/look-ups", proof(filed) | {"claim_code": fresh}).status_code == 200
    row = last(session, filed["number"])
    assert (row.action, row.facts["by"]) == (Action.REISSUE_CODE, "print")
    assert fresh not in str(row.facts)
    to = session.execute(select(Notice.recipient, Notice.template).order_by(Notice.id.desc()).limit(1)).one()
    assert tuple(to) == (Recipient.RESIDENT, "reissue_code")


def test_a_texted_code_goes_past_the_filer(wu, nobody, filing, gateway):
    mobile = wu.post("/filings", filing | {"person": {"name": "钱大妈", "phone": "13800000041"}, "reason": WHY}).json
    answer = wu.post(f"/filings/{mobile['number']}/claim-code", {"by": "sms"})
    assert (answer.status_code, answer.json["handout"]) == (201, None)
    ((phone, words),) = gateway.texts
    fresh = re.search(r"查询码 ([\d ]+)。", words)[1].replace(" ", "")
    assert phone == "13800000041"
    assert fresh not in answer.text
    assert nobody.post("/look-ups", proof(mobile) | {"claim_code": fresh}).status_code == 200


def test_a_code_is_not_texted_to_a_landline_nor_reissued_by_others(wu, zhou, filed, nobody):
    assert wu.post(f"/filings/{filed['number']}/claim-code", {"by": "sms"}).json["code"] == "no_mobile"
    assert zhou.post(f"/filings/{filed['number']}/claim-code", {"by": "print"}).status_code == 404
    assert nobody.post("/look-ups", proof(filed)).status_code == 200


def test_who_says_they_asked_nobody_stops_the_filer_and_the_supervisor_is_told(session, wu, sun, nobody, filed, cast):
    number = filed["number"]
    assert nobody.post("/look-ups/consent-dispute", proof(filed, words="我没有委托他。")).status_code == 201
    row = session.scalars(select(ConsentDispute)).one()
    assert (row.staff_id, row.upheld) == (cast.staff["wu"].id, None)
    told = session.scalars(select(Notice.recipient_id).where(Notice.template == "dispute_consent")).all()
    assert cast.staff["sun"].id in told
    for path, body in (
        (f"/cases/{number}/supplements", {"words": "补充一句"}),
        (f"/cases/{number}/whistles", {"units": [cast.units["城市管理局"].code], "place": "村口", "words": "请来"}),
        (f"/filings/{number}/claim-code", {"by": "print"}),
        (f"/filings/{number}/withdrawal", {"words": "他说不办了"}),
    ):
        assert wu.post(path, body).status_code == 403, path
    assert wu.get("/filings").json["items"][0]["disputed"] is True
    again = nobody.post("/look-ups/consent-dispute", proof(filed, words="再说一次。"))
    assert (again.status_code, again.json["code"]) == (409, "disputed_before")
    (listed,) = sun.get("/supervision/disputed-consents").json["items"]
    assert (listed["number"], listed["filer"]) == (number, "吴村")


def test_a_supervisor_clears_the_filer_or_upholds_the_dispute_and_the_person_reads_why(session, wu, sun, nobody, filed):
    number = filed["number"]
    ruling = {"upheld": False, "reply": "经核查，您的儿子代您同意过，已向您说明。", "note": "查看了签名单"}
    assert sun.post(f"/cases/{number}/consent-ruling", ruling).json["code"] == "no_dispute"
    nobody.post("/look-ups/consent-dispute", proof(filed, words="我没有委托他。"))
    assert "rule_on_consent" in sun.get(f"/cases/{number}").json["actions"]
    assert sun.post(f"/cases/{number}/consent-ruling", ruling).status_code == 200
    assert sun.get("/supervision/disputed-consents").json["items"] == []
    assert wu.post(f"/cases/{number}/supplements", {"words": "补充一句"}).status_code == 201
    shown = nobody.post("/look-ups", proof(filed)).json
    assert any(line["words"] == ruling["reply"] for line in shown["timeline"])
    with transaction():
        session.scalars(select(ConsentDispute)).one().upheld = True
    assert wu.post(f"/cases/{number}/supplements", {"words": "再补充一句"}).status_code == 403


def test_what_nobody_filed_for_one_cannot_be_disputed(lin, cast):
    number = lin.post("/reports", {"body": "路灯不亮", "grid": cast.grids["柳林村一网格"].code}).json["number"]
    assert lin.post(f"/cases/{number}/consent-dispute", {"words": "不是我"}).json["code"] == "not_filed_for_you"


def test_fresh_codes_flood_no_telephone_whoever_asks_and_the_last_one_opens(wu, nobody, filing, gateway):
    person = {"name": "钱大妈", "phone": "13800000041"}
    numbers = [
        wu.post("/filings", filing | {"person": person, "body": body, "reason": WHY}).json["number"]
        for body in ("高龄津贴没有到账。", "门前水沟堵了。")
    ]
    sent = [wu.post(f"/filings/{numbers[turn % 2]}/claim-code", {"by": "sms"}).status_code for turn in range(6)]
    assert sent == [201] * 5 + [429]
    assert len(gateway.texts) == 5
    code = re.search(r"查询码 ([\d ]+)", gateway.texts[3][1])[1].replace(" ", "")
    assert nobody.post("/look-ups", {"number": numbers[1], "claim_code": code}).status_code == 200  # what was refused voids nothing
    assert wu.post(f"/filings/{numbers[0]}/claim-code", {"by": "print"}).status_code == 201


def test_who_has_neither_phone_nor_account_is_told_on_paper(session, wu, zhou, filing, clock):
    told = wu.post("/filings", filing).json
    clock.advance(minutes=31)
    untold = wu.post("/filings", filing | {"person": {"name": "哑伯"}, "body": "想办残疾证。", "reason": WHY}).json
    assert (told["told"], untold["told"]) == (True, False)
    assert [each["number"] for each in wu.get("/filings", told="false").json["items"]] == [untold["number"]]
    assert wu.get("/filings/counts").json == {"all": 2, "open": 2, "late": 0, "untold": 1}
    assert zhou.post(f"/filings/{untold['number']}/hand-over").status_code == 404
    first = wu.post(f"/filings/{untold['number']}/hand-over").json["handed_over_at"]
    clock.advance(minutes=5)
    assert wu.post(f"/filings/{untold['number']}/hand-over").json["handed_over_at"] == first
    assert wu.get("/filings", told="false").json["items"] == []
    assert wu.get("/filings/counts").json["untold"] == 0
    assert session.scalars(select(ProxyFiling.reachable).order_by(ProxyFiling.id)).all() == [True, False]


def test_own_filings_are_narrowed_by_state_and_lateness(wu, filing, backstage, clock, session):
    first = wu.post("/filings", filing).json["number"]
    clock.advance(minutes=31)
    second = wu.post("/filings", filing | {"body": "想问合作医疗怎么交。"}).json["number"]
    backstage.accept(first)
    assert [each["number"] for each in wu.get("/filings", state="accepted").json["items"]] == [first]
    assert wu.get("/filings", late="true").json["items"] == []
    clock.advance(days=60)
    wu = grid_caller(wu.client, "wu", PASSWORD)
    assert {each["number"] for each in wu.get("/filings", late="true").json["items"]} == {first, second}
    assert wu.get("/filings/counts").json["late"] == 2
    with statements() as sent:
        wu.get("/filings", late="true", state="submitted", told="true")
    assert len(sent) <= 5


def test_what_the_filer_says_by_the_code_they_printed_counts_nowhere_until_the_centre_has_called(
    session, wu, nobody, filed, backstage, as_staff
):
    number = filed["number"]
    backstage.handle(number)
    answer = nobody.post("/look-ups/rating", proof(filed) | HAPPY)
    assert (answer.status_code, answer.json["state"]) == (201, "awaiting_callback")
    row = last(session, number)
    assert (row.action, row.facts["to_confirm"]) == (Action.RATE, True)
    assert session.scalars(select(Callback)).all() == []
    assert [task.number for task in call_tasks(as_staff("lu"), cursor=None, limit=9).items] == [number]
    assert nobody.post("/look-ups/rating", proof(filed) | HAPPY).json["code"] == "already_rated"
    to = session.scalars(select(Notice.template).where(Notice.template.like("rate%"))).all()
    assert to == ["rate_to_confirm"]


def test_an_account_that_joined_by_the_printed_code_is_called_before_its_rating_counts(session, lin, filed, backstage):
    assert lin.post("/claims", proof(filed)).status_code == 201
    backstage.handle(filed["number"])
    assert lin.post(f"/cases/{filed['number']}/rating", HAPPY).json["state"] == "awaiting_callback"
    assert session.scalars(select(Callback)).all() == []


def test_a_code_that_was_texted_past_the_filer_rates_and_a_printed_one_after_it_does_not(
    session, wu, nobody, filing, gateway, backstage
):
    mobile = wu.post("/filings", filing | {"person": {"name": "钱大妈", "phone": "13800000041"}, "reason": WHY}).json
    backstage.handle(mobile["number"])
    wu.post(f"/filings/{mobile['number']}/claim-code", {"by": "sms"})
    texted = re.search(r"查询码 ([\d ]+)。", gateway.texts[-1][1])[1].replace(" ", "")
    answer = nobody.post("/look-ups/rating", proof(mobile) | {"claim_code": texted} | HAPPY)
    assert (answer.status_code, answer.json["state"]) == (201, "closed")
    report = session.scalars(select(Report)).one()
    assert not seen_by_filer(report)
    wu.post(f"/filings/{mobile['number']}/claim-code", {"by": "print"})
    assert seen_by_filer(report)


def test_after_a_merge_a_disputed_consent_still_binds_its_filer_and_is_ruled_where_the_report_is(
    session, wu, sun, lin, nobody, filing, as_staff, cast, clock
):
    where = {"category_id": cast.categories["高龄津贴"], "grid_id": cast.grids["柳林村一网格"].id, "kind": "help"}
    told = {"body": "高龄津贴三个月没有到账。", "grid": cast.grids["柳林村一网格"].code, "kind": "help"}
    survivor = lin.post("/reports", told).json["number"]
    clock.advance(minutes=5)
    filed = wu.post("/filings", filing).json
    assert nobody.post("/look-ups/consent-dispute", proof(filed, words="我没有委托他。")).status_code == 201
    with transaction():
        for number in (survivor, filed["number"]):
            accept_case(as_staff("fang"), number, **where)
        merge_cases(as_staff("du"), survivor, numbers=[filed["number"]])
    assert wu.post(f"/cases/{survivor}/supplements", {"words": "再补充"}).status_code in (403, 404)
    again = nobody.post("/look-ups/consent-dispute", proof(filed, words="再说一次。"))
    assert (again.status_code, again.json["code"]) == (409, "disputed_before")
    (listed,) = sun.get("/supervision/disputed-consents").json["items"]
    assert listed["number"] == survivor
    assert "rule_on_consent" in sun.get(f"/cases/{survivor}").json["actions"]
    ruling = {"upheld": False, "reply": "经核查，您的儿子代您同意过。", "note": "查看了签名单"}
    assert sun.post(f"/cases/{survivor}/consent-ruling", ruling).status_code == 200
    assert sun.get("/supervision/disputed-consents").json["items"] == []


def test_the_filer_never_rates_however_they_guess(wu, nobody, filed, backstage):
    number = filed["number"]
    backstage.handle(number)
    for path in (f"/cases/{number}/rating", f"/filings/{number}/rating", f"/cases/{number}/callbacks"):
        assert wu.post(path, HAPPY).status_code == 404
    at_their_door = Caller(wu.client, "/miniprogram/v1", wu.token)
    assert at_their_door.post(f"/cases/{number}/rating", HAPPY).status_code == 403
    for code in ("0000000000", filed["claim_code"][::-1]):
        assert nobody.post("/look-ups/rating", proof(filed) | {"claim_code": code} | HAPPY).status_code in (404, 422)
