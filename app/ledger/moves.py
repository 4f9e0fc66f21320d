"""Keeps the one function that moves a case: it locks, asks the table, appends the entry, keeps the clocks, files notices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from app.core.database import db, lock_rows
from app.core.errors import Conflict
from app.core.stamp import ActorKind, Stamp
from app.ledger.audiences import recipients
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.coming_home import coming_over
from app.ledger.county import county, danger_in
from app.ledger.deadlines import (
    ClockFor,
    cancel,
    go_on,
    is_open,
    lock_case_clocks,
    meet,
    note_due,
    pause,
    run_on,
    start_clock,
    take_on,
    upstream_limit,
)
from app.ledger.followers import follower_of
from app.ledger.labels import label
from app.ledger.merging.union import below
from app.ledger.models import Assignment, Case, Entry
from app.ledger.requests.models import Request
from app.ledger.roles import roles_for
from app.ledger.scope import CaseNotFound, visible, written
from app.ledger.showing.outlook import moment
from app.ledger.supervision.models import CaseListing
from app.ledger.terms import Term
from app.ledger.timeline import append_entry
from app.ledger.urgency import raise_urgency
from app.ledger.vocabulary import (
    OPEN,
    PRESENT,
    TERMINAL,
    Action,
    Audience,
    Clock,
    Duty,
    RequestKind,
    RequestState,
    State,
    Subject,
)
from app.ledger.workflow import COMES_HOME_IN, MOVES, RUNS_IN, Facts, Move, check_move, check_words
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.notices.templates import TEMPLATES, names_in


class StaleVersion(Conflict):
    """工单刚刚有了新的变化，请刷新后再操作"""

    status = 412


class RescueAwaited(Conflict):
    """已移交 110、119 或 120，确认救援到场后才能办结"""


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said with a move: `reply` to the person concerned, `note` for the file."""

    reply: str | None = None
    note: str | None = None


@dataclass(kw_only=True)
class Step:
    """What a command adds to a move: facts for the entry, and what the table and the clocks must know.

    `assignment`, or `about` (kind and id of a subject), names the one subject whose clocks the move meets. `dues` are due
    moments that somebody gives to clocks which the move starts, `amounts` are amounts that replace the policy's, `terms` are whole
    terms that do (a service item's own); `half` gives
    a rework round half its term; `goes_on` names the clock whose term and ladder go on in other hands. `unit_id` is the unit
    that the audiences OWNER and UNIT_HEAD speak of, the lead's when None. `asker` and `deciders` are whom the audiences of
    these names speak of; the asker hears of a decision as such alone. `said`: the note is what the person told to staff, not the
    staff's own words. `others`: other people's reports keep the case where it is, or other rescue is on its way, so that no clock
    is met or started. `templates` names for an audience the words that fit what happened, or None where it is not told. `told`
    names whom an audience meant before the move ended their part.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    assignment: Assignment | None = None
    about: tuple[Subject, int] | None = None
    unhappy: bool = False
    of_lead: bool = True
    others: bool = False
    said: bool = False
    before_merge: State = State.SUBMITTED
    half: bool = False
    asker: tuple[Recipient, int] | None = None
    deciders: Sequence[int] = ()
    unit_id: int | None = None
    dues: dict[Clock, datetime] = field(default_factory=dict)
    amounts: dict[Clock, int] = field(default_factory=dict)
    terms: dict[Clock, Term] = field(default_factory=dict)
    goes_on: Deadline | None = None
    templates: dict[Audience, str | None] = field(default_factory=dict)
    told: dict[Audience, list[tuple[Recipient, int]]] = field(default_factory=dict)


def lock_case(stamp: Stamp, number: str, *, version: int | None = None, whole: bool = False) -> Case:
    """Lock a case that the actor sees; raises CaseNotFound, or StaleVersion when it is no longer at `version`.

    By the number of a case that was merged, a resident speaks to the case in which their report is now. With `whole` the cases
    merged into it are locked as well, all in order.
    """
    found = db.session.scalars(select(Case.id).where(Case.number == written(number), visible(stamp.actor))).first()
    if found is None:
        raise CaseNotFound
    wanted = found if stamp.actor.kind is not ActorKind.RESIDENT else where_now(found)
    merged = below([wanted]) if whole else []
    case = next(each for each in lock_rows(Case, [wanted, *merged]) if each.id == wanted)
    if stamp.actor.kind is ActorKind.RESIDENT and case.id != where_now(found):
        raise StaleVersion(version=case.version, state=case.state)
    if whole and below([wanted]) != merged:
        raise StaleVersion(version=case.version, state=case.state)
    if version is not None and case.version != version:
        raise StaleVersion(version=case.version, state=case.state)
    return case


def where_now(case_id: int) -> int:
    """Give the id of the case in which the reports of a case are now, unlocked: the end of its merges."""
    into = select(Case.merged_into_id).where(Case.id == bindparam("id"))
    while (after := db.session.scalar(into, {"id": case_id})) is not None:
        case_id = after
    return case_id


def move_case(
    stamp: Stamp,
    case: Case,
    action: Action,
    words: Words,
    change: Callable[[Stamp], Step] | None = None,
) -> Entry:
    """Move a locked case by the table.

    `change` makes the command's own changes once the table has said yes (it gets the stamp in the role that may act) and
    gives what it adds to the move. Raises IllegalMove, NotYourMove, WordsMissing, and RescueAwaited for a move that would end a
    case while rescue is on its way.
    """
    roles = roles_for(stamp, case, action)
    move, role = check_move(action, case.state, roles)
    stamp = stamp if stamp.role in move.roles & roles else stamp.acting_as(role)
    check_words(move, reply=words.reply, note=words.note)
    step = change(stamp) if change else Step()
    _end_subs(stamp.at, case)
    facts = Facts(
        state=case.state,
        nobody_to_call=case.nobody_to_call,
        present=case.channel in PRESENT,
        upstream=case.upstream_number is not None,
        asked_from=_asked_from(case),
        unhappy=step.unhappy,
        of_lead=step.of_lead,
        others=step.others,
        before_merge=step.before_merge,
        has_lead=case.lead_unit_id is not None,
    )
    target = move.target(facts)
    if case.awaiting_rescue and target in TERMINAL:
        raise RescueAwaited
    follower = follower_of(case)
    if follower is not None:
        follower.moving(stamp, case, action, target, step)
    dangers = _dangers(stamp, action, words, step)
    if dangers:
        step.facts = step.facts | {"danger": list(dangers)}
        if target in OPEN:
            raise_urgency(stamp.at, case)
    entry = append_entry(stamp, case, action, to_state=target, facts=step.facts, reply=words.reply, note=words.note)
    db.session.flush()
    withdrawn = _withdraw_requests(stamp.at, case, target)
    kept = replace(move, meets=frozenset(), starts=()) if step.others else move
    clocks = _keep_clocks(stamp.at, case, kept, target, step, ended=withdrawn)
    note_due(case, clocks)
    case.triage = case.triage and target is State.AWAITING_CALLBACK
    if action in TAKES_UP:
        case.accepted_at = case.accepted_at or stamp.at
    case.closed_at = (case.closed_at or stamp.at) if target in TERMINAL else None
    if target in TERMINAL - {State.MERGED} and entry.from_state not in TERMINAL:
        standing = (CaseListing.case_id == case.id, CaseListing.settled_at.is_(None))
        db.session.execute(update(CaseListing).where(*standing).values(settled_at=stamp.at))
    _tell(stamp, case, move, entry, step, _params(stamp.at, case, clocks))
    if target not in COMES_HOME_IN and any(_is_of_coming(clock) and clock.cancelled_at == stamp.at for clock in clocks):
        coming_over(stamp, case, target)
    if dangers:
        _alert(stamp, case, entry, dangers[0])
    if follower is not None:
        follower.moved(stamp, case, entry)
    return entry


SAYS = frozenset({Action.SUPPLEMENT, Action.SUPPLY_INFO, Action.REOPEN})
"""Moves whose note is what a person has to say, whoever writes it down."""


def _dangers(stamp: Stamp, action: Action, words: Words, step: Step) -> tuple[str, ...]:
    """Give the danger words in what a person said with a move; staff speak of danger in the course of their work."""
    if stamp.actor.kind in (ActorKind.RESIDENT, ActorKind.ANONYMOUS) or action in SAYS or step.said:
        return danger_in(words.note or "", county().danger_words)
    return ()


def _alert(stamp: Stamp, case: Case, entry: Entry, word: str) -> None:
    """Tell the head of the shift at once that danger was heard in a case, as at its intake."""
    params = {"number": case.number, "word": word}
    key = f"{case.number}:{entry.seq}:danger"
    heads = recipients(case, [Audience.SHIFT_HEAD], stamp.at)
    file_notices([notice_row(key, to=to, template="danger", params=params, case_id=case.id, at=stamp.at) for to in heads])


APPROVING: dict[RequestKind, Action] = {
    RequestKind.REJECT: Action.REJECT,
    RequestKind.REDIRECT: Action.REDIRECT,
    RequestKind.RETURN: Action.RETURN,
    RequestKind.REASSIGN: Action.REASSIGN,
    RequestKind.SUPPORT: Action.ADD_ASSIST,
    RequestKind.EXTEND: Action.EXTEND,
    RequestKind.SUSPEND: Action.SUSPEND,
    RequestKind.TERMINATE: Action.TERMINATE,
    RequestKind.EXCLUDE: Action.EXCLUDE,
    RequestKind.VOID: Action.VOID,
    RequestKind.WITHDRAW: Action.WITHDRAW,
    RequestKind.JUDGE_CLOSED: Action.JUDGE_CLOSED,
}
"""The move by which a request of each kind is approved; where it is not possible any more, the request falls away."""


WAITS_IN: dict[RequestKind, frozenset[State]] = {
    kind: MOVES[action].sources | ({State.INFO_REQUESTED} if State.SUBMITTED in MOVES[action].sources else frozenset())
    for kind, action in APPROVING.items()
}
"""The states in which a request of each kind may wait; a question to the filer does not end one that was asked before it."""


def _withdraw_requests(at: datetime, case: Case, target: State) -> list[int]:
    """Withdraw what waits for a decision that the case does not allow any more; give the requests' ids.

    Its new state may not allow it, or the part that it speaks of has ended.
    """
    kinds = [kind for kind, states in WAITS_IN.items() if target not in states]
    ended = [assignment.id for assignment in case.assignments if assignment.ended_at is not None]
    gone = or_(Request.kind.in_(kinds), Request.assignment_id.in_(ended))
    pending = (Request.case_id == case.id, Request.state == RequestState.PENDING, gone)
    change = update(Request).where(*pending).values(state=RequestState.WITHDRAWN, decided_at=at).returning(Request.id)
    return list(db.session.scalars(change))


def _end_subs(at: datetime, case: Case) -> None:
    """End what a lead had passed on to units below it where the lead's own part has ended."""
    ended = {assignment.id for assignment in case.assignments if assignment.ended_at is not None}
    for assignment in case.assignments:
        if assignment.ended_at is None and assignment.parent_id in ended:
            assignment.ended_at = at


def _asked_from(case: Case) -> State:
    if case.state is not State.INFO_REQUESTED:
        return State.SUBMITTED
    query = select(Entry.from_state).where(
        Entry.case_id == case.id, Entry.to_state == State.INFO_REQUESTED, Entry.action == Action.ASK_INFO
    )
    return db.session.scalars(query.order_by(Entry.seq.desc()).limit(1)).first() or State.SUBMITTED


TAKES_UP = frozenset({Action.ACCEPT, Action.ANSWER})
"""Moves by which a matter is taken up: it counts as accepted from the first of them on."""

REACHES = {Clock.OVERALL: TERMINAL - {State.MERGED}, Clock.UPSTREAM_DUE: frozenset({State.AWAITING_UPSTREAM, State.CLOSED})}
"""Clocks that are met by reaching a state, whatever move leads there: upstream's by the answer that goes back to it."""


def _keep_clocks(at: datetime, case: Case, move: Move, target: State, step: Step, *, ended: Sequence[int] = ()) -> list[Deadline]:
    """Meet, hold, resume, end and start the clocks of a case by the table; give all of them.

    `ended` are requests fallen away: their clocks end, as do those of assignments that have ended.
    """
    clocks = lock_case_clocks([case.id])
    over = {(Subject.ASSIGNMENT, assignment.id) for assignment in case.assignments if assignment.ended_at is not None}
    over |= {(Subject.REQUEST, request_id) for request_id in ended}
    for deadline in clocks:
        if not is_open(deadline):
            continue
        if (deadline.clock in move.meets and _speaks_of(deadline, step)) or (target in REACHES.get(deadline.clock, ())):
            meet(deadline, at)
        elif target not in _runs_in(deadline) or (deadline.subject, deadline.subject_id) in over:
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
            for held in [*_cut_short(case, clocks, deadline), deadline]:
                run_on(held)
    if move.starts:
        db.session.flush()
        for clock in move.starts:
            if target in RUNS_IN[clock]:
                clocks += _start(at, case, clock, clocks, step)
    return clocks


def _runs_in(deadline: Deadline) -> frozenset[State]:
    """Give the states in which a clock may be open; that of coming home ends when others take the case in hand."""
    return COMES_HOME_IN if _is_of_coming(deadline) else RUNS_IN[deadline.clock]


def _is_of_coming(deadline: Deadline) -> bool:
    """Say whether a clock is that of coming to the person's home."""
    return deadline.clock is Clock.ARRIVE and deadline.subject is Subject.CASE


def _cut_short(case: Case, clocks: Sequence[Deadline], lead: Deadline) -> list[Deadline]:
    """Give the clocks of parts still to be signed for or reported that ended without verdict when the lead's clock was met."""
    owed = {a.id: a.signed_at is None for a in case.assignments if a.ended_at is None and a.submitted_at is None}
    replaced = {deadline.supersedes_id for deadline in clocks}
    return [
        deadline
        for deadline in clocks
        if deadline.cancelled_at == lead.met_at
        and deadline.subject is Subject.ASSIGNMENT
        and deadline.subject_id in owed
        and (deadline.clock is Clock.RESOLVE or (deadline.clock is Clock.SIGN and owed[deadline.subject_id]))
        and deadline.id not in replaced
    ]


def _speaks_of(deadline: Deadline, step: Step) -> bool:
    if step.about is not None:
        return (deadline.subject, deadline.subject_id) == step.about
    return deadline.subject is not Subject.ASSIGNMENT or step.assignment is None or deadline.subject_id == step.assignment.id


def _speaks_of_lead(deadline: Deadline, case: Case) -> bool:
    leads = {assignment.id for assignment in case.assignments if assignment.duty is Duty.LEAD}
    return deadline.subject is not Subject.ASSIGNMENT or deadline.subject_id in leads


BY_ASSIGNMENT = frozenset({Clock.SIGN, Clock.CONTACT, Clock.RESOLVE})


def _start(at: datetime, case: Case, clock: Clock, running: Sequence[Deadline], step: Step) -> list[Deadline]:
    """Start a clock for its case, or for each assignment of the round that never had one; give those started."""
    county_id = catalogue().county_id
    if clock not in BY_ASSIGNMENT:
        if any(d.clock is clock and is_open(d) for d in running):
            return []
        bound = upstream_limit(running, at) if clock is Clock.OVERALL else None
        wanted = replace(_clock_for(case, clock, county_id, step), not_after=bound)
        return [start_clock(wanted, at, subject_id=case.id, case_id=case.id)]
    had = {d.subject_id for d in running if d.clock is clock and d.subject is Subject.ASSIGNMENT}
    started = []
    for assignment in case.assignments:
        if assignment.ended_at is not None or assignment.round != case.round or assignment.id in had:
            continue
        if clock is Clock.SIGN and assignment.signed_at is not None:
            continue
        if clock is Clock.CONTACT and (case.nobody_to_call or assignment.duty is not Duty.LEAD):
            continue
        if clock is Clock.CONTACT and case.hides_identity:
            if not any(d.clock is clock and is_open(d) for d in running):
                wanted = _clock_for(case, clock, county_id, step)
                started.append(start_clock(wanted, at, subject_id=case.id, case_id=case.id))
            continue
        wanted = _clock_for(case, clock, assignment.unit_id, step, assignment)
        if clock is Clock.RESOLVE:
            wanted = replace(wanted, not_after=upstream_limit(running, at))
            if assignment.duty is not Duty.LEAD and wanted.due is not None and wanted.due <= at:
                wanted = replace(wanted, due=None)  # an assist does not answer for what was late before it came
        started.append(start_clock(wanted, at, subject_id=assignment.id, case_id=case.id))
        if clock is Clock.RESOLVE and assignment.duty is Duty.LEAD and step.goes_on is not None:
            take_on(started[-1], step.goes_on, at)
    return started


def _clock_for(case: Case, clock: Clock, unit_id: int | None, step: Step, assignment: Assignment | None = None) -> ClockFor:
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
        half=clock is Clock.RESOLVE and step.half,
        amount=step.amounts.get(clock),
        due=step.dues.get(clock),
        term=step.terms.get(clock),
    )


def _tell(stamp: Stamp, case: Case, move: Move, entry: Entry, step: Step, params: dict[str, str]) -> None:
    rows = []
    known = known_numbers(case)
    for audience in move.tells:
        if audience in step.templates and step.templates[audience] is None:
            continue
        for to in _named(audience, step) or recipients(case, [audience], stamp.at, unit_id=step.unit_id):
            if to == step.asker and audience is not Audience.ASKER and Audience.ASKER in move.tells:
                continue
            if stamp.actor.kind is not ActorKind.STAFF or to != (Recipient.STAFF, stamp.actor.id):
                spoken_to = Audience.PERSONS if to[0] is Recipient.RESIDENT else audience
                template = step.templates.get(spoken_to) or _template(move.action, spoken_to)
                key = f"{case.number}:{entry.seq}:{template}"
                needed = {name: params.get(name, "") for name in names_in(template)}
                if audience in (Audience.PERSONS, Audience.FILERS) and to in known and "number" in needed:
                    needed["number"] = known[to]
                rows.append(notice_row(key, to=to, template=template, params=needed, case_id=case.id, at=stamp.at))
    file_notices(rows)


def known_numbers(case: Case) -> dict[tuple[Recipient, int], str]:
    """Give the number by which each reporter and filer of a case knows it, where a merge has brought their first report."""
    if all(report.opened_case_id is None for report in case.reports):
        return {}
    first: dict[tuple[Recipient, int], int] = {}
    for report in case.reports:
        opened = report.opened_case_id or case.id
        residents = [report.concerned_id, report.filer_resident_id, *(claim.resident_id for claim in report.claims)]
        people = [(Recipient.RESIDENT, each) for each in residents] + [(Recipient.STAFF, report.filer_staff_id)]
        for kind, person in people:
            if person is not None:
                first.setdefault((kind, person), opened)
    rows = db.session.execute(select(Case.id, Case.number).where(Case.id.in_(set(first.values()))))
    numbers = {row.id: row.number for row in rows}
    return {person: numbers[opened] for person, opened in first.items()}


def _params(at: datetime, case: Case, clocks: Sequence[Deadline]) -> dict[str, str]:
    """Give what the words of a notice may name: the number, the lead's unit, until when one may rate, when open clocks fall due."""
    params = {"number": case.number}
    if case.lead_unit_id is not None:
        params["unit"] = next(a.unit.name for a in reversed(case.assignments) if a.duty is Duty.LEAD)
    if case.closed_at is not None:
        params["rating_until"] = moment(case.closed_at + timedelta(days=county().rating_days), at)
        params["reopen_until"] = moment(case.closed_at + timedelta(days=county().reopen_days), at)
    return params | {f"{clock.clock}_due": moment(clock.due_at, at) for clock in clocks if is_open(clock)}


def _named(audience: Audience, step: Step) -> list[tuple[Recipient, int]]:
    """Give whom a command itself names: who asked for what is decided, who handles the one assignment that it speaks of."""
    if audience in step.told:
        return step.told[audience]
    if audience is Audience.ASKER:
        return [step.asker] if step.asker is not None else []
    if audience is Audience.DECIDERS:
        return [(Recipient.STAFF, staff_id) for staff_id in step.deciders]
    handler = step.assignment.handler_id if step.assignment and audience is Audience.OWNER else None
    return [] if handler is None else [(Recipient.STAFF, handler)]


def _template(action: Action, audience: Audience) -> str:
    """Give the template of a move for an audience: its own words where there are some, else those of the move."""
    own = f"{action}_{audience}"
    return own if own in TEMPLATES else action.value
