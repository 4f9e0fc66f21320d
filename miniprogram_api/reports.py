"""Keeps how residents file: under their name, or unnamed."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.http.auth import resident, stamp, unnamed_resident
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, PointSchema, Schema, Word, row_id, text
from app.http.flood import count_writes
from app.http.uploads import file_ids
from app.ledger.intake.own_report import Matter, report_own, report_unnamed
from app.ledger.intake.report_people import People
from app.ledger.vocabulary import Kind
from app.people.identity import Person

named = DoorBlueprint(
    "reports",
    door=Door.MINI_PROGRAM,
    prefix="/reports",
    auth=resident(Door.MINI_PROGRAM),
    first=count_writes,
    tag="反映问题",
)
unnamed = DoorBlueprint(
    "anonymous_reports",
    door=Door.MINI_PROGRAM,
    prefix="/anonymous-reports",
    auth=unnamed_resident(Door.MINI_PROGRAM),
    first=count_writes,
    tag="匿名反映",
)

LONGEST = 20_000
"""Characters that the door lets through; how many a report may have is the county's to say, in a sentence for people."""


class MatterSchema(Schema):
    """What is said, where it is, and which unit it is against."""

    body = fields.String(required=True, validate=validate.Length(max=LONGEST))
    title = fields.String(validate=validate.Length(max=LONGEST), allow_none=True)
    kind = Word(Kind)
    category_id = row_id(allow_none=True)
    grid = text(40, allow_none=True)
    point = fields.Nested(PointSchema, allow_none=True)
    against_unit = text(40, allow_none=True)
    files = file_ids()

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Matter:
        """Make it a matter."""
        return Matter(**given)


class UnnamedMatterSchema(MatterSchema):
    """The same without a name; the ticket leads to what was uploaded without a name."""

    upload_ticket = fields.String(validate=validate.Length(equal=32), allow_none=True)


class BesideMeSchema(Schema):
    """Somebody who stands beside the one who files: a representative of the group, the guardian of a minor."""

    name = text(80, required=True)
    phone = text(40, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Person:
        """Make it a person."""
        return Person(**given)


class OwnMatterSchema(MatterSchema):
    """The same under one's name: at home, or confidential; who speaks for a group, whose guardian for a minor."""

    at_home = fields.Boolean()
    confidential = fields.Boolean()
    group_size = fields.Integer(validate=validate.Range(min=2, max=100_000), allow_none=True)
    representatives = fields.List(fields.Nested(BesideMeSchema), validate=validate.Length(max=50))
    minor = fields.Boolean()
    guardian = fields.Nested(BesideMeSchema, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Matter:
        """Make it a matter, with who stands beside the one who files."""
        people = {name: given.pop(name) for name in ("group_size", "representatives", "minor", "guardian") if name in given}
        return Matter(**given, people=People(**people))


class ReceiptSchema(Schema):
    """The number under which the matter is followed."""

    number = fields.String()
    number_in_fours = InFours("number")


class UnnamedReceiptSchema(ReceiptSchema):
    """The number, and the claim code without which nobody can follow the matter; shown once."""

    claim_code = fields.String()
    claim_code_in_fours = InFours("claim_code")


@named.route("", methods=["POST"])
@named.arguments(OwnMatterSchema)
@named.response(201, ReceiptSchema)
def report(matter: Matter) -> Any:
    """File a report under one's name; a matter at home keeps grid and household, no point"""
    return report_own(stamp(), matter)


@unnamed.route("", methods=["POST"])
@unnamed.arguments(UnnamedMatterSchema)
@unnamed.response(201, UnnamedReceiptSchema)
def report_anonymously(matter: Matter) -> Any:
    """File a report without a name: nothing is kept that tells who it was; the claim code alone leads back to it"""
    return report_unnamed(stamp(), matter)
