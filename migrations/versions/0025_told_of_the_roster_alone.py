"""Phones hear of residents of the roster alone: whoever is known of a filing only leaves no note, not even by going."""

from alembic import op

revision = "0025"
down_revision = "0024"

# Only residents have a household of their own: the branch is planned for their table alone.
_NOTE_OWN = """
CREATE OR REPLACE FUNCTION sync_note_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_ARGV[0] = 'resident' THEN
        INSERT INTO sync_change (grid_id, changed_in, kind, row_id)
        SELECT grid_id, pg_current_xact_id()::text::bigint, 'resident', id FROM new_rows
        WHERE grid_id IS NOT NULL AND household_id IS NOT NULL
        ON CONFLICT DO NOTHING;
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO sync_change (grid_id, changed_in, kind, row_id)
            SELECT before.grid_id, pg_current_xact_id()::text::bigint, 'resident', before.id
            FROM old_rows before JOIN new_rows after USING (id)
            WHERE before.grid_id IS NOT NULL AND before.household_id IS NOT NULL
              AND (before.grid_id IS DISTINCT FROM after.grid_id OR after.household_id IS NULL)
            ON CONFLICT DO NOTHING;
        END IF;
        RETURN NULL;
    END IF;
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

_NOTE_RESIDENT = """
CREATE OR REPLACE FUNCTION sync_note_resident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sync_change (grid_id, changed_in, kind, row_id)
    SELECT DISTINCT r.grid_id, pg_current_xact_id()::text::bigint, 'resident', r.id
    FROM new_rows JOIN resident r ON r.id = new_rows.resident_id WHERE r.grid_id IS NOT NULL AND r.household_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""

_FILL = """
CREATE OR REPLACE FUNCTION sync_fill() RETURNS void LANGUAGE sql AS $$
    TRUNCATE sync_change;
    INSERT INTO sync_change SELECT grid_id, 0, 'household', id FROM household WHERE ended_at IS NULL;
    INSERT INTO sync_change SELECT grid_id, 0, 'resident', id FROM resident
        WHERE ended_at IS NULL AND grid_id IS NOT NULL AND household_id IS NOT NULL;
    INSERT INTO sync_change SELECT grid_id, 0, 'task', id FROM visit_task WHERE state = 'open';
    INSERT INTO sync_change SELECT grid_id, 0, 'case', id FROM "case" WHERE grid_id IS NOT NULL AND NOT archived;
$$
"""


def upgrade() -> None:
    for function in (_NOTE_OWN, _NOTE_RESIDENT, _FILL):
        op.execute(function)
    # Whoever was never on the roster has left no line in its history.
    op.execute(
        "DELETE FROM sync_change c USING resident r WHERE c.kind = 'resident' AND r.id = c.row_id AND r.household_id IS NULL"
        " AND NOT EXISTS (SELECT FROM roster_change h WHERE h.resident_id = r.id)"
    )
