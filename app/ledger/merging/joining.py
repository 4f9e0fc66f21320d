"""Keeps merging: the reports of one case go to another that survives, every reporter is told, and all of it can be undone.

Entries never leave their chain; both chains get one that names the other case. Source: the rules of a case, section 5.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid
from app.core.stamp import Stamp
from app.ledger.audiences import recipients
from app.ledger.clocks import Deadline
from app.ledger.contacts import move_contact
from app.ledger.deadlines import counted, is_open, lock_case_clocks, moved_on, new_version
from app.ledger.handling import grant, is_contacted
from app.ledger.merging.mergeable import check_fit, survivor_of, waiting_on
from app.ledger.merging.models import Merge
from app.ledger.merging.union import brought_to, heat_of, own_parties, parties_of, point_reports, related, unite
from app.ledger.models import Case, CaseAccess
from app.ledger.moves import StaleVersion, Step, Words, move_case
from app.ledger.recusal import is_recused, is_unit_recused
from app.ledger.requests.models import Request
from app.ledger.rounds.parts import end_part
from app.ledger.scope import CaseNotFound, visible, written
from app.ledger.urgency import raise_urgency
from app.ledger.vocabulary import Access, Action, Audience, Clock, Duty, RequestState, State, Urgency
from app.ledger.whistles.blowing import end_missed
from app.ledger.workflow import IllegalMove
from app.notices.models import Recipient
from app.notices.outbox import file_notices, notice_row
from app.territory.models import Grid, Unit

MOST = 50

REPLY = "您反映的事项与另一件正在办理的事项相同，已合并办理。您的工单号仍可查询进度，办结后我们会单独回访您。"


class NothingToMerge(Invalid):
    """请选择要合并的工单"""


class SurvivorDiffers(Conflict):
    """合并后会保留另一件工单，请看过以后再合并"""


def merge_cases(
    stamp: Stamp,
    number: str,
    *,
    numbers: Sequence[str],
    reply: str | None = None,
    version: int | None = None,
    versions: Mapping[str, int] | None = None,
    into: str | None = None,
) -> Case:
    """Merge a case with others, all or none, and give the survivor: the furthest advanced, among equals the oldest.

    A case from upstream survives. `reply` is told to everybody whose case ends by it. `version` is the one at which the case
    was seen, `versions` those of others by number, `into` the case that is expected to survive. Raises NothingToMerge,
    CaseNotFound, StaleVersion, SurvivorDiffers, NotYourMove, RescueAwaited, and what `survivor_of` and `check_fit` raise.
    """
    wanted = {written(each) for each in (number, *numbers)}
    if len(wanted) < 2 or len(wanted) > MOST + 1:
        raise NothingToMerge(errors={"numbers": [f"请选择 1 到 {MOST} 个要合并的工单"]})
    cases = lock_rows(Case, list(db.session.scalars(select(Case.id).where(Case.number.in_(wanted), visible(stamp.actor)))))
    if len(cases) < len(wanted):
        raise CaseNotFound
    seen = {written(each): known for each, known in (versions or {}).items()}
    seen |= {written(number): version} if version is not None else {}
    for case in cases:
        _check_present(stamp, case, seen.get(case.number))
    survivor = survivor_of(cases)
    if into is not None and written(into) != survivor.number:
        words = f"合并后会保留工单 {survivor.number}，请看过以后再合并"
        raise SurvivorDiffers(words, number=survivor.number, state=survivor.state)
    for case in cases:
        if case is not survivor:
            merge_locked(stamp, case, survivor, reply=reply)
    return survivor


def _check_present(stamp: Stamp, case: Case, version: int | None) -> None:
    """Raise StaleVersion where a case was seen at another version, IllegalMove where a colleague has merged it meanwhile."""
    if version is not None and version != case.version:
        raise StaleVersion(number=case.number, version=case.version, state=case.state)
    if case.state is State.MERGED:
        into = related(stamp.actor, case).into
        words = f"工单 {case.number} 已经并入{f'工单 {into}' if into else '其他工单'}"
        raise IllegalMove(words, number=case.number, state=case.state, action=Action.MERGE, merged_into=into)


def merge_locked(stamp: Stamp, case: Case, survivor: Case, *, reply: str | None = None) -> None:
    """Merge a locked case into a locked survivor. Raises as `merge_cases`."""
    check_fit(case, survivor, waiting_on([case.id], stamp.at))
    clocks = [clock for clock in lock_case_clocks([case.id, survivor.id]) if is_open(clock)]
    mine = [clock for clock in clocks if clock.case_id == case.id]
    pending = select(Request.id).where(Request.case_id == case.id, Request.state == RequestState.PENDING).order_by(Request.id)
    merge = Merge(
        merged_id=case.id,
        survivor_id=survivor.id,
        at=stamp.at,
        state_before=case.state,
        triage=case.triage,
        report_ids=[report.id for report in case.reports],
        deadline_ids=[clock.id for clock in mine],
        request_ids=list(db.session.scalars(pending)),
        assignment_ids=[part.id for part in case.assignments if part.ended_at is None],
        brought=parties_of(case),
        own=own_parties(survivor),
    )

    told = {audience: recipients(case, [audience], stamp.at) for audience in (Audience.LEAD, Audience.ASSISTS, Audience.SUBS)}
    askers = _askers(merge.request_ids)

    def end(acting: Stamp) -> Step:
        missed = end_missed(acting, case, clocks)
        merge.deadline_ids = [clock.id for clock in mine if is_open(clock)]
        for clock in mine:  # neither met nor breached: what becomes of the matter, the survivor's clocks say
            if is_open(clock):
                clock.cancelled_at, clock.next_check_at = acting.at, None
        for part in [part for part in case.assignments if part.ended_at is None]:
            end_part(acting, case, part)
        case.merged_into_id = survivor.id
        facts: dict[str, Any] = {"into": survivor.number, "reports": merge.report_ids}
        return Step(facts=facts | ({"whistles_ended": missed} if missed else {}), told=told)

    entry = move_case(stamp, case, Action.MERGE, Words(reply=reply or REPLY), end)
    key = f"{case.number}:{entry.seq}:merge_asker"
    params = {"number": case.number}
    rows = [notice_row(key, to=to, template="merge_asker", params=params, case_id=case.id, at=stamp.at) for to in askers]
    file_notices([row for row, to in zip(rows, askers, strict=True) if not is_recused(to[1], case)])
    point_reports(merge.report_ids, survivor, opened=case.id)
    db.session.expire(case, ["reports"])
    db.session.expire(survivor, ["reports"])

    def absorb(acting: Stamp) -> Step:
        db.session.add(merge)
        db.session.flush()
        if case.urgency is Urgency.URGENT:
            raise_urgency(acting.at, survivor)
        unite(survivor, merge.own, brought_to(survivor))
        version = _promise(acting.at, survivor, mine)
        merge.brought = merge.brought | {"granted": _share_sight(case, survivor)}
        survivor.heat = heat_of(survivor)
        db.session.flush()
        merge.overall_id = version.id if version else None
        move_contact(acting.at, survivor)
        # Whom to contact may be new to the lead; where a contact was made, none is owed again.
        lead = next((part for part in survivor.assignments if part.duty is Duty.LEAD and part.ended_at is None), None)
        return Step(facts={"from": case.number, "reports": merge.report_ids}, others=is_contacted(survivor, lead))

    move_case(stamp, survivor, Action.ABSORB, Words(), absorb)


def _askers(request_ids: Sequence[int]) -> list[tuple[Recipient, int]]:
    """Give the staff who asked what falls away with a merge."""
    asked = select(Request.asked_by).where(Request.id.in_(request_ids), Request.asked_by.is_not(None)).distinct()
    return [(Recipient.STAFF, staff_id) for staff_id in db.session.scalars(asked) if staff_id is not None]


def _promise(at: datetime, survivor: Case, merged: Sequence[Deadline]) -> Deadline | None:
    """Give the survivor's promise a new version from the earliest report, due when the nearer of the two promises is."""
    clocks = [clock for clock in lock_case_clocks([survivor.id]) if is_open(clock) and clock.clock is Clock.OVERALL]
    theirs = next((clock for clock in merged if clock.clock is Clock.OVERALL), None)
    if not clocks or theirs is None:
        return None
    own = clocks[-1]
    due, starts = joint_due(own, theirs, at), min(own.starts_at, theirs.starts_at)
    if (due, starts) == (own.due_at, own.starts_at):
        return None
    version = new_version(own, at, due=due, starts_at=starts)
    if own.paused_at is not None and own.remainder is not None:
        version.remainder = own.remainder if due == own.due_at else counted(own, own.paused_at, due)
    return version


def joint_due(own: Deadline, theirs: Deadline, at: datetime) -> datetime:
    """Give when the nearer of two promises is due; one that stands still, as if it went on from where the other stands."""
    if theirs.paused_at is None or theirs.remainder is None:
        return min(own.due_at, theirs.due_at)
    return min(own.due_at, moved_on(theirs, own.paused_at or at, theirs.remainder))


def sight_of(case: Case, survivor: Case) -> set[int]:
    """Give the ids of the units that a merge lets read the survivor: those with access, and the case's village where it is open."""
    units = set(db.session.scalars(select(CaseAccess.unit_id).where(CaseAccess.case_id == case.id)))
    if case.confidential or case.territory_path == survivor.territory_path:
        return units
    return units | set(db.session.scalars(select(Grid.unit_id).where(Grid.id == case.grid_id)))


def _share_sight(case: Case, survivor: Case) -> list[int]:
    """Let every unit that saw the merged case read its survivor, unless it is recused; give those that did not before."""
    units = db.session.scalars(select(Unit).where(Unit.id.in_(sight_of(case, survivor))))
    known = set(db.session.scalars(select(CaseAccess.unit_id).where(CaseAccess.case_id == survivor.id)))
    fresh = {unit.id: unit for unit in units if unit.id not in known and not is_unit_recused(unit.path, survivor)}
    for unit in fresh.values():
        grant(survivor, unit, Access.READ)
    return sorted(fresh)
