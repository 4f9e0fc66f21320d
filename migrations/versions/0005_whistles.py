"""Whistles: who was called to which place by when, who came, and what both sides say of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "whistle",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("resident_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("raw_point", postgresql.JSONB(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(staff_id, resident_id) = 1", name=op.f("ck_whistle_one_blower")),
        sa.CheckConstraint("num_nonnulls(staff_id, unit_id) <> 1", name=op.f("ck_whistle_for_a_unit")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_whistle_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_whistle_staff_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_whistle_unit_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_whistle_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whistle")),
    )
    op.create_index(op.f("ix_whistle_case_id"), "whistle", ["case_id"], unique=False)
    op.create_index("ix_whistle_at", "whistle", ["at", "id"], unique=False)
    op.create_index("ix_whistle_resident_id", "whistle", ["resident_id", "at"], postgresql_where="resident_id IS NOT NULL")
    op.create_table(
        "whistle_call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("whistle_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_by", sa.BigInteger(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("raw_point", postgresql.JSONB(), nullable=True),
        sa.Column("metres_off", sa.BigInteger(), nullable=True),
        sa.Column("helped", sa.Boolean(), nullable=True),
        sa.Column("justified", sa.Boolean(), nullable=True),
        sa.Column("ruling", sa.Boolean(), nullable=True),
        sa.CheckConstraint("num_nonnulls(arrived_at, arrived_by) <> 1", name=op.f("ck_whistle_call_somebody_came")),
        sa.ForeignKeyConstraint(["whistle_id"], ["whistle.id"], name=op.f("fk_whistle_call_whistle_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_whistle_call_case_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_whistle_call_unit_id")),
        sa.ForeignKeyConstraint(["arrived_by"], ["staff.id"], name=op.f("fk_whistle_call_arrived_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whistle_call")),
        sa.UniqueConstraint("whistle_id", "unit_id", name=op.f("uq_whistle_call_whistle_id_unit_id")),
    )
    op.create_index("ix_whistle_call_unit_id", "whistle_call", ["unit_id", "id"], unique=False)
    op.create_index("ix_whistle_call_case_id", "whistle_call", ["case_id"], unique=False)
    op.create_index("ix_whistle_call_waiting", "whistle_call", ["due_at", "id"], postgresql_where="arrived_at IS NULL")
    op.create_index("ix_whistle_call_contested", "whistle_call", ["id"], postgresql_where="justified = false AND ruling IS NULL")
