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
    (Action.CORRECT, "更正"), (Action.MOVE_GRID, "更正网格"), (Action.HAND_TO_EMERGENCY, "移交紧急救援"), (Action.CONFIRM_ARRIVAL, "确认救援到场"),
    (Action.SUB_DISPATCH, "二级派单"), (Action.ASSIGN_HANDLER, "指定经办人"), (Action.RAISE, "提级"), (Action.ADJUST_CLOCK, "调整时限"),
    (Action.HAND_OVER, "交接"), (Action.ASK_RETURN, "申请退单"), (Action.ASK_REASSIGN, "申请改派"), (Action.ASK_SUPPORT, "申请加派协办"),
    (Action.ASK_EXTEND, "申请延期"), (Action.ASK_SUSPEND, "申请挂账"), (Action.ASK_TERMINATE, "申请终止"), (Action.ASK_EXCLUDE, "申请剔除"),
    (Action.ASK_VOID, "申请作废"), (Action.ASK_WITHDRAW, "申请撤回"), (Action.ASK_JUDGE_CLOSED, "申请判定办结"),
    (Action.WITHDRAW_REQUEST, "撤销申请"), (Action.RETURN, "退单"), (Action.REASSIGN, "改派"), (Action.ADD_ASSIST, "加派协办"),
    (Action.EXTEND, "延期"), (Action.SUSPEND, "挂账"), (Action.RESUME, "恢复办理"), (Action.TERMINATE, "终止办理"), (Action.EXCLUDE, "剔除"),
    (Action.VOID, "作废"), (Action.WITHDRAW, "撤回"), (Action.JUDGE_CLOSED, "判定办结"), (Action.TRIAGE, "不满意研判"),
    (Action.REOPEN, "重新办理"), (Action.MARK_SETTLED, "不再重复受理"), (Action.MERGE, "并案"), (Action.ABSORB, "并入"),
    (Action.UNMERGE, "拆分"), (Action.RELEASE, "拆出"), (Action.LINK_RECURRENCE, "关联重复诉求"), (Action.PUBLISH, "公开"),
    (Action.ME_TOO, "我也遇到"), (Action.URGE, "催办"), (Action.ORDER_SUPERVISION, "督办"), (Action.ANSWER_SUPERVISION, "督办反馈"),
    (Action.DECIDE_PROGRESS, "周调度"), (Action.WHISTLE, "吹哨"), (Action.ARRIVE, "报到"), (Action.ASSESS_WHISTLE, "吹哨评价"),
    (Action.LOOK, "现场查看"), (Action.APPRAISE, "代表评单"), (Action.TAKE, "接单"), (Action.GIVE_BACK, "退回接单"),
    (Action.PASS_STATION, "本站办完"), (Action.RETURN_STATION, "退回上一站"),
    (Action.LOOK, "现场查看"), (Action.APPRAISE, "代表评单"),
    (Action.HAND_TO, "交网格员办理"), (Action.REISSUE_CODE, "补发查询码"), (Action.DISPUTE_CONSENT, "否认委托"),
    (Action.RULE_ON_CONSENT, "委托核查结论"), (Action.TAKE_VISIT, "接单上门"), (Action.DECLINE_VISIT, "暂不能上门"),
    (Action.GIVE_BACK_VISIT, "退回上门"),
    (Outcome.DIRECT, "直办"), (Outcome.ON_THE_SPOT, "现场解答"), (Outcome.PASSED_ON, "转办"),
    (Duty.LEAD, "主办"), (Duty.ASSIST, "协办"), (Duty.SUB, "二级承办"),
    (EmergencyService.POLICE, "110 报警"), (EmergencyService.FIRE, "119 火警"), (EmergencyService.AMBULANCE, "120 急救"),
    (Responsibility.STATUTORY, "法定主责"), (Responsibility.LEAD, "可以主办"), (Responsibility.ASSIST, "可以协办"),
    (RequestKind.REJECT, "不予受理"), (RequestKind.REDIRECT, "转其他渠道"), (RequestKind.RETURN, "退单"),
    (RequestKind.REASSIGN, "改派"), (RequestKind.SUPPORT, "加派协办"), (RequestKind.EXTEND, "延期"), (RequestKind.SUSPEND, "挂账"),
    (RequestKind.TERMINATE, "终止"), (RequestKind.EXCLUDE, "剔除"), (RequestKind.VOID, "作废"), (RequestKind.WITHDRAW, "撤回"),
    (RequestKind.JUDGE_CLOSED, "判定办结"),
    (RequestState.PENDING, "待审批"), (RequestState.APPROVED, "已同意"), (RequestState.REJECTED, "未同意"), (RequestState.WITHDRAWN, "已撤回"),
    (Satisfaction.VERY_SATISFIED, "非常满意"), (Satisfaction.SATISFIED, "满意"), (Satisfaction.BASICALLY_SATISFIED, "基本满意"),
    (Satisfaction.DISSATISFIED, "不满意"), (Satisfaction.VERY_DISSATISFIED, "非常不满意"),
    (Clock.ACCEPT, "受理时限"), (Clock.INFO, "补充时限"), (Clock.DISPATCH, "派单时限"), (Clock.SIGN, "签收时限"), (Clock.CONTACT, "联系时限"),
    (Clock.RESOLVE, "办理时限"), (Clock.OVERALL, "总时限"), (Clock.REVIEW, "核验时限"), (Clock.CALLBACK, "回访时限"),
    (Clock.TRIAGE, "研判时限"), (Clock.DECIDE, "审批时限"), (Clock.SUSPENSION, "挂账复核"), (Clock.UPSTREAM_SIGN, "上级签收时限"),
    (Clock.UPSTREAM_RETURN, "上级退单时限"), (Clock.UPSTREAM_DUE, "上级办理时限"), (Clock.ARRIVE, "报到时限"), (Clock.SUPERVISION, "督办时限"),
    (Clock.RESCUE, "救援到场时限"), (Clock.VISIT, "走访时限"), (Clock.STATION, "环节时限"),
    (Light.GREEN, "正常"), (Light.AMBER, "临期"), (Light.RED, "超时"),
    (Effect.DRAFT_URGING, "起草催办单"), (Effect.SUPERVISOR_LIST, "列入现场督办"), (Effect.INTERVIEW_LIST, "列入约谈"),
    (Effect.RAISE, "提级"),
    (PressMode.PHONE, "电话"), (PressMode.WRITTEN, "书面"), (PressMode.ONSITE, "现场"), (PressMode.INTERVIEW, "约谈"),
    (SlipKind.URGING, "催办单"), (SlipKind.SUPERVISION, "督办单"), (SlipKind.ORDER, "交办单"),
    (SlipState.DRAFT, "待签发"), (SlipState.ISSUED, "已发出"), (SlipState.ANSWERED, "已反馈"), (SlipState.ACCEPTED, "已销号"),
    (SlipState.DISCARDED, "未采用"),
    (Listing.ONSITE, "现场督办"), (Listing.INTERVIEW, "约谈"),
    (ListedFor.LATE, "超时未办结"), (ListedFor.REWORKED, "多次返工"), (ListedFor.REASSIGNED, "多次改派无人承接"),
    (CalleeState.WAITING, "待回访"), (CalleeState.HEARD, "已回访"), (CalleeState.RATED, "已评价"), (CalleeState.UNREACHABLE, "未接通"),
    (VerifyBy.CALLBACK, "回访当事人"), (VerifyBy.LOOK, "网格员现场查看"), (VerifyBy.REPRESENTATIVE, "代表评单"),
    (CheckItem.CONTACT, "联系群众"), (CheckItem.EVIDENCE, "佐证材料"), (CheckItem.PLACE, "办理位置"), (CheckItem.REPLY, "答复内容"),
    (CheckItem.ASSISTS, "协办反馈"), (CheckItem.PEOPLE, "群众核验"),
    (CheckState.OK, "正常"), (CheckState.WARNING, "提醒"), (CheckState.MISSING, "缺项"),
    (CallOutcome.REGISTERED, "已登记"), (CallOutcome.CONSULTED, "当场咨询"), (CallOutcome.EXISTING_CASE, "查询或补充工单"),
    (CallOutcome.HUNG_UP, "中途挂断"), (CallOutcome.SILENT, "无声"), (CallOutcome.WRONG_NUMBER, "打错"), (CallOutcome.NUISANCE, "骚扰"),
    (Rule.POLICY, "时限规则"), (Rule.CATEGORY, "诉求分类"), (Rule.REASON, "理由目录"), (Rule.SETTING, "全县设置"),
    (Rule.CALENDAR_DAY, "工作日历"), (Rule.CALENDAR_YEAR, "年度放假安排"), (Rule.WORKING_HOURS, "作息时间"),
    (VersionState.IN_FORCE, "现行"), (VersionState.COMING, "待生效"), (VersionState.PAST, "已被替代"),
    (VersionState.DROPPED, "未生效即被替代"), (VersionState.ENDED, "已停用"),
)  # fmt: skip

LABELS = {(type(word), word): words for word, words in _LABELLED}
"""Keyed by the list as well: words of two lists may be equal (an action and its clock) and yet be told differently."""


def label(word: StrEnum) -> str:
    """Give the Chinese label of a word."""
    return LABELS[type(word), word]
