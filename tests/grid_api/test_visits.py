"""Visits at the grid door: each once by its key, each need a case, the answered closed at once, and nothing half-stored."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.core.database import db, transaction
from app.ledger.models import Case, Report
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Channel, Outcome, State
from app.people.identity import Person, enrol_resident
from app.people.models import Resident
from app.people.roster.models import RosterChange, RosterChangeKind
from app.territory.commands import add_household
from app.visits.models import Visit, VisitNeed
from tests.callers import Caller, grid_caller
from tests.counting import statements


def counts(session):
    return [session.scalar(select(func.count()).select_from(model)) for model in (Visit, VisitNeed, Case, Report)]


@pytest.fixture
def far_household(session, cast, clock):
    """A household of Zhao's grid."""
    with transaction():
        grid = cast.grids["河湾村一网格"]
        return add_household(clock(), code="far-1", grid=grid, head_name="河湾人", place="河湾村 3 号").id


def test_zhou_sees_own_grids_and_households_masked(zhou, cast):
    assert [grid["name"] for grid in zhou.get("/grids").json] == ["柳林村一网格"]
    households = zhou.get("/households").json["items"]
    assert [household["head_name"] for household in households] == ["郑**", "林**"]
    (living,) = households[0]["residents"]
    assert (living["id"], living["name"], living["phone"]) == (cast.residents["zheng"].id, "郑**", "055****0001")
    assert households[0]["place"] == "柳林村一组 ** 号"
    told = zhou.get("/households").text
    assert "守田" not in told
    assert "05570000001" not in told


def test_a_household_of_another_grid_is_not_there_even_by_id(zhou, zhao, cast, far_household):
    mine = cast.households["郑守田"].id
    assert zhou.get(f"/households/{mine}").status_code == 200
    for who, household in ((zhao, mine), (zhou, far_household), (zhou, 10**9)):
        answer = who.get(f"/households/{household}")
        assert (answer.status_code, answer.json["code"]) == (404, "household_not_found")
    assert zhao.get("/households", grid=cast.grids["柳林村一网格"].code).json["items"] == []


def test_a_list_of_households_costs_the_same_however_many_there_are(session, zhou, cast, stamp):
    def cost():
        with statements() as sent:
            assert zhou.get("/households").status_code == 200
        return len(sent)

    cost()  # what is held from then on
    before = cost()
    with transaction():
        grid = cast.grids["柳林村一网格"]
        for place in range(10):
            home = add_household(stamp.at, code=f"more-{place}", grid=grid, head_name="某人", place="某处")
            enrol_resident(stamp, Person(name="某人"), grid_id=grid.id, household_id=home.id)
    assert len(zhou.get("/households").json["items"]) == 12
    assert cost() == before <= 10


def test_a_visit_with_two_needs_makes_two_cases_and_closes_the_answered_one(session, zhou, cast, visit):
    answer = zhou.post("/visits", visit)
    assert answer.status_code == 201
    told = answer.json
    assert (told["key"], told["replayed"]) == (visit["key"], False)
    assert [(need["state"], need["answered"]) for need in told["needs"]] == [("submitted", False), ("closed", True)]
    assert all(need["claim_code"] for need in told["needs"])
    first, second = (session.scalars(select(Case).where(Case.number == need["number"])).one() for need in told["needs"])
    assert (first.state, first.channel, first.outcome) == (State.SUBMITTED, Channel.VISIT, None)
    assert (second.state, second.channel, second.outcome) == (State.CLOSED, Channel.VISIT, Outcome.ON_THE_SPOT)
    for case in (first, second):
        (report,) = case.reports
        assert report.filer_staff_id == cast.staff["zhou"].id
        assert report.concerned_id == cast.residents["zheng"].id
        assert report.household_id == cast.households["郑守田"].id
        assert case.grid_id == cast.grids["柳林村一网格"].id
    assert verify_ledger().breaks == []


def test_both_times_of_a_visit_are_kept(session, zhou, visit, clock):
    told = zhou.post("/visits", visit).json
    assert (told["visited_at"], told["phone_at"]) == (visit["visited_at"], visit["phone_at"])
    stored = session.scalars(select(Visit)).one()
    assert (stored.visited_at.isoformat(), stored.received_at) == ("2026-11-23T00:00:00+00:00", clock())


def test_the_same_visit_twice_is_one_visit_even_under_another_idempotency_key(session, zhou, visit):
    key = str(uuid4())
    first = zhou.post("/visits", visit, key=key).json
    replayed = zhou.post("/visits", visit, key=key)
    assert (replayed.json, replayed.headers["Idempotency-Replayed"]) == (first, "true")
    again = zhou.post("/visits", visit)
    assert (again.status_code, again.json["replayed"]) == (201, True)
    assert [need["number"] for need in again.json["needs"]] == [need["number"] for need in first["needs"]]
    assert [need["claim_code"] for need in again.json["needs"]] == [None, None]
    assert counts(session) == [1, 2, 2, 2]


def test_another_visit_under_the_same_key_is_refused(session, zhou, visit):
    zhou.post("/visits", visit)
    for change in ({"findings": "别的情况"}, {"needs": []}, {"outcome": "phone"}, {"needs": [{"body": "别的事情。"}] * 2}):
        answer = zhou.post("/visits", visit | change)
        assert (answer.status_code, answer.json["code"]) == (409, "visit_logged_differently")
    assert counts(session) == [1, 2, 2, 2]


def test_two_phones_with_the_same_visit_at_once_store_it_once(committed, make_app):
    from app.demo.cast import PASSWORD

    zhou = grid_caller(committed.test_client(), "zhou", PASSWORD)
    at = committed.extensions["minhu"].clock().isoformat()
    body = {"key": str(uuid4()), "outcome": "met", "visited_at": at, "phone_at": at, "grid": zhou.get("/grids").json[0]["code"]}
    body["needs"] = [{"body": "村口的桥栏杆松了。"}, {"body": "路灯坏了。"}]
    start = Barrier(8)

    def phone(_):
        mine = Caller(committed.test_client(), zhou.door, zhou.token)
        start.wait()
        return mine.post("/visits", body)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(phone, range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert sorted(answer.json["replayed"] for answer in answers) == [False] + [True] * 7
    assert len({tuple(need["number"] for need in answer.json["needs"]) for answer in answers}) == 1
    with committed.app_context():
        assert counts(db.session) == [1, 2, 2, 2]
        assert verify_ledger().breaks == []
        db.session.remove()


def test_a_visit_in_the_future_is_refused(session, zhou, visit, clock):
    tomorrow = (clock() + timedelta(days=1)).isoformat()
    answer = zhou.post("/visits", visit | {"visited_at": tomorrow})
    assert (answer.status_code, answer.json["code"], list(answer.json["errors"])) == (422, "visit_in_future", ["visited_at"])
    assert counts(session) == [0, 0, 0, 0]


def test_a_phone_clock_that_is_hours_off_does_not_lose_the_visit(session, zhou, visit, clock):
    ahead = (clock() + timedelta(hours=5)).isoformat()
    assert zhou.post("/visits", visit | {"phone_at": ahead}).status_code == 201
    stored = session.scalars(select(Visit)).one()
    assert stored.phone_at - stored.received_at == timedelta(hours=5)


BAD = [
    ({"needs": [{"body": "好的。"}, {"body": "长" * 5000}]}, "needs.1.body"),
    ({"needs": [{"body": "😀"}]}, "needs.0.body"),
    ({"needs": [{"body": "路灯坏了", "category_id": 10**6}]}, "needs.0.category_id"),
    ({"needs": [{"body": "路灯坏了", "answer": "已答复"}]}, "needs.0.category_id"),
    ({"needs": [{"body": "路灯坏了", "answer": " "}]}, "needs.0.answer"),
    ({"needs": [{"body": "路灯坏了"}] * 21}, "needs"),
    ({"outcome": "nobody_home"}, "needs"),
    ({"outcome": "asleep"}, "outcome"),
    ({"household_id": None}, "household_id"),
    ({"household_id": None, "grid": "0000"}, "grid"),
    ({"findings": "长" * 5000}, "findings"),
    ({"findings": "有\u0007"}, "findings"),
    ({"visited_at": "2026-11-23 09:00"}, "visited_at"),
    ({"key": "1"}, "key"),
    ({"person": {"name": "赵六", "phone": "12"}}, "person.phone"),
    ({"person": {"name": "赵六", "id_number": "341323199001011234"}}, "person.id_number"),
    ({"rating": 5}, "rating"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_bad_input_names_its_field_and_stores_nothing(session, zhou, visit, change, field):
    answer = zhou.post("/visits", visit | change)
    assert answer.status_code == 422, answer.text
    assert list(answer.json["errors"]) == [field]
    assert counts(session) == [0, 0, 0, 0]


def test_a_household_of_another_grid_cannot_be_visited(session, zhou, visit, far_household):
    answer = zhou.post("/visits", visit | {"household_id": far_household})
    assert (answer.status_code, answer.json["code"]) == (404, "household_not_found")
    assert counts(session) == [0, 0, 0, 0]


def test_a_grid_not_ones_own_is_refused_by_field(zhou, cast, visit):
    answer = zhou.post("/visits", visit | {"household_id": None, "grid": cast.grids["河湾村一网格"].code})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["grid"])


def test_a_resident_of_another_grid_cannot_be_named(zhou, cast, visit):
    answer = zhou.post("/visits", visit | {"resident_id": cast.residents["chen"].id})
    assert (answer.status_code, answer.json["code"]) == (404, "resident_not_found")


def test_somebody_met_who_is_not_on_the_roster_is_enrolled_with_the_household(session, zhou, cast, visit):
    before = session.scalar(select(func.count()).select_from(Resident))
    person = {"name": "郑小田", "phone": "13812345678"}
    assert zhou.post("/visits", visit | {"person": person}).status_code == 201
    assert zhou.post("/visits", visit | {"person": person, "key": str(uuid4())}).status_code == 201
    assert session.scalar(select(func.count()).select_from(Resident)) == before + 1
    newest = session.scalars(select(Resident).order_by(Resident.id.desc())).first()
    assert newest.household_id == cast.households["郑守田"].id
    (line,) = session.scalars(select(RosterChange).where(RosterChange.resident_id == newest.id))
    assert (line.what, line.staff_id) == (RosterChangeKind.RESIDENT_ADDED, cast.staff["zhou"].id)
    assert {report.concerned_id for report in session.scalars(select(Report))} == {newest.id}


def test_nobody_home_is_a_visit_without_needs(session, zhou, visit):
    answer = zhou.post("/visits", visit | {"outcome": "nobody_home", "needs": []})
    assert (answer.status_code, answer.json["needs"]) == (201, [])
    assert counts(session) == [1, 0, 0, 0]


def test_a_case_against_its_reader_is_in_no_history(session, zhou, wu, visit, cast):
    number = zhou.post("/visits", visit).json["needs"][0]["number"]
    history = f"/households/{visit['household_id']}/visits"
    assert number in wu.get(history).json["items"][0]["needs"]
    session.scalars(select(Case).where(Case.number == number)).one().against_staff_id = cast.staff["wu"].id
    session.flush()
    assert wu.get(f"/cases/{number}").status_code == 404
    assert number not in wu.get(history).json["items"][0]["needs"]
    assert number in zhou.get(history).json["items"][0]["needs"]


def test_a_cadre_does_not_log_visits(wu, visit):
    answer = wu.post("/visits", visit)
    assert (answer.status_code, answer.json["code"]) == (403, "only_grid_workers_visit")
