"""Keeps merging: the reports of one case go to another that survives, every reporter is told, and all of it can be undone.

Entries never leave their chain; both chains get one that names the other case. Source: the rules of a case, section 5.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Stamp
from app.ledger.clocks import Deadline
from app.ledger.deadlines import is_open, lock_case_clocks, new_version
from app.ledger.handling import grant
from app.ledger.merging_models import Merge
from app.ledger.models import Case, CaseAccess, Request
from app.ledger.moves import Step, Words, move_case
from app.ledger.recusal import is_recused, is_unit_recused
from app.ledger.rounds import end_part
from app.ledger.scope import CaseNotFound, visible, written
from app.ledger.union import brought_to, heat_of, own_parties, parties_of, point_reports, unite
from app.ledger.urgency import raise_urgency
from app.ledger.vocabulary import OPEN, Access, Action, Clock, RequestState, State, Urgency
from app.ledger.workflow import IllegalMove
from app.territory.models import Grid, Unit

MOST = 50

PROGRESS = (
    State.SUBMITTED, State.INFO_REQUESTED, State.ACCEPTED, State.DISPATCHED, State.SUSPENDED, State.IN_PROGRESS,
    State.UNDER_REVIEW, State.AWAITING_CALLBACK, State.AWAITING_UPSTREAM,
)  # fmt: skip
"""Open states from the least to the furthest advanced; a case that stands still is behind one that is handled."""

REPLY = "您反映的事项与另一件正在办理的事项相同，已合并办理。您的工单号仍可查询进度，办结后我们会单独回访您。"


class NothingToMerge(Invalid):
    """请选择要合并的工单"""


class SecrecyDiffers(NotAllowed):
    """保密或对网格隐藏的工单只能与同样保密的工单合并"""


class TwoUpstream(Conflict):
    """两件上级转办的工单要分别答复上级，不能合并"""


class UpstreamBehind(Conflict):
    """上级转办的工单要保留，但另一件办得更靠前，请先推进上级转办的工单"""


class AlreadyCalledBack(Conflict):
    """这个工单已经回访，正在等待上级审核，请关联为重复诉求"""


class AgainstDifferentPeople(Conflict):
    """两件工单反映的人员不同，请分别办理"""


class PartyHandles(Conflict):
    """承办单位需要回避，请先改派"""


def merge_cases(stamp: Stamp, number: str, *, numbers: Sequence[str], reply: str | None = None) -> Case:
    """Merge a case with others, all or none, and give the survivor: the furthest advanced, among equals the oldest.

    A case from upstream survives. `reply` is told to everybody whose case ends by it. Raises NothingToMerge, CaseNotFound,
    IllegalMove, NotYourMove, SecrecyDiffers, TwoUpstream, UpstreamBehind, AlreadyCalledBack, AgainstDifferentPeople,
    PartyHandles, RescueAwaited.
    """
    wanted = {written(each) for each in (number, *numbers)}
    if len(wanted) < 2 or len(wanted) > MOST + 1:
        raise NothingToMerge(errors={"numbers": [f"请选择 1 到 {MOST} 个要合并的工单"]})
    cases = lock_rows(Case, list(db.session.scalars(select(Case.id).where(Case.number.in_(wanted), visible(stamp.actor)))))
    if len(cases) < len(wanted):
        raise CaseNotFound
    survivor = survivor_of(cases)
    for case in cases:
        if case is not survivor:
            merge_locked(stamp, case, survivor, reply=reply)
    return survivor


def survivor_of(cases: Sequence[Case]) -> Case:
    """Give which of some cases survives a merge: the furthest advanced, then the oldest. Raises as `merge_cases`."""
    for case in cases:
        if case.state not in OPEN:
            raise IllegalMove(f"工单 {case.number} 已经结束，不能合并；已办结的可以关联为重复诉求")
    upstream = [case for case in cases if case.upstream_number is not None]
    if len(upstream) > 1:
        raise TwoUpstream
    furthest = max(PROGRESS.index(case.state) for case in cases)
    if upstream and PROGRESS.index(upstream[0].state) < furthest:
        raise UpstreamBehind
    fit = upstream or [case for case in cases if PROGRESS.index(case.state) == furthest]
    return min(fit, key=lambda case: (case.opened_at, case.id))


def merge_locked(stamp: Stamp, case: Case, survivor: Case, *, reply: str | None = None) -> None:
    """Merge a locked case into a locked survivor. Raises as `merge_cases`."""
    _check_fit(case, survivor)
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

    def end(acting: Stamp) -> Step:
        for clock in mine:  # neither met nor breached: what becomes of the matter, the survivor's clocks say
            clock.cancelled_at, clock.next_check_at = acting.at, None
        for part in [part for part in case.assignments if part.ended_at is None]:
            end_part(acting, case, part)
        case.merged_into_id = survivor.id
        return Step(facts={"into": survivor.number, "reports": merge.report_ids})

    move_case(stamp, case, Action.MERGE, Words(reply=reply or REPLY), end)
    point_reports(merge.report_ids, survivor, opened=case.id)
    db.session.expire(case, ["reports"])
    db.session.expire(survivor, ["reports"])

    def absorb(acting: Stamp) -> Step:
        db.session.add(merge)
        db.session.flush()
        if case.urgency is Urgency.URGENT:
            raise_urgency(acting.at, survivor)
        unite(survivor, merge.own, brought_to(survivor))
        _checkparties_of(survivor)
        version = _promise(acting.at, survivor, mine)
        merge.brought = merge.brought | {"granted": _share_sight(case, survivor)}
        survivor.heat = heat_of(survivor)
        db.session.flush()
        merge.overall_id = version.id if version else None
        return Step(facts={"from": case.number, "reports": merge.report_ids})

    move_case(stamp, survivor, Action.ABSORB, Words(), absorb)


def _check_fit(case: Case, survivor: Case) -> None:
    if (case.confidential, case.hidden_from_grid) != (survivor.confidential, survivor.hidden_from_grid):
        raise SecrecyDiffers
    if survivor.state is State.AWAITING_UPSTREAM:
        raise AlreadyCalledBack
    accused = {each for each in (case.against_staff_id, survivor.against_staff_id) if each is not None}
    if len(accused) > 1:
        raise AgainstDifferentPeople


def _checkparties_of(survivor: Case) -> None:
    """Refuse a survivor whose handlers are recused by what it has taken in."""
    for part in survivor.assignments:
        if part.ended_at is None and (
            is_unit_recused(part.unit.path, survivor) or (part.handler_id is not None and is_recused(part.handler_id, survivor))
        ):
            raise PartyHandles(f"“{part.unit.name}”是其中一件工单反映的对象，请先改派")


def _promise(at: datetime, survivor: Case, merged: Sequence[Deadline]) -> Deadline | None:
    """Give the survivor's promise a new version from the earliest report, where that is the merged case's."""
    clocks = [clock for clock in lock_case_clocks([survivor.id]) if is_open(clock) and clock.clock is Clock.OVERALL]
    earlier = next((clock for clock in merged if clock.clock is Clock.OVERALL), None)
    if not clocks or earlier is None or earlier.starts_at >= clocks[-1].starts_at:
        return None
    due = clocks[-1].due_at if earlier.paused_at is not None else min(clocks[-1].due_at, earlier.due_at)
    return new_version(clocks[-1], at, due=due, starts_at=earlier.starts_at)


def _share_sight(case: Case, survivor: Case) -> list[int]:
    """Let every unit that saw the merged case read its survivor, unless it is recused; give those that did not before."""
    had = select(Unit).join(CaseAccess, CaseAccess.unit_id == Unit.id).where(CaseAccess.case_id == case.id)
    units = list(db.session.scalars(had))
    if case.grid_id is not None and case.territory_path != survivor.territory_path:
        units += db.session.scalars(select(Unit).join(Grid, Grid.unit_id == Unit.id).where(Grid.id == case.grid_id))
    known = set(db.session.scalars(select(CaseAccess.unit_id).where(CaseAccess.case_id == survivor.id)))
    fresh = {unit.id: unit for unit in units if unit.id not in known and not is_unit_recused(unit.path, survivor)}
    for unit in fresh.values():
        grant(survivor, unit, Access.READ)
    return sorted(fresh)
