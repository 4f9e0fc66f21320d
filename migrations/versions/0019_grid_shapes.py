"""Grids as polygons: imports and versions of shapes, cases to be placed by hand, and grids that their workers found wrong."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.columns import key, number, own_id

revision = "0019"
down_revision = "0018"


def _shapes() -> None:
    op.create_table(
        "shape_import",
        own_id(),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        number("staff_id", nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column(
            "datum", sa.Enum("wgs84", "gcj02", name="datum", native_enum=False, create_constraint=True, length=40), nullable=False
        ),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        key("shape_import", "staff_id", "staff"),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_shape_import_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shape_import")),
    )
    op.create_table(
        "grid_shape",
        own_id(),
        number("grid_id"),
        number("import_id"),
        number("replaced_by_id", nullable=True),
        sa.Column("wkb", sa.LargeBinary(), nullable=False),
        key("grid_shape", "grid_id", "grid"),
        key("grid_shape", "import_id", "shape_import"),
        key("grid_shape", "replaced_by_id", "shape_import"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_shape")),
    )
    for column in ("grid_id", "import_id", "replaced_by_id"):
        op.create_index(op.f(f"ix_grid_shape_{column}"), "grid_shape", [column])
    op.create_index("uq_grid_shape_now", "grid_shape", ["grid_id"], unique=True, postgresql_where="replaced_by_id IS NULL")


def _cases() -> None:
    op.add_column("case", sa.Column("to_place", sa.Boolean(), server_default="false", nullable=False))
    op.execute(
        'UPDATE "case" SET to_place = true WHERE grid_id IS NULL AND accepted_at IS NULL AND closed_at IS NULL AND NOT archived'
    )
    op.create_index("ix_case_to_place", "case", ["id"], postgresql_where="to_place AND closed_at IS NULL")
    op.create_table(
        "grid_move",
        own_id(),
        number("case_id"),
        number("staff_id"),
        number("from_grid_id"),
        number("to_grid_id", nullable=True),
        number("assignment_id", nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        key("grid_move", "case_id", "case"),
        key("grid_move", "staff_id", "staff"),
        key("grid_move", "from_grid_id", "grid"),
        key("grid_move", "to_grid_id", "grid"),
        key("grid_move", "assignment_id", "assignment"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_move")),
    )
    op.create_index("ix_grid_move_case_id", "grid_move", ["case_id", "staff_id"])
    op.create_index("ix_grid_move_staff_id", "grid_move", ["staff_id", "case_id"])
    op.create_index("ix_grid_move_assignment_id", "grid_move", ["assignment_id"], postgresql_where="assignment_id IS NOT NULL")


def _actions() -> None:
    """Add a word to those that the CHECK knows, whichever they are."""
    bind = op.get_bind()
    known = bind.scalar(sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_entry_action'"))
    listed = ", ".join(f"'{word}'" for word in [*re.findall(r"'(\w+)'", known), "move_grid"])
    op.execute("ALTER TABLE entry DROP CONSTRAINT ck_entry_action")
    op.execute(f"ALTER TABLE entry ADD CONSTRAINT ck_entry_action CHECK (action IN ({listed})) NOT VALID")
    op.execute("ALTER TABLE entry VALIDATE CONSTRAINT ck_entry_action")


def upgrade() -> None:
    _shapes()
    _cases()
    _actions()
