"""Keeps the columns and constraints that migrations make again and again, named as the models' metadata names them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB


def choice(column: str, words: tuple[str, ...], name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Make a column for one of some words; `name` is that of its check."""
    return sa.Column(column, sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40), nullable=nullable)


def own_id() -> sa.Column[Any]:
    """Make the column of a table's own id."""
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def number(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Make a column for a whole number or another table's id."""
    return sa.Column(column, sa.BigInteger(), nullable=nullable)


def moment(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Make a column for a moment."""
    return sa.Column(column, sa.DateTime(timezone=True), nullable=nullable)


def day(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Make a column for a day."""
    return sa.Column(column, sa.Date(), nullable=nullable)


def text(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Make a column for text."""
    return sa.Column(column, sa.Text(), nullable=nullable)


def sealed(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Make a column for bytes, sealed or indexed blindly."""
    return sa.Column(column, sa.LargeBinary(), nullable=nullable)


def yes(column: str) -> sa.Column[Any]:
    """Make a column for yes or no."""
    return sa.Column(column, sa.Boolean(), nullable=False)


def record(column: str) -> sa.Column[Any]:
    """Make a column for a list or record."""
    return sa.Column(column, JSONB(), nullable=False)


def key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    """Make the reference of a column to another table's id."""
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def primary(table: str, column: str = "id") -> sa.PrimaryKeyConstraint:
    """Make a table's primary key."""
    return sa.PrimaryKeyConstraint(column, name=op.f(f"pk_{table}"))


def unique(table: str, column: str) -> sa.UniqueConstraint:
    """Let a value stand once in a column."""
    return sa.UniqueConstraint(column, name=op.f(f"uq_{table}_{column}"))
