"""Sub-dispatch, duty lists, corrections."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("assignment", sa.Column("first_responder", sa.Boolean(), server_default="false", nullable=False))
    op.create_table(
        "duty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("put_by", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role IN ('statutory', 'lead', 'assist')", name=op.f("ck_duty_responsibility")),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_duty_category_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_duty_unit_id")),
        sa.ForeignKeyConstraint(["put_by"], ["staff.id"], name=op.f("fk_duty_put_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["staff.id"], name=op.f("fk_duty_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
    )
    op.create_index(
        "ix_case_led",
        "case",
        ["category_id", "closed_at"],
        unique=False,
        postgresql_where="state = 'closed' AND lead_unit_id IS NOT NULL AND NOT archived",
    )
    op.add_column("request", sa.Column("to_upstream", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("request", sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_request_unsigned",
        "request",
        ["id"],
        unique=False,
        postgresql_where="to_upstream AND state = 'approved' AND signed_at IS NULL",
    )
    op.create_index(
        "ix_request_returned", "request", ["decided_at"], unique=False, postgresql_where="kind = 'return' AND state = 'approved'"
    )
    op.create_table(
        "report_people",
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("group_size", sa.BigInteger(), nullable=True),
        sa.Column("representatives", sa.LargeBinary(), nullable=True),
        sa.Column("minor", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("guardian", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("group_size IS NULL OR group_size > 1", name=op.f("ck_report_people_group_size")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_people_report_id")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_report_people")),
    )
    op.create_index("ix_duty_unit_id", "duty", ["unit_id"], unique=False)
    op.create_index("uq_duty_in_force", "duty", ["category_id", "unit_id"], unique=True, postgresql_where="ended_at IS NULL")
