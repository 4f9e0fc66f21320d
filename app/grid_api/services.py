"""Keeps services in the field: the guide, orders made for people, what one may take and has taken."""

from typing import Any

from marshmallow import fields, post_load

from app.core.stamp import Door
from app.grid_api.matters import PersonSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, PageQuery, Schema, page_of, row_id
from app.http.services import (
    GuideQuery,
    OpenOrderSchema,
    OrderedSchema,
    ServiceItemSchema,
    ServiceOrderSchema,
    WantedSchema,
)
from app.services.catalogue import guide, show_item
from app.services.known import hand_account_code
from app.services.ordering import Wanted, order_for
from app.services.queries import open_orders, taken_orders

items = DoorBlueprint("service_items", door=Door.GRID, prefix="/service-items", auth=staff(Door.GRID), tag="服务指南")
orders = DoorBlueprint("service_orders_made", door=Door.GRID, prefix="/service-orders", auth=staff(Door.GRID), tag="服务订单")
account_codes = DoorBlueprint(
    "account_codes", door=Door.GRID, prefix="/residents/<int:resident_id>/account-code", auth=staff(Door.GRID), repeatable=False,
    tag="户和居民",
)  # fmt: skip


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
