"""Keeps the plain words in which people are told what happens next to their matter, and by when. Pure."""

from collections.abc import Mapping
from datetime import datetime

from app.core.clock import CHINA
from app.ledger.vocabulary import TERMINAL, Clock, State

_STEPS: dict[State, tuple[tuple[Clock, str], ...]] = {
    State.SUBMITTED: ((Clock.ACCEPT, "工作人员受理"),),
    State.INFO_REQUESTED: ((Clock.INFO, "请您补充情况"),),
    State.ACCEPTED: ((Clock.DISPATCH, "交给承办单位"),),
    State.DISPATCHED: ((Clock.SIGN, "承办单位签收"), (Clock.CONTACT, "工作人员与您联系")),
    State.IN_PROGRESS: ((Clock.CONTACT, "工作人员与您联系"), (Clock.RESOLVE, "承办单位反馈办理结果")),
    State.UNDER_REVIEW: ((Clock.REVIEW, "核验办理结果"),),
    State.SUSPENDED: ((Clock.SUSPENSION, "复核是否具备办理条件，然后继续办理"),),
    State.AWAITING_CALLBACK: (
        (Clock.CALLBACK, "请您评价办理结果，回访员也会与您联系"),
        (Clock.TRIAGE, "督办员研判您的意见，决定怎样再办"),
    ),
}
_STANDS: dict[State, str] = {
    State.AWAITING_UPSTREAM: "办理结果已报上级审核。",
    State.SUSPENDED: "因客观条件暂缓办理，具备条件后继续。",
    State.CLOSED: "已办结，办理结果请看答复。",
    State.REJECTED: "不予受理，原因和建议请看答复。",
    State.REDIRECTED: "需要通过其他渠道办理，办法请看答复。",
    State.MERGED: "已并入同一事项的工单办理。",
    State.WITHDRAWN: "已按您的意愿撤回。",
    State.TERMINATED: "已终止办理，原因请看答复。",
    State.VOID: "已作废。",
}


def outlook(
    state: State, at: datetime, *, due: Mapping[Clock, datetime], promise: datetime | None, rate_until: datetime | None
) -> str:
    """Give what happens next and by when.

    `due` holds the due moments of the clocks that run now, `promise` that of the whole matter, `rate_until` is set when the
    person may still rate a closed case.
    """
    sentences = []
    steps = [_step(what, due[clock], at) for clock, what in _STEPS.get(state, ()) if clock in due]
    if steps:
        sentences.append(f"下一步：{'；'.join(steps)}。")
    elif state in _STANDS:
        sentences.append(_STANDS[state])
    if rate_until is not None:
        sentences.append(f"您可以在 {moment(rate_until, at)} 前评价。")
    if promise is not None and state not in TERMINAL:
        sentences.append(_promise(state, promise, at))
    return "".join(sentences)


def _step(what: str, due: datetime, at: datetime) -> str:
    if at > due:
        return f"{what}，原定 {moment(due, at)} 前，已超时，正在催办"
    return f"{what}，{moment(due, at)} 前"


def _promise(state: State, promise: datetime, at: datetime) -> str:
    if state is State.INFO_REQUESTED:
        return "等您补充期间，我们的办理时限暂停计算。"
    if state is State.SUSPENDED:
        return "暂缓期间办理时限暂停计算，恢复办理后顺延。"
    if at > promise:
        return f"全部办完的承诺时间是 {moment(promise, at)}，已经超过，督办人员会跟进。"
    return f"我们承诺 {moment(promise, at)} 前全部办完。"


def moment(then: datetime, at: datetime) -> str:
    """Give a moment as it is said: `1月5日 17:30`, with the year when it is not that of `at`."""
    then, now = then.astimezone(CHINA), at.astimezone(CHINA)
    year = f"{then.year}年" if then.year != now.year else ""
    return f"{year}{then.month}月{then.day}日 {then:%H:%M}"
