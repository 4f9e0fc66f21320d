"""Keeps keyset paging: a cursor names the last row seen, so that page one hundred costs what page one costs."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, TypeVarTuple, cast

import orjson
from sqlalchemy import ColumnElement, CompoundSelect, Select, SQLColumnExpression, and_, or_, select, union_all

from app.core.errors import Invalid

LIMIT = 50
MOST = 200

Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")

Key = Sequence[tuple[SQLColumnExpression[Any], bool]]
"""A sort key: columns, each with whether it descends; together they are unique."""


class CursorUnreadable(Invalid):
    """翻页标记无效，请从第一页重新打开"""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows in order, and the cursor of the next page (None on the last)."""

    items: Sequence[Row]
    next_cursor: str | None


def encode_cursor(key: Sequence[object]) -> str:
    """Give the opaque cursor of a row's sort key (numbers, text, moments as RFC 3339)."""
    return base64.urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def decode_cursor(cursor: str, *, width: int) -> list[Any]:
    """Give the sort key of a cursor; raises CursorUnreadable."""
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise CursorUnreadable from None
    if not isinstance(key, list) or len(key) != width or not all(isinstance(part, int | str) for part in key):
        raise CursorUnreadable
    return key


def after(key: Key, values: Sequence[Any]) -> ColumnElement[bool]:
    """Give the condition "comes after `values`" for sort columns, each with whether it descends.

    The first column's bound is said by itself as well: from it an index knows where to begin.
    """
    tests = []
    for place, (column, descends) in enumerate(key):
        equal = [earlier == value for (earlier, _), value in zip(key[:place], values[:place], strict=True)]
        tests.append(and_(*equal, column < values[place] if descends else column > values[place]))
    (first, descends), value = key[0], values[0]
    return and_(first <= value if descends else first >= value, or_(*tests)) if len(key) > 1 else tests[0]


def paged(query: Select[*Columns], *, key: Key, cursor: str | None, limit: int) -> Select[*Columns]:
    """Order a query by its sort key, start it after the cursor and take one row more than `limit`."""
    if cursor:
        values = decode_cursor(cursor, width=len(key))
        query = query.where(after(key, [_fit(value, column) for value, (column, _) in zip(values, key, strict=True)]))
    return query.order_by(*(column.desc() if descends else column.asc() for column, descends in key)).limit(limit + 1)


def by_ways(ways: Sequence[Select[int]]) -> CompoundSelect[int]:
    """Give the ids among which a page is: each of `ways`, a `paged` query of ids, is read by itself.

    One way alone the planner can follow by an index, from the end where the list begins; of several joined by "or" it can only
    ask each row on the way. The first rows of all ways together hold the first of the list.
    """
    return union_all(*(select(one.subquery().c[0]) for one in ways))


def page_from(rows: Sequence[Row], *, limit: int, key: Callable[[Row], Sequence[object]]) -> Page[Row]:
    """Give the page of the rows that a `paged` query gave; `key` gives a row's sort key for the cursor."""
    return Page(rows[:limit], encode_cursor(key(rows[limit - 1])) if len(rows) > limit else None)


def _fit(value: Any, column: SQLColumnExpression[Any]) -> Any:
    """Give a cursor's value as its column holds it; raises CursorUnreadable for a value of another kind."""
    wanted = cast(ColumnElement[Any], column).type.python_type
    if wanted is datetime and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise CursorUnreadable from None
        if moment.tzinfo is None:
            raise CursorUnreadable
        return moment
    if type(value) is not wanted or (wanted is int and not -(2**63) <= value < 2**63):
        raise CursorUnreadable
    return value
