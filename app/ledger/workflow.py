"""Keeps the one table of moves: what may be done to a case, from which state, by whom, with which words and clocks.

Pure: it knows no database and no time. `ledger.commands.move_case` is the only function that moves a case, and asks here
first. The picture in `docs/workflow.md` is generated from this table. Source: the rules of a case, sections 2 and 6.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.stamp import Role
from app.ledger.labels import label
from app.ledger.vocabulary import OPEN, Action, Audience, Clock, State


class IllegalMove(Conflict):
    """工单当前状态不能这样操作"""


class NotYourMove(NotAllowed):
    """您的岗位不能进行此操作"""


class WordsMissing(Invalid):
    """缺少必填的说明"""


@dataclass(frozen=True)
class Facts:
    """What the table may ask about a case to find the target of a move.

    `of_lead`: a return concerns the lead, not an assist. `others`: other people's reports keep a withdrawn case going, or are
    still to be called back; or other rescue is still on its way. `before_merge`: the state in which a case was merged.
    """

    state: State
    nobody_to_call: bool = False
    present: bool = False
    upstream: bool = False
    asked_from: State = State.SUBMITTED
    unhappy: bool = False
    has_lead: bool = False
    of_lead: bool = True
    others: bool = False
    before_merge: State = State.SUBMITTED


@dataclass(frozen=True)
class Move:
    """One row: from `sources` to `target` (fixed, or chosen from the facts among `targets`), by one of `roles`.

    `words`: which of `reply` (for the person) and `note` (for the file) must be there. Clocks: `meets` stops them as met,
    `reruns` lets the lead's met clock run on unchanged, and with it those of the other parts that ended when it was met,
    `pauses`/`resumes` hold and go on, `starts` begins those that belong to the target state and do not run yet. A clock that
    does not belong to the target (`RUNS_IN`) ends without verdict; reaching a terminal state meets the overall clock.
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
    return State.AWAITING_CALLBACK if facts.unhappy or facts.others else _closing(facts)


def _rated(facts: Facts) -> State:
    return facts.state if facts.state is State.CLOSED else _called_back(facts)


def _said_upstream(facts: Facts) -> State:
    """Upstream's own call-back; what went back upstream is only signed there."""
    if facts.state is State.REDIRECTED:
        return facts.state
    return State.AWAITING_CALLBACK if facts.unhappy else State.CLOSED


def _again(facts: Facts) -> State:
    return State.IN_PROGRESS if facts.has_lead else State.ACCEPTED


def _withdrawn(facts: Facts) -> State:
    return facts.state if facts.others else State.WITHDRAWN


def _returned(facts: Facts) -> State:
    return State.ACCEPTED if facts.of_lead else facts.state


S, R, C, A = State, Role, Clock, Audience

FILERS = frozenset({R.RESIDENT, R.GRID_WORKER, R.CADRE, R.INTAKE, R.DISPATCHER, R.CALLBACK_AGENT})
DESK = frozenset({R.INTAKE, R.DISPATCHER})
UNIT = frozenset({R.HANDLER, R.UNIT_HEAD})
FIELD = UNIT | {R.GRID_WORKER}
"""Who does a unit's work: its own people, and the grid worker to whom its village has handed its part."""
VILLAGE = frozenset({R.CADRE, R.GRID_WORKER})
SYSTEM = frozenset({R.SYSTEM})
CENTRE = frozenset({R.DISPATCHER, R.SUPERVISOR})
TAKERS = UNIT | {R.RESIDENT, R.GRID_WORKER, R.CADRE}
"""Who may serve an order: staff of its unit or village, volunteers and party members. Whose order it is, the command asks."""
RESCUE = DESK | {R.CALLBACK_AGENT, R.SUPERVISOR}
"""Whoever may be on the phone when danger to life is heard of."""
SECOND = DESK | {R.SUPERVISOR, R.UNIT_HEAD}
"""Who may be the second person of a refusal; a unit's head only as head of the shift."""


def _states(*states: State) -> frozenset[State]:
    return frozenset(states)


def _clocks(*clocks: Clock) -> frozenset[Clock]:
    return frozenset(clocks)


_BEFORE_DISPATCH = _states(S.SUBMITTED, S.ACCEPTED)
_HANDLED = _states(S.DISPATCHED, S.IN_PROGRESS, S.SUSPENDED)
_REFUSABLE = _BEFORE_DISPATCH | {S.IN_PROGRESS}
_EVER = frozenset(State)
_EXCLUDABLE = _EVER - {S.SUBMITTED, S.INFO_REQUESTED, S.MERGED, S.VOID}

RUNS_IN: dict[Clock, frozenset[State]] = {
    C.ACCEPT: _states(S.SUBMITTED, S.INFO_REQUESTED),
    C.INFO: _states(S.INFO_REQUESTED),
    C.DISPATCH: _states(S.ACCEPTED, S.INFO_REQUESTED),
    C.SIGN: _HANDLED,
    C.CONTACT: _HANDLED,
    C.RESOLVE: _HANDLED,
    C.REVIEW: _states(S.UNDER_REVIEW),
    C.CALLBACK: _states(S.AWAITING_CALLBACK),
    C.TRIAGE: _states(S.AWAITING_CALLBACK),
    C.SUSPENSION: _states(S.SUSPENDED),
    C.DECIDE: _EVER,
    C.UPSTREAM_SIGN: OPEN,
    C.UPSTREAM_RETURN: _BEFORE_DISPATCH | {S.INFO_REQUESTED},
    C.UPSTREAM_DUE: OPEN,
    C.ARRIVE: OPEN,
    C.SUPERVISION: OPEN,
    C.RESCUE: OPEN,
    C.STATION: OPEN,
    C.VISIT: frozenset(),
    C.OVERALL: OPEN,
}
"""The states in which a clock may be open; elsewhere none of its kind is. A request may await its decision in any state.

A visit's clock has no case.
"""

COMES_HOME_IN = _BEFORE_DISPATCH | {S.INFO_REQUESTED}
"""The states in which somebody of the village may still come home for a case: once others handle it, that is over."""

MOVES: dict[Action, Move] = {
    move.action: move
    for move in (
        Move(
            Action.SUBMIT, frozenset(), (S.SUBMITTED,), FILERS | SYSTEM | {R.HOUSEHOLD_HEAD}, starts=(C.ACCEPT, C.OVERALL),
            tells=(A.PERSONS,),
        ),
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
            Action.ACCEPT, _states(S.SUBMITTED), (S.ACCEPTED,), DESK | SYSTEM, meets=_clocks(C.ACCEPT, C.UPSTREAM_SIGN),
            starts=(C.DISPATCH,), tells=(A.PERSONS,),
        ),
        Move(
            Action.ANSWER, _BEFORE_DISPATCH, (S.CLOSED, S.AWAITING_CALLBACK, S.AWAITING_UPSTREAM), DESK | VILLAGE,
            words=("reply",), choose=_answered, meets=_clocks(C.ACCEPT, C.DISPATCH, C.UPSTREAM_SIGN),
            starts=(C.CALLBACK,), tells=(A.PERSONS,),
        ),
        Move(
            Action.ASK_REJECT, _REFUSABLE, (), DESK | UNIT, words=("note",), tells=(A.DECIDERS,),
        ),
        Move(
            Action.ASK_REDIRECT, _REFUSABLE | {S.AWAITING_CALLBACK}, (), DESK | UNIT | {R.SUPERVISOR}, words=("note",),
            tells=(A.DECIDERS,),
        ),
        Move(
            Action.REJECT, _REFUSABLE, (S.REJECTED,), SECOND, words=("reply",),
            meets=_clocks(C.ACCEPT, C.DISPATCH, C.UPSTREAM_SIGN),
            tells=(A.ASKER, A.PERSONS, A.FILERS, A.LEAD),
        ),
        Move(
            Action.REDIRECT, _REFUSABLE | {S.AWAITING_CALLBACK}, (S.REDIRECTED,), SECOND, words=("reply",),
            meets=_clocks(C.ACCEPT, C.DISPATCH, C.TRIAGE, C.UPSTREAM_SIGN, C.UPSTREAM_RETURN),
            tells=(A.ASKER, A.PERSONS, A.FILERS, A.LEAD),
        ),
        Move(
            Action.REFUSE_REQUEST, _EVER, (), SECOND | {R.LEADER, R.CALLBACK_AGENT}, words=("note",), tells=(A.ASKER,),
        ),
        Move(Action.WITHDRAW_REQUEST, _EVER, (), DESK | FIELD | {R.SUPERVISOR, R.CALLBACK_AGENT, R.RESIDENT}),
        Move(
            Action.DISPATCH, _states(S.ACCEPTED), (S.DISPATCHED,), frozenset({R.DISPATCHER}) | SYSTEM, meets=_clocks(C.DISPATCH),
            starts=(C.SIGN, C.CONTACT, C.RESOLVE), tells=(A.LEAD, A.ASSISTS, A.PERSONS),
        ),
        Move(Action.SIGN, _states(S.DISPATCHED), (S.IN_PROGRESS,), FIELD, meets=_clocks(C.SIGN)),
        Move(Action.SIGN_ASSIST, _HANDLED, (), FIELD, meets=_clocks(C.SIGN)),
        Move(
            Action.CONTACT, _states(S.IN_PROGRESS, S.SUSPENDED), (), TAKERS | {R.CALLBACK_AGENT}, words=("note",),
            meets=_clocks(C.CONTACT),
        ),
        Move(
            Action.SUBMIT_ASSIST, _states(S.IN_PROGRESS, S.SUSPENDED), (), FIELD, words=("note",), meets=_clocks(C.RESOLVE),
            tells=(A.LEAD,),
        ),
        Move(
            Action.SUBMIT_RESULT, _states(S.IN_PROGRESS), (S.UNDER_REVIEW,), TAKERS, words=("reply", "note"),
            meets=_clocks(C.RESOLVE, C.STATION), starts=(C.REVIEW,),
        ),
        Move(
            Action.PASS, _states(S.UNDER_REVIEW), (S.AWAITING_CALLBACK, S.CLOSED, S.AWAITING_UPSTREAM),
            frozenset({R.REVIEWER, R.SUPERVISOR}), choose=_passed, meets=_clocks(C.REVIEW), starts=(C.CALLBACK,),
            tells=(A.PERSONS,),
        ),
        Move(
            Action.SEND_BACK, _states(S.UNDER_REVIEW), (S.IN_PROGRESS,), frozenset({R.REVIEWER, R.SUPERVISOR}), words=("note",),
            meets=_clocks(C.REVIEW), reruns=_clocks(C.RESOLVE, C.STATION), tells=(A.LEAD,),
        ),
        Move(Action.ATTEMPT_CALLBACK, _states(S.AWAITING_CALLBACK), (), frozenset({R.CALLBACK_AGENT})),
        Move(
            Action.RECORD_CALLBACK, _states(S.AWAITING_CALLBACK), (S.CLOSED, S.AWAITING_CALLBACK, S.AWAITING_UPSTREAM),
            frozenset({R.CALLBACK_AGENT}) | SYSTEM, choose=_called_back, meets=_clocks(C.CALLBACK), starts=(C.TRIAGE,),
            tells=(A.LEAD, A.PERSONS, A.SUPERVISORS),
        ),
        Move(
            Action.RATE, _states(S.AWAITING_CALLBACK, S.CLOSED), (S.CLOSED, S.AWAITING_CALLBACK, S.AWAITING_UPSTREAM),
            frozenset({R.RESIDENT}), choose=_rated, meets=_clocks(C.CALLBACK), starts=(C.TRIAGE,),
            tells=(A.LEAD, A.PERSONS, A.SUPERVISORS),
        ),
        Move(
            Action.TRIAGE, _states(S.AWAITING_CALLBACK), (S.IN_PROGRESS, S.ACCEPTED), frozenset({R.SUPERVISOR}), words=("note",),
            choose=_again, meets=_clocks(C.TRIAGE), starts=(C.RESOLVE, C.DISPATCH), tells=(A.LEAD, A.PERSONS),
        ),
        Move(
            Action.ASK_JUDGE_CLOSED, _states(S.AWAITING_CALLBACK), (), frozenset({R.SUPERVISOR}), words=("note",),
            tells=(A.DECIDERS,),
        ),
        Move(
            Action.JUDGE_CLOSED, _states(S.AWAITING_CALLBACK), (S.CLOSED, S.AWAITING_UPSTREAM), frozenset({R.SUPERVISOR, R.LEADER}),
            words=("reply",), choose=_closing, meets=_clocks(C.TRIAGE), tells=(A.ASKER, A.PERSONS, A.LEAD),
        ),
        Move(
            Action.REOPEN, _states(S.CLOSED), (S.ACCEPTED,), frozenset({R.RESIDENT, R.DISPATCHER}), words=("note",),
            starts=(C.DISPATCH, C.OVERALL), tells=(A.DISPATCHERS, A.OWNER, A.PERSONS),
        ),
        Move(Action.MARK_SETTLED, _states(S.CLOSED), (), frozenset({R.SUPERVISOR}), words=("reply", "note"), tells=(A.PERSONS,)),
        Move(
            Action.CONFIRM_UPSTREAM, _states(S.AWAITING_UPSTREAM, S.REDIRECTED), (S.CLOSED, S.AWAITING_CALLBACK, S.REDIRECTED),
            DESK | {R.SUPERVISOR}, words=("note",), choose=_said_upstream, starts=(C.TRIAGE,), tells=(A.LEAD, A.SUPERVISORS),
        ),
        Move(Action.CLAIM, _EVER, (), frozenset({R.RESIDENT})),
        Move(Action.CORRECT, OPEN - {S.SUBMITTED}, (), DESK | {R.SUPERVISOR}, words=("note",), tells=(A.LEAD,)),
        Move(
            Action.MOVE_GRID, _BEFORE_DISPATCH | _HANDLED | {S.INFO_REQUESTED}, (), frozenset({R.GRID_WORKER}),
            tells=(A.DECIDERS, A.INTAKE),
        ),
        Move(Action.HAND_TO_EMERGENCY, OPEN, (), RESCUE, words=("note",), starts=(C.RESCUE,), tells=(A.SHIFT_HEAD,)),
        Move(Action.CONFIRM_ARRIVAL, OPEN, (), RESCUE, words=("note",), meets=_clocks(C.RESCUE), tells=(A.SHIFT_HEAD,)),
        Move(
            Action.SUB_DISPATCH, _states(S.DISPATCHED, S.IN_PROGRESS), (), frozenset({R.DISPATCHER, R.UNIT_HEAD}),
            starts=(C.SIGN, C.RESOLVE), tells=(A.SUBS,),
        ),
        Move(Action.ASSIGN_HANDLER, _HANDLED, (), frozenset({R.UNIT_HEAD, R.DISPATCHER}), tells=(A.OWNER,)),
        Move(Action.RAISE, _HANDLED, (), CENTRE | {R.LEADER} | SYSTEM, tells=(A.LEAD, A.UPPER_HEAD)),
        Move(Action.ADJUST_CLOCK, OPEN - {S.AWAITING_UPSTREAM}, (), CENTRE, words=("note",), tells=(A.LEAD,)),
        Move(Action.HAND_OVER, OPEN, (), frozenset({R.UNIT_HEAD, R.SUPERVISOR, R.ADMINISTRATOR}) | SYSTEM),
        Move(Action.ASK_RETURN, _states(S.DISPATCHED, S.IN_PROGRESS), (), FIELD, words=("note",), tells=(A.DECIDERS,)),
        Move(
            Action.RETURN, _states(S.DISPATCHED, S.IN_PROGRESS), (S.ACCEPTED, S.DISPATCHED, S.IN_PROGRESS), CENTRE,
            choose=_returned, starts=(C.DISPATCH,), tells=(A.ASKER, A.DISPATCHERS),
        ),
        Move(Action.ASK_REASSIGN, _HANDLED, (), UNIT | CENTRE, words=("note",), tells=(A.DECIDERS,)),
        Move(
            Action.REASSIGN, _HANDLED, (S.DISPATCHED,), CENTRE, starts=(C.SIGN, C.CONTACT, C.RESOLVE),
            resumes=_clocks(C.RESOLVE, C.OVERALL, C.STATION), tells=(A.ASKER, A.LEAD, A.PERSONS),
        ),
        Move(Action.ASK_SUPPORT, _states(S.DISPATCHED, S.IN_PROGRESS), (), FIELD, words=("note",), tells=(A.DECIDERS,)),
        Move(
            Action.ADD_ASSIST, _states(S.DISPATCHED, S.IN_PROGRESS), (), CENTRE, starts=(C.SIGN, C.RESOLVE),
            tells=(A.ASKER, A.ASSISTS, A.LEAD),
        ),
        Move(Action.ASK_EXTEND, _states(S.IN_PROGRESS), (), FIELD, words=("note",), tells=(A.DECIDERS,)),
        Move(
            Action.EXTEND, _states(S.IN_PROGRESS), (), CENTRE | {R.LEADER}, words=("reply",),
            tells=(A.ASKER, A.PERSONS, A.LEAD, A.ASSISTS),
        ),
        Move(Action.ASK_SUSPEND, _states(S.IN_PROGRESS), (), UNIT, words=("note",), tells=(A.DECIDERS,)),
        Move(
            Action.SUSPEND, _states(S.IN_PROGRESS), (S.SUSPENDED,), frozenset({R.SUPERVISOR, R.LEADER}), words=("reply",),
            pauses=_clocks(C.RESOLVE, C.OVERALL, C.STATION), starts=(C.SUSPENSION,), tells=(A.ASKER, A.PERSONS, A.LEAD, A.ASSISTS),
        ),
        Move(
            Action.RESUME, _states(S.SUSPENDED), (S.IN_PROGRESS,), UNIT | CENTRE | SYSTEM, meets=_clocks(C.SUSPENSION),
            resumes=_clocks(C.RESOLVE, C.OVERALL, C.STATION), tells=(A.LEAD, A.ASSISTS, A.PERSONS),
        ),
        Move(
            Action.ASK_TERMINATE, _states(S.IN_PROGRESS, S.SUSPENDED), (), UNIT | {R.SUPERVISOR}, words=("note",),
            tells=(A.DECIDERS,),
        ),
        Move(
            Action.TERMINATE, _states(S.IN_PROGRESS, S.SUSPENDED), (S.TERMINATED,), frozenset({R.SUPERVISOR, R.LEADER}),
            words=("reply",), tells=(A.ASKER, A.PERSONS, A.FILERS, A.LEAD, A.ASSISTS),
        ),
        Move(Action.ASK_EXCLUDE, _EXCLUDABLE, (), UNIT | CENTRE, words=("note",), tells=(A.DECIDERS,)),
        Move(Action.EXCLUDE, _EXCLUDABLE, (), frozenset({R.SUPERVISOR, R.LEADER}), words=("note",), tells=(A.ASKER, A.LEAD)),
        Move(Action.ASK_VOID, OPEN, (), DESK, words=("note",), tells=(A.DECIDERS,)),
        Move(Action.VOID, OPEN, (S.VOID,), SECOND, words=("reply",), tells=(A.ASKER, A.PERSONS, A.FILERS, A.LEAD, A.ASSISTS)),
        Move(
            Action.ASK_WITHDRAW, OPEN - {S.AWAITING_UPSTREAM}, (), FILERS, words=("note",),
            tells=(A.CALLBACK_AGENTS,),
        ),
        Move(
            Action.WITHDRAW, OPEN - {S.AWAITING_UPSTREAM},
            tuple(s for s in State if s in (OPEN - {S.AWAITING_UPSTREAM}) | {S.WITHDRAWN}),
            DESK | {R.RESIDENT, R.CALLBACK_AGENT}, words=("reply",), choose=_withdrawn,
            tells=(A.ASKER, A.PERSONS, A.FILERS, A.LEAD, A.ASSISTS),
        ),
        Move(
            Action.MERGE, OPEN - {S.AWAITING_UPSTREAM}, (S.MERGED,), frozenset({R.DISPATCHER}) | SYSTEM, words=("reply",),
            tells=(A.PERSONS, A.FILERS, A.LEAD, A.ASSISTS, A.SUBS),
        ),
        Move(Action.ABSORB, OPEN, (), frozenset({R.DISPATCHER}) | SYSTEM, starts=(C.CONTACT,), tells=(A.LEAD,)),
        Move(
            Action.UNMERGE, _states(S.MERGED), tuple(s for s in State if s in OPEN), frozenset({R.DISPATCHER}), words=("note",),
            choose=lambda facts: facts.before_merge, tells=(A.PERSONS, A.FILERS, A.LEAD, A.ASSISTS, A.SUBS),
        ),
        Move(Action.RELEASE, OPEN, (), frozenset({R.DISPATCHER}), words=("note",), tells=(A.LEAD,)),
        Move(Action.LINK_RECURRENCE, OPEN, (), DESK | SYSTEM),
        Move(Action.PUBLISH, OPEN | {S.CLOSED}, (), CENTRE),
        Move(Action.ME_TOO, OPEN, (), frozenset({R.RESIDENT})),
        Move(
            Action.URGE, OPEN, (), DESK | {R.RESIDENT, R.CALLBACK_AGENT, R.SUPERVISOR, R.LEADER} | SYSTEM, words=("note",),
            tells=(A.OWNER,),
        ),
        Move(
            Action.ORDER_SUPERVISION, OPEN, (), frozenset({R.SUPERVISOR, R.LEADER}), words=("note",), tells=(A.OWNER, A.UNIT_HEAD),
        ),
        Move(
            Action.ANSWER_SUPERVISION, _EVER, (), UNIT, words=("note",), meets=_clocks(C.SUPERVISION), tells=(A.SUPERVISORS,),
        ),
        Move(
            Action.DECIDE_PROGRESS, OPEN, (), frozenset({R.SUPERVISOR, R.LEADER}), words=("note",), tells=(A.OWNER, A.UNIT_HEAD),
        ),
        Move(
            Action.WHISTLE, OPEN, (), UNIT | {R.RESIDENT, R.GRID_WORKER, R.CADRE, R.DISPATCHER}, words=("note",),
        ),
        Move(Action.ARRIVE, OPEN, (), UNIT | {R.GRID_WORKER, R.CADRE}, meets=_clocks(C.ARRIVE)),
        Move(
            Action.ASSESS_WHISTLE, _EVER, (), UNIT | CENTRE | {R.RESIDENT, R.GRID_WORKER, R.CADRE}, words=("note",),
        ),
        Move(
            Action.LOOK, _states(S.UNDER_REVIEW, S.AWAITING_CALLBACK), (), FIELD, words=("note",),
            tells=(A.REVIEWERS,),
        ),
        Move(
            Action.APPRAISE, _states(S.UNDER_REVIEW, S.AWAITING_CALLBACK), (),
            frozenset({R.GRID_WORKER, R.CADRE, R.CALLBACK_AGENT, R.SUPERVISOR}), words=("note",), tells=(A.REVIEWERS,),
        ),
        Move(
            Action.TAKE, _states(S.DISPATCHED), (S.IN_PROGRESS,), TAKERS, meets=_clocks(C.SIGN),
            tells=(A.PERSONS, A.OWNER),
        ),
        Move(
            Action.GIVE_BACK, _states(S.IN_PROGRESS), (S.DISPATCHED,), TAKERS | SYSTEM | {R.DISPATCHER}, words=("note",),
            reruns=_clocks(C.SIGN),
            tells=(A.OWNER,),
        ),
        Move(
            Action.PASS_STATION, _states(S.IN_PROGRESS), (), TAKERS, words=("note",), meets=_clocks(C.STATION), tells=(A.PERSONS,),
        ),
        Move(Action.RETURN_STATION, _states(S.IN_PROGRESS), (), TAKERS, words=("note",), meets=_clocks(C.STATION)),
        Move(Action.HAND_TO, _HANDLED, (), UNIT | {R.CADRE}, tells=(A.OWNER,)),
        Move(Action.REISSUE_CODE, _EVER - {S.VOID}, (), VILLAGE, tells=(A.PERSONS,)),
        Move(Action.DISPUTE_CONSENT, _EVER - {S.MERGED}, (), frozenset({R.RESIDENT}), words=("note",), tells=(A.SUPERVISORS,)),
        Move(
            Action.RULE_ON_CONSENT, _EVER - {S.MERGED}, (), frozenset({R.SUPERVISOR}), words=("reply", "note"),
            tells=(A.PERSONS, A.FILERS),
        ),
        Move(Action.TAKE_VISIT, _BEFORE_DISPATCH, (), VILLAGE, tells=(A.PERSONS,)),
        Move(Action.DECLINE_VISIT, _BEFORE_DISPATCH, (), VILLAGE, words=("reply",), tells=(A.PERSONS, A.INTAKE)),
        Move(Action.GIVE_BACK_VISIT, COMES_HOME_IN, (), VILLAGE | SYSTEM, words=("note",), tells=(A.PERSONS,)),
        Move(Action.WARN_CLOCK, _EVER, (), SYSTEM),
        Move(Action.BREACH_CLOCK, _EVER, (), SYSTEM),
        Move(Action.ESCALATE_CLOCK, _EVER, (), SYSTEM),
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
