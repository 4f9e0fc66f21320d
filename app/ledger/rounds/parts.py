"""Keeps rounds: ending a unit's part in a case, what its access becomes, and beginning the next round."""

from sqlalchemy import false, update

from app.core.database import db
from app.core.stamp import Stamp
from app.ledger.models import Assignment, Case, CaseAccess
from app.ledger.vocabulary import Access, Duty


def end_part(stamp: Stamp, case: Case, assignment: Assignment) -> None:
    """End a unit's part in a locked case, and what it passed on below it; losing a case turns write into read.

    The clocks of ended parts end with the next move of the case.
    """
    ended = [assignment, *(a for a in case.assignments if a.parent_id == assignment.id)]
    for part in ended:
        part.ended_at = part.ended_at or stamp.at
    db.session.flush()
    still = {part.unit_id for part in case.assignments if part.ended_at is None}
    lost = [part.unit_id for part in ended if part.unit_id not in still]
    access = update(CaseAccess).where(CaseAccess.case_id == case.id, CaseAccess.unit_id.in_(lost))
    db.session.execute(access.values(mode=Access.READ))


def name_lead(case: Case, unit_id: int | None) -> None:
    """Say who leads a locked case, whose access was granted before; nobody with None. Raising begins anew above a new lead."""
    case.lead_unit_id, case.raised = unit_id, 0
    db.session.flush()
    of_case = update(CaseAccess).where(CaseAccess.case_id == case.id)
    is_lead = CaseAccess.unit_id == unit_id if unit_id is not None else false()
    db.session.execute(of_case.where(CaseAccess.lead != is_lead).values(lead=is_lead))


def begin_round(stamp: Stamp, case: Case, *, keep_lead: bool) -> None:
    """Open the next round; the last one's parts and results stay readable.

    With `keep_lead` the lead goes on under a fresh assignment that is signed already; else, and where it was but the first
    responder, the case waits for a dispatch.
    """
    case.round += 1
    last = next((a for a in case.assignments if a.duty is Duty.LEAD and a.ended_at is None), None)
    for assignment in [a for a in case.assignments if a.ended_at is None]:
        end_part(stamp, case, assignment)
    if not keep_lead or last is None or last.first_responder:
        name_lead(case, None)
        return
    case.assignments.append(
        Assignment(
            unit_id=last.unit_id,
            unit=last.unit,
            duty=Duty.LEAD,
            round=case.round,
            handler_id=last.handler_id,
            dispatched_at=stamp.at,
            signed_at=stamp.at,
        )
    )
    access = update(CaseAccess).where(CaseAccess.case_id == case.id, CaseAccess.unit_id == last.unit_id)
    db.session.execute(access.values(mode=Access.WRITE))
    db.session.flush()
