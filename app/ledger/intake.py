"""Keeps the one intake: every report, whatever its source, becomes report, case, entry, clocks and notices in one transaction.

The rows of an intake are many and hot, so they are written with Core inserts: case, report, entry and words in one
statement whose parts hand the new ids on.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CTE, Insert, Table, bindparam, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.core.chain import GENESIS
from app.core.crypto import keyring
from app.core.database import db, table_of
from app.core.errors import Conflict
from app.core.stamp import Stamp
from app.ledger.audiences import shift_heads
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.county import county, danger_in
from app.ledger.deadlines import ClockFor, clock_row
from app.ledger.models import Case, Entry, EntryWords, Report
from app.ledger.numbers import new_claim_code, new_number
from app.ledger.recusal import against, is_staff_against
from app.ledger.submission import Receipt, Submission, check_persons, fit_words
from app.ledger.timeline import FORM, entry_columns, sealed_words
from app.ledger.vocabulary import Action, Kind, State, Subject, Urgency, label
from app.ledger.workflow import MOVES, check_move
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row


class AlreadyInLedger(Conflict):
    """这件事项已经登记过"""


_SHARED = {"title": Case.title, "channel": Case.channel, "confidential": Case.confidential, "anonymous": Case.anonymous}
"""What case and report have in common at the start; each is one parameter, as is the moment (`at`) and the body."""

_CASE = ("number", "kind", "category_id", "urgency", "grid_id", "territory_path", "against_paths", "against_staff_id",
         "upstream_number", "chain_head")  # fmt: skip
_REPORT = ("said_at", "filer_resident_id", "filer_staff_id", "concerned_id", "claim_index", "consent_id", "household_id",
           "place_note", "latitude", "longitude", "raw_point", "source_key")  # fmt: skip
_ENTRY = ("actor", "actor_id", "role", "door", "facts", "words_seal")


def _given(table: Table, columns: Iterable[str]) -> dict[str, Any]:
    """Give a parameter for each column, named after it."""
    return {column: bindparam(column, type_=table.c[column].type) for column in columns}


def _fixed(**columns: str) -> dict[str, Any]:
    """Give columns whose value is the same in every intake; few parameters let the driver keep the statement prepared."""
    return {column: literal_column(value) for column, value in columns.items()}


def _below(table: Table, values: dict[str, Any], parent: CTE, key: str) -> Insert:
    """Give the insert of a row that hangs on the row which `parent` has just inserted."""
    return insert(table).from_select([key, *values], select(parent.c.id, *values.values()), include_defaults=False)


def _statement() -> Any:
    case_table, report_table, entry_table, words_table = (table_of(model) for model in (Case, Report, Entry, EntryWords))
    at = bindparam("at", type_=case_table.c.opened_at.type)
    shared = {name: bindparam(name, type_=column.type) for name, column in _SHARED.items()}
    body = bindparam("body", type_=report_table.c.body.type)
    case = (
        insert(case_table)
        .values(
            _given(case_table, _CASE)
            | shared
            | {"opened_at": at}
            | _fixed(state="'submitted'", archived="false", round="1", heat="1", version="1", entry_count="1")
        )
        .on_conflict_do_nothing(index_elements=[case_table.c.number])
        .returning(case_table.c.id)
        .cte("new_case")
    )
    of_report = _given(report_table, _REPORT) | shared | {"body": body, "received_at": at}
    report = _below(report_table, of_report, case, "case_id").returning(report_table.c.id).cte("new_report")
    of_entry = _given(entry_table, _ENTRY) | {"at": at, "link": bindparam("chain_head", type_=entry_table.c.link.type)}
    of_entry |= _fixed(seq="1", form=str(FORM), action="'submit'", from_state="NULL", to_state="'submitted'")
    entry = _below(entry_table, of_entry, case, "case_id").returning(entry_table.c.id).cte("new_entry")
    of_words = {"salt": bindparam("salt", type_=words_table.c.salt.type), "note": body}
    words = _below(words_table, of_words, entry, "entry_id").returning(literal_column("1").label("one")).cte("new_words")
    return select(case.c.id, report.c.id).select_from(case).join(report, literal_column("true")).add_cte(words)


_TAKE_IN = _statement()
_START_CLOCKS = insert(table_of(Deadline))


def take_in(stamp: Stamp, submission: Submission) -> Receipt:
    """Store a submission as a report in a case of its own, with its first entry, its clocks and its notices.

    Raises WordsUnfit, ConcernMissing, UnknownCategory, UnknownGrid, UnknownParty, AlreadyInLedger (a source key or upstream
    number that is in the ledger).
    """
    move, role = check_move(Action.SUBMIT, None, stamp.actor.roles())
    stamp = stamp if stamp.role in move.roles else stamp.acting_as(role)
    held, settings = catalogue(), county()
    check_persons(submission)
    title, body = fit_words(submission, settings)
    facts_of_category = held.category(submission.category_id) if submission.category_id is not None else None
    territory = held.grid_path(submission.grid_id) if submission.grid_id is not None else held.county_path
    paths, staff_id = None, None
    if submission.against_unit_id is not None or submission.against_staff_id is not None:
        paths, staff_id = against(submission.against_unit_id, submission.against_staff_id, county_id=held.county_id)
    urgent = submission.urgency is Urgency.URGENT or (facts_of_category is not None and facts_of_category.urgent)
    confidential = submission.confidential or submission.kind is Kind.TIP_OFF
    needs_code = submission.anonymous or submission.filer_resident_id is None
    dangers = danger_in(title + "\n" + body, settings.danger_words)
    facts: dict[str, Any] = {"channel": submission.channel, "kind": submission.kind}
    if dangers:
        facts["danger"] = list(dangers)

    values: dict[str, Any] = {
        **{column: getattr(submission, column) for column in _REPORT if hasattr(submission, column)},
        "title": title,
        "body": body,
        "channel": submission.channel,
        "kind": submission.kind,
        "category_id": submission.category_id,
        "urgency": Urgency.URGENT if urgent else Urgency.NORMAL,
        "grid_id": submission.grid_id,
        "territory_path": territory,
        "confidential": confidential,
        "anonymous": submission.anonymous,
        "against_paths": paths,
        "against_staff_id": staff_id,
        "upstream_number": submission.upstream_number,
        "said_at": submission.said_at or stamp.at,
        "at": stamp.at,
    }
    receipt = _store(stamp, values, facts, needs_code=needs_code)
    _start_clocks(stamp, receipt.case_id, values)
    _tell(stamp, receipt, submission, dangers, paths=paths, against_staff_id=staff_id)
    return receipt


def _store(stamp: Stamp, values: dict[str, Any], facts: dict[str, Any], *, needs_code: bool) -> Receipt:
    sealed = sealed_words(None, values["body"])
    assert sealed is not None
    values["salt"] = sealed[0]
    while True:
        number = new_number(stamp.at)
        code = new_claim_code() if needs_code else None
        entry = entry_columns(
            stamp, number, seq=1, before=GENESIS, action=Action.SUBMIT, states=(None, State.SUBMITTED), facts=facts, seal=sealed[1]
        )
        values |= {column: entry[column] for column in _ENTRY}
        values |= {"number": number, "chain_head": entry["link"], "claim_index": claim_index(number, code) if code else None}
        try:
            row = db.session.execute(_TAKE_IN, values).first()
        except IntegrityError as error:
            if "uq_case_upstream_number" in str(error.orig) or "uq_report_source_key" in str(error.orig):
                raise AlreadyInLedger("同一编号的事项已在台账中，请查询原工单") from None
            raise
        if row is not None:
            return Receipt(row[0], row[1], number, code)


def claim_index(number: str, code: str) -> bytes:
    """Give the blind index under which a report keeps its claim code."""
    return keyring().blind(f"{number}:{code}", field="claim_code")


def _start_clocks(stamp: Stamp, case_id: int, values: dict[str, Any]) -> None:
    county_id = catalogue().county_id
    rows = []
    for clock in MOVES[Action.SUBMIT].starts:
        wanted = ClockFor(clock, Subject.CASE, values["kind"], values["urgency"], values["category_id"], label(clock), county_id)
        rows.append({**clock_row(wanted, stamp.at), "subject_id": case_id, "case_id": case_id, "level": 0})
    db.session.connection().execute(_START_CLOCKS, rows)


def _tell(
    stamp: Stamp,
    receipt: Receipt,
    submission: Submission,
    dangers: tuple[str, ...],
    *,
    paths: list[str] | None,
    against_staff_id: int | None,
) -> None:
    rows = []
    key = f"{receipt.number}:1"
    if submission.concerned_id is not None:
        to = (Recipient.RESIDENT, submission.concerned_id)
        params = {"number": receipt.number}
        rows.append(notice_row(key, to=to, template="submit", params=params, case_id=receipt.case_id, at=stamp.at))
    if dangers:
        params = {"number": receipt.number, "word": dangers[0]}
        rows += [
            notice_row(
                f"{key}:danger", to=(Recipient.STAFF, head), template="danger", params=params, case_id=receipt.case_id, at=stamp.at
            )
            for head in shift_heads()
            if not is_staff_against(head, paths, against_staff_id)
        ]
    file_notices(rows)
