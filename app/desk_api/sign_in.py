"""Keeps the sign-in of staff by password, and who they are."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door, Role
from app.http.auth import anybody, session_id, staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, Schema, Word, text
from app.http.sign_in import sign_in_staff
from app.people.accounts import staff_account
from app.people.sessions import revoke_session

door = DoorBlueprint("sign_in", door=Door.DESK, prefix="", auth=anybody(Door.DESK), in_steps=True, tag="登录")
me = DoorBlueprint("me", door=Door.DESK, prefix="", auth=staff(Door.DESK), repeatable=False, tag="我的账号")


class PasswordSchema(Schema):
    """Login and password."""

    login = text(64, required=True)
    password = text(200, required=True)


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
    """Show one's own name, posts and grids"""
    return staff_account(stamp())
