"""Keeps who looks on the spot: the worker of a case's grid or, where their own village handled it, its township.

Nobody looks at their own unit's work; what none of them may look at is asked of nobody, and the review says so.
"""

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select
from sqlalchemy.orm import aliased

from app.core.database import db
from app.core.stamp import Actor, ActorKind, Role
from app.ledger.catalogue import catalogue
from app.ledger.models import Assignment, Case, Entry
from app.ledger.recusal import prefixes
from app.ledger.verification.models import Verification
from app.ledger.vocabulary import Action, State, VerifyBy
from app.territory.models import Level, Unit

HANDLING = (Action.SIGN, Action.SIGN_ASSIST, Action.CONTACT, Action.SUBMIT_ASSIST, Action.SUBMIT_RESULT)
"""What shows that somebody has handled a case themselves, for whatever unit."""


def awaits_look(actor: Actor) -> ColumnElement[bool]:
    """Give the condition that the actor may look at a result, and that nobody has in this round though its category asks."""
    asked = [each for each, facts in catalogue().categories.items() if facts.verify_by is VerifyBy.LOOK]
    of_round = (Verification.case_id == Case.id, Verification.round == Case.round, Verification.by == VerifyBy.LOOK)
    return and_(
        Case.state.in_((State.UNDER_REVIEW, State.AWAITING_CALLBACK)),
        Case.category_id.in_(asked),
        not_(Case.triage),
        not_(exists().where(*of_round).correlate(Case)),
        or_(Case.grid_id.in_(sorted(actor.grid_ids)), stands_in(actor)),
        not_(_handled_at(sorted({prefix for path in actor.paths() for prefix in prefixes(path)}))),
    )


def stands_in(actor: Actor) -> ColumnElement[bool]:
    """Give the condition that the actor's township looks for the worker of a case's grid, whose own village handled it."""
    posts = actor.paths(Role.HANDLER, Role.UNIT_HEAD)
    if not posts:
        return false()
    township = aliased(Unit)
    over = exists().where(township.path.in_(posts), township.level == Level.TOWNSHIP, Case.territory_path.startswith(township.path))
    handled = exists().where(Entry.case_id == Case.id, Entry.actor == ActorKind.STAFF, Entry.actor_id == actor.id)
    return and_(
        over.correlate(Case),
        exists().where(_part(), Case.territory_path.startswith(Unit.path)).correlate(Case),
        not_(handled.where(Entry.action.in_(HANDLING)).correlate(Case)),
    )


def looks_for_grid(actor: Actor, case: Case) -> bool:
    """Say whether the actor's township looks at a case for the worker of its grid."""
    return db.session.scalar(select(Case.id).where(Case.id == case.id, stands_in(actor))) is not None


def _handled_at(paths: list[str]) -> ColumnElement[bool]:
    """Give the condition that a unit of some paths handles or has handled a case."""
    return exists().where(_part(), Unit.path.in_(paths)).correlate(Case)


def _part() -> ColumnElement[bool]:
    return and_(Assignment.case_id == Case.id, Assignment.unit_id == Unit.id)
