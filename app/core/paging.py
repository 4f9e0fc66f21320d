"""Keeps keyset paging: a cursor names the last row seen, so that page one hundred costs what page one costs."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Select, and_, or_
from sqlalchemy.sql import ColumnElement

from app.core.errors import Invalid

LIMIT = 50
MOST = 200

Row = TypeVar("Row")


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


def after(key: Sequence[tuple[ColumnElement[Any], bool]], values: Sequence[Any]) -> ColumnElement[bool]:
    """Give the condition "comes after `values`" for sort columns, each with whether it descends."""
    tests = []
    for place, (column, descends) in enumerate(key):
        equal = [earlier == value for (earlier, _), value in zip(key[:place], values[:place], strict=True)]
        tests.append(and_(*equal, column < values[place] if descends else column > values[place]))
    return or_(*tests)


def paged(query: Select[Any], *, key: Sequence[tuple[ColumnElement[Any], bool]], cursor: str | None, limit: int) -> Select[Any]:
    """Order a query by its sort key, start it after the cursor and take one row more than `limit`."""
    if cursor:
        query = query.where(after(key, decode_cursor(cursor, width=len(key))))
    return query.order_by(*(column.desc() if descends else column.asc() for column, descends in key)).limit(limit + 1)
