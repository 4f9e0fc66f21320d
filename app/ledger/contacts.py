"""Keeps who owes the first contact of a case: its lead, or the desk where the lead may not know who the person is."""

from datetime import datetime
from typing import Any

from app.ledger.catalogue import catalogue
from app.ledger.deadlines import is_open, lock_case_clocks, new_version
from app.ledger.models import Assignment, Case
from app.ledger.vocabulary import Clock, Duty, Subject


def move_contact(at: datetime, case: Case) -> None:
    """Hand the open contact clock of a locked case to the desk where identity is hidden now, back to the lead where it is not."""
    lead = next((a for a in case.assignments if a.duty is Duty.LEAD and a.ended_at is None), None)
    if lead is None:
        return
    owner = _owner(case, lead)
    for clock in lock_case_clocks([case.id]):
        if clock.clock is Clock.CONTACT and is_open(clock) and clock.subject is not owner["subject"]:
            new_version(clock, at, due=clock.due_at, given=clock.given, **owner)


def _owner(case: Case, lead: Assignment) -> dict[str, Any]:
    if case.hides_identity:
        return {
            "subject": Subject.CASE, "subject_id": case.id, "owner_unit_id": catalogue().county_id, "owner_staff_id": None,
        }  # fmt: skip
    return {
        "subject": Subject.ASSIGNMENT, "subject_id": lead.id, "owner_unit_id": lead.unit_id, "owner_staff_id": lead.handler_id,
    }  # fmt: skip
