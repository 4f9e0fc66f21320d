"""Delays stay: the index of breached terms also holds those of clocks that ended without verdict."""

from alembic import op

revision = "0014"
down_revision = "0013"

_INDEX = "ix_deadline_breached"


def upgrade() -> None:
    op.drop_index(_INDEX, table_name="deadline")
    op.create_index(
        _INDEX,
        "deadline",
        ["case_id", "clock"],
        postgresql_where="breached_at IS NOT NULL AND clock IN ('resolve', 'overall')",
    )
