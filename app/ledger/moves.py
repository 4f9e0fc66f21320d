"""Keeps the one function that moves a case: it locks, asks the table, appends the entry, keeps the clocks, files notices."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from app.core.database import db, lock_rows
from app.core.errors import Conflict
from app.core.stamp import ActorKind, Role, Stamp
from app.ledger.audiences import recipients
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.deadlines import ClockFor, cancel, go_on, is_open, lock_case_clocks, meet, pause, run_on, start_clock
from app.ledger.models import Assignment, Case, Entry, Request
from app.ledger.scope import CaseNotFound, reaches, visible, written
from app.ledger.timeline import append_entry
from app.ledger.vocabulary import PRESENT, TERMINAL, Action, Audience, Clock, Duty, RequestState, State, Subject, label
from app.ledger.workflow import FILERS, RUNS_IN, Facts, Move, check_move, check_words
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row


class StaleVersion(Conflict):
    """工单刚刚有了新的变化，请刷新后再操作"""

    status = 412


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said with a move: `reply` to the person concerned, `note` for the file."""

    reply: str | None = None
    note: str | None = None


@dataclass(kw_only=True)
class Step:
    """What a command adds to a move: facts for the entry, which assignment it speaks of, whether the person is unhappy."""

    facts: dict[str, Any] = field(default_factory=dict)
    assignment: Assignment | None = None
    unhappy: bool = False


def lock_case(stamp: Stamp, number: str, *, version: int | None = None) -> Case:
    """Lock a case that the actor sees; raises CaseNotFound, or StaleVersion when it is no longer at `version`."""
    found = db.session.scalars(select(Case.id).where(Case.number == written(number), visible(stamp.actor))).first()
    if found is None:
        raise CaseNotFound
    (case,) = lock_rows(Case, [found])
    if version is not None and case.version != version:
        raise StaleVersion(version=case.version, state=case.state)
    return case


def move_case(
    stamp: Stamp,
    case: Case,
    action: Action,
    words: Words,
    change: Callable[[Stamp], Step] | None = None,
) -> Entry:
    """Move a locked case by the table.

    `change` makes the command's own changes once the table has said yes (it gets the stamp in the role that may act) and
    gives what it adds to the move. Raises IllegalMove, NotYourMove, WordsMissing.
    """
    roles = roles_for(stamp, case, action)
    move, role = check_move(action, case.state, roles)
    stamp = stamp if stamp.role in move.roles & roles else stamp.acting_as(role)
    check_words(move, reply=words.reply, note=words.note)
    step = change(stamp) if change else Step()
    facts = Facts(
        state=case.state,
        nobody_to_call=case.nobody_to_call,
        present=case.channel in PRESENT,
        upstream=case.upstream_number is not None,
        asked_from=_asked_from(case),
        unhappy=step.unhappy,
        has_lead=case.lead_unit_id is not None,
    )
    target = move.target(facts)
    left_undecided = case.state in DECIDABLE and target not in DECIDABLE
    entry = append_entry(stamp, case, action, to_state=target, facts=step.facts, reply=words.reply, note=words.note)
    db.session.flush()
    if left_undecided:
        _withdraw_requests(stamp.at, case)
    _keep_clocks(stamp.at, case, move, target, step)
    if target in TERMINAL:
        case.closed_at = case.closed_at or stamp.at
    _tell(stamp, case, move, entry)
    return entry


DECIDABLE = frozenset({State.SUBMITTED, State.ACCEPTED, State.INFO_REQUESTED})
"""The states in which a request to reject or redirect may wait for its decision."""


def roles_on(stamp: Stamp, case: Case) -> frozenset[Role]:
    """Give the roles of the actor that reach this case: by territory, or through access for those who handle."""
    actor = stamp.actor
    if actor.kind is not ActorKind.STAFF:
        return actor.roles()
    units = [assignment.unit.path for assignment in case.assignments if assignment.ended_at is None]
    reached = [case.territory_path, *units]
    roles = frozenset(role for role in actor.roles() if any(reaches(actor, role, path) for path in reached))
    if case.grid_id in actor.grid_ids:
        roles |= actor.roles() & {Role.GRID_WORKER}
    return roles


def roles_for(stamp: Stamp, case: Case, action: Action) -> frozenset[Role]:
    """Give the roles in which the actor may do an action: who filed may supplement and supply information wherever the case lies.

    What a filer was asked, no other grid worker or cadre supplies.
    """
    roles = roles_on(stamp, case)
    if action not in (Action.SUPPLEMENT, Action.SUPPLY_INFO) or stamp.actor.kind is not ActorKind.STAFF:
        return roles
    if any(report.filer_staff_id == stamp.actor.id for report in case.reports):
        return roles | (stamp.actor.roles() & FILERS)
    return roles - {Role.GRID_WORKER, Role.CADRE} if action is Action.SUPPLY_INFO else roles


def _withdraw_requests(at: datetime, case: Case) -> None:
    """Withdraw what still waits for a decision when a case goes on without it."""
    pending = (Request.case_id == case.id, Request.state == RequestState.PENDING)
    db.session.execute(update(Request).where(*pending).values(state=RequestState.WITHDRAWN, decided_at=at))


def _asked_from(case: Case) -> State:
    if case.state is not State.INFO_REQUESTED:
        return State.SUBMITTED
    query = select(Entry.from_state).where(
        Entry.case_id == case.id, Entry.to_state == State.INFO_REQUESTED, Entry.action == Action.ASK_INFO
    )
    return db.session.scalars(query.order_by(Entry.seq.desc()).limit(1)).first() or State.SUBMITTED


def _keep_clocks(at: datetime, case: Case, move: Move, target: State, step: Step) -> None:
    clocks = lock_case_clocks([case.id])
    for deadline in clocks:
        if not is_open(deadline):
            continue
        if (deadline.clock in move.meets and _speaks_of(deadline, step)) or (
            deadline.clock is Clock.OVERALL and target in TERMINAL
        ):
            meet(deadline, at)
        elif target not in RUNS_IN[deadline.clock]:
            cancel(deadline, at)
        elif deadline.clock in move.pauses:
            pause(deadline, at)
        elif deadline.clock in move.resumes:
            go_on(deadline, at)
    for clock in move.reruns:
        last = [
            d for d in clocks if d.clock is clock and d.met_at is not None and d.round == case.round and _speaks_of_lead(d, case)
        ]
        for deadline in last[-1:]:
            run_on(deadline)
    if move.starts:
        db.session.flush()
        for clock in move.starts:
            if target in RUNS_IN[clock]:
                _start(at, case, clock, clocks)


def _speaks_of(deadline: Deadline, step: Step) -> bool:
    return deadline.subject is not Subject.ASSIGNMENT or step.assignment is None or deadline.subject_id == step.assignment.id


def _speaks_of_lead(deadline: Deadline, case: Case) -> bool:
    leads = {assignment.id for assignment in case.assignments if assignment.duty is Duty.LEAD}
    return deadline.subject is not Subject.ASSIGNMENT or deadline.subject_id in leads


BY_ASSIGNMENT = frozenset({Clock.SIGN, Clock.CONTACT, Clock.RESOLVE})


def _start(at: datetime, case: Case, clock: Clock, running: Iterable[Deadline]) -> None:
    if clock not in BY_ASSIGNMENT:
        if not any(d.clock is clock and is_open(d) for d in running):
            start_clock(_clock_for(case, clock, catalogue().county_id), at, subject_id=case.id, case_id=case.id)
        return
    for assignment in case.assignments:
        if assignment.ended_at is not None or assignment.round != case.round:
            continue
        if clock is Clock.CONTACT and (case.nobody_to_call or assignment.duty is not Duty.LEAD):
            continue
        wanted = _clock_for(case, clock, assignment.unit_id, assignment)
        if clock is Clock.CONTACT and case.confidential:
            wanted = _clock_for(case, clock, catalogue().county_id)
        on_case = wanted.subject is Subject.CASE
        start_clock(wanted, at, subject_id=case.id if on_case else assignment.id, case_id=case.id)


def _clock_for(case: Case, clock: Clock, unit_id: int | None, assignment: Assignment | None = None) -> ClockFor:
    return ClockFor(
        clock,
        Subject.ASSIGNMENT if assignment else Subject.CASE,
        case.kind,
        case.urgency,
        case.category_id,
        label(clock),
        unit_id,
        assignment.handler_id if assignment else None,
        case.round,
        half=clock is Clock.RESOLVE and case.round > 1,
    )


def _tell(stamp: Stamp, case: Case, move: Move, entry: Entry) -> None:
    rows = []
    params = {"number": case.number}
    if case.lead_unit_id is not None:
        params["unit"] = next(a.unit.name for a in reversed(case.assignments) if a.duty is Duty.LEAD)
    for audience in move.tells:
        template = _template(move.action, audience)
        for to in recipients(case, [audience]):
            if stamp.actor.kind is not ActorKind.STAFF or to != (Recipient.STAFF, stamp.actor.id):
                key = f"{case.number}:{entry.seq}:{template}"
                rows.append(notice_row(key, to=to, template=template, params=params, case_id=case.id, at=stamp.at))
    file_notices(rows)


def _template(action: Action, audience: Audience) -> str:
    if action is Action.DISPATCH and audience in (Audience.LEAD, Audience.ASSISTS):
        return f"dispatch_{audience}"
    return action.value
