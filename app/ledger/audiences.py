"""Keeps who is told: an audience of the table becomes recipients, never one who is recused, never an anonymous person."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import exists, not_, or_, select
from sqlalchemy.orm import aliased

from app.core.database import db
from app.core.stamp import Role
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.models import Assignment, Case, Report, ReportClaim
from app.ledger.recusal import is_recused
from app.ledger.requests.models import Request
from app.ledger.vocabulary import Audience, Clock, Duty, RequestKind, Subject
from app.notices.models import Recipient
from app.people.duty.absences import away
from app.people.duty.models import OnDuty
from app.people.duty.roster import on_duty
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
    Clock.RESCUE: Role.UNIT_HEAD,
}


def county_heads() -> list[int]:
    """Give the heads of the county's own unit: each of them may act as head of the shift, whoever is on duty."""
    county_id = catalogue().county_id
    return posts_held().at(county_id, Role.UNIT_HEAD) if county_id is not None else []


def shift_heads(at: datetime) -> list[int]:
    """Give the head of the shift at a moment by the roster of the county's own unit; where it names nobody, that unit's heads."""
    heads = county_heads()
    named = on_duty(catalogue().county_id or 0, OnDuty.HEAD, at)
    return [staff for staff in named if staff in heads] or heads


def head_chain(at: datetime) -> list[list[int]]:
    """Give who sees to what nobody else does, in turn: the head of the shift, any head of the county's unit, its supervisors."""
    return [shift_heads(at), county_heads(), posts_held().over(catalogue().county_path, Role.SUPERVISOR)]


def free_for(case: Case, staff: Iterable[int]) -> list[int]:
    """Give those of some staff who are at work and not recused; where none is, the stand-ins of those who are away."""
    asked, gone, active = list(staff), away(), posts_held().paths
    stand_ins = (gone.get(each) for each in asked)
    for step in (asked, dict.fromkeys(each for each in stand_ins if each is not None)):
        if free := [each for each in step if each in active and each not in gone and not is_recused(each, case)]:
            return free
    return []


def in_charge(case: Case, unit_id: int | None, role: Role, at: datetime) -> list[int]:
    """Give who answers for a case at a unit: the holders of a role there, else the unit's heads, else one level up.

    Whoever is recused or away is passed over at each step; last come the shift's heads and the county's supervisors.
    """
    held = posts_held()
    steps = [] if unit_id is None else [held.at(unit_id, role), held.at(unit_id, Role.UNIT_HEAD)]
    steps += head_chain(at)
    return next((free for step in steps if (free := free_for(case, step))), [])


def called_at(case: Case, unit_id: int, at: datetime) -> list[int]:
    """Give who answers for a unit that is whistled for: who is on duty there, else who may come, else who is in charge.

    From a village, where nobody handles, its cadres come, else its grid workers.
    """
    held = posts_held()
    on_roster = [staff for what in (OnDuty.PHONE, OnDuty.LEADER) for staff in on_duty(unit_id, what, at)]
    steps = [list(dict.fromkeys(on_roster)), held.at(unit_id, Role.HANDLER, Role.CADRE), held.at(unit_id, Role.GRID_WORKER)]
    return next((free for step in steps if (free := free_for(case, step))), None) or in_charge(case, unit_id, Role.HANDLER, at)


def owners(case: Case, deadline: Deadline, at: datetime) -> list[int]:
    """Give who owns a clock of a case: its person, or their stand-in, else who is in charge at its unit."""
    own = [] if deadline.owner_staff_id is None else free_for(case, [deadline.owner_staff_id])
    if own:
        return own
    if deadline.subject is Subject.REQUEST:
        request = db.session.get_one(Request, deadline.subject_id)
        return asked_to_decide(case, request.kind, at, asker_id=request.asked_by)
    if deadline.clock is Clock.ARRIVE:
        return called_at(case, deadline.owner_unit_id or 0, at)
    at_unit = deadline.subject in (Subject.ASSIGNMENT, Subject.SUPERVISION_ORDER)
    role = Role.HANDLER if at_unit else _DESK_ROLES.get(deadline.clock, Role.HANDLER)
    return in_charge(case, deadline.owner_unit_id, role, at)


def _persons(case: Case) -> list[Address]:
    """Give whose matter a case is, and the residents who filed it for them, such as heads of household groups."""
    # Whoever has withdrawn their report is not told of what others still want.
    other = aliased(Report)
    others = exists().where(other.case_id == case.id, other.withdrawn_at.is_(None))
    told = [Report.case_id == case.id, or_(Report.withdrawn_at.is_(None), not_(others))]
    claimed = select(ReportClaim.resident_id).join(Report).where(*told)
    named = db.session.execute(select(Report.concerned_id, Report.filer_resident_id).where(*told))
    ids = {resident for row in named for resident in row} | set(db.session.scalars(claimed))
    return [(Recipient.RESIDENT, int(resident)) for resident in sorted(i for i in ids if i is not None)]


def _filers(case: Case) -> list[int]:
    query = select(Report.filer_staff_id).where(Report.case_id == case.id, Report.filer_staff_id.is_not(None))
    return [staff for staff in db.session.scalars(query) if staff is not None]


def _assigned(case: Case, duty: Duty, at: datetime) -> list[int]:
    query = select(Assignment).where(Assignment.case_id == case.id, Assignment.duty == duty, Assignment.ended_at.is_(None))
    staff: list[int] = []
    for assignment in db.session.scalars(query):
        own = [] if assignment.handler_id is None else free_for(case, [assignment.handler_id])
        staff += own or in_charge(case, assignment.unit_id, Role.HANDLER, at)
    return staff


def recipients(
    case: Case, audiences: Iterable[Audience], at: datetime, *, deadline: Deadline | None = None, unit_id: int | None = None
) -> list[Address]:
    """Give the recipients of some audiences of a case at a moment, each once.

    `deadline` names the clock that OWNER and UNIT_HEAD speak of; without one they speak of `unit_id`, else of the lead's unit.
    """
    found: dict[Address, None] = {}
    for audience in audiences:
        if audience is Audience.PERSONS:
            found.update(dict.fromkeys(_persons(case)))
            continue
        for staff_id in _staff_of(case, audience, deadline, unit_id, at):
            if not is_recused(staff_id, case):
                found[Recipient.STAFF, staff_id] = None
    return list(found)


def raised_to(path: str, levels: int) -> int | None:
    """Give the id of the unit that stands some levels above the unit of a path; None above the county."""
    ids = path.strip("/").split("/")
    return int(ids[-1 - levels]) if levels < len(ids) else None


def _upper_heads(case: Case, unit_id: int | None, at: datetime) -> list[int]:
    """Give the head of the unit above one, as often as the case was raised; at the county the leader responsible for it too."""
    path = None if unit_id is None else db.session.scalar(select(Unit.path).where(Unit.id == unit_id))
    if path is None:
        return in_charge(case, None, Role.UNIT_HEAD, at)
    levels = max(1, case.raised)
    above = raised_to(path, levels)
    heads = in_charge(case, above, Role.UNIT_HEAD, at)
    return heads + responsible_leaders(case, path) if case.raised and raised_to(path, levels + 1) is None else heads


def responsible_leaders(case: Case, path: str) -> list[int]:
    """Give the leaders who answer for the unit of a path (分管领导): those nearest above it who are not recused."""
    near = [post for post in posts_held().by_role.get(Role.LEADER, ()) if path.startswith(post.path)]
    fit = [post for post in near if not is_recused(post.staff_id, case)]
    nearest = max((len(post.path) for post in fit), default=0)
    return sorted({post.staff_id for post in fit if len(post.path) == nearest})


_OF_THE_CENTRE = frozenset({RequestKind.RETURN, RequestKind.REASSIGN, RequestKind.SUPPORT})
_OF_THE_SHIFT = frozenset({RequestKind.REJECT, RequestKind.REDIRECT, RequestKind.VOID})
_OF_THE_COUNTY = frozenset({RequestKind.EXCLUDE, RequestKind.JUDGE_CLOSED})

DECIDED_OUTSIDE = _OF_THE_SHIFT | _OF_THE_COUNTY | {RequestKind.WITHDRAW}
"""Kinds that would let a unit off: nobody decides them who works for a unit that handled the case."""


def asked_to_decide(case: Case, kind: RequestKind, at: datetime, *, asker_id: int | None) -> list[int]:
    """Give whom a request is put before, and who owns the clock of its decision: never its asker, never one who is recused.

    Of those who may decide these are the first at hand; where none of them is free, the county's supervisors and the head of
    the shift see to it.
    """
    held, county_id = posts_held(), catalogue().county_id or 0
    dispatchers, supervisors = held.at(county_id, Role.DISPATCHER), held.at(county_id, Role.SUPERVISOR)
    over = held.over(case.territory_path, Role.SUPERVISOR)
    lead = next((a.unit.path for a in case.assignments if a.duty is Duty.LEAD and a.ended_at is None), None)
    leaders = [] if lead is None else responsible_leaders(case, lead)
    if kind in _OF_THE_CENTRE:
        steps = [dispatchers, supervisors]
    elif kind in _OF_THE_SHIFT:
        steps = [shift_heads(at), county_heads(), dispatchers]
    elif kind is RequestKind.WITHDRAW:
        steps = [held.at(county_id, Role.CALLBACK_AGENT), held.at(county_id, Role.INTAKE)]
    elif kind is RequestKind.EXTEND:
        steps = [leaders] if case.extensions else [supervisors, dispatchers]
    elif kind in _OF_THE_COUNTY:
        steps = [supervisors, held.at(county_id, Role.LEADER)]
    else:
        steps = [over, leaders]
    for step in (*steps, supervisors, shift_heads(at), county_heads()):
        others = [each for each in step if each != asker_id and not (kind in DECIDED_OUTSIDE and _works_for(case, each))]
        free = [staff for staff in free_for(case, others) if staff != asker_id]
        if free:
            return free
    return []


def _works_for(case: Case, staff_id: int) -> bool:
    """Say whether a member of staff serves at, or below, a unit that handles or handled a case."""
    mine = posts_held().paths.get(staff_id, ())
    return any(path.startswith(part.unit.path) for path in mine for part in case.assignments)


def _working(case: Case, unit_id: int | None, at: datetime) -> list[int]:
    """Give who works on a case at a unit: the handlers of its parts there, else who is in charge."""
    parts = [a.handler_id for a in case.assignments if a.ended_at is None and a.unit_id == unit_id]
    named = {free for staff in parts if staff is not None for free in free_for(case, [staff])}
    return sorted(named) or in_charge(case, unit_id, Role.HANDLER, at)


def _staff_of(case: Case, audience: Audience, deadline: Deadline | None, unit_id: int | None, at: datetime) -> list[int]:
    held = posts_held()
    unit = deadline.owner_unit_id if deadline is not None else unit_id or case.lead_unit_id
    match audience:
        case Audience.FILERS:
            return _filers(case)
        case Audience.LEAD:
            return _assigned(case, Duty.LEAD, at)
        case Audience.ASSISTS:
            return _assigned(case, Duty.ASSIST, at)
        case Audience.INTAKE:
            return held.over(case.territory_path, Role.INTAKE)
        case Audience.SHIFT_HEAD:
            return in_charge(case, None, Role.UNIT_HEAD, at)
        case Audience.OWNER:
            return owners(case, deadline, at) if deadline is not None else _working(case, unit, at)
        case Audience.UNIT_HEAD:
            return in_charge(case, unit, Role.UNIT_HEAD, at)
        case Audience.SUPERVISORS:
            return held.over(case.territory_path, Role.SUPERVISOR)
        case Audience.DISPATCHERS:
            return held.over(case.territory_path, Role.DISPATCHER)
        case Audience.CALLBACK_AGENTS:
            return held.over(case.territory_path, Role.CALLBACK_AGENT)
        case Audience.REVIEWERS:
            return held.over(case.territory_path, Role.REVIEWER)
        case Audience.SUBS:
            return _assigned(case, Duty.SUB, at)
        case Audience.DUTY_PHONE:
            at_phone = free_for(case, on_duty(unit or 0, OnDuty.PHONE, at))
            return at_phone or (owners(case, deadline, at) if deadline is not None else _working(case, unit, at))
        case Audience.DUTY_LEADER:
            return free_for(case, on_duty(unit or 0, OnDuty.LEADER, at)) or in_charge(case, unit, Role.UNIT_HEAD, at)
        case Audience.UPPER_HEAD:
            return _upper_heads(case, unit, at)
    return []
