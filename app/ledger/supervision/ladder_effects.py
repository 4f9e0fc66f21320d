"""Keeps what the levels of a ladder do besides telling: slips drafted, cases put on the supervisor's lists, cases raised.

The sweep gathers the effects of a batch and writes them with its levels, so that each happens once as its level does.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import CHINA
from app.core.database import db
from app.core.stamp import SYSTEM, Role, Stamp
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.county import county
from app.ledger.models import Case
from app.ledger.policies import Step
from app.ledger.supervision.models import CaseListing, Urging
from app.ledger.supervision.raising import raise_locked
from app.ledger.supervision.slips import discard_outlived
from app.ledger.vocabulary import Action, Duty, Effect, ListedFor, Listing, PressMode, SlipState, Subject
from app.ledger.workflow import MOVES

_LISTINGS = {Effect.SUPERVISOR_LIST: Listing.ONSITE, Effect.INTERVIEW_LIST: Listing.INTERVIEW}


@dataclass
class Effects:
    """What the levels that a batch reached do: rows to be written, and late cases (with the clock's subject) to be raised."""

    drafts: list[dict[str, Any]] = field(default_factory=list)
    listings: list[dict[str, Any]] = field(default_factory=list)
    raised: dict[int, tuple[Case, Subject, int]] = field(default_factory=dict)


def gather(effects: Effects, at: datetime, case: Case, clock: Deadline, steps: list[Step]) -> None:
    """Add what some steps of a clock do at a moment."""
    for effect in (effect for step in steps for effect in step.does):
        match effect:
            case Effect.DRAFT_URGING:
                effects.drafts.append(_draft(at, case, clock))
            case Effect.RAISE:
                if clock.subject in (Subject.CASE, Subject.ASSIGNMENT):
                    effects.raised[clock.id] = (case, clock.subject, clock.subject_id)
            case _:
                effects.listings.append(_listing(at, case, _LISTINGS[effect], ListedFor.LATE, clock.owner_unit_id))


def _draft(at: datetime, case: Case, clock: Deadline) -> dict[str, Any]:
    due = clock.due_at.astimezone(CHINA).strftime("%Y年%m月%d日 %H:%M")
    return {
        "case_id": case.id,
        "round": clock.round,
        "by_resident": False,
        "mode": PressMode.WRITTEN,
        "state": SlipState.DRAFT,
        "words": f"工单 {case.number} 的{clock.label}为 {due}，现已超过。请抓紧办理，及时回复群众，并反馈办理情况。",
        "unit_id": clock.owner_unit_id or catalogue().county_id,
        "staff_ids": [],
        "others": [],
        "person_times": 1,
        "deadline_id": clock.id,
        "drafted_at": at,
    }


def _listing(at: datetime, case: Case, listing: Listing, listed_for: ListedFor, unit_id: int | None) -> dict[str, Any]:
    unit_id = unit_id or catalogue().county_id
    return {"case_id": case.id, "listing": listing, "unit_id": unit_id, "listed_for": listed_for, "since": at}


def write(effects: Effects) -> None:
    """Write drafts and listings; a draft that waits for the same unit, or its place on the same list, is enough."""
    if effects.drafts:
        discard_outlived(effects.drafts[0]["drafted_at"], {draft["case_id"] for draft in effects.drafts})
        db.session.execute(insert(Urging).on_conflict_do_nothing(), effects.drafts)
    if effects.listings:
        db.session.execute(insert(CaseListing).on_conflict_do_nothing(), effects.listings)


def raise_late(stamp: Stamp, effects: Effects) -> None:
    """Raise the cases that are to be raised, each once, where the lead's clock or the case's own is the late one."""
    done: set[int] = set()
    for case, subject, subject_id in effects.raised.values():
        db.session.refresh(case)
        leads = {assignment.id for assignment in case.assignments if assignment.duty is Duty.LEAD}
        if case.id not in done and (subject is Subject.CASE or subject_id in leads):
            done.add(case.id)
            _raise(stamp, case, "超过办理时限多日仍未办结，按规定提级。")


def _raise(stamp: Stamp, case: Case, note: str) -> None:
    if case.state in MOVES[Action.RAISE].sources and case.lead_unit_id is not None:
        raise_locked(stamp, case, note=note)


def note_repeated_failure(stamp: Stamp, case: Case) -> None:
    """Put a locked case on the interview list and raise it by a level when it came back, or went round, too often.

    To be called after the move that raised `case.reworks` or `case.reassignments`. A case that stands on the list already
    and is raised is not raised again; once its unit was interviewed, the next failure counts anew, and so it does in other hands.
    """
    failed_by = _failure(case)
    if failed_by is None:
        return
    stands = select(CaseListing.id).where(
        CaseListing.case_id == case.id,
        CaseListing.listing == Listing.INTERVIEW,
        CaseListing.listed_for != ListedFor.LATE,
        CaseListing.settled_at.is_(None),
    )
    if db.session.scalars(stands).first() is not None and case.raised:
        return
    put = insert(CaseListing).values(**_listing(stamp.at, case, Listing.INTERVIEW, failed_by[0], case.lead_unit_id))
    listed = db.session.scalars(put.on_conflict_do_nothing().returning(CaseListing.id)).first() is not None
    if listed or not case.raised:
        _raise(Stamp(SYSTEM, Role.SYSTEM, stamp.at, stamp.door), case, failed_by[1])


def _failure(case: Case) -> tuple[ListedFor, str] | None:
    if case.reworks >= county().reworks_to_interview:
        return ListedFor.REWORKED, f"返工已达 {case.reworks} 次，按规定提级。"
    taken = any(a.duty is Duty.LEAD and a.ended_at is None and a.signed_at is not None for a in case.assignments)
    if case.reassignments >= county().reassignments_to_interview and not taken:
        return ListedFor.REASSIGNED, f"改派已达 {case.reassignments} 次仍无单位承接，按规定提级。"
    return None
