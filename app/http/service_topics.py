"""Keeps service orders and duty at service points at any staff door: listed, taken, passed on, done; who is responsible when."""

from typing import Any

from marshmallow import fields, validate

from app.core.stamp import Door
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, page_of, text
from app.http.services import (
    OrderContactedSchema,
    OrderContactSchema,
    OrderReasonSchema,
    OrderResultSchema,
    ServiceOrderSchema,
    StationWordsSchema,
)
from app.ledger.intake.codes import by_code
from app.services.duties import end_service_duty, put_service_duty, service_duties
from app.services.queries import order_of, orders_page, show_order
from app.services.taking import contact_of, finish_order, give_back, note_contact, pass_station, return_station, take_order


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


def service_topics(at: Door) -> list[DoorBlueprint]:
    """Make the blueprints of service orders and service points for a door of staff."""
    return [_orders(at), _contacts(at), _duties(at)]


def _orders(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("service_orders", door=at, prefix="/service-orders", auth=staff(at), tag="服务订单")

    @blp.route("", methods=["GET"])
    @blp.arguments(OrdersQuery, location="query")
    @blp.response(200, page_of(ServiceOrderSchema))
    def list_orders(wanted: dict[str, Any]) -> Any:
        """List the orders of one's grids and unit, newest first"""
        return by_code(orders_page, stamp(), **wanted)

    @blp.route("/<number>", methods=["GET"])
    @blp.response(200, ServiceOrderSchema)
    def show_one(number: str) -> Any:
        """Show an order"""
        return show_order(stamp(), number)

    @blp.route("/<number>/taking", methods=["POST"])
    @blp.response(201, ServiceOrderSchema)
    def take(number: str) -> Any:
        """Take an order; who takes it first has it"""
        return order_of(stamp(), take_order(stamp(), number))

    @blp.route("/<number>/giving-back", methods=["POST"])
    @blp.arguments(OrderReasonSchema)
    @blp.response(201, ServiceOrderSchema)
    def hand_back(given: dict[str, Any], number: str) -> Any:
        """Give an order back with a reason"""
        return order_of(stamp(), give_back(stamp(), number, **given))

    @blp.route("/<number>/contacted", methods=["POST"])
    @blp.arguments(OrderContactedSchema)
    @blp.response(201, ServiceOrderSchema)
    def contacted(given: dict[str, Any], number: str) -> Any:
        """Say that the person was reached; the first contact stops the contact clock"""
        return order_of(stamp(), note_contact(stamp(), number, **given))

    @blp.route("/<number>/next-station", methods=["POST"])
    @blp.arguments(StationWordsSchema)
    @blp.response(201, ServiceOrderSchema)
    def pass_on(given: dict[str, Any], number: str) -> Any:
        """End the work of a station and hand the order to the next"""
        return order_of(stamp(), pass_station(stamp(), number, **given))

    @blp.route("/<number>/last-station", methods=["POST"])
    @blp.arguments(OrderReasonSchema)
    @blp.response(201, ServiceOrderSchema)
    def send_back(given: dict[str, Any], number: str) -> Any:
        """Send an order back to the station before, with a reason"""
        return order_of(stamp(), return_station(stamp(), number, **given))

    @blp.route("/<number>/result", methods=["POST"])
    @blp.arguments(OrderResultSchema)
    @blp.response(201, ServiceOrderSchema)
    def finish(given: dict[str, Any], number: str) -> Any:
        """Say that an order is done; it is verified and called back as any result"""
        return order_of(stamp(), finish_order(stamp(), number, **given))

    return blp


def _contacts(at: Door) -> DoorBlueprint:
    prefix = "/service-orders"
    blp = DoorBlueprint("service_order_contacts", door=at, prefix=prefix, auth=staff(at), repeatable=False, tag="服务订单")

    @blp.route("/<number>/contact", methods=["POST"])
    @blp.response(200, OrderContactSchema)
    def contact(number: str) -> Any:
        """Show whom the order is for and where, to who works on it; put on record"""
        return contact_of(stamp(), number)

    return blp


def _duties(at: Door) -> DoorBlueprint:
    blp = DoorBlueprint("service_duties", door=at, prefix="/service-duties", auth=staff(at), tag="值守安排")

    @blp.route("", methods=["GET"])
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, page_of(ServiceDutySchema))
    def list_duties(wanted: dict[str, Any]) -> Any:
        """List who is responsible at the service points of one's units"""
        return service_duties(stamp(), **wanted)

    @blp.route("", methods=["POST"])
    @blp.arguments(ServiceDutyGivenSchema)
    @blp.response(201, ServiceDutySchema)
    def put_duty(given: dict[str, Any]) -> Any:
        """Name who is responsible at a service point, and when"""
        return by_code(put_service_duty, stamp(), **given)

    @blp.route("/<int:duty_id>/end", methods=["POST"])
    @blp.response(200, ServiceDutySchema)
    def end_duty(duty_id: int) -> Any:
        """Take a line off the roster of service points"""
        return end_service_duty(stamp(), duty_id)

    return blp
