"""Keeps how cadres name and end the heads of household groups, and see what heads did."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.filings.heads.heading import end_head, heads_of, name_head, renew_head_code
from app.filings.heads.listing import work_by_group, work_in_all
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Moment, PageQuery, Schema, page_of, row_id

blp = DoorBlueprint("heads", door=Door.GRID, prefix="/groups/<code>/heads", auth=staff(Door.GRID), tag="户长")
work = DoorBlueprint("head_work", door=Door.GRID, prefix="/head-work", auth=staff(Door.GRID), tag="户长")


class HeadNamingSchema(Schema):
    """A resident on the roster of the group."""

    resident_id = row_id(required=True)


class HeadNamedSchema(Schema):
    """A head, and the code by which they join their account, shown once; it is handed to them in person."""

    id = fields.Integer()
    name = fields.String(allow_none=True)
    code = fields.String()
    code_in_fours = InFours("code")


class HeadShownSchema(Schema):
    """A head of the group, masked; `joined`: their account is known."""

    id = fields.Integer()
    name = fields.String(allow_none=True)
    since = Moment()
    joined = fields.Boolean()


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


@blp.route("", methods=["POST"])
@blp.arguments(HeadNamingSchema)
@blp.response(201, HeadNamedSchema)
def name(given: dict[str, Any], code: str) -> Any:
    """Name a resident of a group as its head; a group may have several"""
    return name_head(stamp(), code, **given)


@blp.route("", methods=["GET"])
@blp.response(200, HeadShownSchema(many=True))
def list_heads(code: str) -> Any:
    """List the heads of a group of one's village, masked"""
    return heads_of(stamp(), code)


@blp.route("/<int:head_id>/code", methods=["POST"])
@blp.response(201, HeadNamedSchema)
def renew(code: str, head_id: int) -> Any:
    """Make a new code for a head; an account joined by the old one is head no more"""
    return renew_head_code(stamp(), code, head_id)


@blp.route("/<int:head_id>/end", methods=["POST"])
@blp.response(200, HeadShownSchema)
def end(code: str, head_id: int) -> Any:
    """End a head, who sees and does nothing more for the group"""
    return end_head(stamp(), code, head_id)


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
