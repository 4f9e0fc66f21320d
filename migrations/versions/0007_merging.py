"""Merging: the texts of open cases, how common their grams are, merges with their undoing, reports that were moved or said me too."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

_STATES = (
    "submitted",
    "info_requested",
    "accepted",
    "dispatched",
    "in_progress",
    "suspended",
    "under_review",
    "awaiting_callback",
    "awaiting_upstream",
    "closed",
    "rejected",
    "redirected",
    "merged",
    "withdrawn",
    "terminated",
    "void",
)


def upgrade() -> None:
    op.add_column("report", sa.Column("opened_case_id", sa.BigInteger(), nullable=True))
    op.add_column("report", sa.Column("me_too", sa.Boolean(), server_default="false", nullable=False))
    op.execute(
        'ALTER TABLE report ADD CONSTRAINT fk_report_opened_case_id FOREIGN KEY (opened_case_id) REFERENCES "case" (id) NOT VALID'
    )
    op.execute("ALTER TABLE report VALIDATE CONSTRAINT fk_report_opened_case_id")
    op.create_index(
        "ix_report_opened_case_id", "report", ["opened_case_id"], unique=False, postgresql_where="opened_case_id IS NOT NULL"
    )
    op.create_table(
        "case_text",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("grams", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("figures", sa.Integer(), nullable=False),
        sa.Column("square", sa.Integer(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_case_text_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_text")),
    )
    op.create_index(
        "ix_case_text_grams", "case_text", ["grams"], unique=False, postgresql_using="gin", postgresql_with={"fastupdate": "off"}
    )
    op.create_index("ix_case_text_square", "case_text", ["square", "case_id"], unique=False, postgresql_where="square IS NOT NULL")
    op.create_table(
        "gram_shares",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cases", sa.BigInteger(), nullable=False),
        sa.Column("least", sa.Double(), nullable=False),
        sa.Column("grams", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("shares", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_gram_shares_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gram_shares")),
    )
    listed = ", ".join(f"'{state}'" for state in _STATES)
    op.create_table(
        "merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merged_id", sa.BigInteger(), nullable=False),
        sa.Column("survivor_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state_before", sa.String(length=40), nullable=False),
        sa.Column("triage", sa.Boolean(), nullable=False),
        sa.Column("report_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("deadline_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("request_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("assignment_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("overall_id", sa.BigInteger(), nullable=True),
        sa.Column("brought", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("own", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(f"state_before IN ({listed})", name=op.f("ck_merge_state")),
        sa.CheckConstraint("merged_id <> survivor_id", name=op.f("ck_merge_two_cases")),
        sa.ForeignKeyConstraint(["merged_id"], ["case.id"], name=op.f("fk_merge_merged_id")),
        sa.ForeignKeyConstraint(["survivor_id"], ["case.id"], name=op.f("fk_merge_survivor_id")),
        sa.ForeignKeyConstraint(["overall_id"], ["deadline.id"], name=op.f("fk_merge_overall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge")),
    )
    op.create_index("ix_merge_survivor_id", "merge", ["survivor_id"], unique=False, postgresql_where="undone_at IS NULL")
    op.create_index("uq_merge_in_force", "merge", ["merged_id"], unique=True, postgresql_where="undone_at IS NULL")
