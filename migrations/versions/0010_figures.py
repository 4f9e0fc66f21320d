"""Figures: when a case was first taken up, and the indexes by which a month is counted without reading the whole ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("case", sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        """
        UPDATE "case" SET accepted_at = first.at
        FROM (SELECT case_id, min(at) AS at FROM entry WHERE action IN ('accept', 'answer') GROUP BY case_id) AS first
        WHERE first.case_id = "case".id
        """
    )
    op.create_index(
        "ix_case_accepted_at",
        "case",
        ["accepted_at", "id"],
        postgresql_where="accepted_at IS NOT NULL AND NOT archived",
    )
    op.create_index(
        "ix_case_counted",
        "case",
        ["id"],
        postgresql_include=[
            "round", "lead_unit_id", "state", "kind", "excluded", "against_staff_id", "against_paths",
            "territory_path", "grid_id", "category_id", "channel",
        ],
        postgresql_where="NOT archived",
    )  # fmt: skip
    op.create_index(
        "ix_callback_heard",
        "callback",
        ["at", "case_id", "round"],
        postgresql_include=["contacted", "solved", "satisfaction"],
        postgresql_where="reached AND by <> 'upstream'",
    )
    op.create_index("ix_assignment_dispatched_at", "assignment", ["dispatched_at", "id"])
    op.create_index(
        "ix_deadline_breached",
        "deadline",
        ["case_id", "clock"],
        postgresql_where="breached_at IS NOT NULL AND cancelled_at IS NULL AND clock IN ('resolve', 'overall')",
    )
    op.create_index(
        "ix_deadline_callback",
        "deadline",
        ["met_at", "case_id", "round", "starts_at"],
        postgresql_where="clock = 'callback' AND cancelled_at IS NULL",
    )
    op.create_index(
        "ix_deadline_arrive",
        "deadline",
        ["starts_at", "id"],
        postgresql_where="clock = 'arrive'",
    )
