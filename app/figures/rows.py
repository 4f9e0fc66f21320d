"""Keeps what is counted: for each selection its rows, whose they are, and when each measure holds for one.

Count and list are both made from the same rows, so that a figure and the cases behind it cannot differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, exists, func, not_, null, or_, select, true, union_all

from app.figures.catalogue import Selection
from app.figures.periods import Period
from app.figures.standing import Cutoff, Standing, changed_since, had, had_not, judged, late, ran_over, standing, stood
from app.ledger.callbacks.models import Callback
from app.ledger.clocks import Deadline
from app.ledger.merging.models import Merge
from app.ledger.models import Assignment, Case, GridMove, Report
from app.ledger.requests.models import Request
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
from app.ledger.whistles.models import Whistle, WhistleCall

NOT_OURS = (State.MERGED, State.VOID)
"""A merged case is counted by the one that holds its reports now; a void one was none."""
NOT_HANDLED = (State.REJECTED, State.REDIRECTED, State.WITHDRAWN)
"""Cases that were never to be handled, or are no longer wanted: they leave closure, on both sides."""
GRADES = tuple(Satisfaction)


@dataclass(frozen=True)
class Rows:
    """Rows over a join that always holds `case`; `unit_id` is whose row it is, `measures` say when it counts for what.

    `case_id` is its case's, from the table by which rows of given cases are found soonest. `state` and `excluded` are the case's
    at the cut-off. `details` tell a row apart from the others of its case.
    """

    source: FromClause
    case_id: ColumnElement[Any]
    unit_id: ColumnElement[Any]
    conditions: tuple[ColumnElement[bool], ...]
    measures: Mapping[str, ColumnElement[bool]]
    state: ColumnElement[Any]
    excluded: ColumnElement[Any]
    details: dict[str, ColumnElement[Any]]


def rows_of(selection: Selection, period: Period, cutoff: Cutoff) -> Rows:
    """Give the rows of a selection in a period, as they stood at the cut-off."""
    return _SELECTED[selection](period, cutoff)


def _base(then: Standing) -> tuple[ColumnElement[bool], ...]:
    """Leave out what is in no figure: history that was imported, praise, what lives on in another case."""
    return (not_(Case.archived), Case.kind != Kind.PRAISE, then.state.not_in(NOT_OURS))


def _within(column: Any, period: Period, cutoff: Cutoff) -> tuple[ColumnElement[bool], ...]:
    inside = (column >= period.since, column < period.until)
    return (*inside, column <= cutoff.at) if cutoff.past else inside


def _of_lead() -> ColumnElement[bool]:
    lead = exists().where(Assignment.id == Deadline.subject_id, Assignment.duty == Duty.LEAD).correlate(Deadline)
    return and_(Deadline.clock == Clock.RESOLVE, Deadline.subject == Subject.ASSIGNMENT, lead)


def _clocks(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Give the condition that a case has a clock of handling, or of its promise, of which something holds."""
    theirs = (Deadline.case_id == Case.id, Deadline.case_id.is_not(None), Deadline.clock.in_((Clock.RESOLVE, Clock.OVERALL)))
    return exists().where(*theirs, *conditions).correlate(Case)


def _accepted(period: Period, cutoff: Cutoff) -> Rows:
    then = standing(cutoff)
    closed = then.state == State.CLOSED
    promise = Deadline.clock == Clock.OVERALL
    breached, ours = had(Deadline.breached_at, cutoff), or_(_of_lead(), promise)
    # Two questions, not one with OR: what is breached and what runs over are each found in an index of their own.
    overdue = or_(_clocks(breached, stood(cutoff), ours), _clocks(ran_over(cutoff), stood(cutoff), ours))
    answered = then.outcome.in_((Outcome.DIRECT, Outcome.ON_THE_SPOT))
    delayed = or_(_clocks(breached, stood(cutoff), _of_lead()), and_(answered, _clocks(breached, stood(cutoff), promise)))
    passed_on = then.outcome == Outcome.PASSED_ON
    return Rows(
        then.beside(Case.__table__),
        Case.id.expression,
        then.lead_unit_id,
        (*_within(Case.accepted_at, period, cutoff), *_base(then), then.state.not_in(NOT_HANDLED)),
        {
            "accepted": true(),
            "closed": closed,
            "resolved": and_(closed, then.solved.is_(True)),
            "due": or_(closed, overdue),
            "on_time": and_(closed, not_(delayed)),
            "direct": then.outcome == Outcome.DIRECT,
            "on_the_spot": then.outcome == Outcome.ON_THE_SPOT,
            "passed_on": passed_on,
            "reworked": and_(passed_on, then.reworks > 0),
        },
        then.state,
        then.excluded,
        {"round": then.round, "began_at": Case.accepted_at.expression},
    )


def _spoken(period: Period, cutoff: Cutoff) -> tuple[ColumnElement[bool], ...]:
    return (Callback.reached.expression, Callback.by != CallbackBy.UPSTREAM, *_within(Callback.at, period, cutoff), _of_the_case())


def _of_the_case() -> ColumnElement[bool]:
    """Leave out the words of reporters taken out of a case again; looked up only where a merge into it was undone."""
    taken_apart = select(Merge.survivor_id).where(Merge.undone_at.is_not(None))
    still_there = exists().where(Report.id == Callback.report_id, Report.case_id == Callback.case_id).correlate(Callback)
    return or_(Callback.report_id.is_(None), Callback.case_id.not_in(taken_apart), still_there)


def _lead_of(then: Standing, round_: ColumnElement[int]) -> ColumnElement[int | None]:
    """Give the unit that led a case in a round: the present lead in the present round, else as its parts tell."""
    led = select(Assignment.unit_id).where(Assignment.case_id == Case.id, Assignment.round == round_, Assignment.duty == Duty.LEAD)
    earlier = led.order_by(Assignment.id.desc()).limit(1).correlate_except(Assignment).scalar_subquery()
    return case((then.round == round_, then.lead_unit_id), else_=earlier)


def _called(period: Period, cutoff: Cutoff) -> list[Any]:
    """Select the call-back clocks that were met in the period, or still waited at its end."""
    until = and_(Deadline.met_at < period.until, had(Deadline.met_at, cutoff))
    columns = (Deadline.case_id, Deadline.round, func.coalesce(until, False).label("covered"))
    rest = [null().label(name) for name in ("contacted", "solved", "grade")]
    clocks = select(*columns, *rest).where(Deadline.clock == Clock.CALLBACK, Deadline.starts_at < period.until)
    going = clocks.where(Deadline.cancelled_at.is_(None))
    # Branches, not an OR: each is read from its index alone.
    branches = [going.where(Deadline.met_at >= period.since), going.where(Deadline.met_at.is_(None))]
    if cutoff.past:
        ended_since = clocks.where(Deadline.cancelled_at > cutoff.at, Deadline.case_id.in_(changed_since(cutoff)))
        branches = [branch.where(stood(cutoff)) for branch in (*branches, ended_since)]
    return branches


def _heard(period: Period, cutoff: Cutoff) -> Rows:
    """Give the rounds in which somebody spoke or was given up in the period, and those still owed a call-back at its end.

    A call-back clock is met when nobody is left to be called; a round with a word is covered however its clock stands.
    """
    then = standing(cutoff)
    grade = case({each: place for place, each in enumerate(GRADES)}, value=Callback.satisfaction)
    words = select(
        Callback.case_id,
        Callback.round,
        true().label("covered"),
        Callback.contacted,
        Callback.solved,
        grade.label("grade"),
    ).where(*_spoken(period, cutoff))
    both = union_all(words, *_called(period, cutoff)).subquery("both").c
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
        then.beside(rounds.join(Case, Case.id == one.case_id)),
        one.case_id,
        _lead_of(then, one.round),
        _base(then),
        {
            "owed": true(),
            "covered": one.covered,
            "valid": one.worst.is_not(None),
            "contacted": one.contacted,
            "solved": one.solved,
            "very_satisfied": one.worst == GRADES.index(Satisfaction.VERY_SATISFIED),
            "satisfied": one.worst == GRADES.index(Satisfaction.SATISFIED),
            "basically_satisfied": one.worst == GRADES.index(Satisfaction.BASICALLY_SATISFIED),
        },
        then.state,
        then.excluded,
        {"round": one.round, "contacted": one.contacted, "solved": one.solved, "grade": one.worst},
    )


def _dispatched(period: Period, cutoff: Cutoff) -> Rows:
    """Give the parts handed out in the period; who never signed stays late, even after the part was taken away.

    What a village led for a wrong grid is not counted once the centre has given it into other hands.
    """
    then = standing(cutoff)
    met = had(Deadline.met_at, cutoff)
    signs = (
        select(
            func.bool_or(or_(met, late(cutoff))).label("due"),
            func.bool_or(and_(met, not_(had(Deadline.breached_at, cutoff)))).label("kept"),
            func.max(Deadline.due_at).label("due_at"),
            func.max(Deadline.met_at).filter(met).label("met_at"),
        )
        .where(Deadline.subject == Subject.ASSIGNMENT, Deadline.subject_id == Assignment.id, Deadline.clock == Clock.SIGN)
        .where(stood(cutoff))
        .having(func.count() > 0)  # a part that goes on into another round was signed before and has no such clock
        .lateral("signs")
    )
    returned = select(Request.assignment_id).where(
        Request.kind == RequestKind.RETURN,
        Request.state == RequestState.APPROVED,
        Request.assignment_id.is_not(None),
        had(Request.decided_at, cutoff),
    )
    changed_hands = and_(Request.kind.in_((RequestKind.RETURN, RequestKind.REASSIGN)), Request.state == RequestState.APPROVED)
    wrong_grid = select(GridMove.assignment_id).join(Request, Request.assignment_id == GridMove.assignment_id)
    wrong_grid = wrong_grid.where(changed_hands, had(Request.decided_at, cutoff))
    source = Assignment.__table__.join(Case, Case.id == Assignment.case_id).join(signs, true())
    return Rows(
        then.beside(source),
        Assignment.case_id.expression,
        Assignment.unit_id.expression,
        (*_within(Assignment.dispatched_at, period, cutoff), Assignment.id.not_in(wrong_grid), *_base(then)),
        {
            "dispatched": true(),
            "returned": Assignment.id.in_(returned),
            "sign_due": signs.c.due,
            "signed_on_time": signs.c.kept,
        },
        then.state,
        then.excluded,
        {
            "round": Assignment.round.expression,
            "began_at": Assignment.dispatched_at.expression,
            "due_at": signs.c.due_at,
            "met_at": signs.c.met_at,
        },
    )


def _whistled(period: Period, cutoff: Cutoff) -> Rows:
    """Give the calls of whistles sent out in the period; one taken back counts only where it was late before."""
    met, breached = had(Deadline.met_at, cutoff), had(Deadline.breached_at, cutoff)
    helped = judged("helped", WhistleCall.helped, cutoff)
    measures = {
        "arrive_due": or_(met, late(cutoff)),
        "arrived_on_time": and_(met, not_(breached)),
        "help_judged": helped.is_not(None),
        "helped": helped.is_(True),
    }
    return _calls(period, cutoff, Deadline.owner_unit_id.expression, measures)


def _blown(period: Period, cutoff: Cutoff) -> Rows:
    """Give the calls of the whistles that units blew in the period, each for the unit that blew."""
    word = func.coalesce(judged("ruling", WhistleCall.ruling, cutoff), judged("justified", WhistleCall.justified, cutoff))
    measures = {"blown_judged": word.is_not(None), "justified": word.is_(True)}
    return _calls(period, cutoff, Whistle.unit_id.expression, measures, Whistle.unit_id.is_not(None))


def _calls(
    period: Period,
    cutoff: Cutoff,
    unit_id: ColumnElement[Any],
    measures: Mapping[str, ColumnElement[bool]],
    *more: ColumnElement[bool],
) -> Rows:
    then = standing(cutoff)
    met, breached = had(Deadline.met_at, cutoff), had(Deadline.breached_at, cutoff)
    called = and_(Deadline.subject == Subject.WHISTLE_CALL, Deadline.subject_id == WhistleCall.id)
    source = Deadline.__table__.join(Case, Case.id == Deadline.case_id).join(WhistleCall, called)
    source = source.join(Whistle, Whistle.id == WhistleCall.whistle_id)
    wanted = or_(had_not(Deadline.cancelled_at, cutoff), breached)
    conditions = (Deadline.clock == Clock.ARRIVE, wanted, stood(cutoff), *_within(Deadline.starts_at, period, cutoff))
    return Rows(
        then.beside(source),
        Deadline.case_id.expression,
        unit_id,
        (*conditions, *more, *_base(then)),
        measures,
        then.state,
        then.excluded,
        {
            "round": Deadline.round.expression,
            "began_at": Deadline.starts_at.expression,
            "due_at": Deadline.due_at.expression,
            "met_at": case((met, Deadline.met_at)),
        },
    )


_SELECTED: dict[Selection, Callable[[Period, Cutoff], Rows]] = {
    Selection.ACCEPTED: _accepted,
    Selection.HEARD: _heard,
    Selection.DISPATCHED: _dispatched,
    Selection.WHISTLED: _whistled,
    Selection.BLOWN: _blown,
}
