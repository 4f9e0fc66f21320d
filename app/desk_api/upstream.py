"""Keeps what passes between the desk and the upstream platform: its word on a result, what goes back to it, its signature."""

from typing import Any

from marshmallow import fields

from app.core.stamp import Door
from app.desk_api.outcome import CallbackGivenSchema, NoteNeededSchema
from app.desk_api.requests import RequestedSchema
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Moment, PageQuery, Schema, page_of, text
from app.ledger.upstream.orders import adjust_upstream, hear_upstream, send_back_upstream, sign_returned, unsigned_returns

blp = DoorBlueprint("upstream", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="上级平台")
list_blp = DoorBlueprint("upstream_returns", door=Door.DESK, prefix="/upstream-returns", auth=staff(Door.DESK), tag="上级平台")

WORDS = 4000


class UpstreamCallbackSchema(CallbackGivenSchema):
    """What upstream heard in its own call-back, and its new due moment where it gives one."""

    note = text(WORDS, required=True)
    due_by = Moment()


class UpstreamMomentsSchema(NoteNeededSchema):
    """The moments that upstream has set anew, and why: until when it wants the answer, until when it takes a return."""

    due_by = Moment()
    return_by = Moment()


class UpstreamReturnSchema(MoveSchema):
    """Why a matter goes back upstream, from the catalogue of reasons, and what the filer will read."""

    reason_code = text(64, required=True)
    reply = text(WORDS, required=True)


class SentBackSchema(Schema):
    """A case that went back upstream and is not signed for there yet."""

    number = fields.String()
    title = fields.String()
    upstream_number = fields.String(allow_none=True)
    reason_code = fields.String(allow_none=True)
    sent_at = Moment()


@blp.route("/upstream-callback", methods=["POST"])
@blp.arguments(UpstreamCallbackSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def hear(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record upstream's own call-back: the case closes, or waits for the supervisor"""
    return hear_upstream(stamp(), number, **given | match)


@blp.route("/upstream-moments", methods=["POST"])
@blp.arguments(UpstreamMomentsSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def adjust(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record that upstream has set other moments for an order"""
    return adjust_upstream(stamp(), number, **given | match)


@blp.route("/upstream-return", methods=["POST"])
@blp.arguments(UpstreamReturnSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(201, RequestedSchema)
def send_back(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Ask that a matter go back to the upstream platform"""
    return send_back_upstream(stamp(), number, **given | match)


@blp.route("/upstream-signature", methods=["POST"])
@blp.arguments(NoteNeededSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def signed(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record that upstream has signed for what went back to it"""
    return sign_returned(stamp(), number, **given | match)


@list_blp.route("", methods=["GET"])
@list_blp.arguments(PageQuery, location="query")
@list_blp.response(200, page_of(SentBackSchema))
def list_sent_back(wanted: dict[str, Any]) -> Any:
    """List what went back upstream and is not signed for there"""
    return unsigned_returns(stamp(), **wanted)
