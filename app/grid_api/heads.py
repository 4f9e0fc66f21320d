"""Keeps how the village hands heads of household groups their codes, and sees what heads did."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.filings.heads.heading import make_head_code
from app.filings.heads.listing import work_by_group, work_in_all
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Moment, PageQuery, Schema, page_of

blp = DoorBlueprint("head_codes", door=Door.GRID, prefix="/groups/<code>/heads", auth=staff(Door.GRID), tag="户区和户长")
work = DoorBlueprint("head_work", door=Door.GRID, prefix="/head-work", auth=staff(Door.GRID), tag="户区和户长")


class HeadCodeMadeSchema(Schema):
    """The code by which a head joins their account, shown once; it is handed to them in person."""

    name = fields.String(allow_none=True)
    code = fields.String()
    code_in_fours = InFours("code")


class SpanQuery(Schema):
    """In which span of time."""

    since = Moment()
    until = Moment()


class GroupsSpanQuery(PageQuery, SpanQuery):
    """The same, in pages."""


class HeadTotalSchema(Schema):
    """What heads did: visits, needs, help given, suggestions."""

    visits = fields.Integer()
    needs = fields.Integer()
    help = fields.Integer()
    suggestions = fields.Integer()


class HeadWorkSchema(HeadTotalSchema):
    """The same, in one group."""

    code = fields.String()
    name = fields.String()


@blp.route("/<int:resident_id>/code", methods=["POST"])
@blp.response(201, HeadCodeMadeSchema)
def make_code(code: str, resident_id: int) -> Any:
    """Make a code for a head of a group; an account joined by an earlier one is head no more"""
    return make_head_code(stamp(), code, resident_id)


@work.route("", methods=["GET"])
@work.arguments(GroupsSpanQuery, location="query")
@work.response(200, page_of(HeadWorkSchema))
def list_work(wanted: dict[str, Any]) -> Any:
    """Count what heads did in each group of one's village"""
    return work_by_group(stamp(), **wanted)


@work.route("/total", methods=["GET"])
@work.arguments(SpanQuery, location="query")
@work.response(200, HeadTotalSchema)
def total(wanted: dict[str, Any]) -> Any:
    """Count what heads did in all groups of one's village"""
    return work_in_all(stamp(), **wanted)
