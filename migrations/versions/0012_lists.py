"""Lists: indexes that carry what the queue asks of a case, and which access is the lead's."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

LISTED = [
    "state", "channel", "kind", "urgency", "category_id", "grid_id", "closed_at", "amber_at", "late_since",
    "triage", "confidential", "hidden_from_grid", "against_staff_id", "against_paths",
]  # fmt: skip
BY_PREFIX = "text_pattern_ops"


def upgrade() -> None:
    op.add_column("case_access", sa.Column("lead", sa.Boolean(), server_default="false", nullable=False))
    op.execute(
        """
        UPDATE case_access SET lead = true
        FROM "case" WHERE "case".id = case_access.case_id AND "case".lead_unit_id = case_access.unit_id
        """
    )
    op.create_index(
        "ix_case_access_given",
        "case_access",
        ["unit_path", "case_id"],
        postgresql_ops={"unit_path": BY_PREFIX},
        postgresql_where="NOT lead",
    )
    for name in ("ix_case_territory", "ix_case_lead", "ix_case_open", "ix_case_next_due", "ix_case_amber", "ix_case_late"):
        op.drop_index(name, "case")
    op.create_index(
        "ix_case_territory",
        "case",
        ["territory_path", "id"],
        postgresql_ops={"territory_path": BY_PREFIX},
        postgresql_include=["lead_unit_id", "next_due_at", *LISTED],
        postgresql_where="NOT archived",
    )
    op.create_index(
        "ix_case_lead",
        "case",
        ["lead_unit_id", "id"],
        postgresql_include=["territory_path", "next_due_at", *LISTED],
        postgresql_where="lead_unit_id IS NOT NULL AND NOT archived",
    )
    op.create_index(
        "ix_case_lead_open",
        "case",
        ["lead_unit_id", "id"],
        postgresql_include=["territory_path", "next_due_at", *LISTED],
        postgresql_where="lead_unit_id IS NOT NULL AND closed_at IS NULL AND NOT archived",
    )
    op.create_index(
        "ix_case_open",
        "case",
        ["id"],
        postgresql_include=["lead_unit_id", "territory_path", "next_due_at", *LISTED],
        postgresql_where="closed_at IS NULL AND NOT archived",
    )
    op.create_index(
        "ix_case_next_due",
        "case",
        ["next_due_at", "id"],
        postgresql_include=["lead_unit_id", "territory_path", *LISTED],
        postgresql_where="next_due_at IS NOT NULL AND NOT archived",
    )
