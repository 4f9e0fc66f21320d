"""Keeps shifts at the desk: the duty roster, stand-ins and leave, and shifts taken over."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.desk_api.shown import QueueRowSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.intake.codes import by_code
from app.ledger.shifts.handover import hand_over_list, shift_now, take_over, taken_over_page
from app.ledger.vocabulary import RequestKind
from app.people.duty.absences import end_leave, leaves_page, put_leave, set_stand_in, stand_ins_page
from app.people.duty.gaps import roster_gaps
from app.people.duty.models import DUTY_LABELS, OnDuty
from app.people.duty.roster import end_on_roster, put_on_roster, roster_page

blp = DoorBlueprint("shifts", door=Door.DESK, prefix="/shifts", auth=staff(Door.DESK), tag="值班和请假")


class RosterQuery(PageQuery):
    """Which duties: of a unit, of a kind, that hold at a moment, one's own; `past`: those that are over or were taken off too."""

    unit = text(40)
    what = Word(OnDuty)
    at = Moment()
    mine = fields.Boolean()
    past = fields.Boolean()


class GapsQuery(Schema):
    """Of which unit and duty (`head` when none is named), for how many days from now."""

    unit = text(40, required=True)
    what = Word(OnDuty)
    days = fields.Integer(validate=validate.Range(min=1, max=92))


class GapSchema(Schema):
    """A span in which nobody is on duty, and the weekends and holidays that it touches."""

    starts_at = Moment()
    until = Moment()
    rest_days = fields.List(fields.Date())


class RosterGivenSchema(Schema):
    """Who does what for which unit from when until when, and the number that rings; a holiday is a span like any other."""

    unit = text(40, required=True)
    staff = text(80, required=True)
    what = Word(OnDuty, required=True)
    starts_at = Moment(required=True)
    until = Moment(required=True)
    phone = text(30)


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
    phone = fields.String(allow_none=True)
    ended_at = Moment(allow_none=True)


class ShiftNowSchema(Schema):
    """Who heads the shift now, by the roster or else as head of the county's unit, and who is on the roster.

    `missing_years`: years whose holidays are not brought in yet; from 1 November on the next one is wanted.
    """

    at = Moment()
    heads = fields.List(fields.String())
    items = fields.List(fields.Nested(RosterEntrySchema))
    missing_years = fields.List(fields.Integer())


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


class UnitQuery(Schema):
    """Of which unit."""

    unit = text(40)


class TakenOverQuery(PageQuery):
    """Whose shifts: of a unit where one serves, one's own first when none is named."""

    unit = text(40)


class TakeOverSchema(Schema):
    """The signature on taking over: of which unit's shift, and a remark for those who come after."""

    unit = text(40)
    remark = text(1000)


class ShiftFiguresSchema(Schema):
    """Counts over all open cases that the reader sees."""

    open = fields.Integer()
    urgent = fields.Integer()
    amber = fields.Integer()
    red = fields.Integer()
    whistles = fields.Integer()
    requests = fields.Integer()


class TakenOverSchema(Schema):
    """A shift taken over: who, when, the remark, and the counts of that moment."""

    id = fields.Integer()
    unit = fields.String()
    unit_name = fields.String()
    login = fields.String()
    name = fields.String()
    at = Moment()
    remark = fields.String(allow_none=True)
    figures = fields.Nested(ShiftFiguresSchema)


class OpenCallSchema(Schema):
    """A unit that was whistled for and has not come yet."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    unit_name = fields.String()
    place = fields.String()
    due_at = Moment()


class OpenRequestSchema(Schema):
    """A request that waits for its decision."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    kind = Word(RequestKind)
    kind_label = Label("kind")
    asked_at = Moment()


class HandOverListSchema(Schema):
    """What a shift hands over: counts of all, the first rows of each list, who heads the shift, and the last signature."""

    unit = fields.String()
    unit_name = fields.String()
    at = Moment()
    heads = fields.List(fields.String())
    figures = fields.Nested(ShiftFiguresSchema)
    urgent = fields.List(fields.Nested(QueueRowSchema))
    nearest = fields.List(fields.Nested(QueueRowSchema))
    whistles = fields.List(fields.Nested(OpenCallSchema))
    requests = fields.List(fields.Nested(OpenRequestSchema))
    last = fields.Nested(TakenOverSchema, allow_none=True)


@blp.route("/hand-over", methods=["GET"])
@blp.arguments(UnitQuery, location="query")
@blp.response(200, HandOverListSchema)
def show_hand_over(wanted: dict[str, Any]) -> Any:
    """Show what a shift hands over"""
    return by_code(hand_over_list, stamp(), **wanted)


@blp.route("/hand-over", methods=["POST"])
@blp.arguments(TakeOverSchema)
@blp.response(201, TakenOverSchema)
def sign_hand_over(given: dict[str, Any]) -> Any:
    """Take a shift over with one's signature"""
    return by_code(take_over, stamp(), **given)


@blp.route("/hand-overs", methods=["GET"])
@blp.arguments(TakenOverQuery, location="query")
@blp.response(200, page_of(TakenOverSchema))
def list_hand_overs(wanted: dict[str, Any]) -> Any:
    """List who took over when, the newest first"""
    return by_code(taken_over_page, stamp(), **wanted)


@blp.route("/now", methods=["GET"])
@blp.arguments(UnitQuery, location="query")
@blp.response(200, ShiftNowSchema)
def show_now(wanted: dict[str, Any]) -> Any:
    """Show who is on duty now, everywhere or at a unit"""
    return by_code(shift_now, stamp(), **wanted)


@blp.route("/gaps", methods=["GET"])
@blp.arguments(GapsQuery, location="query")
@blp.response(200, GapSchema(many=True))
def list_gaps(wanted: dict[str, Any]) -> Any:
    """List the spans ahead in which nobody is on duty"""
    return by_code(roster_gaps, stamp(), **wanted)


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
