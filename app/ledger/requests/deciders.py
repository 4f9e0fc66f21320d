"""Keeps whose decision a request is: which roles by kind, held where; never the asker's own, nor that of the unit which asked."""

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select, true

from app.core.stamp import Actor, ActorKind, Role, Stamp
from app.ledger.audiences import DECIDED_OUTSIDE, county_heads
from app.ledger.catalogue import catalogue
from app.ledger.handling import works_for_case
from app.ledger.models import Assignment, Case
from app.ledger.moves import APPROVING
from app.ledger.recusal import prefixes
from app.ledger.requests.models import Request
from app.ledger.roles import roles_on
from app.ledger.scope import reaches
from app.ledger.vocabulary import Duty, RequestKind
from app.ledger.workflow import CENTRE, MOVES, NotYourMove
from app.territory.models import Unit

AT_THE_CENTRE = frozenset({
    RequestKind.RETURN, RequestKind.REASSIGN, RequestKind.SUPPORT, RequestKind.EXTEND, RequestKind.WITHDRAW, RequestKind.EXCLUDE,
    RequestKind.VOID, RequestKind.JUDGE_CLOSED,
})  # fmt: skip
"""Kinds that the centre decides, which is the county's own unit: no township decides over the units beside it."""

OF_THE_SHIFT = frozenset({RequestKind.REJECT, RequestKind.REDIRECT, RequestKind.VOID})

_WHO = {
    **dict.fromkeys(AT_THE_CENTRE, "县级派单员或督办员"),
    **dict.fromkeys(OF_THE_SHIFT, "值班长，或承办单位以外的另一位受理、派单、督办人员"),
    RequestKind.VOID: "值班长，或承办单位以外的另一位县级受理、派单、督办人员",
    RequestKind.WITHDRAW: "承办单位以外的受理、派单或回访人员",
    **dict.fromkeys((RequestKind.EXCLUDE, RequestKind.JUDGE_CLOSED), "承办单位以外的县级督办员或县级领导"),
}
"""Who decides, as people are told; the rest is the supervisor's or the leader's."""


class AskerMayNotDecide(NotYourMove):
    """申请人不能审批自己的申请"""


class NotYourDecision(NotYourMove):
    """这个申请由其他岗位审批"""


def decider(stamp: Stamp, case: Case, request: Request) -> Stamp:
    """Give the stamp in the role in which the actor may decide a request; raises AskerMayNotDecide, NotYourDecision."""
    if request.asked_by is not None and request.asked_by == stamp.actor.id:
        raise AskerMayNotDecide
    role = deciding_role(stamp, case, request)
    if role is None:
        second = request.kind is RequestKind.EXTEND and case.extensions
        who = "承办单位的分管领导" if second else _WHO.get(request.kind, "督办员或分管领导")
        raise NotYourDecision(f"这个申请由{who}审批")
    return stamp.acting_as(role)


def deciding_role(stamp: Stamp, case: Case, request: Request) -> Role | None:
    """Give the role in which the actor may decide a request, the stamp's own where it may; None where in none."""
    if stamp.actor.kind is not ActorKind.STAFF or request.asked_by == stamp.actor.id or _of_asking_unit(stamp, case, request):
        return None
    fit = [role for role in _roles(case, request.kind) & roles_on(stamp, case) if _holds(stamp.actor, case, request.kind, role)]
    return stamp.role if stamp.role in fit else next((role for role in Role if role in fit), None)


def _roles(case: Case, kind: RequestKind) -> frozenset[Role]:
    """Give the roles that may decide a request of a kind now: the centre the first extension, a leader the second."""
    if kind is RequestKind.EXTEND:
        return frozenset({Role.LEADER}) if case.extensions else CENTRE
    return MOVES[APPROVING[kind]].roles - {Role.RESIDENT}


def _holds(actor: Actor, case: Case, kind: RequestKind, role: Role) -> bool:
    """Say whether a role that reaches a case is held where the kind asks for it."""
    if role is Role.UNIT_HEAD:
        return actor.id in county_heads()
    if kind is RequestKind.EXTEND and role is Role.LEADER:
        return any(a.duty is Duty.LEAD and a.ended_at is None and reaches(actor, role, a.unit.path) for a in case.assignments)
    return kind not in AT_THE_CENTRE or catalogue().county_path in actor.paths(role)


def _of_asking_unit(stamp: Stamp, case: Case, request: Request) -> bool:
    """Say whether the actor serves in the unit that asks, or below it; the leader responsible for it does not.

    What lets a unit off is decided by nobody of any unit that handled the case, its leader included.
    """
    if request.kind in DECIDED_OUTSIDE:
        return works_for_case(stamp, case)
    part = next((a for a in case.assignments if a.id == request.assignment_id), None)
    return part is not None and any(path.startswith(part.unit.path) for path in _served(stamp.actor))


def _served(actor: Actor) -> list[str]:
    return sorted({post.path for post in actor.posts if post.role is not Role.LEADER})


def decidable(actor: Actor) -> ColumnElement[bool]:
    """Give the condition, over requests joined to their cases, under which an actor may decide: what `deciding_role` says."""
    ways = [and_(Request.kind == kind, _way(actor, kind)) for kind in RequestKind]
    own = sorted({prefix for path in _served(actor) for prefix in prefixes(path)})
    parts = exists().where(Assignment.unit_id == Unit.id, Unit.path.in_(own))
    asking = parts.where(Assignment.id == Request.assignment_id).correlate(Request)
    worked = sorted({prefix for path in actor.paths() for prefix in prefixes(path)})
    working = exists().where(Assignment.case_id == Request.case_id, Assignment.unit_id == Unit.id, Unit.path.in_(worked))
    handling = and_(Request.kind.in_(DECIDED_OUTSIDE), working.correlate(Request))
    return and_(or_(*ways), Request.asked_by.is_distinct_from(actor.id), not_(asking), not_(handling))


def _way(actor: Actor, kind: RequestKind) -> ColumnElement[bool]:
    centre = catalogue().county_path
    if kind is RequestKind.EXTEND:
        first = any(centre in actor.paths(role) for role in CENTRE)
        second = and_(Case.extensions > 0, _parts_below(actor.paths(Role.LEADER), Assignment.duty == Duty.LEAD))
        return or_(Case.extensions == 0, second) if first else second
    roles = MOVES[APPROVING[kind]].roles - {Role.RESIDENT}
    if kind in AT_THE_CENTRE:
        return true() if any(centre in actor.paths(role) for role in roles) else false()
    heads = actor.id in county_heads()
    paths = actor.paths(*(role for role in roles if role is not Role.UNIT_HEAD or heads))
    return or_(*(Case.territory_path.startswith(path) for path in paths), _parts_below(paths)) if paths else false()


def _parts_below(paths: tuple[str, ...], *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Give the condition that an open part of a case is that of a unit at or below one of some paths."""
    if not paths:
        return false()
    below = or_(*(Unit.path.startswith(path) for path in paths))
    part = select(Assignment.id).join(Unit, Unit.id == Assignment.unit_id)
    return exists(part.where(Assignment.case_id == Case.id, Assignment.ended_at.is_(None), below, *more).correlate(Case))
