"""Keeps what is told of a visit that was stored, and that one sent again is the same visit: with what it came to the first time."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict
from app.ledger.county import county
from app.ledger.intake.submission import fit_words
from app.ledger.models import Case, Report
from app.ledger.scope import opened_by
from app.territory.models import Household
from app.visits.meeting import OF_ONE
from app.visits.models import Visit, VisitEffect, VisitMet, VisitNeed, VisitTask
from app.visits.needs import NeedLogged, submission
from app.visits.rules import VisitLog


class VisitLoggedDifferently(Conflict):
    """同一次走访已经登记，内容不一样"""


@dataclass(frozen=True)
class VisitLogged:
    """A stored visit and its needs; `replayed` when it was stored before.

    `done` are the ids of the tasks that it did, `effect` what it changes on the roster, `follow_up` the task of the next visit.
    """

    visit: Visit
    needs: list[NeedLogged]
    replayed: bool
    done: list[int] = field(default_factory=list)
    effect: VisitEffect | None = None
    follow_up: VisitTask | None = None
    place_warning: str | None = None


def is_stored(key: UUID) -> bool:
    """Say whether there is a visit of this key."""
    return db.session.scalar(select(Visit.id).where(Visit.key == key)) is not None


def logged_before(log: VisitLog, columns: dict[str, Any]) -> VisitLogged:
    """Give the visit that has this key; raises VisitLoggedDifferently when it is another's, or says something else."""
    visit = db.session.scalars(select(Visit).where(Visit.key == log.key)).one()
    query = select(VisitNeed.place, VisitNeed.answered, Case.number, Case.state, Report.title, Report.body)
    query = query.join(Case, Case.id == VisitNeed.case_id).join(Report, opened_by(Case.id))
    query = query.where(VisitNeed.visit_id == visit.id, Report.source_key.startswith(f"visit:{visit.key}:"))
    rows = db.session.execute(query.order_by(VisitNeed.place)).all()
    same = [name for name in columns if name not in _OF_THE_SENDING and (log.timed or name != "told_at")]
    differs = any(getattr(visit, name) != columns[name] for name in same)
    said = [fit_words(submission(log, visit, place), county()) for place in range(len(log.needs))]
    met = set(db.session.scalars(select(VisitMet.resident_id).where(VisitMet.visit_id == visit.id)))
    gone = log.resident_id if log.outcome in OF_ONE else None
    names = {each for each in (log.resident_id, *log.met_ids) if each is not None and each != gone}
    follow_up = db.session.scalars(select(VisitTask).where(VisitTask.key == f"follow_up:{visit.key}")).first()
    agreed = None if follow_up is None else follow_up.due_on
    differs = differs or not names <= met or (agreed != log.follow_up_on and not (follow_up is None and _is_over(visit)))
    if differs or said != [(row.title, row.body) for row in rows]:
        raise VisitLoggedDifferently("请核对：同一个走访编号不能用于另一次走访", key=str(log.key))
    needs = [NeedLogged(row.place, row.number, row.state, row.answered, None) for row in rows]
    done = list(db.session.scalars(select(VisitTask.id).where(VisitTask.visit_id == visit.id).order_by(VisitTask.id)))
    effect = db.session.scalars(select(VisitEffect).where(VisitEffect.visit_id == visit.id)).first()
    return VisitLogged(visit, needs, True, done, effect, follow_up)


def _is_over(visit: Visit) -> bool:
    """Say whether a visit's household has ended: one that had ended already got no follow-up."""
    ended = select(Household.id).where(Household.id == visit.household_id, Household.ended_at.is_not(None))
    return db.session.scalar(ended) is not None


_OF_THE_SENDING = frozenset({"visited_at", "phone_at", "received_at", "clock_off", "position"})
"""What may differ when the same visit is sent again: the rest of it must be the same."""
