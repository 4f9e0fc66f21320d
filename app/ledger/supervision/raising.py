"""Keeps the raising of a case by a level (提级): the unit above joins in, its head owns the term, nobody loses sight of it."""

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict
from app.core.stamp import Role, Stamp
from app.ledger.audiences import in_charge, raised_to
from app.ledger.deadlines import is_open, lock_case_clocks
from app.ledger.handling import grant, lead_of
from app.ledger.models import Case, Entry
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.recusal import is_unit_recused
from app.ledger.vocabulary import Access, Action, Clock
from app.territory.models import Unit


class AlreadyAtTheTop(Conflict):
    """工单已经提到县级，不能再提"""


def raise_case(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Raise a case by a level, with a reason. Raises AlreadyAtTheTop; the handling unit stays answerable."""
    case = lock_case(stamp, number, version=version)
    _raise(stamp, case, note)
    return case


def raise_locked(stamp: Stamp, case: Case, *, note: str) -> Entry | None:
    """Raise a case that the caller has locked; give the entry, None where it stands at the county already.

    The unit above gets write access, its head is told and owns the lead's open term; at the county the leader responsible
    for the handling unit is told too. Whoever had the case keeps it. Raises IllegalMove where nobody handles the case.
    """
    if case.lead_unit_id is not None and _next_above(case) is None:
        return None
    return _raise(stamp, case, note)


def _raise(stamp: Stamp, case: Case, note: str) -> Entry:
    def change(acting: Stamp) -> Step:
        lead = lead_of(case)
        above = _next_above(case)
        if above is None:
            raise AlreadyAtTheTop
        levels, unit_id = above
        unit = db.session.get_one(Unit, unit_id)
        case.raised = levels
        grant(case, unit, Access.WRITE)
        head = next(iter(in_charge(case, unit.id, Role.UNIT_HEAD, acting.at)), None)
        for deadline in lock_case_clocks([case.id]):
            if deadline.clock is Clock.RESOLVE and is_open(deadline) and deadline.subject_id == lead.id:
                deadline.owner_staff_id = head
        return Step(facts={"level": levels, "to": unit.code})

    return move_case(stamp, case, Action.RAISE, Words(note=note), change)


def _next_above(case: Case) -> tuple[int, int] | None:
    """Give how many levels up, and the id of, the next unit above the lead's that is not recused; None past the county."""
    path = db.session.scalars(select(Unit.path).where(Unit.id == case.lead_unit_id)).one()
    levels = case.raised + 1
    while (unit_id := raised_to(path, levels)) is not None:
        above = path[: path.index(f"/{unit_id}/")] + f"/{unit_id}/"
        if not is_unit_recused(above, case):
            return levels, unit_id
        levels += 1
    return None
