"""Keeps how history enters the ledger: past appeals as closed, archived cases, in bulk, each once.

What was said bears its own time (`said_at`, `opened_at`, and the date in the case's number); the one entry, `archive`, bears
the import's. No clock runs, nobody is told, nobody is called back. Whose matter it was is kept: each user of the source
system is one resident, whose name there stands sealed and is found again by a blind index, so that a person's appeals stay
together and a dump without the keys names nobody. What was said anonymously names nobody at all; a row without a user is of
unknown origin. Imported residents cannot sign in and are in no grid.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, cast

from sqlalchemy import Table, select, text
from sqlalchemy.dialects.postgresql import insert

from app.core.chain import GENESIS
from app.core.database import db
from app.core.errors import Conflict, Invalid
from app.core.sheets import RowError
from app.core.stamp import Stamp
from app.ledger.catalogue import catalogue
from app.ledger.intake.importing import PastMessage
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case, Entry, EntryWords, Report
from app.ledger.numbers import new_number
from app.ledger.timeline import entry_columns, sealed_words
from app.ledger.vocabulary import Action, Channel, Kind, State, Urgency
from app.ledger.workflow import check_move
from app.people.sources import residents_of_source

_LOCK = 0x4D696E6A
_case, _report, _entry, _words = (cast(Table, model.__table__) for model in (Case, Report, Entry, EntryWords))


class CountyMissing(Conflict):
    """还没有导入单位，请先导入县、乡镇、村"""


@dataclass(frozen=True)
class _Draft:
    """One past appeal with its case and entry, ready to be stored under a number."""

    message: PastMessage
    case: dict[str, Any]
    entry: dict[str, Any]
    salt: bytes


def source_key(source: str, number: str) -> str:
    """Give the key under which a thing of another system stands in the ledger once."""
    return f"{source}:{number}"


def stored_numbers(source: str, numbers: Collection[str]) -> set[str]:
    """Give which of some numbers of another system stand in the ledger already."""
    keys = {source_key(source, number): number for number in numbers}
    return {keys[key] for key in db.session.scalars(select(Report.source_key).where(Report.source_key.in_(keys))) if key}


def archive_messages(stamp: Stamp, messages: Sequence[PastMessage], *, source: str, channel: Channel) -> int:
    """Store past appeals as archived cases in the running transaction; give how many were new.

    One whose number the source has in the ledger already is left as it stands. Raises CountyMissing, NotYourMove.
    """
    _, role = check_move(Action.ARCHIVE, None, stamp.actor.roles())
    stamp = stamp.acting_as(role)
    fresh, residents = _fresh(stamp, messages, source)
    drafts: list[tuple[int, _Draft]] = []
    pending = fresh
    while pending:  # a number that is taken by chance is drawn again
        tried = {draft.case["number"]: draft for draft in (_draft(stamp, message, source, channel) for message in pending)}
        change = insert(_case).on_conflict_do_nothing(index_elements=["number"]).returning(_case.c.number, _case.c.id)
        rows = db.session.connection().execute(change, [draft.case for draft in tried.values()])
        ids: dict[str, int] = dict(rows.all())
        drafts += [(ids[number], draft) for number, draft in tried.items() if number in ids]
        done = {draft.message.number for _, draft in drafts}
        pending = [message for message in pending if message.number not in done]
    _store_below(stamp, drafts, residents, source=source, channel=channel)
    return len(drafts)


def take_in_messages(stamp: Stamp, messages: Sequence[PastMessage], *, source: str, channel: Channel) -> tuple[int, list[RowError]]:
    """Take in appeals as new ones with live clocks, in the running transaction; give how many were new, and the refused rows.

    The limits of new submissions hold. One without a user comes in as said anonymously: there is nobody to tell.
    """
    fresh, residents = _fresh(stamp, messages, source)
    errors: list[RowError] = []
    for message in fresh:
        resident = residents.get(message.user or "")
        submission = Submission(
            channel=channel,
            title=message.title,
            body=message.body,
            category_id=message.category_id,
            filer_resident_id=resident,
            concerned_id=resident,
            said_at=message.said_at,
            anonymous=resident is None,
            source_key=source_key(source, message.number),
        )
        try:
            take_in(stamp, submission)
        except Invalid as refusal:  # raised before anything is written
            wrong = [(name, "；".join(words)) for name, words in refusal.errors.items()] or [("", str(refusal))]
            errors += [RowError(message.line, name, words) for name, words in wrong]
    return len(fresh) - len({error.line for error in errors}), errors


def _fresh(stamp: Stamp, messages: Iterable[PastMessage], source: str) -> tuple[list[PastMessage], dict[str, int]]:
    """Give the messages that the ledger lacks, each number once, and the residents of their users; other imports wait."""
    if catalogue().county_id is None:
        raise CountyMissing
    db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    once = {message.number: message for message in reversed(list(messages))}
    there = stored_numbers(source, once)
    fresh = [message for number, message in reversed(once.items()) if number not in there]
    return fresh, residents_of_source(stamp, source, {message.user for message in fresh if message.user})


def _draft(stamp: Stamp, message: PastMessage, source: str, channel: Channel) -> _Draft:
    number = new_number(message.said_at)
    sealed = sealed_words(message.reply, message.body)
    assert sealed is not None
    facts: dict[str, Any] = {
        "channel": channel,
        "source": source_key(source, message.number),
        "said_at": message.said_at.astimezone(UTC).isoformat(),
    }
    if message.removed:
        facts["control_characters_removed"] = message.removed
    states = (None, State.CLOSED)
    entry = entry_columns(stamp, number, seq=1, before=GENESIS, action=Action.ARCHIVE, states=states, facts=facts, seal=sealed[1])
    case = {
        "number": number,
        "state": State.CLOSED,
        "channel": channel,
        "title": message.title,
        "kind": Kind.OTHER,
        "category_id": message.category_id,
        "urgency": Urgency.NORMAL,
        "territory_path": catalogue().county_path,
        "confidential": False,
        "anonymous": message.anonymous,
        "archived": True,
        "round": 1,
        "heat": 1,
        "opened_at": message.said_at,
        "closed_at": message.replied_at,
        "version": 1,
        "entry_count": 1,
        "chain_head": entry["link"],
    }
    return _Draft(message, case, entry, sealed[0])


def _store_below(
    stamp: Stamp, drafts: list[tuple[int, _Draft]], residents: dict[str, int], *, source: str, channel: Channel
) -> None:
    if not drafts:
        return
    connection = db.session.connection()
    reports = [_report_row(stamp, case_id, draft.message, residents, source, channel) for case_id, draft in drafts]
    connection.execute(insert(_report), reports)
    entries = insert(_entry).returning(_entry.c.id, sort_by_parameter_order=True)
    ids = list(connection.scalars(entries, [{"case_id": case_id, **draft.entry} for case_id, draft in drafts]))
    words = [
        {"entry_id": entry_id, "salt": draft.salt, "reply": draft.message.reply, "note": draft.message.body}
        for entry_id, (_, draft) in zip(ids, drafts, strict=True)
    ]
    connection.execute(insert(_words), words)


def _report_row(
    stamp: Stamp, case_id: int, message: PastMessage, residents: dict[str, int], source: str, channel: Channel
) -> dict[str, Any]:
    resident = residents.get(message.user or "")
    return {
        "case_id": case_id,
        "channel": channel,
        "title": message.title,
        "body": message.body,
        "said_at": message.said_at,
        "received_at": stamp.at,
        "filer_resident_id": resident,
        "concerned_id": resident,
        "anonymous": message.anonymous,
        "confidential": False,
        "source_key": source_key(source, message.number),
    }
