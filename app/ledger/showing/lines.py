"""Keeps the timeline of a case as its followers are told it: in general words, the replies, and their own words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, null, or_, select
from sqlalchemy import case as when

from app.core.database import db
from app.core.stamp import ActorKind, Role, Stamp
from app.files.models import FileSubject
from app.files.showing import FileShown, files_of
from app.ledger.labels import label
from app.ledger.models import Entry, EntryWords
from app.ledger.vocabulary import Action, Clock


@dataclass(frozen=True)
class Line:
    """One line of a timeline as it is told: when, what, by whom in general words, and the words for the person or their own.

    `files` are those told with the reply, or their own.
    """

    at: datetime
    action: Action
    what: str
    who: str
    words: str | None
    files: Sequence[FileShown] = ()


_INTERNAL = frozenset({
    Action.ASK_REJECT, Action.ASK_REDIRECT, Action.REFUSE_REQUEST, Action.SIGN_ASSIST, Action.SUBMIT_ASSIST, Action.WARN_CLOCK,
    Action.ESCALATE_CLOCK, Action.RECOMPUTE_CLOCK, Action.ANSWER_SUPERVISION, Action.DECIDE_PROGRESS,
    Action.SUB_DISPATCH, Action.ASSIGN_HANDLER, Action.ASK_RETURN, Action.ASK_REASSIGN, Action.ASK_SUPPORT, Action.ASK_EXTEND,
    Action.ASK_SUSPEND, Action.ASK_TERMINATE, Action.ASK_EXCLUDE, Action.ASK_VOID, Action.ASK_JUDGE_CLOSED,
    Action.WITHDRAW_REQUEST, Action.RETURN, Action.ADD_ASSIST, Action.EXCLUDE, Action.ADJUST_CLOCK, Action.HAND_OVER,
    Action.ABSORB, Action.RELEASE, Action.LINK_RECURRENCE, Action.PUBLISH, Action.ASSESS_WHISTLE, Action.HAND_TO,
})  # fmt: skip
"""Entries that speak of how the house works, not of the matter; those with words for the person are told all the same."""

_WHO = {
    Role.HANDLER: "承办单位", Role.UNIT_HEAD: "承办单位", Role.GRID_WORKER: "网格员", Role.CADRE: "代办员",
    Role.REVIEWER: "核验人员", Role.CALLBACK_AGENT: "回访员", Role.SYSTEM: "系统",
}  # fmt: skip


OF_OTHERS = frozenset({Action.SUBMIT, Action.SUPPLEMENT, Action.ASK_INFO, Action.SUPPLY_INFO, Action.CLAIM, Action.ME_TOO})
"""Entries that are between the house and those who were there first: who joined later does not read them."""

BY_TAKERS = frozenset({Action.TAKE, Action.GIVE_BACK, Action.SUBMIT_RESULT})
"""What a resident does to another's service order, who has taken it: a volunteer or party member."""

FOR_ALL = frozenset({Action.SUBMIT_RESULT, Action.ANSWER})
"""Replies that speak of the matter, also to those who joined after them."""


def lines_of(
    stamp: Stamp, case_id: int, own: ColumnElement[bool], *, since: datetime | None = None
) -> tuple[list[Line], str | None]:
    """Give the lines of a case's timeline, and the last question to the person; notes of others are not even read.

    `own` is the condition for the follower's own entries. Who joined a case later, `since` a moment, is not told what was said
    to others before it.
    """
    note = when((and_(own, Entry.action != Action.SUBMIT), EntryWords.note), else_=null())
    query = select(
        Entry.id,
        Entry.at,
        Entry.action,
        Entry.actor,
        Entry.role,
        Entry.facts,
        EntryWords.reply,
        note.label("own_words"),
        own.label("own"),
    )
    query = query.outerjoin(EntryWords, EntryWords.entry_id == Entry.id)
    told = or_(Entry.action.not_in(_INTERNAL), EntryWords.reply.is_not(None))
    rows = db.session.execute(query.where(Entry.case_id == case_id, told, Entry.action != Action.ARCHIVE).order_by(Entry.seq)).all()
    files = files_of(stamp, FileSubject.ENTRY, [row.id for row in rows])
    lines, question = [], None
    for place, row in enumerate(rows):
        before = since is not None and row.at < since
        if before and row.action in OF_OTHERS and not row.own:
            continue
        shown = _passed(rows[place + 1 :]) if row.action is Action.SUBMIT_RESULT else not before or row.action in FOR_ALL
        words = "\n".join(filter(None, [row.own_words, row.reply if shown else None])) or None
        what = label(row.action)
        if row.action is Action.BREACH_CLOCK:
            what = f"{label(Clock(row.facts['clock']))}已超时"
        if "corrects" in row.facts:
            what = "更正登记内容"
        line = Line(row.at, row.action, what, _who(row), words)
        theirs = [file for file in files.get(row.id, []) if row.own or (shown and file.told)]
        lines.append(replace(line, files=theirs) if theirs else line)
        question = row.reply if row.action is Action.ASK_INFO else question
    return lines, question


def _passed(later: Sequence[Any]) -> bool:
    """Say whether the first review of a result, among the entries after it, let it pass."""
    reviews = (row.action for row in later if row.action in (Action.PASS, Action.SEND_BACK))
    return next(reviews, None) is Action.PASS


def _who(row: Any) -> str:
    if row.own:
        return "您"
    if row.actor in (ActorKind.RESIDENT, ActorKind.ANONYMOUS):
        return "接单人" if row.action in BY_TAKERS else "反映人"
    return _WHO.get(row.role, "工作人员")
