"""Keeps how the cases of the demo's month go: each story moves its case by the real commands and waits between two steps."""

from collections.abc import Generator
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db
from app.core.stamp import Stamp
from app.demo.filing import Filed, file_case, words_for
from app.demo.plans import Plan
from app.demo.scene import Scene, Wait, duty, real, work
from app.demo.topics import ELSEWHERE, UNFIT
from app.ledger.callbacks.answers import Verdict, attempt_callback, confirm_upstream, rate_case, record_callback
from app.ledger.commands import accept_case, answer_case, ask_info, supplement, supply_info
from app.ledger.handling import (
    Meeting,
    dispatch_case,
    pass_result,
    record_contact,
    send_back,
    sign_case,
    submit_assist,
    submit_result,
)
from app.ledger.intake.claims import rate_proved, supply_by_claim
from app.ledger.models import Case
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.vocabulary import Channel, Kind, RequestKind, Satisfaction, State

Story = Generator[Wait, None, None]

TERM_HOURS = {Kind.CONSULTATION: 6, Kind.HELP: 32, Kind.SUGGESTION: 32, Kind.COMPLAINT: 65, Kind.TIP_OFF: 65, Kind.PRAISE: 32}
"""Working hours of the usual terms, by which a plan's pace is measured."""

HAPPY = (Satisfaction.VERY_SATISFIED, Satisfaction.SATISFIED, Satisfaction.SATISFIED, Satisfaction.BASICALLY_SATISFIED)


@dataclass
class Walk:
    """One case on its way: the scene, its plan, its own luck, what was filed, and the words that are said in it."""

    scene: Scene
    plan: Plan
    filed: Filed
    draw: Random
    words: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """The case's number."""
        return self.filed.number

    def desk(self) -> Stamp:
        """Give the stamp of the member of the intake desk who looks after this case."""
        return self.scene.by("fang" if self.plan.seed % 3 else "ding")

    def minutes(self, least: int, most: int) -> float:
        """Draw a number of minutes; a brisk case takes the least."""
        drawn = self.draw.uniform(least, most)
        return least if self.plan.brisk else drawn


def tell(scene: Scene, plan: Plan) -> Story:
    """Tell the story of one case, from its filing to where it ends or is left lying."""
    draw = Random(plan.seed)  # noqa: S311
    words = words_for(plan, draw)
    filed = file_case(scene, plan, words)
    if filed is None:
        return
    walk = Walk(scene, plan, filed, draw, words)
    yield work(minutes=walk.minutes(6, 80))
    if plan.rest is State.SUBMITTED and plan.refuse is None:
        return
    if plan.asks and (yield from _ask(walk)):
        return
    if plan.refuse is not None:
        yield from _refuse(walk)
        if not plan.refused:
            return
    if plan.direct:
        yield from _answer(walk)
        return
    _accept(walk)
    if plan.rest is State.ACCEPTED:
        return
    yield duty(minutes=walk.minutes(3, 16))
    _dispatch(walk)
    if plan.rest is State.DISPATCHED:
        return
    yield from _handle(walk)


def _ask(walk: Walk) -> Generator[Wait, None, bool]:
    """Ask for what is missing; gives whether the story ends there."""
    ask_info(walk.desk(), walk.number, question=walk.words["question"])
    if walk.plan.rest is State.INFO_REQUESTED or walk.plan.silent:
        return True
    yield real(hours=walk.draw.uniform(2, 30))
    if walk.filed.signs_in is not None:
        supply_info(walk.scene.by_resident(walk.filed.signs_in), walk.number, words=walk.words["supply"])
    elif walk.filed.code is not None and walk.plan.channel is not Channel.HOTLINE:
        supply_by_claim(walk.scene.by_nobody(), walk.number, walk.filed.code, words=walk.words["supply"])
    else:
        supply_info(walk.desk(), walk.number, words=walk.words["supply"])
    yield work(minutes=walk.minutes(5, 40))
    return False


def _refuse(walk: Walk) -> Story:
    plan = walk.plan
    assert plan.refuse is not None
    if plan.refuse is RequestKind.REJECT:
        _, _, reason, reply = UNFIT[plan.refusal]
        asked = Asked(reason_code=reason, reply=reply, note=reply)
    else:
        _, _, reason, where, reply = ELSEWHERE[plan.refusal]
        asked = Asked(reason_code=reason, reply=reply, note=reply, redirect_to=where)
    ident = ask(walk.desk(), walk.number, plan.refuse, asked).id
    if plan.rest is State.SUBMITTED:
        return
    yield work(minutes=walk.minutes(20, 90))
    note = "请先联系本人，弄清是哪一件事再定，不要直接不受理。" if plan.refused else ""
    decide_request(walk.scene.by("ma"), walk.number, ident, Decision(approve=not plan.refused, note=note))
    if plan.refused:
        yield work(minutes=walk.minutes(10, 30))


def _place(walk: Walk) -> tuple[int, int]:
    return walk.scene.categories[walk.plan.topic.category], walk.scene.grids[f"{walk.plan.village}一网格"][0]


def _answer(walk: Walk) -> Story:
    category, grid = _place(walk)
    answer_case(walk.desk(), walk.number, reply=walk.words["direct"], category_id=category, grid_id=grid)
    yield from _hear(walk)


def _accept(walk: Walk) -> None:
    category, grid = _place(walk)
    accept_case(walk.desk(), walk.number, kind=walk.plan.topic.kind, category_id=category, grid_id=grid)


def _meeting(walk: Walk) -> Meeting:
    return Meeting(
        held_on=walk.scene.by("du").at.astimezone(CHINA).date(),
        participants=[unit for unit in (walk.plan.topic.unit, walk.plan.topic.assist, walk.plan.village) if unit],
        record="三方到场会商：主办牵头施工，协办负责沿线群众工作，本周内完成。",
    )


def _dispatch(walk: Walk) -> None:
    plan, units = walk.plan, walk.scene.units
    assist = plan.topic.assist if plan.assisted and plan.topic.assist != plan.against else None
    dispatch_case(
        walk.scene.by("du"),
        walk.number,
        lead_unit_id=units[plan.topic.unit],
        assist_unit_ids=[units[assist]] if assist else [],
        note="请按时限办理，先联系群众。",
        meeting=_meeting(walk) if plan.meeting else None,
    )


def _handle(walk: Walk) -> Story:
    plan = walk.plan
    handler = walk.scene.handlers.get(plan.topic.unit)
    if handler is None:
        return
    yield work(hours=walk.draw.uniform(1, 3)) if plan.dawdling else duty(minutes=walk.minutes(3, 19))
    sign_case(walk.scene.by(handler), walk.number)
    assisting = _assisting(walk)
    if assisting is not None:
        yield duty(minutes=walk.minutes(2, 9))
        sign_case(walk.scene.by(assisting), walk.number)
    yield work(hours=walk.draw.uniform(7, 14)) if plan.dawdling else duty(minutes=walk.minutes(15, 200))
    if not _of_nobody(walk):
        agent = "lu" if _confidential(walk) else handler
        record_contact(
            walk.scene.by(agent), walk.number, how=walk.draw.choice(("phone", "phone", "visit")), note=walk.words["contact"]
        )
    if plan.rest is State.IN_PROGRESS:
        return
    yield work(hours=TERM_HOURS.get(plan.topic.kind, 90) * plan.pace / 2)
    if walk.draw.random() < 0.15 and walk.filed.signs_in is not None:
        words = "补充一下：早晚都有人在家，来之前打个电话就行。"
        supplement(walk.scene.by_resident(walk.filed.signs_in), walk.number, words=words)
    if assisting is not None:
        submit_assist(walk.scene.by(assisting), walk.number, note="已配合到场，沿线群众工作已做好。")
    yield work(hours=TERM_HOURS.get(plan.topic.kind, 90) * plan.pace / 2)
    yield from _report(walk, handler, waited=assisting is not None)


def _confidential(walk: Walk) -> bool:
    return walk.plan.confidential or walk.plan.topic.kind is Kind.TIP_OFF


def _of_nobody(walk: Walk) -> bool:
    """Say whether there is nobody to contact or call back."""
    return db.session.scalars(select(Case).where(Case.number == walk.number)).one().nobody_to_call


def _assisting(walk: Walk) -> str | None:
    """Give who assists; a unit that nobody handles for never answers."""
    if not walk.plan.assisted or walk.plan.topic.assist is None or walk.plan.topic.assist == walk.plan.against:
        return None
    return walk.scene.handlers.get(walk.plan.topic.assist)


def _report(walk: Walk, handler: str, *, waited: bool) -> Story:
    plan = walk.plan
    outstanding = plan.assisted and plan.topic.assist is not None and plan.topic.assist != plan.against and not waited
    why = "已电话沟通，现场工作不需要协办单位到场。" if outstanding else None
    _submit(walk, handler, why)
    if plan.rest is State.UNDER_REVIEW:
        return
    yield work(minutes=walk.minutes(20, 300))
    if plan.sent_back:
        send_back(walk.scene.by("qin"), walk.number, note="现场照片看不出已经修好，请补拍远景后再报。")
        yield work(hours=walk.draw.uniform(2, 8))
        _submit(walk, handler, why)
        yield work(hours=walk.draw.uniform(0.5, 4))
    pass_result(walk.scene.by("qin"), walk.number)
    yield from _hear(walk, handler)


def _submit(walk: Walk, handler: str, why: str | None) -> None:
    reply, note = walk.words["reply"], walk.words["note"]
    submit_result(walk.scene.by(handler), walk.number, reply=reply, note=note, solved=True, without_assists=why)


def _hear(walk: Walk, handler: str | None = None) -> Story:
    """Let the person be heard: by a call-back, by a rating of their own, or not at all."""
    plan = walk.plan
    if plan.rest is State.AWAITING_CALLBACK:
        return
    if _of_nobody(walk) or (plan.channel in (Channel.HOTLINE, Channel.WINDOW, Channel.VISIT) and handler is None):
        if plan.rates and walk.filed.code is not None:
            yield real(hours=walk.draw.uniform(3, 40))
            rate_proved(walk.scene.by_nobody(), walk.number, walk.filed.code, _verdict(walk, happy=True), words="办得挺快，谢谢。")
        return
    yield work(hours=walk.draw.uniform(2, 12))
    if plan.unreachable:
        for gap in (5.0, 7.0, 0.0):
            attempt_callback(walk.scene.by("lu"), walk.number, note="响铃无人接听。")
            yield work(hours=gap)
        return
    if plan.unhappy:
        yield from _grumble(walk, handler)
        return
    _say(walk, happy=True)
    if plan.channel is Channel.UPSTREAM_12345 and plan.rest is not State.AWAITING_UPSTREAM:
        yield work(hours=walk.draw.uniform(4, 20))
        confirm_upstream(walk.desk(), walk.number, note="上级平台已审核通过，予以办结。")


def _say(walk: Walk, *, happy: bool) -> None:
    """Let the person speak: through the mini-program or with the claim code if they rate, else on the phone."""
    verdict, words = _verdict(walk, happy=happy), "现在好了，谢谢。" if happy else "还是老样子，没有解决。"
    if walk.plan.rates and walk.filed.signs_in is not None:
        rate_case(walk.scene.by_resident(walk.filed.signs_in), walk.number, verdict, words=words)
    elif walk.plan.rates and walk.filed.code is not None:
        rate_proved(walk.scene.by_nobody(), walk.number, walk.filed.code, verdict, words=words)
        if walk.plan.channel in (Channel.PROXY, Channel.VISIT):  # the village had the code in hand: the call makes sure
            record_callback(walk.scene.by("lu"), walk.number, verdict, note=f"电话核实评价，本人接听：{words}")
    else:
        record_callback(walk.scene.by("lu"), walk.number, verdict, note=f"电话回访，本人接听：{words}")


def _grumble(walk: Walk, handler: str | None) -> Story:
    """Say that it is not solved: the case is handled once more, then the person agrees."""
    _say(walk, happy=False)
    yield work(minutes=walk.minutes(20, 90))
    again = "群众反映还没有解决，请负责人到现场看一次，再报结果。"
    triage_case(walk.scene.by("sun"), walk.number, verdict=Triage.REWORK, note=again)
    yield work(minutes=walk.minutes(5, 15))
    if handler is None:
        if walk.plan.channel is Channel.UPSTREAM_12345 or walk.scene.handlers.get(walk.plan.topic.unit) is None:
            return
        _dispatch(walk)
        yield duty(minutes=walk.minutes(3, 15))
        handler = walk.scene.handlers[walk.plan.topic.unit]
        sign_case(walk.scene.by(handler), walk.number)
        yield work(hours=1)
        record_contact(
            walk.scene.by("lu" if _confidential(walk) else handler), walk.number, how="visit", note="上门道歉，当面商量办法。"
        )
    yield work(hours=walk.draw.uniform(4, 14))
    again = "您好，对上次没有办好向您道歉。我们重新安排了人员，已彻底解决，请您再看看，有问题直接找我们。"
    why = "返工由主办单位独立完成。" if walk.plan.assisted and walk.plan.topic.assist else None
    submit_result(
        walk.scene.by(handler), walk.number, reply=again, note="返工 1 次，负责人到场验收。", solved=True, without_assists=why
    )
    yield work(hours=walk.draw.uniform(1, 4))
    pass_result(walk.scene.by("qin"), walk.number)
    yield work(hours=walk.draw.uniform(2, 8))
    _say(walk, happy=True)


def _verdict(walk: Walk, *, happy: bool) -> Verdict:
    if not happy:
        return Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED, attitude=3, speed=2)
    grade = walk.draw.choice(HAPPY)
    marks = 5 if grade is Satisfaction.VERY_SATISFIED else 4
    return Verdict(contacted=True, solved=True, satisfaction=grade, attitude=marks, competence=marks, convenience=marks, speed=4)
