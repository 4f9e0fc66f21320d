"""Policies become dated versions: what was replaced still stands for its clocks, what holds goes on holding."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.migrate import upgrade
from tests.migrations.test_ladders import before

__all__ = ["before"]


def test_a_replaced_version_is_past_and_not_an_end(before):
    upgrade(before, to="0009")
    with before.connect() as connection:
        rows = connection.execute(text("SELECT code, version, active, effective_from FROM deadline_policy"))
        found = {(row.code, row.version): (row.active, row.effective_from) for row in rows}
        now = connection.scalar(text("SELECT now()"))
    assert all(active for active, _ in found.values())
    assert found["resolve", 1][1] is found["review", 1][1] is None
    assert found["resolve", 2][1] <= now  # in force at once, for clocks that start from now on
    assert found["resolve-complaint", 2][1] <= now


def test_no_version_is_changed_any_more(before):
    upgrade(before, to="0009")
    with before.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text("UPDATE deadline_policy SET amount = 1"))
