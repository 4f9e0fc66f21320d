"""Heads of household groups: named by the village's cadres, at work for their own group alone, and ended at once."""

import re

import pytest
from sqlalchemy import select

from app.core.database import db, transaction
from app.core.stamp import Role
from app.demo.cast import PASSWORD
from app.filings.heads.models import HeadAccount, HeadDid, HeadLog
from app.ledger.models import Case, Entry, Report
from app.notices.models import Notice, Recipient
from app.people.identity import Person, enrol_resident
from app.territory.commands import add_household
from app.territory.models import HouseholdGroup
from tests.backstage import HAPPY
from tests.callers import MINIPROGRAM, grid_caller, resident_caller
from tests.counting import statements
from tests.pictures import photo, upload


def add_group(cast, code, name, grid, at):
    group = HouseholdGroup(code=code, name=name, grid_id=cast.grids[grid].id, created_at=at)
    db.session.add(group)
    db.session.flush()
    return group


@pytest.fixture
def groups(session, cast, clock, stamp):
    """户区 G1 with the households of 郑守田 and 林秀英, G2 beside it with one more, G3 in another village."""
    with transaction():
        made = {code: add_group(cast, code, f"户区{code}", "柳林村一网格", clock()) for code in ("G1", "G2")}
        made["G3"] = add_group(cast, "G3", "户区G3", "河湾村一网格", clock())
        for name in ("郑守田", "林秀英"):
            cast.households[name].group_id = made["G1"].id
        grid = cast.grids["柳林村一网格"]
        other = add_household(clock(), code=f"{grid.code}H003", grid=grid, head_name="孙满仓", place="柳林村一组 20 号")
        other.group_id = made["G2"].id
        session.flush()
        cast.households["孙满仓"] = other
        cast.residents["sun"] = enrol_resident(stamp, Person(name="孙满仓"), grid_id=grid.id, household_id=other.id)
    return made


@pytest.fixture
def chen(client):
    return resident_caller(client, "chen")


@pytest.fixture
def head(wu, lin, groups, cast):
    """Lin's account, joined to old Zheng's headship of G1 by the code that Wu handed over."""
    code = name(wu, cast)["code_in_fours"]
    assert lin.post("/head/joining", {"code": code}).status_code == 201
    return lin


def name(caller, cast, who="zheng", group="G1"):
    """Name a head on the roster, and have a code made for them."""
    resident = cast.residents[who].id
    assert caller.post(f"/groups/{group}/heads", {"resident_id": resident}).status_code in (200, 201)
    return caller.post(f"/groups/{group}/heads/{resident}/code").json


def need(cast, household="郑守田", **more):
    return {"what": "need", "household_id": cast.households[household].id, "words": "门前水沟堵了，请来清一清。"} | more


def test_the_account_joins_by_the_code_once(session, wu, lin, chen, groups, cast, clock):
    named = name(wu, cast)
    assert (named["name"], len(named["code"])) == ("郑**", 10)
    account = session.scalars(select(HeadAccount)).one()
    assert named["code"].encode() not in account.code_index
    assert lin.get("/head/groups").json["code"] == "not_a_head"
    assert lin.post("/head/joining", {"code": named["code"]}).json == [{"code": "G1", "name": "户区G1"}]
    again = chen.post("/head/joining", {"code": named["code"]})
    assert (again.status_code, again.json["code"]) == (404, "wrong_head_code")
    assert chen.post("/head/joining", {"code": "1234567890"}).status_code == 404
    assert lin.get("/head/groups").json == [{"code": "G1", "name": "户区G1", "households": 2}]


def test_a_code_lasts_a_week_and_a_new_one_takes_the_old_ones_place(wu, lin, chen, groups, cast, clock):
    zheng = cast.residents["zheng"].id
    first = name(wu, cast)["code"]
    fresh = wu.post(f"/groups/G1/heads/{zheng}/code").json["code"]
    assert lin.post("/head/joining", {"code": first}).status_code == 404
    assert lin.post("/head/joining", {"code": fresh}).status_code == 201
    newest = wu.post(f"/groups/G1/heads/{zheng}/code").json["code"]
    assert lin.get("/head/groups").status_code == 403
    clock.advance(days=7)
    assert chen.post("/head/joining", {"code": newest}).status_code == 404


def test_codes_are_made_for_heads_of_ones_own_village_alone(client, wu, zhao, groups, cast):
    name(wu, cast)
    zheng, sun = cast.residents["zheng"].id, cast.residents["sun"].id
    assert wu.post(f"/groups/G1/heads/{sun}/code").json["code"] == "head_not_found"
    far, unknown = zhao.post(f"/groups/G1/heads/{zheng}/code"), zhao.post(f"/groups/nowhere/heads/{zheng}/code")
    assert (far.status_code, unknown.status_code, far.json["title"]) == (404, 404, unknown.json["title"])
    hua = grid_caller(client, "hua", PASSWORD)
    assert hua.post(f"/groups/G1/heads/{zheng}/code").status_code == 403


def test_a_group_may_have_several_heads(wu, lin, chen, groups, cast):
    for who, caller in (("zheng", lin), ("sun", chen)):
        assert caller.post("/head/joining", {"code": name(wu, cast, who)["code"]}).status_code == 201
    for caller in (lin, chen):
        assert [each["code"] for each in caller.get("/head/groups").json] == ["G1"]


def test_codes_are_not_to_be_guessed(lin):
    answers = [lin.post("/head/joining", {"code": f"{place:010d}"}).status_code for place in range(31)]
    assert set(answers[:30]) == {404}
    assert answers[30] == 429


def test_a_head_sees_labels_and_surnames_of_their_group_alone(head, cast):
    page = head.get("/head/households")
    labels = [(each["id"], each["head"]) for each in page.json["items"]]
    assert labels == [(cast.households["郑守田"].id, "郑*"), (cast.households["林秀英"].id, "林*")]
    for secret in ("守田", "秀英", "0557", "一组", "孙"):
        assert secret not in page.text
    other, unknown = head.get("/head/households", group="G2"), head.get("/head/households", group="nowhere")
    assert (other.status_code, other.json["title"]) == (404, unknown.json["title"])
    assert head.get("/head/households", group="G1", limit=1).json["next_cursor"]


def test_visits_and_help_are_logged_and_a_need_is_filed_by_the_head(session, head, cast, zhou):
    for what in ("visit", "help"):
        body = {"what": what, "household_id": cast.households["林秀英"].id, "words": "送了一袋米。"}
        answer = head.post("/head/logs", body)
        assert (answer.status_code, answer.json["number"]) == (201, None)
    filed = head.post("/head/logs", need(cast)).json
    report = session.scalars(select(Report)).one()
    assert (report.filer_resident_id, report.concerned_id) == (cast.residents["lin"].id,) * 2  # old Zheng's household is hers
    assert report.household_id == cast.households["郑守田"].id
    assert session.scalars(select(Entry.role)).one() is Role.HOUSEHOLD_HEAD
    assert head.get(f"/cases/{filed['number']}").json["reports"][0]["body"] == "门前水沟堵了，请来清一清。"
    answered = zhou.post(f"/cases/{filed['number']}/answer", {"reply": "已清通。", "category_id": cast.categories["沟渠灌溉"]})
    assert answered.status_code == 201
    assert head.get(f"/cases/{filed['number']}").json["timeline"][-1]["words"] == "已清通。"
    (newest, *_) = head.get("/head/logs").json["items"]
    assert (newest["what"], newest["number"], newest["state"]) == ("need", filed["number"], "awaiting_callback")
    assert [each["what"] for each in head.get("/head/logs", what="visit").json["items"]] == ["visit"]


def test_a_need_has_somebody_to_call_and_the_head_who_filed_is_told(session, head, cast, stamp, zhou):
    """Of the household's head the roster has a telephone: theirs is the matter; the group's head hears of number and answer."""
    with transaction():
        house, grid = cast.households["林秀英"].id, cast.grids["柳林村一网格"].id
        hers = enrol_resident(stamp, Person(name="林秀英", phone="13900007777"), grid_id=grid, household_id=house).id
        enrol_resident(stamp, Person(name="林小妹", phone="13900008888"), grid_id=grid, household_id=house)
    filed = head.post("/head/logs", need(cast, "林秀英")).json
    case = session.scalars(select(Case).where(Case.number == filed["number"])).one()
    assert [report.concerned_id for report in case.reports] == [hers]
    assert case.nobody_to_call is False
    zhou.post(f"/cases/{filed['number']}/answer", {"reply": "已清通。", "category_id": cast.categories["沟渠灌溉"]})
    rows = session.execute(select(Notice.template, Notice.recipient_id).where(Notice.recipient == Recipient.RESIDENT))
    both = {hers, cast.residents["lin"].id}
    assert {tuple(row) for row in rows} == {(template, who) for template in ("submit", "answer") for who in both}
    seen = head.get(f"/cases/{filed['number']}").text
    assert "7777" not in seen
    assert head.post(f"/cases/{filed['number']}/rating", HAPPY).status_code == 403


def test_a_suggestion_is_the_heads_own(session, head, cast):
    filed = head.post("/head/logs", {"what": "suggestion", "words": "建议在村口装一盏路灯。"})
    assert filed.status_code == 201
    case = session.scalars(select(Case)).one()
    assert (case.kind.value, case.channel.value, case.grid_id) == ("suggestion", "mini_program", cast.grids["柳林村一网格"].id)
    assert session.scalars(select(Report.concerned_id)).one() == cast.residents["lin"].id
    log = session.scalars(select(HeadLog)).one()
    assert (log.what, log.household_id, log.group.code) == (HeadDid.SUGGESTION, None, "G1")


def test_the_next_groups_household_is_not_there_however_one_guesses(session, head, cast):
    for what in ("visit", "need", "help", "suggestion"):
        other = head.post("/head/logs", need(cast, "孙满仓", what=what))
        unknown = head.post("/head/logs", need(cast, what=what, household_id=10**9))
        assert (other.status_code, unknown.status_code) == (404, 404), what
        plain = [re.sub(r'"request_id": ?"[^"]*"', "", answer.text) for answer in (other, unknown)]
        assert plain[0] == plain[1]
    assert head.post("/head/logs", {"what": "suggestion", "words": "建议装灯", "group": "G2"}).status_code == 404
    assert session.scalars(select(HeadLog)).all() == []


def test_a_head_sees_no_case_of_the_groups_members(head, wu, filing):
    number = wu.post("/filings", filing).json["number"]
    assert head.get(f"/cases/{number}").status_code == 404
    assert head.get("/cases").json["items"] == []
    for path, body in (("supplements", {"words": "补充"}), ("withdrawal", {"words": "不办了"}), ("corrections", {"words": "不对"})):
        assert head.post(f"/cases/{number}/{path}", body).status_code == 404


def test_a_head_has_nothing_at_the_other_doors(client, head):
    for door in ("/grid/v1", "/desk/v1"):
        answer = client.get(f"{door}/cases", headers={"Authorization": f"Bearer {head.token}"})
        assert answer.status_code == 403


def test_who_is_ended_loses_it_at_once(head, wu, cast):
    assert wu.post("/groups/G1/heads/end", {"resident_id": cast.residents["zheng"].id}).status_code in (200, 201)
    for answer in (
        head.get("/head/groups"),
        head.get("/head/households"),
        head.get("/head/logs"),
        head.post("/head/logs", need(cast)),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "not_a_head")


def test_a_neighbour_is_no_head(chen, groups, cast):
    assert chen.post("/head/logs", need(cast)).json["code"] == "not_a_head"
    assert chen.door == MINIPROGRAM


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": "gossip"}, "what"),
        ({"words": " "}, "words"),
        ({"words": "长" * 1001}, "words"),
        ({"words": "米\u0007"}, "words"),
        ({"what": "need", "words": "👍"}, "words"),
        ({"what": "suggestion", "words": "长" * 5000}, "words"),
        ({"household_id": None}, "household_id"),
        ({"household_id": 0}, "household_id"),
    ],
)
def test_bad_input_names_its_field_and_stores_nothing(session, head, cast, change, field):
    answer = head.post("/head/logs", need(cast) | {"what": "help"} | change)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert session.scalars(select(HeadLog)).all() == []


def test_a_log_is_stored_once_by_its_key(session, head, cast):
    key = "0b8e7a52-3f0e-4b7c-8a39-6a2f1d9b5c22"
    first, second = (head.post("/head/logs", need(cast), key=key) for _ in range(2))
    assert first.json == second.json
    assert len(session.scalars(select(HeadLog)).all()) == 1


def test_what_heads_did_is_counted_by_group_and_in_all(session, head, wu, zhao, cast, clock, groups):
    for what in ("visit", "help", "help", "suggestion"):
        assert head.post("/head/logs", need(cast, what=what, words="做了一件事")).status_code == 201
    with statements() as sent:
        total = wu.get("/head-work/total").json
    assert total == {"visits": 1, "needs": 0, "help": 2, "suggestions": 1}
    assert len(sent) <= 4
    rows = wu.get("/head-work").json["items"]
    assert [(row["code"], row["help"], row["suggestions"]) for row in rows] == [("G1", 2, 1), ("G2", 0, 0)]
    assert wu.get("/head-work", limit=1).json["next_cursor"]
    clock.advance(hours=1)
    since = {"since": clock().isoformat()}
    assert wu.get("/head-work/total", **since).json["help"] == 0
    assert zhao.get("/head-work/total").json == {"visits": 0, "needs": 0, "help": 0, "suggestions": 0}
    assert [row["code"] for row in zhao.get("/head-work").json["items"]] == ["G3"]


def test_ordinary_requests_of_residents_ask_nothing_about_heads(head):
    with statements() as sent:
        head.get("/me")
    assert not [each for each in sent if "group_head" in each]


def test_the_list_of_households_costs_the_same_however_many_there_are(session, head, cast, clock, groups):
    def cost():
        with statements() as sent:
            assert head.get("/head/households").status_code == 200
        return len(sent)

    before = cost()
    with transaction():
        grid = cast.grids["柳林村一网格"]
        for place in range(5):
            added = add_household(clock(), code=f"{grid.code}H1{place}", grid=grid, head_name="李", place="一组")
            added.group_id = groups["G1"].id
    assert cost() == before <= 4


def test_a_heads_need_and_suggestion_have_photos_and_a_visit_has_none(head, wu, cast, kept):
    mine = [upload(head, photo(color=color)).json["id"] for color in ("red", "green")]
    need = {"what": "need", "words": "郑大爷家屋顶漏雨。", "household_id": cast.households["郑守田"].id}
    assert head.post("/head/logs", need | {"what": "visit", "files": mine}).json["errors"].keys() == {"files"}
    filed = head.post("/head/logs", need | {"files": mine[:1]})
    assert filed.status_code == 201, filed.text
    hinted = head.post("/head/logs", {"what": "suggestion", "words": "村口装一面广角镜。", "files": mine[1:]})
    for answer, seen in ((filed, mine[:1]), (hinted, mine[1:])):
        (report,) = wu.get(f"/cases/{answer.json['number']}").json["reports"]
        assert [file["id"] for file in report["files"]] == seen
        (said,) = head.get(f"/cases/{answer.json['number']}").json["reports"]
        assert [file["id"] for file in said["files"]] == seen
