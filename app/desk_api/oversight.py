"""Keeps the supervisor's lists at the desk, and the counts of what was pressed for."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, page_of, text
from app.ledger.supervision.counts import supervision_counts
from app.ledger.supervision.oversight import drafts, late_clocks, listed_cases, long_suspended, open_orders, repeated_cases
from app.ledger.vocabulary import Clock, ListedFor, Listing, PressMode, SlipKind, SlipState, State

blp = DoorBlueprint("oversight", door=Door.DESK, prefix="/supervision", auth=staff(Door.DESK), tag="督办清单")


class LateQuery(PageQuery):
    """Which late clocks: of a kind (`sign`: nobody signed), from a level of the ladder up, of a unit and below."""

    clock = Word(Clock, load_default=None)
    level = fields.Integer(load_default=None, validate=validate.Range(min=0, max=99))
    unit = text(40, load_default=None)


class ListedQuery(PageQuery):
    """Which list."""

    listing = Word(Listing, required=True)


class DraftsQuery(PageQuery):
    """Drafts of which kind."""

    kind = Word(SlipKind, load_default=SlipKind.URGING, validate=validate.OneOf((SlipKind.URGING, SlipKind.SUPERVISION)))


class OrdersQuery(PageQuery):
    """Which orders: `issued` wait for the unit, `answered` for the supervisor; `late` are past their term."""

    state = Word(SlipState, load_default=None, validate=validate.OneOf((SlipState.ISSUED, SlipState.ANSWERED)))
    late = fields.Boolean()


class RepeatedQuery(PageQuery):
    """How often at least."""

    times = fields.Integer(load_default=2, validate=validate.Range(min=1, max=1000))


class SuspendedQuery(PageQuery):
    """Suspended before when."""

    before = Moment(load_default=None)


class PeriodQuery(Schema):
    """From when until before when, of which unit and below."""

    since = Moment(required=True)
    until = Moment(required=True)
    unit = text(40, load_default=None)


class CaseRowSchema(Schema):
    """What every list tells of a case."""

    number = fields.String()
    number_in_fours = InFours("number")
    title = fields.String()
    unit = fields.String(allow_none=True)


class LateSchema(CaseRowSchema):
    """A clock that was breached and runs on."""

    state = Word(State)
    state_label = Label("state")
    clock = Word(Clock)
    clock_label = Label("clock")
    level = fields.Integer()
    due_at = Moment()
    breached_at = Moment()
    owner = fields.String(allow_none=True)
    urgings = fields.Integer()


class ListedSchema(CaseRowSchema):
    """A case on a list, because of which unit, why and since when."""

    unit_code = fields.String()
    state = Word(State)
    state_label = Label("state")
    listed_for = Word(ListedFor)
    listed_for_label = Label("listed_for")
    since = Moment()
    reworks = fields.Integer()
    reassignments = fields.Integer()
    urgings = fields.Integer()


class SlipRowSchema(CaseRowSchema):
    """An urging or order in a list."""

    id = fields.Integer()
    kind = Word(SlipKind)
    kind_label = Label("kind")
    state = Word(SlipState)
    state_label = Label("state")
    mode = Word(PressMode, allow_none=True)
    slip = fields.String(allow_none=True)
    words = fields.String(allow_none=True)
    drafted_at = Moment()
    issued_at = Moment(allow_none=True)
    reply_by = Moment(allow_none=True)


SlipPageSchema = page_of(SlipRowSchema)


class RepeatedSchema(CaseRowSchema):
    """A case that came back."""

    state = Word(State)
    state_label = Label("state")
    reworks = fields.Integer()
    reopenings = fields.Integer()
    opened_at = Moment()


class StandsStillSchema(CaseRowSchema):
    """A suspended case, and when it is looked at again."""

    since = Moment()
    review_at = Moment(allow_none=True)


class CountSchema(Schema):
    """How often in a mode; no mode: urged by residents, or decided by a meeting."""

    kind = Word(SlipKind)
    kind_label = Label("kind")
    mode = Word(PressMode, allow_none=True)
    mode_label = Label("mode", allow_none=True)
    times = fields.Integer()
    person_times = fields.Integer()


class CountsSchema(Schema):
    """The counts of a period."""

    items = fields.List(fields.Nested(CountSchema))


@blp.route("/late", methods=["GET"])
@blp.arguments(LateQuery, location="query")
@blp.response(200, page_of(LateSchema))
def list_late(wanted: dict[str, Any]) -> Any:
    """List the clocks that are late, the longest first"""
    return late_clocks(stamp(), **wanted)


@blp.route("/listed", methods=["GET"])
@blp.arguments(ListedQuery, location="query")
@blp.response(200, page_of(ListedSchema))
def list_listed(wanted: dict[str, Any]) -> Any:
    """List the cases to be looked at on the spot, or whose unit is to be interviewed"""
    return listed_cases(stamp(), **wanted)


@blp.route("/drafts", methods=["GET"])
@blp.arguments(DraftsQuery, location="query")
@blp.response(200, SlipPageSchema)
def list_drafts(wanted: dict[str, Any]) -> Any:
    """List the drafts of slips that wait to be issued"""
    return drafts(stamp(), **wanted)


@blp.route("/orders", methods=["GET"])
@blp.arguments(OrdersQuery, location="query")
@blp.response(200, SlipPageSchema)
def list_orders(wanted: dict[str, Any]) -> Any:
    """List the orders that are not accepted yet; a unit sees its own"""
    return open_orders(stamp(), **wanted)


@blp.route("/repeated", methods=["GET"])
@blp.arguments(RepeatedQuery, location="query")
@blp.response(200, page_of(RepeatedSchema))
def list_repeated(wanted: dict[str, Any]) -> Any:
    """List open cases that were reworked or reopened again and again"""
    return repeated_cases(stamp(), **wanted)


@blp.route("/suspended", methods=["GET"])
@blp.arguments(SuspendedQuery, location="query")
@blp.response(200, page_of(StandsStillSchema))
def list_suspended(wanted: dict[str, Any]) -> Any:
    """List suspended cases, the longest first"""
    return long_suspended(stamp(), **wanted)


@blp.route("/counts", methods=["GET"])
@blp.arguments(PeriodQuery, location="query")
@blp.response(200, CountsSchema)
def count(wanted: dict[str, Any]) -> Any:
    """Count urgings and orders by mode, with person-times"""
    return {"items": supervision_counts(stamp(), **wanted)}
