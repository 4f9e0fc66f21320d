"""Keeps the published cases near by, and how a resident says "me too"."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import resident, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, text
from app.http.flood import count_writes
from app.ledger.merging.publishing import published_near, say_me_too
from app.ledger.vocabulary import State
from miniprogram_api.shown import MovedSchema

blp = DoorBlueprint(
    "published",
    door=Door.MINI_PROGRAM,
    prefix="/published-cases",
    auth=resident(Door.MINI_PROGRAM),
    first=count_writes,
    tag="公开事项",
)


class NearQuery(PageQuery):
    """Near which grid; without one, near one's own."""

    grid = text(40, load_default=None)


class PublishedSchema(Schema):
    """A published case: `heat` counts the people it concerns, `mine` says whether one has spoken of it."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    summary = fields.String()
    state = Word(State)
    state_label = Label("state")
    grid = fields.String(allow_none=True)
    heat = fields.Integer()
    published_at = Moment()
    mine = fields.Boolean()


class MeTooSchema(Schema):
    """What one has to add, if anything."""

    words = text(4000, allow_none=True)


@blp.route("", methods=["GET"])
@blp.arguments(NearQuery, location="query")
@blp.response(200, page_of(PublishedSchema))
def list_published(wanted: dict[str, Any]) -> Any:
    """List the published cases near by, newest first"""
    return published_near(stamp(), **wanted)


@blp.route("/<number>/me-too", methods=["POST"])
@blp.arguments(MeTooSchema, required=False)
@blp.response(201, MovedSchema)
def me_too(said: dict[str, Any], number: str) -> Any:
    """Say that one has the same problem; the case is followed like one's own"""
    return say_me_too(stamp(), number, **said)
