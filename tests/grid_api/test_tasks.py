"""Visits to be made, at the grid door: one line a household, two taps, own grids alone; and what the village decides."""

from datetime import date, timedelta
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.clock import CHINA
from app.core.crypto import keyring
from app.core.database import transaction
from app.demo.grid_map import draw_county, spot_in
from app.people.identity import Person, enrol_resident
from app.people.models import Resident
from app.people.roster.models import PopulationTag, ResidentTag
from app.territory.commands import add_household
from app.visits.models import Visit, VisitTask
from app.visits.planning import plan_visits
from tests.counting import statements


def name_of(session, clock, resident, code):
    tag = session.scalars(select(PopulationTag).where(PopulationTag.code == code)).one()
    day = clock().date()
    session.add(ResidentTag(resident_id=resident.id, tag_id=tag.id, source="民政局", since=day, noted_at=clock()))
    session.flush()


@pytest.fixture
def planned(session, cast, clock, as_system):
    """Old Zheng lives alone and is visited each month; Lin's household each half-year; one more in Zhao's grid."""
    with transaction():
        name_of(session, clock, cast.residents["zheng"], "living_alone")
        name_of(session, clock, cast.residents["zheng"], "disabled")
        add_household(clock(), code="far-1", grid=cast.grids["河湾村一网格"], head_name="河湾人", place="河湾村 3 号")
    plan_visits(as_system)


def two_taps(**more):
    return {"key": str(uuid4()), "outcome": "met"} | more


def test_the_list_has_one_line_a_household_with_every_reason_masked(zhou, cast, planned):
    answer = zhou.get("/tasks")
    first, second = answer.json["items"]
    assert (first["due_on"], first["head_name"], first["overdue"]) == ("2026-11-30", "郑**", False)
    (reason,) = first["tasks"]
    assert (reason["why"], reason["resident"], reason["populations"]) == ("rule", "郑**", ["独居老人", "残疾人"])
    assert (second["due_on"], second["head_name"], second["tasks"][0]["resident"]) == ("2026-12-31", "林**", None)
    assert "守田" not in answer.text


def test_the_same_two_taps_again_half_a_minute_later_are_the_same_visit(zhou, planned, clock):
    task = zhou.get("/tasks").json["items"][0]["id"]
    taps = two_taps()
    first = zhou.post(f"/tasks/{task}/visit", taps).json
    clock.advance(seconds=30)
    again = zhou.post(f"/tasks/{task}/visit", taps)
    assert (again.status_code, again.json["replayed"], again.json["visited_at"]) == (201, True, first["visited_at"])
    timed = taps | {"visited_at": clock().isoformat(), "phone_at": clock().isoformat()}
    assert zhou.post(f"/tasks/{task}/visit", timed).json["code"] == "visit_logged_differently"


def test_the_list_is_paged_and_filtered(zhou, cast, planned, clock):
    page = zhou.get("/tasks", limit=1).json
    rest = zhou.get("/tasks", limit=1, cursor=page["next_cursor"]).json
    assert (page["items"][0]["due_on"], rest["items"][0]["due_on"], rest["next_cursor"]) == ("2026-11-30", "2026-12-31", None)
    for query, count in (
        ({"tag": "living_alone"}, 1),
        ({"tag": "veteran"}, 0),
        ({"why": "campaign"}, 0),
        ({"overdue": "true"}, 0),
        ({"overdue": "false"}, 2),
        ({"grid": cast.grids["柳林村一网格"].code}, 2),
        ({"grid": cast.grids["河湾村一网格"].code}, 0),
    ):
        assert len(zhou.get("/tasks", **query).json["items"]) == count, query
    assert zhou.get("/tasks", cursor="x").status_code == 422


def test_whoever_belongs_by_age_is_found_by_that_population(session, zhou, cast, clock, as_system):
    cast.residents["zheng"].birth_month = date(1940, 5, 1)
    session.flush()
    plan_visits(as_system)
    (line,) = zhou.get("/tasks", tag="over_80").json["items"]
    assert line["tasks"][0]["populations"] == ["八十岁以上老人"]


def test_two_taps_log_a_visit_and_the_line_is_gone(zhou, planned):
    first = zhou.get("/tasks").json["items"][0]
    answer = zhou.post(f"/tasks/{first['id']}/visit", two_taps())
    assert answer.status_code == 201, answer.text
    assert (answer.json["done"], answer.json["in_person"], answer.json["clock_off"]) == ([first["id"]], True, False)
    assert [line["id"] for line in zhou.get("/tasks").json["items"]] != [first["id"]]
    told = zhou.get(f"/tasks/{first['id']}").json
    assert (told["state"], told["overdue"]) == ("done", False)
    (made,) = zhou.get(f"/households/{first['household_id']}/visits").json["items"]
    assert (made["by"], made["met"], made["outcome"]) == ("周格", ["郑**"], "met")


def test_the_same_two_taps_again_change_nothing_more(session, zhou, planned):
    task = zhou.get("/tasks").json["items"][0]["id"]
    taps = two_taps(topics=["health"], seconds=600, follow_up_on="2026-11-27", follow_up_note="带药")
    first = zhou.post(f"/tasks/{task}/visit", taps).json
    again = zhou.post(f"/tasks/{task}/visit", taps).json
    assert again == first | {"replayed": True}
    assert len(session.scalars(select(Visit)).all()) == 1
    assert [line["tasks"][0]["note"] for line in zhou.get("/tasks").json["items"]] == ["带药", None]
    for change in ({"topics": ["policy"]}, {"seconds": 60}, {"follow_up_on": "2026-11-28"}):
        answer = zhou.post(f"/tasks/{task}/visit", taps | change)
        assert (answer.status_code, answer.json["code"]) == (409, "visit_logged_differently"), change


def test_a_task_of_another_grid_is_not_there_even_by_id(session, zhou, zhao, wu, planned, cast):
    mine = zhou.get("/tasks").json["items"][0]["id"]
    far = session.scalar(select(VisitTask.id).where(VisitTask.grid_id == cast.grids["河湾村一网格"].id))
    for who, task in ((zhao, mine), (zhou, far), (wu, far), (zhou, 10**9)):
        for answer in (who.get(f"/tasks/{task}"), who.post(f"/tasks/{task}/visit", two_taps())):
            assert (answer.status_code, answer.json["code"]) == (404, "visit_task_not_found")
            assert answer.json["title"] == "没有找到这项走访任务"
    household = cast.households["郑守田"].id
    for answer in (zhao.get(f"/households/{household}/visits"), zhao.get(f"/households/{10**9}/visits")):
        assert (answer.status_code, answer.json["code"]) == (404, "household_not_found")
    assert session.scalars(select(Visit)).all() == []


def test_the_cadre_calls_a_visit_off_and_the_worker_cannot(zhou, wu, planned):
    task = wu.get("/tasks").json["items"][0]["tasks"][0]
    said = {"reason": "老人住院，出院后再访", "version": task["version"]}
    answer = zhou.post(f"/tasks/{task['id']}/cancellation", said)
    assert (answer.status_code, answer.json["code"]) == (403, "only_the_village_cancels")
    stale = wu.post(f"/tasks/{task['id']}/cancellation", said | {"version": 9})
    assert (stale.status_code, stale.json["facts"]) == (412, {"version": task["version"]})
    answer = wu.post(f"/tasks/{task['id']}/cancellation", said)
    assert (answer.status_code, answer.json["state"], answer.json["ended_why"]) == (201, "cancelled", "老人住院，出院后再访")
    assert wu.post(f"/tasks/{task['id']}/cancellation", {"reason": "再来"}).json["code"] == "visit_task_over"


def test_what_was_called_off_by_hand_does_not_come_back(zhou, wu, planned, as_system):
    task = wu.get("/tasks").json["items"][0]["id"]
    wu.post(f"/tasks/{task}/cancellation", {"reason": "住院"})
    assert plan_visits(as_system).brought_back == 0


def test_a_death_is_undone_by_the_cadre_with_a_reason(session, zhou, zhao, wu, planned, cast):
    task = zhou.get("/tasks").json["items"][0]["id"]
    zheng = cast.residents["zheng"]
    unnamed = zhou.post(f"/tasks/{task}/visit", two_taps(outcome="deceased"))
    assert (unnamed.status_code, list(unnamed.json["errors"])) == (422, ["resident_id"])
    logged = zhou.post(f"/tasks/{task}/visit", two_taps(outcome="deceased", resident_id=zheng.id)).json
    assert (logged["effect"]["kind"], logged["effect"]["state"]) == ("deceased", "done")
    assert [line["head_name"] for line in zhou.get("/tasks").json["items"]] == ["林**"]
    effect = logged["effect"]["id"]
    path = f"/visit-effects/{effect}/undoing"
    assert zhao.post(path, {"reason": "登记有误"}).json["code"] == "visit_effect_not_found"
    assert zhou.post(path, {"reason": "登记有误"}).json["code"] == "only_the_village_decides"
    assert list(wu.post(path, {}).json["errors"]) == ["reason"]
    answer = wu.post(path, {"reason": "同名登记错误，老人健在"})
    assert (answer.status_code, answer.json["state"], answer.json["resident"]) == (201, "undone", "郑**")
    assert wu.post(path, {"reason": "再来"}).json["code"] == "visit_effect_decided"
    session.expire_all()
    assert session.get(Resident, zheng.id).ended_at is None
    assert zhou.get("/tasks").json["items"][0]["id"] == task


def test_a_household_that_moved_away_goes_when_the_cadre_says_so(session, zhou, wu, planned, cast):
    home = cast.households["郑守田"]
    task = zhou.get("/tasks").json["items"][0]["id"]
    zhou.post(f"/tasks/{task}/visit", two_taps(outcome="moved"))
    (effect,) = wu.get("/visit-effects", state="proposed").json["items"]
    assert (effect["kind"], effect["household"]) == ("household_moved", home.code)
    assert wu.post(f"/visit-effects/{effect['id']}/confirmation", {}).json["state"] == "done"
    session.expire_all()
    assert home.ended_at is not None
    assert cast.residents["zheng"].ended_by == "moved_away"
    assert [line["head_name"] for line in wu.get("/tasks").json["items"]] == ["林**"]


def test_a_phone_six_hours_fast_neither_loses_nor_misdates_its_visit(session, zhou, planned, clock):
    task = zhou.get("/tasks").json["items"][0]["id"]
    fast = timedelta(hours=6)
    true = clock() - timedelta(minutes=40)
    times = {"visited_at": true + fast, "phone_at": true + fast + timedelta(minutes=5), "sent_at": clock() + fast}
    said = two_taps(**{name: at.astimezone(CHINA).isoformat() for name, at in times.items()})
    told = zhou.post(f"/tasks/{task}/visit", said).json
    stored = session.scalars(select(Visit)).one()
    assert (stored.visited_at, stored.told_at, stored.clock_off) == (true, true + fast, True)
    assert (told["told_at"], told["clock_off"]) == (said["visited_at"], True)
    clock.advance(hours=2)
    again = zhou.post(f"/tasks/{task}/visit", said | {"sent_at": (clock() + fast).isoformat()})
    assert (again.status_code, again.json["replayed"]) == (201, True)


def test_a_fast_phone_that_does_not_tell_when_it_sends_is_not_refused_either(session, zhou, planned, clock):
    task = zhou.get("/tasks").json["items"][0]["id"]
    at = (clock() + timedelta(hours=6)).isoformat()
    assert zhou.post(f"/tasks/{task}/visit", two_taps(visited_at=at, phone_at=at)).status_code == 201
    stored = session.scalars(select(Visit)).one()
    assert (stored.visited_at, stored.clock_off) == (clock(), True)


def test_the_place_of_a_visit_is_sealed(session, zhou, planned):
    task = zhou.get("/tasks").json["items"][0]["id"]
    zhou.post(f"/tasks/{task}/visit", two_taps(position={"latitude": 33.5, "longitude": 117.5, "datum": "wgs84"}))
    stored = session.scalars(select(Visit)).one()
    assert b"33.5" not in stored.position
    assert '"latitude":33.5' in keyring().decrypt(stored.position, field="visit.position")


def test_a_phone_in_another_grid_is_told_of_and_barred_nothing(zhou, planned, cast, stamp):
    task = zhou.get("/tasks").json["items"][0]["id"]
    with transaction():
        draw_county(stamp)
    chance = Random(5)

    def warned(grid, datum="wgs84"):
        longitude, latitude = spot_in(cast.grids[grid].code, chance)
        place = {"latitude": latitude, "longitude": longitude, "datum": datum}
        answer = zhou.post(f"/tasks/{task}/visit", two_taps(position=place))
        assert answer.status_code == 201
        return answer.json["place_warning"]

    assert warned("柳林村一网格") is None
    assert "河湾村二网格" in warned("河湾村二网格")


BAD = [
    ({"outcome": "nobody_home", "met_ids": [1]}, "outcome"),
    ({"seconds": -1}, "seconds"),
    ({"seconds": 43_201}, "seconds"),
    ({"topics": ["nonsense"]}, "topics"),
    ({"follow_up_on": "2026-11-23"}, "follow_up_on"),
    ({"follow_up_on": "2028-11-23"}, "follow_up_on"),
    ({"follow_up_note": "带药"}, "follow_up_on"),
    ({"follow_up_on": "2026-11-27", "follow_up_note": "长" * 501}, "follow_up_note"),
    ({"position": {"latitude": 91, "longitude": 0, "datum": "wgs84"}}, "position.latitude"),
    ({"visited_at": "2026-11-24T09:00:00+08:00"}, "visited_at"),
    ({"met_ids": ["x"]}, "met_ids.0"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_bad_input_names_its_field_and_stores_nothing(session, zhou, planned, change, field):
    task = zhou.get("/tasks").json["items"][0]["id"]
    given = two_taps(phone_at="2026-11-23T09:00:00+08:00", visited_at="2026-11-23T09:00:00+08:00")
    answer = zhou.post(f"/tasks/{task}/visit", given | change)
    assert answer.status_code == 422, answer.text
    assert list(answer.json["errors"]) == [field]
    assert session.scalars(select(Visit)).all() == []


def test_somebody_of_another_grid_cannot_be_named_as_met(zhou, planned, cast):
    task = zhou.get("/tasks").json["items"][0]["id"]
    answer = zhou.post(f"/tasks/{task}/visit", two_taps(met_ids=[cast.residents["chen"].id]))
    assert (answer.status_code, answer.json["code"]) == (404, "resident_not_found")


def test_the_lists_cost_the_same_however_many_there_are(session, zhou, cast, clock, planned, as_system, stamp):
    home = cast.households["郑守田"].id
    task = zhou.get("/tasks").json["items"][0]["id"]
    zhou.post(f"/tasks/{task}/visit", two_taps(outcome="phone"))

    def cost(path):
        with statements() as sent:
            assert zhou.get(path).status_code == 200
        return len(sent)

    paths = ("/tasks", f"/households/{home}/visits", "/visit-effects")
    before = [cost(path) for path in paths]
    with transaction():
        grid = cast.grids["柳林村一网格"]
        for place in range(10):
            made = add_household(stamp.at, code=f"more-{place}", grid=grid, head_name="某人", place="某处")
            name_of(session, clock, enrol_resident(stamp, Person(name="某人"), grid_id=grid.id, household_id=made.id), "orphan")
    plan_visits(as_system)
    for _ in range(5):
        zhou.post(f"/tasks/{task}/visit", two_taps(outcome="phone"))
    assert len(zhou.get("/tasks").json["items"]) == 12
    assert [cost(path) for path in paths] == before
    assert max(before) <= 12
