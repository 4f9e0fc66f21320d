"""Keeps sealed columns under the current key: values that older keys sealed are sealed anew, a batch at a time."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.core.crypto import keyring
from app.core.database import db

Sealed = tuple[InstrumentedAttribute[Any], str]
"""A column that holds sealed values, and the field (`table.column`) that they are sealed for."""


def reseal_batch(sealed: Sealed, *, after: Any = None, most: int = 500) -> tuple[Any, int]:
    """Seal anew, in the running transaction, up to `most` values of a column whose key (a single column) is past `after`.

    Gives the last key that it reached and how many values it sealed, 0 when nothing is left. Raises Undecipherable.
    """
    attribute, field = sealed
    table = cast(Table, attribute.class_.__table__)
    (key,), column, ring = table.primary_key.columns, table.c[attribute.key], keyring()
    stale = func.substring(column, 1, 2) != ring.current.to_bytes(2, "big")
    query = select(key, column).where(column.is_not(None), stale).order_by(key).limit(most).with_for_update()
    rows: Sequence[Any] = db.session.execute(query if after is None else query.where(key > after)).all()
    if not rows:
        return after, 0
    fresh = [{"row_key": row[0], "fresh": ring.encrypt(ring.decrypt(bytes(row[1]), field=field), field=field)} for row in rows]
    change = update(table).where(key == bindparam("row_key")).values({column.name: bindparam("fresh")})
    db.session.connection().execute(change, fresh)
    return rows[-1][0], len(rows)
