"""Keeps the kinds of items that a phone may send when it has a network again: one row each, schema, command and answer."""

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError, fields
from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Stamp
from app.grid_api.cases import AnswerSchema, MovedSchema
from app.grid_api.looks import LookSchema
from app.grid_api.matters import WordsSchema
from app.grid_api.visits import VisitLoggedSchema, VisitLogSchema
from app.http.fields import Number, Schema
from app.http.problems import field_errors
from app.ledger.commands import answer_case, supplement, supply_info
from app.ledger.intake.codes import by_code
from app.ledger.models import Case
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.verification.looks import record_look
from app.sync.pushing import Done, ItemKind, Sent, ValidationFailed
from app.visits.commands import log_visit
from app.visits.models import Visit
from app.visits.rules import VisitLog


class CaseWordsItemSchema(WordsSchema):
    """Words for a case, written down without a network."""

    number = Number(required=True)


class CaseAnswerItemSchema(AnswerSchema):
    """An answer on the spot, written down without a network."""

    number = Number(required=True)


class CaseLookItemSchema(LookSchema):
    """What was seen on the spot, written down without a network."""

    number = Number(required=True)


def read_by(schema: type[Schema]) -> Callable[[Sent], Any]:
    """Give the reading of an item's body by a schema, its errors named as at the single endpoint."""
    made = schema()

    def read(sent: Sent) -> Any:
        try:
            return made.load(sent.body)
        except ValidationError as wrong:
            raise unfit(wrong) from None

    return read


def unfit(wrong: ValidationError) -> ValidationFailed:
    """Give the refusal of what a schema has refused."""
    messages = wrong.messages
    return ValidationFailed(errors=field_errors(messages if isinstance(messages, dict) else {"body": messages}))


def _visit(stamp: Stamp, _sent: Sent, log: VisitLog) -> Done:
    logged = log_visit(stamp, log)
    return Done(logged.visit.id, _LOGGED.dump(logged), before=logged.replayed)


_read_visit = read_by(VisitLogSchema)
_LOGGED = VisitLoggedSchema()
_MOVED = MovedSchema()


def _visit_told(sent: Sent) -> Any:
    """Read a visit: its key is the item's, the time on the phone that of the sending."""
    told = {"key": str(sent.key), "phone_at": sent.sent_at.isoformat()}
    return _read_visit(Sent(**vars(sent) | {"body": {**sent.body, **told}}))


def _visit_stored(stamp: Stamp, sent: Sent, _log: VisitLog) -> dict[str, Any] | None:
    visit = db.session.scalars(select(Visit).where(Visit.key == sent.key, Visit.staff_id == stamp.actor.id)).first()
    return None if visit is None else StoredVisitSchema().dump(visit)


def _case_kind(schema: type[Schema], command: Callable[..., Case]) -> ItemKind:
    """Give the kind of an item that does something to a case named by its number."""

    def do(stamp: Stamp, _sent: Sent, given: dict[str, Any]) -> Done:
        case = by_code(command, stamp, **given)
        return Done(case.id, _MOVED.dump(case))

    def stored(stamp: Stamp, _sent: Sent, given: dict[str, Any]) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = _MOVED.dump(find_case(stamp, given["number"]))
        except CaseNotFound:
            return None
        return told

    return ItemKind(read=read_by(schema), do=do, stored=stored)


class StoredVisitSchema(Schema):
    """A visit as it is stored under a key that was used again."""

    key = fields.UUID()
    outcome = fields.String()
    household_id = fields.Integer(allow_none=True)
    visited_at = fields.AwareDateTime(format="iso")
    findings = fields.String(allow_none=True)


KINDS: dict[str, ItemKind] = {
    "visit": ItemKind(read=_visit_told, do=_visit, stored=_visit_stored),
    "case_supplement": _case_kind(CaseWordsItemSchema, supplement),
    "case_information": _case_kind(CaseWordsItemSchema, supply_info),
    "case_answer": _case_kind(CaseAnswerItemSchema, answer_case),
    "case_look": _case_kind(CaseLookItemSchema, record_look),
}
"""Every kind of item."""
