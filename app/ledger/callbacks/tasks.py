"""Keeps whom the call-back agents call: cases that wait for a call-back or, confidential, for the first contact; the reporters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, exists, literal, not_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.paging import Key, Page, page_from, paged
from app.core.stamp import Actor, Role, Stamp
from app.ledger.callbacks.callees import Callee, callees_of, round_of, solved_by, still_in, worst_word
from app.ledger.callbacks.models import Callback
from app.ledger.clocks import Deadline
from app.ledger.disclosure import shows_identity
from app.ledger.models import Assignment, Case, Entry, Report, ReportClaim
from app.ledger.recusal import prefixes
from app.ledger.scope import find_case, visible
from app.ledger.showing.narrowing import in_reach
from app.ledger.showing.queue import light_of
from app.ledger.vocabulary import (
    Action,
    CallbackBy,
    CalleeState,
    Channel,
    Clock,
    Kind,
    Light,
    Satisfaction,
    State,
    Subject,
    Urgency,
)
from app.ledger.workflow import MOVES
from app.people.identity import Person, masked, open_person
from app.people.models import Resident
from app.territory.models import Unit


class CallsAreTheAgents(NotAllowed):
    """回访任务只对回访员开放"""


@dataclass(frozen=True, kw_only=True)
class CallTask:
    """A case to be called about: how many reporters wait, how many attempts count so far, when the next call makes sense.

    `clock` says what the call is: the call-back, or the first contact of a confidential case, which the desk makes.
    """

    clock: Clock
    number: str
    title: str
    kind: Kind
    urgency: Urgency
    confidential: bool
    round: int
    unit_solved: bool | None
    waiting: int
    heard: int
    attempts: int
    next_at: datetime | None
    due_at: datetime
    light: Light


@dataclass(frozen=True, kw_only=True)
class CalleeView:
    """A reporter: who (masked, None where nobody may see it), where their call-back stands, and what they said in this round."""

    report_id: int
    channel: Channel
    title: str
    person: Person | None
    state: CalleeState
    attempts: int
    next_at: datetime | None
    solved: bool | None
    satisfaction: Satisfaction | None


@dataclass(frozen=True, kw_only=True)
class Callees:
    """Whom to call for a case, and the three words on whether it is solved: the unit's, the persons', upstream's.

    The persons' are the least favourable of this round.
    """

    number: str
    round: int
    unit_solved: bool | None
    person_solved: bool | None
    upstream_solved: bool | None
    satisfaction: Satisfaction | None
    callees: Sequence[CalleeView]


def call_tasks(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[CallTask]:
    """Give the cases that the agent may call about, urgent ones first, then by when the call falls due.

    These are the call-backs, and the first contacts of confidential cases that are signed for. What the agent has handled,
    answered or filed for others is left to colleagues. Raises CallsAreTheAgents.
    """
    paths = stamp.actor.paths(Role.CALLBACK_AGENT)
    if not paths:
        raise CallsAreTheAgents
    rank = case((Case.urgency == Urgency.URGENT, literal(0)), else_=literal(1))
    callback = and_(Case.state == State.AWAITING_CALLBACK, not_(Case.triage), Deadline.clock == Clock.CALLBACK)
    # A clock of the case itself: the desk makes the contact wherever a report was promised confidentiality.
    contactable = Case.state.in_(MOVES[Action.CONTACT].sources)
    contact = and_(contactable, Deadline.clock == Clock.CONTACT, Deadline.subject == Subject.CASE)
    query = select(Case, Deadline, rank).join(Deadline, Deadline.case_id == Case.id).options(
        joinedload(Case.grid), selectinload(Case.reports).selectinload(Report.claims)
    )  # fmt: skip
    query = query.where(
        or_(callback, contact),
        Case.closed_at.is_(None),
        Deadline.met_at.is_(None),
        Deadline.cancelled_at.is_(None),
        not_(Case.anonymous),
        or_(*(Case.territory_path.startswith(path) for path in paths)),
        not_(handled_by(stamp.actor)),
        not_(_answered_or_filed_by(stamp.actor)),
        _somebody_to_call(),
        visible(stamp.actor),
        *in_reach(stamp.actor),
    )
    key: Key = [(rank, False), (Deadline.due_at, False), (Case.id, False)]
    found = db.session.execute(paged(query, key=key, cursor=cursor, limit=limit)).all()
    page = page_from(found, limit=limit, key=lambda row: [row[2], row[1].due_at, row[0].id])
    said = _said([row[0] for row in page.items])
    return Page([_task(row[0], row[1], said.get(row[0].id, []), stamp.at) for row in page.items], page.next_cursor)


def handled_by(actor: Actor) -> ColumnElement[bool]:
    """Give the condition that the actor holds a post at, or below, a unit that handles or has handled a case.

    So does who has handled one that was merged into it.
    """
    above = sorted({prefix for path in actor.paths() for prefix in prefixes(path)})
    part = select(Assignment.id).join(Unit, Unit.id == Assignment.unit_id).where(Unit.path.in_(above))
    brought = part.join(Report, Report.opened_case_id == Assignment.case_id).where(Report.case_id == Case.id)
    return or_(exists(part.where(Assignment.case_id == Case.id).correlate(Case)), exists(brought.correlate(Case)))


def _answered_or_filed_by(actor: Actor) -> ColumnElement[bool]:
    by_actor = (Entry.action == Action.ANSWER, Entry.actor_id == actor.id)
    answered = exists().where(Entry.case_id == Case.id, *by_actor)
    brought = exists().where(Report.case_id == Case.id, Entry.case_id == Report.opened_case_id, *by_actor)
    for_others = Report.channel.in_((Channel.PROXY, Channel.VISIT))
    filed = exists().where(Report.case_id == Case.id, Report.filer_staff_id == actor.id, for_others)
    return or_(answered.correlate(Case), brought.correlate(Case), filed.correlate(Case))


def _somebody_to_call() -> ColumnElement[bool]:
    claimed = exists().where(ReportClaim.report_id == Report.id)
    named = or_(Report.concerned_id.is_not(None), claimed)
    return exists().where(Report.case_id == Case.id, Report.withdrawn_at.is_(None), not_(Report.anonymous), named).correlate(Case)


def _said(cases: Sequence[Case]) -> dict[int, list[Callback]]:
    query = select(Callback).where(Callback.case_id.in_([each.id for each in cases]), Callback.by != CallbackBy.UPSTREAM)
    rounds = {each.id: each.round for each in cases}
    found: dict[int, list[Callback]] = {}
    for row in db.session.scalars(query.order_by(Callback.id)):
        if row.round == rounds[row.case_id]:
            found.setdefault(row.case_id, []).append(row)
    return {each.id: still_in(each, found[each.id]) for each in cases if each.id in found}


def _task(held: Case, deadline: Deadline, said: Sequence[Callback], at: datetime) -> CallTask:
    same = ("number", "title", "kind", "urgency", "confidential", "round", "unit_solved")
    callees = callees_of(held, at, said=said)
    waiting = [callee for callee in callees if callee.state is CalleeState.WAITING]
    return CallTask(
        clock=deadline.clock,
        **{name: getattr(held, name) for name in same},
        waiting=len(waiting),
        heard=sum(callee.said is not None for callee in callees),
        attempts=sum(callee.attempts for callee in callees),
        next_at=min((callee.next_at for callee in waiting if callee.next_at is not None), default=None),
        due_at=deadline.due_at,
        light=light_of(deadline, at),
    )


def callees_view(stamp: Stamp, number: str) -> Callees:
    """Give whom to call for a case that the actor sees, and what was said in its present round; raises CaseNotFound."""
    held = find_case(stamp, number)
    rows, shown = round_of(held), shows_identity(stamp, held)
    upstream = select(Callback.solved).where(Callback.case_id == held.id, Callback.by == CallbackBy.UPSTREAM)
    callees = callees_of(held, stamp.at, said=rows)
    people = _persons([callee.report_id for callee in callees]) if shown else {}
    return Callees(
        number=held.number,
        round=held.round,
        unit_solved=held.unit_solved,
        person_solved=solved_by(rows),
        upstream_solved=db.session.scalars(upstream.order_by(Callback.id.desc()).limit(1)).first(),
        satisfaction=worst_word(rows),
        callees=[_view(callee, people) for callee in callees],
    )


def _persons(report_ids: Sequence[int]) -> dict[int, Person]:
    query = select(Report).where(Report.id.in_(report_ids)).options(joinedload(Report.concerned).joinedload(Resident.identity))
    reports = db.session.scalars(query)
    return {report.id: masked(open_person(report.concerned.identity)) for report in reports if report.concerned is not None}


def _view(callee: Callee, people: dict[int, Person]) -> CalleeView:
    first = callee.reports[0]
    return CalleeView(
        report_id=first.id,
        channel=first.channel,
        title=first.title,
        person=people.get(first.id),
        state=callee.state,
        attempts=callee.attempts,
        next_at=callee.next_at,
        solved=callee.said.solved if callee.said else None,
        satisfaction=callee.said.satisfaction if callee.said else None,
    )
