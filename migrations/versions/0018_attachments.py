"""Attachments: what was uploaded and how far it has come, and what each file is attached to."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_PURPOSES = ("photo", "before", "after", "signature", "evidence", "reply")
_SUBJECTS = ("report", "entry", "visit", "consent", "service_order")
_KINDS = ("image", "video", "audio", "pdf", "office")
_ACTORS = ("resident", "staff", "system", "anonymous")


def _word(column: str, words: tuple[str, ...], name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40), nullable=nullable)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _number(column: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(column, sa.BigInteger(), nullable=nullable)


def _moment(column: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(column, sa.DateTime(timezone=True), nullable=nullable)


def _text(column: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.Text(), nullable=nullable)


def _bytes(column: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(column, sa.LargeBinary(), nullable=nullable)


def _yes(column: str) -> sa.Column[bool]:
    return sa.Column(column, sa.Boolean(), nullable=False)


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "file",
        _id(), _text("name"), _bytes("content_index"), _bytes("content_key"), _number("staff_id", nullable=True),
        _number("resident_id", nullable=True), _bytes("ticket_index", nullable=True), _word("purpose", _PURPOSES, "file_purpose"),
        _word("promised", _KINDS, "promised"), _number("size"), _number("received"), sa.Column("parts", sa.dialects.postgresql.JSONB(), nullable=False),
        _word("state", ("uploading", "ready", "refused"), "file_state"), _text("refusal", nullable=True),
        _word("kind", _KINDS, "file_kind", nullable=True), _text("mime", nullable=True),
        _number("stored_size", nullable=True), _number("width", nullable=True), _number("height", nullable=True),
        _moment("taken_at", nullable=True), _bytes("position", nullable=True), _yes("attached"), _moment("created_at"),
        _moment("ready_at", nullable=True),
        _key("file", "staff_id", "staff"),
        _key("file", "resident_id", "resident"),
        sa.CheckConstraint("num_nonnulls(staff_id, resident_id, ticket_index) = 1", name=op.f("ck_file_one_owner")),
        sa.CheckConstraint("size > 0 AND received BETWEEN 0 AND size", name=op.f("ck_file_received")),
        sa.CheckConstraint("state <> 'ready' OR (kind IS NOT NULL AND mime IS NOT NULL)", name=op.f("ck_file_ready")),
        sa.CheckConstraint("position IS NULL OR ticket_index IS NULL", name=op.f("ck_file_nameless_position")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("name", name=op.f("uq_file_name")),
        sa.UniqueConstraint("content_index", name=op.f("uq_file_content_index")),
    )  # fmt: skip
    op.create_index("ix_file_loose", "file", ["created_at", "id"], postgresql_where="NOT attached")
    for owner, column in (("staff", "staff_id"), ("resident", "resident_id"), ("ticket", "ticket_index")):
        loose = f"NOT attached AND {column} IS NOT NULL"
        op.create_index(f"ix_file_{owner}_loose", "file", [column], postgresql_where=loose)
    op.create_table(
        "file_link",
        _id(), _number("file_id"), _word("subject", _SUBJECTS, "file_subject"), _number("subject_id"),
        _word("purpose", _PURPOSES, "file_purpose"), _yes("told"), _word("added_by", _ACTORS, "actor_kind"),
        _number("added_by_id", nullable=True), _moment("added_at"),
        _key("file_link", "file_id", "file"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_link")),
        sa.UniqueConstraint(
            "subject", "subject_id", "file_id", "purpose", name=op.f("uq_file_link_subject_subject_id_file_id_purpose")
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_file_link_file_id"), "file_link", ["file_id"])
    op.add_column("result", sa.Column("files", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("result", "files", server_default=None)
