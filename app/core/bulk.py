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
        db.session.connection().execute(_insert(table_of(model), tuple(rows[0]), unless), {"rows": packed(rows)})


def insert_fresh(model: type[Base], rows: Sequence[Row], *, unless: str, give: tuple[str, ...]) -> Sequence[Any]:
    """Insert rows but those whose value in the unique column `unless` is there; give some columns of the inserted ones."""
    if not rows:
        return []
    table = table_of(model)
    statement = _insert(table, tuple(rows[0]), unless).returning(*(table.c[name] for name in give))
    return db.session.connection().execute(statement, {"rows": packed(rows)}).all()


def update_many(model: type[Base], rows: Sequence[Row], *, key: str = "id") -> None:
    """Update rows by their `key`; every row names the same other columns. What the session holds of them must be expired after."""
    if rows:
        db.session.connection().execute(_update(table_of(model), tuple(rows[0]), key), {"rows": packed(rows)})


def packed(rows: Sequence[Row]) -> str:
    """Give rows as the JSON that `records` unpacks."""
    return orjson.dumps(rows, default=_plain).decode()


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot travel as JSON")


def records(table: Table, columns: tuple[str, ...], *, name: str = "rows") -> Any:
    """Give the rows of the parameter `name` as a table: `jsonb_to_recordset` with the columns' own types."""
    typed = [column(each, table.c[each].type) for each in columns]
    unpacked = func.jsonb_to_recordset(cast(bindparam(name, type_=Text), JSONB)).table_valued(*typed)
    return unpacked.render_derived(name=name, with_types=True)


@lru_cache(maxsize=64)
def _insert(table: Table, columns: tuple[str, ...], unless: str | None) -> Insert:
    statement = insert(table).from_select(list(columns), select(records(table, columns)), include_defaults=False)
    return statement.on_conflict_do_nothing(index_elements=[table.c[unless]]) if unless else statement


@lru_cache(maxsize=64)
def _update(table: Table, columns: tuple[str, ...], key: str) -> Update:
    rows = records(table, columns)
    return update(table).where(table.c[key] == rows.c[key]).values({name: rows.c[name] for name in columns if name != key})
