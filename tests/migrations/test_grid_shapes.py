"""Cases that nobody has placed yet are marked when grids become polygons; what was decided stays decided, and words stay known."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, text

from app.core.migrate import upgrade
from app.ledger.vocabulary import Action
from tests.conftest import drop_database
from tests.migrations.test_the_whole_life import _plain

CASES = {
    "waiting": ("submitted", None, None, False),
    "asked": ("info_requested", None, None, False),
    "outside every grid": ("accepted", "2026-11-01", None, False),
    "closed": ("rejected", None, "2026-11-02", False),
    "past": ("closed", None, None, True),
}


@pytest.fixture
def before(server, make_app) -> Iterator[Engine]:
    """A ledger just before, with cases without a grid."""
    make_app(server)
    name = f"shapes_{uuid4().hex[:12]}"
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    engine = create_engine(server.replace("/minhu?", f"/{name}?"))
    try:
        upgrade(engine, to="0017")
        with engine.begin() as connection:
            for number, (state, accepted_at, closed_at, archived) in CASES.items():
                connection.execute(
                    text(
                        'INSERT INTO "case" (number, state, channel, title, kind, urgency, territory_path, confidential, anonymous,'
                        " archived, round, heat, opened_at, accepted_at, closed_at, version, entry_count, chain_head) VALUES"
                        " (:number, :state, 'hotline', '路灯', 'help', 'normal', '/1/', false, false, :archived, 1, 1,"
                        " '2026-10-30', :accepted_at, :closed_at, 1, 1, decode(repeat('00', 32), 'hex'))"
                    ),
                    {
                        "number": number,
                        "state": state,
                        "accepted_at": accepted_at,
                        "closed_at": closed_at,
                        "archived": archived,
                    },
                )
        yield engine
    finally:
        engine.dispose()
        drop_database(server, name)


def test_only_what_waits_for_a_person_is_to_be_placed(before):
    upgrade(before, to="0019")
    with before.connect() as connection:
        marked = set(connection.scalars(text('SELECT number FROM "case" WHERE to_place')))
        known = connection.scalar(text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_entry_action'"))
    assert marked == {"waiting", "asked"}
    assert all(f"'{action}'" in known for action in (Action.SUBMIT, Action.CORRECT, Action.MOVE_GRID))
