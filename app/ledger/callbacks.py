"""Keeps the person's word: call-back attempts, call-backs and ratings, and the rework that dissatisfaction asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import ActorKind, Stamp
from app.ledger.county import county
from app.ledger.handling import works_for_case
from app.ledger.models import Assignment, Callback, Case, Entry, Report, ReportClaim
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import UNHAPPY, Action, CallbackBy, Channel, Duty, Satisfaction, State


class HandlingUnitMayNotCallBack(NotAllowed):
    """承办或答复这个工单的人员不能回访"""


class FilerMayNotRate(NotAllowed):
    """代办人可以查看进度，评价要由当事人本人作出"""


class AlreadyRated(Conflict):
    """这一轮办理已经评价过"""


class RatingClosed(Conflict):
    """评价期限已过"""


class ContradictionUnexplained(Invalid):
    """没有解决却表示满意，请写明对方怎么说的"""


class NobodyToCallBack(NotAllowed):
    """这个工单没有可以回访的当事人"""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the person says: contacted? solved? satisfied? and four aspects from 1 (poor) to 5 (good), each optional."""

    contacted: bool
    solved: bool
    satisfaction: Satisfaction
    attitude: int | None = None
    competence: int | None = None
    convenience: int | None = None
    speed: int | None = None


def attempt_callback(stamp: Stamp, number: str, *, note: str | None = None, version: int | None = None) -> Case:
    """Record that the person could not be reached; after enough attempts on enough days the case closes as unreachable."""
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        _check_agent(acting, case)
        db.session.add(_callback(acting, case, CallbackBy.AGENT, verdict=None))
        db.session.flush()
        return Step()

    move_case(stamp, case, Action.ATTEMPT_CALLBACK, Words(note=note), change)
    tried = select(Callback.at).where(Callback.case_id == case.id, Callback.round == case.round, ~Callback.reached)
    attempts = apart(list(db.session.scalars(tried.order_by(Callback.at))), timedelta(minutes=county().callback_gap_minutes))
    days = {at.astimezone(CHINA).date() for at in attempts}
    if len(attempts) >= county().callback_attempts and len(days) >= county().callback_days:
        move_case(
            stamp, case, Action.RECORD_CALLBACK, Words(), lambda _: Step(facts={"unreachable": True, "attempts": len(attempts)})
        )
    return case


def apart(moments: Sequence[datetime], gap: timedelta) -> list[datetime]:
    """Give the moments that count as attempts of their own: each at least `gap` after the one counted before."""
    counted: list[datetime] = []
    for at in moments:
        if not counted or at - counted[-1] >= gap:
            counted.append(at)
    return counted


def record_callback(stamp: Stamp, number: str, verdict: Verdict, *, note: str | None = None, version: int | None = None) -> Case:
    """Record what the person said on the phone: closes the case, or starts a rework round when dissatisfied."""
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        _check_agent(acting, case)
        if not verdict.solved and verdict.satisfaction not in UNHAPPY and not (note or "").strip():
            raise ContradictionUnexplained(errors={"note": ["没有解决却表示满意，请写明对方怎么说的"]})
        return _hear(acting, case, verdict, CallbackBy.AGENT)

    move_case(stamp, case, Action.RECORD_CALLBACK, Words(note=note), change)
    return case


def _check_agent(stamp: Stamp, case: Case) -> None:
    """Refuse as call-back agent whoever works for the handling unit, answered the case, or filed it for the person."""
    answered = select(Entry.id).where(Entry.case_id == case.id, Entry.action == Action.ANSWER, Entry.actor_id == stamp.actor.id)
    if works_for_case(stamp, case) or db.session.scalars(answered).first() is not None:
        raise HandlingUnitMayNotCallBack
    for_others = (Channel.PROXY, Channel.VISIT)
    if any(report.filer_staff_id == stamp.actor.id and report.channel in for_others for report in case.reports):
        raise FilerMayNotRate
    if case.nobody_to_call:
        raise NobodyToCallBack


def rate_case(stamp: Stamp, number: str, verdict: Verdict, *, words: str | None = None) -> Case:
    """Rate as the signed-in person concerned; counts as call-back. Raises FilerMayNotRate for whoever filed for another."""
    case = lock_case(stamp, number)
    if stamp.actor.kind is ActorKind.RESIDENT:
        concerned = select(Report.id).where(Report.case_id == case.id, Report.concerned_id == stamp.actor.id)
        claimed = (
            select(ReportClaim.report_id).join(Report).where(Report.case_id == case.id, ReportClaim.resident_id == stamp.actor.id)
        )
        if db.session.scalars(concerned.union_all(claimed)).first() is None:
            raise FilerMayNotRate
    elif any(report.filer_staff_id == stamp.actor.id for report in case.reports):
        raise FilerMayNotRate
    return _rate(stamp, case, verdict, CallbackBy.RESIDENT, words)


def rate_by_claim(stamp: Stamp, case: Case, verdict: Verdict, *, words: str | None = None) -> Case:
    """Rate a locked case whose claim code was proved; counts as call-back."""
    return _rate(stamp, case, verdict, CallbackBy.CLAIM_CODE, words)


def _rate(stamp: Stamp, case: Case, verdict: Verdict, by: CallbackBy, words: str | None) -> Case:
    def change(acting: Stamp) -> Step:
        if case.state is State.CLOSED:
            _check_late_rating(acting, case)
        return _hear(acting, case, verdict, by)

    move_case(stamp, case, Action.RATE, Words(note=words), change)
    return case


def _check_late_rating(stamp: Stamp, case: Case) -> None:
    heard = select(Callback.id).where(Callback.case_id == case.id, Callback.round == case.round, Callback.by != CallbackBy.AGENT)
    if db.session.scalars(heard).first() is not None:
        raise AlreadyRated
    if case.closed_at is None or stamp.at > case.closed_at + timedelta(days=county().rating_days):
        raise RatingClosed(f"办结超过 {county().rating_days} 天，不能再评价")


def _hear(stamp: Stamp, case: Case, verdict: Verdict, by: CallbackBy) -> Step:
    db.session.add(_callback(stamp, case, by, verdict=verdict))
    unhappy = verdict.satisfaction in UNHAPPY and case.state is State.AWAITING_CALLBACK
    facts = {"by": by, "contacted": verdict.contacted, "solved": verdict.solved, "satisfaction": verdict.satisfaction}
    if unhappy:
        _begin_rework(stamp, case)
    return Step(facts=facts, unhappy=unhappy)


def _callback(stamp: Stamp, case: Case, by: CallbackBy, *, verdict: Verdict | None) -> Callback:
    return Callback(
        case_id=case.id,
        round=case.round,
        at=stamp.at,
        by=by,
        staff_id=stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None,
        reached=verdict is not None,
        **(vars(verdict) if verdict else {}),
    )


def _begin_rework(stamp: Stamp, case: Case) -> None:
    """Open the next round: the lead goes on under a fresh assignment, signed already; the last round's stays readable."""
    case.round += 1
    for assignment in list(case.assignments):
        if assignment.ended_at is not None:
            continue
        assignment.ended_at = stamp.at
        if assignment.duty is Duty.LEAD:
            db.session.flush()
            case.assignments.append(
                Assignment(
                    unit_id=assignment.unit_id,
                    unit=assignment.unit,
                    duty=Duty.LEAD,
                    round=case.round,
                    handler_id=assignment.handler_id,
                    dispatched_at=stamp.at,
                    signed_at=stamp.at,
                )
            )
    db.session.flush()


def confirm_upstream(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Record that the upstream platform has accepted the result; closes the case."""
    case = lock_case(stamp, number, version=version)
    move_case(stamp, case, Action.CONFIRM_UPSTREAM, Words(note=note))
    return case
