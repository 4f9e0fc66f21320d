"""Taken out: what tells the figures apart the words of reporters whom an undone merge has taken out of a case again."""

from alembic import op

revision = "0016"
down_revision = "0015"

HEARD = "reached AND by <> 'upstream'"


def upgrade() -> None:
    op.create_index("ix_merge_undone", "merge", ["survivor_id"], postgresql_where="undone_at IS NOT NULL")
    op.drop_index("ix_callback_heard", table_name="callback")
    op.create_index(
        "ix_callback_heard",
        "callback",
        ["at", "case_id", "round"],
        postgresql_include=["contacted", "solved", "satisfaction", "report_id"],
        postgresql_where=HEARD,
    )
