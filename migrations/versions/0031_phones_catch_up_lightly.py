"""Phones catch up lightly: changes of rows long gone are forgotten, a restored database is counted anew in steps, doubts are found."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0026"


def upgrade() -> None:
    for name in ("thinned_to", "forgotten_to", "anew_before", "counted_to"):
        op.add_column("sync_epoch", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("sync_epoch", sa.Column("counting", sa.Text(), nullable=True))
    op.create_table(
        "sync_mark",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_sync_mark")),
    )
    op.execute("DROP FUNCTION sync_fill()")
    undecided = "state = 'done' AND decided_at IS NULL"
    op.create_index("ix_visit_effect_undecided", "visit_effect", ["household_id"], postgresql_where=undecided)
