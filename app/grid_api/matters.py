"""Keeps the fields with which matters, persons and words come in at the grid door."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.http.fields import Schema, Word, row_id, text
from app.ledger.vocabulary import Kind
from app.people.identity import Person

LONGEST = 20_000
"""Characters that the door lets through; how many a report may have is the county's to say, in a sentence for people."""

WORDS = 2000


class PersonSchema(Schema):
    """Whose matter it is."""

    name = text(60, required=True)
    phone = text(30, allow_none=True)
    id_number = text(30, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Person:
        """Make it a person."""
        return Person(**given)


class MatterSchema(Schema):
    """What is said."""

    body = fields.String(required=True, validate=validate.Length(max=LONGEST))
    title = fields.String(validate=validate.Length(max=LONGEST), allow_none=True)
    kind = Word(Kind)
    category_id = row_id(allow_none=True)
    confidential = fields.Boolean()


class WordsSchema(Schema):
    """What is added to a case."""

    words = text(WORDS, required=True)
