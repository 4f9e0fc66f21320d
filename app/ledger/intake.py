"""Keeps the one intake: every report, whatever its source, becomes report, case, entry, clocks and notices in one transaction.

The rows of an intake are many and hot, so they are written with Core inserts: case, report, entry and words in one
statement whose parts hand the new ids on.
"""

from typing import Any

from sqlalchemy import CTE, Insert, Table, bindparam, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.core.chain import GENESIS
from app.core.crypto import keyring
from app.core.database import db
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
from app.ledger.timeline import entry_columns, sealed_words
from app.ledger.vocabulary import Action, Kind, State, Subject, Urgency, label
from app.ledger.workflow import MOVES, check_move
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row


class AlreadyInLedger(Conflict):
    """这件事项已经登记过"""


_CASE = ("number", "state", "channel", "title", "kind", "category_id", "urgency", "grid_id", "territory_path", "confidential",
         "anonymous", "archived", "against_paths", "against_staff_id", "upstream_number", "round", "heat", "opened_at", "version",
         "entry_count", "chain_head")  # fmt: skip
_REPORT = ("channel", "title", "body", "said_at", "received_at", "filer_resident_id", "filer_staff_id", "concerned_id", "anonymous",
           "confidential", "claim_index", "consent_id", "household_id", "place_note", "latitude", "longitude", "raw_point",
           "source_key")  # fmt: skip
_ENTRY = (
    "seq",
    "form",
    "at",
    "actor",
    "actor_id",
    "role",
    "door",
    "action",
    "from_state",
    "to_state",
    "facts",
    "words_seal",
    "link",
)
_WORDS = ("salt", "reply", "note")


def _below(table: Table, prefix: str, columns: tuple[str, ...], parent: CTE, key: str) -> Insert:
    """Give the insert of a row that hangs on the row which `parent` has just inserted."""
    values = [bindparam(f"{prefix}_{column}", type_=table.c[column].type) for column in columns]
    return insert(table).from_select([key, *columns], select(parent.c.id, *values), include_defaults=False)


def _statement() -> Any:
    tables = [model.__table__ for model in (Case, Report, Entry, EntryWords)]
    case_table, report_table, entry_table, words_table = (table for table in tables if isinstance(table, Table))
    values = {column: bindparam(f"case_{column}", type_=case_table.c[column].type) for column in _CASE}
    case = (
        insert(case_table)
        .values(values)
        .on_conflict_do_nothing(index_elements=[case_table.c.number])
        .returning(case_table.c.id)
        .cte("new_case")
    )
    report = _below(report_table, "report", _REPORT, case, "case_id").returning(report_table.c.id).cte("new_report")
    entry = _below(entry_table, "entry", _ENTRY, case, "case_id").returning(entry_table.c.id).cte("new_entry")
    words = _below(words_table, "words", _WORDS, entry, "entry_id").returning(literal(1)).cte("new_words")
    return select(case.c.id, report.c.id).select_from(case).join(report, literal(value=True)).add_cte(words)


_TAKE_IN = _statement()


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

    case: dict[str, Any] = {
        "state": State.SUBMITTED,
        "channel": submission.channel,
        "title": title,
        "kind": submission.kind,
        "category_id": submission.category_id,
        "urgency": Urgency.URGENT if urgent else Urgency.NORMAL,
        "grid_id": submission.grid_id,
        "territory_path": territory,
        "confidential": confidential,
        "anonymous": submission.anonymous,
        "archived": False,
        "against_paths": paths,
        "against_staff_id": staff_id,
        "upstream_number": submission.upstream_number,
        "round": 1,
        "heat": 1,
        "opened_at": stamp.at,
        "version": 1,
        "entry_count": 1,
    }
    report: dict[str, Any] = {
        **{column: getattr(submission, column) for column in _REPORT if hasattr(submission, column)},
        "title": title,
        "body": body,
        "said_at": submission.said_at or stamp.at,
        "received_at": stamp.at,
        "confidential": confidential,
    }
    receipt = _store(stamp, case, report, facts, needs_code=needs_code)
    _start_clocks(stamp, receipt.case_id, case)
    _tell(stamp, receipt, submission, dangers, paths=paths, against_staff_id=staff_id)
    return receipt


def _store(stamp: Stamp, case: dict[str, Any], report: dict[str, Any], facts: dict[str, Any], *, needs_code: bool) -> Receipt:
    sealed = sealed_words(None, report["body"])
    assert sealed is not None
    words = {"words_salt": sealed[0], "words_reply": None, "words_note": report["body"]}
    while True:
        number = new_number(stamp.at)
        code = new_claim_code() if needs_code else None
        entry = entry_columns(
            stamp, number, seq=1, before=GENESIS, action=Action.SUBMIT, states=(None, State.SUBMITTED), facts=facts, seal=sealed[1]
        )
        values = {f"case_{column}": value for column, value in case.items()}
        values |= {f"report_{column}": value for column, value in report.items()}
        values |= {f"entry_{column}": value for column, value in entry.items()}
        values |= words
        values["case_number"], values["case_chain_head"] = number, entry["link"]
        values["report_claim_index"] = claim_index(number, code) if code else None
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


def _start_clocks(stamp: Stamp, case_id: int, case: dict[str, Any]) -> None:
    county_id = catalogue().county_id
    rows = []
    for clock in MOVES[Action.SUBMIT].starts:
        wanted = ClockFor(clock, Subject.CASE, case["kind"], case["urgency"], case["category_id"], label(clock), county_id)
        rows.append({**clock_row(wanted, stamp.at), "subject_id": case_id, "case_id": case_id, "level": 0})
    db.session.execute(insert(Deadline), rows)


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
