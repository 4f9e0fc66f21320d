"""Keeps the one statement that stores an intake: case, report, entry, words, clocks and notices, the new ids handed on inside.

The rows of an intake are many and hot: as one statement they cost one round trip. Written with Core, without the ORM.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CTE, Insert, Table, bindparam, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.core.bulk import packed, records
from app.core.database import db, table_of
from app.core.errors import Conflict
from app.ledger.clocks import Deadline
from app.ledger.models import Case, Entry, EntryWords, Report
from app.ledger.timeline import FORM
from app.notices.models import Notice


class AlreadyInLedger(Conflict):
    """这件事项已经登记过"""


_SHARED = {"title": Case.title, "channel": Case.channel, "confidential": Case.confidential, "anonymous": Case.anonymous}
"""What case and report have in common at the start; each is one parameter, as is the moment (`at`) and the body."""

_CASE = ("number", "kind", "category_id", "urgency", "grid_id", "territory_path", "against_paths", "against_staff_id",
         "upstream_number", "next_due_at", "amber_at")  # fmt: skip
_REPORT = ("said_at", "filer_resident_id", "filer_staff_id", "concerned_id", "claim_index", "consent_id", "household_id",
           "place_note", "latitude", "longitude", "raw_point", "source_key")  # fmt: skip
_ENTRY = ("actor", "actor_id", "role", "door", "facts", "words_seal")
_CLOCK = ("clock", "subject", "round", "owner_unit_id", "owner_staff_id", "label", "policy_id", "amount", "starts_at", "warn_at",
          "due_at", "provisional", "next_check_at")  # fmt: skip
_NOTICE = ("key", "recipient", "recipient_id", "template", "params", "digest", "state", "attempts", "next_attempt_at", "created_at")

FROM_SUBMISSION = tuple(column for column in _REPORT if column not in ("said_at", "claim_index"))
"""The columns of a report that are a submission's own."""


def _given(table: Table, columns: Iterable[str]) -> dict[str, Any]:
    """Give a parameter for each column, named after it."""
    return {column: bindparam(column, type_=table.c[column].type) for column in columns}


def _fixed(**columns: str) -> dict[str, Any]:
    """Give columns whose value is the same in every intake; few parameters let the driver keep the statement prepared."""
    return {column: literal_column(value) for column, value in columns.items()}


def _below(table: Table, values: dict[str, Any], parent: CTE, key: str) -> Insert:
    """Give the insert of a row that hangs on the row which `parent` has just inserted."""
    return insert(table).from_select([key, *values], select(parent.c.id, *values.values()), include_defaults=False)


def _hanging(table: Table, columns: tuple[str, ...], case: CTE, name: str, more: dict[str, Any]) -> Insert:
    """Give the insert of the rows of the parameter `name`, all of the case that has just been inserted."""
    rows = records(table, columns, name=name)
    values = [rows.c[column] for column in columns]
    chosen = select(case.c.id, *more.values(), *values).select_from(case).join(rows, literal_column("true"))
    return insert(table).from_select(["case_id", *more, *columns], chosen, include_defaults=False)


def _statement() -> Any:
    case_table, report_table, entry_table, words_table = (table_of(model) for model in (Case, Report, Entry, EntryWords))
    at = bindparam("at", type_=case_table.c.opened_at.type)
    shared = {name: bindparam(name, type_=column.type) for name, column in _SHARED.items()}
    link = bindparam("link", type_=entry_table.c.link.type)
    body = bindparam("body", type_=report_table.c.body.type)
    case = (
        insert(case_table)
        .values(
            _given(case_table, _CASE)
            | shared
            | {"opened_at": at, "chain_head": link, "to_place": bindparam("grid_id", type_=case_table.c.grid_id.type).is_(None)}
            | _fixed(state="'submitted'", archived="false", round="1", heat="1", version="1", entry_count="1")
        )
        .on_conflict_do_nothing(index_elements=[case_table.c.number])
        .returning(case_table.c.id)
        .cte("c")
    )
    of_report = _given(report_table, _REPORT) | shared | {"body": body, "received_at": at}
    report = _below(report_table, of_report, case, "case_id").returning(report_table.c.id).cte("r")
    of_entry = _given(entry_table, _ENTRY) | {"at": at, "link": link}
    of_entry |= _fixed(seq="1", form=str(FORM), action="'submit'", to_state="'submitted'")
    entry = _below(entry_table, of_entry, case, "case_id").returning(entry_table.c.id).cte("e")
    of_words = {"salt": bindparam("salt", type_=words_table.c.salt.type), "note": body}
    words = _below(words_table, of_words, entry, "entry_id").cte("w")
    clocks = _hanging(table_of(Deadline), _CLOCK, case, "clocks", _fixed(level="0") | {"subject_id": case.c.id}).cte("d")
    notices = _hanging(table_of(Notice), _NOTICE, case, "notices", {}).cte("n")
    return select(case.c.id, report.c.id).select_from(case).join(report, literal_column("true")).add_cte(words, clocks, notices)


_STORE = _statement()
"""Kept below 4,096 characters and 50 parameters, beyond which the driver parses a statement anew each time."""
_ONCE = ("uq_case_upstream_number", "uq_report_source_key")


def store(values: dict[str, Any], notices: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Store an intake; give the ids of case and report, or None when the number is taken: nothing is stored then.

    Raises AlreadyInLedger for a source key or upstream number that is in the ledger.
    """
    try:
        row = db.session.connection().execute(_STORE, values | {"notices": packed(notices)}).first()
    except IntegrityError as error:
        if any(name in str(error.orig) for name in _ONCE):
            raise AlreadyInLedger("同一编号的事项已在台账中，请查询原工单") from None
        raise
    return (row[0], row[1]) if row is not None else None
