"""Keeps what comes again: the same words by the same person within minutes join by themselves, a closed matter is linked."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, func, select, true

from app.core.database import db, lock_rows, table_of
from app.core.errors import Conflict
from app.core.stamp import SYSTEM, Role, Stamp
from app.ledger.county import county
from app.ledger.intake.submission import Receipt
from app.ledger.merging.joining import merge_locked
from app.ledger.merging.mergeable import refusals
from app.ledger.merging.models import CaseText
from app.ledger.merging.texts import shares, wanted_since
from app.ledger.merging.union import parties_of
from app.ledger.models import Case, Report
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.scope import find_case
from app.ledger.vocabulary import OPEN, Action, State

REPLY = "您刚刚反映过同一件事，已与前一次合并办理，两个工单号都可以查询进度。"

LATEST = 10
"""So many of a person's latest reports are compared."""


class RecurrenceUnfit(Conflict):
    """只能关联最近办结的工单"""


class LinkedBefore(Conflict):
    """这个工单已经关联过"""


def join_repeat(stamp: Stamp, receipt: Receipt) -> None:
    """Merge a case that has just been taken in with one in which the same person said the same thing within minutes.

    Done by the system, in the transaction of the intake; the new number answers as well. Both must say the same figures, be of
    one place, and be equally secret, urgent and against the same. Never for anonymous reports, nor for upstream orders.
    """
    ids = [row.case_id for row in _same_person(stamp, receipt) if _says_the_same(row)]
    if not ids:
        return
    *earlier, case = lock_rows(Case, [*ids, receipt.case_id])
    for survivor in reversed(earlier):
        if survivor.state in OPEN - {State.AWAITING_UPSTREAM} and _goes_with(case, survivor):
            if refusals(case, [survivor.id], stamp.at):
                continue
            by_system = Stamp(SYSTEM, Role.SYSTEM, stamp.at, stamp.door)
            merge_locked(by_system, case, survivor, reply=REPLY)
            return


def _statement() -> Select[Any]:
    """Give the statement, made once, for a person's latest reports that say the same figures, with the grams of both texts."""
    mine, before = table_of(Report).alias("mine"), table_of(Report).alias("before")
    text, own = table_of(CaseText).alias("text"), table_of(CaseText).alias("own")
    latest = select(before.c.case_id, before.c.opened_case_id, before.c.received_at)
    latest = latest.where(before.c.concerned_id == mine.c.concerned_id, before.c.id < mine.c.id, ~before.c.me_too)
    latest = latest.where(before.c.withdrawn_at.is_(None)).order_by(before.c.id.desc()).limit(LATEST)
    found = latest.correlate(mine).lateral("latest")
    query = select(found.c.case_id, text.c.grams, own.c.grams.label("own")).select_from(mine).join(found, true())
    query = query.join(own, own.c.case_id == mine.c.case_id)
    query = query.join(text, text.c.case_id == func.coalesce(found.c.opened_case_id, found.c.case_id))
    recent = found.c.received_at >= bindparam("since", type_=before.c.received_at.type)
    return query.where(mine.c.id == bindparam("report_id"), recent, text.c.figures == own.c.figures)


_SAME_PERSON = _statement()


def _same_person(stamp: Stamp, receipt: Receipt) -> list[Any]:
    since = stamp.at - timedelta(minutes=county().repeat_minutes)
    found = db.session.connection().execute(_SAME_PERSON, {"since": since, "report_id": receipt.report_id})
    return list(found)


def _says_the_same(row: Any) -> bool:
    return shares().alike(frozenset(row.grams), frozenset(row.own)) >= county().repeat_likeness


def _goes_with(case: Case, earlier: Case) -> bool:
    """Say whether nothing but the words must be the same: place, secrecy, urgency, whom it is against, where it came from."""
    equal = ("grid_id", "confidential", "hidden_from_grid", "urgency", "upstream_number", "awaiting_rescue")
    same = all(getattr(case, name) == getattr(earlier, name) for name in equal) and parties_of(case) == parties_of(earlier)
    return same and (earlier.category_id is None or case.category_id in (None, earlier.category_id))


def link_recurrence(stamp: Stamp, number: str, *, of: str, version: int | None = None) -> Case:
    """Link an open case to one that was closed lately and is the same thing (重复诉求); both keep their numbers.

    Raises RecurrenceUnfit, LinkedBefore, CaseNotFound.
    """
    case = lock_case(stamp, number, version=version)
    before = find_case(stamp, of)

    def change(_: Stamp) -> Step:
        if case.recurrence_of_id is not None:
            raise LinkedBefore
        closed = before.state is State.CLOSED and before.closed_at is not None and before.closed_at > wanted_since(stamp.at)
        if not closed or before.archived or before.id >= case.id:
            raise RecurrenceUnfit(f"只能关联 {county().recurrence_days} 天内办结、比它早登记的工单")
        if before.confidential and not case.confidential:
            raise RecurrenceUnfit("保密工单不能关联到非保密的工单")
        case.recurrence_of_id = before.id
        return Step(facts={"of": before.number})

    move_case(stamp, case, Action.LINK_RECURRENCE, Words(), change)
    return case
