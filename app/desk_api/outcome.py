"""Keeps the moves after handling: review, call-back, triage, reopening, and the word of the upstream platform."""

from typing import Any

from marshmallow import fields, post_load, validate

from app.core.stamp import Door
from app.desk_api.shown import MovedSchema
from app.desk_api.versions import IfMatch, MoveSchema
from app.http.auth import staff, stamp
from app.http.blueprint import DoorBlueprint
from app.http.fields import Word, row_id, text
from app.ledger.callbacks.answers import Verdict, attempt_callback, confirm_upstream, record_callback
from app.ledger.handling import pass_result, send_back
from app.ledger.rounds.reopening import reopen_case
from app.ledger.rounds.settling import mark_settled
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.vocabulary import Satisfaction

blp = DoorBlueprint("outcome", door=Door.DESK, prefix="/cases/<number>", auth=staff(Door.DESK), tag="核验和回访")

WORDS = 4000


def _mark() -> fields.Integer:
    return fields.Integer(validate=validate.Range(min=1, max=5), load_default=None, allow_none=True)


class NoteSchema(MoveSchema):
    """A note for the file, if there is one."""

    note = text(WORDS)


class NoteNeededSchema(MoveSchema):
    """A note for the file."""

    note = text(WORDS, required=True)


class TriageSchema(NoteNeededSchema):
    """Handle it again in half the term, or with more time: the whole term, or `amount` of its unit.

    `reply` is told to the person.
    """

    verdict = Word(Triage, required=True)
    reply = text(WORDS)
    amount = fields.Integer(validate=validate.Range(min=1, max=400))


class ReopeningSchema(MoveSchema):
    """New facts, or why the case is opened again."""

    words = text(WORDS, required=True)


class SettledSchema(NoteNeededSchema):
    """What the person reads, and why the matter is not taken up again without new facts."""

    reply = text(WORDS, required=True)


class AttemptSchema(NoteSchema):
    """Who could not be reached; of several reporters, whose report it is."""

    report_id = row_id()


class CallbackGivenSchema(AttemptSchema):
    """What the person says; the aspects go from 1 (poor) to 5 (good)."""

    contacted = fields.Boolean(required=True)
    solved = fields.Boolean(required=True)
    satisfaction = Word(Satisfaction, required=True)
    attitude = _mark()
    competence = _mark()
    convenience = _mark()
    speed = _mark()

    @post_load
    def gather(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the marks in one verdict."""
        verdict = Verdict(**{name: given.pop(name) for name in Verdict.__dataclass_fields__})
        return given | {"verdict": verdict}


@blp.route("/review/pass", methods=["POST"])
@blp.arguments(NoteSchema, required=False)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def pass_review(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Pass a result at review"""
    return pass_result(stamp(), number, **given | match)


@blp.route("/review/send-back", methods=["POST"])
@blp.arguments(NoteNeededSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def send_back_at_review(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Send a result back with a reason; the same clock runs on"""
    return send_back(stamp(), number, **given | match)


@blp.route("/callback-attempts", methods=["POST"])
@blp.arguments(AttemptSchema, required=False)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def attempt(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record that the person could not be reached"""
    return attempt_callback(stamp(), number, **given | match)


@blp.route("/callbacks", methods=["POST"])
@blp.arguments(CallbackGivenSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def call_back(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record what a person said; when all were heard the case closes, or waits for the triage of the dissatisfied"""
    return record_callback(stamp(), number, **given | match)


@blp.route("/upstream-confirmation", methods=["POST"])
@blp.arguments(NoteNeededSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def confirm(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Record that the upstream platform has accepted the result"""
    return confirm_upstream(stamp(), number, **given | match)


@blp.route("/triage", methods=["POST"])
@blp.arguments(TriageSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def triage(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Send a case whose person is dissatisfied into its next round"""
    return triage_case(stamp(), number, **given | match)


@blp.route("/reopening", methods=["POST"])
@blp.arguments(ReopeningSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def reopen(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Open a closed case again"""
    return reopen_case(stamp(), number, **given | match)


@blp.route("/settlement", methods=["POST"])
@blp.arguments(SettledSchema)
@blp.arguments(IfMatch, location="headers")
@blp.response(200, MovedSchema)
def settle(given: dict[str, Any], match: dict[str, Any], number: str) -> Any:
    """Mark a matter as not taken up again without new facts"""
    return mark_settled(stamp(), number, **given | match)
