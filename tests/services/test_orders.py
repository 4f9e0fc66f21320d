"""Orders: made at once, taken by exactly one, walked from station to station, each with a clock of its own."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core.clock import CHINA
from app.core.database import db
from app.core.errors import Refusal
from app.core.held import forget_all
from app.core.stamp import Door, Role, Stamp
from app.ledger.callbacks.answers import Verdict, rate_case
from app.ledger.clocks import Deadline
from app.ledger.county import CountySetting
from app.ledger.handling import pass_result, send_back
from app.ledger.models import Case, Entry
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.models import Request
from app.ledger.requests.suspensions import resume_case
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.sweep import sweep
from app.ledger.terms import HoursKind, Term, Unit
from app.ledger.vocabulary import Action, Clock, RequestKind, RequestState, Satisfaction, State
from app.notices.models import Notice
from app.people.identity import verify_accesses
from app.people.models import IdentityAccess, Staff
from app.people.sessions import staff_actor
from app.services.catalogue import Draft, Material, Station, put_item, show_item
from app.services.duties import put_service_duty
from app.services.models import ItemKind, ServiceOrder, ServiceStation
from app.services.ordering import Wanted, order_for, order_own
from app.services.queries import open_orders, orders_page, own_orders, show_order, taken_orders
from app.services.taking import contact_of, finish_order, give_back, note_contact, pass_station, return_station, take_order
from app.territory.models import Level
from tests.counting import statements


def china(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=CHINA)


def case_of(number: str) -> Case:
    db.session.flush()
    db.session.expire_all()
    return db.session.scalars(select(Case).where(Case.number == number)).one()


def clocks(number: str, clock: Clock) -> list[Deadline]:
    return list(
        db.session.scalars(
            select(Deadline).where(Deadline.case_id == case_of(number).id, Deadline.clock == clock).order_by(Deadline.id)
        )
    )


def told(template: str) -> list[int]:
    return list(db.session.scalars(select(Notice.recipient_id).where(Notice.template == template).order_by(Notice.id)))


def test_an_order_needs_no_dispatcher(lin, cast):
    made = order_own(lin(), Wanted(item="medicine", words="降压药一盒", place="一组 15 号"))
    case = case_of(made.number)
    assert (case.kind, case.state, case.lead_unit.name, made.claim_code) == ("service", State.DISPATCHED, "柳林村", None)
    assert told("service_offered") == [cast.staff["wu"].id]
    order = db.session.scalars(select(ServiceOrder)).one()
    assert b"15" not in order.place


def test_three_stations_walk_over_a_weekend(lin, cast, as_staff, clock):
    """Monday 23 November: a day in the village, two at the township, two at the county; the weekend does not count."""
    made = order_own(lin(), Wanted(item="old_age_allowance"))
    (first,) = clocks(made.number, Clock.STATION)
    assert (first.label, first.due_at.astimezone(CHINA), first.owner_staff_id) == (
        "村（社区）受理",
        china(2026, 11, 24, 17, 30),
        cast.staff["wu"].id,
    )
    (whole,) = clocks(made.number, Clock.RESOLVE)
    assert whole.due_at.astimezone(CHINA) == china(2026, 11, 30, 17, 30)
    clock.move_to(china(2026, 11, 24, 10))
    take_order(as_staff("wu"), made.number)
    pass_station(as_staff("wu"), made.number, words="材料齐全")
    second = clocks(made.number, Clock.STATION)[-1]
    assert (second.label, second.due_at.astimezone(CHINA)) == ("乡镇审核", china(2026, 11, 26, 17, 30))
    clock.move_to(china(2026, 11, 27, 10))
    return_station(as_staff("liu"), made.number, reason="缺银行卡复印件")
    assert clocks(made.number, Clock.STATION)[1].breached_at is not None
    pass_station(as_staff("wu"), made.number, words="已补")
    pass_station(as_staff("liu"), made.number, words="审核通过")
    last = clocks(made.number, Clock.STATION)[-1]
    assert (last.label, last.due_at.astimezone(CHINA), len(clocks(made.number, Clock.STATION))) == (
        "县级审批",
        china(2026, 12, 1, 17, 30),
        5,
    )
    finish_order(as_staff("min"), made.number, reply="已批准，下月起发放。", note="系统已录入")
    case = case_of(made.number)
    assert (case.state, case.unit_solved) == (State.UNDER_REVIEW, True)
    assert all(each.met_at for each in clocks(made.number, Clock.STATION))
    send_back(as_staff("qin"), made.number, note="缺公示照片")
    assert clocks(made.number, Clock.STATION)[-1].met_at is None
    finish_order(as_staff("min"), made.number, reply="已批准，下月起发放。")
    pass_result(as_staff("qin"), made.number, note="核对无误")
    rate_case(lin(), made.number, Verdict(contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED), words="好")
    assert case_of(made.number).state is State.CLOSED


def test_the_new_year_holiday_does_not_count(lin, clock):
    clock.move_to(china(2026, 12, 31, 9))
    made = order_own(lin(), Wanted(item="old_age_allowance"))
    (first,) = clocks(made.number, Clock.STATION)
    assert first.due_at.astimezone(CHINA) == china(2027, 1, 4, 17, 30)


def test_a_late_station_is_breached_by_the_sweep_and_its_owner_told(lin, cast, as_system, clock):
    made = order_own(lin(), Wanted(item="old_age_allowance"))
    clock.move_to(china(2026, 11, 25, 8))
    sweep(as_system)
    assert clocks(made.number, Clock.STATION)[0].breached_at is not None
    facts = db.session.scalars(
        select(Entry.facts).where(Entry.case_id == case_of(made.number).id, Entry.action == Action.BREACH_CLOCK)
    ).all()
    assert "station" in [each["clock"] for each in facts]
    assert cast.staff["wu"].id in told("breach_clock")


def test_a_minute_clock_is_spoken_of_at_once(lin, cast, as_system, clock):
    made = order_own(lin(), Wanted(item="medicine"))
    (station,) = clocks(made.number, Clock.STATION)
    assert station.due_at - station.starts_at == timedelta(minutes=30)
    (sign,) = clocks(made.number, Clock.SIGN)
    assert sign.due_at - sign.starts_at == timedelta(minutes=15)
    clock.advance(minutes=31)
    sweep(as_system)
    (station,) = clocks(made.number, Clock.STATION)
    assert station.breached_at is not None
    at_once = select(Notice.recipient_id).where(
        Notice.template == "breach_clock", Notice.digest.is_(False), Notice.params["clock"].astext == "办理"
    )
    assert cast.staff["wu"].id in db.session.scalars(at_once).all()


def test_a_minute_clock_runs_at_night(lin, clock):
    clock.move_to(china(2026, 11, 29, 2, 30))
    made = order_own(lin(), Wanted(item="medicine"))
    assert clocks(made.number, Clock.STATION)[0].due_at.astimezone(CHINA) == china(2026, 11, 29, 3)


def test_an_order_keeps_the_version_it_was_made_with(lin, as_staff):
    made = order_own(lin(), Wanted(item="old_age_allowance"))
    a_day = Term(1, Unit.WORKING_DAY, HoursKind.WORK)
    draft = Draft(
        code="old_age_allowance",
        name="高龄津贴",
        kind=ItemKind.HANDLING,
        category="高龄津贴",
        term=a_day,
        materials=(Material(name="身份证"),),
        stations=(Station(name="一站办", level=Level.VILLAGE, term=a_day),),
    )
    assert put_item(as_staff("admin"), draft).version == 2
    assert put_item(as_staff("admin"), draft).version == 2
    shown = show_order(lin(), made.number)
    assert (shown.version, shown.name, shown.ahead) == (1, "高龄津贴申请", ["乡镇审核", "县级审批"])
    take_order(as_staff("wu"), made.number)
    with pytest.raises(Refusal) as refused:
        finish_order(as_staff("wu"), made.number, reply="办好了")
    assert refused.value.code() == "not_last_station"
    assert show_item("old_age_allowance").stations[0].name == "一站办"


def test_a_volunteer_takes_serves_and_sees_whom_only_then(lin, volunteer, cast, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine", words="给林秀英送降压药", place="一组 15 号"))
    assert told("service_open") == [bai().actor.id]
    (open_one,) = open_orders(bai(), cursor=None, limit=10).items
    assert open_one.number == made.number
    assert "秀英" not in repr(open_one)
    assert "15" not in repr(open_one.grid_name)
    for peek in (lambda: show_order(bai(), made.number), lambda: contact_of(bai(), made.number)):
        with pytest.raises(Refusal) as refused:
            peek()
        assert refused.value.code() in ("service_order_not_found", "not_your_order")
    take_order(bai(), made.number)
    seen = contact_of(bai(), made.number)
    assert (seen.name, seen.phone, seen.place) == ("林秀英", "13800000001", "一组 15 号")
    assert open_orders(bai(), cursor=None, limit=10).items == []
    assert [each.number for each in taken_orders(bai(), cursor=None, limit=10).items] == [made.number]
    finish_order(bai(), made.number, reply="药已送到。")
    with pytest.raises(Refusal) as refused:
        contact_of(bai(), made.number)
    assert refused.value.code() == "service_order_not_open"


def test_a_taker_may_not_rate(lin, volunteer, as_staff):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    finish_order(bai(), made.number, reply="药已送到。")
    pass_result(as_staff("qin"), made.number, note="核对无误")
    verdict = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.VERY_SATISFIED)
    with pytest.raises(Refusal) as refused:
        rate_case(bai(), made.number, verdict, words="很好")
    assert refused.value.code() == "case_not_found"


@pytest.mark.parametrize("who", ["another village", "no volunteer", "expired"])
def test_who_is_no_volunteer_of_the_village_finds_nothing(lin, volunteer, as_resident, who):
    stranger = {
        "another village": volunteer("河湾村一网格"),
        "no volunteer": lambda: as_resident("chen"),
        "expired": volunteer(until=date(2026, 11, 22)),
    }[who]()
    made = order_own(lin(), Wanted(item="medicine"))
    assert open_orders(stranger, cursor=None, limit=10).items == []
    for deed in (take_order, contact_of):
        with pytest.raises(Refusal) as refused:
            deed(stranger, made.number)
        assert refused.value.code() == "service_order_not_found"
    with pytest.raises(Refusal) as missing:
        take_order(stranger, "2026112300000007")
    assert (missing.value.code(), missing.value.detail) == (refused.value.code(), refused.value.detail)


@pytest.mark.parametrize("login", ["zhao", "he", "shui"])
def test_staff_of_elsewhere_find_nothing(lin, as_staff, login):
    made = order_own(lin(), Wanted(item="medicine"))
    for deed in (take_order, show_order, contact_of):
        with pytest.raises(Refusal) as refused:
            deed(as_staff(login), made.number)
        assert refused.value.code() == "service_order_not_found"


def test_nobody_takes_their_own_order(lin, volunteer):
    bai = volunteer()
    made = order_own(bai(), Wanted(item="medicine"))
    with pytest.raises(Refusal) as refused:
        take_order(bai(), made.number)
    assert refused.value.code() == "own_order"
    assert open_orders(bai(), cursor=None, limit=10).items == []
    assert [each.number for each in own_orders(bai(), cursor=None, limit=10).items] == [made.number]


def test_what_is_given_back_is_open_again_and_its_clock_runs_on(lin, volunteer, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    (before,) = clocks(made.number, Clock.SIGN)
    clock.advance(minutes=3)
    take_order(bai(), made.number)
    with pytest.raises(Refusal) as refused:
        give_back(volunteer("柳林村一网格")(), made.number, reason="替他退")
    assert refused.value.code() == "not_your_order"
    clock.advance(minutes=3)
    give_back(bai(), made.number, reason="车坏了")
    (after,) = clocks(made.number, Clock.SIGN)
    assert (after.id, after.due_at, after.met_at) == (before.id, before.due_at, None)
    assert case_of(made.number).state is State.DISPATCHED
    assert [each.number for each in open_orders(bai(), cursor=None, limit=10).items] == [made.number]
    with pytest.raises(Refusal):
        contact_of(bai(), made.number)


def test_staff_who_take_an_order_own_its_clocks_until_they_give_it_back(lin, as_staff, cast, clock):
    made = order_own(lin(), Wanted(item="medicine"))
    clock.advance(minutes=2)
    take_order(as_staff("zhou"), made.number)
    owners = {each.owner_staff_id for each in (*clocks(made.number, Clock.STATION), *clocks(made.number, Clock.RESOLVE))}
    assert owners == {cast.staff["zhou"].id}
    give_back(as_staff("zhou"), made.number, reason="有急事")
    running = (*clocks(made.number, Clock.STATION), *clocks(made.number, Clock.RESOLVE), *clocks(made.number, Clock.SIGN))
    assert {each.owner_staff_id for each in running} == {cast.staff["wu"].id}


def test_a_rework_stays_with_who_served_and_another_dispatch_takes_it_away(lin, volunteer, as_staff, cast, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    finish_order(bai(), made.number, reply="药已送到。")
    pass_result(as_staff("qin"), made.number, note="核对无误")
    clock.advance(minutes=10)
    verdict = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)
    rate_case(lin(), made.number, verdict, words="药送错了")
    triage_case(as_staff("sun"), made.number, verdict=Triage.REWORK, note="请重送")
    assert contact_of(bai(), made.number).name == "林秀英"
    clock.advance(minutes=10)
    reassign(as_staff("du"), made.number, cast.units["柳河镇"].id)
    clock.advance(minutes=10)
    take_order(as_staff("liu"), made.number)
    for deed in (contact_of, lambda stamp, number: finish_order(stamp, number, reply="我送的")):
        with pytest.raises(Refusal) as refused:
            deed(bai(), made.number)
        assert refused.value.code() == "not_your_order"


def reassign(stamp: Stamp, number: str, unit_id: int) -> None:
    """Give a case other hands: asked by one dispatcher, decided by the other."""
    ask(stamp, number, RequestKind.REASSIGN, Asked(note="换人", unit_ids=[unit_id]))
    pending = db.session.scalars(select(Request.id).where(Request.state == RequestState.PENDING)).one()
    pai = staff_actor(db.session.scalars(select(Staff.id).where(Staff.login == "pai")).one())
    decide_request(Stamp(pai, Role.DISPATCHER, stamp.at, Door.DESK), number, pending, Decision(approve=True, note="同意"))


def test_a_station_stands_still_while_its_order_is_suspended(lin, as_staff, clock):
    made = order_own(lin(), Wanted(item="old_age_allowance"))
    take_order(as_staff("hua"), made.number)
    note_contact(as_staff("hua"), made.number, how="phone")
    wanted = Asked(note="等材料", reason_code="engineering", evidence="来函", review_on=date(2026, 12, 1))
    pass_station(as_staff("hua"), made.number, words="齐了")
    before = clocks(made.number, Clock.STATION)[-1].due_at
    ask(as_staff("min"), made.number, RequestKind.SUSPEND, wanted)
    pending = db.session.scalars(select(Request.id).where(Request.state == RequestState.PENDING)).one()
    decide_request(as_staff("sun"), made.number, pending, Decision(approve=True, note="同意", reply="材料在途"))
    assert clocks(made.number, Clock.STATION)[-1].paused_at is not None
    clock.move_to(china(2026, 11, 30, 10))
    resume_case(as_staff("min"), made.number, note="材料到了")
    after = clocks(made.number, Clock.STATION)[-1]
    assert (after.paused_at, after.breached_at) == (None, None)
    assert after.due_at.astimezone(CHINA) == china(2026, 12, 2, 17, 30) > before


def test_a_second_taker_is_told_so(lin, volunteer, as_staff):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(volunteer()(), made.number)
    with pytest.raises(Refusal) as refused:
        take_order(as_staff("wu"), made.number)
    assert refused.value.code() == "order_taken"


def test_staff_who_look_at_whom_it_is_for_are_put_on_record(lin, as_staff, cast):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("zhou"), made.number)
    assert contact_of(as_staff("zhou"), made.number).name == "林秀英"
    seen = db.session.scalars(select(IdentityAccess)).one()
    assert (seen.staff_id, seen.reason) == (cast.staff["zhou"].id, f"服务订单 {made.number}")


def test_of_what_has_become_confidential_nobody_learns_whose_it_is(lin, as_staff):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("zhou"), made.number)
    case_of(made.number).confidential = True
    with pytest.raises(Refusal) as refused:
        contact_of(as_staff("zhou"), made.number)
    assert refused.value.code() == "contact_by_desk"
    assert [each.person for each in taken_orders(as_staff("zhou"), cursor=None, limit=10).items] == [None]


def test_who_has_duty_is_told_first_and_owns_the_clock(lin, cast, as_staff, clock):
    wu = as_staff("wu")
    span = {"opens": clock().astimezone(CHINA).time().replace(hour=8), "closes": clock().astimezone(CHINA).time().replace(hour=12)}
    put = {"unit_id": cast.units["柳林村"].id, "point": "便民服务点", "staff_id": cast.staff["zhou"].id, "weekdays": [1], **span}
    put_service_duty(wu, **put)
    made = order_own(lin(), Wanted(item="medicine"))
    assert told("service_offered") == [cast.staff["zhou"].id]
    assert {each.owner_staff_id for each in (*clocks(made.number, Clock.STATION), *clocks(made.number, Clock.SIGN))} == {
        cast.staff["zhou"].id
    }
    clock.advance(hours=5)
    order_own(lin(), Wanted(item="necessities"))
    assert told("service_offered")[-1] == cast.staff["wu"].id


def test_a_cadre_orders_for_an_old_man_who_gets_a_claim_code(cast, as_staff):
    made = order_for(as_staff("wu"), Wanted(item="haircut"), resident_id=cast.residents["zheng"].id)
    assert made.claim_code
    assert case_of(made.number).reports[0].channel == "visit"


@pytest.mark.parametrize(("login", "code"), [("zhao", "resident_not_found"), ("he", "may_not_order_for_others")])
def test_nobody_orders_for_residents_of_another_grid(cast, as_staff, login, code):
    with pytest.raises(Refusal) as refused:
        order_for(as_staff(login), Wanted(item="haircut"), resident_id=cast.residents["zheng"].id)
    assert refused.value.code() == code


def test_a_station_of_a_department_that_does_not_lead_does_its_part(lin, cast, as_staff):
    days = Term(1, Unit.WORKING_DAY, HoursKind.WORK)
    stations = (
        Station(name="村里", level=Level.VILLAGE, term=days),
        Station(name="水利局", unit=cast.units["水利局"].code, term=days),
    )
    draft = Draft(
        code="two",
        name="两站",
        kind=ItemKind.HANDLING,
        category="高龄津贴",
        term=days,
        unit=cast.units["民政局"].code,
        stations=stations,
    )
    put_item(as_staff("admin"), draft)
    made = order_own(lin(), Wanted(item="two"))
    take_order(as_staff("wu"), made.number)
    pass_station(as_staff("wu"), made.number, words="齐了")
    with pytest.raises(Refusal) as refused:
        finish_order(as_staff("he"), made.number, reply="办好了")
    assert refused.value.code() == "service_order_not_found"
    finish_order(as_staff("shui"), made.number, reply="办好了")
    assert case_of(made.number).state is State.UNDER_REVIEW


def test_a_list_costs_the_same_however_long_it_is(lin, as_staff):
    def cost() -> int:
        db.session.expire_all()
        stamp = as_staff("wu")
        with statements() as sent:
            orders_page(stamp, limit=50)
        return len(sent)

    order_own(lin(), Wanted(item="medicine"))
    cost()
    one = cost()
    for item in ("necessities", "old_age_allowance", "haircut", "home_repair"):
        order_own(lin(), Wanted(item=item))
    assert cost() == one


def test_stays_are_written(lin, as_staff):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("wu"), made.number)
    finish_order(as_staff("wu"), made.number, reply="送到了")
    (stay,) = db.session.scalars(select(ServiceStation)).all()
    assert stay.ended_at is not None


def test_what_a_volunteer_was_shown_stays_on_record_when_they_give_back(lin, volunteer, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine", place="一组 15 号"))
    take_order(bai(), made.number)
    contact_of(bai(), made.number)
    give_back(bai(), made.number, reason="今天去不了")
    seen = db.session.scalars(select(IdentityAccess)).one()
    assert (seen.looker_id, seen.staff_id, seen.resident_id) == (bai().actor.id, None, lin().actor.id)
    assert made.number in seen.reason
    assert verify_accesses() is None


def test_a_volunteer_holds_and_looks_at_so_many_and_no_more(lin, volunteer, cast, stamp, clock):
    bai = volunteer()
    db.session.add_all([CountySetting(name="volunteer_holds", value=1), CountySetting(name="volunteer_looks", value=1)])
    db.session.flush()
    forget_all()
    first, second = (order_own(lin(), Wanted(item="medicine")).number for _ in range(2))
    take_order(bai(), first)
    with pytest.raises(Refusal) as refused:
        take_order(bai(), second)
    assert refused.value.code() == "too_many_held"
    contact_of(bai(), first)
    assert contact_of(bai(), first).name == "林秀英"  # whom one has seen today one may look up again
    give_back(bai(), first, reason="今天去不了")
    wu = Stamp(staff_actor(cast.staff["wu"].id), Role.CADRE, clock(), Door.GRID)
    other = order_for(wu, Wanted(item="medicine"), resident_id=cast.residents["zheng"].id).number
    take_order(bai(), other)
    with pytest.raises(Refusal) as refused:
        contact_of(bai(), other)
    assert refused.value.code() == "too_many_contacts"
    clock.advance(days=1)
    assert contact_of(bai(), other).name == "郑守田"
