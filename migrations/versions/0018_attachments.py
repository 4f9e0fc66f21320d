"""Attachments: what was uploaded and how far it has come, and what each file is attached to."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import choice, key, moment, number, own_id, sealed, text, yes

revision = "0018"
down_revision = "0017"

_PURPOSES = ("photo", "before", "after", "signature", "evidence", "reply")
_SUBJECTS = ("report", "entry", "visit", "consent", "service_order")
_KINDS = ("image", "video", "audio", "pdf", "office")
_ACTORS = ("resident", "staff", "system", "anonymous")


def upgrade() -> None:
    op.create_table(
        "file",
        own_id(), text("name"), sealed("content_index"), sealed("content_key"), number("staff_id", nullable=True),
        number("resident_id", nullable=True), sealed("ticket_index", nullable=True), choice("purpose", _PURPOSES, "file_purpose"),
        choice("promised", _KINDS, "promised"), number("size"), number("received"), sa.Column("parts", sa.dialects.postgresql.JSONB(), nullable=False),
        choice("state", ("uploading", "ready", "refused"), "file_state"), text("refusal", nullable=True),
        choice("kind", _KINDS, "file_kind", nullable=True), text("mime", nullable=True),
        number("stored_size", nullable=True), number("width", nullable=True), number("height", nullable=True),
        moment("taken_at", nullable=True), sealed("position", nullable=True), yes("attached"), moment("created_at"),
        moment("ready_at", nullable=True),
        key("file", "staff_id", "staff"),
        key("file", "resident_id", "resident"),
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
        own_id(), number("file_id"), choice("subject", _SUBJECTS, "file_subject"), number("subject_id"),
        choice("purpose", _PURPOSES, "file_purpose"), yes("told"), choice("added_by", _ACTORS, "actor_kind"),
        number("added_by_id", nullable=True), moment("added_at"),
        key("file_link", "file_id", "file"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_link")),
        sa.UniqueConstraint(
            "subject", "subject_id", "file_id", "purpose", name=op.f("uq_file_link_subject_subject_id_file_id_purpose")
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_file_link_file_id"), "file_link", ["file_id"])
    op.add_column("result", sa.Column("files", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("result", "files", server_default=None)
