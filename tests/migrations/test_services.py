"""Services come in: entries may hold the actions of an order beside all that they held, running clocks keep their policy's term."""

from sqlalchemy import text

from app.core.migrate import upgrade
from tests.migrations.test_the_whole_life import first_version

__all__ = ["first_version"]


def test_entries_hold_the_actions_of_an_order_beside_those_before(first_version):
    upgrade(first_version, to="0021")
    known = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_entry_action'"
    with first_version.connect() as connection:
        earlier = connection.scalar(text(known)).count("'::character varying")
    upgrade(first_version, to="0023")
    with first_version.connect() as connection:
        now = connection.scalar(text(known))
    assert now.count("'::character varying") == earlier + 4
    assert all(f"'{action}'" in now for action in ("take", "give_back", "pass_station", "return_station", "submit", "look"))


def test_clocks_that_run_keep_the_terms_of_their_policies(first_version):
    upgrade(first_version, to="0023")
    with first_version.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM deadline")) > 0
        assert connection.scalar(text("SELECT count(*) FROM deadline WHERE term_unit IS NOT NULL OR term_hours IS NOT NULL")) == 0
