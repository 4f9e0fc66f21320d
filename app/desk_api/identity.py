"""Keeps what touches identity: dialling for one's own case, unmasking with a reason, finding a caller's cases by phone."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.desk_api.shown import FoundSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Schema, row_id, text
from app.ledger.disclosure import dial, unmask_person
from app.ledger.showing.queue import find_by_phone

blp = DoorBlueprint("identity", door=Door.DESK, prefix="/cases", auth=staff(Door.DESK), repeatable=False, tag="个人信息")


class DialSchema(Schema):
    """Of several reporters, whose report it is."""

    report_id = row_id()


class DialledSchema(Schema):
    """The plain phone of the person concerned."""

    phone = fields.String()


class UnmaskSchema(Schema):
    """Which parts of the identity, and why; the reason goes on record."""

    fields_ = fields.List(
        fields.String(validate=validate.OneOf(("name", "phone", "id_number"))),
        required=True,
        data_key="fields",
        attribute="fields",
        validate=validate.Length(min=1, max=3),
    )
    reason = text(200, required=True)


class UnmaskedSchema(Schema):
    """The parts that were asked for, in plain words."""

    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    id_number = fields.String(allow_none=True)


class CallerSchema(Schema):
    """A caller's phone and the last four digits of the case number they read out."""

    phone = text(40, required=True)
    last_four = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{4}\Z", error="请填写编号的后四位数字"))


@blp.route("/<number>/dial", methods=["POST"])
@blp.arguments(DialSchema, required=False)
@blp.response(200, DialledSchema)
def dial_person(given: dict[str, Any], number: str) -> Any:
    """Give the phone of one's own open case's person; put on record with the case as the reason"""
    return dial(stamp(), number, **given)


@blp.route("/<number>/unmask", methods=["POST"])
@blp.arguments(UnmaskSchema)
@blp.response(200, UnmaskedSchema)
def unmask(given: dict[str, Any], number: str) -> Any:
    """Show parts of the person's identity for a reason, put on record; for supervisors and data protection officers"""
    return unmask_person(stamp(), number, **given)


@blp.route("/by-phone", methods=["POST"])
@blp.arguments(CallerSchema)
@blp.response(200, FoundSchema)
def find_callers_cases(given: dict[str, Any]) -> Any:
    """Find a caller's cases by phone and the last four digits of the number (a POST, so that no phone stands in an address)"""
    return {"items": find_by_phone(stamp(), **given)}
