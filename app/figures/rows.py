"""Keeps what is counted: for each selection its rows, whose they are, and when each measure holds for one.

Count and list are both made from the same rows, so that a figure and the cases behind it cannot differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, exists, func, not_, null, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.figures.catalogue import Selection
from app.figures.periods import Period
from app.ledger.clocks import Deadline
from app.ledger.merging_models import Merge
from app.ledger.models import Assignment, Callback, Case, Report, Request
from app.ledger.vocabulary import (
    CallbackBy,
    Clock,
    Duty,
    Kind,
    Outcome,
    RequestKind,
    RequestState,
    Satisfaction,
    State,
    Subject,
)

NOT_OURS = (State.MERGED, State.VOID)
"""A merged case is counted by the one that holds its reports now; a void one was none."""
NOT_HANDLED = (State.REJECTED, State.REDIRECTED, State.WITHDRAWN)
"""Cases that were never to be handled, or are no longer wanted: they leave closure, on both sides."""


@dataclass(frozen=True)
class Rows:
    """Rows over a join that always holds `case`; `unit_id` is whose row it is, `measures` say when it counts for what."""

    source: FromClause
    unit_id: ColumnElement[int | None] | InstrumentedAttribute[int | None] | InstrumentedAttribute[int]
    conditions: tuple[ColumnElement[bool], ...]
    measures: dict[str, ColumnElement[bool]]


def rows_of(selection: Selection, period: Period, cutoff: datetime) -> Rows:
    """Give the rows of a selection in a period, as they stand at the cut-off."""
    return _SELECTED[selection](period, cutoff)


def _base() -> tuple[ColumnElement[bool], ...]:
    """Leave out what is in no figure: history that was imported, praise, what lives on in another case."""
    return (not_(Case.archived), Case.kind != Kind.PRAISE, Case.state.not_in(NOT_OURS))


def _within(column: Any, period: Period) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return column >= period.since, column < period.until


def _overrun(cutoff: datetime) -> ColumnElement[bool]:
    """Say of a clock that its term is over and was not kept: breached, or due while it runs on."""
    running_over = and_(Deadline.met_at.is_(None), Deadline.paused_at.is_(None), Deadline.due_at <= cutoff)
    return and_(Deadline.cancelled_at.is_(None), or_(Deadline.breached_at.is_not(None), running_over))


def _is_leads() -> ColumnElement[bool]:
    lead = exists().where(Assignment.id == Deadline.subject_id, Assignment.duty == Duty.LEAD)
    return and_(Deadline.clock == Clock.RESOLVE, Deadline.subject == Subject.ASSIGNMENT, lead)


def _accepted(period: Period, cutoff: datetime) -> Rows:
    closed = Case.state == State.CLOSED
    answered = Case.outcome.in_((Outcome.DIRECT, Outcome.ON_THE_SPOT))
    of_case = Deadline.case_id == Case.id
    overdue = exists().where(of_case, _overrun(cutoff), or_(_is_leads(), Deadline.clock == Clock.OVERALL)).correlate(Case)
    breached = and_(of_case, Deadline.breached_at.is_not(None), Deadline.cancelled_at.is_(None))
    ours = or_(_is_leads(), and_(answered, Deadline.clock == Clock.OVERALL))
    late = exists().where(breached, Deadline.clock.in_((Clock.RESOLVE, Clock.OVERALL)), ours).correlate(Case)
    passed_on = Case.outcome == Outcome.PASSED_ON
    return Rows(
        Case.__table__,
        Case.lead_unit_id,
        (*_within(Case.accepted_at, period), *_base(), Case.state.not_in(NOT_HANDLED)),
        {
            "accepted": true(),
            "closed": closed,
            "resolved": and_(closed, Case.unit_solved.is_(True)),
            "due": or_(closed, overdue),
            "on_time": and_(closed, not_(late)),
            "direct": Case.outcome == Outcome.DIRECT,
            "on_the_spot": Case.outcome == Outcome.ON_THE_SPOT,
            "passed_on": passed_on,
            "reworked": and_(passed_on, Case.reworks > 0),
        },
    )


def _spoken(period: Period) -> tuple[ColumnElement[bool], ...]:
    return (Callback.reached.expression, Callback.by != CallbackBy.UPSTREAM, *_within(Callback.at, period), _of_the_case())


def _of_the_case() -> ColumnElement[bool]:
    """Leave out the words of reporters taken out of a case again; looked up only where a merge into it was undone."""
    taken_apart = select(Merge.survivor_id).where(Merge.undone_at.is_not(None))
    still_there = exists().where(Report.id == Callback.report_id, Report.case_id == Callback.case_id).correlate(Callback)
    return or_(Callback.report_id.is_(None), Callback.case_id.not_in(taken_apart), still_there)


def _lead_of(round_: ColumnElement[int]) -> ColumnElement[int | None]:
    """Give the unit that led a case in a round: the present lead in the present round, else as its parts tell."""
    then = select(Assignment.unit_id).where(Assignment.case_id == Case.id, Assignment.round == round_, Assignment.duty == Duty.LEAD)
    earlier = then.order_by(Assignment.id.desc()).limit(1).correlate_except(Assignment).scalar_subquery()
    return case((Case.round == round_, Case.lead_unit_id), else_=earlier)


def _heard(period: Period, cutoff: datetime) -> Rows:
    """Give the rounds in which somebody spoke or was given up in the period, and those still owed a call-back at its end.

    A call-back clock is met when nobody is left to be called; a round with a word is covered however its clock stands.
    """
    del cutoff  # what was said in a period is said
    grades = list(Satisfaction)
    grade = case({each: place for place, each in enumerate(grades)}, value=Callback.satisfaction)
    words = select(
        Callback.case_id,
        Callback.round,
        true().label("covered"),
        Callback.contacted,
        Callback.solved,
        grade.label("grade"),
    ).where(*_spoken(period))
    clocks = select(
        Deadline.case_id,
        Deadline.round,
        func.coalesce(Deadline.met_at < period.until, False).label("covered"),
        null().label("contacted"),
        null().label("solved"),
        null().label("grade"),
    ).where(Deadline.clock == Clock.CALLBACK, Deadline.cancelled_at.is_(None), Deadline.starts_at < period.until)
    # Two branches, not an OR: each is read from its index alone.
    met, waiting = clocks.where(Deadline.met_at >= period.since), clocks.where(Deadline.met_at.is_(None))
    both = union_all(words, met, waiting).subquery("both").c
    rounds = (
        select(
            both.case_id,
            both.round,
            func.bool_or(both.covered).label("covered"),
            func.bool_and(both.contacted).label("contacted"),
            func.bool_and(both.solved).label("solved"),
            func.max(both.grade).label("worst"),
        )
        .group_by(both.case_id, both.round)
        .order_by(both.case_id)  # so that the look-ups of cases go along their index, not to and fro
        .subquery("rounds")
    )
    one = rounds.c
    return Rows(
        rounds.join(Case, Case.id == one.case_id),
        _lead_of(one.round),
        _base(),
        {
            "owed": true(),
            "covered": one.covered,
            "valid": one.worst.is_not(None),
            "contacted": one.contacted,
            "solved": one.solved,
            "very_satisfied": one.worst == grades.index(Satisfaction.VERY_SATISFIED),
            "satisfied": one.worst == grades.index(Satisfaction.SATISFIED),
            "basically_satisfied": one.worst == grades.index(Satisfaction.BASICALLY_SATISFIED),
        },
    )


def _dispatched(period: Period, cutoff: datetime) -> Rows:
    met = and_(Deadline.cancelled_at.is_(None), Deadline.met_at.is_not(None))
    signs = (
        select(
            func.bool_or(or_(met, _overrun(cutoff))).label("due"),
            func.bool_or(and_(met, Deadline.breached_at.is_(None))).label("kept"),
        )
        .where(Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == Assignment.id, Deadline.clock == Clock.SIGN)
        .having(func.count() > 0)  # a part that goes on into another round was signed before and has no such clock
        .lateral("signs")
    )
    returned = select(Request.assignment_id).where(
        Request.kind == RequestKind.RETURN, Request.state == RequestState.APPROVED, Request.assignment_id.is_not(None)
    )
    source = Assignment.__table__.join(Case, Case.id == Assignment.case_id).join(signs, true())
    return Rows(
        source,
        Assignment.unit_id,
        (*_within(Assignment.dispatched_at, period), *_base()),
        {
            "dispatched": true(),
            "returned": Assignment.id.in_(returned),
            "sign_due": signs.c.due,
            "signed_on_time": signs.c.kept,
        },
    )


def _whistled(period: Period, cutoff: datetime) -> Rows:
    """Give the calls of whistles sent out in the period; one taken back counts only where it was late before."""
    met, late = Deadline.met_at.is_not(None), Deadline.breached_at.is_not(None)
    source = Deadline.__table__.join(Case, Case.id == Deadline.case_id)
    conditions = (Deadline.clock == Clock.ARRIVE, or_(Deadline.cancelled_at.is_(None), late), *_within(Deadline.starts_at, period))
    return Rows(
        source,
        Deadline.owner_unit_id,
        (*conditions, *_base()),
        {"arrive_due": or_(met, late, _overrun(cutoff)), "arrived_on_time": and_(met, not_(late))},
    )


_SELECTED: dict[Selection, Callable[[Period, datetime], Rows]] = {
    Selection.ACCEPTED: _accepted,
    Selection.HEARD: _heard,
    Selection.DISPATCHED: _dispatched,
    Selection.WHISTLED: _whistled,
}
