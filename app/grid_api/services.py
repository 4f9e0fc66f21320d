"""Keeps services in the field: the guide, orders made for people, orders taken and done, duty at service points."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.grid_api.matters import PersonSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Moment, PageQuery, Schema, page_of, row_id, text
from app.http.services import (
    GuideQuery,
    OpenOrderSchema,
    OrderContactedSchema,
    OrderContactSchema,
    OrderedSchema,
    OrderReasonSchema,
    OrderResultSchema,
    ServiceItemSchema,
    ServiceOrderSchema,
    StationWordsSchema,
    WantedSchema,
)
from app.ledger.intake.codes import by_code
from app.services.catalogue import guide, show_item
from app.services.duties import end_service_duty, put_service_duty, service_duties
from app.services.known import hand_account_code
from app.services.ordering import Wanted, order_for
from app.services.proactive import note_benefit
from app.services.queries import open_orders, order_of, orders_page, show_order, taken_orders
from app.services.taking import contact_of, finish_order, give_back, note_contact, pass_station, return_station, take_order

items = DoorBlueprint("service_items", door=Door.GRID, prefix="/service-items", auth=staff(Door.GRID), tag="服务指南")
orders = DoorBlueprint("service_orders", door=Door.GRID, prefix="/service-orders", auth=staff(Door.GRID), tag="服务订单")
contacts = DoorBlueprint(
    "service_order_contacts", door=Door.GRID, prefix="/service-orders", auth=staff(Door.GRID), repeatable=False, tag="服务订单"
)
account_codes = DoorBlueprint(
    "account_codes", door=Door.GRID, prefix="/residents/<int:resident_id>/account-code", auth=staff(Door.GRID), repeatable=False,
    tag="户和居民",
)  # fmt: skip
benefits = DoorBlueprint("benefits", door=Door.GRID, prefix="/benefits", auth=staff(Door.GRID), tag="服务指南")
duties = DoorBlueprint("service_duties", door=Door.GRID, prefix="/service-duties", auth=staff(Door.GRID), tag="值守安排")


class OrderForSchema(WantedSchema):
    """What is ordered for somebody: a resident of one's grids by id, or a person."""

    resident_id = row_id(load_default=None, allow_none=True)
    person = fields.Nested(PersonSchema, load_default=None, allow_none=True)

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Part what is wanted from whom it is for."""
        whose = {name: given.pop(name) for name in ("resident_id", "person")}
        return {"wanted": Wanted(**given)} | whose


class AccountCodeSchema(Schema):
    """The code by which somebody joins their account, shown once; it is handed to them in person."""

    name = fields.String(allow_none=True)
    code = fields.String()
    code_in_fours = InFours("code")


class OrdersQuery(PageQuery):
    """Which orders: at the station of a unit or below it, of an item, late, taken; ended ones with `running=false`."""

    unit = text(40)
    item = text(40)
    late = fields.Boolean()
    taken = fields.Boolean()
    running = fields.Boolean()


class ServiceDutyGivenSchema(Schema):
    """Who is responsible at a service point: on which weekdays (1 Monday … 7), between which hours, for which grid and item."""

    unit = text(40, required=True)
    point = text(80, required=True)
    staff = text(64, required=True)
    opens = fields.Time(required=True)
    closes = fields.Time(required=True)
    weekdays = fields.List(fields.Integer(validate=validate.Range(min=1, max=7)), validate=validate.Length(min=1, max=7))
    grid = text(40)
    item = text(40)


class ServiceDutySchema(Schema):
    """A line of the roster of service points."""

    id = fields.Integer()
    unit = fields.String()
    unit_name = fields.String()
    point = fields.String()
    grid = fields.String(allow_none=True)
    item = fields.String(allow_none=True)
    staff = fields.String()
    staff_name = fields.String()
    weekdays = fields.List(fields.Integer())
    opens = fields.Time()
    closes = fields.Time()
    ended_at = Moment(allow_none=True)


class BenefitGivenSchema(Schema):
    """That somebody of one's grids has what an item gives, by whose word."""

    resident_id = row_id(required=True)
    item = text(40, required=True)
    source = text(200, required=True)


@account_codes.route("", methods=["POST"])
@account_codes.response(201, AccountCodeSchema)
def make_code(resident_id: int) -> Any:
    """Make a code by which a volunteer or party member of the roster joins their account; an earlier one is void"""
    return hand_account_code(stamp(), resident_id)


@items.route("", methods=["GET"])
@items.arguments(GuideQuery, location="query")
@items.response(200, page_of(ServiceItemSchema))
def list_items(wanted: dict[str, Any]) -> Any:
    """Look services up: steps, materials, time limits, fees, policy basis"""
    return guide(stamp(), **wanted)


@items.route("/<code>", methods=["GET"])
@items.response(200, ServiceItemSchema)
def show(code: str) -> Any:
    """Show a service"""
    return show_item(code, active=True)


@orders.route("", methods=["POST"])
@orders.arguments(OrderForSchema)
@orders.response(201, OrderedSchema)
def order(given: dict[str, Any]) -> Any:
    """Order a service for somebody of one's grids"""
    return order_for(stamp(), **given)


@orders.route("", methods=["GET"])
@orders.arguments(OrdersQuery, location="query")
@orders.response(200, page_of(ServiceOrderSchema))
def list_orders(wanted: dict[str, Any]) -> Any:
    """List the orders of one's grids and unit, newest first"""
    return by_code(orders_page, stamp(), **wanted)


@orders.route("/open", methods=["GET"])
@orders.arguments(PageQuery, location="query")
@orders.response(200, page_of(OpenOrderSchema))
def list_open(wanted: dict[str, Any]) -> Any:
    """List the orders that one may take, oldest first"""
    return open_orders(stamp(), **wanted)


@orders.route("/taken", methods=["GET"])
@orders.arguments(PageQuery, location="query")
@orders.response(200, page_of(ServiceOrderSchema))
def list_taken(wanted: dict[str, Any]) -> Any:
    """List the orders that one has taken, newest first"""
    return taken_orders(stamp(), **wanted)


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


@contacts.route("/<number>/contact", methods=["POST"])
@contacts.response(200, OrderContactSchema)
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


@duties.route("", methods=["GET"])
@duties.arguments(PageQuery, location="query")
@duties.response(200, page_of(ServiceDutySchema))
def list_duties(wanted: dict[str, Any]) -> Any:
    """List who is responsible at the service points of one's units"""
    return service_duties(stamp(), **wanted)


@duties.route("", methods=["POST"])
@duties.arguments(ServiceDutyGivenSchema)
@duties.response(201, ServiceDutySchema)
def put_duty(given: dict[str, Any]) -> Any:
    """Name who is responsible at a service point, and when"""
    return by_code(put_service_duty, stamp(), **given)


@duties.route("/<int:duty_id>/end", methods=["POST"])
@duties.response(200, ServiceDutySchema)
def end_duty(duty_id: int) -> Any:
    """Take a line off the roster of service points"""
    return end_service_duty(stamp(), duty_id)


@benefits.route("", methods=["POST"])
@benefits.arguments(BenefitGivenSchema)
@benefits.response(204)
def note(given: dict[str, Any]) -> None:
    """Note that somebody of one's grids has what an item gives; they leave the lists"""
    note_benefit(stamp(), given["resident_id"], item=given["item"], source=given["source"])
