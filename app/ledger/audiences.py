"""Keeps who is told: an audience of the table becomes recipients, never one who is recused, never an anonymous person."""

from collections.abc import Iterable

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Role
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.models import Assignment, Case, Report, ReportClaim
from app.ledger.recusal import is_recused
from app.ledger.vocabulary import Audience, Clock, Duty, Subject
from app.notices.models import Recipient
from app.people.staff import posts_held
from app.territory.models import Unit

Address = tuple[Recipient, int]

_DESK_ROLES = {
    Clock.ACCEPT: Role.INTAKE,
    Clock.INFO: Role.INTAKE,
    Clock.DISPATCH: Role.DISPATCHER,
    Clock.CONTACT: Role.CALLBACK_AGENT,
    Clock.REVIEW: Role.REVIEWER,
    Clock.CALLBACK: Role.CALLBACK_AGENT,
    Clock.OVERALL: Role.SUPERVISOR,
    Clock.TRIAGE: Role.SUPERVISOR,
    Clock.DECIDE: Role.SUPERVISOR,
    Clock.SUSPENSION: Role.SUPERVISOR,
    Clock.UPSTREAM_SIGN: Role.INTAKE,
    Clock.UPSTREAM_RETURN: Role.INTAKE,
    Clock.UPSTREAM_DUE: Role.SUPERVISOR,
}


def shift_heads() -> list[int]:
    """Give the heads of the shift: until rosters exist, the heads of the county's own unit."""
    county_id = catalogue().county_id
    return posts_held().at(county_id, Role.UNIT_HEAD) if county_id is not None else []


def in_charge(case: Case, unit_id: int | None, role: Role) -> list[int]:
    """Give who answers for a case at a unit: the holders of a role there, else the unit's heads, else one level up.

    Whoever is recused is passed over at each step; last come the shift's heads and the county's supervisors.
    """
    held = posts_held()
    steps = [] if unit_id is None else [held.at(unit_id, role), held.at(unit_id, Role.UNIT_HEAD)]
    steps += [shift_heads(), held.over(catalogue().county_path, Role.SUPERVISOR)]
    return next((free for step in steps if (free := [staff for staff in step if not is_recused(staff, case)])), [])


def owners(case: Case, deadline: Deadline) -> list[int]:
    """Give who owns a clock of a case: its person, else who is in charge at its unit."""
    if deadline.owner_staff_id is not None and not is_recused(deadline.owner_staff_id, case):
        return [deadline.owner_staff_id]
    at_unit = deadline.subject in (Subject.ASSIGNMENT, Subject.WHISTLE_CALL, Subject.SUPERVISION_ORDER)
    return in_charge(case, deadline.owner_unit_id, Role.HANDLER if at_unit else _DESK_ROLES.get(deadline.clock, Role.HANDLER))


def _persons(case: Case) -> list[Address]:
    concerned = select(Report.concerned_id).where(Report.case_id == case.id, Report.concerned_id.is_not(None))
    claimed = select(ReportClaim.resident_id).join(Report).where(Report.case_id == case.id)
    ids = set(db.session.scalars(concerned)) | set(db.session.scalars(claimed))
    return [(Recipient.RESIDENT, int(resident)) for resident in sorted(i for i in ids if i is not None)]


def _filers(case: Case) -> list[int]:
    query = select(Report.filer_staff_id).where(Report.case_id == case.id, Report.filer_staff_id.is_not(None))
    return [staff for staff in db.session.scalars(query) if staff is not None]


def _assigned(case: Case, duty: Duty) -> list[int]:
    query = select(Assignment).where(Assignment.case_id == case.id, Assignment.duty == duty, Assignment.ended_at.is_(None))
    staff: list[int] = []
    for assignment in db.session.scalars(query):
        own = assignment.handler_id
        staff += [own] if own is not None and not is_recused(own, case) else in_charge(case, assignment.unit_id, Role.HANDLER)
    return staff


def recipients(case: Case, audiences: Iterable[Audience], *, deadline: Deadline | None = None) -> list[Address]:
    """Give the recipients of some audiences of a case, each once; `deadline` names the clock that OWNER and UNIT_HEAD speak of."""
    found: dict[Address, None] = {}
    for audience in audiences:
        if audience is Audience.PERSONS:
            found.update(dict.fromkeys(_persons(case)))
            continue
        for staff_id in _staff_of(case, audience, deadline):
            if not is_recused(staff_id, case):
                found[Recipient.STAFF, staff_id] = None
    return list(found)


def _above(unit_id: int | None) -> int | None:
    return None if unit_id is None else db.session.scalar(select(Unit.parent_id).where(Unit.id == unit_id))


def _staff_of(case: Case, audience: Audience, deadline: Deadline | None) -> list[int]:
    held = posts_held()
    unit = deadline.owner_unit_id if deadline is not None else case.lead_unit_id
    match audience:
        case Audience.FILERS:
            return _filers(case)
        case Audience.LEAD:
            return _assigned(case, Duty.LEAD)
        case Audience.ASSISTS:
            return _assigned(case, Duty.ASSIST)
        case Audience.INTAKE:
            return held.over(case.territory_path, Role.INTAKE)
        case Audience.SHIFT_HEAD:
            return in_charge(case, None, Role.UNIT_HEAD)
        case Audience.OWNER:
            return owners(case, deadline) if deadline is not None else []
        case Audience.UNIT_HEAD:
            return in_charge(case, unit, Role.UNIT_HEAD)
        case Audience.SUPERVISORS:
            return held.over(case.territory_path, Role.SUPERVISOR)
        case Audience.DISPATCHERS:
            return held.over(case.territory_path, Role.DISPATCHER)
        case Audience.CALLBACK_AGENTS:
            return held.over(case.territory_path, Role.CALLBACK_AGENT)
        case Audience.REVIEWERS:
            return held.over(case.territory_path, Role.REVIEWER)
        case Audience.SUBS:
            return _assigned(case, Duty.SUB)
        case Audience.DUTY_PHONE:
            return owners(case, deadline) if deadline is not None else _assigned(case, Duty.LEAD)
        case Audience.UPPER_HEAD:
            return in_charge(case, _above(unit), Role.UNIT_HEAD)
    return []
