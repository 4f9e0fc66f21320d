"""Ladders that do more than tell come in as new versions where the shipped one stood; an administrator's own stays."""

from collections.abc import Iterator
from json import dumps
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, text

from app.core.migrate import upgrade
from app.ledger.policies import DEFAULTS, ladder_from_json
from app.ledger.vocabulary import Effect
from tests.conftest import drop_database
from tests.migrations.test_the_whole_life import _plain, first_version

__all__ = ["first_version"]


def step(level, on, tell, days=None):
    after = None if days is None else {"amount": days, "unit": "working_day", "hours": "work"}
    return {"level": level, "on": on, "tell": tell, "after": after}


SHIPPED = [
    step(1, "amber", ["owner"]),
    step(2, "due", ["owner", "unit_head"]),
    step(3, "after", ["owner", "unit_head"], 1),
    step(4, "after", ["supervisors"], 3),
    step(5, "after", ["supervisors", "unit_head"], 5),
]
OWN = [step(1, "due", ["unit_head"]), step(2, "after", ["supervisors"], 2)]


@pytest.fixture
def before(server, make_app) -> Iterator[Engine]:
    """A database just before, with a shipped policy, one that the county changed, and the ladder of another clock."""
    make_app(server)
    name = f"ladders_{uuid4().hex[:12]}"
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    engine = create_engine(server.replace("/minhu?", f"/{name}?"))
    try:
        upgrade(engine, to="0007")
        with engine.begin() as connection:
            for code, version, clock, ladder, active in (
                ("resolve", 1, "resolve", SHIPPED, True),
                ("resolve-help", 1, "resolve", OWN, True),
                ("resolve-complaint", 1, "resolve", SHIPPED, False),
                ("resolve-complaint", 2, "resolve", OWN, True),
                ("review", 1, "review", SHIPPED, True),
            ):
                connection.execute(
                    text(
                        "INSERT INTO deadline_policy (code, version, clock, amount, unit, hours, ladder, active) "
                        "VALUES (:code, :version, :clock, 12, 'working_day', 'work', CAST(:ladder AS jsonb), :active)"
                    ),
                    {"code": code, "version": version, "clock": clock, "ladder": dumps(ladder), "active": active},
                )
        yield engine
    finally:
        engine.dispose()
        drop_database(server, name)


def test_only_the_shipped_ladder_of_the_resolve_clock_gets_a_new_version(before):
    upgrade(before, to="0008")
    with before.connect() as connection:
        rows = connection.execute(text("SELECT code, version, amount, active, ladder FROM deadline_policy ORDER BY code, version"))
        found = {(row.code, row.version): (row.amount, row.active, row.ladder) for row in rows}
    assert found["resolve", 1] == (12, False, SHIPPED)  # running clocks keep it
    amount, active, ladder = found["resolve", 2]
    assert (amount, active) == (12, True)
    assert ladder_from_json(ladder) == next(default.ladder for default in DEFAULTS if default.code == "resolve")
    assert ladder_from_json(ladder)[2].does == (Effect.DRAFT_URGING,)
    assert found["resolve-help", 1] == (12, True, OWN)
    assert found["resolve-complaint", 2] == (12, True, OWN)
    assert found["review", 1] == (12, True, SHIPPED)
    assert len(found) == 6


def test_only_the_shipped_ladder_of_an_urgent_resolve_clock_counts_in_hours(before):
    upgrade(before, to="0011")
    shipped = [{"does": [], **each} for each in SHIPPED]
    shipped[2] |= {"tell": ["owner", "unit_head", "supervisors"], "does": ["draft_urging"]}
    shipped[3] |= {"does": ["supervisor_list"]}
    shipped[4] |= {"does": ["interview_list", "raise"]}
    insert = text(
        "INSERT INTO deadline_policy (code, version, clock, urgent, amount, unit, hours, ladder, active) "
        "VALUES (:code, 1, 'resolve', :urgent, 24, 'hour', 'always', CAST(:ladder AS jsonb), true)"
    )
    with before.begin() as connection:
        for code, urgent, ladder in (("resolve-urgent", True, shipped), ("own", True, OWN), ("resolve-other", None, shipped)):
            connection.execute(insert, {"code": code, "urgent": urgent, "ladder": dumps(ladder)})
    upgrade(before, to="0015")
    new = next(default.ladder for default in DEFAULTS if default.code == "resolve-urgent")
    with before.connect() as connection:
        rows = connection.execute(text("SELECT code, version, ladder FROM deadline_policy")).all()
    assert {(row.code, row.version) for row in rows if ladder_from_json(row.ladder) == new} == {("resolve-urgent", 2)}


def test_places_on_a_list_name_the_lead_or_the_county_and_end_with_the_case(first_version):
    upgrade(first_version, to="0011")
    with first_version.begin() as connection:
        county = connection.execute(text("SELECT id FROM unit WHERE level = 'county'")).scalar_one()
        lead = connection.execute(
            text(
                "INSERT INTO unit (code, name, level, path, active) "
                "VALUES ('02', '水利局', 'department', '/1/2/', true) RETURNING id"
            )
        ).scalar_one()
        led = connection.execute(
            text("UPDATE \"case\" SET lead_unit_id = :lead WHERE state = 'in_progress' RETURNING id"), {"lead": lead}
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO case_listing (case_id, listing, listed_for, since) "
                "SELECT id, 'interview', 'late', opened_at FROM \"case\" ORDER BY id"
            )
        )
    upgrade(first_version, to="0015")
    with first_version.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT c.id, c.state, l.unit_id, l.settled_at = c.closed_at AS settled "
                'FROM case_listing AS l JOIN "case" AS c ON c.id = l.case_id'
            )
        ).all()
    assert {row.unit_id for row in rows if row.id == led} == {lead}
    assert {row.unit_id for row in rows if row.id != led} == {county}
    assert {row.state for row in rows if row.settled} == {"closed"}


def sign(due, late, *, does):
    after = {"amount": 20, "unit": "minute", "hours": "duty"}
    steps = [{"level": 1, "on": "due", "tell": [due], "after": None}, {"level": 2, "on": "after", "tell": [late], "after": after}]
    return [{**each, "does": []} if does else each for each in steps]


def test_only_the_shipped_ladder_of_the_sign_clock_rings_at_the_duty_phone(before):
    upgrade(before, to="0010")
    insert = text(
        "INSERT INTO deadline_policy (code, version, clock, urgent, amount, unit, hours, ladder, active) "
        "VALUES (:code, 1, :clock, :urgent, 20, 'minute', 'duty', CAST(:ladder AS jsonb), true)"
    )
    shipped, own = sign("owner", "unit_head", does=True), sign("unit_head", "supervisors", does=True)
    with before.begin() as connection:
        for code, clock, ladder in (
            ("sign", "sign", shipped),
            ("sign-urgent", "sign", sign("owner", "unit_head", does=False)),
            ("sign-own", "sign", own),
            ("arrive", "arrive", shipped),
        ):
            urgent = True if code == "sign-urgent" else None
            connection.execute(insert, {"code": code, "clock": clock, "urgent": urgent, "ladder": dumps(ladder)})
    upgrade(before, to="0011")
    with before.connect() as connection:
        rows = connection.execute(text("SELECT code, version, ladder FROM deadline_policy WHERE clock IN ('sign', 'arrive')"))
        found = {(row.code, row.version): row.ladder for row in rows}
    for code in ("sign", "sign-urgent"):
        new = next(default.ladder for default in DEFAULTS if default.code == code)
        assert {key for key, ladder in found.items() if ladder_from_json(ladder) == new} == {(code, 2)}
    assert len(found) == 6
