"""The roster at the grid door: one's own grids alone, everything masked, every change by version and on record."""

from datetime import date
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.database import transaction
from app.people.identity import Person, check_character, find_or_enrol, verify_accesses
from app.people.models import IdentityAccess, Resident
from app.people.roster.models import RosterChange, RosterChangeKind
from app.people.roster.residents import ResidentGiven, enter_resident
from app.territory.commands import add_household
from tests.counting import statements


def id_number(seventeen: str) -> str:
    return seventeen + check_character(seventeen)


OLD_MAN = id_number("99010119400307121")
WOMAN = id_number("99010119850412122")


@pytest.fixture
def home(zhou, cast):
    """A household that Zhou has entered."""
    grid = cast.grids["柳林村一网格"].code
    answer = zhou.post("/households", {"grid": grid, "head_name": "郭大山", "place": "柳林村三组 8 号", "kind": "ordinary"})
    assert answer.status_code == 201, answer.text
    return answer.json


@pytest.fixture
def man(zhou, home):
    answer = zhou.post(f"/households/{home['id']}/residents", {"name": "郭大山", "id_number": OLD_MAN, "relation": "户主"})
    assert answer.status_code == 201, answer.text
    return answer.json


@pytest.fixture
def far(session, cast, stamp):
    """A household of Zhao's grid with a woman in it: (household, resident)."""
    with transaction():
        grid = cast.grids["河湾村一网格"]
        household = add_household(stamp.at, code="far-1", grid=grid, head_name="河湾人", place="河湾村 3 号")
        resident = enter_resident(stamp, household.id, ResidentGiven(person=Person("何小河", "13900000009", WOMAN)))
        return household.id, resident.id


def test_a_household_gets_a_code_and_is_shown_masked(home, cast):
    assert home["code"].startswith(cast.grids["柳林村一网格"].code)
    assert (home["head_name"], home["place"], home["version"]) == ("郭**", "柳林村三组 ** 号", 1)


def test_what_the_id_number_says_need_not_be_given(man, session):
    assert (man["sex"], man["birth_month"], man["id_number"]) == ("male", "1940-03", "9901**********" + OLD_MAN[-4:])
    assert [tag["code"] for tag in man["tags"]] == ["over_80", "over_60"]
    assert session.get_one(Resident, man["id"]).birth_month == date(1940, 3, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id_number": OLD_MAN[:-1] + ("1" if OLD_MAN[-1] != "1" else "2")}, "id_number"),
        ({"id_number": id_number("99010119401307121")}, "id_number"),
        ({"id_number": id_number("99010120501307121")}, "id_number"),
        ({"sex": "female"}, "sex"),
        ({"birth_month": "1941-03"}, "birth_month"),
        ({"phone": "12"}, "phone"),
        ({"birth_month": "2030-01", "id_number": None}, "birth_month"),
        ({"relation": "\u200b"}, "relation"),
    ],
)
def test_bad_fields_are_named_and_nobody_is_entered(zhou, home, session, change, field):
    before = len(session.scalars(select(Resident.id)).all())
    body = {"name": "郭大山", "id_number": OLD_MAN, **change}
    answer = zhou.post(f"/households/{home['id']}/residents", body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert len(session.scalars(select(Resident.id)).all()) == before


def test_the_same_person_is_never_entered_twice(zhou, home, man):
    again = zhou.post(f"/households/{home['id']}/residents", {"name": "郭大山", "id_number": OLD_MAN})
    assert (again.status_code, again.json["code"]) == (409, "resident_on_roster")
    assert again.json["facts"] == {"resident_id": man["id"], "household_id": home["id"]}


def test_of_somebody_of_another_grid_it_is_told_only_that_they_are_registered(zhou, home, far):
    answer = zhou.post(f"/households/{home['id']}/residents", {"name": "何小河", "id_number": WOMAN})
    assert (answer.status_code, answer.json["code"]) == (409, "resident_elsewhere")
    assert "facts" not in answer.json
    assert "河湾" not in answer.text


def test_a_stale_version_is_told_with_the_current_state(zhou, man):
    path = f"/residents/{man['id']}"
    client, headers = zhou.client, {"Authorization": f"Bearer {zhou.token}"}
    first = client.patch(zhou.door + path, json={"version": 1, "phone": "13800001111"}, headers=headers)
    assert (first.status_code, first.json["version"], first.json["phone"]) == (200, 2, "138****1111")
    late = client.patch(zhou.door + path, json={"version": 1, "phone": None}, headers=headers)
    assert (late.status_code, late.json["code"], late.json["facts"]["version"]) == (412, "roster_stale", 2)
    emptied = client.patch(zhou.door + path, json={"version": 2, "phone": None}, headers=headers)
    assert emptied.json["phone"] is None


def test_somebody_moves_and_is_not_doubled(zhou, home, man, cast, session):
    other = cast.households["林秀英"].id
    moved = zhou.post(f"/residents/{man['id']}/move", {"version": 1, "household_id": other, "relation": "父亲"})
    assert (moved.status_code, moved.json["household_id"], moved.json["version"]) == (200, other, 2)
    assert zhou.get(f"/households/{home['id']}").json["residents"] == []
    kinds = session.scalars(select(RosterChange.what).where(RosterChange.resident_id == man["id"]).order_by(RosterChange.id))
    assert list(kinds) == [RosterChangeKind.RESIDENT_ADDED, RosterChangeKind.RESIDENT_MOVED]


def test_nobody_moves_into_a_household_beyond_reach(zhou, man, far):
    answer = zhou.post(f"/residents/{man['id']}/move", {"version": 1, "household_id": far[0]})
    assert (answer.status_code, answer.json["code"]) == (404, "household_not_found")


def test_another_grids_people_are_as_if_they_were_not_there(zhou, far):
    household, resident = far
    never = 10**9
    for theirs, missing, method, body in (
        (f"/households/{household}", f"/households/{never}", "get", None),
        (f"/households/{household}/history", f"/households/{never}/history", "get", None),
        (f"/residents/{resident}", f"/residents/{never}", "get", None),
        (f"/households/{household}/end", f"/households/{never}/end", "post", {"version": 1, "reason": "没人"}),
        (f"/residents/{resident}/end", f"/residents/{never}/end", "post", {"version": 1, "why": "deceased"}),
        (f"/residents/{resident}/dial", f"/residents/{never}/dial", "post", {"reason": "想问问"}),
        (f"/residents/{resident}/tags", f"/residents/{never}/tags", "post", {"tag": "disabled", "source": "残联"}),
        (f"/residents/{resident}/care", f"/residents/{never}/care", "post", {"by": "cadre", "staff": "wu"}),
        (f"/households/{household}/residents", f"/households/{never}/residents", "post", {"name": "某人"}),
    ):
        answers = [zhou.get(path) if method == "get" else zhou.post(path, body) for path in (theirs, missing)]
        told = [{**answer.json, "request_id": ""} for answer in answers]
        assert [answer.status_code for answer in answers] == [404, 404], (theirs, answers[0].text)
        assert told[0] == told[1], theirs
    assert zhou.post("/residents/find", {"id_number": WOMAN}).json == {"items": []}
    assert zhou.post("/residents/find", {"name": "何小河"}).json == {"items": []}
    assert zhou.post("/residents/find", {"phone": "13900000009"}).json == {"items": []}


def test_people_are_found_by_exact_name_phone_or_id(zhou, man):
    assert [each["id"] for each in zhou.post("/residents/find", {"id_number": OLD_MAN}).json["items"]] == [man["id"]]
    assert [each["id"] for each in zhou.post("/residents/find", {"name": "郭 大山"}).json["items"]] == [man["id"]]
    assert zhou.post("/residents/find", {"name": "郭大"}).json["items"] == []
    assert zhou.post("/residents/find", {}).status_code == 422


def test_a_cadre_sees_every_grid_of_the_village_and_no_other(wu, home, far, cast):
    assert wu.get(f"/households/{home['id']}").status_code == 200
    assert wu.get(f"/households/{far[0]}").status_code == 404
    assert [grid["name"] for grid in wu.get("/grids").json] == ["柳林村一网格", "柳林村二网格"]


def test_a_tag_lasts_as_long_as_its_population_says(zhou, man):
    told = zhou.post(f"/residents/{man['id']}/tags", {"tag": "low_income", "source": "县民政局 2026 年名单"})
    assert told.status_code == 201, told.text
    tag = next(tag for tag in told.json["tags"] if tag["code"] == "low_income")
    assert (tag["since"], tag["expires_on"], tag["source"]) == ("2026-11-23", "2027-11-22", "县民政局 2026 年名单")
    assert told.json["version"] == 2
    again = zhou.post(f"/residents/{man['id']}/tags", {"tag": "low_income", "source": "县民政局 2026 年名单"})
    assert again.json["version"] == 2
    households = zhou.get("/households", tag="low_income").json["items"]
    assert [each["id"] for each in households] == [man["household_id"]]
    ended = zhou.post(f"/residents/{man['id']}/tags/end", {"tag": "low_income"})
    assert "low_income" not in [tag["code"] for tag in ended.json["tags"]]
    derived = zhou.post(f"/residents/{man['id']}/tags", {"tag": "over_80", "source": "户口"})
    assert (derived.status_code, derived.json["code"]) == (409, "tag_derived")


def test_the_deceased_leave_the_roster_with_tags_care_and_headship(zhou, man, cast):
    zhou.post(f"/residents/{man['id']}/tags", {"tag": "disabled", "source": "残联"})
    zhou.post(f"/residents/{man['id']}/care", {"by": "cadre", "staff": "wu"})
    group = zhou.post("/groups", {"grid": cast.grids["柳林村一网格"].code, "name": "南头户区"}).json
    headed = zhou.post(f"/groups/{group['code']}/heads", {"resident_id": man["id"]})
    assert [head["name"] for head in headed.json["heads"]] == ["郭**"]
    version = zhou.get(f"/residents/{man['id']}").json["version"]
    ended = zhou.post(f"/residents/{man['id']}/end", {"version": version, "why": "deceased"})
    assert (ended.status_code, ended.json["ended_by"], ended.json["tags"], ended.json["carers"]) == (200, "deceased", [], [])
    assert zhou.get(f"/groups/{group['code']}").json["heads"] == []
    assert zhou.get("/residents", tag="over_80").json["items"] == []
    twice = zhou.post(f"/residents/{man['id']}/end", {"version": version + 1, "why": "deceased"})
    assert (twice.status_code, twice.json["code"]) == (409, "resident_over")
    back = zhou.post(f"/residents/{man['id']}/restore", {"version": version + 1})
    assert (back.status_code, back.json["ended_by"]) == (200, None)


def test_a_duplicate_is_merged_and_its_tags_go_over(zhou, home, man):
    twin = zhou.post(f"/households/{home['id']}/residents", {"name": "郭大衫"}).json
    zhou.post(f"/residents/{twin['id']}/tags", {"tag": "veteran", "source": "退役军人事务局"})
    body = {"version": 2, "why": "duplicate", "merged_into_id": man["id"]}
    assert zhou.post(f"/residents/{twin['id']}/end", body).status_code == 200
    assert "veteran" in [tag["code"] for tag in zhou.get(f"/residents/{man['id']}").json["tags"]]
    alone = zhou.post(f"/residents/{man['id']}/end", {"version": 3, "why": "duplicate"})
    assert (alone.status_code, list(alone.json["errors"])) == (422, ["merged_into_id"])


def test_a_group_ends_and_lets_its_households_go(zhou, home, cast):
    grid = cast.grids["柳林村一网格"].code
    group = zhou.post("/groups", {"grid": grid, "name": "北头户区", "code": "7"}).json
    assert group["code"] == f"{grid}-7"
    assert zhou.post("/groups", {"grid": grid, "name": "又一个", "code": "7"}).json["code"] == "group_code_taken"
    headers = {"Authorization": f"Bearer {zhou.token}"}
    path = f"{zhou.door}/households/{home['id']}"
    joined = zhou.client.patch(path, json={"version": 1, "group": group["code"]}, headers=headers).json
    assert (joined["group_name"], zhou.get("/households", group=group["code"]).json["items"][0]["id"]) == ("北头户区", home["id"])
    assert zhou.post(f"/groups/{group['code']}/end").status_code == 200
    assert (zhou.get(f"/households/{home['id']}").json["group"], zhou.get(f"/groups/{group['code']}").status_code) == (None, 404)


def test_a_household_with_people_in_it_does_not_end(zhou, home, man):
    answer = zhou.post(f"/households/{home['id']}/end", {"version": 1, "reason": "拆迁"})
    assert (answer.status_code, answer.json["code"]) == (409, "household_not_empty")
    zhou.post(f"/residents/{man['id']}/end", {"version": 1, "why": "moved_away"})
    assert zhou.post(f"/households/{home['id']}/end", {"version": 1, "reason": "拆迁"}).status_code == 200
    assert home["id"] not in [each["id"] for each in zhou.get("/households").json["items"]]


def test_dialling_is_put_on_record_and_the_chain_holds(zhou, cast, session):
    zheng = cast.residents["zheng"].id
    assert zhou.post(f"/residents/{zheng}/dial", {"reason": "约走访时间"}).json == {"phone": "05570000001"}
    record = session.scalars(select(IdentityAccess)).one()
    assert (record.resident_id, record.fields, record.reason) == (zheng, "phone", "roster: 约走访时间")
    assert verify_accesses() is None


def test_a_repeated_entry_gives_the_first_answer(zhou, home, session):
    key, body = str(uuid4()), {"name": "郭小山", "relation": "儿子"}
    first = zhou.post(f"/households/{home['id']}/residents", body, key=key)
    again = zhou.post(f"/households/{home['id']}/residents", body, key=key)
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")


def test_history_names_who_changed_what_and_nothing_of_who_it_is(zhou, home, man):
    told = zhou.get(f"/households/{home['id']}/history")
    assert [(line["what"], line["by"]) for line in told.json["items"]] == [("resident_added", "周格"), ("household_added", "周格")]
    assert "大山" not in told.text


def test_lists_of_residents_cost_the_same_however_many_there_are(zhou, home, man):
    def cost():
        with statements() as sent:
            assert zhou.get("/residents").status_code == 200
        return len(sent)

    cost()
    before = cost()
    for place in range(5):
        zhou.post(f"/households/{home['id']}/residents", {"name": f"郭家{'一二三四五'[place]}"})
    assert cost() == before <= 9


def test_a_group_of_another_grid_is_not_there(zhou, zhao, cast, man):
    group = zhou.post("/groups", {"grid": cast.grids["柳林村一网格"].code, "name": "南头户区"}).json["code"]
    assert zhao.get("/groups").json["items"] == []
    for path, body in (("", None), ("/heads", {"resident_id": man["id"]}), ("/end", {})):
        call = zhao.get if body is None else partial(zhao.post, body=body)
        theirs, missing = call(f"/groups/{group}{path}"), call(f"/groups/x{path}")
        assert (theirs.status_code, theirs.json["code"]) == (404, "group_not_found")
        assert theirs.json | {"request_id": ""} == missing.json | {"request_id": ""}
    assert zhao.post("/groups", {"grid": cast.grids["柳林村一网格"].code, "name": "别人的"}).json["code"] == "grid_not_found"


def test_who_was_merged_is_known_as_the_one_they_were_merged_into(zhou, home, man, session, stamp):
    twin = zhou.post(f"/households/{home['id']}/residents", {"name": "郭二山", "phone": "13800004444"}).json
    zhou.post(f"/residents/{twin['id']}/end", {"version": 1, "why": "duplicate", "merged_into_id": man["id"]})
    assert find_or_enrol(stamp, Person("郭二山", "13800004444")).id == man["id"]


def test_the_history_of_a_resident_and_of_a_group_is_for_who_reaches_them(zhou, zhao, cast, man):
    group = zhou.post("/groups", {"grid": cast.grids["柳林村一网格"].code, "name": "南头户区"}).json["code"]
    zhou.post(f"/groups/{group}/heads", {"resident_id": man["id"]})
    zhou.post(f"/groups/{group}/end", {})
    assert [line["what"] for line in zhou.get(f"/groups/{group}/history").json["items"]] == [
        "group_ended",
        "head_named",
        "group_added",
    ]
    zhou.post(f"/residents/{man['id']}/tags", {"tag": "veteran", "source": "退役军人事务局"})
    lines = zhou.get(f"/residents/{man['id']}/history").json["items"]
    assert (lines[0]["what"], lines[0]["facts"]) == ("tag_put", {"tag": "veteran"})
    assert {line["by"] for line in lines} == {"周格"}
    for path, code in ((f"/groups/{group}/history", "group_not_found"), (f"/residents/{man['id']}/history", "resident_not_found")):
        assert (zhao.get(path).status_code, zhao.get(path).json["code"]) == (404, code)
