"""Keeps how what one member of staff owns in a case passes to another: clocks and the handling of its parts, with an entry."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Select, func, select, union

from app.core.database import db
from app.core.stamp import Role, Stamp
from app.ledger.audiences import free_for, in_charge
from app.ledger.clocks import Deadline
from app.ledger.coming_home import let_go
from app.ledger.deadlines import is_open, lock_case_clocks
from app.ledger.dispatching.eligible import may_handle
from app.ledger.models import Assignment, Case
from app.ledger.moves import Step, Words, move_case
from app.ledger.recusal import not_recused
from app.ledger.vocabulary import OPEN, Action, Clock, Subject


@dataclass(frozen=True)
class Passed:
    """One thing that passed to somebody: a clock of a subject, or (`clock` None) the handling of an assignment."""

    subject: Subject
    subject_id: int
    clock: Clock | None
    to_staff_id: int


def owned_cases(staff_id: int) -> Select[int]:
    """Give the query for the ids of open cases in which a member of staff owns an open clock or handles an open part."""
    clocks = select(Deadline.case_id).where(
        Deadline.owner_staff_id == staff_id, Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None)
    )
    parts = select(Assignment.case_id).where(Assignment.handler_id == staff_id, Assignment.ended_at.is_(None))
    return select(Case.id).where(Case.id.in_(union(clocks, parts)), Case.state.in_(OPEN))


def pass_on(stamp: Stamp, case: Case, from_staff_id: int, colleague_id: int | None, *, note: Callable[[int], str]) -> list[Passed]:
    """Pass what somebody owns in a locked case on to a colleague, else to who is in charge; give what passed.

    A colleague who is recused, away or may not handle a part of that unit is passed over: then the unit's head, then one level
    up. The case gets one entry for each receiver; nothing happens where nobody else is left. `note` makes its words from the
    receiver's id. What only they could go on with is given back first.
    """
    let_go(stamp, case, from_staff_id)
    passed = list[Passed]()
    parts = [part for part in case.assignments if part.ended_at is None]
    units = {part.id: part.unit_id for part in parts}
    for part in parts:
        if part.handler_id == from_staff_id:
            to = _receiver(stamp, case, from_staff_id, colleague_id, part.unit_id, handles=True)
            passed += [Passed(Subject.ASSIGNMENT, part.id, None, to)] if to is not None else []
    for clock in lock_case_clocks([case.id]):
        if is_open(clock) and clock.owner_staff_id == from_staff_id:
            at_part = clock.subject is Subject.ASSIGNMENT
            unit_id = units.get(clock.subject_id) if at_part else clock.owner_unit_id
            to = _receiver(stamp, case, from_staff_id, colleague_id, unit_id, handles=at_part)
            passed += [Passed(clock.subject, clock.subject_id, clock.clock, to)] if to is not None else []
    for to in dict.fromkeys(each.to_staff_id for each in passed):
        write_passed(stamp, case, from_staff_id, [each for each in passed if each.to_staff_id == to], note=note(to))
    return passed


def write_passed(stamp: Stamp, case: Case, from_staff_id: int, passed: list[Passed], *, note: str) -> None:
    """Let a locked case's clocks and parts, all to one person, change their owner, with an entry."""
    to = passed[0].to_staff_id

    def change(_: Stamp) -> Step:
        things = {(each.subject, each.subject_id, each.clock) for each in passed}
        for clock in lock_case_clocks([case.id]):
            owned = is_open(clock) and clock.owner_staff_id == from_staff_id
            if owned and (clock.subject, clock.subject_id, clock.clock) in things:
                clock.owner_staff_id = to
        for part in case.assignments:
            if (Subject.ASSIGNMENT, part.id, None) in things and part.handler_id == from_staff_id:
                part.handler_id = to
        clocks = sorted(each.clock for each in passed if each.clock is not None)
        return Step(facts={"from": from_staff_id, "to": to, "clocks": clocks})

    move_case(stamp, case, Action.HAND_OVER, Words(note=note), change)


def _receiver(
    stamp: Stamp, case: Case, staff_id: int, colleague_id: int | None, unit_id: int | None, *, handles: bool
) -> int | None:
    """Give who takes over; None where nobody is left."""
    if colleague_id is not None:
        fit = free_for(case, [colleague_id])
        if fit == [colleague_id] and (not handles or unit_id is None or colleague_id in may_handle(case, unit_id)):
            return colleague_id
    heads = in_charge(case, unit_id, Role.UNIT_HEAD, stamp.at)
    return next((head for head in heads if head != staff_id), None)


def numbers_owned(stamp: Stamp, staff_id: int, *, most: int) -> tuple[int, list[str]]:
    """Give in how many open cases somebody owns something, and the first of their numbers, none of those against the actor."""
    owned = owned_cases(staff_id)
    count = db.session.scalar(select(func.count()).select_from(owned.subquery())) or 0
    shown = owned.with_only_columns(Case.number).where(not_recused(stamp.actor)).order_by(Case.id).limit(most)
    return count, list(db.session.scalars(shown))
