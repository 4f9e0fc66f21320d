"""Keeps the one connection to PostgreSQL: the base of all models, and the one transaction of a request, command or batch."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ARRAY, BigInteger, DateTime, Enum, LargeBinary, MetaData, Table, Text, any_, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, registry

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of every model; moments are `timestamptz`, whole numbers `bigint`, dictionaries `jsonb`."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={
            int: BigInteger,
            str: Text,
            bytes: LargeBinary,
            datetime: DateTime(timezone=True),
            dict[str, Any]: JSONB,
            list[Any]: JSONB,
        },
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)

Model = TypeVar("Model", bound=Base)


def enum_type(enum: type[StrEnum], name: str = "") -> Enum:
    """Give the column type of a StrEnum: stored by value, held to its values by a CHECK (named, where a table has two)."""
    name = name or re.sub(r"(?<!^)(?=[A-Z])", "_", enum.__name__).lower()
    return Enum(
        enum, native_enum=False, length=40, create_constraint=True, name=name, values_callable=lambda e: [m.value for m in e]
    )


def table_of(model: type[Base]) -> Table:
    """Give the table of a model, for Core statements on hot paths."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


@contextmanager
def transaction() -> Iterator[None]:
    """Run the block as one transaction: leaving it commits, raising rolls back."""
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def lock_rows(model: type[Model], ids: Sequence[int], *, skip_locked: bool = False, referable: bool = False) -> list[Model]:
    """Lock rows `FOR UPDATE` in the order of their ids and give them fresh; with `skip_locked`, only those nobody holds.

    With `referable` (`FOR NO KEY UPDATE`) others may meanwhile write rows that refer to these: for whoever holds many for long.

    Every writer takes its locks through here, subjects first and clocks after, so that two writers never wait for each
    other in a ring.
    """
    key = model.__table__.c.id
    query = select(model).where(key.in_(sorted(set(ids)))).order_by(key)
    query = query.with_for_update(skip_locked=skip_locked, key_share=referable).execution_options(populate_existing=True)
    return list(db.session.scalars(query))


def lock_versions(model: type[Model], ids: Collection[int]) -> dict[int, int]:
    """Lock many rows as `lock_rows` does, still to be referred to, and give id → version alone: for what is written past them.

    What the session holds of them is to be expired by whoever writes.
    """
    table = table_of(model)
    key = table.c.id
    query = select(key, table.c.version).where(key == any_(literal(sorted(set(ids)), ARRAY(key.type)))).order_by(key)
    rows = db.session.execute(query.with_for_update(key_share=True)).all() if ids else []
    return {row.id: row.version for row in rows}
