"""The table of moves against an expectation written out by hand: every action × state × role, and where each move leads."""

import itertools

import pytest

from app.core.stamp import Role
from app.ledger.vocabulary import OPEN, TERMINAL, Action, Clock, State
from app.ledger.workflow import MOVES, RUNS_IN, Facts, IllegalMove, NotYourMove, WordsMissing, check_move, check_words

OPENS = "–"
ANY_OPEN = "submitted info_requested accepted dispatched in_progress suspended under_review awaiting_callback awaiting_upstream"
ANY = ANY_OPEN + " closed rejected redirected merged withdrawn terminated void"
FILER = "resident grid_worker cadre intake dispatcher callback_agent"
DESK = "intake dispatcher"
UNIT = "handler unit_head"
FIELD = UNIT + " grid_worker"
VILLAGE = "cadre grid_worker"
HANDLED = "dispatched in_progress suspended"
SECOND = "intake dispatcher supervisor unit_head"
EXCLUDABLE = (
    "accepted dispatched in_progress suspended under_review awaiting_callback awaiting_upstream closed rejected redirected "
    "withdrawn terminated"
)

EXPECTED = {
    # action: (from, by, words)
    "submit": (OPENS, FILER + " system household_head", ""),
    "archive": (OPENS, "administrator system", ""),
    "supplement": (ANY_OPEN.replace("info_requested ", ""), FILER, "note"),
    "ask_info": ("submitted accepted", "intake dispatcher", "reply"),
    "supply_info": ("info_requested", FILER, "note"),
    "lapse_info": ("info_requested", "system", ""),
    "accept": ("submitted", "intake dispatcher system", ""),
    "answer": ("submitted accepted", "intake dispatcher grid_worker cadre", "reply"),
    "ask_reject": ("submitted accepted in_progress", "intake dispatcher handler unit_head", "note"),
    "ask_redirect": ("submitted accepted in_progress awaiting_callback", "intake dispatcher handler unit_head supervisor", "note"),
    "reject": ("submitted accepted in_progress", SECOND, "reply"),
    "redirect": ("submitted accepted in_progress awaiting_callback", SECOND, "reply"),
    "refuse_request": (ANY, SECOND + " leader callback_agent", "note"),
    "withdraw_request": (ANY, "intake dispatcher handler unit_head grid_worker supervisor callback_agent resident", ""),
    "dispatch": ("accepted", "dispatcher system", ""),
    "sign": ("dispatched", FIELD, ""),
    "sign_assist": (HANDLED, FIELD, ""),
    "contact": ("in_progress suspended", FIELD + " callback_agent resident cadre", "note"),
    "submit_assist": ("in_progress suspended", FIELD, "note"),
    "submit_result": ("in_progress", "handler unit_head resident grid_worker cadre", "reply note"),
    "pass": ("under_review", "reviewer supervisor", ""),
    "send_back": ("under_review", "reviewer supervisor", "note"),
    "attempt_callback": ("awaiting_callback", "callback_agent", ""),
    "record_callback": ("awaiting_callback", "callback_agent system", ""),
    "rate": ("awaiting_callback closed", "resident", ""),
    "confirm_upstream": ("awaiting_upstream redirected", "intake dispatcher supervisor", "note"),
    "claim": (ANY, "resident", ""),
    "triage": ("awaiting_callback", "supervisor", "note"),
    "ask_judge_closed": ("awaiting_callback", "supervisor", "note"),
    "judge_closed": ("awaiting_callback", "supervisor leader", "reply"),
    "reopen": ("closed", "resident dispatcher", "note"),
    "mark_settled": ("closed", "supervisor", "reply note"),
    "move_grid": ("submitted info_requested accepted dispatched in_progress suspended", "grid_worker", ""),
    "correct": (ANY_OPEN.replace("submitted ", ""), "intake dispatcher supervisor", "note"),
    "hand_to_emergency": (ANY_OPEN, "intake dispatcher callback_agent supervisor", "note"),
    "confirm_arrival": (ANY_OPEN, "intake dispatcher callback_agent supervisor", "note"),
    "sub_dispatch": ("dispatched in_progress", "dispatcher unit_head", ""),
    "assign_handler": (HANDLED, "dispatcher unit_head", ""),
    "raise": (HANDLED, "dispatcher supervisor leader system", ""),
    "adjust_clock": (ANY_OPEN.replace(" awaiting_upstream", ""), "dispatcher supervisor", "note"),
    "hand_over": (ANY_OPEN, "unit_head supervisor administrator system", ""),
    "ask_return": ("dispatched in_progress", FIELD, "note"),
    "return": ("dispatched in_progress", "dispatcher supervisor", ""),
    "ask_reassign": (HANDLED, "handler unit_head dispatcher supervisor", "note"),
    "reassign": (HANDLED, "dispatcher supervisor", ""),
    "ask_support": ("dispatched in_progress", FIELD, "note"),
    "add_assist": ("dispatched in_progress", "dispatcher supervisor", ""),
    "ask_extend": ("in_progress", FIELD, "note"),
    "extend": ("in_progress", "dispatcher supervisor leader", "reply"),
    "ask_suspend": ("in_progress", UNIT, "note"),
    "suspend": ("in_progress", "supervisor leader", "reply"),
    "resume": ("suspended", "handler unit_head dispatcher supervisor system", ""),
    "ask_terminate": ("in_progress suspended", "handler unit_head supervisor", "note"),
    "terminate": ("in_progress suspended", "supervisor leader", "reply"),
    "ask_exclude": (EXCLUDABLE, "handler unit_head dispatcher supervisor", "note"),
    "exclude": (EXCLUDABLE, "supervisor leader", "note"),
    "ask_void": (ANY_OPEN, DESK, "note"),
    "void": (ANY_OPEN, SECOND, "reply"),
    "ask_withdraw": (ANY_OPEN.replace(" awaiting_upstream", ""), FILER, "note"),
    "withdraw": (ANY_OPEN.replace(" awaiting_upstream", ""), "intake dispatcher callback_agent resident", "reply"),
    "merge": (ANY_OPEN.replace(" awaiting_upstream", ""), "dispatcher system", "reply"),
    "absorb": (ANY_OPEN, "dispatcher system", ""),
    "unmerge": ("merged", "dispatcher", "note"),
    "release": (ANY_OPEN, "dispatcher", "note"),
    "link_recurrence": (ANY_OPEN, "intake dispatcher system", ""),
    "publish": (ANY_OPEN + " closed", "dispatcher supervisor", ""),
    "me_too": (ANY_OPEN, "resident", ""),
    "urge": (ANY_OPEN, "intake dispatcher resident callback_agent supervisor leader system", "note"),
    "order_supervision": (ANY_OPEN, "supervisor leader", "note"),
    "answer_supervision": (ANY, UNIT, "note"),
    "decide_progress": (ANY_OPEN, "supervisor leader", "note"),
    "whistle": (ANY_OPEN, "handler unit_head resident grid_worker cadre dispatcher", "note"),
    "arrive": (ANY_OPEN, "handler unit_head grid_worker cadre", ""),
    "assess_whistle": (ANY, "handler unit_head dispatcher supervisor resident grid_worker cadre", "note"),
    "look": ("under_review awaiting_callback", UNIT + " grid_worker", "note"),
    "appraise": ("under_review awaiting_callback", "grid_worker cadre callback_agent supervisor", "note"),
    "take": ("dispatched", "handler unit_head resident grid_worker cadre", ""),
    "give_back": ("in_progress", "handler unit_head resident grid_worker cadre dispatcher system", "note"),
    "pass_station": ("in_progress", "handler unit_head resident grid_worker cadre", "note"),
    "return_station": ("in_progress", "handler unit_head resident grid_worker cadre", "note"),
    "hand_to": (HANDLED, UNIT + " cadre", ""),
    "reissue_code": (ANY.replace(" void", ""), VILLAGE, ""),
    "dispute_consent": (ANY.replace(" merged", ""), "resident", "note"),
    "rule_on_consent": (ANY.replace(" merged", ""), "supervisor", "reply note"),
    "take_visit": ("submitted accepted", VILLAGE, ""),
    "decline_visit": ("submitted accepted", VILLAGE, "reply"),
    "give_back_visit": ("submitted accepted info_requested", VILLAGE + " system", "note"),
    "warn_clock": (ANY, "system", ""),
    "breach_clock": (ANY, "system", ""),
    "escalate_clock": (ANY, "system", ""),
    "recompute_clock": (ANY_OPEN, "system administrator", ""),
}

LEADS_TO = [
    # action, facts, target
    ("submit", {}, "submitted"),
    ("archive", {}, "closed"),
    ("supplement", {"state": "in_progress"}, "in_progress"),
    ("ask_info", {"state": "accepted"}, "info_requested"),
    ("supply_info", {"state": "info_requested", "asked_from": "submitted"}, "submitted"),
    ("supply_info", {"state": "info_requested", "asked_from": "accepted"}, "accepted"),
    ("lapse_info", {"state": "info_requested", "asked_from": "accepted"}, "submitted"),
    ("accept", {"state": "submitted"}, "accepted"),
    ("answer", {"state": "submitted", "present": True}, "closed"),
    ("answer", {"state": "submitted"}, "awaiting_callback"),
    ("answer", {"state": "accepted", "nobody_to_call": True}, "closed"),
    ("answer", {"state": "accepted", "present": True, "upstream": True}, "awaiting_upstream"),
    ("reject", {"state": "submitted"}, "rejected"),
    ("redirect", {"state": "accepted"}, "redirected"),
    ("ask_reject", {"state": "accepted"}, "accepted"),
    ("dispatch", {"state": "accepted"}, "dispatched"),
    ("sign", {"state": "dispatched"}, "in_progress"),
    ("sign_assist", {"state": "dispatched"}, "dispatched"),
    ("take", {"state": "dispatched"}, "in_progress"),
    ("give_back", {"state": "in_progress"}, "dispatched"),
    ("pass_station", {"state": "in_progress"}, "in_progress"),
    ("return_station", {"state": "in_progress"}, "in_progress"),
    ("contact", {"state": "in_progress"}, "in_progress"),
    ("submit_result", {"state": "in_progress"}, "under_review"),
    ("pass", {"state": "under_review"}, "awaiting_callback"),
    ("pass", {"state": "under_review", "nobody_to_call": True}, "closed"),
    ("pass", {"state": "under_review", "nobody_to_call": True, "upstream": True}, "awaiting_upstream"),
    ("send_back", {"state": "under_review"}, "in_progress"),
    ("record_callback", {"state": "awaiting_callback", "has_lead": True}, "closed"),
    ("record_callback", {"state": "awaiting_callback", "upstream": True}, "awaiting_upstream"),
    ("record_callback", {"state": "awaiting_callback", "unhappy": True, "has_lead": True}, "awaiting_callback"),
    ("record_callback", {"state": "awaiting_callback", "others": True}, "awaiting_callback"),
    ("rate", {"state": "awaiting_callback"}, "closed"),
    ("rate", {"state": "awaiting_callback", "unhappy": True, "has_lead": True}, "awaiting_callback"),
    ("triage", {"state": "awaiting_callback", "has_lead": True}, "in_progress"),
    ("triage", {"state": "awaiting_callback", "has_lead": False}, "accepted"),
    ("judge_closed", {"state": "awaiting_callback"}, "closed"),
    ("judge_closed", {"state": "awaiting_callback", "upstream": True}, "awaiting_upstream"),
    ("reopen", {"state": "closed"}, "accepted"),
    ("return", {"state": "in_progress"}, "accepted"),
    ("return", {"state": "in_progress", "of_lead": False}, "in_progress"),
    ("return", {"state": "dispatched", "of_lead": False}, "dispatched"),
    ("reassign", {"state": "in_progress"}, "dispatched"),
    ("suspend", {"state": "in_progress"}, "suspended"),
    ("resume", {"state": "suspended"}, "in_progress"),
    ("terminate", {"state": "suspended"}, "terminated"),
    ("void", {"state": "submitted"}, "void"),
    ("withdraw", {"state": "submitted"}, "withdrawn"),
    ("merge", {"state": "in_progress"}, "merged"),
    ("unmerge", {"state": "merged", "before_merge": "in_progress"}, "in_progress"),
    ("exclude", {"state": "closed"}, "closed"),
    ("rate", {"state": "closed", "unhappy": True, "has_lead": True}, "closed"),
    ("confirm_upstream", {"state": "awaiting_upstream"}, "closed"),
    ("confirm_upstream", {"state": "awaiting_upstream", "unhappy": True}, "awaiting_callback"),
    ("confirm_upstream", {"state": "redirected"}, "redirected"),
    ("breach_clock", {"state": "accepted"}, "accepted"),
]


def test_every_action_stands_in_the_expectation():
    assert {action.value for action in MOVES} == set(EXPECTED) == {action.value for action in Action}


@pytest.mark.parametrize("action", list(Action))
def test_every_state_and_role_is_allowed_or_refused_as_written(action):
    sources, roles, _ = (field.split() for field in EXPECTED[action])
    for state, role in itertools.product([None, *State], Role):
        written_state = (OPENS if state is None else state.value) in sources
        written_role = role.value in roles
        if written_role and written_state:
            move, acting = check_move(action, state, frozenset({role}))
            assert (move.action, acting) == (action, role)
            continue
        expected = IllegalMove if written_role else NotYourMove
        with pytest.raises(expected):
            check_move(action, state, frozenset({role}))


@pytest.mark.parametrize("action", list(Action))
def test_words_are_required_as_written(action):
    needed = set(EXPECTED[action][2].split())
    assert set(MOVES[action].words) == needed
    for word in needed:
        given = dict.fromkeys(("reply", "note"), "说明") | {word: " "}
        with pytest.raises(WordsMissing) as refused:
            check_words(MOVES[action], **given)
        assert set(refused.value.errors) == {word}


@pytest.mark.parametrize(("action", "facts", "target"), LEADS_TO)
def test_each_move_leads_where_it_is_written(action, facts, target):
    told = {"state": "submitted"} | facts
    told |= {name: State(told[name]) for name in ("state", "asked_from", "before_merge") if name in told}
    move = MOVES[Action(action)]
    reached = move.target(Facts(**told))
    assert reached.value == target
    assert reached in move.targets or not move.targets


def test_every_target_and_every_move_is_among_the_expected_ones():
    written = {action for action, _, _ in LEADS_TO}
    moving = {action.value for action, move in MOVES.items() if move.targets}
    assert moving <= written


def test_only_a_decision_is_awaited_in_a_terminal_state_and_every_open_state_but_one_has_a_clock_of_its_own():
    for clock, states in RUNS_IN.items():
        assert not states & TERMINAL or clock is Clock.DECIDE, clock
    anywhere = {clock for clock, states in RUNS_IN.items() if states >= OPEN}
    own = set().union(*(states for clock, states in RUNS_IN.items() if clock not in anywhere))
    assert {state for state in OPEN if state not in own} == {State.AWAITING_UPSTREAM}


def test_every_started_clock_belongs_to_a_target_of_its_move():
    for move in MOVES.values():
        targets = set(move.targets) or move.sources
        for clock in move.starts:
            assert RUNS_IN[clock] & set(targets), (move.action, clock)


def test_a_terminal_state_is_reached_only_with_words_for_the_person():
    """Closing by review, call-back or rating rests on the result's reply; every other way to an end carries its own."""
    resting = {Action.PASS, Action.RECORD_CALLBACK, Action.RATE, Action.CONFIRM_UPSTREAM, Action.ARCHIVE}
    for move in MOVES.values():
        if set(move.targets) & TERMINAL and move.action not in resting:
            assert "reply" in move.words, move.action
