"""Keeps the person's word: call-back attempts, call-backs and ratings; dissatisfaction waits for the supervisor's triage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select

from app.core.database import db
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import SYSTEM, ActorKind, Role, Stamp
from app.ledger.callbacks.callees import Callee, all_settled, callees_of, dissatisfied, round_of
from app.ledger.callbacks.models import Callback
from app.ledger.county import county
from app.ledger.handling import works_for_case
from app.ledger.intake.codes_seen import seen_by_filer
from app.ledger.intake.persons import own_reports
from app.ledger.labels import label
from app.ledger.merging.union import cases_in
from app.ledger.models import Case, Entry, Report
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import BY_PERSON, UNHAPPY, Action, Audience, CallbackBy, CalleeState, Channel, Satisfaction, State
from app.ledger.workflow import IllegalMove


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


class TriageWaiting(Conflict):
    """已经听到不满意的意见，正在等待督办员研判"""


class WhichReporter(Invalid):
    """请选择回访的是哪位反映人"""


class HeardBefore(Conflict):
    """这位反映人本轮已经回访或评价过"""


class WithdrawnMayNotRate(Conflict):
    """您已经撤回这件事，不能再评价"""


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


def attempt_callback(
    stamp: Stamp, number: str, *, report_id: int | None = None, note: str | None = None, version: int | None = None
) -> Case:
    """Record that a person could not be reached; after enough attempts on enough days they count as unreachable.

    When nobody is left to be called, the case goes on by what the others said; it closes where nobody was reached at all.
    Raises WhichReporter, HeardBefore.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        _check_agent(acting, case)
        callee = _callee(acting, case, report_id)
        db.session.add(_callback(acting, case, CallbackBy.AGENT, callee.report_id, verdict=None))
        db.session.flush()
        return Step(facts={"report": callee.report_id})

    move_case(stamp, case, Action.ATTEMPT_CALLBACK, Words(note=note), change)
    if not case.awaiting_rescue:
        conclude(stamp, case)
    return case


def conclude(stamp: Stamp, case: Case) -> None:
    """Let a locked case go on from its call-back when nobody is left to be called; do nothing while somebody is."""
    if case.state is not State.AWAITING_CALLBACK or case.triage:
        return
    rows = round_of(case)
    callees = callees_of(case, stamp.at, said=rows)
    if not all_settled(callees):
        return
    if Role.CALLBACK_AGENT not in stamp.actor.roles():
        stamp = Stamp(SYSTEM, Role.SYSTEM, stamp.at, stamp.door)
    unhappy = dissatisfied(rows)
    lost = sum(callee.state is CalleeState.UNREACHABLE for callee in callees)
    facts = {
        "unreachable": bool(lost) and not any(row.reached for row in rows),
        "attempts": sum(callee.attempts for callee in callees),
        "not_reached": lost,
    }
    case.triage = unhappy
    told = "unreachable_persons" if facts["unreachable"] else None
    templates = _templates(case, unhappy=unhappy, persons=told)
    move_case(stamp, case, Action.RECORD_CALLBACK, Words(), lambda _: Step(facts=facts, unhappy=unhappy, templates=templates))


def record_callback(
    stamp: Stamp,
    number: str,
    verdict: Verdict,
    *,
    report_id: int | None = None,
    note: str | None = None,
    version: int | None = None,
) -> Case:
    """Record what a person said on the phone; of several reporters `report_id` says which, where more than one waits.

    When nobody is left to be called, the least favourable word closes the case or leaves it to the supervisor. Raises
    WhichReporter, HeardBefore.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        _check_agent(acting, case)
        if not verdict.solved and verdict.satisfaction not in UNHAPPY and not (note or "").strip():
            raise ContradictionUnexplained(errors={"note": ["没有解决却表示满意，请写明对方怎么说的"]})
        return _hear(acting, case, verdict, CallbackBy.AGENT, _callee(acting, case, report_id).report_id)

    move_case(stamp, case, Action.RECORD_CALLBACK, Words(note=note), change)
    return case


def _callee(stamp: Stamp, case: Case, report_id: int | None) -> Callee:
    """Give the person whose report is named, or the only one who may be meant, and who was not heard in this round yet."""
    callees = callees_of(case, stamp.at)
    if report_id is not None:
        callees = [callee for callee in callees if any(report.id == report_id for report in callee.reports)]
    elif len(callees) > 1:
        callees = [callee for callee in callees if callee.state is CalleeState.WAITING]
    if len(callees) != 1:
        raise WhichReporter(errors={"report_id": ["请选择回访的是哪位反映人"]})
    if callees[0].state in (CalleeState.HEARD, CalleeState.RATED):
        raise HeardBefore
    return callees[0]


def _check_agent(stamp: Stamp, case: Case) -> None:
    """Refuse as call-back agent whoever works for the handling unit, answered the case, or filed it for the person."""
    if case.triage:
        raise TriageWaiting
    all_in_one = cases_in(case)
    answered = select(Entry.id).where(Entry.case_id.in_(all_in_one), Entry.action == Action.ANSWER)
    answered = answered.where(Entry.actor_id == stamp.actor.id)
    if works_for_case(stamp, case, of=all_in_one) or db.session.scalars(answered).first() is not None:
        raise HandlingUnitMayNotCallBack
    for_others = (Channel.PROXY, Channel.VISIT)
    if any(report.filer_staff_id == stamp.actor.id and report.channel in for_others for report in case.reports):
        raise FilerMayNotRate
    if case.nobody_to_call:
        raise NobodyToCallBack


def rate_case(stamp: Stamp, number: str, verdict: Verdict, *, words: str | None = None) -> Case:
    """Rate as the signed-in person concerned; counts as call-back.

    Raises FilerMayNotRate for whoever filed for another, WithdrawnMayNotRate, AlreadyRated, RatingClosed, TriageWaiting.
    """
    case = lock_case(stamp, number)
    own = own_reports(stamp, case)
    if not own:
        raise FilerMayNotRate
    return _rate(stamp, case, verdict, CallbackBy.RESIDENT, own, words=words, doubted=_joined_by_seen_code(stamp, own))


def _joined_by_seen_code(stamp: Stamp, own: Sequence[Report]) -> bool:
    """Say whether all that makes these reports the actor's is a claim code that staff had in hand."""
    joined = [(report, claim.at) for report in own for claim in report.claims if claim.resident_id == stamp.actor.id]
    mine = any(report.concerned_id == stamp.actor.id for report in own)
    return not mine and all(seen_by_filer(report, until=at) for report, at in joined)


def rate_by_claim(stamp: Stamp, case: Case, report: Report, verdict: Verdict, *, words: str | None = None) -> Case:
    """Rate a locked case whose report's claim code was proved; counts as call-back, but not by a code that staff have seen.

    Raises as `rate_case`.
    """
    doubted = seen_by_filer(report)
    return _rate(stamp, case, verdict, CallbackBy.CLAIM_CODE, [report], words=words, doubted=doubted)


def _rate(
    stamp: Stamp, case: Case, verdict: Verdict, by: CallbackBy, own: Sequence[Report], *, words: str | None, doubted: bool
) -> Case:
    """Keep a rating; one that is `doubted` stands in the timeline for the call-back agent to confirm, and counts nowhere."""

    def change(acting: Stamp) -> Step:
        kept = [report for report in own if report.withdrawn_at is None]
        if not kept:
            raise WithdrawnMayNotRate
        if case.triage:
            raise TriageWaiting
        if rated_before(case, [report.id for report in kept]):
            raise AlreadyRated
        if case.state is State.CLOSED and (
            case.closed_at is None or acting.at > case.closed_at + timedelta(days=county().rating_days)
        ):
            raise RatingClosed(f"办结超过 {county().rating_days} 天，不能再评价")
        if doubted:
            facts = {"by": by, "report": kept[0].id, "to_confirm": True, "round": case.round, "heard": verdict.satisfaction}
            persons = "rate_to_confirm" if case.state is State.AWAITING_CALLBACK else None
            told = {Audience.LEAD: None, Audience.PERSONS: persons, Audience.SUPERVISORS: None}
            return Step(facts=facts, others=True, templates=told)
        return _hear(acting, case, verdict, by, kept[0].id)

    if doubted:
        solved = "已解决" if verdict.solved else "没有解决"
        words = f"待回访核实的评价：{label(verdict.satisfaction)}，{solved}。{words or ''}"
    move_case(stamp, case, Action.RATE, Words(note=words), change)
    return case


def rated_before(case: Case, report_ids: Sequence[int]) -> bool:
    """Say whether one of these reports has its own rating in the case's present round; so has one that names no report."""
    mine = or_(Callback.report_id.in_(report_ids), Callback.report_id.is_(None))
    rated = select(Callback.id).where(Callback.case_id == case.id, Callback.round == case.round, Callback.by.in_(BY_PERSON), mine)
    if db.session.scalars(rated).first() is not None:
        return True
    said = db.session.scalars(select(Entry.facts).where(Entry.case_id == case.id, Entry.action == Action.RATE))
    return any(facts.get("to_confirm") and facts["round"] == case.round and facts["report"] in report_ids for facts in said)


def _hear(stamp: Stamp, case: Case, verdict: Verdict, by: CallbackBy, report_id: int) -> Step:
    """Keep a word; the step says whether others are still to be heard, else whether the least favourable is dissatisfied."""
    db.session.add(_callback(stamp, case, by, report_id, verdict=verdict))
    db.session.flush()
    facts = {"by": by, "contacted": verdict.contacted, "solved": verdict.solved, "satisfaction": verdict.satisfaction}
    facts |= {"report": report_id}
    if case.state is State.CLOSED:
        late = "late_dissatisfaction" if verdict.satisfaction in UNHAPPY else None
        return Step(facts=facts, templates={Audience.PERSONS: None, Audience.SUPERVISORS: late})
    rows = round_of(case)
    if not all_settled(callees_of(case, stamp.at, said=rows)):
        return Step(facts=facts, others=True, templates={Audience.PERSONS: None, Audience.SUPERVISORS: None})
    case.triage = unhappy = dissatisfied(rows)
    return Step(facts=facts, unhappy=unhappy, templates=_templates(case, unhappy=unhappy))


def _templates(case: Case, *, unhappy: bool, persons: str | None = None) -> dict[Audience, str | None]:
    """Give what persons and supervisors are told when the call-back of a case has ended."""
    if unhappy:
        return {Audience.PERSONS: "triage_waits_persons", Audience.SUPERVISORS: "triage_waits"}
    closing = "to_upstream_persons" if case.upstream_number is not None else "closed_persons"
    return {Audience.PERSONS: persons or closing, Audience.SUPERVISORS: None}


def _callback(stamp: Stamp, case: Case, by: CallbackBy, report_id: int, *, verdict: Verdict | None) -> Callback:
    return Callback(
        case_id=case.id,
        report_id=report_id,
        round=case.round,
        at=stamp.at,
        by=by,
        staff_id=stamp.actor.id if stamp.actor.kind is ActorKind.STAFF else None,
        reached=verdict is not None,
        **(vars(verdict) if verdict else {}),
    )


def confirm_upstream(stamp: Stamp, number: str, *, note: str, version: int | None = None) -> Case:
    """Record that the upstream platform has accepted the result; closes the case.

    What went back upstream is signed for by `sign_returned`. Raises IllegalMove.
    """
    case = lock_case(stamp, number, version=version)

    def change(_: Stamp) -> Step:
        if case.state is not State.AWAITING_UPSTREAM:
            raise IllegalMove("这个工单没有等待上级审核的结果；退回上级的请登记上级签收")
        return Step(templates={Audience.SUPERVISORS: None})

    move_case(stamp, case, Action.CONFIRM_UPSTREAM, Words(note=note), change)
    return case
