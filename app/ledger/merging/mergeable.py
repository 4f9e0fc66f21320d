"""Keeps which cases may be one: which of them survives, and what stands against a merge, so that nothing that waits is lost."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.errors import Conflict, NotAllowed, Refusal
from app.ledger.callbacks.models import Callback
from app.ledger.models import Assignment, Case
from app.ledger.recusal import is_staff_against
from app.ledger.requests.models import Request
from app.ledger.supervision.models import SupervisionOrder
from app.ledger.vocabulary import OPEN, Action, CallbackBy, RequestKind, RequestState, SlipState, State
from app.ledger.whistles.models import Whistle, WhistleCall
from app.ledger.workflow import IllegalMove

PROGRESS = (
    State.SUBMITTED, State.INFO_REQUESTED, State.ACCEPTED, State.DISPATCHED, State.SUSPENDED, State.IN_PROGRESS,
    State.UNDER_REVIEW, State.AWAITING_CALLBACK, State.AWAITING_UPSTREAM,
)  # fmt: skip
"""Open states from the least to the furthest advanced; a case that stands still is behind one that is handled."""


class SecrecyDiffers(NotAllowed):
    """保密或对网格隐藏的工单只能与同样保密的工单合并"""


class TwoUpstream(Conflict):
    """两件上级转办的工单要分别答复上级，不能合并"""


class UpstreamBehind(Conflict):
    """上级转办的工单要保留，但另一件办得更靠前，请先推进上级转办的工单"""


class AlreadyCalledBack(Conflict):
    """这个工单已经回访，正在等待上级审核；办结后可以关联为重复诉求"""


class AgainstDifferentPeople(Conflict):
    """两件工单反映的人员不同，请分别办理"""


class PartyHandles(Conflict):
    """承办单位需要回避，请先改派"""


class PublicationInTheWay(Conflict):
    """工单已经公开，请先处理公开事项再合并"""


class TriageFirst(Conflict):
    """有不满意的评价正在等待研判，请研判以后再合并"""


class RescueFirst(Conflict):
    """正在等待救援到场，请先确认到场，再决定是否合并"""


class WishFirst(Conflict):
    """反映人要求撤回，请先电话核实，再决定是否合并"""


class CallbackBegun(Conflict):
    """这个工单已经开始回访，请回访结束后再处理"""


class WhistleFirst(Conflict):
    """吹哨正在等待报到，请报到或取消吹哨以后再合并"""


class OrderFirst(Conflict):
    """督办正在等待反馈或审阅，请督办结束后再合并"""


def survivor_of(cases: Sequence[Case]) -> Case:
    """Give which of some cases survives a merge: the furthest advanced, then the oldest; a case from upstream survives.

    Raises IllegalMove, TwoUpstream, UpstreamBehind.
    """
    for case in cases:
        if case.state not in OPEN:
            words = f"工单 {case.number} 已经结束，不能合并；已办结的可以关联为重复诉求"
            raise IllegalMove(words, number=case.number, state=case.state, action=Action.MERGE)
    upstream = [case for case in cases if case.upstream_number is not None]
    if len(upstream) > 1:
        raise TwoUpstream
    furthest = max(PROGRESS.index(case.state) for case in cases)
    if upstream and PROGRESS.index(upstream[0].state) < furthest:
        raise UpstreamBehind
    fit = upstream or [case for case in cases if PROGRESS.index(case.state) == furthest]
    return min(fit, key=lambda case: (case.opened_at, case.id))


def check_fit(case: Case, survivor: Case, waiting: Mapping[int, type[Refusal]]) -> None:
    """Refuse a merge of a case into its survivor that would mix what must stay apart, or lose what waits for an answer.

    `waiting` are the reasons of `waiting_on`.
    """
    if (case.confidential, case.hidden_from_grid) != (survivor.confidential, survivor.hidden_from_grid):
        raise SecrecyDiffers
    if survivor.state is State.AWAITING_UPSTREAM:
        raise AlreadyCalledBack
    accused = {each for each in (case.against_staff_id, survivor.against_staff_id) if each is not None}
    if len(accused) > 1:
        raise AgainstDifferentPeople
    _check_parties(case, survivor, next(iter(accused), None))
    _check_publication(case, survivor)
    if case.triage or survivor.triage:
        raise TriageFirst
    if case.awaiting_rescue:
        raise RescueFirst(number=case.number)
    if case.id in waiting:
        raise waiting[case.id](number=case.number)


def _check_parties(case: Case, survivor: Case, accused: int | None) -> None:
    """Refuse a survivor whose handlers would be recused by what it takes in."""
    against = [*(survivor.against_paths or []), *(case.against_paths or [])]
    for part in survivor.assignments:
        if part.ended_at is None and (
            any(part.unit.path.startswith(path) for path in against)
            or (part.handler_id is not None and is_staff_against(part.handler_id, against, accused))
        ):
            raise PartyHandles(f"“{part.unit.name}”是其中一件工单反映的对象，请先改派")


def _check_publication(case: Case, survivor: Case) -> None:
    """Refuse to take a matter off the public list unseen, or to leave one there that is against somebody from now on."""
    if case.published_at is not None and survivor.published_at is None:
        words = f"工单 {case.number} 已经公开，合并后会保留 {survivor.number}；请先公开 {survivor.number}，或取消公开"
        raise PublicationInTheWay(words, number=case.number)
    if survivor.published_at is not None and (case.against_paths is not None or case.against_staff_id is not None):
        words = f"工单 {case.number} 反映的是单位或人员，合并后不能再公开；请先取消 {survivor.number} 的公开"
        raise PublicationInTheWay(words, number=survivor.number)


def waiting_on(case_ids: Collection[int], at: datetime) -> dict[int, type[Refusal]]:
    """Give why cases may not end by a merge now, since somebody waits for a call, a visit or an answer; in one statement."""
    pending = (Request.state == RequestState.PENDING, Request.kind == RequestKind.WITHDRAW)
    called = (Callback.round == Case.round, Callback.by != CallbackBy.UPSTREAM)
    awaited = (WhistleCall.whistle_id == Whistle.id, Whistle.cancelled_at.is_(None), WhistleCall.arrived_at.is_(None))
    ordered = SupervisionOrder.state.in_((SlipState.ISSUED, SlipState.ANSWERED))
    waits = {
        WishFirst: exists().where(Request.case_id == Case.id, *pending),
        CallbackBegun: exists().where(Callback.case_id == Case.id, *called),
        WhistleFirst: exists().where(WhistleCall.case_id == Case.id, *awaited, WhistleCall.due_at > at),
        OrderFirst: exists().where(SupervisionOrder.case_id == Case.id, ordered),
    }
    query = select(Case.id, *(each.correlate(Case) for each in waits.values())).where(Case.id.in_(case_ids))
    found = {case_id: [why for why, holds in zip(waits, row, strict=True) if holds] for case_id, *row in db.session.execute(query)}
    return {case_id: reasons[0] for case_id, reasons in found.items() if reasons}


def refusals(case: Case, others: Sequence[int], at: datetime) -> dict[str, str]:
    """Give the words with which a merge of a case with each of some others would be refused now, by number; in two statements."""
    parts = joinedload(Case.assignments).joinedload(Assignment.unit)
    ids = [case.id, *others]
    cases = db.session.scalars(select(Case).where(Case.id.in_(ids)).options(parts)).unique().all()
    waiting = waiting_on(ids, at)
    found = {other.number: _refusal(case, other, waiting) for other in cases if other is not case}
    return {number: refusal.detail or refusal.title() for number, refusal in found.items() if refusal is not None}


def _refusal(case: Case, other: Case, waiting: Mapping[int, type[Refusal]]) -> Refusal | None:
    try:
        survivor = survivor_of([case, other])
        check_fit(other if survivor is case else case, survivor, waiting)
    except Refusal as refusal:
        return refusal
    return None
