"""Keeps the supervisor's list of the dissatisfied: cases that wait for triage, and closed ones rated badly afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, not_, select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.paging import Key, Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.callbacks.models import Callback
from app.ledger.callbacks.tasks import handled_by
from app.ledger.clocks import Deadline
from app.ledger.county import county
from app.ledger.models import Case, Entry, EntryWords
from app.ledger.supervision.oversight import watched
from app.ledger.vocabulary import BY_PERSON, UNHAPPY, Action, CallbackBy, Clock, Kind, Satisfaction, State, Urgency


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody said of the handling in this round; `words` as the agent wrote them down, or the person's own."""

    at: datetime
    by: CallbackBy
    contacted: bool | None
    solved: bool | None
    satisfaction: Satisfaction | None
    attitude: int | None
    competence: int | None
    convenience: int | None
    speed: int | None
    words: str | None


@dataclass(frozen=True, kw_only=True)
class Dissatisfied:
    """A case with whose handling somebody is dissatisfied; `due_at` is by when the triage is due, None for a closed one."""

    number: str
    title: str
    state: State
    kind: Kind
    urgency: Urgency
    unit: str | None
    round: int
    reworks: int
    unit_solved: bool | None
    due_at: datetime | None
    closed_at: datetime | None
    said: Sequence[Said]


def triage_list(stamp: Stamp, *, closed: bool = False, cursor: str | None, limit: int) -> Page[Dissatisfied]:
    """Give the cases that wait for triage, the first due first; with `closed`, those rated badly after their closing.

    The latter stand there, newest closing first, as long as the person may ask for reopening. Cases of the actor's own unit are
    left to colleagues. Raises ListsAreTheSupervisors.
    """
    running = and_(
        Deadline.case_id == Case.id, Deadline.clock == Clock.TRIAGE, Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None)
    )
    query = select(Case, Deadline.due_at).outerjoin(Deadline, running).options(joinedload(Case.lead_unit))
    query = query.where(*watched(stamp), not_(handled_by(stamp.actor)))
    if closed:
        rated = exists().where(
            Callback.case_id == Case.id,
            Callback.round == Case.round,
            Callback.by.in_(BY_PERSON),
            Callback.satisfaction.in_(UNHAPPY),
            Callback.at >= Case.closed_at,
        )
        since = stamp.at - timedelta(days=county().reopen_days)
        query = query.where(Case.state == State.CLOSED, Case.closed_at >= since, not_(Case.archived), rated.correlate(Case))
        key: Key = [(Case.closed_at, True), (Case.id, True)]
    else:
        query = query.where(Case.triage, Case.closed_at.is_(None), Deadline.id.is_not(None))
        key = [(Deadline.due_at, False), (Case.id, False)]
    rows = db.session.execute(paged(query, key=key, cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].closed_at if closed else row[1], row[0].id])
    said = _said([row[0] for row in page.items])
    return Page([_row(case, due, said.get(case.id, [])) for case, due in page.items], page.next_cursor)


def _row(case: Case, due: datetime | None, said: Sequence[Said]) -> Dissatisfied:
    same = ("number", "title", "state", "kind", "urgency", "round", "reworks", "unit_solved", "closed_at")
    unit = case.lead_unit.name if case.lead_unit else None
    return Dissatisfied(**{name: getattr(case, name) for name in same}, unit=unit, due_at=due, said=said)


def _said(cases: Sequence[Case]) -> dict[int, list[Said]]:
    """Give what was said in the present round of each case, with the words of the entry that was written with it."""
    rounds = {case.id: case.round for case in cases}
    spoken = (Action.RECORD_CALLBACK, Action.RATE, Action.CONFIRM_UPSTREAM)
    entries = select(Entry.case_id, Entry.at, EntryWords.note).join(EntryWords, EntryWords.entry_id == Entry.id)
    entries = entries.where(Entry.case_id.in_(rounds), Entry.action.in_(spoken))
    words = {(row.case_id, row.at): row.note for row in db.session.execute(entries)}
    query = select(Callback).where(Callback.case_id.in_(rounds), Callback.reached).order_by(Callback.id)
    found: dict[int, list[Said]] = {}
    same = ("at", "by", "contacted", "solved", "satisfaction", "attitude", "competence", "convenience", "speed")
    for row in db.session.scalars(query):
        if row.round == rounds[row.case_id]:
            said = Said(**{name: getattr(row, name) for name in same}, words=words.get((row.case_id, row.at)))
            found.setdefault(row.case_id, []).append(said)
    return found
