"""Keeps the accounts of staff at the desk, for administrators: the list, handing over, closing."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door, Role
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.intake.codes import by_code
from app.ledger.shifts.closing import close_account, hand_over_account
from app.people.staff_accounts import accounts_page, staff_by_login

blp = DoorBlueprint("accounts", door=Door.DESK, prefix="/accounts", auth=staff(Door.DESK), tag="账号")


class AccountsQuery(PageQuery):
    """`closed`: accounts that were closed too."""

    closed = fields.Boolean()


class AccountPostSchema(Schema):
    """A post at a unit."""

    role = Word(Role)
    role_label = fields.String()
    unit_code = fields.String()
    unit = fields.String()


class AccountSchema(Schema):
    """A member of staff's account."""

    login = fields.String()
    name = fields.String()
    active = fields.Boolean()
    locked_until = Moment(allow_none=True)
    posts = fields.List(fields.Nested(AccountPostSchema))


class ColleagueSchema(Schema):
    """To whom all open cases pass: a colleague of the same unit, by login."""

    colleague = text(80, required=True)


class HandedOverSchema(Schema):
    """How many cases passed, which of them (the first) to somebody else than the colleague, and how many are left."""

    cases = fields.Integer()
    elsewhere = fields.List(fields.String())
    left = fields.Integer()


class ClosedAccountSchema(Schema):
    """An account that was closed, and how many sessions ended."""

    login = fields.String()
    name = fields.String()
    sessions = fields.Integer()


@blp.route("", methods=["GET"])
@blp.arguments(AccountsQuery, location="query")
@blp.response(200, page_of(AccountSchema))
def list_accounts(wanted: dict[str, Any]) -> Any:
    """List the accounts that one administers"""
    return accounts_page(stamp(), **wanted)


@blp.route("/<login>/hand-over", methods=["POST"])
@blp.arguments(ColleagueSchema)
@blp.response(200, HandedOverSchema)
def hand_over(given: dict[str, Any], login: str) -> Any:
    """Pass all open cases of an account to a colleague"""
    return by_code(hand_over_account, stamp(), staff_by_login(login).id, **given)


@blp.route("/<login>/closure", methods=["POST"])
@blp.response(200, ClosedAccountSchema)
def close(login: str) -> Any:
    """Close an account; refused while it owns open clocks"""
    return close_account(stamp(), staff_by_login(login).id)
