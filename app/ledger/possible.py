"""Keeps what somebody may do with a case now: the table's answer, and where the commands ask for more, theirs."""

from collections.abc import Callable, Sequence

from app.core.stamp import Role, Stamp
from app.ledger.handling import works_for_case
from app.ledger.models import Assignment, Case, Request
from app.ledger.moves import roles_for, roles_on
from app.ledger.scope import belongs
from app.ledger.vocabulary import Action, Duty, RequestKind
from app.ledger.workflow import MOVES

BY_HAND = frozenset(Action) - {
    Action.SUBMIT, Action.ARCHIVE, Action.CLAIM, Action.RATE, Action.LAPSE_INFO, Action.WARN_CLOCK, Action.BREACH_CLOCK,
    Action.ESCALATE_CLOCK, Action.RECOMPUTE_CLOCK,
}  # fmt: skip
"""Actions that staff take on a case by hand."""


def possible_actions(stamp: Stamp, case: Case, pending: Sequence[Request]) -> list[Action]:
    """Give the actions that the actor may take on a case now; `pending` are its requests that wait for a decision.

    What a form still asks for (words, a contact before the result) is not looked at.
    """
    found = []
    for action, move in MOVES.items():
        if action in BY_HAND and case.state in move.sources and roles_for(stamp, case, action) & move.roles:
            more = _MORE.get(action)
            if more is None or more(stamp, case, pending):
                found.append(action)
    return found


def _own(stamp: Stamp, case: Case, duty: Duty) -> list[Assignment]:
    return [a for a in case.assignments if a.ended_at is None and a.duty is duty and belongs(stamp.actor, a)]


def _unsigned(duty: Duty) -> Callable[[Stamp, Case, Sequence[Request]], bool]:
    return lambda stamp, case, _: any(a.signed_at is None for a in _own(stamp, case, duty))


def _contact(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    if case.nobody_to_call:
        return False
    return Role.CALLBACK_AGENT in roles_on(stamp, case) or (not case.confidential and bool(_own(stamp, case, Duty.LEAD)))


def _assist(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return any(a.signed_at is not None and a.submitted_at is None for a in _own(stamp, case, Duty.ASSIST))


def _result(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return bool(_own(stamp, case, Duty.LEAD))


def _outsider(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return not works_for_case(stamp, case)


def _caller(stamp: Stamp, case: Case, _: Sequence[Request]) -> bool:
    return not case.nobody_to_call and not works_for_case(stamp, case)


def _unasked(kind: RequestKind) -> Callable[[Stamp, Case, Sequence[Request]], bool]:
    return lambda _, __, pending: all(request.kind is not kind for request in pending)


def _decides(*kinds: RequestKind) -> Callable[[Stamp, Case, Sequence[Request]], bool]:
    return lambda stamp, _, pending: any(r.kind in kinds and r.asked_by != stamp.actor.id for r in pending)


_MORE: dict[Action, Callable[[Stamp, Case, Sequence[Request]], bool]] = {
    Action.ASK_REJECT: _unasked(RequestKind.REJECT),
    Action.ASK_REDIRECT: _unasked(RequestKind.REDIRECT),
    Action.REJECT: _decides(RequestKind.REJECT),
    Action.REDIRECT: _decides(RequestKind.REDIRECT),
    Action.REFUSE_REQUEST: _decides(*RequestKind),
    Action.SIGN: _unsigned(Duty.LEAD),
    Action.SIGN_ASSIST: _unsigned(Duty.ASSIST),
    Action.CONTACT: _contact,
    Action.SUBMIT_ASSIST: _assist,
    Action.SUBMIT_RESULT: _result,
    Action.PASS: _outsider,
    Action.SEND_BACK: _outsider,
    Action.ATTEMPT_CALLBACK: _caller,
    Action.RECORD_CALLBACK: _caller,
}
