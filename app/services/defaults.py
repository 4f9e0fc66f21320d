"""Keeps a dozen items with which a catalogue may begin: generally true, to be replaced by the county's own words."""

from collections.abc import Sequence
from typing import Any

from app.core.stamp import Stamp
from app.ledger.terms import HoursKind, Term, Unit
from app.services.catalogue import Draft, Known, Material, Station, known, unfit, write_item
from app.services.models import ItemKind, Taker
from app.territory.models import Level

CALL_BACK = "call_back"
"""The item of which the order is made that asks to call somebody back who hung up."""

_ID = Material(name="居民身份证", form="原件核验")
_BOOK = Material(name="户口簿", form="复印件")
_PHOTO = Material(name="近期一寸免冠照片", form="纸质", copies=2)
_BANK = Material(name="社会保障卡或银行卡", form="复印件")
_OFFICE = "工作日 8:30—12:00、14:30—17:30"
_HALL = "村（社区）便民服务点，或乡镇便民服务中心"
_NEIGHBOURS = (Taker.UNIT, Taker.VOLUNTEER, Taker.PARTY_MEMBER)


def _days(amount: int) -> Term:
    return Term(amount, Unit.WORKING_DAY, HoursKind.WORK)


def _minutes(amount: int) -> Term:
    return Term(amount, Unit.MINUTE, HoursKind.ALWAYS)


def _three(county: str | None, days: tuple[int, int, int]) -> tuple[Station, ...]:
    """Give the three stations of a matter: taken up in the village, looked through by the township, decided at the county."""
    first = (
        Station(name="村（社区）受理", level=Level.VILLAGE, term=_days(days[0])),
        Station(name="乡镇审核", level=Level.TOWNSHIP, term=_days(days[1])),
    )
    level = None if county else Level.COUNTY
    return (*first, Station(name="县级审批", term=_days(days[2]), unit=county, level=level))


def drafts(units: dict[str, str]) -> list[Draft]:
    """Give the items; `units` names the departments that answer for them: `civil_affairs`, `health`, `insurance`."""
    civil, health, insurance = (units.get(name) for name in ("civil_affairs", "health", "insurance"))
    apply = ("提出申请，提交材料", "村（社区）受理并核对", "乡镇审核", "县级审批，告知结果")
    handled: dict[str, Any] = {"kind": ItemKind.HANDLING, "where_to": _HALL, "when_to": _OFFICE}
    ask = ("点单", "接单人联系您", "上门服务", "请您评价")
    near: dict[str, Any] = {"takers": _NEIGHBOURS, "steps": ask, "where_to": "上门服务", "theme": "邻里互助"}
    return [
        Draft(
            code="old_age_allowance",
            name="高龄津贴申请",
            theme="民政",
            category="民政/养老服务/高龄津贴",
            unit=civil,
            tags=("over_80",),
            min_age=80,
            term=_days(5),
            stations=_three(civil, (1, 2, 2)),
            steps=apply,
            materials=(_ID, _BOOK, _BANK),
            basis="《中华人民共和国老年人权益保障法》第三十三条",
            **handled,
        ),
        Draft(
            code="minimum_living",
            name="最低生活保障申请",
            theme="民政",
            category="民政/社会救助/低保",
            unit=civil,
            term=_days(20),
            stations=_three(civil, (3, 12, 5)),
            steps=("提出申请，授权核对家庭经济状况", "入户调查", "民主评议和公示", "审核确认"),
            materials=(_ID, _BOOK, Material(name="家庭经济状况核对授权书")),
            basis="《社会救助暂行办法》第二章",
            **handled,
        ),
        Draft(
            code="chronic_clinic",
            name="门诊慢特病待遇认定",
            theme="卫生健康",
            category="卫生健康/医疗/家庭医生",
            unit=health,
            tags=("chronic_illness", "severe_illness"),
            term=_days(5),
            stations=_three(health, (1, 2, 2)),
            steps=apply,
            materials=(_ID, Material(name="诊断证明和近期病历", form="复印件")),
            basis="县医疗保障经办规程",
            **handled,
        ),
        Draft(
            code="pension_check",
            name="养老保险待遇资格认证帮办",
            theme="社保",
            kind=ItemKind.ERRAND,
            tags=("over_60",),
            min_age=60,
            category="劳动社保/社会保险/养老保险",
            term=_days(2),
            takers=_NEIGHBOURS,
            materials=(_ID,),
            steps=("上门或视频核对", "手机认证", "告知结果"),
            where_to="上门帮办",
            basis="《社会保险法》",
        ),
        Draft(
            code="pension_enrol",
            name="城乡居民养老保险参保登记",
            theme="社保",
            category="劳动社保/社会保险/养老保险",
            unit=insurance,
            term=_days(3),
            stations=_three(insurance, (1, 1, 1)),
            steps=apply,
            materials=(_ID, _BOOK),
            basis="《社会保险法》第二十二条",
            **handled,
        ),
        Draft(
            code="disability_subsidy",
            name="残疾人两项补贴申请",
            theme="民政",
            category="民政/社会救助/低保",
            unit=civil,
            tags=("disabled",),
            term=_days(10),
            stations=_three(civil, (2, 4, 4)),
            steps=apply,
            basis="国务院关于全面建立困难残疾人生活补贴和重度残疾人护理补贴制度的意见",
            materials=(_ID, Material(name="残疾人证", form="复印件"), _BANK, _PHOTO),
            **handled,
        ),
        Draft(
            code="accompany_doctor",
            name="老年人就医陪护",
            kind=ItemKind.ERRAND,
            category="卫生健康/医疗/家庭医生",
            tags=("over_60",),
            min_age=60,
            term=Term(24, Unit.HOUR, HoursKind.ALWAYS),
            when_to="每天 7:00—18:00",
            **near,
        ),
        Draft(
            code="home_repair",
            name="家电和水电维修帮办",
            kind=ItemKind.ERRAND,
            category="城乡建设/住房/小区物业",
            term=Term(24, Unit.HOUR, HoursKind.ALWAYS),
            fee="上门免费，更换零件按成本价",
            when_to="每天 8:00—20:00",
            **near,
        ),
        Draft(
            code="haircut",
            name="上门理发",
            kind=ItemKind.ERRAND,
            category="民政/养老服务/高龄津贴",
            tags=("over_80", "disabled"),
            term=_days(3),
            when_to="每周一次集中上门",
            **near,
        ),
        Draft(
            code="fetch_parcel",
            name="代取快递、代买代办",
            kind=ItemKind.ERRAND,
            category="民政/养老服务/高龄津贴",
            term=Term(8, Unit.HOUR, HoursKind.DUTY),
            when_to="每天 8:00—18:00",
            **near,
        ),
        Draft(
            code="medicine",
            name="送药上门",
            kind=ItemKind.SUPPLY,
            category="卫生健康/医疗/家庭医生",
            term=_minutes(30),
            fee="药费自付，配送免费",
            when_to="全天",
            **near,
        ),
        Draft(
            code="necessities",
            name="应急生活物资配送",
            kind=ItemKind.SUPPLY,
            category="民政/社会救助/低保",
            term=_minutes(30),
            fee="物资按成本价，配送免费",
            when_to="全天",
            **near,
        ),
        Draft(
            code=CALL_BACK,
            name="未接来电回拨",
            kind=ItemKind.SUPPLY,
            category="民政/养老服务/高龄津贴",
            theme="村级热线",
            term=_minutes(5),
            steps=("回拨来电号码", "问清需要", "登记或当场答复"),
            when_to="全天",
            where_to="村级热线",
        ),
    ]


def seed_services(stamp: Stamp, items: Sequence[Draft]) -> int:
    """Store the items that name nothing unknown and are not there yet; give how many were written."""
    there: Known = known()
    return sum(write_item(stamp, item, there) for item in items if not unfit(item, there))
