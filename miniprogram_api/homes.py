"""Keeps how residents ask that somebody comes home, and see who comes when."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.filings.homes.asking import HomeAsked, ask_home
from app.filings.homes.listing import own_home_requests
from app.filings.homes.models import HomeState
from app.http.auth import resident, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, text
from app.http.flood import count_writes
from app.ledger.vocabulary import State
from miniprogram_api.reports import LONGEST, ReceiptSchema

blp = DoorBlueprint(
    "home_requests",
    door=Door.MINI_PROGRAM,
    prefix="/home-requests",
    auth=resident(Door.MINI_PROGRAM),
    first=count_writes,
    tag="上门代办",
)


class HomeAskedSchema(Schema):
    """What somebody is to come home for; place, phone and grid are one's own where they are not said."""

    what = fields.String(required=True, validate=validate.Length(max=LONGEST))
    grid = text(40, allow_none=True)
    place = text(200, allow_none=True)
    phone = text(30, allow_none=True)
    wished_at = Moment(allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> HomeAsked:
        """Make it a request."""
        return HomeAsked(**given)


class OwnHomeRequestSchema(Schema):
    """A request of one's own: who comes by when; the answer stands in the case."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    case_state = Word(State)
    case_state_label = Label("case_state")
    state = Word(HomeState)
    wished_at = Moment(allow_none=True)
    asked_at = Moment()
    take_by = Moment()
    taken_by = fields.String(allow_none=True)
    come_by = Moment(allow_none=True)


@blp.route("", methods=["POST"])
@blp.arguments(HomeAskedSchema)
@blp.response(201, ReceiptSchema)
def ask(asked: HomeAsked) -> Any:
    """Ask that somebody of the village comes home, to file or to handle something"""
    return ask_home(stamp(), asked)


@blp.route("", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(OwnHomeRequestSchema))
def list_own(wanted: dict[str, Any]) -> Any:
    """List what one has asked, newest first: who comes, by when"""
    return own_home_requests(stamp(), **wanted)
