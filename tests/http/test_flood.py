"""Floods of reports: a person and an address are stopped in memory, told when to come again, and nothing is stored."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.errors import TooMany
from app.core.throttle import Throttle
from app.http.flood import Buckets, Flood
from app.ledger.models import Case
from config import Config
from tests.callers import Caller, resident_caller
from tests.conftest import MONDAY

WORDS = {"body": "村口的桥栏杆松了。"}


@pytest.fixture
def limit(app, monkeypatch):
    def to(*, person: int, address: int) -> Flood:
        flood = Flood(person=person, address=address)
        monkeypatch.setitem(app.extensions, "minhu", replace(app.extensions["minhu"], flood=flood))
        return flood

    return to


@pytest.fixture
def lin(client, cast) -> Caller:
    return resident_caller(client, "lin")


@pytest.fixture
def chen(client, cast) -> Caller:
    return resident_caller(client, "chen")


def test_whoever_floods_is_stopped_and_the_neighbour_is_not(session, limit, lin, chen, clock):
    limit(person=3, address=100)
    answers = [lin.post("/reports", WORDS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429]
    assert int(answers[3].headers["Retry-After"]) == 201
    assert chen.post("/reports", WORDS).status_code == 201
    assert session.scalar(select(func.count()).select_from(Case)) == 4
    clock.advance(seconds=201)
    assert [lin.post("/reports", WORDS).status_code for _ in range(2)] == [201, 429]


def test_anonymous_reports_count_for_the_same_session_and_nothing_of_it_is_stored(session, limit, lin):
    limit(person=2, address=100)
    before = session.scalar(select(func.count()).select_from(Throttle))
    assert [lin.post("/anonymous-reports", WORDS).status_code for _ in range(2)] == [201, 201]
    assert lin.post("/reports", WORDS).status_code == 429
    assert lin.post("/anonymous-reports", WORDS).status_code == 429
    assert session.scalar(select(func.count()).select_from(Throttle)) == before


def test_additions_and_ratings_count_and_looking_does_not(limit, lin):
    number = lin.post("/reports", WORDS).json["number"]
    limit(person=2, address=100)
    assert [lin.get(f"/cases/{number}").status_code for _ in range(5)] == [200] * 5
    assert [lin.post(f"/cases/{number}/supplements", {"words": "还在晃。"}).status_code for _ in range(2)] == [201, 201]
    assert lin.post(f"/cases/{number}/supplements", {"words": "还在晃。"}).status_code == 429
    assert lin.post(f"/cases/{number}/rating", {}).status_code == 429


def test_one_address_is_stopped_whoever_it_says_it_is(limit, lin, chen):
    limit(person=100, address=3)
    told = [who.post("/reports", WORDS, address="10.0.0.1").status_code for who in (lin, chen, lin, chen)]
    assert told == [201, 201, 201, 429]
    assert chen.post("/reports", WORDS, address="10.0.0.2").status_code == 201


def test_another_way_to_write_the_token_is_the_same_person(limit, client, lin):
    limit(person=1, address=100)
    assert lin.post("/reports", WORDS).status_code == 201
    headers = {"Authorization": f"bearer   {lin.token} "}
    assert client.post("/miniprogram/v1/reports", json=WORDS, headers=headers).status_code == 429


def test_only_so_many_are_remembered_and_the_longest_unheard_goes_first():
    buckets = Buckets(1, size=2)
    for key in (b"a", b"b", b"c"):
        buckets.take(key, MONDAY)
    assert len(buckets) == 2
    buckets.take(b"a", MONDAY)
    with pytest.raises(TooMany):
        buckets.take(b"c", MONDAY)


def test_a_clock_that_goes_back_gives_nothing_away():
    buckets = Buckets(1)
    buckets.take(b"a", MONDAY)
    with pytest.raises(TooMany):
        buckets.take(b"a", MONDAY - timedelta(days=1))


def test_off_lets_all_through_and_remembers_nobody():
    buckets = Buckets(0)
    for _ in range(100):
        buckets.take(b"a", MONDAY)
    assert len(buckets) == 0


def test_the_limits_are_on_unless_they_are_set_off(monkeypatch):
    for name in ("REPORT_LIMIT_PERSON", "REPORT_LIMIT_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    assert (Config().report_limit_person, Config().report_limit_address) == (30, 600)
