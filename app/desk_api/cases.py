"""Keeps how staff find and read cases: the work queue, one case, its timeline."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.desk_api.shown import CaseSchema, EntryPageSchema, QueuePageSchema, tagged
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, Number, PageQuery, Word, text
from app.ledger.showing.case_view import case_view, entries_page
from app.ledger.showing.queue import Order, Sought, work_queue
from app.ledger.vocabulary import Channel, Kind, Light, State, Urgency

blp = DoorBlueprint("cases", door=Door.DESK, prefix="/cases", auth=staff(Door.DESK), tag="工单")


class QueueQuery(PageQuery):
    """Which cases, in which order; a category stands for all below it.

    Several states (`state` repeated) stand for any of them. `mine` are those whose clock one owns (signed for), or which one
    registered; `pending` wait for a decision on a request, `triage` for the supervisor after a dissatisfied word; in `late`
    ones an open clock was breached. `upstream_number` is the number that the upstream platform calls an order by;
    `awaiting_rescue` are those whose rescue has not arrived.
    """

    order = Word(Order, load_default=Order.NEWEST)
    number = Number()
    upstream_number = text(64)
    states = fields.List(Word(State), data_key="state", load_default=())
    channel = Word(Channel)
    kind = Word(Kind)
    urgency = Word(Urgency)
    category_id = fields.Integer()
    grid = text(40)
    lead_unit = text(40)
    light = Word(Light)
    due_before = Moment()
    late = fields.Boolean()
    mine = fields.Boolean()
    pending = fields.Boolean()
    triage = fields.Boolean()
    awaiting_rescue = fields.Boolean()
    to_place = fields.Boolean()
    archived = fields.Boolean()


@blp.route("", methods=["GET"])
@blp.arguments(QueueQuery, location="query")
@blp.response(200, QueuePageSchema)
def list_cases(wanted: dict[str, Any]) -> Any:
    """List the cases of one's scope, newest first or by what falls due"""
    return work_queue(stamp(), Sought(**wanted))


@blp.route("/<number>", methods=["GET"])
@blp.response(200, CaseSchema)
def show_case(number: str) -> Any:
    """Show a case with its reports, assignments, clocks, requests, call-backs and newest entries"""
    return tagged(case_view(stamp(), number))


@blp.route("/<number>/entries", methods=["GET"])
@blp.arguments(PageQuery, location="query")
@blp.response(200, EntryPageSchema)
def list_entries(wanted: dict[str, Any], number: str) -> Any:
    """List a case's timeline, the newest entry first"""
    return entries_page(stamp(), number, **wanted)
