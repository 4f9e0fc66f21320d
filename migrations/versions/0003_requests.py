"""Requests know the entry with which they were asked, whose words say why."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the place of the entry, and find it for the requests that are there."""
    op.add_column("request", sa.Column("entry_seq", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE request SET entry_seq = asked.seq FROM entry AS asked"
        " WHERE asked.case_id = request.case_id AND asked.at = request.asked_at AND asked.action = 'ask_' || request.kind"
    )
