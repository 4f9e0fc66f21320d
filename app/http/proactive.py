"""Keeps proactive lists at any staff door: defined, counted, read within one's villages, made into visits, orders and slips."""

from datetime import date
from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door, Stamp
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Moment, PageQuery, Schema, page_of, row_id, text
from app.ledger.intake.codes import by_code
from app.services.proactive import counts, end_list, find_list, listed_page, lists_page, make_list
from app.services.proactive_work import MOST, homes_of, make_orders, make_slips, note_benefit
from app.visits.proactive import make_proactive_tasks


class ProactiveListGivenSchema(Schema):
    """Whom to go to: residents of a unit's territory, of every one of these populations, so old, who lack an item."""

    name = text(60, required=True)
    unit = text(40, required=True)
    item = text(40, required=True)
    tags = fields.List(text(40), validate=validate.Length(max=10))
    age_from = fields.Integer(validate=validate.Range(min=0, max=120), allow_none=True)


class ProactiveListSchema(Schema):
    """A list as it was defined."""

    id = fields.Integer()
    name = fields.String()
    unit = fields.String()
    unit_name = fields.String()
    tags = fields.List(fields.String())
    age_from = fields.Integer(allow_none=True)
    item = fields.String()
    made_at = Moment()
    ended_at = Moment(allow_none=True)


class VillageCountSchema(Schema):
    """How many of a village stand on a list."""

    village = fields.String()
    village_name = fields.String()
    count = fields.Integer()


class PersonListedSchema(Schema):
    """Somebody on a list, masked."""

    resident_id = fields.Integer()
    name = fields.String(allow_none=True)
    age = fields.Integer(allow_none=True)
    grid = fields.String()
    grid_name = fields.String()
    village_name = fields.String()


class OrdersMadeSchema(Schema):
    """How many orders were made, how many people are left, and how many still lack it whose order of this list came to nothing."""

    made = fields.Integer()
    left = fields.Integer()
    skipped = fields.Integer()


class OrderSlipsWantedSchema(Schema):
    """Whose slips: by default of all who have had none, some at once; for these orders once more, where a slip was lost."""

    numbers = fields.List(text(40), load_default=list, validate=validate.Length(max=MOST))


class OrderSlipSchema(Schema):
    """The slip of somebody's order: its claim code is fresh, and `words` are what is printed."""

    number = fields.String()
    number_in_fours = InFours("number")
    claim_code = fields.String()
    claim_code_in_fours = InFours("claim_code")
    person = fields.String(allow_none=True)
    village_name = fields.String()
    grid_name = fields.String()
    words = fields.String()


class OrderSlipsSchema(Schema):
    """Slips by village and grid, and how many orders have had none yet."""

    slips = fields.List(fields.Nested(OrderSlipSchema))
    left = fields.Integer()


class TasksDueSchema(Schema):
    """By which day the visits are to be made."""

    due_on = fields.Date(required=True)


class TasksMadeSchema(Schema):
    """How many visit tasks are new."""

    made = fields.Integer()


class BenefitGivenSchema(Schema):
    """That somebody has what an item gives, by whose word."""

    resident_id = row_id(required=True)
    item = text(40, required=True)
    source = text(200, required=True)


def proactive_topics(at: Door) -> list[DoorBlueprint]:
    """Make the blueprints of proactive lists for a door of staff."""
    return [_lists(at), _benefits(at)]


def _lists(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("proactive_lists", door=at, prefix="/proactive-lists", auth=staff(at), tag="主动服务清单")

    @blp.route("", methods=["GET"])
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_of(ProactiveListSchema))
    def list_lists(wanted: dict[str, Any]) -> Any:
        """List the proactive lists of one's units and over one's villages"""
        return lists_page(stamp(), **wanted)

    @blp.route("", methods=["POST"])
    @blp.arguments(ProactiveListGivenSchema)
    @blp.response(201, ProactiveListSchema)
    def define(given: dict[str, Any]) -> Any:
        """Define a proactive list; a department's is of all who live where it serves"""
        return by_code(make_list, stamp(), **given)

    @blp.route("/<int:list_id>/end", methods=["POST"])
    @blp.response(200, ProactiveListSchema)
    def end(list_id: int) -> Any:
        """Put a proactive list out of use"""
        return end_list(stamp(), list_id)

    @blp.route("/<int:list_id>/counts", methods=["GET"])
    @blp.response(200, VillageCountSchema(many=True))
    def count(list_id: int) -> Any:
        """Count by village who stands on a list now"""
        return counts(stamp(), list_id)

    @blp.route("/<int:list_id>/residents", methods=["GET"])
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_of(PersonListedSchema))
    def list_residents(wanted: dict[str, Any], list_id: int) -> Any:
        """List who stands on a list now in one's villages, masked; put on record"""
        return listed_page(stamp(), list_id, **wanted)

    @blp.route("/<int:list_id>/orders", methods=["POST"])
    @blp.response(201, OrdersMadeSchema)
    def order_all(list_id: int) -> Any:
        """Make an order for everybody on a list in one's villages, fifty at once"""
        return make_orders(stamp(), list_id)

    @blp.route("/<int:list_id>/slips", methods=["POST"])
    @blp.arguments(OrderSlipsWantedSchema)
    @blp.response(201, OrderSlipsSchema)
    def print_slips(given: dict[str, Any], list_id: int) -> Any:
        """Make the slips that a village hands over with the orders of a list: number and fresh claim code, fifty at once"""
        return make_slips(stamp(), list_id, **given)

    @blp.route("/<int:list_id>/visits", methods=["POST"])
    @blp.arguments(TasksDueSchema)
    @blp.response(201, TasksMadeSchema)
    def visit_all(given: dict[str, Any], list_id: int) -> Any:
        """Make a visit task for everybody on a list who has a household"""
        return {"made": _visits(stamp(), list_id, **given)}

    return blp


def _visits(at: Stamp, list_id: int, *, due_on: date) -> int:
    homes = [(home.resident_id, home.household_id, home.grid_id) for home in homes_of(at, list_id)]
    note = f"主动服务：{find_list(at, list_id).name}"
    return make_proactive_tasks(at, homes, source=f"list:{list_id}", note=note, due_on=due_on)


def _benefits(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("benefits", door=at, prefix="/benefits", auth=staff(at), tag="主动服务清单")

    @blp.route("", methods=["POST"])
    @blp.arguments(BenefitGivenSchema)
    @blp.response(204)
    def note(given: dict[str, Any]) -> None:
        """Note that somebody has what an item gives; they leave the lists"""
        note_benefit(stamp(), given["resident_id"], item=given["item"], source=given["source"])

    return blp
