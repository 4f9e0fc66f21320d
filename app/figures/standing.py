"""Keeps how cases and clocks stood at a cut-off: now as their rows say, in the past as timelines and moments tell.

Told as it is now even at a past cut-off: kind, category, channel and place of a case, and who may see it. A result that was
sent back later counts as not yet given.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, FromClause, and_, case, exists, false, func, literal, not_, null, or_, select, true
from sqlalchemy import type_coerce as as_type
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import aliased

from app.ledger.clocks import Deadline
from app.ledger.models import Assignment, Case, Entry
from app.ledger.vocabulary import Action, Duty, Outcome
from app.ledger.whistles.models import WhistleCall


@dataclass(frozen=True)
class Cutoff:
    """The moment up to which figures are told; of a `past` one, what came after it is left out."""

    at: datetime
    past: bool


def cutoff_at(wanted: datetime | None, now: datetime) -> Cutoff:
    """Give the cut-off that is asked for; one that lies ahead cannot be told yet, and is now."""
    return Cutoff(now, past=False) if wanted is None or wanted >= now else Cutoff(wanted, past=True)


def had(column: Any, cutoff: Cutoff) -> ColumnElement[bool]:
    """Give the condition that what a column dates had happened by the cut-off."""
    happened: ColumnElement[bool] = column.is_not(None)
    return and_(happened, column <= cutoff.at) if cutoff.past else happened


def had_not(column: Any, cutoff: Cutoff) -> ColumnElement[bool]:
    """Give the condition that what a column dates had not happened by the cut-off."""
    return or_(column.is_(None), column > cutoff.at) if cutoff.past else column.is_(None)


def stood(cutoff: Cutoff) -> ColumnElement[bool]:
    """Give the condition that a row is the version of its clock that held at the cut-off: none had replaced it."""
    later = aliased(Deadline)
    replaced = exists().where(later.case_id == Deadline.case_id, later.supersedes_id == Deadline.id).correlate(Deadline)
    last = or_(had_not(Deadline.cancelled_at, cutoff), not_(replaced))
    if not cutoff.past:
        return last
    before = aliased(Deadline)
    replaces = exists().where(before.id == Deadline.supersedes_id, before.cancelled_at <= cutoff.at).correlate(Deadline)
    return and_(Deadline.starts_at <= cutoff.at, or_(Deadline.supersedes_id.is_(None), replaces), last)


def ran_over(cutoff: Cutoff) -> ColumnElement[bool]:
    """Give the condition that a clock was due and ran on at the cut-off."""
    open_ = [had_not(column, cutoff) for column in (Deadline.met_at, Deadline.cancelled_at, Deadline.paused_at)]
    return and_(*open_, Deadline.due_at <= cutoff.at)


def late(cutoff: Cutoff) -> ColumnElement[bool]:
    """Give the condition that the term of a clock was not kept: its breach is written, or it ran over.

    A clock that ended without verdict after it was due is late too: who loses a case does not lose the delay.
    """
    return or_(had(Deadline.breached_at, cutoff), ran_over(cutoff))


@dataclass(frozen=True)
class Standing:
    """How a case stood at the cut-off, as columns; `folded` is what must be joined to it for them, None where nothing."""

    state: ColumnElement[Any]
    outcome: ColumnElement[Any]
    solved: ColumnElement[Any]
    excluded: ColumnElement[Any]
    reworks: ColumnElement[Any]
    round: ColumnElement[Any]
    lead_unit_id: ColumnElement[Any]
    folded: Any = None

    def beside(self, source: FromClause) -> FromClause:
        """Give a source that holds `case` with what these columns need."""
        return source if self.folded is None else source.outerjoin(self.folded, self.folded.c.case_id == Case.id)


def judged(word: str, column: Any, cutoff: Cutoff) -> ColumnElement[Any]:
    """Give a word of a whistle's call (`helped`, `justified`, `ruling`) as it stood: now its column, in the past the timeline's."""
    if not cutoff.past:
        now: ColumnElement[Any] = column.expression
        return now
    said = select(Entry.facts[word].as_boolean()).where(
        Entry.case_id == WhistleCall.case_id,
        Entry.action == Action.ASSESS_WHISTLE,
        Entry.facts["call"].as_integer() == WhistleCall.id,
        Entry.facts.has_key(word),
        Entry.at <= cutoff.at,
    )
    return said.order_by(Entry.seq.desc()).limit(1).correlate(WhistleCall).scalar_subquery()


def changed_since(cutoff: Cutoff) -> Any:
    """Select the ids of the cases whose timelines went on after a past cut-off."""
    return select(Entry.case_id).where(Entry.at > cutoff.at)


def standing(cutoff: Cutoff) -> Standing:
    """Give how cases stood: the columns of a case that has not changed since say it, the timeline up to then of one that has."""
    now = {
        "state": Case.state,
        "outcome": Case.outcome,
        "solved": Case.unit_solved,
        "excluded": Case.excluded,
        "reworks": Case.reworks,
        "round": Case.round,
        "lead_unit_id": Case.lead_unit_id,
    }
    if not cutoff.past:
        return Standing(**{name: column.expression for name, column in now.items()})
    then = _folded(cutoff)
    lead = select(Assignment.unit_id).where(
        Assignment.case_id == Case.id,
        Assignment.duty == Duty.LEAD,
        Assignment.dispatched_at <= cutoff.at,
        had_not(Assignment.ended_at, cutoff),
    )
    told: dict[str, Any] = {name: then.c[name] for name in now if name != "lead_unit_id"}
    told["lead_unit_id"] = lead.order_by(Assignment.id.desc()).limit(1).correlate(Case).scalar_subquery()
    changed = then.c.case_id.is_not(None)
    columns = {name: as_type(case((changed, told[name]), else_=column), column.type) for name, column in now.items()}
    return Standing(**columns, folded=then)


def _folded(cutoff: Cutoff) -> Any:
    """Read the timelines that went on after the cut-off up to it."""
    lead_returned = and_(Entry.action == Action.RETURN, Entry.facts["duty"].astext == Duty.LEAD)
    outcome = case((Entry.action == Action.DISPATCH, Outcome.PASSED_ON.value),
                   (Entry.action == Action.ANSWER, Entry.facts["outcome"].astext), else_=null())  # fmt: skip
    dealt = or_(Entry.action.in_((Action.DISPATCH, Action.ANSWER, Action.REOPEN)), lead_returned)
    said = Entry.facts["solved"].as_boolean()
    solved = case((Entry.action == Action.ANSWER, true()), (Entry.action == Action.SUBMIT_RESULT, said), else_=null())
    judged = Entry.action.in_((Action.ANSWER, Action.SUBMIT_RESULT, Action.REOPEN))
    again = func.count().filter(Entry.action == Action.TRIAGE)
    return (
        select(
            Entry.case_id,
            _last(Entry.to_state, Entry.to_state.type).label("state"),
            _last(outcome, Case.outcome.type, where=dealt).label("outcome"),
            _last(solved, Boolean(), where=judged).label("solved"),
            func.coalesce(func.bool_or(Entry.action == Action.EXCLUDE), false()).label("excluded"),
            again.label("reworks"),
            (literal(1) + func.count().filter(Entry.action.in_((Action.TRIAGE, Action.REOPEN)))).label("round"),
        )
        .where(Entry.at <= cutoff.at, Entry.case_id.in_(changed_since(cutoff)))
        .group_by(Entry.case_id)
        .subquery("folded")
    )


def _last(told: Any, type_: Any, *, where: Any = None) -> Any:
    """Give what the last of a case's entries (`where` it holds) tells."""
    gathered: Any = func.array_agg(aggregate_order_by(told, Entry.seq.desc()), type_=ARRAY(type_))
    return as_type((gathered if where is None else gathered.filter(where))[1], type_)
