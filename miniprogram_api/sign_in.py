"""Keeps the sign-in of residents by the code of `wx.login`, and their own account."""

from datetime import timedelta
from typing import Any

from flask import current_app
from marshmallow import fields

from app.core.database import transaction
from app.core.stamp import Door, Stamp
from app.http.auth import anybody, resident, session_id, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, Schema, text
from app.http.limits import Limit, address, count_tries
from app.people.accounts import own_account, set_own_account
from app.people.sessions import SignedIn, revoke_session, sign_in_wechat

door = DoorBlueprint("sign_in", door=Door.MINI_PROGRAM, prefix="", auth=anybody(Door.MINI_PROGRAM), in_steps=True, tag="登录")
me = DoorBlueprint("me", door=Door.MINI_PROGRAM, prefix="", auth=resident(Door.MINI_PROGRAM), repeatable=False, tag="我的账号")

BY_ADDRESS = Limit("resident-sign-in", 120, timedelta(minutes=10))
"""Many phones share one address of their network, so this stops only floods."""


class CodeSchema(Schema):
    """The code that `wx.login` gave."""

    code = text(512, required=True)


class SignedInSchema(Schema):
    """A fresh session; the token is shown once."""

    token = fields.String()
    ends_at = Moment()


class GridSchema(Schema):
    """A grid."""

    code = fields.String()
    name = fields.String()


class OwnAccountSchema(Schema):
    """One's own account; name and phone are masked."""

    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    grid = fields.Nested(GridSchema, allow_none=True)


class OwnIdentitySchema(Schema):
    """Name and phone as one gives them oneself; what is left out stays."""

    name = text(40)
    phone = text(30)


@door.route("/sign-in", methods=["POST"])
@door.arguments(CodeSchema)
@door.response(201, SignedInSchema)
def sign_in(given: dict[str, Any]) -> SignedIn:
    """Sign in with the code of wx.login; the first time, an account is made"""
    return sign_in_resident(stamp(), given["code"])


@me.route("/sign-out", methods=["POST"])
@me.response(204)
def sign_out() -> None:
    """End this session"""
    return revoke_session(session_id(), stamp().at)


@me.route("/me", methods=["GET"])
@me.response(200, OwnAccountSchema)
def show_me() -> Any:
    """Show one's own account, masked"""
    return own_account(stamp())


@me.route("/me", methods=["PUT"])
@me.arguments(OwnIdentitySchema)
@me.response(200, OwnAccountSchema)
def change_me(given: dict[str, Any]) -> Any:
    """Set one's own name or phone"""
    return set_own_account(stamp(), **given)


def sign_in_resident(at: Stamp, code: str) -> SignedIn:
    """Ask WeChat who gave the code, outside any transaction, then open a session in one. Raises the errors of the gateway."""
    count_tries(at.at, (BY_ADDRESS, address()))
    login = current_app.extensions["minhu"].wechat.code_to_session(code)
    with transaction():
        return sign_in_wechat(at, appid=login.appid, openid=login.openid)
