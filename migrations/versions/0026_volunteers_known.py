"""Volunteers known: which account somebody on the roster signs in with, and which resident was shown whom an order is for."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def _accounts() -> None:
    op.create_table(
        "roster_account",
        sa.Column("roster_id", sa.BigInteger(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("code_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(resident_id IS NULL) = (joined_at IS NULL)", name=op.f("ck_roster_account_joined")),
        sa.ForeignKeyConstraint(["roster_id"], ["resident.id"], name=op.f("fk_roster_account_roster_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_roster_account_resident_id")),
        sa.PrimaryKeyConstraint("roster_id", name=op.f("pk_roster_account")),
        sa.UniqueConstraint("code_index", name=op.f("uq_roster_account_code_index")),
    )
    joined = "resident_id IS NOT NULL"
    op.create_index("ix_roster_account_resident_id", "roster_account", ["resident_id"], unique=True, postgresql_where=joined)


def _lookers() -> None:
    """Let a resident be who looked; the records so far all name staff."""
    table = "identity_access"
    op.alter_column(table, "staff_id", nullable=True)
    op.add_column(table, sa.Column("looker_id", sa.BigInteger(), nullable=True))
    for name, said in (
        ("fk_identity_access_looker_id", "FOREIGN KEY (looker_id) REFERENCES resident (id)"),
        ("ck_identity_access_one_looker", "CHECK (num_nonnulls(staff_id, looker_id) = 1)"),
    ):
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {said} NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    looked = "looker_id IS NOT NULL"
    op.create_index("ix_identity_access_looker_id", table, ["looker_id", "at"], postgresql_where=looked)


def upgrade() -> None:
    _accounts()
    _lookers()
