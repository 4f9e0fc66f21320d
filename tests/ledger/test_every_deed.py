"""Every deed that chance throws in `test_whole_life` is done at least once, at the end of a road that leads to where it fits."""

from dataclasses import dataclass
from random import Random

import pytest
from sqlalchemy import select

from app.core.database import db
from app.core.errors import Refusal
from app.core.stamp import Actor, ActorKind, Door, Role, Stamp
from app.demo.cast import Cast, find_cast
from app.filings.commands import file_for
from app.filings.homes.asking import HomeAsked, ask_home
from app.filings.homes.coming import take_home_request
from app.filings.models import ConsentBy
from app.filings.rules import ConsentGiven, Filing
from app.ledger.callbacks.answers import Verdict, rate_case
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case, ask_info
from app.ledger.deadlines import is_open
from app.ledger.disputes.commands import dispute_consent
from app.ledger.emergencies import hand_to_emergency
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_assist, submit_result
from app.ledger.intake.submission import Submission
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.joining import merge_cases
from app.ledger.merging.publishing import publish_case
from app.ledger.models import Case
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.models import Request
from app.ledger.rounds.reopening import reopen_case
from app.ledger.vocabulary import Channel, EmergencyService, Kind, RequestKind, Satisfaction
from app.ledger.whistles.arrivals import arrive
from app.ledger.whistles.blowing import whistle
from app.ledger.whistles.models import WhistleCall
from app.people.identity import Person
from app.people.sessions import staff_actor
from app.services.ordering import Wanted, order_own
from app.services.taking import pass_station, take_order
from tests.conftest import MONDAY
from tests.ledger.deeds import DEEDS
from tests.ledger.test_whole_life import check_case, check_ledger

DICE = 200
"""So many dice are thrown for a deed's arguments; where it fits, a few do."""

ROADS = {
    "supplements": ("submitted", "lin"),
    "asks_for_information": ("submitted", "fang"),
    "supplies_information": ("info_requested", "lin"),
    "accepts": ("submitted", "fang"),
    "answers": ("submitted", "fang"),
    "dispatches": ("accepted", "du"),
    "signs": ("dispatched", "he"),
    "contacts": ("signed", "he"),
    "reports_assist": ("signed", "gong"),
    "reports_result": ("contacted", "he"),
    "passes": ("under_review", "qin"),
    "sends_back": ("under_review", "qin"),
    "cannot_reach": ("awaiting_callback", "lu"),
    "calls_back": ("awaiting_callback", "lu"),
    "rates": ("awaiting_callback", "lin"),
    "confirms_upstream": ("awaiting_upstream", "fang"),
    "asks_to_reject": ("accepted", "fang"),
    "asks_to_redirect": ("accepted", "fang"),
    "asks_to_return": ("dispatched", "he"),
    "asks_to_reassign": ("signed", "du"),
    "asks_to_support": ("signed", "he"),
    "asks_to_extend": ("signed", "he"),
    "asks_to_suspend": ("contacted", "he"),
    "asks_to_terminate": ("signed", "he"),
    "asks_to_exclude": ("signed", "he"),
    "asks_to_void": ("submitted", "fang"),
    "asks_to_judge_closed": ("triage", "sun"),
    "decides": ("asked", "sun"),
    "takes_a_request_back": ("asked", "he"),
    "resumes": ("suspended", "he"),
    "triages": ("triage", "sun"),
    "reopens": ("closed", "lin"),
    "settles": ("answered twice", "sun"),
    "withdraws": ("accepted", "lin"),
    "passes_on": ("at the township", "shi"),
    "names_a_handler": ("signed", "gao"),
    "raises_a_level": ("signed", "sun"),
    "corrects": ("accepted", "du"),
    "finds_the_grid_wrong": ("accepted", "zhou"),
    "calls_rescue": ("submitted", "fang"),
    "confirms_rescue": ("rescue", "fang"),
    "urges": ("signed", "sun"),
    "orders": ("signed", "sun"),
    "merges": ("two", "du"),
    "takes_apart": ("merged", "du"),
    "links_what_comes_back": ("closed before", "du"),
    "publishes": ("signed", "sun"),
    "says_me_too": ("published", "chen"),
    "whistles_or_takes_it_back": ("accepted", "wu"),
    "checks_in": ("whistled", "he"),
    "judges_a_whistle": ("arrived", "he"),
    "hears_a_wish_to_withdraw": ("accepted", "fang"),
    "upstream_sets_another_moment": ("from upstream", "du"),
    "takes_an_order": ("ordered", "wu"),
    "gives_an_order_back": ("order taken", "wu"),
    "passes_a_station": ("order taken", "wu"),
    "returns_a_station": ("order passed on", "liu"),
    "finishes_an_order": ("order at its last station", "min"),
    "hands_on_in_the_village": ("at the village", "hua"),
    "disputes_consent": ("filed for", "zheng"),
    "rules_on_consent": ("disputed", "sun"),
    "reissues_a_code": ("filed for", "wu"),
    "takes_a_home_request": ("home asked", "wu"),
    "declines_a_home_request": ("home asked", "zhou"),
    "answers_at_home": ("home taken", "wu"),
    "gives_a_home_request_back": ("home taken", "wu"),
}
"""Each deed with the stage at which it is done, and by whom."""


@dataclass
class Road:
    """A case on its way, led by the cast; `other` is a second one where the stage needs two."""

    cast: Cast
    clock: object
    number: str = ""
    other: str = ""

    def as_of(self, who: str) -> Stamp:
        if who in self.cast.residents:
            return Stamp(Actor(ActorKind.RESIDENT, self.cast.residents[who].id), Role.RESIDENT, self.clock(), Door.MINI_PROGRAM)
        actor = staff_actor(self.cast.staff[who].id)
        return Stamp(actor, actor.posts[0].role, self.clock(), Door.DESK)

    def begin(self, *, upstream: bool = False, filer: str = "lin") -> str:
        lin = self.cast.residents[filer].id
        said = {"kind": Kind.COMPLAINT, "body": "路灯不亮，晚上看不见路", "concerned_id": lin}
        if upstream:
            stamp = self.as_of("fang")
            said |= {"channel": Channel.UPSTREAM_12345, "upstream_number": "SJ1", "filer_staff_id": stamp.actor.id}
        else:
            stamp = self.as_of(filer)
            said |= {"channel": Channel.MINI_PROGRAM, "filer_resident_id": lin}
        return take_in(stamp, Submission(**said)).number

    def file_for_zheng(self) -> str:
        consent = ConsentGiven(method=ConsentBy.SPOKEN, witness="赵婶")
        zheng = Person(name="郑守田", phone="05570000001")
        grid = self.cast.grids["柳林村一网格"].code
        return file_for(self.as_of("wu"), Filing(person=zheng, consent=consent, body="高龄津贴没有到账", grid=grid)).number

    def accept(self, number: str) -> None:
        grid, category = self.cast.grids["柳林村一网格"].id, self.cast.categories["路灯照明"]
        accept_case(self.as_of("fang"), number, kind=Kind.COMPLAINT, category_id=category, grid_id=grid)

    def finish(self, number: str, *, satisfaction: Satisfaction) -> None:
        """Lead an accepted case to the word of the person concerned."""
        self.dispatch(number)
        self.handle(number, "he")
        submit_result(self.as_of("he"), number, reply="已换灯头。", note="更换灯头", solved=True, without_assists="已够")
        pass_result(self.as_of("qin"), number, note="核验通过")
        word = Verdict(contacted=True, solved=satisfaction is Satisfaction.SATISFIED, satisfaction=satisfaction)
        rate_case(self.as_of("lin"), number, word, words="知道了")

    def dispatch(self, number: str, lead: str = "城市管理局") -> None:
        units = self.cast.units
        dispatch_case(self.as_of("du"), number, lead_unit_id=units[lead].id, assist_unit_ids=[units["供水公司"].id])

    def handle(self, number: str, who: str) -> None:
        sign_case(self.as_of(who), number)
        record_contact(self.as_of(who), number, how="phone", note="已联系")

    def order(self, stage: str) -> None:
        """Order a service and lead it through as many of its three stations as the stage asks for."""
        self.number = order_own(
            self.as_of("lin"), Wanted(item="old_age_allowance", grid=self.cast.grids["柳林村一网格"].code)
        ).number
        if stage == "ordered":
            return
        take_order(self.as_of("wu"), self.number)
        for who in {"order taken": (), "order passed on": ("wu",), "order at its last station": ("wu", "liu")}[stage]:
            pass_station(self.as_of(who), self.number, words="本站办完")

    def lead_to(self, stage: str) -> None:
        """Lead a case to a stage; every stage begins with a report, or an order."""
        if stage.startswith("order"):
            self.order(stage)
            return
        self.number = self.begin(upstream=stage in ("awaiting_upstream", "from upstream"))
        match stage:
            case "submitted":
                return
            case "filed for" | "disputed":
                self.number = self.file_for_zheng()
                if stage == "disputed":
                    dispute_consent(self.as_of("zheng"), self.number, words="我没有委托")
                return
            case "home asked" | "home taken":
                grid = self.cast.grids["柳林村一网格"].code
                self.number = ask_home(self.as_of("lin"), HomeAsked(what="请上门代办", grid=grid, place="家")).number
                if stage == "home taken":
                    take_home_request(self.as_of("wu"), self.number)
                return
            case "info_requested":
                ask_info(self.as_of("fang"), self.number, question="请说明具体位置")
                return
            case "rescue":
                hand_to_emergency(self.as_of("fang"), self.number, service=EmergencyService.POLICE, note="三方通话移交")
                return
        self.accept(self.number)
        match stage:
            case "accepted" | "from upstream":
                return
            case "two" | "merged":
                self.other = self.begin(filer="chen")
                self.accept(self.other)
                if stage == "merged":
                    merge_cases(self.as_of("du"), self.number, numbers=[self.other])
                    self.number = self.other
                return
            case "whistled" | "arrived":
                whistle(self.as_of("wu"), self.number, unit_ids=[self.cast.units["城市管理局"].id], words="请到场", place="村口")
                if stage == "arrived":
                    arrive(self.as_of("he"), self.number, db.session.scalars(select(WhistleCall.id)).one())
                return
            case "triage":
                self.finish(self.number, satisfaction=Satisfaction.DISSATISFIED)
                return
            case "closed" | "awaiting_upstream":
                self.finish(self.number, satisfaction=Satisfaction.SATISFIED)
                return
            case "closed before":
                self.finish(self.number, satisfaction=Satisfaction.SATISFIED)
                self.number = self.begin()
                self.accept(self.number)
                return
            case "answered twice":
                self.finish(self.number, satisfaction=Satisfaction.SATISFIED)
                reopen_case(self.as_of("lin"), self.number, words="又坏了")
                self.finish(self.number, satisfaction=Satisfaction.SATISFIED)
                return
            case "at the village":
                self.dispatch(self.number, "柳林村")
                return
            case "at the township":
                self.dispatch(self.number, "柳河镇")
                sign_case(self.as_of("liu"), self.number)
                return
        self.dispatch(self.number)
        if stage == "dispatched":
            return
        sign_case(self.as_of("he"), self.number)
        sign_case(self.as_of("gong"), self.number)
        match stage:
            case "signed":
                return
            case "published":
                publish_case(self.as_of("sun"), self.number, title="路灯不亮", summary="正在办理。")
                return
            case "asked" | "suspended":
                record_contact(self.as_of("he"), self.number, how="phone", note="已联系")
                wanted = Asked(
                    note="等材料", reason_code="engineering", evidence="施工计划", review_on=self.clock().date().replace(day=30)
                )
                given = ask(self.as_of("he"), self.number, RequestKind.SUSPEND, wanted)
                if stage == "suspended":
                    pending = db.session.scalars(select(Request.id)).one()
                    decide_request(self.as_of("sun"), self.number, pending, Decision(approve=True, note="同意"))
                assert given is not None
                return
        record_contact(self.as_of("he"), self.number, how="phone", note="已联系")
        if stage == "contacted":
            return
        submit_assist(self.as_of("gong"), self.number, note="已配合")
        submit_result(self.as_of("he"), self.number, reply="已换灯头。", note="更换灯头", solved=True)
        if stage == "under_review":
            return
        assert stage == "awaiting_callback", stage
        pass_result(self.as_of("qin"), self.number, note="核验通过")


@pytest.fixture
def road(app, clock) -> Road:
    clock.move_to(MONDAY)
    return Road(find_cast(), clock)


def test_every_deed_has_its_road():
    assert set(ROADS) == {deed.name for deed in DEEDS}


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_a_deed_is_done_where_it_fits_and_what_must_hold_holds(road, deed):
    stage, who = ROADS[deed.name]
    road.lead_to(stage)
    case = db.session.scalars(select(Case).where(Case.number == road.number)).one()
    before = case.entry_count
    refused: set[str] = set()
    for dice in range(DICE):
        nested = db.session.begin_nested()
        try:
            deed.act(road.as_of(who), case, Random(dice), road.cast)
        except Refusal as refusal:
            nested.rollback()
            refused.add(refusal.code())
        else:
            nested.commit()
            break
    else:
        pytest.fail(f"refused with every dice: {refused}")
    db.session.flush()
    assert case.entry_count > before
    for each in db.session.scalars(select(Case)):
        clocks = db.session.scalars(select(Deadline).where(Deadline.case_id == each.id))
        check_case(each, [clock for clock in clocks if is_open(clock)])
    check_ledger(road.clock())
