"""Keeps shifts at the desk: the duty roster, stand-ins and leave, and shifts taken over."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.codes import by_code
from app.people.absences import end_leave, leaves_page, put_leave, set_stand_in, stand_ins_page
from app.people.rosters import end_on_roster, put_on_roster, roster_page
from app.people.shift_models import DUTY_LABELS, OnDuty

blp = DoorBlueprint("shifts", door=Door.DESK, prefix="/shifts", auth=staff(Door.DESK), tag="值班和请假")


class RosterQuery(PageQuery):
    """Which duties: of a unit, of a kind, that hold at a moment; `past`: those that are over or were taken off too."""

    unit = text(40)
    what = Word(OnDuty)
    at = Moment()
    past = fields.Boolean()


class RosterGivenSchema(Schema):
    """Who does what for which unit from when until when; a holiday is a span like any other."""

    unit = text(40, required=True)
    staff = text(80, required=True)
    what = Word(OnDuty, required=True)
    starts_at = Moment(required=True)
    until = Moment(required=True)


class RosterEntrySchema(Schema):
    """A span of duty."""

    id = fields.Integer()
    unit = fields.String()
    unit_name = fields.String()
    login = fields.String()
    name = fields.String()
    what = Word(OnDuty)
    what_label = fields.Function(lambda row: DUTY_LABELS[row.what], metadata={"type": "string"})
    starts_at = Moment()
    until = Moment()
    ended_at = Moment(allow_none=True)


class StandInGivenSchema(Schema):
    """Who stands in for whom, by login; both of one unit."""

    staff = text(80, required=True)
    stand_in = text(80, required=True)


class StandInSchema(Schema):
    """Who stands in for whom."""

    login = fields.String()
    name = fields.String()
    stand_in = fields.String()
    stand_in_name = fields.String()
    set_at = Moment()


class LeavesQuery(PageQuery):
    """`past`: leaves that are over or were cancelled too."""

    past = fields.Boolean()


class LeaveGivenSchema(Schema):
    """Who is away from when until when, and why."""

    staff = text(80, required=True)
    starts_at = Moment(required=True)
    until = Moment(required=True)
    reason = text(200, required=True)


class LeaveSchema(Schema):
    """A leave: when it began and ended in fact, and who stands in meanwhile."""

    id = fields.Integer()
    login = fields.String()
    name = fields.String()
    starts_at = Moment()
    until = Moment()
    reason = fields.String()
    begun_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    cancelled_at = Moment(allow_none=True)
    stand_in = fields.String(allow_none=True)
    stand_in_name = fields.String(allow_none=True)


@blp.route("/roster", methods=["GET"])
@blp.arguments(RosterQuery, location="query")
@blp.response(200, page_of(RosterEntrySchema))
def list_roster(wanted: dict[str, Any]) -> Any:
    """List who is on duty, by when the duty begins"""
    return by_code(roster_page, stamp(), **wanted)


@blp.route("/roster", methods=["POST"])
@blp.arguments(RosterGivenSchema)
@blp.response(201, RosterEntrySchema)
def put(given: dict[str, Any]) -> Any:
    """Put somebody on duty"""
    return by_code(put_on_roster, stamp(), **given)


@blp.route("/roster/<int:entry_id>/end", methods=["POST"])
@blp.response(200, RosterEntrySchema)
def end(entry_id: int) -> Any:
    """Take somebody off the roster"""
    return end_on_roster(stamp(), entry_id)


@blp.route("/stand-ins", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(StandInSchema))
def list_stand_ins(wanted: dict[str, Any]) -> Any:
    """List who stands in for whom in one's own unit"""
    return stand_ins_page(stamp(), **wanted)


@blp.route("/stand-ins", methods=["POST"])
@blp.arguments(StandInGivenSchema)
@blp.response(201, StandInSchema)
def name_stand_in(given: dict[str, Any]) -> Any:
    """Name who stands in for a member of staff"""
    return by_code(set_stand_in, stamp(), **given)


@blp.route("/leaves", methods=["GET"])
@blp.arguments(LeavesQuery, location="query")
@blp.response(200, page_of(LeaveSchema))
def list_leaves(wanted: dict[str, Any]) -> Any:
    """List leaves, the newest first"""
    return leaves_page(stamp(), **wanted)


@blp.route("/leaves", methods=["POST"])
@blp.arguments(LeaveGivenSchema)
@blp.response(201, LeaveSchema)
def put_on_leave(given: dict[str, Any]) -> Any:
    """Put a leave; the clocks move when it begins"""
    return by_code(put_leave, stamp(), **given)


@blp.route("/leaves/<int:leave_id>/end", methods=["POST"])
@blp.response(200, LeaveSchema)
def come_back(leave_id: int) -> Any:
    """End a leave early, or cancel one that has not begun"""
    return end_leave(stamp(), leave_id)
