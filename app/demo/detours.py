"""Keeps the demo's detours: a few matters that leave the straight road, so that every way of a case can be looked at."""

from collections.abc import Callable, Generator
from datetime import timedelta

from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db
from app.demo.scene import Neighbour, Scene, Wait, duty, real, work
from app.ledger.callbacks.answers import Verdict, record_callback
from app.ledger.commands import accept_case
from app.ledger.corrections import correct_case
from app.ledger.dispatching.sub_dispatch import assign_handler, sub_dispatch
from app.ledger.emergencies import confirm_arrival, hand_to_emergency
from app.ledger.grid_moves import move_grid
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_result
from app.ledger.intake.places import Point
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.joining import merge_cases
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.models import Request
from app.ledger.requests.withdrawal import wish_to_withdraw
from app.ledger.rounds.reopening import reopen_case
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.supervision.models import SupervisionOrder
from app.ledger.supervision.pressing import answer_order, order_supervision, urge
from app.ledger.supervision.raising import raise_case
from app.ledger.supervision.residents_urge import urge_as_resident
from app.ledger.verification.looks import record_look
from app.ledger.vocabulary import Channel, EmergencyService, Kind, PressMode, RequestKind, Satisfaction
from app.ledger.whistles.arrivals import arrive, assess_help, assess_whistle
from app.ledger.whistles.blowing import whistle
from app.territory.datum import Datum

Detour = Generator[Wait, None, None]

HAPPY = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED)
UNHAPPY = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)
YES = Decision(approve=True, note="情况属实，同意。")


class _Walk:
    """One matter on its way: who speaks, the number, and each step by the one whose it is."""

    def __init__(self, scene: Scene, who: int, category: str, unit: str) -> None:
        self.scene, self.category, self.unit = scene, category, unit
        self.person: Neighbour = scene.residents[who]
        self.number = ""

    def file(self, body: str, *, kind: Kind = Kind.HELP) -> None:
        grid, _ = self.scene.grids[f"{self.person.village}一网格"]
        said = Submission(
            channel=Channel.MINI_PROGRAM, body=body, kind=kind, category_id=self.scene.categories[self.category], grid_id=grid,
            filer_resident_id=self.person.id, concerned_id=self.person.id,
        )  # fmt: skip
        self.number = take_in(self.scene.by_resident(self.person.id), said).number

    def accept(self, kind: Kind = Kind.HELP) -> None:
        grid, _ = self.scene.grids[f"{self.person.village}一网格"]
        category = self.scene.categories[self.category]
        accept_case(self.scene.by("fang"), self.number, kind=kind, category_id=category, grid_id=grid)

    def dispatch(self, *assists: str) -> None:
        units = self.scene.units
        ids = [units[name] for name in assists]
        dispatch_case(self.scene.by("du"), self.number, lead_unit_id=units[self.unit], assist_unit_ids=ids, note="请先联系群众。")

    def sign(self) -> None:
        sign_case(self.scene.by(self.scene.handlers[self.unit]), self.number)

    def contact(self) -> None:
        record_contact(self.scene.by(self.scene.handlers[self.unit]), self.number, how="phone", note="已电话联系，说明了安排。")

    def report(self, reply: str) -> None:
        by = self.scene.by(self.scene.handlers[self.unit])
        submit_result(by, self.number, reply=reply, note="现场处理完毕。", solved=True)

    def ask(self, kind: RequestKind, asked: Asked, *, login: str | None = None) -> int:
        return ask(self.scene.by(login or self.scene.handlers[self.unit]), self.number, kind, asked).id

    def decide(self, login: str, request: int, decision: Decision = YES) -> None:
        decide_request(self.scene.by(login), self.number, request, decision)

    def to_progress(self, body: str) -> Detour:
        self.file(body)
        yield work(minutes=20)
        self.accept()
        yield duty(minutes=8)
        self.dispatch()
        yield duty(minutes=9)
        self.sign()
        yield work(minutes=50)
        self.contact()
        yield work(hours=2)

    def to_closed(self, body: str, reply: str) -> Detour:
        yield from self.to_progress(body)
        self.report(reply)
        yield work(hours=2)
        pass_result(self.scene.by("qin"), self.number)
        yield work(hours=3)


def _suspended(scene: Scene) -> Detour:
    walk = _Walk(scene, 3, "道路坑洼", "交通运输局")
    yield from walk.to_progress("进村道路整段破损，希望重新铺设。")
    day = (scene.at + timedelta(days=60)).astimezone(CHINA).date()
    asked = Asked(note="需等工程排期。", reason_code="engineering", review_on=day, evidence="已列入明年一季度农村公路养护计划。")
    request = walk.ask(RequestKind.SUSPEND, asked)
    yield work(hours=3)
    walk.decide("sun", request)


def _extended(scene: Scene) -> Detour:
    walk = _Walk(scene, 4, "沟渠灌溉", "水利局")
    yield from walk.to_progress("村南支渠淤塞，麦田浇不上水。")
    request = walk.ask(RequestKind.EXTEND, Asked(note="清淤需调挖掘机。", reason_code="larger_works", amount=5))
    yield work(hours=2)
    walk.decide("du", request)


def _extension_awaited(scene: Scene) -> Detour:
    walk = _Walk(scene, 5, "垃圾清运", "城市管理局")
    yield from walk.to_progress("垃圾点太远，希望增设一处。")
    walk.ask(RequestKind.EXTEND, Asked(note="选点要征求村民意见。", reason_code="waits_for_others", amount=3))


def _returned(scene: Scene) -> Detour:
    walk = _Walk(scene, 6, "沟渠灌溉", "城市管理局")
    walk.file("田间机井的水泵坏了，没有人修。")
    yield work(minutes=15)
    walk.accept()
    yield duty(minutes=6)
    walk.dispatch()
    yield work(minutes=40)
    asked = Asked(note="机井归水利部门管护。", reason_code="wrong_unit", unit_ids=[scene.units["水利局"]])
    request = walk.ask(RequestKind.RETURN, asked)
    yield work(minutes=30)
    walk.decide("du", request, Decision(approve=True, note="属水利部门职责。"))
    walk.unit = "水利局"
    yield duty(minutes=3)
    walk.dispatch()
    yield duty(minutes=7)
    walk.sign()


def _reassigned(scene: Scene) -> Detour:
    walk = _Walk(scene, 7, "小区物业", "城市管理局")
    yield from walk.to_progress("小区电梯经常停运，物业不修。")
    asked = Asked(note="由住建部门主管。", reason_code="better_placed", unit_ids=[scene.units["住房和城乡建设局"]])
    request = walk.ask(RequestKind.REASSIGN, asked)
    yield work(hours=1)
    walk.decide("sun", request)
    support = "住房和城乡建设局"
    yield duty(minutes=6)
    walk.unit = support
    walk.sign()
    yield work(minutes=30)
    asked = Asked(note="要城管配合拆违。", reason_code="needs_others", unit_ids=[scene.units["城市管理局"]])
    request = walk.ask(RequestKind.SUPPORT, asked)
    yield work(minutes=30)
    walk.decide("du", request)


def _refused(scene: Scene) -> Detour:
    walk = _Walk(scene, 8, "厕所改造", "卫生健康委员会")
    yield from walk.to_progress("公共厕所化粪池外溢，气味很大。")
    asked = Asked(note="建议由乡镇办理。", reason_code="wrong_place", unit_ids=[scene.units["柳河镇"]])
    request = walk.ask(RequestKind.RETURN, asked)
    yield work(hours=1)
    walk.decide("sun", request, Decision(approve=False, note="公厕管护是你单位职责，请继续办理。"))


def _terminated(scene: Scene) -> Detour:
    walk = _Walk(scene, 9, "高龄津贴", "民政局")
    yield from walk.to_progress("想把别的县的高龄津贴转到这里领取。")
    reply = "经核实，高龄津贴由户籍所在地发放，您的户籍不在本县，不能转来领取。请向户籍所在地民政部门申请，我们可以帮您联系。"
    request = walk.ask(RequestKind.TERMINATE, Asked(note="不符合政策。", reason_code="beyond_means", reply=reply))
    yield work(hours=4)
    walk.decide("yan", request)


def _withdrawn(scene: Scene) -> Detour:
    walk = _Walk(scene, 10, "自来水供应", "供水公司")
    walk.file("水龙头没水了，不知道是不是停水。")
    yield work(minutes=25)
    wish_to_withdraw(scene.by_resident(walk.person.id), walk.number, words="是家里阀门关了，已经好了。")


def _wish_refused(scene: Scene) -> Detour:
    walk = _Walk(scene, 11, "垃圾清运", "城市管理局")
    yield from walk.to_progress("巷口垃圾堆了一星期。")
    wish_to_withdraw(scene.by_resident(walk.person.id), walk.number, words="算了，不用办了。")
    request = db.session.scalars(select(Request.id).where(Request.kind == RequestKind.WITHDRAW).order_by(Request.id.desc())).first()
    assert request is not None
    yield work(hours=1)
    decision = Decision(approve=False, note="电话核实：本人担心得罪人，说明情况后同意继续办理。")
    walk.decide("lu", request, decision)


def _void(scene: Scene) -> Detour:
    walk = _Walk(scene, 12, "路灯照明", "城市管理局")
    walk.file("测试测试，看看能不能提交。")
    yield work(minutes=30)
    asked = Asked(note="电话确认是试用。", reason_code="test_entry", reply="您好，已与您确认这是试用登记，不再办理。")
    request = walk.ask(RequestKind.VOID, asked, login="fang")
    yield work(minutes=40)
    walk.decide("ma", request)


def _merged(scene: Scene) -> Detour:
    first, second = _Walk(scene, 0, "路灯照明", "城市管理局"), _Walk(scene, 1, "路灯照明", "城市管理局")
    first.file("村委会门口的路灯又不亮了，老人晚上摔了一跤。")
    yield work(minutes=30)
    first.accept()
    second.file("村委会门前那盏路灯坏了几天，晚上太黑。")
    yield work(minutes=20)
    second.accept()
    yield work(minutes=10)
    merge_cases(scene.by("du"), first.number, numbers=[second.number])
    yield duty(minutes=6)
    first.dispatch()
    yield duty(minutes=8)
    first.sign()


def _reopened(scene: Scene) -> Detour:
    walk = _Walk(scene, 13, "自来水供应", "供水公司")
    yield from walk.to_closed("水压太小，二楼上不去水。", "已更换加压泵，水压恢复正常。")
    record_callback(scene.by("lu"), walk.number, HAPPY, note="电话回访，水压正常。")
    yield real(days=2)
    reopen_case(scene.by_resident(walk.person.id), walk.number, words="好了两天又没有压力了。")


def _excluded(scene: Scene) -> Detour:
    walk = _Walk(scene, 14, "农村客运", "交通运输局")
    yield from walk.to_closed("大雪停运，班车没有来。", "因大雪道路封闭临时停运，昨日已恢复。")
    record_callback(scene.by("lu"), walk.number, HAPPY, note="表示理解。")
    yield work(hours=2)
    request = walk.ask(RequestKind.EXCLUDE, Asked(note="大雪属不可抗力。", reason_code="force_majeure"))
    yield work(hours=2)
    walk.decide("sun", request)


def _judged(scene: Scene) -> Detour:
    walk = _Walk(scene, 15, "低保", "民政局")
    yield from walk.to_closed("申请低保没有批，要求重新核定。", "经核定家庭人均收入超过标准，已当面说明政策和申诉办法。")
    record_callback(scene.by("lu"), walk.number, UNHAPPY, note="对结果不满意，对态度没有意见。")
    yield work(hours=2)
    reply = "经研判，核定程序和标准符合规定。如对结果有异议，可在六十日内向上级民政部门申请复核，我们可以协助您准备材料。"
    request = walk.ask(RequestKind.JUDGE_CLOSED, Asked(note="程序合规，已释明。", reply=reply), login="sun")
    yield work(hours=3)
    walk.decide("ling", request)


def _awaiting_triage(scene: Scene) -> Detour:
    walk = _Walk(scene, 16, "垃圾清运", "城市管理局")
    yield from walk.to_closed("垃圾车两天才来一次。", "已调整为每天清运一次。")
    record_callback(scene.by("lu"), walk.number, UNHAPPY, note="说昨天又没有来。")
    yield work(hours=2)
    triage_case(
        scene.by("sun"), walk.number, verdict=Triage.EXTENDED, note="重新排班，一周后再看。", amount=5, reply="将重新排班。"
    )


def _passed_on(scene: Scene) -> Detour:
    walk = _Walk(scene, 0, "厕所改造", "柳河镇")
    yield from walk.to_progress("户厕改造后堵了，没人来修。")
    sub_dispatch(scene.by("shi"), walk.number, sub_unit_ids=[scene.units["柳林村"]], note="请村里先上门查看。")
    yield duty(minutes=10)
    sign_case(scene.by("hua"), walk.number)
    yield work(hours=1)
    assign_handler(scene.by("tong"), walk.number, handler_id=scene.actors["liu"].id or 0)
    correct_case(scene.by("fang"), walk.number, note="是投诉维修不及时。", kind=Kind.COMPLAINT)


def _pressed(scene: Scene) -> Detour:
    walk = _Walk(scene, 1, "道路坑洼", "交通运输局")
    yield from walk.to_progress("桥头路面塌陷，晚上有人骑车摔倒。")
    urge_as_resident(scene.by_resident(walk.person.id), walk.number, words="快一点，天黑很危险。")
    yield work(hours=2)
    urge(scene.by("sun"), [walk.number], mode=PressMode.PHONE, words="请今天先设警示。")
    yield work(hours=3)
    order_supervision(scene.by("sun"), [walk.number], mode=PressMode.WRITTEN, words="请三日内修复并反馈。")
    yield work(hours=6)
    order = db.session.scalars(select(SupervisionOrder.id).order_by(SupervisionOrder.id.desc()).limit(1)).one()
    answer_order(scene.by("jiao"), walk.number, order, words="已设围挡和夜间警示灯，明日浇筑。")
    yield work(hours=1)
    raise_case(scene.by("sun"), walk.number, note="安全隐患未除，提级推动。")


def _whistled(scene: Scene) -> Detour:
    walk = _Walk(scene, 0, "沟渠灌溉", "柳河镇")
    yield from walk.to_progress("涵管塌了，水漫到路上。")
    units = [scene.units["水利局"], scene.units["交通运输局"]]
    calls = whistle(
        scene.by("liu"), walk.number, unit_ids=units, words="水漫道路，请到场会商。", place="柳林村村口涵管",
        point=Point(latitude=33.54, longitude=117.55, datum=Datum.WGS84), arrive_by=scene.at + timedelta(hours=3),
    )  # fmt: skip
    yield real(hours=1)
    here = Point(latitude=33.5405, longitude=117.5502, datum=Datum.WGS84)
    arrive(scene.by("shui"), walk.number, calls[0].id, point=here, note="已到现场")
    yield real(hours=1)
    assess_help(scene.by("liu"), walk.number, calls[0].id, helped=True, note="到场提出抢修方案。")
    assess_whistle(scene.by("shui"), walk.number, calls[0].id, justified=True, note="确需多部门会商。")


def _rescued(scene: Scene) -> Detour:
    walk = _Walk(scene, 1, "燃气泄漏", "住房和城乡建设局")
    walk.file("楼道里有很重的燃气味！")
    yield real(minutes=2)
    hand_to_emergency(scene.by("fang"), walk.number, service=EmergencyService.FIRE, note="三方通话移交消防。")
    yield real(minutes=18)
    confirm_arrival(scene.by("fang"), walk.number, note="消防已到场关阀，无人受伤。")
    walk.accept()
    yield real(minutes=5)
    walk.dispatch()
    yield real(minutes=10)
    walk.sign()
    yield real(minutes=20)
    walk.contact()


def _looked_at(scene: Scene) -> Detour:
    walk = _Walk(scene, 0, "路灯照明", "城市管理局")
    yield from walk.to_progress("村头两盏路灯一到下雨就跳闸。")
    walk.report("已更换防水接头，雨天不再跳闸。")
    yield work(hours=1)
    record_look(scene.by("zhou"), walk.number, solved=True, words="雨后去看过，两盏灯都亮。")
    yield work(hours=1)
    pass_result(scene.by("qin"), walk.number, note="网格员已现场查看。")


def _wrong_grid(scene: Scene) -> Detour:
    walk = _Walk(scene, 0, "垃圾清运", "城市管理局")
    walk.file("桥头的垃圾池满了好几天，没有人来运。")
    yield work(minutes=15)
    right, _ = scene.grids["柳林村二网格"]
    move_grid(scene.by("zhou"), walk.number, grid_id=right, note="桥头属于二网格。")


DETOURS: tuple[tuple[float, Callable[[Scene], Detour]], ...] = (
    (60, _suspended), (55, _extended), (12, _extension_awaited), (30, _returned), (44, _reassigned), (26, _refused),
    (70, _terminated), (33, _withdrawn), (20, _wish_refused), (28, _void), (16, _merged), (90, _reopened), (80, _excluded),
    (75, _judged), (50, _awaiting_triage), (24, _passed_on), (40, _pressed), (14, _whistled), (66, _rescued),
    (36, _looked_at), (9, _wrong_grid),
)  # fmt: skip
"""Each detour, and how many working hours before the end of the month it begins."""
