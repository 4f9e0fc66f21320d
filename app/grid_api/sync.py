"""Keeps offline sync: what changed in a phone's grids goes out, what was done there without a network comes in."""

from typing import Any

import orjson
from flask import request
from marshmallow import ValidationError, fields, validate

from app.core.stamp import Door
from app.grid_api.sync_kinds import KINDS, unfit
from app.grid_api.sync_rows import KeptCaseSchema, KeptHouseholdSchema, KeptResidentSchema, KeptTaskSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, Schema, Word, text
from app.sync.items import ITEMS_MOST, ItemOutcome, Sent, Unreadable, ValidationFailed
from app.sync.models import SyncedKind
from app.sync.pulling import LIMIT, MOST, Pulled, pull
from app.sync.pushing import Pushed, push

BYTES_MOST = 2 * 1024 * 1024

pulling = DoorBlueprint("sync", door=Door.GRID, prefix="/sync", auth=staff(Door.GRID), tag="离线同步")


def _let_batches_in() -> None:
    request.max_content_length = BYTES_MOST


pushing = DoorBlueprint(
    "sync_batches", door=Door.GRID, prefix="/sync", auth=staff(Door.GRID), in_steps=True, first=_let_batches_in, tag="离线同步"
)


class PullQuery(Schema):
    """How far the phone has caught up, how many rows it takes at once, which catalogues it has."""

    cursor = fields.String(load_default=None)
    limit = fields.Integer(load_default=LIMIT, validate=validate.Range(min=1, max=MOST))
    catalogue = text(40, load_default=None)


class GoneSchema(Schema):
    """A row to be dropped."""

    kind = Word(SyncedKind)
    id = fields.Integer()


class SyncGridSchema(Schema):
    """A grid of the phone, and its village or community."""

    code = fields.String()
    name = fields.String()
    unit = fields.String()


class SyncGroupSchema(Schema):
    """A household group of the phone's grids."""

    grid = fields.String()
    code = fields.String()
    name = fields.String()


class SyncTopicSchema(Schema):
    """What may be talked about at a visit."""

    code = fields.String()
    name = fields.String()


class SyncCategorySchema(Schema):
    """A category that a matter may be of."""

    id = fields.Integer()
    path = fields.String()
    urgent = fields.Boolean()


class SyncPopulationSchema(Schema):
    """A population; one with `from_age` is everybody's who is that old."""

    code = fields.String()
    name = fields.String()
    key = fields.Boolean()
    from_age = fields.Integer(allow_none=True)


class CataloguesSchema(Schema):
    """The small lists, and the version by which the phone says that it has them."""

    version = fields.String()
    grids = fields.List(fields.Nested(SyncGridSchema))
    groups = fields.List(fields.Nested(SyncGroupSchema))
    categories = fields.List(fields.Nested(SyncCategorySchema))
    topics = fields.List(fields.Nested(SyncTopicSchema))
    populations = fields.List(fields.Nested(SyncPopulationSchema))


class PulledSchema(Schema):
    """A page of changes: first forget the grids named, then drop what is gone, then keep what is there.

    `more`: the next page has something already. The cursor is kept with the rows, once they are kept.
    """

    cursor = fields.String()
    more = fields.Boolean()
    server_at = Moment()
    forget_grids = fields.List(fields.String())
    gone = fields.List(fields.Nested(GoneSchema))
    households = fields.List(fields.Nested(KeptHouseholdSchema))
    residents = fields.List(fields.Nested(KeptResidentSchema))
    tasks = fields.List(fields.Nested(KeptTaskSchema))
    cases = fields.List(fields.Nested(KeptCaseSchema))
    catalogues = fields.Nested(CataloguesSchema, allow_none=True)


class BatchSchema(Schema):
    """A batch: the time on the phone at its sending, and the items, each as `Item` says; a wrong one is answered in its place."""

    phone_at = Moment(required=True)
    items = fields.List(
        fields.Raw(metadata={"type": "object"}),
        required=True,
        validate=validate.Length(max=ITEMS_MOST, error=f"一次最多上传 {ITEMS_MOST} 条，请分批上传"),
    )


class ItemSchema(Schema):
    """An item: its own key made by the phone, its kind, the time on the phone when it was written down, and what it says."""

    key = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(sorted(KINDS)))
    phone_at = Moment(required=True)
    body = fields.Dict(keys=fields.String(), required=True)


class AnsweredSchema(Schema):
    """What became of an item; of a conflict, what was sent and what we have. `again`: send it again, with the same key."""

    key = fields.String(allow_none=True)
    outcome = Word(ItemOutcome)
    code = fields.String(allow_none=True)
    title = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    facts = fields.Dict()
    again = fields.Boolean()
    result = fields.Dict(allow_none=True)
    sent = fields.Dict(allow_none=True)
    stored = fields.Dict(allow_none=True)


class PushedSchema(Schema):
    """The answers in the order of the items; `clock_off_seconds`: by how many seconds the phone's clock is ahead of ours."""

    clock_off_seconds = fields.Integer()
    server_at = Moment()
    items = fields.List(fields.Nested(AnsweredSchema))


@pulling.route("", methods=["GET"])
@pulling.arguments(PullQuery, location="query")
@pulling.response(200, PulledSchema)
def show_changes(wanted: dict[str, Any]) -> Any:
    """Give what changed in one's grids since a cursor, page by page: households, residents, tasks, cases, and what is gone"""
    return _page(pull(stamp(), **wanted))


@pushing.route("", methods=["POST"])
@pushing.arguments(BatchSchema)
@pushing.response(200, PushedSchema)
def take_batch(given: dict[str, Any]) -> Any:
    """Take in what was done without a network, answered item by item; whatever is sent again changes nothing more"""
    return _answers(push(stamp(), _items(given), sent_at=given["phone_at"], kinds=KINDS))


def _page(pulled: Pulled) -> dict[str, Any]:
    rows = {f"{kind}s": found for kind, found in pulled.rows.items()}
    return {**vars(pulled), **rows, "server_at": stamp().at}


def _answers(pushed: Pushed) -> dict[str, Any]:
    return {**vars(pushed), "server_at": stamp().at}


_ITEM = ItemSchema()


def _items(given: dict[str, Any]) -> list[Sent | Unreadable]:
    return [_item(each, given) for each in given["items"]]


def _item(told: Any, given: dict[str, Any]) -> Sent | Unreadable:
    if not isinstance(told, dict):
        return Unreadable(None, ValidationFailed(errors={"item": ["格式不正确"]}))
    try:
        orjson.dumps(told)
    except TypeError:
        return Unreadable(None, ValidationFailed("内容里有不完整的字符或过大的数字，请重新输入"))
    try:
        return Sent(**_ITEM.load(told), sent_at=given["phone_at"])
    except ValidationError as wrong:
        key = told.get("key")
        return Unreadable(key if isinstance(key, str) else None, unfit(wrong))
