"""Policies as versioned data: from when a version holds, and an append-only record of who changed which rule."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

_DOORS = ("mini_program", "grid", "desk", "job", "command_line", "import")
_RULES = ("policy", "category", "reason", "setting", "calendar_day", "calendar_year", "working_hours")


def _word(column: str, words: tuple[str, ...]) -> sa.Column[str]:
    return sa.Column(column, sa.Enum(*words, name=column, native_enum=False, create_constraint=True, length=40), nullable=False)


def _append_only(table: str) -> None:
    op.execute(f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def _changes() -> None:
    op.create_table(
        "policy_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        _word("door", _DOORS),
        _word("rule", _RULES),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_policy_change_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_change")),
    )
    op.create_index("ix_policy_change_rule", "policy_change", ["rule", "key", "id"], unique=False)
    _append_only("policy_change")


def _versions() -> None:
    """Date the versions: from now on the newest that has begun speaks, and none is changed once it stands.

    A version that is not active used to be one that was replaced; now it is the end of its policy. What was replaced says so by
    the newer version alone.
    """
    op.add_column("deadline_policy", sa.Column("effective_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deadline_policy", sa.Column("change_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_deadline_policy_change_id"), "deadline_policy", "policy_change", ["change_id"], ["id"])
    newer = "SELECT FROM deadline_policy AS n WHERE n.code = p.code AND n.version > p.version"
    op.execute(f"UPDATE deadline_policy AS p SET active = true WHERE NOT active AND EXISTS ({newer})")
    op.execute("UPDATE deadline_policy SET effective_from = now() WHERE version > 1")
    _append_only("deadline_policy")


def upgrade() -> None:
    _changes()
    _versions()
    # In order of time as the rows nearly are, a block-range index costs a write nothing and finds a month's clocks.
    op.create_index(
        "ix_deadline_starts_at",
        "deadline",
        ["starts_at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    )
