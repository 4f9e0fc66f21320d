"""Keeps withdrawal: whoever spoke may take it back; after dispatch the centre makes sure by a call that it is free will."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Conflict, NotAllowed
from app.core.stamp import ActorKind, Stamp
from app.ledger.callbacks.answers import WhichReporter
from app.ledger.callbacks.callees import callees_of
from app.ledger.handling import works_for_case
from app.ledger.intake.codes_seen import seen_by_filer
from app.ledger.intake.persons import check_person
from app.ledger.models import Case, Report
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.requests.asking import RequestNotFound, begin_request, check_unasked, withdraw_request
from app.ledger.requests.models import Request
from app.ledger.vocabulary import Action, Audience, RequestKind, RequestState, State
from app.ledger.workflow import MOVES, VILLAGE

FREELY = frozenset({State.SUBMITTED, State.INFO_REQUESTED, State.ACCEPTED})
"""States in which nobody works on a case yet, so that the person's word alone withdraws it."""

REPLY = "已按您的要求撤回。以后需要时，可以随时重新反映。"
REPLY_OF_ONE = "一位反映人撤回了诉求，其他反映人的诉求继续办理。"


class WithdrawnBefore(Conflict):
    """您已经撤回这件事"""


class NobodyToAsk(Conflict):
    """匿名反映派单后不能撤回，因为无法向您核实"""


class NobodyToVerify(Conflict):
    """这个工单没有可以电话核实的反映人"""


class OwnCaseWithdrawn(NotAllowed):
    """承办单位的人员不能替群众登记撤回"""


def wish_to_withdraw(stamp: Stamp, number: str, *, words: str, version: int | None = None) -> Case:
    """Withdraw a case before dispatch; after it, ask the centre, which calls to make sure. Raises OnlyThePerson, RequestPending."""
    case = lock_case(stamp, number, version=version)
    return wish_locked(stamp, case, check_person(stamp, case), words=words)


def wish_locked(stamp: Stamp, case: Case, reports: list[Report], *, words: str) -> Case:
    """Do what a wish to withdraw some reports of a locked case asks for; other people's reports keep the case going.

    By a claim code that staff have seen nothing is withdrawn before the centre has called the person, before dispatch either.
    """
    reports = [report for report in reports if report.withdrawn_at is None]
    if not reports:
        raise WithdrawnBefore
    if case.state in FREELY and not all(_is_doubted(stamp, report) for report in reports):
        reply = reply_to(case, [report.id for report in reports])
        move_case(stamp, case, Action.WITHDRAW, Words(reply=reply, note=words), lambda at: take_back(at, case, reports))
        return case
    asker = _asker(stamp, reports)
    if asker is None:
        raise NobodyToAsk
    check_unasked(case, RequestKind.WITHDRAW)
    details: dict[str, Any] = {"reports": [report.id for report in reports]}

    def change(acting: Stamp) -> Step:
        request = Request(kind=RequestKind.WITHDRAW, asked_by_resident=asker, details=details)
        begin_request(acting, case, request)
        return Step(facts={"request": RequestKind.WITHDRAW, "report": reports[0].id})

    move_case(stamp, case, Action.ASK_WITHDRAW, Words(note=words), change)
    return case


def _is_doubted(stamp: Stamp, report: Report) -> bool:
    """Say whether a wish rests on nothing but a claim code that staff had in hand, and somebody can be called to make sure."""
    if report.concerned_id is None or report.concerned_id == stamp.actor.id:
        return False
    joined = next((claim.at for claim in report.claims if claim.resident_id == stamp.actor.id), None)
    return seen_by_filer(report, until=joined)


def hear_wish(stamp: Stamp, number: str, *, words: str, report_id: int | None = None, version: int | None = None) -> Request:
    """Record that a person wishes, on the phone or to who filed for them, to withdraw; somebody else calls back to make sure.

    Unlike a word that is signed for, one that a single clerk has heard ends nothing, before dispatch either. `words` are what
    was said; of several reporters `report_id` says which. Raises OwnCaseWithdrawn, NobodyToVerify, WithdrawnBefore,
    WhichReporter, RequestPending.
    """
    case = lock_case(stamp, number, version=version)
    request = Request(kind=RequestKind.WITHDRAW)

    def change(acting: Stamp) -> Step:
        if works_for_case(acting, case):
            raise OwnCaseWithdrawn
        ids = _speaking(acting, case, report_id)
        check_unasked(case, RequestKind.WITHDRAW)
        request.asked_by, request.details = acting.actor.id, {"reports": ids}
        begin_request(acting, case, request)
        return Step(facts={"request": RequestKind.WITHDRAW, "report": ids[0], "by_phone": acting.role not in VILLAGE})

    move_case(stamp, case, Action.ASK_WITHDRAW, Words(note=words), change)
    return request


def _speaking(stamp: Stamp, case: Case, report_id: int | None) -> list[int]:
    """Give the reports of the one person who is meant, who can be called; a filer means the person they filed for."""
    if report_id is None and stamp.role in VILLAGE:
        report_id = next((report.id for report in case.reports if report.filer_staff_id == stamp.actor.id), None)
    if any(report.id == report_id and report.withdrawn_at is not None for report in case.reports):
        raise WithdrawnBefore
    people = [[report.id for report in callee.reports] for callee in callees_of(case, stamp.at)]
    if not people:
        raise NobodyToVerify
    meant = people if report_id is None else [ids for ids in people if report_id in ids]
    if len(meant) != 1:
        raise WhichReporter("请选择是哪位反映人要撤回", errors={"report_id": ["请选择是哪位反映人要撤回"]})
    return meant[0]


def may_hear_wish(stamp: Stamp, case: Case) -> bool:
    """Say whether the actor may record somebody's wish to withdraw, apart from the table."""
    return not case.nobody_to_call and not works_for_case(stamp, case)


def reply_to(case: Case, report_ids: list[int]) -> str:
    """Give what is read when these reports are withdrawn, which the others of the case read too."""
    others = any(report.withdrawn_at is None and report.id not in report_ids for report in case.reports)
    return REPLY_OF_ONE if others else REPLY


def take_back(stamp: Stamp, case: Case, reports: list[Report]) -> Step:
    """Mark reports as withdrawn; the step says whether somebody else's remains, so that the case goes on."""
    for report in reports:
        report.withdrawn_at = report.withdrawn_at or stamp.at
    db.session.flush()
    remain = any(report.withdrawn_at is None for report in case.reports)
    told: dict[Audience, str | None] = {
        Audience.PERSONS: None, Audience.FILERS: None, Audience.LEAD: "withdraw_one", Audience.ASSISTS: "withdraw_one",
    }  # fmt: skip
    return Step(facts={"report": reports[0].id, "reports": len(reports)}, others=remain, templates=told if remain else {})


def keep_after_all(stamp: Stamp, number: str) -> Case:
    """Take one's wish to withdraw back while nobody has decided on it; raises RequestNotFound."""
    case = lock_case(stamp, number)
    wish = pending_wish(stamp, case)
    if wish is None:
        raise RequestNotFound
    return withdraw_request(stamp, number, wish)


def _asker(stamp: Stamp, reports: Sequence[Report]) -> int | None:
    """Give the resident whom the centre calls: who is signed in, else the person concerned of a proved report."""
    if stamp.actor.kind is ActorKind.RESIDENT:
        return stamp.actor.id
    return next((report.concerned_id for report in reports if report.concerned_id is not None), None)


def may_wish(stamp: Stamp, case: Case, reports: Sequence[Report]) -> bool:
    """Say whether a wish to withdraw reports is taken now: before dispatch anybody's, later only where one can be called."""
    if case.state in FREELY:
        return True
    return case.state in MOVES[Action.ASK_WITHDRAW].sources and _asker(stamp, reports) is not None


def pending_wish(stamp: Stamp, case: Case) -> int | None:
    """Give the id of the resident's own request to withdraw a case that waits for its decision."""
    mine = (Request.kind == RequestKind.WITHDRAW, Request.asked_by_resident == stamp.actor.id)
    waiting = select(Request.id).where(Request.case_id == case.id, Request.state == RequestState.PENDING, *mine)
    return db.session.scalars(waiting).first() if stamp.actor.kind is ActorKind.RESIDENT else None
