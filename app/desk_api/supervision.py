"""Keeps urging and supervision at the desk: what staff and residents press for, slips, answers, what is accepted."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import InFours, Label, Moment, Number, Schema, Word, row_id, text
from app.ledger.supervision.pressing import (
    accept_order,
    answer_order,
    discard_drafts,
    insist,
    issue_drafts,
    order_supervision,
    urge,
)
from app.ledger.supervision.residents_urge import record_residents_urge
from app.ledger.supervision.slip_sheets import order_sheet, order_slip, pressed, urging_sheet
from app.ledger.supervision.slips import MOST, Addressed
from app.ledger.vocabulary import PressMode, SlipKind, SlipState

TAG = "催办和督办"
blp = DoorBlueprint("supervision", door=Door.DESK, prefix="/supervision", auth=staff(Door.DESK), tag=TAG)
case_blp = DoorBlueprint("case_supervision", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag=TAG)

WORDS = 2000
NAME = 60
PEOPLE = 50


class AddressedSchema(Schema):
    """To whom: a unit by code (else the lead's), staff by login, others by name or post, how many person-times in all."""

    unit = text(40, load_default=None)
    staff = fields.List(text(64), load_default=(), validate=validate.Length(max=PEOPLE))
    others = fields.List(text(NAME), load_default=(), validate=validate.Length(max=PEOPLE))
    person_times = fields.Integer(load_default=None, validate=validate.Range(min=1, max=10_000))

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather whom it goes to."""
        to = Addressed(**{name: given.pop(name) for name in Addressed.__dataclass_fields__})
        return given | {"to": to}


class UrgeSchema(AddressedSchema):
    """Some cases are urged; a written urging may wait as a draft."""

    numbers = fields.List(Number(), required=True, validate=validate.Length(min=1, max=MOST))
    mode = Word(PressMode, required=True)
    words = text(WORDS, required=True)
    draft = fields.Boolean()


class OrderSchema(UrgeSchema):
    """Some units are ordered to answer, by `due` or by the policy's term."""

    due = Moment(load_default=None)


class ChosenDraftsSchema(Schema):
    """Drafts of one kind."""

    kind = Word(SlipKind, required=True, validate=validate.OneOf((SlipKind.URGING, SlipKind.SUPERVISION)))
    ids = fields.List(row_id(), required=True, validate=validate.Length(min=1, max=MOST))


class IssueSchema(ChosenDraftsSchema):
    """Drafts to be issued; `words` and `due` (orders only) replace those of all of them."""

    words = text(WORDS, load_default=None)
    due = Moment(load_default=None)


class SaidSchema(MoveSchema):
    """What is said, for the file."""

    words = text(WORDS, required=True)


class InsistSchema(SaidSchema):
    """What is missing yet, and by when."""

    due = Moment(load_default=None)


class SlipSchema(Schema):
    """An urging or order as it was stored; `slip` is its number."""

    id = fields.Integer()
    number = fields.String(attribute="case.number")
    slip = fields.String(attribute="number", allow_none=True)
    state = Word(SlipState)
    state_label = Label("state")
    issued_at = Moment(allow_none=True)


class SlipsSchema(Schema):
    """What was stored."""

    items = fields.List(fields.Nested(SlipSchema))


class SheetSchema(Schema):
    """What stands on a printed slip; nobody who reported."""

    kind = Word(SlipKind)
    kind_label = Label("kind")
    slip = fields.String(allow_none=True)
    state = Word(SlipState)
    number = fields.String()
    number_in_fours = InFours("number")
    matter = fields.String()
    category = fields.String(allow_none=True)
    place = fields.String(allow_none=True)
    opened_at = Moment()
    unit = fields.String()
    persons = fields.List(fields.String())
    words = fields.String()
    dispatched_at = Moment(allow_none=True)
    due_at = Moment(allow_none=True)
    late = fields.Boolean()
    reply_by = Moment(allow_none=True)
    urgings = fields.Integer()
    issued_at = Moment(allow_none=True)
    issued_by = fields.String(allow_none=True)


class PressSchema(Schema):
    """An urging or order of a case: whom, what was said, what was answered."""

    id = fields.Integer()
    kind = Word(SlipKind)
    kind_label = Label("kind")
    by_resident = fields.Boolean()
    mode = Word(PressMode, allow_none=True)
    mode_label = Label("mode", allow_none=True)
    state = Word(SlipState)
    state_label = Label("state")
    slip = fields.String(allow_none=True)
    unit = fields.String()
    persons = fields.List(fields.String())
    person_times = fields.Integer()
    words = fields.String(allow_none=True)
    by = fields.String(allow_none=True)
    issued_at = Moment()
    reply_by = Moment(allow_none=True)
    answered_at = Moment(allow_none=True)
    answer = fields.String(allow_none=True)
    accepted_at = Moment(allow_none=True)


class PressedSchema(Schema):
    """Everything that pressed a case."""

    items = fields.List(fields.Nested(PressSchema))


@blp.route("/urgings", methods=["POST"])
@blp.arguments(UrgeSchema)
@blp.response(201, SlipsSchema)
def urge_units(given: dict[str, Any]) -> Any:
    """Urge the units of some cases: by phone, in writing (a numbered slip each), on the spot, in an interview"""
    return {"items": urge(stamp(), **given)}


@blp.route("/orders", methods=["POST"])
@blp.arguments(OrderSchema)
@blp.response(201, SlipsSchema)
def order_units(given: dict[str, Any]) -> Any:
    """Order the units of some cases to answer; the clock runs until they do"""
    return {"items": order_supervision(stamp(), **given)}


@blp.route("/drafts/issue", methods=["POST"])
@blp.arguments(IssueSchema)
@blp.response(200, SlipsSchema)
def issue(given: dict[str, Any]) -> Any:
    """Issue drafts, each with a number and an entry of its own"""
    return {"items": issue_drafts(stamp(), **given)}


@blp.route("/drafts/discard", methods=["POST"])
@blp.arguments(ChosenDraftsSchema)
@blp.response(200, SlipsSchema)
def discard(given: dict[str, Any]) -> Any:
    """Put drafts aside that are not needed"""
    return {"items": discard_drafts(stamp(), **given)}


@blp.route("/urgings/<int:urging_id>/slip", methods=["GET"])
@blp.response(200, SheetSchema)
def show_urging_slip(urging_id: int) -> Any:
    """Show what stands on an urging slip"""
    return urging_sheet(stamp(), urging_id)


@blp.route("/orders/<int:order_id>/slip", methods=["GET"])
@blp.response(200, SheetSchema)
def show_order_slip(order_id: int) -> Any:
    """Show what stands on a supervision slip, or on the order slip of a meeting's decision"""
    return order_sheet(stamp(), order_id)


@case_blp.route("/resident-urging", methods=["POST"])
@case_blp.arguments(SaidSchema)
@case_blp.arguments(IfMatch, location="headers")
@case_blp.response(200, MovedSchema)
def hear_resident(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record that the resident called and urged"""
    return record_residents_urge(stamp(), number, **given | match)


@case_blp.route("/supervision", methods=["GET"])
@case_blp.response(200, PressedSchema)
def list_pressed(number: str) -> Any:
    """List the urgings and supervision orders of a case with their answers"""
    return {"items": pressed(stamp(), number)}


@case_blp.route("/order-slip", methods=["GET"])
@case_blp.response(200, SheetSchema)
def show_case_slip(number: str) -> Any:
    """Show the order slip of a case: the crux, the person, the time limit"""
    return order_slip(stamp(), number)


@case_blp.route("/supervision-orders/<int:order_id>/answer", methods=["POST"])
@case_blp.arguments(SaidSchema)
@case_blp.arguments(IfMatch, location="headers")
@case_blp.response(200, MovedSchema)
def answer(given: dict[str, Any], match: dict[str, Any], number: str, order_id: int) -> Any:
    """Answer a supervision order for one's unit; stops its clock"""
    return answer_order(stamp(), number, order_id, **given | match)


@case_blp.route("/supervision-orders/<int:order_id>/acceptance", methods=["POST"])
@case_blp.arguments(SaidSchema)
@case_blp.arguments(IfMatch, location="headers")
@case_blp.response(200, MovedSchema)
def accept(given: dict[str, Any], match: dict[str, Any], number: str, order_id: int) -> Any:
    """Accept what was done about an order"""
    return accept_order(stamp(), number, order_id, **given | match)


@case_blp.route("/supervision-orders/<int:order_id>/insistence", methods=["POST"])
@case_blp.arguments(InsistSchema)
@case_blp.arguments(IfMatch, location="headers")
@case_blp.response(200, MovedSchema)
def insist_on_more(given: dict[str, Any], match: dict[str, Any], number: str, order_id: int) -> Any:
    """Insist on more than was answered; the clock runs anew"""
    return insist(stamp(), number, order_id, **given | match)
