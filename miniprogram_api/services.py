"""Keeps services for residents: the guide, orders for oneself, and orders taken as a volunteer or party member."""

from typing import Any

from marshmallow import fields, post_load

from app.core.stamp import Door
from app.http.auth import resident, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, PageQuery, Schema, page_of, text
from app.http.flood import count_writes
from app.http.services import (
    GuideQuery,
    OpenOrderSchema,
    OrderContactedSchema,
    OrderContactSchema,
    OrderReasonSchema,
    OrderResultSchema,
    ServiceItemSchema,
    ServiceOrderSchema,
    WantedSchema,
)
from app.services.catalogue import guide, show_item
from app.services.known import join_by_code
from app.services.ordering import Wanted, order_own
from app.services.queries import open_orders, order_of, own_orders, show_order, taken_orders
from app.services.taking import contact_of, finish_order, give_back, note_contact, take_order
from miniprogram_api.heads import count_guess

AUTH = resident(Door.MINI_PROGRAM)

items = DoorBlueprint("service_items", door=Door.MINI_PROGRAM, prefix="/service-items", auth=AUTH, tag="服务指南")
orders = DoorBlueprint(
    "service_orders", door=Door.MINI_PROGRAM, prefix="/service-orders", auth=AUTH, first=count_writes, tag="点单"
)
help_wanted = DoorBlueprint(
    "volunteer_orders", door=Door.MINI_PROGRAM, prefix="/volunteer-orders", auth=AUTH, first=count_writes, tag="接单"
)
contacts = DoorBlueprint(
    "volunteer_order_contacts", door=Door.MINI_PROGRAM, prefix="/volunteer-orders", auth=AUTH, repeatable=False,
    first=count_writes, tag="接单",
)  # fmt: skip


joining = DoorBlueprint("roster_joining", door=Door.MINI_PROGRAM, prefix="/volunteer", auth=AUTH, first=count_guess, tag="接单")


class AccountCodeGivenSchema(Schema):
    """The code that the village handed over."""

    code = text(40, required=True)


class OwnGuideQuery(GuideQuery):
    """Which items: those that hold every word, of a kind, for a population, or for oneself."""

    for_me = fields.Boolean(load_default=False)


class OwnOrderSchema(WantedSchema):
    """What one orders for oneself."""

    @post_load
    def make(self, given: dict[str, Any], **_: Any) -> Wanted:
        """Make it what is wanted."""
        return Wanted(**given)


class OrderReceiptSchema(Schema):
    """The number under which the order is followed, as any case."""

    number = fields.String()
    number_in_fours = InFours("number")


@joining.route("/joining", methods=["POST"])
@joining.arguments(AccountCodeGivenSchema)
@joining.response(204)
def join(given: dict[str, Any]) -> None:
    """Join one's account to whom the roster knows, by the code that the village handed over"""
    join_by_code(stamp(), **given)


@items.route("", methods=["GET"])
@items.arguments(OwnGuideQuery, location="query")
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
@orders.arguments(OwnOrderSchema)
@orders.response(201, OrderReceiptSchema)
def order(wanted: Wanted) -> Any:
    """Order a service for oneself"""
    return order_own(stamp(), wanted)


@orders.route("", methods=["GET"])
@orders.arguments(PageQuery, location="query")
@orders.response(200, page_of(ServiceOrderSchema))
def list_own(wanted: dict[str, Any]) -> Any:
    """List one's own orders, newest first"""
    return own_orders(stamp(), **wanted)


@orders.route("/<number>", methods=["GET"])
@orders.response(200, ServiceOrderSchema)
def show_one(number: str) -> Any:
    """Show an order that one has made, or taken"""
    return show_order(stamp(), number)


@help_wanted.route("", methods=["GET"])
@help_wanted.arguments(PageQuery, location="query")
@help_wanted.response(200, page_of(OpenOrderSchema))
def list_open(wanted: dict[str, Any]) -> Any:
    """List the orders that one may take as a volunteer or party member, oldest first"""
    return open_orders(stamp(), **wanted)


@help_wanted.route("/taken", methods=["GET"])
@help_wanted.arguments(PageQuery, location="query")
@help_wanted.response(200, page_of(ServiceOrderSchema))
def list_taken(wanted: dict[str, Any]) -> Any:
    """List the orders that one has taken, newest first"""
    return taken_orders(stamp(), **wanted)


@help_wanted.route("/<number>/taking", methods=["POST"])
@help_wanted.response(201, ServiceOrderSchema)
def take(number: str) -> Any:
    """Take an order; who takes it first has it"""
    return order_of(stamp(), take_order(stamp(), number))


@help_wanted.route("/<number>/giving-back", methods=["POST"])
@help_wanted.arguments(OrderReasonSchema)
@help_wanted.response(201, ServiceOrderSchema)
def hand_back(given: dict[str, Any], number: str) -> Any:
    """Give an order back with a reason"""
    return order_of(stamp(), give_back(stamp(), number, **given))


@contacts.route("/<number>/contact", methods=["POST"])
@contacts.response(200, OrderContactSchema)
def contact(number: str) -> Any:
    """Show whom an order is for and where, to who has taken it"""
    return contact_of(stamp(), number)


@help_wanted.route("/<number>/contacted", methods=["POST"])
@help_wanted.arguments(OrderContactedSchema)
@help_wanted.response(201, ServiceOrderSchema)
def contacted(given: dict[str, Any], number: str) -> Any:
    """Say that the person was reached; the first contact stops the contact clock"""
    return order_of(stamp(), note_contact(stamp(), number, **given))


@help_wanted.route("/<number>/result", methods=["POST"])
@help_wanted.arguments(OrderResultSchema)
@help_wanted.response(201, ServiceOrderSchema)
def finish(given: dict[str, Any], number: str) -> Any:
    """Say that an order is done; it is verified and called back as any result"""
    return order_of(stamp(), finish_order(stamp(), number, **given))
