"""Keeps who may knock at a door: bearer tokens become a stamp, made once a request."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, g, request

from app.core.clock import Clock
from app.core.errors import NotAllowed
from app.core.stamp import ANONYMOUS, ActorKind, Door, Role, Stamp
from app.people.sessions import TokenInvalid, actor_of


class WrongDoor(NotAllowed):
    """这个账号不能使用本入口"""


@dataclass(frozen=True)
class Auth:
    """How a blueprint's callers are known; set where it is registered, so that no view can forget it."""

    name: str
    door: Door
    make_stamp: Callable[[Door], Stamp]


def now_clock() -> Clock:
    """Give the clock handed to the app."""
    clock: Clock = current_app.extensions["minhu"].clock
    return clock


def stamp() -> Stamp:
    """Give the stamp of the running request."""
    made: Stamp = g.stamp
    return made


def session_id() -> int:
    """Give the id of the session that the running request belongs to."""
    found: int = g.session_id
    return found


def _bearer() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise TokenInvalid("请先登录")
    return token.strip()


def _signed_in(kind: ActorKind, *, touch: bool = True) -> Callable[[Door], Stamp]:
    def make(door: Door) -> Stamp:
        at = now_clock()()
        actor, g.session_id = actor_of(_bearer(), at, touch=touch)
        if actor.kind is not kind:
            raise WrongDoor
        return Stamp(actor, Role.RESIDENT if kind is ActorKind.RESIDENT else actor.posts[0].role, at, door)

    return make


def _nobody(door: Door) -> Stamp:
    return Stamp(ANONYMOUS, Role.RESIDENT, now_clock()(), door)


def _resident_unnamed(door: Door) -> Stamp:
    signed_in = _signed_in(ActorKind.RESIDENT, touch=False)(door)
    return Stamp(ANONYMOUS, Role.RESIDENT, signed_in.at, door)


def resident(door: Door) -> Auth:
    """Callers are signed-in residents."""
    return Auth("resident", door, _signed_in(ActorKind.RESIDENT))


def unnamed_resident(door: Door) -> Auth:
    """Callers are signed-in residents whose identity is dropped before anything is done (anonymous reports)."""
    return Auth("unnamed_resident", door, _resident_unnamed)


def staff(door: Door) -> Auth:
    """Callers are signed-in members of staff."""
    return Auth("staff", door, _signed_in(ActorKind.STAFF))


def anybody(door: Door) -> Auth:
    """Callers need not be known: sign-in, claim codes, health."""
    return Auth("anybody", door, _nobody)
