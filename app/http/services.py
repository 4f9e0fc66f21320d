"""Keeps the fields with which service items and orders are shown to staff and looked up by everybody."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.http.fields import InFours, Label, Moment, PageQuery, Schema, Word, text
from app.http.uploads import FileSchema, file_ids
from app.ledger.attachments import EntryFiles
from app.ledger.terms import HoursKind
from app.ledger.terms import Unit as TermUnit
from app.ledger.vocabulary import State
from app.services.contacting import HOW
from app.services.models import ItemKind, Taker
from app.territory.models import Level

WORDS = 2000


class GuideQuery(PageQuery):
    """Which items: those that hold every word, for a population, of a kind."""

    words = text(60, load_default=None)
    tag = text(40, load_default=None)
    kind = Word(ItemKind, load_default=None)


class ItemStationSchema(Schema):
    """A station of an item: its unit, or the level of the one above the order's grid, and its term in words."""

    name = fields.String()
    unit = fields.String(allow_none=True)
    level = Word(Level, allow_none=True)
    term = fields.String()


class MaterialSchema(Schema):
    """A paper to be brought."""

    name = text(80, required=True)
    must = fields.Boolean(load_default=True)
    form = text(40, load_default="原件")
    copies = fields.Integer(validate=validate.Range(min=1, max=99), load_default=1)


class ServiceItemSchema(Schema):
    """An item of the guide: steps, materials, time limit, fee, policy basis, where and when, who takes it."""

    code = fields.String()
    version = fields.Integer()
    name = fields.String()
    kind = Word(ItemKind)
    kind_label = fields.String()
    theme = fields.String()
    category = fields.String()
    unit = fields.String(allow_none=True)
    unit_name = fields.String()
    tags = fields.List(fields.String())
    min_age = fields.Integer(allow_none=True)
    takers = fields.List(Word(Taker))
    term = fields.String()
    stations = fields.List(fields.Nested(ItemStationSchema))
    steps = fields.List(fields.String())
    materials = fields.List(fields.Nested(MaterialSchema))
    fee = fields.String()
    basis = fields.String()
    where_to = fields.String()
    when_to = fields.String()
    active = fields.Boolean()


class ServiceTermSchema(Schema):
    """A term: minutes and hours run day and night unless `hours` says otherwise."""

    amount = fields.Integer(required=True, validate=validate.Range(min=1, max=100_000))
    unit = Word(TermUnit, required=True)
    hours = Word(HoursKind, load_default=None, allow_none=True)


class WantedSchema(Schema):
    """What is ordered: the item, in words what exactly, the grid, where and when it is wished; photos, uploaded before."""

    item = text(40, required=True)
    words = text(WORDS, load_default=None, allow_none=True)
    grid = text(40, load_default=None, allow_none=True)
    place = text(200, load_default=None, allow_none=True)
    wished_at = Moment(load_default=None, allow_none=True)
    files = file_ids(load_default=())


class OrderedSchema(Schema):
    """The number of the order and, where it was made for somebody else, the claim code for them (shown once)."""

    number = fields.String()
    number_in_fours = InFours("number")
    claim_code = fields.String(allow_none=True)
    claim_code_in_fours = InFours("claim_code")


class OpenOrderSchema(Schema):
    """An order that may be taken: what, roughly where, by when; not whose."""

    number = fields.String()
    number_in_fours = InFours("number")
    item = fields.String()
    name = fields.String()
    kind = Word(ItemKind)
    kind_label = fields.String()
    state = Word(State)
    state_label = Label("state")
    grid_name = fields.String()
    wished_at = Moment(allow_none=True)
    station = fields.String()
    station_due = Moment(allow_none=True)
    late = fields.Boolean()
    fee = fields.String()


class StaySchema(Schema):
    """A stay at a station."""

    name = fields.String()
    unit = fields.String()
    began_at = Moment()
    ended_at = Moment(allow_none=True)
    returned = fields.Boolean()
    due_at = Moment(allow_none=True)
    late = fields.Boolean()


class ServiceOrderSchema(OpenOrderSchema):
    """An order with its way; whom it is for is masked. `version` is the item's, `case_version` what a move of it may name."""

    version = fields.Integer()
    case_version = fields.Integer()
    person = fields.String(allow_none=True)
    stations = fields.List(fields.Nested(StaySchema))
    ahead = fields.List(fields.String())
    taken = fields.Boolean()
    mine = fields.Boolean()
    opened_at = Moment()


class OrderSeenSchema(Schema):
    """The `case_version` of the order that was seen, if it is to be minded."""

    version = fields.Integer(data_key="case_version")


class OrderReasonSchema(OrderSeenSchema):
    """Why."""

    reason = text(WORDS, required=True)


class StationWordsSchema(OrderSeenSchema):
    """What was done at the station, for the file."""

    words = text(WORDS, required=True)


class OrderContactedSchema(OrderSeenSchema):
    """How the person was reached and, where there is anything to tell, what was said."""

    how = fields.String(required=True, validate=validate.OneOf(tuple(HOW)))
    note = text(WORDS, load_default=None, allow_none=True)


class OrderResultSchema(OrderSeenSchema):
    """What was done: `reply` for the person, `note` for the file; `evidence` are references to what proves it.

    Of what was uploaded, `reply_files` are shown to the person, `evidence_files` stay in the file. `contacted` says how the person
    was reached, where that is not on record yet.
    """

    reply = text(WORDS, required=True)
    note = text(WORDS, load_default=None, allow_none=True)
    solved = fields.Boolean(load_default=True)
    evidence = fields.List(text(200), load_default=list, validate=validate.Length(max=20))
    reply_files = file_ids(load_default=())
    evidence_files = file_ids(load_default=())
    contacted = fields.String(validate=validate.OneOf(tuple(HOW)), load_default=None, allow_none=True)

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the files."""
        files = EntryFiles(reply=given.pop("reply_files"), evidence=given.pop("evidence_files"))
        return given | {"files": files}


class OrderContactSchema(Schema):
    """Whom an order is for and where, and what was photographed for it, for who works on it."""

    name = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    place = fields.String(allow_none=True)
    files = fields.List(fields.Nested(FileSchema))
