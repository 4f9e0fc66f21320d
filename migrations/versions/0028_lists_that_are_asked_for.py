"""Lists that are asked for: written by a scheduler, sealed until they are fetched."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028"
down_revision = "0027"

_STATES = ("waiting", "running", "done", "refused", "failed")
_DOORS = ("mini_program", "grid", "desk", "job", "command_line", "import")


def _word(column: str, words: tuple[str, ...], name: str) -> sa.Column[str]:
    kind = sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)
    return sa.Column(column, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "list_export",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _word("of", ("roster", "visits"), "profiled"),
        sa.Column("wanted", JSONB(), nullable=False),
        _word("door", _DOORS, "door"),
        _word("state", _STATES, "import_state"),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_list_export_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_export")),
    )
    op.create_index("ix_list_export_made_by", "list_export", ["made_by", "id"])
    op.create_index("ix_list_export_open", "list_export", ["id"], postgresql_where="state IN ('waiting', 'running')")
    op.create_index("ix_list_export_file", "list_export", ["finished_at"], postgresql_where="file IS NOT NULL")
