"""Keeps the sign-in of grid workers and cadres by password, and their own account."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door, Role
from app.http.auth import anybody, session_id, staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, Schema, Word, text
from app.http.sign_in import sign_in_staff
from app.people.accounts import staff_account
from app.people.sessions import revoke_session

door = DoorBlueprint("sign_in", door=Door.GRID, prefix="", auth=anybody(Door.GRID), in_steps=True, tag="登录")
me = DoorBlueprint("me", door=Door.GRID, prefix="", auth=staff(Door.GRID), repeatable=False, tag="我的账号")


class PasswordSchema(Schema):
    """Login and password."""

    login = text(64, required=True)
    password = text(256, required=True, load_only=True)


class SignedInSchema(Schema):
    """A fresh session; the token is shown once."""

    token = fields.String()
    ends_at = Moment()


class PostSchema(Schema):
    """A post: a role at a unit."""

    role = Word(Role)
    role_label = fields.String()
    unit_code = fields.String()
    unit = fields.String()


class OwnGridSchema(Schema):
    """A grid that one looks after."""

    code = fields.String()
    name = fields.String()


class StaffAccountSchema(Schema):
    """One's own account."""

    login = fields.String()
    name = fields.String()
    posts = fields.List(fields.Nested(PostSchema))
    grids = fields.List(fields.Nested(OwnGridSchema))


@door.route("/sign-in", methods=["POST"])
@door.arguments(PasswordSchema)
@door.response(201, SignedInSchema)
def sign_in(given: dict[str, Any]) -> Any:
    """Sign in by login and password"""
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
