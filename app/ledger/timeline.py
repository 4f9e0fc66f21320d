"""Keeps timelines: appending entries to a case's hash chain, and proving that no chain was altered."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.core.chain import GENESIS, link, new_salt, words_seal
from app.core.crypto import keyring
from app.core.database import db
from app.core.stamp import Stamp
from app.ledger.models import Case, Entry, EntryWords, Report
from app.ledger.vocabulary import Action, State

FORM = 1
"""The version of the canonical form of an entry."""


def sealed_words(reply: str | None, note: str | None) -> tuple[bytes, bytes] | None:
    """Give a fresh salt and the seal of an entry's words; None when there are none."""
    if not (reply or note):
        return None
    salt = new_salt()
    return salt, words_seal(salt, {"reply": reply or None, "note": note or None})


def entry_record(number: str, columns: dict[str, Any]) -> dict[str, Any]:
    """Give the canonical record of an entry of the case `number` from its columns (no words, no ids of the database)."""
    seal = columns["words_seal"]
    return {
        "case": number,
        "seq": columns["seq"],
        "form": columns["form"],
        "at": columns["at"].astimezone(UTC),
        "actor": columns["actor"],
        "actor_id": columns["actor_id"],
        "role": columns["role"],
        "door": columns["door"],
        "action": columns["action"],
        "from": columns["from_state"],
        "to": columns["to_state"],
        "facts": columns["facts"],
        "words": seal.hex() if seal else None,
    }


def entry_columns(
    stamp: Stamp,
    number: str,
    *,
    seq: int,
    before: bytes,
    action: Action,
    states: tuple[State | None, State],
    facts: dict[str, Any],
    seal: bytes | None,
) -> dict[str, Any]:
    """Give the columns of the next entry of a case, linked to the link `before`."""
    columns: dict[str, Any] = {
        "seq": seq,
        "form": FORM,
        "at": stamp.at,
        "actor": stamp.actor.kind,
        "actor_id": stamp.actor.id,
        "role": stamp.role,
        "door": stamp.door,
        "action": action,
        "from_state": states[0],
        "to_state": states[1],
        "facts": facts,
        "words_seal": seal,
    }
    columns["link"] = link(keyring().audit, before, entry_record(number, columns))
    return columns


def append_entry(
    stamp: Stamp,
    case: Case,
    action: Action,
    *,
    to_state: State | None = None,
    facts: dict[str, Any] | None = None,
    reply: str | None = None,
    note: str | None = None,
) -> Entry:
    """Append an entry to a locked case and move its head on; the case's state becomes `to_state` where given."""
    sealed = sealed_words(reply, note)
    states = (case.state, to_state or case.state)
    entry = Entry(
        case_id=case.id,
        **entry_columns(
            stamp,
            case.number,
            seq=case.entry_count + 1,
            before=case.chain_head,
            action=action,
            states=states,
            facts=facts or {},
            seal=sealed[1] if sealed else None,
        ),
    )
    if sealed:
        entry.words = EntryWords(salt=sealed[0], reply=reply or None, note=note or None)
    case.state = states[1]
    case.entry_count = entry.seq
    case.chain_head = entry.link
    case.version += 1
    db.session.add(entry)
    return entry


@dataclass(frozen=True)
class Break:
    """The first thing wrong in a case's chain."""

    number: str
    seq: int
    what: str


@dataclass
class Verified:
    """How much was checked, and what is broken."""

    cases: int
    entries: int
    breaks: list[Break]


def verify_ledger(*, chunk: int = 2000) -> Verified:
    """Re-compute every chain, in chunks of cases, and name the first broken entry of each broken case."""
    done = Verified(0, 0, [])
    for cases, entries in _chunks(chunk):
        place = 0
        for case in cases:
            mine = []
            while place < len(entries) and entries[place].case_id == case.id:
                mine.append(entries[place])
                place += 1
            done.cases += 1
            done.entries += len(mine)
            broken = _first_break(case, mine)
            if broken:
                done.breaks.append(broken)
    return done


def _chunks(size: int) -> Iterator[tuple[list[Any], list[Any]]]:
    last = 0
    opener = select(func.min(Report.id))
    here = opener.where(Report.case_id == Case.id, Report.opened_case_id.is_(None)).correlate(Case).scalar_subquery()
    moved = opener.where(Report.opened_case_id == Case.id).correlate(Case).scalar_subquery()
    said = aliased(Report)
    body = select(said.body).where(said.id == func.least(here, moved)).correlate(Case).scalar_subquery().label("body")
    heads = (Case.id, Case.number, Case.state, Case.entry_count, Case.chain_head, body)
    lines = (
        Entry.case_id, Entry.seq, Entry.form, Entry.at, Entry.actor, Entry.actor_id, Entry.role, Entry.door, Entry.action,
        Entry.from_state, Entry.to_state, Entry.facts, Entry.words_seal, Entry.link,
        EntryWords.salt, EntryWords.reply, EntryWords.note,
    )  # fmt: skip
    while cases := list(db.session.execute(select(*heads).where(Case.id > last).order_by(Case.id).limit(size))):
        first, last = cases[0].id, cases[-1].id
        query = select(*lines).outerjoin(EntryWords, EntryWords.entry_id == Entry.id)
        query = query.where(Entry.case_id.between(first, last)).order_by(Entry.case_id, Entry.seq)
        yield cases, list(db.session.execute(query))


def _first_break(case: Any, entries: list[Any]) -> Break | None:
    before, state, key = GENESIS, None, keyring().audit
    for expected, entry in enumerate(entries, start=1):
        if entry.seq != expected:
            return Break(case.number, expected, "entry is missing")
        if entry.from_state != state:
            return Break(case.number, expected, "does not go on from the state before it")
        if link(key, before, entry_record(case.number, entry._asdict())) != entry.link:
            return Break(case.number, expected, "entry was altered")
        if entry.words_seal is not None:
            if entry.salt is None:
                return Break(case.number, expected, "words are missing")
            if words_seal(entry.salt, {"reply": entry.reply, "note": entry.note}) != entry.words_seal:
                return Break(case.number, expected, "words were altered")
            if entry.action in (Action.SUBMIT, Action.ARCHIVE) and entry.note != case.body:
                return Break(case.number, expected, "the report does not say what was submitted")
        elif entry.salt is not None:
            return Break(case.number, expected, "words were added")
        before, state = entry.link, entry.to_state
    if len(entries) != case.entry_count:
        return Break(case.number, len(entries) + 1, f"case counts {case.entry_count} entries")
    if before != case.chain_head or state != case.state:
        return Break(case.number, len(entries), "case does not stand where its timeline ends")
    return None
