"""Keeps the fields and schemas that every door shares: strict schemas, moments with zone, case numbers, words and labels."""

from datetime import UTC
from enum import StrEnum
from functools import cache
from typing import Any

from marshmallow import RAISE, ValidationError, fields, post_load, validate
from marshmallow import Schema as MarshmallowSchema

from app.core.clock import CHINA
from app.core.paging import LIMIT, MOST
from app.ledger.intake.places import Point
from app.ledger.intake.submission import has_control
from app.ledger.labels import label
from app.ledger.numbers import WrongNumber, check_number, in_fours
from app.territory.datum import Datum
from app.territory.shapes.placing import How


class Schema(MarshmallowSchema):
    """A schema that refuses what it does not know and keeps the order of its fields."""

    class Meta:
        """Unknown fields are errors."""

        unknown = RAISE


class Moment(fields.AwareDateTime):
    """A moment: RFC 3339 with zone in, the same in China's zone out."""

    def __init__(self, **options: Any) -> None:
        """Take the usual options of a field."""
        super().__init__(format="iso", **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:
        return super()._serialize(value.astimezone(CHINA) if value is not None else None, attr, obj, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **options).astimezone(UTC)
        except OverflowError:
            raise ValidationError("年份超出范围") from None


class Number(fields.String):
    """A case number: blanks and hyphens are dropped, the check digit must be right."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        try:
            return check_number(super()._deserialize(value, attr, data, **options))
        except WrongNumber as wrong:
            raise ValidationError(wrong.detail or wrong.title()) from None


class Word(fields.Enum[StrEnum]):
    """One of a closed list, by its English code."""

    def __init__(self, enum: type[StrEnum], **options: Any) -> None:
        """Name the list."""
        super().__init__(enum, by_value=True, **options)


class Label(fields.String):
    """The Chinese label of the word in another attribute; only told, never taken."""

    def __init__(self, of: str, **options: Any) -> None:
        """Name the attribute that holds the word."""
        super().__init__(attribute=of, dump_only=True, **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:
        return None if value is None else label(value)


class InFours(fields.String):
    """The case number or claim code in another attribute as it is read aloud, in groups of four; only told, never taken."""

    def __init__(self, of: str, **options: Any) -> None:
        """Name the attribute that holds the digits."""
        super().__init__(attribute=of, dump_only=True, **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:
        return None if value is None else in_fours(value)


def text(most: int, **options: Any) -> fields.String:
    """Give a text field of at most `most` characters that is not blank and holds no control characters."""
    return fields.String(validate=validate.And(validate.Length(min=1, max=most), _readable), **options)


def row_id(**options: Any) -> fields.Integer:
    """Give a field that takes the id of a row."""
    return fields.Integer(validate=validate.Range(min=1, max=2**63 - 1), **options)


def _readable(value: str) -> None:
    if not value.strip():
        raise ValidationError("不能为空")
    if has_control(value):
        raise ValidationError("含有看不见的控制字符，请重新输入")


class PointSchema(Schema):
    """A point in degrees and how it is meant."""

    latitude = fields.Float(required=True, validate=validate.Range(min=-90, max=90))
    longitude = fields.Float(required=True, validate=validate.Range(min=-180, max=180))
    datum = Word(Datum, required=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Point:
        """Make it a point."""
        return Point(**given)


class GridNamedSchema(Schema):
    """A grid and its village or community."""

    code = fields.String()
    name = fields.String()
    unit = fields.String()


class PlacingSchema(Schema):
    """In which grid a point lies: `inside` one, `shared` by several (then the smallest code's), `outside` all, or `no_shapes`.

    Outside, the nearest grid and how many metres away it is, where one is near.
    """

    how = Word(How)
    grid = fields.Nested(GridNamedSchema, allow_none=True)
    nearest = fields.Nested(GridNamedSchema, allow_none=True)
    metres = fields.Float(allow_none=True)


class PageQuery(Schema):
    """How a list is asked for."""

    cursor = fields.String(load_default=None)
    limit = fields.Integer(load_default=LIMIT, validate=validate.Range(min=1, max=MOST))


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """Give the schema of a page of items."""
    contents = {"items": fields.List(fields.Nested(item)), "next_cursor": fields.String(allow_none=True)}
    return type(f"{item.__name__.removesuffix('Schema')}PageSchema", (Schema,), contents)
