"""Keeps a case as staff see it: reports with masked persons, who handles it, its clocks, requests, call-backs and timeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.core.database import db
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import ActorKind, Door, Role, Stamp
from app.files.models import FileSubject
from app.files.showing import FileShown, files_of
from app.ledger.callbacks.callees import solved_by, still_in
from app.ledger.callbacks.models import Callback
from app.ledger.disclosure import may_dial, shows_identity
from app.ledger.emergencies import awaited_services
from app.ledger.intake.report_people import People, people_of
from app.ledger.merging.union import Related, related
from app.ledger.models import Assignment, Case, Entry, Report
from app.ledger.requests.models import Request
from app.ledger.requests.view import RequestView, request_views
from app.ledger.scope import CaseNotFound, visible, written
from app.ledger.showing.possible import possible_actions
from app.ledger.showing.queue import ClockView, Named, QueueRow, head_of, open_clocks
from app.ledger.verification.case_results import RoundResult, results_by_round
from app.ledger.vocabulary import Action, CallbackBy, Channel, Duty, EmergencyService, Outcome, RequestState, Satisfaction, State
from app.people.accounts import ROLE_LABELS
from app.people.identity import Person, masked, open_person
from app.people.models import Resident, Staff, StaffPost
from app.territory.models import Unit
from app.territory.shapes.placing import grid_at


@dataclass(frozen=True, kw_only=True)
class ReportView:
    """A report; `person` is masked, and None where nobody may see it. `filed_by` is the member of staff who filed it.

    `representatives` speak for a group, `guardian` for a minor; masked too, and nobody where nobody may see them.
    """

    id: int
    channel: Channel
    title: str
    body: str
    said_at: datetime
    received_at: datetime
    withdrawn_at: datetime | None
    anonymous: bool
    confidential: bool
    place: str | None
    latitude: float | None
    longitude: float | None
    person: Person | None
    filed_by: str | None
    group_size: int | None
    minor: bool
    representatives: Sequence[Person]
    guardian: Person | None
    files: Sequence[FileShown]


@dataclass(frozen=True, kw_only=True)
class AssignmentView:
    """A unit's part in a round."""

    by_meeting: bool
    first_responder: bool

    duty: Duty
    round: int
    unit: Named
    handler: str | None
    dispatched_at: datetime
    signed_at: datetime | None
    contacted_at: datetime | None
    submitted_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class CallbackView:
    """A call-back attempt, a call-back or a rating."""

    round: int
    report_id: int | None
    at: datetime
    by: CallbackBy
    agent: str | None
    reached: bool
    contacted: bool | None
    solved: bool | None
    satisfaction: Satisfaction | None
    attitude: int | None
    competence: int | None
    convenience: int | None
    speed: int | None


@dataclass(frozen=True, kw_only=True)
class EntryView:
    """A line of the timeline: who stands as role and unit, and by name where it was staff.

    `case_number` names the case whose line it is, where that one was merged into the case that is shown.
    """

    case_number: str | None
    seq: int
    at: datetime
    action: Action
    from_state: State | None
    to_state: State
    actor: ActorKind
    role: Role
    role_label: str
    unit: str | None
    name: str | None
    door: Door
    facts: dict[str, Any]
    reply: str | None
    note: str | None
    files: Sequence[FileShown]


@dataclass(frozen=True, kw_only=True)
class CaseView(QueueRow):
    """A case with all that hangs on it. `actions` is what the viewer may do now; `timeline` begins with the newest entry.

    `rescue_awaited` are the services that it was handed to and that have not arrived.
    `merged` are the numbers of the cases merged into it, whose lines stand among its own. Three words on whether it is solved:
    the unit's, the persons' of this round (the least favourable), upstream's. `recurrence_settled`: the matter that came back is
    not taken up again without new facts. `to_place`: nobody knows its grid yet; `suggested_grid` is that of its point, where
    it is another than its own.
    """

    upstream_number: str | None
    outcome: Outcome | None
    unit_solved: bool | None
    person_solved: bool | None
    upstream_solved: bool | None
    heat: int
    closed_at: datetime | None
    triage: bool
    excluded: bool
    return_locked: bool
    settled: bool
    reworks: int
    reopenings: int
    reassignments: int
    extensions: int
    urgings: int
    raised: int
    awaiting_rescue: bool
    rescue_awaited: list[EmergencyService]
    hidden_from_grid: bool
    to_place: bool
    suggested_grid: Named | None
    merged_into: str | None
    merged: list[str]
    recurrence_of: str | None
    recurrence_settled: bool
    published_at: datetime | None
    public_title: str | None
    public_summary: str | None
    identity_hidden: bool
    may_dial: bool
    actions: list[Action]
    reports: list[ReportView]
    assignments: list[AssignmentView]
    clocks: list[ClockView]
    requests: list[RequestView]
    callbacks: list[CallbackView]
    results: list[RoundResult]
    timeline: Page[EntryView]


def _grid_of_points(case: Case, reports: Sequence[Report]) -> Named | None:
    """Give the grid in which the first point of a case lies, where that is not its own."""
    for report in reports:
        if report.latitude is not None and report.longitude is not None:
            found = grid_at(report.latitude, report.longitude)
            return Named(found.code, found.name) if found is not None and found.id != case.grid_id else None
    return None


_COUNTS = ("triage", "excluded", "return_locked", "settled", "reworks", "reopenings", "reassignments", "extensions", "urgings")


def case_view(stamp: Stamp, number: str) -> CaseView:
    """Give a case that the actor sees, in a number of statements that does not depend on what hangs on it; raises CaseNotFound."""
    case = _load(stamp, number)
    clocks = open_clocks([case.id], stamp.at).get(case.id, [])
    asked = db.session.scalars(select(Request).where(Request.case_id == case.id).order_by(Request.id)).all()
    heard = db.session.scalars(select(Callback).where(Callback.case_id == case.id).order_by(Callback.id)).all()
    others = related(stamp.actor, case)
    entries = _entries(case, others, cursor=None, limit=LIMIT)
    unseen = _unseen(stamp, entries.items, others)
    reports = _said_in(case)
    shown = shows_identity(stamp, case, reports)
    beside = people_of([report.id for report in reports])
    files = files_of(stamp, FileSubject.REPORT, [report.id for report in reports])
    names = _names(
        [report.filer_staff_id for report in reports]
        + [assignment.handler_id for assignment in case.assignments]
        + [callback.staff_id for callback in heard]
        + _actors(entries.items)
    )
    pending = [request for request in asked if request.state is RequestState.PENDING]
    return CaseView(
        **head_of(case, clocks),
        upstream_number=case.upstream_number,
        outcome=case.outcome,
        unit_solved=case.unit_solved,
        person_solved=solved_by(
            [row for row in still_in(case, heard) if row.round == case.round and row.by is not CallbackBy.UPSTREAM]
        ),
        upstream_solved=next((row.solved for row in reversed(heard) if row.by is CallbackBy.UPSTREAM), None),
        heat=case.heat,
        closed_at=case.closed_at,
        **{name: getattr(case, name) for name in _COUNTS},
        raised=case.raised,
        awaiting_rescue=case.awaiting_rescue,
        rescue_awaited=awaited_services(case),
        hidden_from_grid=case.hidden_from_grid,
        to_place=case.to_place,
        suggested_grid=_grid_of_points(case, reports),
        merged_into=others.into,
        merged=sorted(others.merged.values()),
        recurrence_of=others.recurrence_of,
        recurrence_settled=others.settled,
        published_at=case.published_at,
        public_title=case.public_title,
        public_summary=case.public_summary,
        identity_hidden=not shown,
        may_dial=may_dial(stamp, case),
        actions=possible_actions(stamp, case, pending),
        reports=[
            _report(report, names, beside.get(report.id, People()), files.get(report.id, []), shown=shown) for report in reports
        ],
        assignments=[_assignment(assignment, names) for assignment in case.assignments],
        clocks=clocks,
        requests=request_views(asked),
        callbacks=[_callback(callback, names) for callback in heard],
        results=results_by_round(case),
        timeline=Page(_told(stamp, entries.items, names, others, unseen, shown=shown), entries.next_cursor),
    )


def entries_page(stamp: Stamp, number: str, *, cursor: str | None, limit: int) -> Page[EntryView]:
    """Give a page of a case's timeline, the newest entry first; raises CaseNotFound."""
    case = _load(stamp, number)
    others = related(stamp.actor, case)
    page = _entries(case, others, cursor=cursor, limit=limit)
    names, unseen = _names(_actors(page.items)), _unseen(stamp, page.items, others)
    shown = shows_identity(stamp, case, _said_in(case))
    return Page(_told(stamp, page.items, names, others, unseen, shown=shown), page.next_cursor)


_NAMES_OTHERS = {
    Action.MERGE: "into", Action.ABSORB: "from", Action.UNMERGE: "from", Action.RELEASE: "to", Action.LINK_RECURRENCE: "of",
}  # fmt: skip
"""Entries that name another case, and the fact that does."""


def _unseen(stamp: Stamp, entries: Iterable[Entry], others: Related) -> frozenset[str]:
    """Give the numbers of other cases which entries name and the reader does not see; asked only where any are in doubt."""
    named = {str(entry.facts[key]) for entry in entries if (key := _NAMES_OTHERS.get(entry.action)) and key in entry.facts}
    named -= {others.into, others.recurrence_of, *others.merged.values()}
    if not named:
        return frozenset()
    return frozenset(named - set(db.session.scalars(select(Case.number).where(Case.number.in_(named), visible(stamp.actor)))))


def _said_in(case: Case) -> list[Report]:
    """Give the reports of a case; of one that was merged those which it opened, wherever they are now."""
    if case.merged_into_id is None:
        return case.reports
    query = select(Report).where(Report.opened_case_id == case.id).order_by(Report.id).options(_WITH_PERSON)
    return list(db.session.scalars(query))


_WITH_PERSON = joinedload(Report.concerned).joinedload(Resident.identity)


def _load(stamp: Stamp, number: str) -> Case:
    query = select(Case).where(Case.number == written(number), visible(stamp.actor))
    query = query.options(
        joinedload(Case.grid),
        joinedload(Case.lead_unit),
        selectinload(Case.reports).options(_WITH_PERSON),
        selectinload(Case.assignments).joinedload(Assignment.unit),
    )
    case = db.session.scalars(query).first()
    if case is None:
        raise CaseNotFound
    return case


def _entries(case: Case, others: Related, *, cursor: str | None, limit: int) -> Page[Entry]:
    query = select(Entry).where(Entry.case_id.in_([case.id, *others.merged])).options(joinedload(Entry.words))
    if not others.merged:
        entries = db.session.scalars(paged(query, key=[(Entry.seq, True)], cursor=cursor, limit=limit)).all()
        return page_from(entries, limit=limit, key=lambda entry: [entry.seq])
    entries = db.session.scalars(paged(query, key=[(Entry.at, True), (Entry.id, True)], cursor=cursor, limit=limit)).all()
    return page_from(entries, limit=limit, key=lambda entry: [entry.at, entry.id])


def _actors(entries: Iterable[Entry]) -> list[int | None]:
    return [entry.actor_id for entry in entries if entry.actor is ActorKind.STAFF]


@dataclass(frozen=True)
class _Known:
    """A member of staff: the name, and the unit of each role held today."""

    name: str
    units: dict[Role, str]

    def unit(self, role: Role) -> str | None:
        return self.units.get(role) or next(iter(self.units.values()), None)


def _names(ids: Iterable[int | None]) -> dict[int | None, _Known]:
    """Give name and units of staff; nobody for None."""
    query = select(Staff.id, Staff.name, StaffPost.role, Unit.name)
    query = query.outerjoin(StaffPost, StaffPost.staff_id == Staff.id).outerjoin(Unit, Unit.id == StaffPost.unit_id)
    found: dict[int | None, _Known] = {}
    wanted = {each for each in ids if each is not None}
    for staff_id, name, role, unit in db.session.execute(query.where(Staff.id.in_(wanted)).order_by(StaffPost.id)):
        known = found.setdefault(staff_id, _Known(name, {}))
        if role is not None:
            known.units.setdefault(role, unit)
    return found


def _name(names: dict[int | None, _Known], staff_id: int | None) -> str | None:
    known = names.get(staff_id)
    return known.name if known else None


def _report(
    report: Report, names: dict[int | None, _Known], beside: People, files: Sequence[FileShown], *, shown: bool
) -> ReportView:
    same = (
        "id",
        "channel",
        "title",
        "body",
        "said_at",
        "received_at",
        "withdrawn_at",
        "anonymous",
        "confidential",
        "latitude",
        "longitude",
    )
    person = masked(open_person(report.concerned.identity)) if shown and report.concerned is not None else None
    return ReportView(
        **{name: getattr(report, name) for name in same},
        place=report.place_note,
        person=person,
        filed_by=_name(names, report.filer_staff_id) if shown else None,
        group_size=beside.group_size,
        minor=beside.minor,
        representatives=beside.representatives if shown else (),
        guardian=beside.guardian if shown else None,
        files=files,
    )


def _assignment(assignment: Assignment, names: dict[int | None, _Known]) -> AssignmentView:
    same = (
        "by_meeting",
        "first_responder",
        "duty",
        "round",
        "dispatched_at",
        "signed_at",
        "contacted_at",
        "submitted_at",
        "ended_at",
    )
    return AssignmentView(
        **{name: getattr(assignment, name) for name in same},
        unit=Named(assignment.unit.code, assignment.unit.name),
        handler=_name(names, assignment.handler_id),
    )


def _callback(callback: Callback, names: dict[int | None, _Known]) -> CallbackView:
    same = (
        "round",
        "report_id",
        "at",
        "by",
        "reached",
        "contacted",
        "solved",
        "satisfaction",
        "attitude",
        "competence",
        "convenience",
        "speed",
    )
    return CallbackView(**{name: getattr(callback, name) for name in same}, agent=_name(names, callback.staff_id))


_MAY_BE_THE_FILER = frozenset({Role.CADRE, Role.GRID_WORKER})
"""Roles that file for neighbours: where the person is hidden, so is who filed, or the village would be known."""


def _told(
    stamp: Stamp,
    entries: Sequence[Entry],
    names: dict[int | None, _Known],
    others: Related,
    unseen: frozenset[str],
    *,
    shown: bool,
) -> list[EntryView]:
    """Give entries as lines of the timeline, each with its files."""
    files = files_of(stamp, FileSubject.ENTRY, [entry.id for entry in entries])
    return [replace(_entry(entry, names, others, unseen, shown=shown), files=files.get(entry.id, [])) for entry in entries]


def _entry(entry: Entry, names: dict[int | None, _Known], others: Related, unseen: frozenset[str], *, shown: bool) -> EntryView:
    same = ("seq", "at", "action", "from_state", "to_state", "actor", "role", "door")
    known = names.get(entry.actor_id) if entry.actor is ActorKind.STAFF else None
    if not shown and entry.role in _MAY_BE_THE_FILER:
        known = None
    return EntryView(
        case_number=others.merged.get(entry.case_id),
        **{name: getattr(entry, name) for name in same},
        facts={key: told for key, told in entry.facts.items() if not unseen or str(told) not in unseen},
        role_label=ROLE_LABELS[entry.role],
        unit=known.unit(entry.role) if known else None,
        name=known.name if known else None,
        reply=entry.words.reply if entry.words else None,
        note=entry.words.note if entry.words else None,
        files=[],
    )
