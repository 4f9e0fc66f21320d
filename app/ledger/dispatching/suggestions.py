"""Keeps the suggestions for a dispatch: which unit, why, by the catalogue of responsible units first and by history after it."""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Select, and_, func, literal, not_, select, union_all

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.stamp import Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.dispatching.duties import UnitDuty, duties_for
from app.ledger.dispatching.eligible import may_handle, where_serves
from app.ledger.labels import label
from app.ledger.models import Assignment, Case
from app.ledger.recusal import is_unit_recused, not_recused
from app.ledger.requests.models import Request
from app.ledger.roles import roles_on
from app.ledger.scope import find_case, reaches
from app.ledger.showing.queue import Named
from app.ledger.vocabulary import Duty, RequestKind, RequestState, Responsibility, State
from app.territory.models import Level, Unit

LOOKS_BACK = timedelta(days=180)
MOST = 10


class SuggestionsAreTheDispatchers(NotAllowed):
    """派单建议只提供给派单人员"""


@dataclass(kw_only=True)
class Suggestion:
    """A unit that might get a case: as lead or assist, with its score from 0 to 100 and the reasons in words.

    `led` counts the cases of the category that it led to their end in the township of late; `returned_share` is the part that
    it gave back, None where it never had one.
    """

    unit: Named
    duty: Duty
    score: int
    reasons: list[str] = field(default_factory=list)
    led: int = 0
    returned_share: float | None = None


_BASE = {Responsibility.STATUTORY: 100, Responsibility.LEAD: 90, Responsibility.ASSIST: 50}
_STEP = 5
"""What a line of the catalogue loses for every level that it stands above the case's category."""
_BY_HISTORY = 60
"""What the unit has at most that led every such case and gave none back: less than any unit that the catalogue lets lead."""


def suggest_units(stamp: Stamp, number: str) -> list[Suggestion]:
    """Give the units that a case may be dispatched to, best first: those of the catalogue, then those that handled its like.

    Townships, villages and communities only where their territory is the case's. Units that are recused, have nobody to
    handle it or lie beyond the dispatcher's reach are never among them. Raises CaseNotFound, SuggestionsAreTheDispatchers.
    """
    case = find_case(stamp, number)
    if Role.DISPATCHER not in roles_on(stamp, case):
        raise SuggestionsAreTheDispatchers
    serves = where_serves(case)

    def fits(unit: Unit) -> bool:
        if unit.level is not Level.DEPARTMENT and not case.territory_path.startswith(unit.path):
            return False
        return (
            unit.active
            and reaches(stamp.actor, Role.DISPATCHER, unit.path)
            and unit.level is not Level.COUNTY
            and not is_unit_recused(unit.path, case)
            and unit.id not in serves
            and bool(may_handle(case, unit.id))
        )

    found: dict[int, Suggestion] = {}
    for steps, duty in duties_for(case.category_id):
        if duty.unit_id in found or not fits(duty.unit):
            continue
        found[duty.unit_id] = Suggestion(
            unit=Named(duty.unit.code, duty.unit.name),
            duty=Duty.ASSIST if duty.role is Responsibility.ASSIST else Duty.LEAD,
            score=_BASE[duty.role] - _STEP * steps,
            reasons=[_of_catalogue(duty)],
        )
    rows = [row for row in db.session.execute(_history(stamp, case)) if fits(row[0])] if case.category_id is not None else []
    total = sum(led for _, led, _ in rows)
    for unit, led, returned in rows:
        share = returned / (led + returned)
        by_history = round(_BY_HISTORY * led / total * (1 - share)) if total else 0
        known = found.setdefault(unit.id, Suggestion(unit=Named(unit.code, unit.name), duty=Duty.LEAD, score=by_history))
        known.led, known.returned_share = led, share
        known.reasons.append(f"近 {LOOKS_BACK.days} 天在本地办结同类工单 {led} 件，退单 {returned} 次")
    return sorted(found.values(), key=lambda each: (-each.score, -each.led, each.unit.code))[:MOST]


def _of_catalogue(duty: UnitDuty) -> str:
    more = f"（{duty.note}）" if duty.note else ""
    return f"责任清单：“{catalogue().category(duty.category_id).path}”{label(duty.role)}{more}"


def _history(stamp: Stamp, case: Case) -> Select[Unit, int, int]:
    """Give the query for units with how many such cases of the township they led to their end, and gave back, of late."""
    since = stamp.at - LOOKS_BACK
    like = and_(
        Case.category_id == case.category_id,
        Case.territory_path.startswith(_township(case)),
        not_(Case.archived),
        not_recused(stamp.actor),
    )
    led = select(Case.lead_unit_id.label("unit_id"), literal(1).label("led"), literal(0).label("returned")).where(
        like, Case.state == State.CLOSED, Case.closed_at > since, Case.lead_unit_id.is_not(None)
    )
    returned = (
        select(Assignment.unit_id, literal(0), literal(1))
        .join(Request, Request.assignment_id == Assignment.id)
        .join(Case, Case.id == Request.case_id)
        .where(like, Request.kind == RequestKind.RETURN, Request.state == RequestState.APPROVED, Request.decided_at > since)
        .where(Assignment.duty == Duty.LEAD)
    )
    both = union_all(led, returned).subquery()
    counts = (func.sum(both.c.led).label("led"), func.sum(both.c.returned).label("returned"))
    return select(Unit, *counts).join(both, both.c.unit_id == Unit.id).group_by(Unit.id)


def _township(case: Case) -> str:
    """Give the path of the township that a case lies in; the county's where it lies in none."""
    ids = case.territory_path.strip("/").split("/")
    return "/" + "/".join(ids[:2]) + "/"
