"""Keeps the ledger's closed lists of words, each with the Chinese label that people see."""

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
    """What can be done to a case; the last ones are entries that move nothing."""

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
    WARN_CLOCK = "warn_clock"
    BREACH_CLOCK = "breach_clock"
    ESCALATE_CLOCK = "escalate_clock"
    RECOMPUTE_CLOCK = "recompute_clock"
    ARCHIVE = "archive"


class Outcome(StrEnum):
    """How a case was answered: three figures kept apart."""

    DIRECT = "direct"
    ON_THE_SPOT = "on_the_spot"
    PASSED_ON = "passed_on"


class Duty(StrEnum):
    """What an assignment asks of its unit."""

    LEAD = "lead"
    ASSIST = "assist"


class Access(StrEnum):
    """What a unit may do with a case."""

    READ = "read"
    WRITE = "write"


class RequestKind(StrEnum):
    """What can be asked and must be decided by somebody else."""

    REJECT = "reject"
    REDIRECT = "redirect"


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


class Subject(StrEnum):
    """What a clock belongs to; visits, service orders and milestones bring theirs later."""

    CASE = "case"
    ASSIGNMENT = "assignment"


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


_LABELLED: tuple[tuple[StrEnum, str], ...] = (
    (Channel.MINI_PROGRAM, "小程序"), (Channel.HOTLINE, "热线"), (Channel.VISIT, "走访"), (Channel.PROXY, "代办"),
    (Channel.WINDOW, "窗口"), (Channel.LETTER, "来信"), (Channel.MAILBOX, "信箱"), (Channel.UPSTREAM_12345, "12345 转办"),
    (Channel.PATROL, "巡查"), (Channel.LEADER, "领导交办"),
    (Kind.CONSULTATION, "咨询"), (Kind.HELP, "求助"), (Kind.COMPLAINT, "投诉"), (Kind.TIP_OFF, "举报"), (Kind.SUGGESTION, "建议"),
    (Kind.PRAISE, "表扬"), (Kind.OTHER, "其他"), (Kind.SERVICE, "服务点单"),
    (Urgency.NORMAL, "普通"), (Urgency.URGENT, "紧急"),
    (State.SUBMITTED, "待受理"), (State.INFO_REQUESTED, "待补充"), (State.ACCEPTED, "待派单"), (State.DISPATCHED, "待签收"),
    (State.IN_PROGRESS, "办理中"), (State.SUSPENDED, "已挂账"), (State.UNDER_REVIEW, "待核验"), (State.AWAITING_CALLBACK, "待回访"),
    (State.AWAITING_UPSTREAM, "待上级审核"), (State.CLOSED, "已办结"), (State.REJECTED, "不予受理"), (State.REDIRECTED, "已转其他渠道"),
    (State.MERGED, "已并案"), (State.WITHDRAWN, "已撤回"), (State.TERMINATED, "终止办理"), (State.VOID, "作废"),
    (Action.SUBMIT, "登记"), (Action.SUPPLEMENT, "补充说明"), (Action.ASK_INFO, "请求补充"), (Action.SUPPLY_INFO, "补充材料"),
    (Action.LAPSE_INFO, "补充逾期"), (Action.ACCEPT, "受理"), (Action.ANSWER, "直接答复"), (Action.ASK_REJECT, "申请不予受理"),
    (Action.ASK_REDIRECT, "申请转其他渠道"), (Action.REJECT, "不予受理"), (Action.REDIRECT, "转其他渠道"),
    (Action.REFUSE_REQUEST, "不同意申请"), (Action.DISPATCH, "派单"), (Action.SIGN, "签收"),
    (Action.SIGN_ASSIST, "协办签收"), (Action.CONTACT, "联系群众"), (Action.SUBMIT_ASSIST, "协办反馈"), (Action.SUBMIT_RESULT, "反馈结果"),
    (Action.PASS, "核验通过"), (Action.SEND_BACK, "退回重办"), (Action.ATTEMPT_CALLBACK, "回访未接通"), (Action.RECORD_CALLBACK, "回访"),
    (Action.RATE, "群众评价"), (Action.CONFIRM_UPSTREAM, "上级审核"), (Action.CLAIM, "认领"), (Action.WARN_CLOCK, "临期提醒"),
    (Action.BREACH_CLOCK, "超时"), (Action.ESCALATE_CLOCK, "超时升级"), (Action.RECOMPUTE_CLOCK, "时限重算"), (Action.ARCHIVE, "历史归档"),
    (Outcome.DIRECT, "直办"), (Outcome.ON_THE_SPOT, "现场解答"), (Outcome.PASSED_ON, "转办"),
    (Duty.LEAD, "主办"), (Duty.ASSIST, "协办"),
    (RequestKind.REJECT, "不予受理"), (RequestKind.REDIRECT, "转其他渠道"),
    (RequestState.PENDING, "待审批"), (RequestState.APPROVED, "已同意"), (RequestState.REJECTED, "未同意"), (RequestState.WITHDRAWN, "已撤回"),
    (Satisfaction.VERY_SATISFIED, "非常满意"), (Satisfaction.SATISFIED, "满意"), (Satisfaction.BASICALLY_SATISFIED, "基本满意"),
    (Satisfaction.DISSATISFIED, "不满意"), (Satisfaction.VERY_DISSATISFIED, "非常不满意"),
    (Clock.ACCEPT, "受理时限"), (Clock.INFO, "补充时限"), (Clock.DISPATCH, "派单时限"), (Clock.SIGN, "签收时限"), (Clock.CONTACT, "联系时限"),
    (Clock.RESOLVE, "办理时限"), (Clock.OVERALL, "总时限"), (Clock.REVIEW, "核验时限"), (Clock.CALLBACK, "回访时限"),
    (Light.GREEN, "正常"), (Light.AMBER, "临期"), (Light.RED, "超时"),
    (CallOutcome.REGISTERED, "已登记"), (CallOutcome.CONSULTED, "当场咨询"), (CallOutcome.EXISTING_CASE, "查询或补充工单"),
    (CallOutcome.HUNG_UP, "中途挂断"), (CallOutcome.SILENT, "无声"), (CallOutcome.WRONG_NUMBER, "打错"), (CallOutcome.NUISANCE, "骚扰"),
)  # fmt: skip

LABELS = {(type(word), word): words for word, words in _LABELLED}
"""Keyed by the list as well: words of two lists may be equal (an action and its clock) and yet be told differently."""


def label(word: StrEnum) -> str:
    """Give the Chinese label of a word."""
    return LABELS[type(word), word]
