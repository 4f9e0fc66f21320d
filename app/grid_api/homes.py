"""Keeps how cadres and grid workers take requests to come home, find the way, and answer there."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.filings.homes.coming import answer_at_home, contact_of, decline_home_request, take_home_request
from app.filings.homes.ending import give_back_home_request
from app.filings.homes.listing import village_home_requests
from app.filings.homes.models import HomeState
from app.grid_api.matters import WORDS
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, row_id, text
from app.http.uploads import file_ids
from app.ledger.vocabulary import State

blp = DoorBlueprint("home_requests", door=Door.GRID, prefix="/home-requests", auth=staff(Door.GRID), tag="上门代办")
contacts = DoorBlueprint(
    "home_contacts", door=Door.GRID, prefix="/home-requests", auth=staff(Door.GRID), repeatable=False, tag="上门代办"
)


class HomeRequestsQuery(PageQuery):
    """Which requests: in a state, one's own or not."""

    state = Word(HomeState)
    mine = fields.Boolean()


class HomeShownSchema(Schema):
    """A request to come home; place and phone are told to who takes it."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    case_state = Word(State)
    case_state_label = Label("case_state")
    state = Word(HomeState)
    grid = fields.String()
    wished_at = Moment(allow_none=True)
    asked_at = Moment()
    take_by = Moment()
    taken_by = fields.String(allow_none=True)
    mine = fields.Boolean()
    come_by = Moment(allow_none=True)


class TakenSchema(Schema):
    """By when one comes; without it, at the time that was wished, else within the county's hours."""

    come_by = Moment()


class DeclinedSchema(Schema):
    """Why nobody can come, for the person to read."""

    reply = text(WORDS, required=True)


class VisitGivenBackSchema(Schema):
    """Why one does not come after all; for the file."""

    reason = text(500, required=True)


class AnsweredAtHomeSchema(Schema):
    """What was done there, for the person to read; the category where the case has none yet."""

    reply = text(WORDS, required=True)
    category_id = row_id(allow_none=True)
    photos = file_ids()


class HomeStandsSchema(Schema):
    """Where the request stands."""

    state = Word(HomeState)
    come_by = Moment(allow_none=True)


class HomeContactSchema(Schema):
    """Where to come, and whom to call."""

    place = fields.String()
    phone = fields.String(allow_none=True)


@blp.route("", methods=["GET"])
@blp.arguments(HomeRequestsQuery, location="query")
@blp.response(200, page_of(HomeShownSchema))
def list_home_requests(wanted: dict[str, Any]) -> Any:
    """List the requests to come to a home in one's village, newest first"""
    return village_home_requests(stamp(), **wanted)


@blp.route("/<number>/taking", methods=["POST"])
@blp.arguments(TakenSchema, required=False)
@blp.response(200, HomeStandsSchema)
def take(given: dict[str, Any], number: str) -> Any:
    """Take a request to come home; one person does, the resident is told by when"""
    return take_home_request(stamp(), number, **given)


@contacts.route("/<number>/contact", methods=["POST"])
@contacts.response(200, HomeContactSchema)
def contact(number: str) -> Any:
    """Give place and phone of a request that one has taken; put on record"""
    return contact_of(stamp(), number)


@blp.route("/<number>/giving-back", methods=["POST"])
@blp.arguments(VisitGivenBackSchema)
@blp.response(200, HomeStandsSchema)
def give_back(given: dict[str, Any], number: str) -> Any:
    """Give a request back that one has taken, or whose taker is gone; it waits for somebody else of the village"""
    return give_back_home_request(stamp(), number, **given)


@blp.route("/<number>/declining", methods=["POST"])
@blp.arguments(DeclinedSchema)
@blp.response(200, HomeStandsSchema)
def decline(given: dict[str, Any], number: str) -> Any:
    """Say why nobody can come; the desk goes on with the matter"""
    return decline_home_request(stamp(), number, **given)


@blp.route("/<number>/answer", methods=["POST"])
@blp.arguments(AnsweredAtHomeSchema)
@blp.response(200, HomeStandsSchema)
def answer(given: dict[str, Any], number: str) -> Any:
    """Answer a request that one has taken, after one was there"""
    return answer_at_home(stamp(), number, **given)
