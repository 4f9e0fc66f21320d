"""Keeps writing of many rows in one statement: rows travel as one JSON value and are unpacked by PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Table, Text, Update, bindparam, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert

from app.core.database import Base, db, table_of

Row = dict[str, Any]


def insert_many(model: type[Base], rows: Sequence[Row], *, unless: str | None = None) -> None:
    """Insert rows that all have the same columns; with `unless`, a row whose value in that unique column is there is left out."""
    if rows:
        db.session.connection().execute(_insert(table_of(model), tuple(rows[0]), unless), {"rows": _packed(rows)})


def update_many(model: type[Base], rows: Sequence[Row]) -> None:
    """Update rows by their `id`; every row names the same other columns. What the session holds of them must be expired after."""
    if rows:
        db.session.connection().execute(_update(table_of(model), tuple(rows[0])), {"rows": _packed(rows)})


def _packed(rows: Sequence[Row]) -> str:
    return orjson.dumps(rows, default=_plain).decode()


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot travel as JSON")


def _unpacked(table: Table, columns: tuple[str, ...]) -> Any:
    """Give the rows as a table: `jsonb_to_recordset` with the columns' own types."""
    typed = [column(name, table.c[name].type) for name in columns]
    records = func.jsonb_to_recordset(cast(bindparam("rows", type_=Text), JSONB)).table_valued(*typed)
    return records.render_derived(name="rows", with_types=True)


@lru_cache(maxsize=64)
def _insert(table: Table, columns: tuple[str, ...], unless: str | None) -> Insert:
    statement = insert(table).from_select(list(columns), select(_unpacked(table, columns)), include_defaults=False)
    return statement.on_conflict_do_nothing(index_elements=[table.c[unless]]) if unless else statement


@lru_cache(maxsize=64)
def _update(table: Table, columns: tuple[str, ...]) -> Update:
    rows = _unpacked(table, columns)
    return update(table).where(table.c.id == rows.c.id).values({name: rows.c[name] for name in columns if name != "id"})
