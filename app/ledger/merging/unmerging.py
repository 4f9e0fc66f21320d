"""Keeps the undoing of a merge: the case goes on from where it was, with its reports, its units and its clocks."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from app.core.database import db, lock_rows
from app.core.errors import Conflict
from app.core.stamp import Stamp
from app.ledger.callbacks.answers import conclude
from app.ledger.callbacks.callees import dissatisfied, still_in
from app.ledger.callbacks.models import Callback
from app.ledger.clocks import Deadline
from app.ledger.contacts import move_contact
from app.ledger.deadlines import cancel, counted, is_open, lock_case_clocks, moved_on, new_version, run_on, stand_still
from app.ledger.merging.joining import joint_due, sight_of
from app.ledger.merging.mergeable import WishFirst
from app.ledger.merging.models import Merge
from app.ledger.merging.union import brought_to, heat_of, parties_of, point_reports, unite, united
from app.ledger.models import Assignment, Case, CaseAccess
from app.ledger.moves import StaleVersion, Step, Words, move_case
from app.ledger.requests.models import Request
from app.ledger.scope import CaseNotFound, visible, written
from app.ledger.vocabulary import OPEN, Access, Action, Clock, RequestKind, RequestState, State
from app.ledger.whistles.models import WhistleCall


class NotMerged(Conflict):
    """这个工单没有并入其他工单"""


class SurvivorEnded(Conflict):
    """并入的工单已经办结，不能再拆分"""


class SurvivorMerged(Conflict):
    """并入的工单又并入了其他工单，请先拆出那一件"""


def unmerge_case(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Take a merged case out again, while its survivor is open: it goes on from where it was.

    Exactly the reports that the merge moved go back, its clocks run on to their old due moments. An urgency that the merge
    raised, and an overall term that was changed after it, stay as they are. Raises CaseNotFound (also where the actor does not
    see the survivor), NotMerged, SurvivorMerged, SurvivorEnded, WishFirst.
    """
    ids = select(Case.id, Case.merged_into_id).where(Case.number == written(number), visible(stamp.actor))
    found = db.session.execute(ids).first()
    if found is None:
        raise CaseNotFound
    locked = {case.id: case for case in lock_rows(Case, [each for each in found if each is not None])}
    case = locked[found.id]
    if version is not None and case.version != version:
        raise StaleVersion(version=case.version, state=case.state)
    merge = db.session.scalars(select(Merge).where(Merge.merged_id == case.id, Merge.undone_at.is_(None))).first()
    if merge is None or merge.survivor_id not in locked:
        raise NotMerged(number=case.number, version=case.version, state=case.state)
    survivor = locked[merge.survivor_id]
    if db.session.scalars(select(Case.id).where(Case.id == survivor.id, visible(stamp.actor))).first() is None:
        raise CaseNotFound("并入的工单不在您的查看范围内，请由能看到它的派单员拆分")
    if survivor.state is State.MERGED:
        raise SurvivorMerged(f"它并入的工单 {survivor.number} 又并入了其他工单，请先拆出 {survivor.number}", number=survivor.number)
    if survivor.state not in OPEN:
        raise SurvivorEnded
    _check_wish(merge)
    lock_case_clocks([case.id, survivor.id])
    point_reports(merge.report_ids, case, opened=None)
    db.session.expire(case, ["reports"])
    db.session.expire(survivor, ["reports"])

    def revive(acting: Stamp) -> Step:
        _revive(acting.at, case, merge)
        case.merged_into_id, case.triage = None, merge.triage
        case.heat = heat_of(case)
        move_contact(acting.at, case)
        return Step(facts={"from": survivor.number, "reports": merge.report_ids}, before_merge=merge.state_before)

    def release(acting: Stamp) -> Step:
        as_merged = united(merge.own, brought_to(survivor))
        merge.undone_at = acting.at
        db.session.flush()
        if parties_of(survivor) == as_merged:
            unite(survivor, merge.own, brought_to(survivor))
        _promise_back(acting.at, merge)
        _end_idle(acting.at, survivor)
        _sight_back(merge, survivor)
        move_contact(acting.at, survivor)
        survivor.heat = heat_of(survivor)
        db.session.flush()
        return Step(facts={"to": case.number, "reports": merge.report_ids})

    move_case(stamp, case, Action.UNMERGE, Words(note=note), revive)
    move_case(stamp, survivor, Action.RELEASE, Words(note=note), release)
    conclude(stamp, survivor)
    return case


def _promise_back(at: datetime, merge: Merge) -> None:
    """Give the survivor back what the merge took of its promise, in the clock's own time: pauses since then keep their worth."""
    version = db.session.get(Deadline, merge.overall_id) if merge.overall_id is not None else None
    if version is None or not is_open(version):
        return
    before = db.session.get_one(Deadline, version.supersedes_id)
    theirs = next(clock for clock in _clocks_of(merge) if clock.clock is Clock.OVERALL)
    taken = counted(version, joint_due(before, theirs, merge.at), before.due_at)
    back: dict[str, Any] = {"given": before.given, "starts_at": before.starts_at}
    if version.paused_at is not None and version.remainder is not None:
        new_version(version, at, due=before.due_at, **back).remainder = version.remainder + taken
    elif version.resumed_at is None:
        new_version(version, at, due=before.due_at, **back)
    else:
        new_version(version, at, due=moved_on(version, version.due_at, taken), **back)


def _clocks_of(merge: Merge) -> list[Deadline]:
    return list(db.session.scalars(select(Deadline).where(Deadline.id.in_(merge.deadline_ids)).order_by(Deadline.id)))


def _end_idle(at: datetime, survivor: Case) -> None:
    """End what only those who were taken out wanted of the survivor: a triage of their words, a contact with them."""
    said = select(Callback).where(Callback.case_id == survivor.id, Callback.round == survivor.round)
    if survivor.triage and not dissatisfied(still_in(survivor, db.session.scalars(said))):
        survivor.triage = False
    ended = {Clock.TRIAGE: not survivor.triage, Clock.CONTACT: survivor.nobody_to_call}
    for clock in lock_case_clocks([survivor.id]):
        if is_open(clock) and ended.get(clock.clock, False):
            cancel(clock, at)


def _sight_back(merge: Merge, survivor: Case) -> None:
    """Take back the sight that a merge gave, but from units that have it otherwise: by work, a whistle, another merge."""
    units: set[int] = set(merge.brought["granted"])
    worked = select(Assignment.unit_id).where(Assignment.case_id == survivor.id)
    called = select(WhistleCall.unit_id).where(WhistleCall.case_id == survivor.id)
    kept = set(db.session.scalars(worked.union(called)))
    others = select(Merge).where(Merge.survivor_id == survivor.id, Merge.undone_at.is_(None)).order_by(Merge.id)
    for other in db.session.scalars(others).all():
        theirs = units & sight_of(db.session.get_one(Case, other.merged_id), survivor) - kept
        if theirs:  # it is this merge now that gives it, and takes it back
            other.brought = other.brought | {"granted": sorted({*other.brought["granted"], *theirs})}
            kept |= theirs
    granted = (CaseAccess.case_id == survivor.id, CaseAccess.unit_id.in_(sorted(units - kept)))
    db.session.execute(delete(CaseAccess).where(*granted, CaseAccess.mode == Access.READ))


def _check_wish(merge: Merge) -> None:
    """Refuse to take reports away from a survivor on which somebody's wish to withdraw them waits to be decided."""
    wish = (Request.case_id == merge.survivor_id, Request.kind == RequestKind.WITHDRAW, Request.state == RequestState.PENDING)
    asked: list[list[int]] = [details["reports"] for details in db.session.scalars(select(Request.details).where(*wish))]
    if any(set(ids) & set(merge.report_ids) for ids in asked):
        raise WishFirst("反映人要求撤回，请先电话核实，再决定是否拆分")


def _revive(at: datetime, case: Case, merge: Merge) -> None:
    """Let go on what the merge had ended: the units' parts, the clocks, the requests.

    Due moments stay as they were; of an overdue term the time in which the case was merged is not counted of its ladder.
    """
    parts = [part for part in case.assignments if part.id in merge.assignment_ids]
    for part in parts:
        part.ended_at = None
    access = (CaseAccess.case_id == case.id, CaseAccess.unit_id.in_([part.unit_id for part in parts]))
    db.session.execute(update(CaseAccess).where(*access).values(mode=Access.WRITE))
    ended = select(Deadline).where(Deadline.id.in_(merge.deadline_ids), Deadline.cancelled_at == merge.at)
    for clock in db.session.scalars(ended):
        if clock.paused_at is None:
            stand_still(clock, merge.at, at)
        run_on(clock)
        if clock.paused_at is not None:
            clock.next_check_at = None
    asked = update(Request).where(Request.id.in_(merge.request_ids), Request.state == RequestState.WITHDRAWN)
    db.session.execute(asked.values(state=RequestState.PENDING, decided_at=None))
    db.session.flush()
