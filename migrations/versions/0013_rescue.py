"""Rescue: a clock of its own watches that the arrival of 110, 119 or 120 is confirmed."""

from alembic import op

revision = "0013"
down_revision = "0012"

_CLOCKS = (
    "accept", "info", "dispatch", "sign", "contact", "resolve", "overall", "review", "callback", "triage", "decide", "suspension",
    "upstream_sign", "upstream_return", "upstream_due", "arrive", "supervision", "rescue",
)  # fmt: skip
_TABLES = ("deadline", "deadline_policy", "leave_move")


def upgrade() -> None:
    listed = ", ".join(f"'{word}'" for word in _CLOCKS)
    for table in _TABLES:
        name = f"ck_{table}_clock"
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (clock IN ({listed})) NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
