"""Keeps the kinds of items that a phone may send when it has a network again: one row each, schema, command and answer."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from marshmallow import Schema as MarshmallowSchema
from marshmallow import ValidationError, fields
from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Stamp
from app.grid_api.cases import AnswerSchema, MovedSchema
from app.grid_api.looks import LookSchema
from app.grid_api.matters import WordsSchema
from app.grid_api.sync_rows import KeptHouseholdSchema, KeptResidentSchema
from app.grid_api.tasks import VisitCancelledSchema, VisitTaskEndedSchema
from app.grid_api.visits import VisitLoggedSchema, VisitLogSchema
from app.http import roster_fields as roster
from app.http.fields import Moment, Number, Schema, row_id
from app.http.problems import field_errors
from app.ledger.commands import answer_case, supplement, supply_info
from app.ledger.intake.codes import by_code
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.verification.looks import record_look
from app.people.roster import commands, residents, tags
from app.sync.items import Done, ItemKind, Sent, ValidationFailed
from app.sync.models import SyncedKind
from app.sync.pulling import kept_now
from app.visits import leaving
from app.visits.commands import log_visit, settle_visits
from app.visits.decisions import VisitTaskNotFound, cancel_task, find_task
from app.visits.homes import Homes
from app.visits.models import Visit
from app.visits.rules import VisitLog


class CaseTargetSchema(Schema):
    """Which case an item is about."""

    number = Number(required=True)


class HouseholdTargetSchema(Schema):
    """Which household an item is about."""

    household_id = row_id(required=True)


class ResidentTargetSchema(Schema):
    """Which resident an item is about."""

    resident_id = row_id(required=True)


class TaskTargetSchema(Schema):
    """Which visit to be made an item is about."""

    task_id = row_id(required=True)


class StoredVisitSchema(Schema):
    """A visit as it is stored under a key that was used again."""

    key = fields.UUID()
    outcome = fields.String()
    household_id = fields.Integer(allow_none=True)
    visited_at = Moment()
    findings = fields.String(allow_none=True)


def unfit(wrong: ValidationError) -> ValidationFailed:
    """Give the refusal of what a schema has refused, its fields named as at the single endpoint."""
    messages = wrong.messages
    return ValidationFailed(errors=field_errors(messages if isinstance(messages, dict) else {"body": messages}))


def _load(schema: MarshmallowSchema, body: Any) -> Any:
    try:
        return schema.load(body)
    except ValidationError as wrong:
        raise unfit(wrong) from None


_VISIT, _LOGGED, _STORED_VISIT = VisitLogSchema(), VisitLoggedSchema(), StoredVisitSchema()
_MOVED, _ENDED_TASK = MovedSchema(), VisitTaskEndedSchema()


def _visit_told(sent: Sent) -> VisitLog:
    """Read a visit: its key and the time when it was written down are the item's, the time of its sending the batch's."""
    told = {**sent.body, "key": str(sent.key), "phone_at": sent.phone_at.isoformat()}
    log: VisitLog = _load(_VISIT, told)
    return replace(log, sent_at=sent.sent_at)


def _homes(stamp: Stamp, visits: Sequence[Sent]) -> Homes:
    """Lock the households of a batch's visits and the residents whom they name, in order."""
    people = [each for sent in visits for each in (sent.body.get("resident_id"), *_listed(sent.body.get("met_ids")))]
    return Homes(stamp, _ids(sent.body.get("household_id") for sent in visits), _ids(people))


def _listed(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []


def _ids(told: Iterable[Any]) -> set[int]:
    return {each for each in told if type(each) is int and 0 < each < 2**63}


def _visit(stamp: Stamp, _sent: Sent, log: VisitLog, homes: Homes) -> Done:
    logged = log_visit(stamp, log, settle=False, homes=homes)
    db.session.flush()
    return Done(logged.visit.id, None, before=logged.replayed, made=logged)


def _settle(stamp: Stamp, visits: Sequence[Done]) -> None:
    """Let the visits of a batch count for the tasks of their households, all at once."""
    for done, logged in zip(visits, settle_visits(stamp, [done.made for done in visits]), strict=True):
        done.answer = _LOGGED.dump(logged)


def _visit_stored(stamp: Stamp, sent: Sent, _log: VisitLog) -> dict[str, Any] | None:
    visit = db.session.scalars(select(Visit).where(Visit.key == sent.key, Visit.staff_id == stamp.actor.id)).first()
    return None if visit is None else dict(_STORED_VISIT.dump(visit))


def _about(target: type[Schema], schema: type[Schema]) -> Callable[[Sent], tuple[Any, Any]]:
    """Give the reading of an item about a row: which one, and what the single endpoint's schema makes of the rest."""
    whose, rest = target(), schema()
    (name,) = whose.fields

    def read(sent: Sent) -> tuple[Any, Any]:
        told = {key: value for key, value in sent.body.items() if key != name}
        return _load(whose, {name: sent.body[name]} if name in sent.body else {})[name], _load(rest, told)

    return read


def _of_case(schema: type[Schema], command: Callable[..., Any]) -> ItemKind:
    """Give the kind of an item that does something to a case."""

    def do(stamp: Stamp, _sent: Sent, given: tuple[str, dict[str, Any]], _begun: None) -> Done:
        case = by_code(command, stamp, given[0], **given[1])
        return Done(case.id, _MOVED.dump(case))

    def stored(stamp: Stamp, _sent: Sent, given: tuple[str, Any]) -> dict[str, Any] | None:
        try:
            return dict(_MOVED.dump(find_case(stamp, given[0])))
        except CaseNotFound:
            return None

    return ItemKind(read=_about(CaseTargetSchema, schema), do=do, stored=stored)


def _cancel_task(stamp: Stamp, _sent: Sent, given: tuple[int, dict[str, Any]], _begun: None) -> Done:
    task = cancel_task(stamp, given[0], **given[1])
    return Done(task.id, dict(_ENDED_TASK.dump(task)))


def _task_stored(stamp: Stamp, _sent: Sent, given: tuple[int, Any]) -> dict[str, Any] | None:
    try:
        return dict(_ENDED_TASK.dump(find_task(stamp, given[0])))
    except VisitTaskNotFound:
        return None


_KEPT: dict[SyncedKind, MarshmallowSchema] = {
    SyncedKind.HOUSEHOLD: KeptHouseholdSchema(),
    SyncedKind.RESIDENT: KeptResidentSchema(),
}


def _kept(stamp: Stamp, kind: SyncedKind, row: int) -> dict[str, Any] | None:
    found = kept_now(stamp, kind, row)
    return None if found is None else dict(_KEPT[kind].dump(found))


def _of_roster(
    kind: SyncedKind, schema: type[Schema], command: Callable[..., Any], *, target: type[Schema] | None = None, makes: bool = False
) -> ItemKind:
    """Give the kind of an item that changes a household or a resident, or makes one; its answer is the row as a phone keeps it."""
    whole = schema()
    read = _about(target, schema) if target is not None else lambda sent: (None, _load(whole, sent.body))

    def do(stamp: Stamp, _sent: Sent, given: tuple[int | None, Any], _begun: None) -> Done:
        about, said = given
        which = [] if about is None else [about]
        row = command(stamp, *which, **said) if isinstance(said, dict) else command(stamp, *which, said)
        db.session.flush()
        return Done(row.id, _kept(stamp, kind, row.id) or {"id": row.id})

    def stored(stamp: Stamp, _sent: Sent, given: tuple[int | None, Any]) -> dict[str, Any] | None:
        return None if given[0] is None or makes else _kept(stamp, kind, given[0])

    return ItemKind(read=read, do=do, stored=stored, makes=kind if makes else None)


_HOUSEHOLD, _RESIDENT = SyncedKind.HOUSEHOLD, SyncedKind.RESIDENT
_HOME, _SOMEBODY = HouseholdTargetSchema, ResidentTargetSchema

KINDS: dict[str, ItemKind] = {
    "visit": ItemKind(read=_visit_told, do=_visit, stored=_visit_stored, begin=_homes, upset=Homes.all_changed, finish=_settle),
    "household_add": _of_roster(_HOUSEHOLD, roster.HouseholdGivenSchema, commands.enter_household, makes=True),
    "household_edit": _of_roster(_HOUSEHOLD, roster.HouseholdEditSchema, leaving.edit_home, target=_HOME),
    "household_move": _of_roster(_HOUSEHOLD, roster.HouseholdMoveSchema, leaving.move_home, target=_HOME),
    "household_end": _of_roster(_HOUSEHOLD, roster.HouseholdEndSchema, leaving.end_home, target=_HOME),
    "resident_add": _of_roster(_RESIDENT, roster.ResidentGivenSchema, residents.enter_resident, target=_HOME, makes=True),
    "resident_edit": _of_roster(_RESIDENT, roster.ResidentEditSchema, residents.edit_resident, target=_SOMEBODY),
    "resident_move": _of_roster(_RESIDENT, roster.ResidentMoveSchema, leaving.move_to, target=_SOMEBODY),
    "resident_end": _of_roster(_RESIDENT, roster.ResidentEndSchema, leaving.take_off, target=_SOMEBODY),
    "resident_restore": _of_roster(_RESIDENT, roster.ResidentVersionSchema, leaving.put_back, target=_SOMEBODY),
    "tag_put": _of_roster(_RESIDENT, roster.TagGivenSchema, tags.put_tag, target=_SOMEBODY),
    "tag_end": _of_roster(_RESIDENT, roster.TagEndSchema, tags.end_tag, target=_SOMEBODY),
    "task_cancel": ItemKind(
        read=_about(TaskTargetSchema, VisitCancelledSchema), do=_cancel_task, stored=_task_stored, after=("visit",)
    ),
    "case_supplement": _of_case(WordsSchema, supplement),
    "case_information": _of_case(WordsSchema, supply_info),
    "case_answer": _of_case(AnswerSchema, answer_case),
    "case_look": _of_case(LookSchema, record_look),
}
"""Every kind of item."""
