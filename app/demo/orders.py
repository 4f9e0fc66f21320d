"""Keeps the service orders of the demo's month: a matter that goes through three stations, and medicine brought within minutes."""

from collections.abc import Generator

from app.core.stamp import Door
from app.demo.scene import Scene, Wait, real, work
from app.ledger.callbacks.answers import Verdict, rate_case
from app.ledger.handling import pass_result
from app.ledger.vocabulary import Satisfaction
from app.services.ordering import Wanted, order_own
from app.services.taking import finish_order, give_back, note_contact, pass_station, return_station, take_order

GRID = "柳林村一网格"


def three_stations(scene: Scene) -> Generator[Wait, None, None]:
    """The allowance for the old: taken up in the village, sent back once for a missing paper, granted at the county."""
    made = order_own(scene.by_resident(scene.residents[0].id), Wanted(item="old_age_allowance", grid=scene.grids[GRID][1]))
    yield work(minutes=40)
    take_order(scene.by("hua"), made.number)
    note_contact(scene.by("hua"), made.number, how="visit", note="在便民服务点当面告知要带的材料。")
    pass_station(scene.by("hua"), made.number, words="身份证、户口簿已核对。")
    yield work(hours=3)
    return_station(scene.by("liu"), made.number, reason="缺银行卡复印件，请补齐。")
    yield work(hours=2)
    pass_station(scene.by("hua"), made.number, words="复印件已补。")
    yield work(hours=2)
    pass_station(scene.by("liu"), made.number, words="审核通过。")
    yield work(hours=3)
    finish_order(scene.by("min"), made.number, reply="高龄津贴已批准，下月起按月发放到您的社保卡。", note="系统已录入。")
    yield work(hours=2)
    pass_result(scene.by("qin"), made.number, note="材料齐全，核验通过。")
    yield real(hours=3)
    word = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.VERY_SATISFIED)
    rate_case(scene.by_resident(scene.residents[0].id), made.number, word, words="没跑一趟县城就办好了。")


def medicine(scene: Scene) -> Generator[Wait, None, None]:
    """Medicine for a neighbour: taken, given back since the car broke down, taken and brought by the cadre."""
    made = order_own(
        scene.by_resident(scene.residents[1].id), Wanted(item="medicine", words="降压药一盒。", grid=scene.grids[GRID][1])
    )
    yield real(minutes=4)
    take_order(scene.by("zhou", Door.GRID), made.number)
    yield real(minutes=3)
    give_back(scene.by("zhou", Door.GRID), made.number, reason="电动车坏在路上，请别人先送。")
    yield real(minutes=2)
    take_order(scene.by("wu", Door.GRID), made.number)
    yield real(minutes=14)
    finish_order(scene.by("wu", Door.GRID), made.number, reply="药已送到您手上。", contacted="visit")


def waiting(scene: Scene) -> Generator[Wait, None, None]:
    """A repair that nobody has taken yet."""
    order_own(scene.by_resident(scene.residents[0].id), Wanted(item="home_repair", words="灯泡不亮。", grid=scene.grids[GRID][1]))
    yield from ()


ORDERS = ((70.0, three_stations), (30.0, medicine), (1.0, waiting))
"""How many working hours before the end each order is made."""
