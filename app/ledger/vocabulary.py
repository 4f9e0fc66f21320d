"""Keeps the ledger's closed lists of words; what people see for each stands in `labels`."""

from enum import StrEnum


class Channel(StrEnum):
    """Ways in which a report reaches the ledger."""

    MINI_PROGRAM = "mini_program"
    HOTLINE = "hotline"
    VISIT = "visit"
    PROXY = "proxy"
    WINDOW = "window"
    LETTER = "letter"
    MAILBOX = "mailbox"
    UPSTREAM_12345 = "upstream_12345"
    PATROL = "patrol"
    LEADER = "leader"


PRESENT = frozenset({Channel.VISIT, Channel.HOTLINE, Channel.WINDOW})
"""Channels on which the person was there to hear an answer, so that an answer closes the case."""


class Kind(StrEnum):
    """What a person wants."""

    CONSULTATION = "consultation"
    HELP = "help"
    COMPLAINT = "complaint"
    TIP_OFF = "tip_off"
    SUGGESTION = "suggestion"
    PRAISE = "praise"
    OTHER = "other"
    SERVICE = "service"


class Urgency(StrEnum):
    """Urgent cases run on 7×24 clocks."""

    NORMAL = "normal"
    URGENT = "urgent"


class State(StrEnum):
    """Where a case stands."""

    SUBMITTED = "submitted"
    INFO_REQUESTED = "info_requested"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    IN_PROGRESS = "in_progress"
    SUSPENDED = "suspended"
    UNDER_REVIEW = "under_review"
    AWAITING_CALLBACK = "awaiting_callback"
    AWAITING_UPSTREAM = "awaiting_upstream"
    CLOSED = "closed"
    REJECTED = "rejected"
    REDIRECTED = "redirected"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"
    VOID = "void"


TERMINAL = frozenset({
    State.CLOSED, State.REJECTED, State.REDIRECTED, State.MERGED, State.WITHDRAWN, State.TERMINATED, State.VOID,
})  # fmt: skip
"""States in which no clock runs."""

OPEN = frozenset(State) - TERMINAL
"""States in which somebody owes the person something."""


class Action(StrEnum):
    """What can be done to a case; many are entries that move nothing."""

    SUBMIT = "submit"
    SUPPLEMENT = "supplement"
    ASK_INFO = "ask_info"
    SUPPLY_INFO = "supply_info"
    LAPSE_INFO = "lapse_info"
    ACCEPT = "accept"
    ANSWER = "answer"
    ASK_REJECT = "ask_reject"
    ASK_REDIRECT = "ask_redirect"
    REJECT = "reject"
    REDIRECT = "redirect"
    REFUSE_REQUEST = "refuse_request"
    DISPATCH = "dispatch"
    SIGN = "sign"
    SIGN_ASSIST = "sign_assist"
    CONTACT = "contact"
    SUBMIT_ASSIST = "submit_assist"
    SUBMIT_RESULT = "submit_result"
    PASS = "pass"
    SEND_BACK = "send_back"
    ATTEMPT_CALLBACK = "attempt_callback"
    RECORD_CALLBACK = "record_callback"
    RATE = "rate"
    CONFIRM_UPSTREAM = "confirm_upstream"
    CLAIM = "claim"
    CORRECT = "correct"
    MOVE_GRID = "move_grid"
    HAND_TO_EMERGENCY = "hand_to_emergency"
    CONFIRM_ARRIVAL = "confirm_arrival"
    SUB_DISPATCH = "sub_dispatch"
    ASSIGN_HANDLER = "assign_handler"
    RAISE = "raise"
    ADJUST_CLOCK = "adjust_clock"
    HAND_OVER = "hand_over"
    ASK_RETURN = "ask_return"
    ASK_REASSIGN = "ask_reassign"
    ASK_SUPPORT = "ask_support"
    ASK_EXTEND = "ask_extend"
    ASK_SUSPEND = "ask_suspend"
    ASK_TERMINATE = "ask_terminate"
    ASK_EXCLUDE = "ask_exclude"
    ASK_VOID = "ask_void"
    ASK_WITHDRAW = "ask_withdraw"
    ASK_JUDGE_CLOSED = "ask_judge_closed"
    WITHDRAW_REQUEST = "withdraw_request"
    RETURN = "return"
    REASSIGN = "reassign"
    ADD_ASSIST = "add_assist"
    EXTEND = "extend"
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"
    EXCLUDE = "exclude"
    VOID = "void"
    WITHDRAW = "withdraw"
    JUDGE_CLOSED = "judge_closed"
    TRIAGE = "triage"
    REOPEN = "reopen"
    MARK_SETTLED = "mark_settled"
    MERGE = "merge"
    ABSORB = "absorb"
    UNMERGE = "unmerge"
    RELEASE = "release"
    LINK_RECURRENCE = "link_recurrence"
    PUBLISH = "publish"
    ME_TOO = "me_too"
    URGE = "urge"
    ORDER_SUPERVISION = "order_supervision"
    ANSWER_SUPERVISION = "answer_supervision"
    DECIDE_PROGRESS = "decide_progress"
    WHISTLE = "whistle"
    ARRIVE = "arrive"
    ASSESS_WHISTLE = "assess_whistle"
    LOOK = "look"
    APPRAISE = "appraise"
    HAND_TO = "hand_to"
    REISSUE_CODE = "reissue_code"
    DISPUTE_CONSENT = "dispute_consent"
    RULE_ON_CONSENT = "rule_on_consent"
    TAKE_VISIT = "take_visit"
    DECLINE_VISIT = "decline_visit"
    GIVE_BACK_VISIT = "give_back_visit"
    WARN_CLOCK = "warn_clock"
    BREACH_CLOCK = "breach_clock"
    ESCALATE_CLOCK = "escalate_clock"
    RECOMPUTE_CLOCK = "recompute_clock"
    ARCHIVE = "archive"
    TAKE = "take"
    GIVE_BACK = "give_back"
    PASS_STATION = "pass_station"
    RETURN_STATION = "return_station"


class Outcome(StrEnum):
    """How a case was answered: three figures kept apart."""

    DIRECT = "direct"
    ON_THE_SPOT = "on_the_spot"
    PASSED_ON = "passed_on"


class Duty(StrEnum):
    """What an assignment asks of its unit."""

    LEAD = "lead"
    ASSIST = "assist"
    SUB = "sub"


class Responsibility(StrEnum):
    """What the catalogue says of a unit for a category: it answers by statute, may lead, or may assist."""

    STATUTORY = "statutory"
    LEAD = "lead"
    ASSIST = "assist"


class EmergencyService(StrEnum):
    """Whom danger to life is handed to by three-party call."""

    POLICE = "110"
    FIRE = "119"
    AMBULANCE = "120"


class Access(StrEnum):
    """What a unit may do with a case."""

    READ = "read"
    WRITE = "write"


class RequestKind(StrEnum):
    """What can be asked and must be decided by somebody else."""

    REJECT = "reject"
    REDIRECT = "redirect"
    RETURN = "return"
    REASSIGN = "reassign"
    SUPPORT = "support"
    EXTEND = "extend"
    SUSPEND = "suspend"
    TERMINATE = "terminate"
    EXCLUDE = "exclude"
    VOID = "void"
    WITHDRAW = "withdraw"
    JUDGE_CLOSED = "judge_closed"


class RequestState(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Satisfaction(StrEnum):
    """The five grades of a call-back or rating."""

    VERY_SATISFIED = "very_satisfied"
    SATISFIED = "satisfied"
    BASICALLY_SATISFIED = "basically_satisfied"
    DISSATISFIED = "dissatisfied"
    VERY_DISSATISFIED = "very_dissatisfied"


UNHAPPY = frozenset({Satisfaction.DISSATISFIED, Satisfaction.VERY_DISSATISFIED})


class CallbackBy(StrEnum):
    """Who gave the person's word."""

    AGENT = "agent"
    RESIDENT = "resident"
    CLAIM_CODE = "claim_code"
    UPSTREAM = "upstream"


BY_PERSON = (CallbackBy.RESIDENT, CallbackBy.CLAIM_CODE)
"""Words that the person gave by their own hand: a rating, once a round."""


class CalleeState(StrEnum):
    """Where the call-back of one reporter stands."""

    WAITING = "waiting"
    HEARD = "heard"
    RATED = "rated"
    UNREACHABLE = "unreachable"


class VerifyBy(StrEnum):
    """Which people verify a result: its person by call-back, a grid worker on the spot, a representative by a rating (评单)."""

    CALLBACK = "callback"
    LOOK = "look"
    REPRESENTATIVE = "representative"


class CheckItem(StrEnum):
    """What a review checks."""

    CONTACT = "contact"
    EVIDENCE = "evidence"
    PLACE = "place"
    REPLY = "reply"
    ASSISTS = "assists"
    PEOPLE = "people"


class CheckState(StrEnum):
    """How an item of the checklist stands; what is missing must be explained when the result passes."""

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


class Clock(StrEnum):
    """Kinds of deadlines."""

    ACCEPT = "accept"
    INFO = "info"
    DISPATCH = "dispatch"
    SIGN = "sign"
    CONTACT = "contact"
    RESOLVE = "resolve"
    OVERALL = "overall"
    REVIEW = "review"
    CALLBACK = "callback"
    TRIAGE = "triage"
    DECIDE = "decide"
    SUSPENSION = "suspension"
    UPSTREAM_SIGN = "upstream_sign"
    UPSTREAM_RETURN = "upstream_return"
    UPSTREAM_DUE = "upstream_due"
    ARRIVE = "arrive"
    SUPERVISION = "supervision"
    RESCUE = "rescue"
    VISIT = "visit"
    STATION = "station"


class Subject(StrEnum):
    """What a clock belongs to; a visit task has no case."""

    CASE = "case"
    ASSIGNMENT = "assignment"
    REQUEST = "request"
    WHISTLE_CALL = "whistle_call"
    SUPERVISION_ORDER = "supervision_order"
    VISIT_TASK = "visit_task"
    SERVICE_STATION = "service_station"


class Audience(StrEnum):
    """Who is told of a move; resolved to recipients by `ledger.audiences`."""

    PERSONS = "persons"
    FILERS = "filers"
    LEAD = "lead"
    ASSISTS = "assists"
    INTAKE = "intake"
    SHIFT_HEAD = "shift_head"
    OWNER = "owner"
    UNIT_HEAD = "unit_head"
    SUPERVISORS = "supervisors"
    DISPATCHERS = "dispatchers"
    CALLBACK_AGENTS = "callback_agents"
    REVIEWERS = "reviewers"
    SUBS = "subs"
    UPPER_HEAD = "upper_head"
    DUTY_PHONE = "duty_phone"
    DUTY_LEADER = "duty_leader"
    ASKER = "asker"
    DECIDERS = "deciders"


class CallOutcome(StrEnum):
    """What became of a hotline call."""

    REGISTERED = "registered"
    CONSULTED = "consulted"
    EXISTING_CASE = "existing_case"
    HUNG_UP = "hung_up"
    SILENT = "silent"
    WRONG_NUMBER = "wrong_number"
    NUISANCE = "nuisance"


CASELESS = frozenset({CallOutcome.SILENT, CallOutcome.WRONG_NUMBER, CallOutcome.NUISANCE})
"""Outcomes of calls that make no case."""


class Light(StrEnum):
    """The traffic light of a case or clock."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Effect(StrEnum):
    """What a level of a ladder does besides telling."""

    DRAFT_URGING = "draft_urging"
    SUPERVISOR_LIST = "supervisor_list"
    INTERVIEW_LIST = "interview_list"
    RAISE = "raise"


class PressMode(StrEnum):
    """How a unit is urged or supervised."""

    PHONE = "phone"
    WRITTEN = "written"
    ONSITE = "onsite"
    INTERVIEW = "interview"


class SlipKind(StrEnum):
    """Numbered papers; each kind has its own series a year."""

    URGING = "urging"
    SUPERVISION = "supervision"
    ORDER = "order"


class SlipState(StrEnum):
    """Where an urging or a supervision order stands; only orders are answered and accepted."""

    DRAFT = "draft"
    ISSUED = "issued"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    DISCARDED = "discarded"


class Listing(StrEnum):
    """The supervisor's lists of cases to be looked at on the spot, or whose unit is to be interviewed."""

    ONSITE = "onsite"
    INTERVIEW = "interview"


class ListedFor(StrEnum):
    """Why a case stands on a supervisor's list."""

    LATE = "late"
    REWORKED = "reworked"
    REASSIGNED = "reassigned"


class Rule(StrEnum):
    """What of the county's own rules an administrator changes."""

    POLICY = "policy"
    CATEGORY = "category"
    REASON = "reason"
    SETTING = "setting"
    CALENDAR_DAY = "calendar_day"
    CALENDAR_YEAR = "calendar_year"
    WORKING_HOURS = "working_hours"


class VersionState(StrEnum):
    """Where a version of a policy stands: in force, yet to come, replaced (or replaced before it began), or the policy's end."""

    IN_FORCE = "in_force"
    COMING = "coming"
    PAST = "past"
    DROPPED = "dropped"
    ENDED = "ended"
