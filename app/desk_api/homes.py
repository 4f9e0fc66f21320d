"""Keeps how the desk asks for a caller that somebody of the village comes home."""

from typing import Any

from marshmallow import fields, post_load

from app.core.stamp import Door
from app.filings.homes.asking import HomeAsked, ask_home_for
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Moment, Schema, text
from app.people.identity import Person

blp = DoorBlueprint("home_requests", door=Door.DESK, prefix="/home-requests", auth=staff(Door.DESK), tag="上门代办")

WORDS = 4000


class HomeForSchema(Schema):
    """Who somebody is to come home to, what for, where, on which phone, and at what time they wish it."""

    name = text(60, required=True)
    phone = text(30, required=True)
    id_number = text(30, allow_none=True)
    what = text(WORDS, required=True)
    grid = text(40, required=True)
    place = text(200, required=True)
    wished_at = Moment(allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> tuple[Person, HomeAsked]:
        """Make it a person and a request."""
        person = Person(given.pop("name"), given["phone"], given.pop("id_number", None))
        return person, HomeAsked(**given)


class HomeAskedForSchema(Schema):
    """The number and the claim code, to be read to the caller; shown once."""

    number = fields.String()
    number_in_fours = InFours("number")
    claim_code = fields.String()
    claim_code_in_fours = InFours("claim_code")


@blp.route("", methods=["POST"])
@blp.arguments(HomeForSchema)
@blp.response(201, HomeAskedForSchema)
def ask(asked: tuple[Person, HomeAsked]) -> Any:
    """Ask for a caller that somebody of their village comes home"""
    return ask_home_for(stamp(), *asked)
