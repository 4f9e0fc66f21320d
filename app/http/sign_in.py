"""Keeps how staff sign in at any door and see who they are; tries are limited per address, failures stored first and told after.

`sign_in_staff` is for blueprints made with `in_steps=True`: it opens its own transactions, so that a refusal does not undo its
count.
"""

from datetime import timedelta
from typing import Any

from marshmallow import fields

from app.core.database import transaction
from app.core.stamp import Door, Role, Stamp
from app.http.auth import anybody, session_id, staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, Schema, Word, text
from app.http.limits import Limit, address, count_tries
from app.people.accounts import staff_account
from app.people.sessions import SignedIn, revoke_session, try_password

BY_ADDRESS = Limit("staff-sign-in", 60, timedelta(minutes=10))
"""An office shares one address, so this stops only those who try many accounts; the account itself is locked much earlier."""


class PasswordSchema(Schema):
    """Login and password."""

    login = text(64, required=True)
    password = text(256, required=True, load_only=True)


class SignedInSchema(Schema):
    """A fresh session; the token is shown once."""

    token = fields.String()
    ends_at = Moment()


class PostSchema(Schema):
    """A role held at a unit and below it."""

    role = Word(Role)
    role_label = fields.String()
    unit_code = fields.String()
    unit = fields.String()


class OwnGridSchema(Schema):
    """A grid that one looks after."""

    code = fields.String()
    name = fields.String()


class StaffAccountSchema(Schema):
    """A member of staff as shown to themselves."""

    login = fields.String()
    name = fields.String()
    posts = fields.List(fields.Nested(PostSchema))
    grids = fields.List(fields.Nested(OwnGridSchema))


def staff_sign_in(at: Door) -> list[DoorBlueprint]:
    """Make the blueprints by which staff sign in at a door, sign out, and see who they are."""
    door = DoorBlueprint("sign_in", door=at, prefix="", auth=anybody(at), in_steps=True, tag="登录")
    me = DoorBlueprint("me", door=at, prefix="", auth=staff(at), repeatable=False, tag="我的账号")

    @door.route("/sign-in", methods=["POST"])
    @door.arguments(PasswordSchema)
    @door.response(201, SignedInSchema)
    def sign_in(given: dict[str, Any]) -> Any:
        """Sign in with login and password"""
        return sign_in_staff(stamp(), **given)

    @me.route("/sign-out", methods=["POST"])
    @me.response(204)
    def sign_out() -> None:
        """End this session"""
        return revoke_session(session_id(), stamp().at)

    @me.route("/me", methods=["GET"])
    @me.response(200, StaffAccountSchema)
    def show_me() -> Any:
        """Show one's own account with posts and grids"""
        return staff_account(stamp())

    return [door, me]


def sign_in_staff(stamp: Stamp, login: str, password: str) -> SignedIn:
    """Sign a member of staff in by password; the count of failures is stored before anything is refused.

    Raises SignInFailed, SignInLocked, TooMany.
    """
    count_tries(stamp.at, (BY_ADDRESS, address()))
    with transaction():
        attempt = try_password(stamp, login, password)
    if attempt.refusal is not None:
        raise attempt.refusal
    assert attempt.signed_in is not None
    return attempt.signed_in
