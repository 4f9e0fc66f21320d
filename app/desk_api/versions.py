"""Keeps how a move says which version of the case it was decided on: the `version` field or If-Match."""

import re
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields

from app.http.fields import Schema


class MoveSchema(Schema):
    """A move; with `version`, it is refused with 412 when the case has changed since."""

    version = fields.Integer()


class EntityTag(fields.String):
    """A version as an entity tag, `"3"`; bare digits pass."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        tag = re.fullmatch(r'(?:W/)?"?([0-9]{1,9})"?', str(value).strip())
        if tag is None:
            raise ValidationError("请用工单的版本号")
        return int(tag[1])


class IfMatch(Schema):
    """The version of the case that was seen, as an entity tag; stands before the field in the body."""

    class Meta:
        """A request has other headers too."""

        unknown = EXCLUDE

    version = EntityTag(data_key="If-Match")
