"""Filings from afar: whether another village's roster has the person; visits home that are over or given back."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

_ACTIONS = ("give_back_visit",)
_STATES = ("waiting", "taken", "visited", "declined", "over")


def _filings() -> None:
    elsewhere = sa.Column("person_elsewhere", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("proxy_filing", elsewhere)
    op.create_index("ix_proxy_filing_elsewhere", "proxy_filing", ["id"], postgresql_where="person_elsewhere")


def _check(table: str, name: str, column: str, words: list[str]) -> None:
    """Hold a column to its words, without keeping others from the table while its rows are read."""
    listed = ", ".join(f"'{word}'" for word in words)
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IN ({listed})) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _actions() -> None:
    """Let entries hold the new action besides those that they may hold now."""
    query = sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_entry_action'")
    words = [*re.findall(r"'([a-z_0-9]+)'", op.get_bind().execute(query).scalar_one()), *_ACTIONS]
    _check("entry", "ck_entry_action", "action", list(dict.fromkeys(words)))


def _homes() -> None:
    """End the requests to come home whose cases were ended or given to a unit; those of merged cases may come back."""
    _check("home_request", "ck_home_request_home_state", "state", list(_STATES))
    op.execute(
        "UPDATE home_request SET state = 'over', ended_at = now() FROM \"case\" c WHERE c.id = home_request.case_id"
        " AND home_request.state IN ('waiting', 'taken')"
        " AND c.state NOT IN ('submitted', 'accepted', 'info_requested', 'merged')"
    )


def upgrade() -> None:
    _filings()
    _actions()
    _homes()
