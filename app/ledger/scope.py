"""Keeps who sees a case: by territory, by access granted, by having filed it; recusal overrides all."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, not_, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.core.database import db
from app.core.errors import NotAllowed, NotFound
from app.core.stamp import Actor, ActorKind, Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.models import Assignment, Case, CaseAccess, GridMove, Report, ReportClaim
from app.ledger.numbers import WrongNumber, check_number
from app.ledger.recusal import not_recused, prefixes
from app.ledger.vocabulary import Duty
from app.ledger.whistles.models import WhistleCall
from app.territory.models import Unit


class CaseNotFound(NotFound):
    """没有找到这个工单"""


class NotYourUnit(NotAllowed):
    """这个工单不由您的单位办理"""


DESK_ROLES = (Role.INTAKE, Role.DISPATCHER, Role.REVIEWER, Role.CALLBACK_AGENT, Role.SUPERVISOR, Role.DATA_PROTECTION_OFFICER)
"""Roles that see confidential cases of their territory; all others need access to the very case."""

TERRITORY_ROLES = (*DESK_ROLES, Role.LEADER, Role.UNIT_HEAD, Role.HANDLER)
"""Roles that see the other cases of their territory; cadres and grid workers too, but for those hidden from the grid."""

ACCESS_ROLES = (Role.HANDLER, Role.UNIT_HEAD, Role.DISPATCHER)
"""Roles that see the cases which their unit, or one below it, was given."""


_CASES_OF_REPORT = (Report.case_id, Report.opened_case_id)
"""The case in which a report is, and the one that it opened where a merge has moved it: both numbers answer."""


def opened_by(case_id: Any) -> ColumnElement[bool]:
    """Give the condition for the reports that opened a case, or were said on it, wherever merges have moved them."""
    return or_(and_(Report.case_id == case_id, Report.opened_case_id.is_(None)), Report.opened_case_id == case_id)


def visible(actor: Actor) -> ColumnElement[bool]:
    """Give the condition under which an actor sees a case."""
    return and_(or_(*ways(actor)), not_recused(actor))


def ways(actor: Actor) -> list[ColumnElement[bool]]:
    """Give the conditions of which one must hold for an actor to see a case; recusal apart, which overrides them all."""
    # The cheap conditions stand first: where one holds, the look-ups after it are not made.
    given = [exists().where(CaseAccess.case_id == Case.id, below(CaseAccess.unit_path, each)) for each in given_to(actor)]
    return own_ways(actor) if sees_all(actor) else [*own_ways(actor), *given]


def sees_all(actor: Actor) -> bool:
    """Say whether an actor sees every case of the county, but for those against them."""
    return actor.kind is ActorKind.SYSTEM or catalogue().county_path in _desk_paths(actor)


def own_ways(actor: Actor) -> list[ColumnElement[bool]]:
    """Give the ways of seeing a case other than having been given it."""
    if actor.kind is ActorKind.SYSTEM:
        return [true()]
    if actor.kind is ActorKind.RESIDENT:
        mine = or_(Report.filer_resident_id == actor.id, Report.concerned_id == actor.id)
        claimed = select(ReportClaim.report_id).where(ReportClaim.resident_id == actor.id)
        own = [select(column).where(whose) for column in _CASES_OF_REPORT for whose in (mine, Report.id.in_(claimed))]
        return [Case.id.in_(union_all(*own))]
    if actor.kind is ActorKind.ANONYMOUS:
        return [false()]
    found: list[ColumnElement[bool]] = [Case.territory_path.startswith(path) for path in _desk_paths(actor)]
    if sees_all(actor):
        return found
    open_to_all = [Case.territory_path.startswith(path) for path in actor.paths(*TERRITORY_ROLES)]
    grid = [Case.territory_path.startswith(path) for path in actor.paths(Role.CADRE)]
    if actor.grid_ids:
        grid.append(Case.grid_id.in_(sorted(actor.grid_ids)))
    if grid:
        open_to_all.append(and_(not_(Case.hidden_from_grid), or_(*grid)))
    if open_to_all:
        found.append(and_(not_(Case.confidential), or_(*open_to_all)))
    if actor.paths(Role.GRID_WORKER):
        moved = exists().where(GridMove.case_id == Case.id, GridMove.staff_id == actor.id).correlate(Case)
        found.append(and_(not_(Case.confidential), not_(Case.hidden_from_grid), moved))
    if actor.paths(Role.CADRE, Role.GRID_WORKER):
        called = exists(called_to(actor).where(WhistleCall.case_id == Case.id).correlate(Case))
        found.append(and_(not_(Case.hidden_from_grid), called))
    if actor.paths(Role.GRID_WORKER):
        handed = exists().where(*handed_to(actor), Assignment.case_id == Case.id).correlate(Case)
        found.append(and_(not_(Case.hidden_from_grid), handed))
    for column in _CASES_OF_REPORT:
        found.append(exists().where(column == Case.id, Report.filer_staff_id == actor.id).correlate(Case))
    return found


@dataclass(frozen=True)
class Given:
    """Whose cases somebody sees because a unit was given them: the unit of a path, mostly with all below it."""

    path: str
    with_below: bool = True


def given_to(actor: Actor) -> list[Given]:
    """Give whose given cases an actor sees; a leader at the county sees what was raised there, not what departments were given."""
    county = catalogue().county_path
    led = [Given(path, path != county) for path in actor.paths(Role.LEADER)]
    return [*map(Given, actor.paths(*ACCESS_ROLES)), *led]


def below(column: InstrumentedAttribute[str], given: Given) -> ColumnElement[bool]:
    """Give the condition that a unit's path is one of those given."""
    return column.startswith(given.path) if given.with_below else column == given.path


def keeps_from(actor: Actor) -> ColumnElement[bool]:
    """Give the condition that a case keeps from an actor who it is about: its identity is hidden, and their unit handles it."""
    promised = exists().where(Report.case_id == Case.id, Report.confidential).correlate(Case)
    own = sorted({prefix for path in actor.paths() for prefix in prefixes(path)})
    handling = exists().where(Assignment.case_id == Case.id, Assignment.unit_id == Unit.id, Unit.path.in_(own)).correlate(Case)
    return and_(or_(Case.confidential, promised), handling)


def called_to(actor: Actor) -> Select[int]:
    """Give the cases on which the villages of a cadre or grid worker were whistled for: they are who comes."""
    villages = actor.paths(Role.CADRE, Role.GRID_WORKER)
    return select(WhistleCall.case_id).join(Unit, Unit.id == WhistleCall.unit_id).where(Unit.path.in_(villages))


def handed_to(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """Give the conditions for the open parts that a grid worker's village has handed to them."""
    village = select(Unit.id).where(Unit.path.in_(actor.paths(Role.GRID_WORKER)))
    return (Assignment.handler_id == actor.id, Assignment.ended_at.is_(None), Assignment.unit_id.in_(village))


def comes_for(post_path: str, unit_path: str) -> bool:
    """Say whether somebody with a post may come for a unit that is called: from it, below it, or above it but for the county."""
    return post_path.startswith(unit_path) or (unit_path.startswith(post_path) and post_path != catalogue().county_path)


def _desk_paths(actor: Actor) -> list[str]:
    """Give the units of whose territory an actor sees every case, secret or not.

    Who heads the county's own unit is the head of the shift, and answers for what nobody owns.
    """
    county_id = catalogue().county_id
    leads = [post.path for post in actor.posts if post.role is Role.UNIT_HEAD and post.unit_id == county_id]
    return [*actor.paths(*DESK_ROLES), *leads]


def written(number: str) -> str:
    """Give a case number as it is stored from how it was written or read out; raises CaseNotFound when a digit is wrong."""
    try:
        return check_number(number)
    except WrongNumber as wrong:
        raise CaseNotFound(wrong.detail) from None


def find_case(stamp: Stamp, number: str) -> Case:
    """Give a case that the actor sees, unlocked; raises CaseNotFound (also for one outside the actor's scope)."""
    number = written(number)
    case = db.session.scalars(select(Case).where(Case.number == number, visible(stamp.actor))).first()
    if case is None:
        raise CaseNotFound
    return case


def reaches(actor: Actor, role: Role, path: str) -> bool:
    """Say whether an actor's post in a role reaches the unit of `path`; roles without posts reach everywhere."""
    if actor.kind is not ActorKind.STAFF:
        return True
    return any(path.startswith(post) for post in actor.paths(role))


def belongs(actor: Actor, assignment: Assignment) -> bool:
    """Say whether an actor handles for the unit of an assignment: from that unit or one above it.

    What the lead has passed on to a unit below it is that unit's own to sign and report: no unit reports to itself. A grid
    worker handles what their village has handed to them.
    """
    if assignment.handler_id is not None and assignment.handler_id == actor.id and _works_at(actor, assignment):
        return True
    paths = actor.paths(Role.HANDLER, Role.UNIT_HEAD)
    if assignment.duty is Duty.SUB:
        return assignment.unit.path in paths
    return any(assignment.unit.path.startswith(path) for path in paths)


def _works_at(actor: Actor, assignment: Assignment) -> bool:
    """Say whether a grid worker serves the very unit of an assignment."""
    return assignment.unit.path in actor.paths(Role.GRID_WORKER)
