"""Keeps services at the desk: the catalogue's editor and orders on the telephone."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.figures.sheets import book
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.downloads import BINARY, XLSX, download
from app.http.fields import Schema, Word, page_of, row_id, text
from app.http.services import (
    GuideQuery,
    MaterialSchema,
    OrderedSchema,
    ServiceItemSchema,
    ServiceTermSchema,
    WantedSchema,
)
from app.people.identity import Person
from app.services.catalogue import Draft, Material, Station, guide, put_item, show_item, term_of
from app.services.models import ItemKind, Taker
from app.services.ordering import Wanted, order_for
from app.services.sheet import catalogue_rows
from app.territory.models import Level

items = DoorBlueprint("service_items", door=Door.DESK, prefix="/service-items", auth=staff(Door.DESK), tag="服务目录")
orders = DoorBlueprint("service_orders_made", door=Door.DESK, prefix="/service-orders", auth=staff(Door.DESK), tag="服务订单")


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
