"""Keeps what the desk does before a case is handled: asking, accepting, answering, refusing with a second person's word."""

from typing import Any

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.stamp import Role, Stamp
from app.ledger.audiences import shift_heads
from app.ledger.catalogue import catalogue
from app.ledger.models import Case, Entry, Reason, Report, ReportClaim, Request
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import Action, Kind, Outcome, RequestKind, RequestState, Urgency
from app.ledger.workflow import NotYourMove


class CategoryMissing(Invalid):
    """请选择事项分类"""


class PlaceMissing(Invalid):
    """请选择网格，或注明不在网格内"""


class UnknownReason(Invalid):
    """没有这个理由"""


class RequestPending(Conflict):
    """同样的申请正在等待审批"""


class RequestNotFound(NotFound):
    """没有找到这个申请"""


class AskerMayNotDecide(NotAllowed):
    """申请人不能审批自己的申请"""


class WrongClaim(NotFound):
    """工单号或查询码不正确"""


def accept_case(
    stamp: Stamp,
    number: str,
    *,
    kind: Kind,
    category_id: int,
    grid_id: int | None,
    outside_grids: bool = False,
    urgency: Urgency | None = None,
    version: int | None = None,
) -> Case:
    """Accept a case: settle its kind, category, place and urgency. Raises UnknownCategory, UnknownGrid, PlaceMissing."""
    case = lock_case(stamp, number, version=version)

    def change(_: Stamp) -> Step:
        case.kind = kind
        case.confidential = case.confidential or kind is Kind.TIP_OFF
        facts = _settle(case, category_id, grid_id, outside_grids=outside_grids)
        urgent = catalogue().category(category_id).urgent
        case.urgency = urgency or (Urgency.URGENT if urgent else case.urgency)
        return Step(facts={**facts, "kind": kind, "urgency": case.urgency})

    move_case(stamp, case, Action.ACCEPT, Words(), change)
    return case


def _settle(case: Case, category_id: int | None, grid_id: int | None, *, outside_grids: bool) -> dict[str, Any]:
    """Set category and place where given; a case needs both before anybody answers or handles it."""
    held = catalogue()
    if category_id is not None:
        held.category(category_id)
        case.category_id = category_id
    if case.category_id is None:
        raise CategoryMissing(errors={"category_id": ["请选择事项分类"]})
    if grid_id is not None and outside_grids:
        raise PlaceMissing("网格和“不在网格内”只能选一个", errors={"grid_id": ["网格和“不在网格内”只能选一个"]})
    if grid_id is not None:
        case.territory_path = held.grid_path(grid_id)
        case.grid_id = grid_id
    elif outside_grids:
        case.territory_path = held.county_path
        case.grid_id = None
    if case.grid_id is None and not outside_grids:
        raise PlaceMissing(errors={"grid_id": ["请选择网格，或注明不在网格内"]})
    return {"category_id": case.category_id, "grid_id": case.grid_id}


def ask_info(stamp: Stamp, number: str, *, question: str, version: int | None = None) -> Case:
    """Ask the filer for what is missing; the accept, dispatch and overall clocks stand still meanwhile."""
    case = lock_case(stamp, number, version=version)
    move_case(stamp, case, Action.ASK_INFO, Words(reply=question))
    return case


def supply_info(stamp: Stamp, number: str, *, words: str, version: int | None = None) -> Case:
    """Supply what was asked for; the case goes back to where it was asked from."""
    case = lock_case(stamp, number, version=version)
    move_case(stamp, case, Action.SUPPLY_INFO, Words(note=words))
    return case


def lapse_info(stamp: Stamp, case: Case) -> None:
    """Give a locked case whose info clock ran out back to a person: no machine ends an appeal."""
    move_case(stamp, case, Action.LAPSE_INFO, Words(), lambda _: Step(facts={"information": "incomplete"}))


def supplement(stamp: Stamp, number: str, *, words: str) -> Case:
    """Add what a person has to say to a case that is under way."""
    case = lock_case(stamp, number)
    move_case(stamp, case, Action.SUPPLEMENT, Words(note=words))
    return case


def answer_case(
    stamp: Stamp,
    number: str,
    *,
    reply: str,
    category_id: int | None = None,
    grid_id: int | None = None,
    outside_grids: bool = False,
    version: int | None = None,
) -> Case:
    """Answer a case at once: on the spot by a grid worker, directly by the centre. Raises CategoryMissing, PlaceMissing."""
    case = lock_case(stamp, number, version=version)
    answer_locked(stamp, case, reply=reply, category_id=category_id, grid_id=grid_id, outside_grids=outside_grids)
    return case


def answer_locked(
    stamp: Stamp,
    case: Case,
    *,
    reply: str,
    category_id: int | None = None,
    grid_id: int | None = None,
    outside_grids: bool = False,
) -> Entry:
    """Answer a case that the caller has locked (or has just taken in)."""

    def change(acting: Stamp) -> Step:
        facts = _settle(case, category_id, grid_id, outside_grids=outside_grids)
        case.outcome = Outcome.ON_THE_SPOT if acting.role is Role.GRID_WORKER else Outcome.DIRECT
        case.unit_solved = True
        return Step(facts={**facts, "outcome": case.outcome})

    return move_case(stamp, case, Action.ANSWER, Words(reply=reply), change)


_ASKS = {RequestKind.REJECT: Action.ASK_REJECT, RequestKind.REDIRECT: Action.ASK_REDIRECT}
_MOVES = {RequestKind.REJECT: Action.REJECT, RequestKind.REDIRECT: Action.REDIRECT}


def ask_to_refuse(
    stamp: Stamp,
    number: str,
    kind: RequestKind,
    *,
    reason_code: str,
    reply: str,
    redirect_to: str | None = None,
    version: int | None = None,
) -> Request:
    """Ask that a case be rejected or redirected, with the words the filer will read; a second person decides.

    Raises UnknownReason, RequestPending.
    """
    case = lock_case(stamp, number, version=version)
    reason = db.session.get(Reason, reason_code)
    if reason is None or reason.kind is not kind or not reason.active:
        raise UnknownReason(errors={"reason_code": ["没有这个理由"]})
    if kind is RequestKind.REDIRECT and not (redirect_to or "").strip():
        raise UnknownReason("请写明转往哪个渠道", errors={"redirect_to": ["请写明转往哪个渠道"]})
    pending = select(Request.id).where(Request.case_id == case.id, Request.state == RequestState.PENDING, Request.kind == kind)
    if db.session.scalars(pending).first() is not None:
        raise RequestPending
    assert stamp.actor.id is not None
    request = Request(
        case_id=case.id,
        kind=kind,
        reason_code=reason_code,
        reply=reply,
        redirect_to=redirect_to,
        asked_by=stamp.actor.id,
        asked_at=stamp.at,
    )
    facts = {"reason": reason_code, "redirect_to": redirect_to}
    move_case(stamp, case, _ASKS[kind], Words(reply=None, note=reply), lambda _: Step(facts=facts))
    db.session.add(request)
    db.session.flush()
    return request


def decide_request(
    stamp: Stamp, number: str, request_id: int, *, approve: bool, note: str = "", version: int | None = None
) -> Case:
    """Decide a request that somebody else asked. Raises RequestNotFound, AskerMayNotDecide."""
    case = lock_case(stamp, number, version=version)
    request = db.session.scalars(select(Request).where(Request.id == request_id, Request.case_id == case.id)).first()
    if request is None or request.state is not RequestState.PENDING:
        raise RequestNotFound
    if request.asked_by == stamp.actor.id:
        raise AskerMayNotDecide

    def change(acting: Stamp) -> Step:
        if acting.role is Role.UNIT_HEAD and acting.actor.id not in shift_heads():
            raise NotYourMove("这个申请由值班长或受理、派单人员审批")
        request.state = RequestState.APPROVED if approve else RequestState.REJECTED
        request.decided_by, request.decided_at = stamp.actor.id, stamp.at
        return Step(facts={"request": request.kind, "reason": request.reason_code, "redirect_to": request.redirect_to})

    action = _MOVES[request.kind] if approve else Action.REFUSE_REQUEST
    reply = _refusal(request) if approve else None
    move_case(stamp, case, action, Words(reply=reply, note=note or None), change)
    return case


def _refusal(request: Request) -> str:
    """Give what the filer reads: the reply, the reason from the catalogue and, where there is one, the other channel."""
    lines = [request.reply or "", f"原因：{db.session.get_one(Reason, request.reason_code).words}"]
    if request.redirect_to:
        lines.append(f"办理渠道：{request.redirect_to}")
    return "\n".join(lines)


def claim_case(stamp: Stamp, number: str, index: bytes) -> Case:
    """Join a case to the signed-in resident who proved its claim code (`index` is the code's blind index)."""
    report = report_of_claim(number, index)
    (case,) = lock_rows(Case, [report.case_id])
    assert stamp.actor.id is not None
    known = db.session.get(ReportClaim, (report.id, stamp.actor.id))
    if known is None:
        db.session.add(ReportClaim(report_id=report.id, resident_id=stamp.actor.id, at=stamp.at))
        move_case(stamp, case, Action.CLAIM, Words())
    return case


def report_of_claim(number: str, index: bytes) -> Report:
    """Give the report whose claim code was proved; raises WrongClaim, which tells nothing more."""
    query = select(Report).join(Case, Case.id == Report.case_id).where(Case.number == number, Report.claim_index == index)
    report = db.session.scalars(query).first()
    if report is None:
        raise WrongClaim
    return report
