"""Deeds: every command of the ledger as something that anybody may try on any case, with arguments by chance."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Stamp
from app.demo.cast import Cast
from app.filings.following import HandBy, reissue_code
from app.filings.homes.coming import answer_at_home, decline_home_request, take_home_request
from app.filings.homes.ending import give_back_home_request
from app.ledger.callbacks.answers import Verdict, attempt_callback, confirm_upstream, rate_case, record_callback
from app.ledger.commands import accept_case, answer_case, ask_info, supplement, supply_info
from app.ledger.corrections import correct_case
from app.ledger.dispatching.sub_dispatch import assign_handler, hand_to, sub_dispatch
from app.ledger.disputes.commands import dispute_consent, rule_on_consent
from app.ledger.emergencies import confirm_arrival, hand_to_emergency
from app.ledger.grid_moves import move_grid
from app.ledger.handling import dispatch_case, pass_result, record_contact, send_back, sign_case, submit_assist, submit_result
from app.ledger.merging.joining import merge_cases
from app.ledger.merging.publishing import publish_case, say_me_too, take_down
from app.ledger.merging.repeats import link_recurrence
from app.ledger.merging.unmerging import unmerge_case
from app.ledger.models import Case
from app.ledger.requests.asking import ASKS, ask, withdraw_request
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.models import Request
from app.ledger.requests.suspensions import resume_case
from app.ledger.requests.withdrawal import hear_wish, wish_to_withdraw
from app.ledger.rounds.reopening import reopen_case
from app.ledger.rounds.settling import mark_settled
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.supervision.pressing import order_supervision, urge
from app.ledger.supervision.raising import raise_case
from app.ledger.supervision.residents_urge import urge_as_resident
from app.ledger.upstream.orders import adjust_upstream
from app.ledger.vocabulary import (
    OPEN,
    Action,
    EmergencyService,
    Kind,
    PressMode,
    RequestKind,
    RequestState,
    Satisfaction,
    State,
    Urgency,
)
from app.ledger.whistles.arrivals import arrive, assess_help, assess_whistle, rule_on_whistle
from app.ledger.whistles.blowing import cancel_whistle, whistle
from app.ledger.whistles.models import Whistle, WhistleCall
from app.services.taking import finish_order, give_back, pass_station, return_station, take_order

Act = Callable[[Stamp, Case, Random, Cast], object]


@dataclass(frozen=True)
class Deed:
    """Something to try: its name, the actions that may come of it, and how it is done."""

    name: str
    actions: tuple[Action, ...]
    act: Act


DEEDS: list[Deed] = []


def deed(*actions: Action) -> Callable[[Act], Act]:
    def keep(act: Act) -> Act:
        DEEDS.append(Deed(act.__name__, actions, act))
        return act

    return keep


def some_unit(chance: Random, cast: Cast) -> int:
    manned = ["城市管理局", "水利局", "民政局", "供水公司", "柳河镇", "柳林村"]
    return cast.units[chance.choice(manned if chance.random() < 0.9 else list(cast.units))].id


def some_verdict(chance: Random) -> Verdict:
    return Verdict(
        contacted=chance.random() < 0.8, solved=chance.random() < 0.7, satisfaction=chance.choice(list(Satisfaction)), attitude=3
    )


@deed(Action.SUPPLEMENT)
def supplements(stamp, case, chance, cast):
    supplement(stamp, case.number, words="还有一盏也不亮")


@deed(Action.ASK_INFO)
def asks_for_information(stamp, case, chance, cast):
    ask_info(stamp, case.number, question="请说明具体位置")


@deed(Action.SUPPLY_INFO)
def supplies_information(stamp, case, chance, cast):
    supply_info(stamp, case.number, words="在村口")


@deed(Action.ACCEPT)
def accepts(stamp, case, chance, cast):
    grid = chance.choice(list(cast.grids.values()))
    kind = chance.choice(list(Kind))
    accept_case(stamp, case.number, kind=kind, category_id=chance.choice(list(cast.categories.values())), grid_id=grid.id)


@deed(Action.ANSWER)
def answers(stamp, case, chance, cast):
    category, grid = chance.choice(list(cast.categories.values())), chance.choice(list(cast.grids.values()))
    answer_case(stamp, case.number, reply="已为您解答。", category_id=category, grid_id=grid.id)


@deed(Action.DISPATCH)
def dispatches(stamp, case, chance, cast):
    lead, first, second = (some_unit(chance, cast) for _ in range(3))
    dispatch_case(stamp, case.number, lead_unit_id=lead, assist_unit_ids=[first, second][: chance.randrange(3)])


@deed(Action.SIGN, Action.SIGN_ASSIST)
def signs(stamp, case, chance, cast):
    sign_case(stamp, case.number)


@deed(Action.CONTACT)
def contacts(stamp, case, chance, cast):
    record_contact(stamp, case.number, how="phone", note="已联系")


@deed(Action.SUBMIT_ASSIST)
def reports_assist(stamp, case, chance, cast):
    submit_assist(stamp, case.number, note="已配合")


@deed(Action.SUBMIT_RESULT)
def reports_result(stamp, case, chance, cast):
    why = "不再等待" if chance.random() < 0.5 else None
    solved = chance.random() < 0.8
    submit_result(stamp, case.number, reply="已办好。", note="更换灯头", solved=solved, without_assists=why)


@deed(Action.PASS)
def passes(stamp, case, chance, cast):
    pass_result(stamp, case.number, note="核验通过")


@deed(Action.SEND_BACK)
def sends_back(stamp, case, chance, cast):
    send_back(stamp, case.number, note="请补充照片")


@deed(Action.ATTEMPT_CALLBACK, Action.RECORD_CALLBACK)
def cannot_reach(stamp, case, chance, cast):
    attempt_callback(stamp, case.number)


@deed(Action.RECORD_CALLBACK)
def calls_back(stamp, case, chance, cast):
    record_callback(stamp, case.number, some_verdict(chance), note="对方这样说")


@deed(Action.RATE)
def rates(stamp, case, chance, cast):
    rate_case(stamp, case.number, some_verdict(chance), words="谢谢")


@deed(Action.CONFIRM_UPSTREAM)
def confirms_upstream(stamp, case, chance, cast):
    confirm_upstream(stamp, case.number, note="上级已审核")


REASONS = {
    RequestKind.REJECT: "no_facts",
    RequestKind.REDIRECT: "petition",
    RequestKind.RETURN: "wrong_unit",
    RequestKind.REASSIGN: "better_placed",
    RequestKind.SUPPORT: "needs_others",
    RequestKind.EXTEND: "larger_works",
    RequestKind.SUSPEND: "engineering",
    RequestKind.TERMINATE: "impossible",
    RequestKind.EXCLUDE: "force_majeure",
    RequestKind.VOID: "test_entry",
    RequestKind.JUDGE_CLOSED: None,
}


def asks_for(kind: RequestKind) -> None:
    def act(stamp, case, chance, cast):
        asked = Asked(
            note="情况说明",
            reason_code=REASONS[kind],
            reply="您好，情况是这样的。",
            redirect_to="县信访局",
            unit_ids=[some_unit(chance, cast)],
            amount=chance.choice([1, 3, 10]),
            review_on=(stamp.at + timedelta(days=chance.choice([1, 20, 80, 100]))).date(),
            evidence="施工计划",
        )
        ask(stamp, case.number, kind, asked)

    DEEDS.append(Deed(f"asks_to_{kind}", (ASKS[kind],), act))


for each in ASKS:
    asks_for(each)


def some_request(case, chance):
    waiting = list(db.session.scalars(select(Request.id).where(Request.case_id == case.id, Request.state == RequestState.PENDING)))
    return chance.choice(waiting or [0])


@deed(
    Action.REFUSE_REQUEST, Action.RETURN, Action.REASSIGN, Action.ADD_ASSIST, Action.EXTEND, Action.SUSPEND, Action.TERMINATE,
    Action.EXCLUDE, Action.VOID, Action.WITHDRAW, Action.JUDGE_CLOSED, Action.REJECT, Action.REDIRECT,
)  # fmt: skip
def decides(stamp, case, chance, cast):
    unit = some_unit(chance, cast) if chance.random() < 0.4 else None
    reset = "重新计算" if chance.random() < 0.2 else None
    decision = Decision(approve=chance.random() < 0.75, note="已核实", unit_id=unit, reset_term=reset)
    decide_request(stamp, case.number, some_request(case, chance), decision)


@deed(Action.WITHDRAW_REQUEST)
def takes_a_request_back(stamp, case, chance, cast):
    withdraw_request(stamp, case.number, some_request(case, chance))


@deed(Action.RESUME)
def resumes(stamp, case, chance, cast):
    resume_case(stamp, case.number, note="可以继续了")


@deed(Action.TRIAGE)
def triages(stamp, case, chance, cast):
    amount = chance.choice([None, 2])
    triage_case(stamp, case.number, verdict=chance.choice(list(Triage)), note="请重新办理", amount=amount)


@deed(Action.REOPEN)
def reopens(stamp, case, chance, cast):
    reopen_case(stamp, case.number, words="又坏了")


@deed(Action.MARK_SETTLED)
def settles(stamp, case, chance, cast):
    mark_settled(stamp, case.number, reply="已多次答复。", note="没有新的情况")


@deed(Action.WITHDRAW, Action.ASK_WITHDRAW)
def withdraws(stamp, case, chance, cast):
    wish_to_withdraw(stamp, case.number, words="不用办了")


@deed(Action.ASK_WITHDRAW)
def hears_a_wish_to_withdraw(stamp, case, chance, cast):
    hear_wish(stamp, case.number, words="来电说已经修好了")


@deed(Action.ADJUST_CLOCK)
def upstream_sets_another_moment(stamp, case, chance, cast):
    adjust_upstream(stamp, case.number, note="上级来电", due_by=stamp.at + timedelta(days=chance.choice([1, 5, 40])))


@deed(Action.SUB_DISPATCH)
def passes_on(stamp, case, chance, cast):
    sub_dispatch(stamp, case.number, sub_unit_ids=[cast.units[chance.choice(["柳林村", "河湾村", "水利局"])].id])


@deed(Action.ASSIGN_HANDLER)
def names_a_handler(stamp, case, chance, cast):
    assign_handler(stamp, case.number, handler_id=chance.choice(list(cast.staff.values())).id)


@deed(Action.RAISE)
def raises_a_level(stamp, case, chance, cast):
    raise_case(stamp, case.number, note="久拖不决")


@deed(Action.CORRECT)
def corrects(stamp, case, chance, cast):
    given = {"urgency": chance.choice(list(Urgency)), "kind": chance.choice(list(Kind))}
    correct_case(stamp, case.number, note="登记有误", **given)


@deed(Action.MOVE_GRID)
def finds_the_grid_wrong(stamp, case, chance, cast):
    move_grid(stamp, case.number, grid_id=chance.choice([None, *(grid.id for grid in cast.grids.values())]))


@deed(Action.HAND_TO_EMERGENCY)
def calls_rescue(stamp, case, chance, cast):
    hand_to_emergency(stamp, case.number, service=chance.choice(list(EmergencyService)), note="三方通话移交")


@deed(Action.CONFIRM_ARRIVAL)
def confirms_rescue(stamp, case, chance, cast):
    confirm_arrival(stamp, case.number, note="救援已到场", service=chance.choice([None, *EmergencyService]))


@deed(Action.URGE)
def urges(stamp, case, chance, cast):
    if chance.random() < 0.5:
        urge_as_resident(stamp, case.number, words="请快一点")
    else:
        mode = chance.choice(list(PressMode))
        urge(stamp, [case.number], mode=mode, words="请尽快办理", draft=mode is PressMode.WRITTEN and chance.random() < 0.5)


@deed(Action.ORDER_SUPERVISION)
def orders(stamp, case, chance, cast):
    order_supervision(stamp, [case.number], mode=PressMode.WRITTEN, words="请三日内反馈")


def another(case: Case, chance: Random, *states: State) -> str:
    """Another case, mostly one in some states that may go with this one; now and then the case itself."""
    others = list(db.session.scalars(select(Case).where(Case.id != case.id).order_by(Case.id)))
    fit = [each for each in others if each.state in states and each.confidential == case.confidential]
    return case.number if chance.random() < 0.05 or not others else chance.choice(fit or others).number


@deed(Action.MERGE, Action.ABSORB)
def merges(stamp, case, chance, cast):
    merge_cases(stamp, case.number, numbers=[another(case, chance, *OPEN)])


@deed(Action.UNMERGE, Action.RELEASE)
def takes_apart(stamp, case, chance, cast):
    unmerge_case(stamp, case.number, note="不是一件事")


@deed(Action.LINK_RECURRENCE)
def links_what_comes_back(stamp, case, chance, cast):
    link_recurrence(stamp, case.number, of=another(case, chance, State.CLOSED))


@deed(Action.PUBLISH)
def publishes(stamp, case, chance, cast):
    if chance.random() < 0.7:
        publish_case(stamp, case.number, title="路灯不亮", summary="正在办理。")
    else:
        take_down(stamp, case.number, note="已办好")


@deed(Action.ME_TOO)
def says_me_too(stamp, case, chance, cast):
    say_me_too(stamp, case.number)


@deed(Action.WHISTLE)
def whistles_or_takes_it_back(stamp, case, chance, cast):
    blown = db.session.scalars(select(Whistle.id).where(Whistle.case_id == case.id, Whistle.cancelled_at.is_(None))).all()
    if blown and chance.random() < 0.3:
        cancel_whistle(stamp, case.number, chance.choice(blown), note="不用来了")
    else:
        units = {some_unit(chance, cast) for _ in range(chance.randrange(1, 3))}
        whistle(stamp, case.number, unit_ids=sorted(units), words="请到场", place="村口")


@deed(Action.HAND_TO)
def hands_on_in_the_village(stamp, case, chance, cast):
    hand_to(stamp, case.number, worker_id=cast.staff[chance.choice(["zhou", "zhao"])].id)


@deed(Action.DISPUTE_CONSENT)
def disputes_consent(stamp, case, chance, cast):
    dispute_consent(stamp, case.number, words="我没有委托")


@deed(Action.RULE_ON_CONSENT)
def rules_on_consent(stamp, case, chance, cast):
    rule_on_consent(stamp, case.number, upheld=chance.random() < 0.5, reply="已核查。", note="看过签名")


@deed(Action.REISSUE_CODE)
def reissues_a_code(stamp, case, chance, cast):
    reissue_code(stamp, case.number, by=HandBy.PRINT)


@deed(Action.TAKE_VISIT)
def takes_a_home_request(stamp, case, chance, cast):
    take_home_request(stamp, case.number)


@deed(Action.DECLINE_VISIT)
def declines_a_home_request(stamp, case, chance, cast):
    decline_home_request(stamp, case.number, reply="道路封闭，暂时不能上门。")


@deed(Action.GIVE_BACK_VISIT)
def gives_a_home_request_back(stamp, case, chance, cast):
    give_back_home_request(stamp, case.number, reason="家里有急事，今天去不了")


@deed(Action.ANSWER)
def answers_at_home(stamp, case, chance, cast):
    answer_at_home(stamp, case.number, reply="已上门办好。", category_id=chance.choice(list(cast.categories.values())))


def some_call(case, chance):
    calls = db.session.scalars(select(WhistleCall.id).where(WhistleCall.case_id == case.id)).all()
    return chance.choice(calls or [0])


@deed(Action.ARRIVE)
def checks_in(stamp, case, chance, cast):
    arrive(stamp, case.number, some_call(case, chance))


@deed(Action.ASSESS_WHISTLE)
def judges_a_whistle(stamp, case, chance, cast):
    said = {"note": "情况如此"}
    judge = chance.choice(
        [
            lambda call: assess_help(stamp, case.number, call, helped=chance.random() < 0.5, **said),
            lambda call: assess_whistle(stamp, case.number, call, justified=chance.random() < 0.5, **said),
            lambda call: rule_on_whistle(stamp, case.number, call, justified=chance.random() < 0.5, **said),
        ]
    )
    judge(some_call(case, chance))


@deed(Action.TAKE)
def takes_an_order(stamp, case, chance, cast):
    take_order(stamp, case.number)


@deed(Action.GIVE_BACK)
def gives_an_order_back(stamp, case, chance, cast):
    give_back(stamp, case.number, reason="有急事")


@deed(Action.PASS_STATION)
def passes_a_station(stamp, case, chance, cast):
    pass_station(stamp, case.number, words="本站办完")


@deed(Action.RETURN_STATION)
def returns_a_station(stamp, case, chance, cast):
    return_station(stamp, case.number, reason="材料不全")


@deed(Action.SUBMIT_RESULT)
def finishes_an_order(stamp, case, chance, cast):
    finish_order(stamp, case.number, reply="已办好。", solved=chance.random() < 0.7)
