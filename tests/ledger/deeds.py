"""Deeds: every command of the ledger as something that anybody may try on any case, with arguments by chance."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from app.core.stamp import Stamp
from app.demo.cast import Cast
from app.ledger.callbacks import Verdict, attempt_callback, confirm_upstream, rate_case, record_callback
from app.ledger.commands import accept_case, answer_case, ask_info, supplement, supply_info
from app.ledger.handling import dispatch_case, pass_result, record_contact, send_back, sign_case, submit_assist, submit_result
from app.ledger.models import Case
from app.ledger.vocabulary import Action, Kind, Satisfaction

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
