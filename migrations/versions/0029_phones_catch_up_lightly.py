"""Phones catch up lightly: what is long gone is forgotten, a restored database is counted anew in steps, past grids are known."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

_NOTE_PAST = """
CREATE FUNCTION staff_grid_note_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO staff_grid_past VALUES (OLD.staff_id, OLD.grid_id, now())
    ON CONFLICT (staff_id, grid_id) DO UPDATE SET until = EXCLUDED.until;
    RETURN NULL;
END $$
"""


def _past_grids() -> None:
    """Note from now on which grids were taken from a worker and when: what they visited before is still to be delivered."""
    op.create_table(
        "staff_grid_past",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_grid_past_staff_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name=op.f("fk_staff_grid_past_grid_id")),
        sa.PrimaryKeyConstraint("staff_id", "grid_id", name=op.f("pk_staff_grid_past")),
    )
    op.execute(_NOTE_PAST)
    op.execute("CREATE TRIGGER noted_past AFTER DELETE ON staff_grid FOR EACH ROW EXECUTE FUNCTION staff_grid_note_past()")


def upgrade() -> None:
    _past_grids()
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
