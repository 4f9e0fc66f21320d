"""Keeps services at the desk: the catalogue's editor, orders by station and lateness, duty, proactive lists."""

from datetime import date
from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door, Stamp
from app.figures.sheets import book
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.downloads import BINARY, XLSX, download
from app.http.fields import Moment, PageQuery, Schema, Word, page_of, row_id, text
from app.http.services import (
    GuideQuery,
    MaterialSchema,
    OrderContactedSchema,
    OrderContactSchema,
    OrderedSchema,
    OrderReasonSchema,
    OrderResultSchema,
    ServiceItemSchema,
    ServiceOrderSchema,
    ServiceTermSchema,
    StationWordsSchema,
    WantedSchema,
)
from app.ledger.intake.codes import by_code
from app.people.identity import Person
from app.services.catalogue import Draft, Material, Station, guide, put_item, show_item, term_of
from app.services.models import ItemKind, Taker
from app.services.ordering import Wanted, order_for
from app.services.proactive import (
    counts,
    end_list,
    find_list,
    homes_of,
    listed_page,
    lists_page,
    make_list,
    make_orders,
    note_benefit,
)
from app.services.queries import order_of, orders_page, show_order
from app.services.sheet import catalogue_rows
from app.services.taking import contact_of, finish_order, give_back, note_contact, pass_station, return_station, take_order
from app.territory.models import Level
from app.visits.proactive import make_proactive_tasks

items = DoorBlueprint("service_items", door=Door.DESK, prefix="/service-items", auth=staff(Door.DESK), tag="服务目录")
orders = DoorBlueprint("service_orders", door=Door.DESK, prefix="/service-orders", auth=staff(Door.DESK), tag="服务订单")
lists = DoorBlueprint("proactive_lists", door=Door.DESK, prefix="/proactive-lists", auth=staff(Door.DESK), tag="主动服务清单")
benefits = DoorBlueprint("benefits", door=Door.DESK, prefix="/benefits", auth=staff(Door.DESK), tag="主动服务清单")


class AllItemsQuery(GuideQuery):
    """Which items; those out of use too."""

    inactive = fields.Boolean(load_default=False)


class StationGivenSchema(Schema):
    """A station: a unit by code, or the level of the one above the order's grid."""

    name = text(40, required=True)
    unit = text(40, load_default=None, allow_none=True)
    level = Word(Level, load_default=None, allow_none=True)
    term = fields.Nested(ServiceTermSchema, required=True)


class ItemGivenSchema(Schema):
    """An item as an administrator writes it; category by path or last name."""

    code = text(40, required=True)
    name = text(60, required=True)
    kind = Word(ItemKind, required=True)
    category = text(200, required=True)
    term = fields.Nested(ServiceTermSchema, required=True)
    theme = text(40)
    unit = text(40, allow_none=True)
    tags = fields.List(text(40), validate=validate.Length(max=20))
    min_age = fields.Integer(validate=validate.Range(min=0, max=120), allow_none=True)
    takers = fields.List(Word(Taker), validate=validate.Length(min=1, max=3))
    stations = fields.List(fields.Nested(StationGivenSchema), validate=validate.Length(max=10))
    steps = fields.List(text(400), validate=validate.Length(max=30))
    materials = fields.List(fields.Nested(MaterialSchema), validate=validate.Length(max=40))
    fee = text(200)
    basis = text(400)
    where_to = text(200)
    when_to = text(200)
    active = fields.Boolean()

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Draft:
        """Make it an item."""
        given["term"] = term_of(**given["term"])
        given["materials"] = [Material(**each) for each in given.get("materials", ())]
        given["stations"] = [Station(**each | {"term": term_of(**each["term"])}) for each in given.get("stations", ())]
        return Draft(**given)


class CallerNamedSchema(Schema):
    """Whom it is for: name and telephone as they were said."""

    name = text(60, allow_none=True)
    phone = text(30, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Person:
        """Make it a person."""
        return Person(**given)


class DeskOrderSchema(WantedSchema):
    """What somebody orders on the telephone; `call_id` is the call in which they did."""

    person = fields.Nested(CallerNamedSchema, required=True)
    call_id = row_id(load_default=None, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Part what is wanted from whom it is for."""
        whose = {name: given.pop(name) for name in ("person", "call_id")}
        return {"wanted": Wanted(**given)} | whose


class DeskOrdersQuery(PageQuery):
    """Which orders: at the station of a unit or below it, of an item, late, taken; ended ones with `running=false`."""

    unit = text(40)
    item = text(40)
    late = fields.Boolean()
    taken = fields.Boolean()
    running = fields.Boolean()


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
    """How many orders were made, and how many still stand on the list."""

    made = fields.Integer()
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


@items.route("", methods=["GET"])
@items.arguments(AllItemsQuery, location="query")
@items.response(200, page_of(ServiceItemSchema))
def list_items(wanted: dict[str, Any]) -> Any:
    """List the service catalogue"""
    return guide(stamp(), **wanted)


@items.route("/sheet.xlsx", methods=["GET"])
@items.response(200, BINARY, content_type=XLSX)
def give_sheet() -> Any:
    """Give the whole catalogue as a spreadsheet that comes in again"""
    return download(book({"服务目录": catalogue_rows()}), "services")


@items.route("/<code>", methods=["GET"])
@items.response(200, ServiceItemSchema)
def show(code: str) -> Any:
    """Show an item, also one out of use"""
    return show_item(code)


@items.route("", methods=["POST"])
@items.arguments(ItemGivenSchema)
@items.response(201, ServiceItemSchema)
def put(draft: Draft) -> Any:
    """Put an item, or a new version of it, in force; orders keep the version they were made with"""
    return put_item(stamp(), draft)


@orders.route("", methods=["POST"])
@orders.arguments(DeskOrderSchema)
@orders.response(201, OrderedSchema)
def order(given: dict[str, Any]) -> Any:
    """Order a service for somebody on the telephone"""
    return order_for(stamp(), **given)


@orders.route("", methods=["GET"])
@orders.arguments(DeskOrdersQuery, location="query")
@orders.response(200, page_of(ServiceOrderSchema))
def list_orders(wanted: dict[str, Any]) -> Any:
    """List the orders that one sees by station and lateness, newest first"""
    return by_code(orders_page, stamp(), **wanted)


@orders.route("/<number>", methods=["GET"])
@orders.response(200, ServiceOrderSchema)
def show_one(number: str) -> Any:
    """Show an order"""
    return show_order(stamp(), number)


@orders.route("/<number>/taking", methods=["POST"])
@orders.response(201, ServiceOrderSchema)
def take(number: str) -> Any:
    """Take an order; who takes it first has it"""
    return order_of(stamp(), take_order(stamp(), number))


@orders.route("/<number>/giving-back", methods=["POST"])
@orders.arguments(OrderReasonSchema)
@orders.response(201, ServiceOrderSchema)
def hand_back(given: dict[str, Any], number: str) -> Any:
    """Give an order back with a reason"""
    return order_of(stamp(), give_back(stamp(), number, **given))


@orders.route("/<number>/contact", methods=["POST"])
@orders.response(200, OrderContactSchema)
def contact(number: str) -> Any:
    """Show whom the order is for and where, to who works on it; put on record"""
    return contact_of(stamp(), number)


@orders.route("/<number>/contacted", methods=["POST"])
@orders.arguments(OrderContactedSchema)
@orders.response(201, ServiceOrderSchema)
def contacted(given: dict[str, Any], number: str) -> Any:
    """Say that the person was reached; the first contact stops the contact clock"""
    return order_of(stamp(), note_contact(stamp(), number, **given))


@orders.route("/<number>/next-station", methods=["POST"])
@orders.arguments(StationWordsSchema)
@orders.response(201, ServiceOrderSchema)
def pass_on(given: dict[str, Any], number: str) -> Any:
    """End the work of a station and hand the order to the next"""
    return order_of(stamp(), pass_station(stamp(), number, **given))


@orders.route("/<number>/last-station", methods=["POST"])
@orders.arguments(OrderReasonSchema)
@orders.response(201, ServiceOrderSchema)
def send_back(given: dict[str, Any], number: str) -> Any:
    """Send an order back to the station before, with a reason"""
    return order_of(stamp(), return_station(stamp(), number, **given))


@orders.route("/<number>/result", methods=["POST"])
@orders.arguments(OrderResultSchema)
@orders.response(201, ServiceOrderSchema)
def finish(given: dict[str, Any], number: str) -> Any:
    """Say that an order is done; it is verified and called back as any result"""
    return order_of(stamp(), finish_order(stamp(), number, **given))


@lists.route("", methods=["GET"])
@lists.arguments(PageQuery, location="query")
@lists.response(200, page_of(ProactiveListSchema))
def list_lists(wanted: dict[str, Any]) -> Any:
    """List the proactive lists of one's units"""
    return lists_page(stamp(), **wanted)


@lists.route("", methods=["POST"])
@lists.arguments(ProactiveListGivenSchema)
@lists.response(201, ProactiveListSchema)
def define(given: dict[str, Any]) -> Any:
    """Define a proactive list"""
    return by_code(make_list, stamp(), **given)


@lists.route("/<int:list_id>/end", methods=["POST"])
@lists.response(200, ProactiveListSchema)
def end(list_id: int) -> Any:
    """Put a proactive list out of use"""
    return end_list(stamp(), list_id)


@lists.route("/<int:list_id>/counts", methods=["GET"])
@lists.response(200, VillageCountSchema(many=True))
def count(list_id: int) -> Any:
    """Count by village who stands on a list now"""
    return counts(stamp(), list_id)


@lists.route("/<int:list_id>/residents", methods=["GET"])
@lists.arguments(PageQuery, location="query")
@lists.response(200, page_of(PersonListedSchema))
def list_residents(wanted: dict[str, Any], list_id: int) -> Any:
    """List who stands on a list now, masked"""
    return listed_page(stamp(), list_id, **wanted)


@lists.route("/<int:list_id>/orders", methods=["POST"])
@lists.response(201, OrdersMadeSchema)
def order_all(list_id: int) -> Any:
    """Make an order for everybody on a list, two hundred at once"""
    return make_orders(stamp(), list_id)


@lists.route("/<int:list_id>/visits", methods=["POST"])
@lists.arguments(TasksDueSchema)
@lists.response(201, TasksMadeSchema)
def visit_all(given: dict[str, Any], list_id: int) -> Any:
    """Make a visit task for everybody on a list who has a household"""
    return {"made": _visits(stamp(), list_id, **given)}


def _visits(at: Stamp, list_id: int, *, due_on: date) -> int:
    homes = [(home.resident_id, home.household_id, home.grid_id) for home in homes_of(at, list_id)]
    note = f"主动服务：{find_list(at, list_id).name}"
    return make_proactive_tasks(at, homes, source=f"list:{list_id}", note=note, due_on=due_on)


@benefits.route("", methods=["POST"])
@benefits.arguments(BenefitGivenSchema)
@benefits.response(204)
def note(given: dict[str, Any]) -> None:
    """Note that somebody has what an item gives; they leave the lists"""
    note_benefit(stamp(), given["resident_id"], item=given["item"], source=given["source"])
