"""Books: what stands in a ledger but for ids, times and codes, so that two of them may be compared."""

from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.database import db
from app.files.models import FileLink, FileSubject
from app.ledger.clocks import Deadline
from app.ledger.models import Case, Entry, Report
from app.notices.models import Notice, Recipient
from app.people.identity import open_person
from app.people.models import Resident
from app.people.roster.commands import open_household
from app.people.roster.models import RosterChange
from app.territory.models import Household
from app.visits.models import Visit, VisitEffect, VisitTask


def ledger() -> dict[str, Any]:
    """Give what stands in the books: each visit with all that came of it, and everything else by its kinds and numbers."""
    keys = {row.id: row.key for row in db.session.execute(select(Visit.id, Visit.key))}
    tasks = {task.id: task for task in db.session.scalars(select(VisitTask))}
    return {
        "visits": {visit.key: _visit(visit) for visit in db.session.scalars(select(Visit))},
        "tasks": {task.key: _task(task, keys) for task in tasks.values()},
        "homes": {home_of(home.id): _home(home) for home in db.session.scalars(select(Household))},
        "people": sorted(_resident(each) for each in db.session.scalars(select(Resident))),
        "cases": Counter((case.title, case.kind, case.state) for case in db.session.scalars(select(Case))),
        "reports": Counter((report.body, report.channel, report.case.state) for report in db.session.scalars(select(Report))),
        "entries": Counter((row.action, row.role, row.door) for row in db.session.scalars(select(Entry))),
        "notices": Counter(_notice(notice) for notice in db.session.scalars(select(Notice))),
        "clocks": Counter(_clock(clock, tasks) for clock in db.session.scalars(select(Deadline))),
        "effects": Counter(_effect(effect) for effect in db.session.scalars(select(VisitEffect))),
        "roster": Counter(_change(change) for change in db.session.scalars(select(RosterChange))),
        "photos": Counter(_photo(link, keys) for link in db.session.scalars(select(FileLink))),
    }


def _visit(visit: Visit) -> tuple[Any, ...]:
    needs = []
    for need in visit.needs:
        report = db.session.scalars(select(Report).where(Report.case_id == need.case_id)).one()
        entries = db.session.execute(
            select(Entry.seq, Entry.action, Entry.role, Entry.door, Entry.from_state, Entry.to_state)
            .where(Entry.case_id == need.case_id)
            .order_by(Entry.seq)
        ).all()
        words = (need.place, need.answered, report.title, report.body, report.channel, report.case.kind, report.case.state)
        needs.append((words, [tuple(entry) for entry in entries]))
    met = sorted(name_of(each.resident_id) for each in visit.met)
    whom = visit.resident_id and name_of(visit.resident_id)
    facts = (visit.outcome, visit.findings, visit.clock_off, visit.in_person)
    return (*facts, home_of(visit.household_id), whom, met, needs)


def _task(task: VisitTask, keys: dict[int, UUID]) -> tuple[Any, ...]:
    whom = task.resident_id and name_of(task.resident_id)
    return task.state, task.ended_by, keys.get(task.visit_id or 0), task.attempts, task.contacted_on, task.due_on, task.note, whom


def _home(home: Household) -> tuple[Any, ...]:
    return home.kind, home.version, home.ended_at is not None


def _resident(each: Resident) -> tuple[Any, ...]:
    return name_of(each.id), home_of(each.household_id), each.version, str(each.ended_by or "")


def _notice(notice: Notice) -> tuple[Any, ...]:
    who = name_of(notice.recipient_id) if notice.recipient is Recipient.RESIDENT else str(notice.recipient_id)
    return notice.template, notice.recipient, who, notice.state, notice.digest


def _clock(clock: Deadline, tasks: dict[int, VisitTask]) -> tuple[Any, ...]:
    """A clock of a task by whether it runs: one that a death had stopped may have been done by a visit delivered after it."""
    if clock.case_id is None:
        return tasks[clock.subject_id].key, clock.clock, clock.met_at is None and clock.cancelled_at is None
    title = db.session.get_one(Case, clock.case_id).title
    return title, clock.clock, clock.label, clock.met_at is None, clock.cancelled_at is None


def _effect(effect: VisitEffect) -> tuple[Any, ...]:
    whom = effect.resident_id and name_of(effect.resident_id)
    return effect.kind, effect.state, home_of(effect.household_id), whom


def _change(change: RosterChange) -> tuple[Any, ...]:
    whom = change.resident_id and name_of(change.resident_id)
    return change.what, home_of(change.household_id), whom, change.door


def _photo(link: FileLink, keys: dict[int, UUID]) -> tuple[Any, ...]:
    """A photo by what it is attached to: a visit, or what was said at it."""
    if link.subject is FileSubject.VISIT:
        return link.file_id, link.purpose, keys[link.subject_id]
    return link.file_id, link.purpose, db.session.get_one(Report, link.subject_id).body


def home_of(household_id: int | None) -> str:
    """Give what a household is known by."""
    return "/".join(open_household(db.session.get_one(Household, household_id))) if household_id is not None else ""


def name_of(resident_id: int) -> str:
    """Give what a resident is called."""
    return open_person(db.session.get_one(Resident, resident_id).identity).name or ""
