"""Keeps how the matters of the demo's month come in: by each channel's own command, as people or staff would file them."""

from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from app.core.stamp import Door
from app.demo.cast import DEPARTMENTS
from app.demo.grid_map import spot_in
from app.demo.places import SPOTS
from app.demo.plans import Plan
from app.demo.scene import Neighbour, Scene
from app.demo.topics import ELSEWHERE, UNFIT
from app.filings.commands import file_for
from app.filings.models import ConsentBy
from app.filings.rules import ConsentGiven, Filing
from app.ledger.intake.calls import log_call
from app.ledger.intake.own_report import Matter, report_own, report_unnamed
from app.ledger.intake.places import Point
from app.ledger.intake.registration import Registration, register
from app.ledger.vocabulary import CallOutcome, Channel, Kind, RequestKind
from app.people.identity import Person
from app.territory.datum import Datum, to_gcj02
from app.visits.commands import log_visit
from app.visits.models import VisitOutcome
from app.visits.rules import Need, VisitLog


@dataclass(frozen=True)
class Filed:
    """A case that was filed: its number, the claim code, and the resident if it is one who signs in."""

    number: str
    code: str | None
    signs_in: int | None = None


def words_for(plan: Plan, draw: Random) -> dict[str, str]:
    """Give every sentence of a case with its places and numbers filled in."""
    topic = plan.topic
    filled = {
        "spot": draw.choice(SPOTS[plan.village]),
        "days": draw.choice(("两", "三", "四", "五", "十")),
        "count": str(draw.randint(2, 6)),
        "hour": str(draw.randint(5, 10)),
    }
    place = draw.randrange(len(topic.bodies))
    ordered = {"title": topic.titles, "body": topic.bodies, "reply": topic.replies, "direct": topic.directs}
    parts = {name: texts[place % len(texts)] for name, texts in ordered.items()}
    parts |= {"question": topic.question, "supply": topic.supply, "contact": topic.contact, "note": topic.note}
    if plan.refuse is RequestKind.REDIRECT:
        parts["title"], parts["body"] = ELSEWHERE[plan.refusal][:2]
    elif plan.refuse is RequestKind.REJECT and not plan.refused:
        parts["title"], parts["body"] = UNFIT[plan.refusal][:2]
    return {name: text.format_map(filled) for name, text in parts.items()}


def file_case(scene: Scene, plan: Plan, words: dict[str, str]) -> Filed | None:
    """File a matter through its channel; gives None when it was answered on the spot and is closed."""
    who = scene.residents[plan.who % len(scene.residents)]
    match plan.channel:
        case Channel.MINI_PROGRAM:
            return _by_mini_program(scene, plan, words, who)
        case Channel.VISIT:
            return _by_visit(scene, plan, words)
        case Channel.PROXY:
            return _by_proxy(scene, plan, words)
        case _:
            return _by_desk(scene, plan, words, who)


def _by_mini_program(scene: Scene, plan: Plan, words: dict[str, str], who: Neighbour) -> Filed:
    matter = Matter(
        title=words["title"],
        body=words["body"],
        kind=plan.topic.kind,
        category_id=scene.categories[plan.topic.category],
        **_place(scene, plan),
        against_unit=_code(plan.against),
        confidential=plan.confidential and not plan.anonymous,
    )
    if plan.anonymous:
        receipt = report_unnamed(scene.by_nobody(), matter)
        return Filed(receipt.number, receipt.claim_code)
    receipt = report_own(scene.by_resident(who.id), matter)
    return Filed(receipt.number, None, signs_in=who.id)


def _place(scene: Scene, plan: Plan) -> dict[str, Any]:
    """Give where a matter is: three of four people mark it on the map of their phone, the others choose a grid."""
    grid = scene.grids[f"{plan.village}一网格"][1]
    if plan.seed % 4 == 0:
        return {"grid": grid}
    longitude, latitude = spot_in(grid, Random(plan.seed))  # noqa: S311 (a place for a demo, the same every time)
    latitude, longitude = to_gcj02(latitude, longitude)
    return {"point": Point(latitude=latitude, longitude=longitude, datum=Datum.GCJ02)}


def _code(unit: str | None) -> str | None:
    return None if unit is None else f"990101D{DEPARTMENTS.index(unit) + 1:02d}"


def _by_visit(scene: Scene, plan: Plan, words: dict[str, str]) -> Filed | None:
    """Log a visit; every second one has a further need that is answered on the spot, and one that is answered has no other."""
    login = {"柳林村": "zhou", "河湾村": "zhao"}[plan.village]
    stamp = scene.by(login, Door.GRID)
    category = scene.categories[plan.topic.category]
    need = Need(title=words["title"], body=words["body"], kind=plan.topic.kind, category_id=category)
    told = Need(
        title="养老金怎么认证",
        body="问老人不会用手机，养老金认证怎么办。",
        kind=Kind.CONSULTATION,
        category_id=scene.categories["养老保险"],
        answer="当场用手机帮老人做了认证，告诉家里以后每年提醒一次。",
    )
    if plan.direct:
        needs: tuple[Need, ...] = (Need(**vars(need) | {"answer": words["direct"]}),)
    else:
        needs = (need, told) if plan.seed % 2 else (need,)
    household = ("郑守田", "林秀英")[plan.seed % 4] if plan.village == "柳林村" and plan.seed % 4 < 2 else None
    log = VisitLog(
        key=UUID(int=plan.seed, version=4),
        outcome=VisitOutcome.MET,
        visited_at=stamp.at,
        phone_at=stamp.at,
        household_id=scene.households[household] if household else None,
        grid=None if household else scene.grids[f"{plan.village}一网格"][1],
        person=None if household else Person(name=scene.residents[plan.who].name, phone=scene.residents[plan.who].phone),
        findings="家中有人，水电正常，已提醒冬季用电用煤安全。",
        needs=needs,
    )
    logged = log_visit(stamp, log)
    opened = [each for each in logged.needs if not each.answered]
    return Filed(opened[0].number, opened[0].claim_code) if opened else None


def _by_proxy(scene: Scene, plan: Plan, words: dict[str, str]) -> Filed:
    """File for an old neighbour, 郑守田, or another of the village."""
    old = ("郑守田", "05570000001")
    others = [(each.name, each.phone) for each in scene.residents if each.village == plan.village][2:]
    name, phone = old if plan.seed % 2 or not others else others[plan.seed % len(others)]
    filing = Filing(
        person=Person(name=name, phone=phone),
        consent=ConsentGiven(
            method=ConsentBy.SPOKEN,
            witness="周格",
            evidence="授权书一份，存村委会档案柜" if plan.seed % 3 else None,
        ),
        title=words["title"],
        body=words["body"],
        kind=plan.topic.kind,
        category_id=scene.categories[plan.topic.category],
        grid=scene.grids[f"{plan.village}一网格"][1],
        confidential=plan.confidential,
        against_unit=_code(plan.against),
        reason="本人不会用手机，请村里代办",
    )
    filed = file_for(scene.by("wu", Door.GRID), filing)
    return Filed(filed.number, filed.claim_code)


def _by_desk(scene: Scene, plan: Plan, words: dict[str, str], who: Neighbour) -> Filed:
    stamp = scene.by("fang" if plan.seed % 2 else "ding")
    call = None
    if plan.channel is Channel.HOTLINE:
        call = log_call(stamp, at=stamp.at, outcome=CallOutcome.REGISTERED, number=who.phone, recording=f"rec-{plan.seed}").id
    known = plan.channel not in (Channel.PATROL, Channel.LEADER)
    filed = register(
        stamp,
        Registration(
            channel=plan.channel,
            title=words["title"],
            body=words["body"],
            kind=plan.topic.kind,
            category_id=scene.categories[plan.topic.category],
            grid=scene.grids[f"{plan.village}一网格"][1],
            name=who.name if known else None,
            phone=who.phone if known else None,
            confidential=plan.confidential,
            against_unit=_code(plan.against),
            upstream_number=f"SJ{plan.seed}" if plan.channel is Channel.UPSTREAM_12345 else None,
            call_id=call,
        ),
    )
    return Filed(filed.number, filed.claim_code)
