"""Keeps the one table of moves: what may be done to a case, from which state, by whom, with which words and clocks.

Pure: it knows no database and no time. `ledger.commands.move_case` is the only function that moves a case, and asks here
first. The picture in `docs/workflow.md` is generated from this table. Source: the rules of a case, sections 2 and 6.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role
from app.ledger.vocabulary import OPEN, Action, Audience, Clock, State, label


class IllegalMove(Conflict):
    """工单当前状态不能这样操作"""


class NotYourMove(NotAllowed):
    """您的岗位不能进行此操作"""


class WordsMissing(Invalid):
    """缺少必填的说明"""


@dataclass(frozen=True)
class Facts:
    """What the table may ask about a case to find the target of a move."""

    state: State
    nobody_to_call: bool = False
    present: bool = False
    upstream: bool = False
    asked_from: State = State.SUBMITTED
    unhappy: bool = False
    has_lead: bool = False


@dataclass(frozen=True)
class Move:
    """One row: from `sources` to `target` (fixed, or chosen from the facts among `targets`), by one of `roles`.

    `words`: which of `reply` (for the person) and `note` (for the file) must be there. Clocks: `meets` stops them as met,
    `reruns` lets a met clock run on unchanged, `pauses`/`resumes` hold and go on, `starts` begins those that belong to the
    target state and do not run yet. A clock that does not belong to the target (`RUNS_IN`) ends without verdict; reaching a
    terminal state meets the overall clock.
    """

    action: Action
    sources: frozenset[State]
    targets: tuple[State, ...]
    roles: frozenset[Role]
    words: tuple[str, ...] = ()
    choose: Callable[[Facts], State] | None = None
    meets: frozenset[Clock] = field(default_factory=frozenset)
    starts: tuple[Clock, ...] = ()
    reruns: frozenset[Clock] = field(default_factory=frozenset)
    pauses: frozenset[Clock] = field(default_factory=frozenset)
    resumes: frozenset[Clock] = field(default_factory=frozenset)
    tells: tuple[Audience, ...] = ()

    def target(self, facts: Facts) -> State:
        """Give the state that this move leads to."""
        if self.choose:
            return self.choose(facts)
        return self.targets[0] if self.targets else facts.state


def _closing(facts: Facts) -> State:
    return State.AWAITING_UPSTREAM if facts.upstream else State.CLOSED


def _answered(facts: Facts) -> State:
    return _closing(facts) if facts.present or facts.nobody_to_call else State.AWAITING_CALLBACK


def _passed(facts: Facts) -> State:
    return _closing(facts) if facts.nobody_to_call else State.AWAITING_CALLBACK


def _called_back(facts: Facts) -> State:
    if facts.unhappy:
        return State.IN_PROGRESS if facts.has_lead else State.ACCEPTED
    return _closing(facts)


def _rated(facts: Facts) -> State:
    return facts.state if facts.state is State.CLOSED else _called_back(facts)


S, R, C, A = State, Role, Clock, Audience

FILERS = frozenset({R.RESIDENT, R.GRID_WORKER, R.CADRE, R.INTAKE, R.DISPATCHER, R.CALLBACK_AGENT})
DESK = frozenset({R.INTAKE, R.DISPATCHER})
UNIT = frozenset({R.HANDLER, R.UNIT_HEAD})
SYSTEM = frozenset({R.SYSTEM})


def _states(*states: State) -> frozenset[State]:
    return frozenset(states)


def _clocks(*clocks: Clock) -> frozenset[Clock]:
    return frozenset(clocks)


_BEFORE_DISPATCH = _states(S.SUBMITTED, S.ACCEPTED)

RUNS_IN: dict[Clock, frozenset[State]] = {
    C.ACCEPT: _states(S.SUBMITTED, S.INFO_REQUESTED),
    C.INFO: _states(S.INFO_REQUESTED),
    C.DISPATCH: _states(S.ACCEPTED, S.INFO_REQUESTED),
    C.SIGN: _states(S.DISPATCHED, S.IN_PROGRESS),
    C.CONTACT: _states(S.DISPATCHED, S.IN_PROGRESS),
    C.RESOLVE: _states(S.DISPATCHED, S.IN_PROGRESS, S.SUSPENDED),
    C.REVIEW: _states(S.UNDER_REVIEW),
    C.CALLBACK: _states(S.AWAITING_CALLBACK),
    C.OVERALL: OPEN,
}
"""The states in which a clock may be open; elsewhere none of its kind is."""

MOVES: dict[Action, Move] = {
    move.action: move
    for move in (
        Move(Action.SUBMIT, frozenset(), (S.SUBMITTED,), FILERS | SYSTEM, starts=(C.ACCEPT, C.OVERALL), tells=(A.PERSONS,)),
        Move(Action.ARCHIVE, frozenset(), (S.CLOSED,), frozenset({R.ADMINISTRATOR}) | SYSTEM),
        Move(Action.SUPPLEMENT, OPEN - {S.INFO_REQUESTED}, (), FILERS, words=("note",), tells=(A.LEAD,)),
        Move(
            Action.ASK_INFO, _BEFORE_DISPATCH, (S.INFO_REQUESTED,), DESK, words=("reply",),
            pauses=_clocks(C.ACCEPT, C.DISPATCH, C.OVERALL), starts=(C.INFO,), tells=(A.PERSONS, A.FILERS),
        ),
        Move(
            Action.SUPPLY_INFO, _states(S.INFO_REQUESTED), (S.SUBMITTED, S.ACCEPTED), FILERS, words=("note",),
            choose=lambda facts: facts.asked_from, meets=_clocks(C.INFO), resumes=_clocks(C.ACCEPT, C.DISPATCH, C.OVERALL),
            tells=(A.INTAKE,),
        ),
        Move(
            Action.LAPSE_INFO, _states(S.INFO_REQUESTED), (S.SUBMITTED,), SYSTEM,
            resumes=_clocks(C.ACCEPT, C.OVERALL), starts=(C.ACCEPT,), tells=(A.INTAKE, A.PERSONS),
        ),
        Move(
            Action.ACCEPT, _states(S.SUBMITTED), (S.ACCEPTED,), DESK, meets=_clocks(C.ACCEPT), starts=(C.DISPATCH,),
            tells=(A.PERSONS,),
        ),
        Move(
            Action.ANSWER, _BEFORE_DISPATCH, (S.CLOSED, S.AWAITING_CALLBACK, S.AWAITING_UPSTREAM), DESK | {R.GRID_WORKER},
            words=("reply",), choose=_answered, meets=_clocks(C.ACCEPT, C.DISPATCH), starts=(C.CALLBACK,), tells=(A.PERSONS,),
        ),
        Move(Action.ASK_REJECT, _BEFORE_DISPATCH, (), DESK, words=("note",), tells=(A.SHIFT_HEAD,)),
        Move(Action.ASK_REDIRECT, _BEFORE_DISPATCH, (), DESK, words=("note",), tells=(A.SHIFT_HEAD,)),
        Move(
            Action.REJECT, _BEFORE_DISPATCH, (S.REJECTED,), DESK | {R.SUPERVISOR, R.UNIT_HEAD}, words=("reply",),
            meets=_clocks(C.ACCEPT, C.DISPATCH), tells=(A.PERSONS, A.FILERS),
        ),
        Move(
            Action.REDIRECT, _BEFORE_DISPATCH, (S.REDIRECTED,), DESK | {R.SUPERVISOR, R.UNIT_HEAD}, words=("reply",),
            meets=_clocks(C.ACCEPT, C.DISPATCH), tells=(A.PERSONS, A.FILERS),
        ),
        Move(Action.REFUSE_REQUEST, _BEFORE_DISPATCH, (), DESK | {R.SUPERVISOR, R.UNIT_HEAD}, words=("note",)),
        Move(
            Action.DISPATCH, _states(S.ACCEPTED), (S.DISPATCHED,), frozenset({R.DISPATCHER}), meets=_clocks(C.DISPATCH),
            starts=(C.SIGN, C.CONTACT, C.RESOLVE), tells=(A.LEAD, A.ASSISTS, A.PERSONS),
        ),
        Move(Action.SIGN, _states(S.DISPATCHED), (S.IN_PROGRESS,), UNIT, meets=_clocks(C.SIGN)),
        Move(Action.SIGN_ASSIST, _states(S.DISPATCHED, S.IN_PROGRESS), (), UNIT, meets=_clocks(C.SIGN)),
        Move(Action.CONTACT, _states(S.IN_PROGRESS), (), UNIT | {R.CALLBACK_AGENT}, words=("note",), meets=_clocks(C.CONTACT)),
        Move(Action.SUBMIT_ASSIST, _states(S.IN_PROGRESS), (), UNIT, words=("note",), meets=_clocks(C.RESOLVE), tells=(A.LEAD,)),
        Move(
            Action.SUBMIT_RESULT, _states(S.IN_PROGRESS), (S.UNDER_REVIEW,), UNIT, words=("reply", "note"),
            meets=_clocks(C.RESOLVE), starts=(C.REVIEW,),
        ),
        Move(
            Action.PASS, _states(S.UNDER_REVIEW), (S.AWAITING_CALLBACK, S.CLOSED, S.AWAITING_UPSTREAM),
            frozenset({R.REVIEWER, R.SUPERVISOR}), choose=_passed, meets=_clocks(C.REVIEW), starts=(C.CALLBACK,),
            tells=(A.PERSONS,),
        ),
        Move(
            Action.SEND_BACK, _states(S.UNDER_REVIEW), (S.IN_PROGRESS,), frozenset({R.REVIEWER, R.SUPERVISOR}), words=("note",),
            meets=_clocks(C.REVIEW), reruns=_clocks(C.RESOLVE), tells=(A.LEAD,),
        ),
        Move(Action.ATTEMPT_CALLBACK, _states(S.AWAITING_CALLBACK), (), frozenset({R.CALLBACK_AGENT})),
        Move(
            Action.RECORD_CALLBACK, _states(S.AWAITING_CALLBACK), (S.CLOSED, S.IN_PROGRESS, S.ACCEPTED, S.AWAITING_UPSTREAM),
            frozenset({R.CALLBACK_AGENT}) | SYSTEM, choose=_called_back, meets=_clocks(C.CALLBACK), starts=(C.RESOLVE, C.DISPATCH),
            tells=(A.LEAD,),
        ),
        Move(
            Action.RATE, _states(S.AWAITING_CALLBACK, S.CLOSED), (S.CLOSED, S.IN_PROGRESS, S.ACCEPTED, S.AWAITING_UPSTREAM),
            frozenset({R.RESIDENT}), choose=_rated, meets=_clocks(C.CALLBACK), starts=(C.RESOLVE, C.DISPATCH), tells=(A.LEAD,),
        ),
        Move(Action.CONFIRM_UPSTREAM, _states(S.AWAITING_UPSTREAM), (S.CLOSED,), DESK | {R.SUPERVISOR}, words=("note",)),
        Move(Action.CLAIM, frozenset(State), (), frozenset({R.RESIDENT})),
        Move(Action.WARN_CLOCK, OPEN, (), SYSTEM),
        Move(Action.BREACH_CLOCK, OPEN, (), SYSTEM),
        Move(Action.ESCALATE_CLOCK, OPEN, (), SYSTEM),
        Move(Action.RECOMPUTE_CLOCK, OPEN, (), SYSTEM | {R.ADMINISTRATOR}),
    )
}  # fmt: skip


def check_move(action: Action, state: State | None, roles: frozenset[Role]) -> tuple[Move, Role]:
    """Give the row of an action and the role it is done in; raises IllegalMove (409) or NotYourMove (403).

    `state` is None for the actions that open a case. The role comes first: who may never do a thing is told so whatever the state.
    """
    move = MOVES[action]
    role = next((role for role in Role if role in move.roles and role in roles), None)
    if role is None:
        raise NotYourMove(f"“{label(action)}”需要由其他岗位办理")
    if (state is None) != (not move.sources) or (state is not None and state not in move.sources):
        raise IllegalMove(
            f"工单现在是“{label(state)}”，不能进行“{label(action)}”" if state else f"“{label(action)}”只能用于已有的工单",
            state=state,
            action=action,
        )
    return move, role


def check_words(move: Move, *, reply: str | None, note: str | None) -> None:
    """Raise WordsMissing when a move lacks words that it must have."""
    given = {"reply": reply, "note": note}
    labels = {"reply": "请填写给群众的答复", "note": "请填写说明"}
    errors = {name: [labels[name]] for name in move.words if not (given[name] or "").strip()}
    if errors:
        raise WordsMissing(errors=errors)
