"""Offline sync: which rows of which grid changed in which transaction, and which items of phones came."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_KINDS = ("household", "resident", "task", "case")

# A change is noted once a transaction: its own number is part of the key, so that no two transactions ever wait for each other.
_NOTE_OWN = """
CREATE FUNCTION sync_note_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sync_change (grid_id, changed_in, kind, row_id)
    SELECT grid_id, pg_current_xact_id()::text::bigint, TG_ARGV[0], id FROM new_rows WHERE grid_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO sync_change (grid_id, changed_in, kind, row_id)
        SELECT before.grid_id, pg_current_xact_id()::text::bigint, TG_ARGV[0], before.id
        FROM old_rows before JOIN new_rows after USING (id)
        WHERE before.grid_id IS NOT NULL AND before.grid_id IS DISTINCT FROM after.grid_id
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$
"""

_NOTE_HOUSEHOLD = """
CREATE FUNCTION sync_note_household() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sync_change (grid_id, changed_in, kind, row_id)
    SELECT h.grid_id, pg_current_xact_id()::text::bigint, 'household', h.id
    FROM new_rows JOIN household h ON h.id = new_rows.household_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""

_NOTE_RESIDENT = """
CREATE FUNCTION sync_note_resident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sync_change (grid_id, changed_in, kind, row_id)
    SELECT DISTINCT r.grid_id, pg_current_xact_id()::text::bigint, 'resident', r.id
    FROM new_rows JOIN resident r ON r.id = new_rows.resident_id WHERE r.grid_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""

_NOTE_CASE = """
CREATE FUNCTION sync_note_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.grid_id IS NOT NULL THEN
        INSERT INTO sync_change VALUES (NEW.grid_id, pg_current_xact_id()::text::bigint, 'case', NEW.id) ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.grid_id IS NOT NULL AND OLD.grid_id IS DISTINCT FROM NEW.grid_id THEN
            INSERT INTO sync_change VALUES (OLD.grid_id, pg_current_xact_id()::text::bigint, 'case', NEW.id) ON CONFLICT DO NOTHING;
        END IF;
    END IF;
    RETURN NULL;
END $$
"""

# The whole of what is there, as if it had changed before all else: at the beginning, and where a restored database begins anew.
_FILL = """
CREATE FUNCTION sync_fill() RETURNS void LANGUAGE sql AS $$
    TRUNCATE sync_change;
    INSERT INTO sync_change SELECT grid_id, 0, 'household', id FROM household WHERE ended_at IS NULL;
    INSERT INTO sync_change SELECT grid_id, 0, 'resident', id FROM resident WHERE ended_at IS NULL AND grid_id IS NOT NULL;
    INSERT INTO sync_change SELECT grid_id, 0, 'task', id FROM visit_task WHERE state = 'open';
    INSERT INTO sync_change SELECT grid_id, 0, 'case', id FROM "case" WHERE grid_id IS NOT NULL AND NOT archived;
$$
"""

# Where the changes are counted: another cluster, a way back in time, or a table made anew by a restore is another place.
_PLACE = """
CREATE FUNCTION sync_place() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT system_identifier::text || '-' || timeline_id::text || '-' || 'sync_change'::regclass::oid::text
    FROM pg_control_system(), pg_control_checkpoint()
$$
"""

_CASE_COLUMNS = (
    "version",
    "grid_id",
    "archived",
    "confidential",
    "hidden_from_grid",
    "against_paths",
    "against_staff_id",
    "late_since",
)


def _statement_triggers(table: str, call: str) -> None:
    op.execute(
        f"CREATE TRIGGER sync_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {call}"
    )
    op.execute(
        f"CREATE TRIGGER sync_updated AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {call}"
    )


def _triggers() -> None:
    for function in (_NOTE_OWN, _NOTE_HOUSEHOLD, _NOTE_RESIDENT, _NOTE_CASE, _FILL, _PLACE):
        op.execute(function)
    for table, kind in (("household", "household"), ("resident", "resident"), ("visit_task", "task")):
        _statement_triggers(table, f"sync_note_own('{kind}')")
    _statement_triggers("household_identity", "sync_note_household()")
    for table in ("resident_identity", "resident_tag", "group_head", "care"):
        _statement_triggers(table, "sync_note_resident()")
    op.execute(
        'CREATE TRIGGER sync_inserted AFTER INSERT ON "case" FOR EACH ROW WHEN (NEW.grid_id IS NOT NULL)'
        " EXECUTE FUNCTION sync_note_case()"
    )
    before, after = (", ".join(f"{row}.{column}" for column in _CASE_COLUMNS) for row in ("OLD", "NEW"))
    op.execute(
        f'CREATE TRIGGER sync_updated AFTER UPDATE ON "case" FOR EACH ROW WHEN (({before}) IS DISTINCT FROM ({after}))'
        " EXECUTE FUNCTION sync_note_case()"
    )


def upgrade() -> None:
    op.create_table(
        "sync_change",
        sa.Column("grid_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("changed_in", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "kind", sa.Enum(*_KINDS, name="synced_kind", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("grid_id", "changed_in", "kind", "row_id", name=op.f("pk_sync_change")),
    )
    op.create_table(
        "sync_told",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sync_told_staff_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_sync_told_case_id")),
        sa.PrimaryKeyConstraint("staff_id", "case_id", name=op.f("pk_sync_told")),
    )
    op.create_table(
        "sync_epoch",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_sync_epoch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_epoch")),
    )
    op.create_table(
        "sync_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_off", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sync_item_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_item")),
        sa.UniqueConstraint("staff_id", "key", name=op.f("uq_sync_item_staff_id_key")),
    )
    op.create_index("ix_sync_item_at", "sync_item", ["at"])
    op.create_index("ix_sync_item_answered", "sync_item", ["at"], postgresql_where="sealed IS NOT NULL")
    _triggers()
    op.execute("SELECT sync_fill()")
    op.execute("INSERT INTO sync_epoch VALUES (1, sync_place())")
