"""Proxy filings at the grid door: the matter is the person's, the consent is on record, the filer follows and never rates."""

import pytest
from sqlalchemy import func, select

from app.core.crypto import keyring
from app.core.database import transaction
from app.demo.cast import PASSWORD
from app.filings.models import Consent, ProxyFiling
from app.ledger.callbacks.answers import FilerMayNotRate, Verdict, rate_case, record_callback
from app.ledger.intake.report_people import ReportPeople
from app.ledger.models import Case, Report
from app.ledger.numbers import in_fours
from app.ledger.vocabulary import Channel, Satisfaction, State
from app.notices.models import Notice, Recipient
from app.people.identity import Person, set_person
from app.people.models import Resident
from tests.backstage import HAPPY
from tests.callers import GRID, Caller
from tests.counting import statements


def stored(session):
    return [session.scalar(select(func.count()).select_from(model)) for model in (ProxyFiling, Consent, Case)]


def test_wu_files_for_old_zheng_and_the_matter_is_zhengs(session, wu, cast, filing, clock):
    answer = wu.post("/filings", filing)
    assert answer.status_code == 201
    told = answer.json
    case = session.scalars(select(Case).where(Case.number == told["number"])).one()
    (report,) = case.reports
    assert (case.state, case.channel) == (State.SUBMITTED, Channel.PROXY)
    assert (report.filer_staff_id, report.concerned_id) == (cast.staff["wu"].id, cast.residents["zheng"].id)
    kept = session.scalars(select(ProxyFiling)).one()
    consent = session.get(Consent, kept.consent_id)
    assert (kept.report_id, kept.reason, report.consent_id) == (report.id, None, consent.id)
    assert (consent.method.value, consent.given_at) == ("spoken", clock())
    assert keyring().decrypt(consent.witness, field="consent.witness") == "邻居赵婶"
    told_to = session.scalars(select(Notice).where(Notice.case_id == case.id)).all()
    assert [(notice.recipient, notice.recipient_id) for notice in told_to] == [(Recipient.RESIDENT, cast.residents["zheng"].id)]


def test_the_slip_to_hand_over_bears_number_and_code_in_words_for_the_person(wu, filing):
    told = wu.post("/filings", filing).json
    assert in_fours(told["number"]) in told["handout"]
    assert in_fours(told["claim_code"]) in told["handout"]
    assert "只交给您本人" in told["handout"]


def test_the_person_follows_and_rates_by_the_code_and_the_filer_cannot(session, wu, nobody, filing, backstage, as_staff):
    told = wu.post("/filings", filing).json
    backstage.handle(told["number"])
    shown = wu.get(f"/cases/{told['number']}").json
    assert shown["state"] == "awaiting_callback"
    assert "may_rate" not in shown
    assert wu.post(f"/cases/{told['number']}/rating", HAPPY).status_code == 404
    verdict = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.VERY_SATISFIED)
    with pytest.raises(FilerMayNotRate), transaction():
        rate_case(as_staff("wu"), told["number"], verdict)
    proof = {"number": told["number"], "claim_code": told["claim_code"]}
    answer = nobody.post("/look-ups/rating", proof | HAPPY)
    assert (answer.status_code, answer.json["state"]) == (201, "awaiting_callback")
    assert record_callback(as_staff("lu"), told["number"], verdict).state is State.CLOSED


def test_the_grid_door_has_no_way_to_rate(app):
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith(GRID)]
    assert rules
    assert not [rule for rule in rules if "rat" in rule.removeprefix(GRID)]


BAD = [
    ({"consent": {"method": "spoken"}}, "consent.witness"),
    ({"consent": {"method": "spoken", "witness": "吴村"}}, "consent.witness"),
    ({"consent": {"method": "spoken", "witness": "郑 守田"}}, "consent.witness"),
    ({"consent": {"method": "spoken", "witness": "老郑", "witness_phone": "05570000001"}}, "consent.witness"),
    ({"consent": {"method": "spoken", "witness": "赵婶", "witness_phone": "12"}}, "consent.witness_phone"),
    ({"consent": {"method": "signature", "evidence": "签名单第 3 页"}}, "consent.signature_id"),
    ({"consent": {"method": "signature", "signature_id": 10**9}}, "consent.signature_id"),
    ({"consent": {"method": "sms_code"}}, "consent.code_id"),
    ({"consent": {"method": "sms_code", "code_id": 10**9}}, "consent.code_id"),
    ({"consent": {"method": "shouted"}}, "consent.method"),
    ({"consent": None}, "consent"),
    ({"person": {"name": " "}}, "person.name"),
    ({"person": {"phone": "13800000001"}}, "person.name"),
    ({"person": {"name": "郑守田", "phone": "12"}}, "person.phone"),
    ({"person": {"name": "郑守田", "id_number": "341323199001011234"}}, "person.id_number"),
    ({"grid": "0000"}, "grid"),
    ({"grid": None}, "grid"),
    ({"body": "长" * 5000}, "body"),
    ({"body": "👍👍"}, "body"),
    ({"category_id": 10**6}, "category_id"),
    ({"against_unit": "0000"}, "against_unit"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_bad_input_names_its_field_and_stores_nothing(session, wu, filing, change, field):
    before = session.scalar(select(func.count()).select_from(Resident))
    answer = wu.post("/filings", filing | change)
    assert answer.status_code == 422, answer.text
    assert list(answer.json["errors"]) == [field]
    assert stored(session) == [0, 0, 0]
    assert session.scalar(select(func.count()).select_from(Resident)) == before


def test_a_matter_outside_the_village_needs_a_reason(session, wu, cast, filing):
    far = filing | {"grid": cast.grids["河湾村一网格"].code, "person": {"name": "河湾老人"}}
    answer = wu.post("/filings", far)
    assert (answer.status_code, answer.json["code"], list(answer.json["errors"])) == (422, "reason_missing", ["reason"])
    assert stored(session) == [0, 0, 0]
    assert wu.post("/filings", far | {"reason": "老人在柳林村女儿家长住。"}).status_code == 201
    assert session.scalars(select(ProxyFiling.reason)).all() == ["老人在柳林村女儿家长住。"]


def test_for_who_is_not_on_ones_roster_a_reason_is_asked_and_it_tells_nothing_of_where_they_are(session, wu, cast, filing):
    """Zheng has moved to another village; for him, and for somebody whom no roster has, the answers are the same."""
    with transaction():
        session.get(Resident, cast.residents["zheng"].id).grid_id = cast.grids["南门社区一网格"].id
    nobody = filing | {"person": {"name": "查无人", "phone": "0557-0000009"}}
    for filed in (filing, nobody):
        refused = wu.post("/filings", filed)
        assert (refused.status_code, refused.json["code"], list(refused.json["errors"])) == (422, "reason_missing", ["reason"])
    assert stored(session) == [0, 0, 0]
    answers = [wu.post("/filings", filed | {"reason": "老人在村里亲戚家长住。"}) for filed in (filing, nobody)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json.keys() == answers[1].json.keys()
    assert session.scalars(select(Report.concerned_id).order_by(Report.id)).first() == cast.residents["zheng"].id
    assert session.scalars(select(ProxyFiling.person_elsewhere).order_by(ProxyFiling.id)).all() == [True, False]
    assert "elsewhere" not in wu.get("/filings").text


def test_the_supervisor_sees_which_filings_came_from_afar(session, client, wu, cast, filing):
    with transaction():
        session.get(Resident, cast.residents["zheng"].id).grid_id = cast.grids["南门社区一网格"].id
    number = wu.post("/filings", filing | {"reason": "老人在村里亲戚家长住。"}).json["number"]
    callers = {}
    for login in ("sun", "he"):
        answer = client.post("/desk/v1/sign-in", json={"login": login, "password": PASSWORD})
        callers[login] = Caller(client, "/desk/v1", answer.json["token"])
    (listed,) = callers["sun"].get("/supervision/filings-from-afar").json["items"]
    assert (listed["number"], listed["filer"], listed["reason"]) == (number, "吴村", "老人在村里亲戚家长住。")
    assert callers["he"].get("/supervision/filings-from-afar").status_code == 403


def test_a_person_is_picked_from_the_roster_and_known_the_next_time(session, wu, zhao, cast, filing):
    picked = {name: value for name, value in filing.items() if name != "person"} | {"resident_id": cast.residents["zheng"].id}
    before = session.scalar(select(func.count()).select_from(Resident))
    for body in ("高龄津贴三个月没有到账。", "门前水沟堵了。"):
        assert wu.post("/filings", picked | {"body": body}).status_code == 201
    assert session.scalars(select(Report.concerned_id)).all() == [cast.residents["zheng"].id] * 2
    assert session.scalar(select(func.count()).select_from(Resident)) == before
    own = picked["consent"] | {"witness": "郑守田"}
    assert list(wu.post("/filings", picked | {"consent": own}).json["errors"]) == ["consent.witness"]
    there, nowhere = zhao.post("/filings", picked), zhao.post("/filings", picked | {"resident_id": 10**6})
    assert [each.json["code"] for each in (there, nowhere)] == ["resident_not_found"] * 2
    assert (there.status_code, there.json["title"]) == (404, nowhere.json["title"])
    assert list(wu.post("/filings", picked | filing).json["errors"]) == ["person"]
    assert list(wu.post("/filings", picked | {"resident_id": None}).json["errors"]) == ["person"]


def test_nobody_files_for_whom_the_roster_has_let_go(session, wu, cast, filing):
    with transaction():
        zheng = session.get(Resident, cast.residents["zheng"].id)
        zheng.ended_at, zheng.ended_by = zheng.created_at, "deceased"
    picked = filing | {"person": None, "resident_id": cast.residents["zheng"].id}
    assert wu.post("/filings", picked).json["code"] == "resident_not_found"


def test_whoever_calls_himself_zheng_on_wechat_does_not_get_zhengs_matter(session, wu, lin, cast, filing, stamp):
    """Name and phone that an account gives of itself are not proved; the matter goes to the person on the roster."""
    lin.put("/me", {"name": "郑守田", "phone": "05570000001"})
    with transaction():
        set_person(stamp, cast.residents["zheng"].id, Person(phone="05570000002"))
    assert wu.post("/filings", filing | {"reason": "老人不会用手机。"}).status_code == 201
    assert lin.get("/cases").json["items"] == []
    assert session.scalars(select(Report.concerned_id)).one() != cast.residents["lin"].id


def test_wu_lists_own_filings_masked_and_zhou_does_not_see_them(wu, zhou, cast, filing, clock):
    numbers = []
    for _ in range(3):
        clock.advance(minutes=31)  # the same words within half an hour would be one case
        numbers.append(wu.post("/filings", filing).json["number"])
    page = wu.get("/filings", limit=2).json
    rest = wu.get("/filings", limit=2, cursor=page["next_cursor"]).json
    assert [each["number"] for each in page["items"] + rest["items"]] == numbers[::-1]
    assert page["items"][0]["person"] == {"name": "郑**", "phone": "055****0001"}
    assert (page["items"][0]["state_label"], page["items"][0]["consent"]) == ("待受理", "spoken")
    assert zhou.get("/filings").json["items"] == []


def test_a_list_of_filings_costs_the_same_however_many_there_are(wu, filing):
    def cost():
        with statements() as sent:
            assert wu.get("/filings").status_code == 200
        return len(sent)

    wu.post("/filings", filing)
    before = cost()
    for place in range(5):
        stranger = {"person": {"name": f"村民{'甲乙丙丁戊'[place]}"}, "reason": "还没有登记。"}
        assert wu.post("/filings", filing | stranger).status_code == 201
    assert cost() == before <= 5


def test_a_filing_is_stored_once_by_its_key(session, wu, filing):
    key = "0b8e7a52-3f0e-4b7c-8a39-6a2f1d9b5c11"
    first, second = wu.post("/filings", filing, key=key), wu.post("/filings", filing, key=key)
    assert first.json == second.json
    assert stored(session) == [1, 1, 1]
    assert wu.post("/filings", filing | {"body": "另一件事。"}, key=key).status_code == 422


def test_a_minors_matter_names_a_guardian_and_a_group_its_representatives(session, wu, filing):
    refused = wu.post("/filings", filing | {"minor": True, "group_size": 6})
    assert (refused.status_code, set(refused.json["errors"])) == (422, {"guardian", "representatives"})
    assert stored(session) == [0, 0, 0]
    body = {
        "minor": True,
        "guardian": {"name": "郑大山"},
        "group_size": 6,
        "representatives": [{"name": "郑一", "phone": "13800000021"}],
    }
    told = wu.post("/filings", filing | body)
    assert told.status_code == 201, told.text
    row = session.scalars(select(ReportPeople)).one()
    assert (row.group_size, row.minor) == (6, True)
    assert "郑大山".encode() not in row.guardian
