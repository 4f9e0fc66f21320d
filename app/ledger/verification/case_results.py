"""Keeps the results of a case by round, so that an earlier round's stays readable beside the present one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.core.database import db
from app.ledger.models import Case, Entry, EntryWords
from app.ledger.vocabulary import Action, State

_AGAIN = frozenset({State.AWAITING_CALLBACK, State.CLOSED})
_ON_THE_ROAD = frozenset({State.ACCEPTED, State.IN_PROGRESS})


@dataclass(frozen=True, kw_only=True)
class RoundResult:
    """A result or direct answer: in which round, what the person was told, the note, the unit's word, and whether it passed.

    `passed` is None while nobody has reviewed it; a direct answer needs no review.
    """

    round: int
    at: datetime
    action: Action
    reply: str | None
    note: str | None
    solved: bool | None
    passed: bool | None


def results_by_round(case: Case) -> list[RoundResult]:
    """Give the results and direct answers of a case, oldest first; a round begins where a case leaves its call-back or its end."""
    query = select(Entry.at, Entry.action, Entry.from_state, Entry.to_state, Entry.facts, EntryWords.reply, EntryWords.note)
    query = query.outerjoin(EntryWords, EntryWords.entry_id == Entry.id).where(Entry.case_id == case.id).order_by(Entry.seq)
    found: list[RoundResult] = []
    place = 1
    for row in db.session.execute(query.where(Entry.action.in_(_TOLD) | (Entry.from_state.in_(_AGAIN)))):
        if row.from_state in _AGAIN and row.to_state in _ON_THE_ROAD:
            place += 1
        if row.action in (Action.PASS, Action.SEND_BACK) and found:
            found[-1] = RoundResult(**{**vars(found[-1]), "passed": row.action is Action.PASS})
        elif row.action in (Action.SUBMIT_RESULT, Action.ANSWER):
            direct = row.action is Action.ANSWER
            solved = True if direct else row.facts.get("solved")
            found.append(
                RoundResult(
                    round=place, at=row.at, action=row.action, reply=row.reply, note=row.note, solved=solved,
                    passed=True if direct else None,
                )
            )  # fmt: skip
    return found


_TOLD = (Action.SUBMIT_RESULT, Action.ANSWER, Action.PASS, Action.SEND_BACK)
