"""Keeps what somebody may do with a case now: the table's answer, and where the commands ask for more, theirs."""

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.stamp import Role, Stamp
from app.ledger.audiences import raised_to
from app.ledger.county import county
from app.ledger.disputes.models import ConsentDispute
from app.ledger.handling import stands_outside, works_for_case
from app.ledger.merging.publishing import may_be_published
from app.ledger.merging.union import cases_in
from app.ledger.models import Assignment, Case
from app.ledger.moves import APPROVING
from app.ledger.requests.asking import ASKS
from app.ledger.requests.deciders import deciding_role
from app.ledger.requests.models import Request
from app.ledger.requests.withdrawal import may_hear_wish
from app.ledger.roles import is_disputed, roles_on, roles_undisputed
from app.ledger.rounds.settling import reviewed_answers
from app.ledger.scope import belongs, reaches, visible
from app.ledger.stations import BY_ORDER, station_path
from app.ledger.supervision.models import ProgressItem, SupervisionOrder
from app.ledger.upstream.orders import keeps_upstream, waits_for_signature
from app.ledger.verification.results import facts_of
from app.ledger.vocabulary import OPEN, Action, Duty, RequestKind, SlipState, State, VerifyBy
from app.ledger.whistles.arrivals import may_judge
from app.ledger.whistles.models import WhistleCall
from app.ledger.whistles.sides import is_called, whistling_unit
from app.ledger.workflow import FIELD, MOVES
from app.territory.models import Level, Unit

BY_HAND = frozenset(Action) - {
    Action.SUBMIT, Action.ARCHIVE, Action.CLAIM, Action.RATE, Action.LOOK, Action.MOVE_GRID, Action.LAPSE_INFO,
    Action.WARN_CLOCK, Action.BREACH_CLOCK, Action.ESCALATE_CLOCK, Action.RECOMPUTE_CLOCK,
    Action.ABSORB, Action.RELEASE, Action.ME_TOO, Action.HAND_OVER,
    Action.TAKE, Action.GIVE_BACK, Action.PASS_STATION, Action.RETURN_STATION,
    Action.HAND_TO, Action.REISSUE_CODE, Action.DISPUTE_CONSENT, Action.TAKE_VISIT, Action.DECLINE_VISIT, Action.GIVE_BACK_VISIT,
}  # fmt: skip
"""Actions that staff take on a case by hand at the desk; looks, wrong grids and visits are the village's, at the grid door; what is
done to a service order is done there."""


def possible_actions(stamp: Stamp, case: Case, pending: Sequence[Request]) -> list[Action]:
    """Give the actions that the actor may take on a case now; `pending` are its requests that wait for a decision.

    What a form still asks for (words, a contact before the result) is not looked at.
    """
    found: list[Action] = []
    if is_disputed(stamp, case):
        return found
    by_hand = BY_HAND - BY_ORDER if station_path(case) is not None else BY_HAND
    for action, move in MOVES.items():
        if action in by_hand and case.state in move.sources and roles_undisputed(stamp, case, action) & move.roles:
            more = _MORE.get(action)
            if more is None or more(stamp, case, pending):
                found.append(action)
    return found


def _own(stamp: Stamp, case: Case, *duties: Duty) -> list[Assignment]:
    return [a for a in case.assignments if a.ended_at is None and a.duty in duties and belongs(stamp.actor, a)]


def _unsigned(*duties: Duty) -> Callable[[Stamp, Case, Sequence[Request]], bool]:
    return lambda stamp, case, _: any(a.signed_at is None for a in _own(stamp, case, *duties))


def _commanded(stamp: Stamp, case: Case, *duties: Duty) -> list[Assignment]:
    """Give the open parts whose unit the actor dispatches for or heads."""
    held = [a for a in case.assignments if a.ended_at is None and a.duty in duties]
    return [a for a in held if any(reaches(stamp.actor, role, a.unit.path) for role in (Role.DISPATCHER, Role.UNIT_HEAD))]


def _passes_on(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return any(a.unit.level is Level.TOWNSHIP for a in _commanded(stamp, case, Duty.LEAD))


def _names_handler(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return bool(_commanded(stamp, case, *Duty))


def _raisable(_: Stamp, case: Case, __: Sequence[Request]) -> bool:
    return case.lead_unit is not None and raised_to(case.lead_unit.path, case.raised + 1) is not None


def _contact(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    if case.nobody_to_call:
        return False
    return Role.CALLBACK_AGENT in roles_on(stamp, case) or (
        not case.hides_identity and bool(_own(stamp, case, Duty.LEAD, Duty.SUB))
    )


def _assist(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return any(a.signed_at is not None and a.submitted_at is None for a in _own(stamp, case, Duty.ASSIST, Duty.SUB))


def _result(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return bool(_own(stamp, case, Duty.LEAD))


def _outsider(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return not works_for_case(stamp, case)


def _appraises(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return facts_of(case).verify_by is VerifyBy.REPRESENTATIVE and not works_for_case(stamp, case)


def _caller(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return not case.triage and not case.nobody_to_call and not works_for_case(stamp, case, of=cases_in(case))


def _decides(*kinds: RequestKind) -> Callable[[Stamp, Case, Sequence[Request]], bool]:
    return lambda stamp, case, pending: any(r.kind in kinds and deciding_role(stamp, case, r) is not None for r in pending)


def _resumes(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return bool(_own(stamp, case, Duty.LEAD) or roles_on(stamp, case) & {Role.DISPATCHER, Role.SUPERVISOR})


def _ordered(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    query = select(Unit.path).join(SupervisionOrder, SupervisionOrder.unit_id == Unit.id)
    paths = db.session.scalars(query.where(SupervisionOrder.case_id == case.id, SupervisionOrder.state == SlipState.ISSUED)).all()
    return any(path.startswith(own) for path in paths for own in stamp.actor.paths(Role.HANDLER, Role.UNIT_HEAD))


def _on_agenda(_: Stamp, case: Case, __: Sequence[Request]) -> bool:
    return db.session.scalars(select(ProgressItem.case_id).where(ProgressItem.case_id == case.id).limit(1)).first() is not None


_ASKABLE = {action: kind for kind, action in ASKS.items()}


def _asks(kind: RequestKind) -> Callable[[Stamp, Case, Sequence[Request]], bool]:
    """Say whether a request of a kind can be made: none is pending, and what it speaks of is the actor's."""
    of_lead = {RequestKind.SUPPORT, RequestKind.EXTEND, RequestKind.SUSPEND}
    by_office = roles_of(kind)

    def possible(stamp: Stamp, case: Case, pending: Sequence[Request]) -> bool:
        if any(request.kind is kind for request in pending):
            return False
        if kind is RequestKind.RETURN:
            return not case.return_locked and any(a.submitted_at is None for a in _own(stamp, case, Duty.LEAD, Duty.ASSIST))
        if kind is RequestKind.REASSIGN and case.return_locked:
            return bool(roles_on(stamp, case) & by_office)
        if kind is RequestKind.EXTEND and case.extensions >= county().extensions_most:
            return False
        if kind is RequestKind.JUDGE_CLOSED:
            return case.triage and not works_for_case(stamp, case)
        if kind is RequestKind.VOID and works_for_case(stamp, case):
            return False
        if kind is RequestKind.EXCLUDE:
            return not case.excluded and bool(_own(stamp, case, *Duty) or roles_on(stamp, case) & by_office)
        if kind in (RequestKind.REJECT, RequestKind.REDIRECT):
            if case.state is State.IN_PROGRESS:
                return bool(_own(stamp, case, Duty.LEAD))
            if case.state is State.AWAITING_CALLBACK:
                return case.triage and Role.SUPERVISOR in roles_on(stamp, case) and not works_for_case(stamp, case)
            return bool(roles_on(stamp, case) & {Role.INTAKE, Role.DISPATCHER})
        return bool(_own(stamp, case, Duty.LEAD)) or (kind not in of_lead and bool(roles_on(stamp, case) & by_office))

    return possible


def roles_of(kind: RequestKind) -> frozenset[Role]:
    """Give the roles of the centre that may ask for something without handling the case."""
    return MOVES[ASKS[kind]].roles - FIELD


def _own_request(stamp: Stamp, _: Case, pending: Sequence[Request]) -> bool:
    return any(request.asked_by is not None and request.asked_by == stamp.actor.id for request in pending)


def _reopens(_: Stamp, case: Case, __: Sequence[Request]) -> bool:
    return not case.archived


def _triages(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return case.triage and not works_for_case(stamp, case)


def _hears_wish(stamp: Stamp, case: Case, pending: Sequence[Request]) -> bool:
    return may_hear_wish(stamp, case) and not any(request.kind is RequestKind.WITHDRAW for request in pending)


def _keeps_upstream(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return case.upstream_number is not None and keeps_upstream(stamp.actor) and not works_for_case(stamp, case)


def _rules_on_consent(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    here = ConsentDispute.report_id.in_([report.id for report in case.reports])
    waiting = select(ConsentDispute.id).where(here, ConsentDispute.ruled_at.is_(None))
    return not works_for_case(stamp, case) and db.session.scalars(waiting.limit(1)).first() is not None


def _whistles(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return whistling_unit(stamp, case) is not None


def _calls(case: Case) -> Sequence[WhistleCall]:
    query = select(WhistleCall).where(WhistleCall.case_id == case.id)
    return db.session.scalars(query.options(joinedload(WhistleCall.whistle), joinedload(WhistleCall.unit))).all()


def _arrives(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    awaited = [call for call in _calls(case) if call.arrived_at is None and call.whistle.cancelled_at is None]
    return any(is_called(stamp, call) for call in awaited)


def _judges_whistle(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return any(may_judge(stamp, case, call) for call in _calls(case))


_APPROVES = {action: kind for kind, action in APPROVING.items()}


def _settles(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    if case.settled or not stands_outside(stamp, case, Action.MARK_SETTLED):
        return False
    return reviewed_answers(case) >= county().answers_to_settle


def _released(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return db.session.scalar(select(Case.state).where(Case.id == case.merged_into_id, visible(stamp.actor))) in OPEN


_MORE: dict[Action, Callable[[Stamp, Case, Sequence[Request]], bool]] = {
    Action.UNMERGE: _released,
    Action.LINK_RECURRENCE: lambda _, case, __: case.recurrence_of_id is None,
    Action.PUBLISH: lambda _, case, __: case.published_at is not None or may_be_published(case),
    **{action: _asks(kind) for action, kind in _ASKABLE.items()},
    **{action: _decides(kind) for action, kind in _APPROVES.items()},
    Action.RESUME: _resumes,
    Action.WHISTLE: _whistles,
    Action.ARRIVE: _arrives,
    Action.ASSESS_WHISTLE: _judges_whistle,
    Action.WITHDRAW_REQUEST: _own_request,
    Action.TRIAGE: _triages,
    Action.REOPEN: _reopens,
    Action.CORRECT: lambda stamp, case, _: stands_outside(stamp, case, Action.CORRECT),
    Action.MARK_SETTLED: _settles,
    Action.REFUSE_REQUEST: _decides(*RequestKind),
    Action.SIGN: _unsigned(Duty.LEAD),
    Action.SIGN_ASSIST: _unsigned(Duty.ASSIST, Duty.SUB),
    Action.SUB_DISPATCH: _passes_on,
    Action.ASSIGN_HANDLER: _names_handler,
    Action.RAISE: _raisable,
    Action.CONFIRM_UPSTREAM: lambda _, case, __: case.state is State.AWAITING_UPSTREAM or waits_for_signature(case),
    Action.ASK_WITHDRAW: _hears_wish,
    Action.ADJUST_CLOCK: _keeps_upstream,
    Action.CONFIRM_ARRIVAL: lambda _, case, __: case.awaiting_rescue,
    Action.ANSWER_SUPERVISION: _ordered,
    Action.DECIDE_PROGRESS: _on_agenda,
    Action.CONTACT: _contact,
    Action.SUBMIT_ASSIST: _assist,
    Action.SUBMIT_RESULT: _result,
    Action.PASS: _outsider,
    Action.APPRAISE: _appraises,
    Action.RULE_ON_CONSENT: _rules_on_consent,
    Action.SEND_BACK: _outsider,
    Action.ATTEMPT_CALLBACK: _caller,
    Action.RECORD_CALLBACK: _caller,
}
