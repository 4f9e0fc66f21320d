"""Keeps what heads of household groups do in the mini-program: for the households of their own group, and nothing beyond it."""

from datetime import timedelta
from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.filings.heads.doing import HeadNote, log_as_head
from app.filings.heads.heading import join_as_head
from app.filings.heads.listing import own_groups, own_households, own_logs
from app.filings.heads.models import HeadDid
from app.http.auth import now_clock, resident, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, row_id, text
from app.http.flood import count_writes
from app.http.limits import Limit, address, count_tries
from app.http.uploads import file_ids
from app.ledger.vocabulary import State
from miniprogram_api.reports import LONGEST

BY_ADDRESS = Limit("head-code", 30, timedelta(minutes=15))


def count_guess() -> None:
    """Count a try at a head's code against the address of the running request; raises TooMany."""
    count_tries(now_clock()(), (BY_ADDRESS, address()))


blp = DoorBlueprint(
    "heads", door=Door.MINI_PROGRAM, prefix="/head", auth=resident(Door.MINI_PROGRAM), first=count_writes, tag="户长"
)
joining = DoorBlueprint(
    "head_joining", door=Door.MINI_PROGRAM, prefix="/head", auth=resident(Door.MINI_PROGRAM), first=count_guess, tag="户长"
)


class HeadCodeSchema(Schema):
    """The code that the cadre handed over."""

    code = text(40, required=True)


class OwnGroupSchema(Schema):
    """A group that one heads."""

    code = fields.String()
    name = fields.String()
    households = fields.Integer()


class JoinedGroupSchema(Schema):
    """A group that one heads now."""

    code = fields.String(attribute="group.code")
    name = fields.String(attribute="group.name")


class HouseholdLabelSchema(Schema):
    """A household of one's group: a label and its head's surname."""

    id = fields.Integer()
    code = fields.String()
    group = fields.String()
    head = fields.String()


class GroupQuery(PageQuery):
    """Of which of one's groups, by its code."""

    group = text(40)


class HeadNoteSchema(Schema):
    """What one did: a visit, help given, a need of a household, or a suggestion of the group.

    A need or suggestion may have photos, uploaded before.
    """

    what = Word(HeadDid, required=True)
    words = fields.String(required=True, validate=validate.Length(max=LONGEST))
    household_id = row_id(allow_none=True)
    group = text(40, allow_none=True)
    files = file_ids()

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> HeadNote:
        """Make it a note."""
        return HeadNote(**given)


class HeadLoggedSchema(Schema):
    """A stored log; a need or suggestion has a number by which it is followed."""

    id = fields.Integer()
    what = Word(HeadDid)
    number = fields.String(allow_none=True)
    number_in_fours = InFours("number")


class HeadLogsQuery(PageQuery):
    """Only visits, needs, help or suggestions."""

    what = Word(HeadDid)


class HeadLogSchema(Schema):
    """What one logged, and where its case stands; the answer stands in the case."""

    id = fields.Integer()
    at = Moment()
    what = Word(HeadDid)
    words = fields.String()
    group = fields.String()
    household = fields.String(allow_none=True)
    number = fields.String(allow_none=True)
    number_in_fours = InFours("number")
    state = Word(State, allow_none=True)
    state_label = Label("state")


@joining.route("/joining", methods=["POST"])
@joining.arguments(HeadCodeSchema)
@joining.response(201, JoinedGroupSchema(many=True))
def join(given: dict[str, Any]) -> Any:
    """Join one's account to the head whose code it is"""
    return join_as_head(stamp(), **given)


@blp.route("/groups", methods=["GET"])
@blp.response(200, OwnGroupSchema(many=True))
def list_groups() -> Any:
    """List the groups that one heads"""
    return own_groups(stamp())


@blp.route("/households", methods=["GET"])
@blp.arguments(GroupQuery, location="query")
@blp.response(200, page_of(HouseholdLabelSchema))
def list_households(wanted: dict[str, Any]) -> Any:
    """List the households of one's own groups, without names"""
    return own_households(stamp(), **wanted)


@blp.route("/logs", methods=["POST"])
@blp.arguments(HeadNoteSchema)
@blp.response(201, HeadLoggedSchema)
def log(note: HeadNote) -> Any:
    """Log what one did for one's group; a need or suggestion is filed"""
    return log_as_head(stamp(), note)


@blp.route("/logs", methods=["GET"])
@blp.arguments(HeadLogsQuery, location="query")
@blp.response(200, page_of(HeadLogSchema))
def list_logs(wanted: dict[str, Any]) -> Any:
    """List what one logged, newest first, and where its cases stand"""
    return own_logs(stamp(), **wanted)
