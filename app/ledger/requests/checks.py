"""Keeps what a request of each kind must bring, and who may ask it in which state: pure of what a decision then does.

Source: the rules of a case, section 3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.core.errors import Conflict, Invalid
from app.core.stamp import Actor, Role, Stamp
from app.ledger.deadlines import term_of
from app.ledger.dispatching.eligible import check_eligible, units_by_id
from app.ledger.handling import OwnWork, lead_of, own_assignment, works_for_case
from app.ledger.models import Case
from app.ledger.requests.extensions import term_to_extend
from app.ledger.requests.limits import ReturnLocked, check_return, check_upstream_return
from app.ledger.requests.suspensions import check_review_date
from app.ledger.vocabulary import Duty, RequestKind, State
from app.ledger.workflow import NotYourMove

UNIT_ROLES = (Role.HANDLER, Role.UNIT_HEAD)

OTHER_COUNTY = "other_county"
"""The reason of the catalogue by which a matter goes back upstream, and is tracked until it is signed for there."""


class RequestUnfit(Invalid):
    """申请内容需要补充"""


class NothingToDecide(Conflict):
    """现在没有需要这样申请的情况"""


class UnknownReason(Invalid):
    """没有这个理由"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What comes with a request. `reply` is what the person will read, `note` is for the file.

    `unit_ids`: which unit instead (return), the new lead (reassign), the assists (support). `amount`: by how much to extend,
    in the unit of the term. `review_on`: the day in China on which a suspension is looked at again.
    """

    note: str
    reason_code: str | None = None
    reply: str | None = None
    redirect_to: str | None = None
    unit_ids: Sequence[int] = ()
    amount: int | None = None
    review_on: date | None = None
    evidence: str | None = None


@dataclass(frozen=True)
class Found:
    """What a check found: the part that the request speaks of, what the decision needs, and facts for the entry."""

    assignment_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def check_asked(stamp: Stamp, case: Case, kind: RequestKind, asked: Asked) -> Found:
    """Check that the actor may ask this of a locked case now, and that nothing is missing.

    Raises RequestUnfit, NothingToDecide, NotYourMove, NotYourUnit, OwnWork, and per kind ReturnTooLate, ReturnLocked, SignFirst,
    AlreadyReported, AlreadyDue, NoMoreExtensions, PastUpstream, ReturnLapsed, WrongReviewDate, SuspendAfterContact, UnitRecused,
    UnitUnstaffed.
    """
    return _CHECKS[kind](stamp, case, asked)


def _need(value: object, name: str, words: str) -> None:
    if value is None or not (value.strip() if isinstance(value, str) else value):
        raise RequestUnfit(errors={name: [words]})


def _need_reply(asked: Asked) -> None:
    _need(asked.reply, "reply", "请填写给群众的答复")


def _refusal(stamp: Stamp, case: Case, asked: Asked) -> Found:
    """Before dispatch the desk asks, afterwards the lead, at triage a supervisor who does not work for it."""
    _need_reply(asked)
    if case.state is State.AWAITING_CALLBACK:
        if not case.triage or stamp.role is not Role.SUPERVISOR:
            raise NothingToDecide("只有群众不满意、等待研判的工单可以在回访阶段申请转其他渠道")
        _check_outside(stamp, case)
        return Found()
    if case.state is State.IN_PROGRESS:
        return Found(own_assignment(stamp, case, Duty.LEAD).id)
    if stamp.role not in (Role.INTAKE, Role.DISPATCHER):
        raise NotYourMove("派单前由受理、派单人员提出")
    return Found()


def _redirection(stamp: Stamp, case: Case, asked: Asked) -> Found:
    if not (asked.redirect_to or "").strip():
        raise UnknownReason("请写明转往哪个渠道", errors={"redirect_to": ["请写明转往哪个渠道"]})
    if asked.reason_code == OTHER_COUNTY:
        check_upstream_return(stamp.at, case)
    return _refusal(stamp, case, asked)


def _return(stamp: Stamp, case: Case, asked: Asked) -> Found:
    part = own_assignment(stamp, case, Duty.LEAD, Duty.ASSIST)
    check_return(stamp.at, case, part)
    _need(asked.unit_ids, "units", "请写明应当由哪个单位办理")
    unit, *more = units_by_id(asked.unit_ids, fields=("units", "units"))
    if more or unit.id == part.unit_id:
        raise RequestUnfit(errors={"units": ["请写一个本单位以外的单位"]})
    return Found(part.id, {"unit_ids": [unit.id], "duty": part.duty}, {"unit": part.unit.code, "instead": unit.code})


def _reassignment(stamp: Stamp, case: Case, asked: Asked) -> Found:
    lead = lead_of(case)
    if stamp.role in UNIT_ROLES:
        own_assignment(stamp, case, Duty.LEAD)
        if case.return_locked:
            raise ReturnLocked("退单争议已经裁定，本单位不能再申请改派；确需改派的，由县级提出")
    _need(asked.unit_ids, "units", "请写明改派给哪个单位")
    unit, *more = units_by_id(asked.unit_ids, fields=("units", "units"))
    if more or unit.id == lead.unit_id:
        raise RequestUnfit(errors={"units": ["请写一个现在的主办以外的单位"]})
    check_eligible(case, [unit])
    return Found(lead.id, {"unit_ids": [unit.id]}, {"unit": lead.unit.code, "to": unit.code})


def _support(stamp: Stamp, case: Case, asked: Asked) -> Found:
    lead = own_assignment(stamp, case, Duty.LEAD)
    _need(asked.unit_ids, "units", "请写明需要哪些单位协办")
    units = units_by_id(asked.unit_ids, fields=("units", "units"))
    busy = {a.unit_id for a in case.assignments if a.ended_at is None}
    if any(unit.id in busy for unit in units):
        raise RequestUnfit(errors={"units": ["其中有单位已经在办理这个工单"]})
    check_eligible(case, units)
    return Found(lead.id, {"unit_ids": [unit.id for unit in units]}, {"units": [unit.code for unit in units]})


def _extension(stamp: Stamp, case: Case, asked: Asked) -> Found:
    lead = own_assignment(stamp, case, Duty.LEAD)
    if asked.amount is None or asked.amount < 1:
        raise RequestUnfit(errors={"amount": ["请写明延长多少"]})
    clock = term_to_extend(stamp.at, case, lead, asked.amount)
    details = {"amount": asked.amount, "amount_unit": term_of(clock)[1].unit.value}
    return Found(lead.id, details, details)


def _suspension(stamp: Stamp, case: Case, asked: Asked) -> Found:
    lead = own_assignment(stamp, case, Duty.LEAD)
    _need(asked.evidence, "evidence", "请写明依据，如施工计划、政策文件")
    if asked.review_on is None:
        raise RequestUnfit(errors={"review_on": ["请写明下次复核的日期"]})
    check_review_date(stamp.at, case, lead, asked.review_on)
    day = asked.review_on.isoformat()
    return Found(lead.id, {"review_on": day, "evidence": asked.evidence}, {"review_on": day})


def _termination(stamp: Stamp, case: Case, asked: Asked) -> Found:
    _need_reply(asked)
    # The lead's part also where a supervisor asks: it is the lead that would be let off, so that nobody of it decides.
    return Found((lead_of(case) if stamp.role is Role.SUPERVISOR else own_assignment(stamp, case, Duty.LEAD)).id)


def _exclusion(stamp: Stamp, case: Case, asked: Asked) -> Found:
    del asked
    if case.excluded:
        raise NothingToDecide("这个工单已经剔除")
    if stamp.role in UNIT_ROLES and not _ever_had(stamp.actor, case):
        raise NotYourMove("只有办理过这个工单的单位可以申请剔除")
    return Found()


def _ever_had(actor: Actor, case: Case) -> bool:
    paths = actor.paths(*UNIT_ROLES)
    return any(assignment.unit.path.startswith(path) for assignment in case.assignments for path in paths)


def _void(stamp: Stamp, case: Case, asked: Asked) -> Found:
    _check_outside(stamp, case)
    _need_reply(asked)
    return Found()


def _check_outside(stamp: Stamp, case: Case) -> None:
    if works_for_case(stamp, case):
        raise OwnWork


def _judgement(stamp: Stamp, case: Case, asked: Asked) -> Found:
    if not case.triage:
        raise NothingToDecide("只有群众不满意、等待研判的工单可以申请判定办结")
    _check_outside(stamp, case)
    _need_reply(asked)
    return Found()


_CHECKS: dict[RequestKind, Callable[[Stamp, Case, Asked], Found]] = {
    RequestKind.REJECT: _refusal,
    RequestKind.REDIRECT: _redirection,
    RequestKind.RETURN: _return,
    RequestKind.REASSIGN: _reassignment,
    RequestKind.SUPPORT: _support,
    RequestKind.EXTEND: _extension,
    RequestKind.SUSPEND: _suspension,
    RequestKind.TERMINATE: _termination,
    RequestKind.EXCLUDE: _exclusion,
    RequestKind.VOID: _void,
    RequestKind.JUDGE_CLOSED: _judgement,
}
