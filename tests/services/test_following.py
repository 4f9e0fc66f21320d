"""An order goes where its case goes: to new hands, another grid, another round, its end; whoever had it hears of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.database import db
from app.core.errors import Refusal
from app.ledger.callbacks.answers import Verdict, rate_case
from app.ledger.corrections import correct_case
from app.ledger.dispatching.sub_dispatch import hand_to
from app.ledger.grid_moves import move_grid
from app.ledger.handling import dispatch_case, pass_result, send_back, sign_case, submit_result
from app.ledger.models import Assignment, CaseAccess, Entry
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.models import Request
from app.ledger.rounds.reopening import reopen_case
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.shifts.closing import close_account, hand_over_account
from app.ledger.shifts.leaves import begin_and_end_leaves
from app.ledger.showing.possible import possible_actions
from app.ledger.sweep import sweep
from app.ledger.terms import HoursKind, Term, Unit
from app.ledger.verification.results import checks_of, missing
from app.ledger.vocabulary import Access, Action, CheckItem, Clock, Kind, RequestKind, RequestState, Satisfaction, State
from app.notices.models import Notice, Recipient
from app.people.duty.absences import put_leave
from app.services.catalogue import Draft, Station, put_item
from app.services.models import ItemKind, ServiceOrder, Taker
from app.services.ordering import Wanted, order_own
from app.services.queries import open_orders, show_order
from app.services.taking import contact_of, finish_order, give_back, note_contact, pass_station, return_station, take_order
from app.territory.models import Level
from tests.services.test_orders import case_of, clocks, reassign, told

UNHAPPY = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)


def refused(deed, *given, **named) -> str:
    with pytest.raises(Refusal) as found:
        deed(*given, **named)
    return found.value.code()


def order_of(number: str) -> ServiceOrder:
    return db.session.scalars(select(ServiceOrder).where(ServiceOrder.case_id == case_of(number).id)).one()


def numbers(stamp) -> list[str]:
    return [each.number for each in open_orders(stamp, cursor=None, limit=20).items]


def heard(template: str) -> list[tuple[Recipient, int]]:
    rows = db.session.execute(select(Notice.recipient, Notice.recipient_id).where(Notice.template == template).order_by(Notice.id))
    return [(row.recipient, row.recipient_id) for row in rows]


def decide(stamp, number: str, **decision) -> None:
    pending = db.session.scalars(select(Request.id).where(Request.state == RequestState.PENDING)).one()
    decide_request(stamp, number, pending, Decision(approve=True, note="同意", **decision))


def test_an_order_in_new_hands_is_theirs_alone(lin, as_staff, cast, clock):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("wu"), made.number)
    clock.advance(minutes=10)
    reassign(as_staff("du"), made.number, cast.units["民政局"].id)
    assert (numbers(as_staff("wu")), numbers(as_staff("min"))) == ([], [made.number])
    shown = show_order(as_staff("wu"), made.number)
    assert (shown.taken, shown.mine, shown.stations[-1].unit, shown.stations[0].ended_at) == (False, False, "民政局", clock())
    old, new = clocks(made.number, Clock.STATION)
    assert (old.cancelled_at, old.met_at, new.owner_unit_id) == (clock(), None, cast.units["民政局"].id)
    assert refused(take_order, as_staff("wu"), made.number) == "service_order_not_found"
    take_order(as_staff("min"), made.number)
    part = next(each for each in case_of(made.number).assignments if each.ended_at is None)
    assert (part.unit.name, part.handler_id) == ("民政局", cast.staff["min"].id)
    assert heard("order_passed_on") == [(Recipient.STAFF, cast.staff["wu"].id)]


def test_new_hands_have_the_time_to_take_it_that_the_item_gives(lin, as_staff, cast, clock):
    made = order_own(lin(), Wanted(item="medicine"))
    clock.advance(minutes=10)
    reassign(as_staff("du"), made.number, cast.units["柳河镇"].id)
    last = clocks(made.number, Clock.SIGN)[-1]
    assert last.due_at - last.starts_at == timedelta(minutes=15)
    station = clocks(made.number, Clock.STATION)[-1]
    assert station.due_at - station.starts_at == timedelta(minutes=30)


def test_a_volunteer_from_whom_an_order_is_taken_away_hears_of_it(lin, volunteer, as_staff, cast, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    clock.advance(minutes=1)
    reassign(as_staff("du"), made.number, cast.units["柳河镇"].id)
    assert heard("order_passed_on") == [(Recipient.RESIDENT, bai().actor.id)]
    assert refused(contact_of, bai(), made.number) == "not_your_order"
    assert numbers(bai()) == [made.number]


def test_what_was_returned_and_is_dispatched_anew_begins_at_its_new_unit(lin, as_staff, cast, clock):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("hua"), made.number)
    clock.advance(minutes=2)
    ask(
        as_staff("hua"),
        made.number,
        RequestKind.RETURN,
        Asked(note="不归我村", reason_code="wrong_unit", unit_ids=[cast.units["柳河镇"].id]),
    )
    decide(as_staff("du"), made.number)
    shown = show_order(as_staff("du"), made.number)
    assert (shown.state, shown.taken, shown.stations[-1].ended_at) == (State.ACCEPTED, False, clock())
    assert clocks(made.number, Clock.STATION)[-1].cancelled_at == clock()
    assert refused(take_order, as_staff("wu"), made.number) == "service_order_not_open"
    clock.advance(minutes=2)
    dispatch_case(as_staff("du"), made.number, lead_unit_id=cast.units["柳河镇"].id)
    assert refused(take_order, as_staff("wu"), made.number) == "service_order_not_found"
    assert numbers(as_staff("liu")) == [made.number]
    take_order(as_staff("liu"), made.number)
    finish_order(as_staff("liu"), made.number, reply="药已送到。")
    assert case_of(made.number).state is State.UNDER_REVIEW


def test_what_goes_back_a_station_goes_to_the_new_hands(lin, as_staff, cast, clock):
    made = order_own(lin(), Wanted(item="old_age_allowance"))
    clock.advance(minutes=5)
    reassign(as_staff("du"), made.number, cast.units["人力资源和社会保障局"].id)
    take_order(as_staff("ren"), made.number)
    pass_station(as_staff("ren"), made.number, words="材料齐全")
    return_station(as_staff("liu"), made.number, reason="缺复印件")
    assert order_of(made.number).unit.name == "人力资源和社会保障局"


def test_a_wrong_grid_shows_the_order_to_the_volunteers_of_the_right_one_and_its_village_after_the_change_of_hands(
    lin, volunteer, as_staff, cast, clock
):
    near = volunteer("河湾村一网格")
    made = order_own(lin(), Wanted(item="medicine"))
    assert numbers(near()) == []
    clock.advance(minutes=1)
    move_grid(as_staff("zhou"), made.number, grid_id=cast.grids["河湾村一网格"].id)
    assert numbers(near()) == [made.number]
    assert near().actor.id in told("service_open")
    decide(as_staff("du"), made.number, unit_id=cast.units["柳河镇"].id)
    assert numbers(as_staff("liu")) == [made.number]
    assert order_of(made.number).grid.name == cast.grids["河湾村一网格"].name


def two_stations(as_staff, cast) -> None:
    """Put an item in force that a department leads, with a station in the village and one at another department."""
    days = Term(1, Unit.WORKING_DAY, HoursKind.WORK)
    stations = (
        Station(name="村里", level=Level.VILLAGE, term=days),
        Station(name="水利局", unit=cast.units["水利局"].code, term=days),
    )
    draft = Draft(
        code="two", name="两站", kind=ItemKind.HANDLING, category="高龄津贴", term=days, unit=cast.units["民政局"].code,
        stations=stations,
    )  # fmt: skip
    put_item(as_staff("admin"), draft)


def test_the_station_of_a_village_goes_along_to_another_grid(lin, as_staff, cast, clock):
    two_stations(as_staff, cast)
    made = order_own(lin(), Wanted(item="two"))
    take_order(as_staff("wu"), made.number)
    clock.advance(minutes=5)
    correct_case(as_staff("du"), made.number, note="住在河湾村", grid_id=cast.grids["河湾村一网格"].id)
    assert heard("order_passed_on") == [(Recipient.STAFF, cast.staff["wu"].id)]
    assert refused(pass_station, as_staff("wu"), made.number, words="齐了") == "service_order_not_found"
    modes = select(CaseAccess.mode).where(CaseAccess.case_id == case_of(made.number).id)
    assert db.session.scalar(modes.where(CaseAccess.unit_id == cast.units["柳林村"].id)) is Access.READ
    assert db.session.scalar(modes.where(CaseAccess.unit_id == cast.units["河湾村"].id)) is Access.WRITE
    assert told("station_begins") == [cast.staff["zhao"].id]
    assert {each.owner_staff_id for each in clocks(made.number, Clock.RESOLVE)} == {cast.staff["zhao"].id}
    pass_station(as_staff("zhao"), made.number, words="齐了")
    assert order_of(made.number).unit.name == "水利局"


def test_an_order_is_not_corrected_into_something_else(lin, as_staff):
    made = order_own(lin(), Wanted(item="medicine"))
    assert refused(correct_case, as_staff("du"), made.number, note="其实是投诉", kind=Kind.COMPLAINT) == "served_as_order"


@pytest.mark.parametrize("deed", ["sign", "result", "hand_to"])
def test_the_ordinary_ways_do_not_walk_past_stations_and_takers(lin, as_staff, cast, deed):
    made = order_own(lin(), Wanted(item="haircut"))
    if deed == "sign":
        assert refused(sign_case, as_staff("hua"), made.number) == "served_as_order"
    if deed == "hand_to":
        assert refused(hand_to, as_staff("wu"), made.number, worker_id=cast.staff["zhou"].id) == "served_as_order"
    take_order(as_staff("wu"), made.number)
    if deed == "result":
        result = {"reply": "办好了", "note": "办好了", "solved": True}
        assert refused(submit_result, as_staff("hua"), made.number, **result) == "served_as_order"
    offered = {*possible_actions(as_staff("hua"), case_of(made.number), [])}
    assert not offered & {Action.SIGN, Action.SUBMIT_RESULT}
    assert Action.ASK_EXTEND in offered


def test_a_rework_begins_the_station_anew_in_half_its_time(lin, volunteer, as_staff, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    finish_order(bai(), made.number, reply="药已送到。", contacted="visit")
    pass_result(as_staff("qin"), made.number)
    clock.advance(minutes=10)
    rate_case(lin(), made.number, UNHAPPY, words="药送错了")
    triage_case(as_staff("sun"), made.number, verdict=Triage.REWORK, note="请重送")
    first, again = clocks(made.number, Clock.STATION)
    assert (first.met_at is not None, again.met_at, again.due_at - again.starts_at) == (True, None, timedelta(minutes=15))
    whole = clocks(made.number, Clock.RESOLVE)[-1]
    assert whole.due_at - whole.starts_at == timedelta(minutes=15)
    shown = show_order(bai(), made.number)
    assert (shown.mine, [each.ended_at is None for each in shown.stations]) == (True, [False, True])
    finish_order(bai(), made.number, reply="已换药。")
    assert clocks(made.number, Clock.STATION)[-1].met_at is not None


def test_what_is_sent_back_is_under_way_at_its_station_again(lin, as_staff):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("wu"), made.number)
    finish_order(as_staff("wu"), made.number, reply="药已送到。", contacted="visit")
    send_back(as_staff("qin"), made.number, note="缺照片")
    assert show_order(as_staff("wu"), made.number).stations[-1].ended_at is None


def test_a_reopened_order_is_nobodys_until_it_is_dispatched_anew(lin, volunteer, as_staff, cast, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    finish_order(bai(), made.number, reply="药已送到。", contacted="visit")
    pass_result(as_staff("qin"), made.number)
    rate_case(lin(), made.number, Verdict(contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED), words="好")
    clock.advance(days=1)
    reopen_case(lin(), made.number, words="药过期了")
    assert not show_order(as_staff("du"), made.number).taken
    clock.advance(minutes=5)
    dispatch_case(as_staff("du"), made.number, lead_unit_id=cast.units["柳林村"].id)
    assert clocks(made.number, Clock.STATION)[-1].met_at is None
    assert numbers(as_staff("wu")) == [made.number]


def test_taking_is_no_contact_and_the_first_contact_stops_the_clock(lin, volunteer, as_staff, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    clock.advance(minutes=3)
    take_order(bai(), made.number)
    assert (clocks(made.number, Clock.SIGN)[0].met_at, clocks(made.number, Clock.CONTACT)[0].met_at) == (clock(), None)
    clock.advance(minutes=3)
    note_contact(bai(), made.number, how="phone")
    assert clocks(made.number, Clock.CONTACT)[0].met_at == clock()
    entry = db.session.scalars(select(Entry).where(Entry.action == Action.CONTACT)).one()
    assert entry.facts["how"] == "phone"
    finish_order(bai(), made.number, reply="药已送到。")
    assert CheckItem.CONTACT not in [each.item for each in missing(checks_of(case_of(made.number)))]
    pass_result(as_staff("qin"), made.number)


def test_who_gives_an_order_back_leaves_the_contact_made(lin, volunteer, as_staff, clock):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    note_contact(bai(), made.number, how="phone", note="说好下午送")
    give_back(bai(), made.number, reason="车坏了")
    assert clocks(made.number, Clock.CONTACT)[0].met_at is not None
    assert refused(note_contact, bai(), made.number, how="phone") == "not_your_order"


def test_nobody_but_who_works_on_an_order_says_that_they_were_in_touch(lin, volunteer, as_staff):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("wu"), made.number)
    assert refused(note_contact, volunteer()(), made.number, how="phone") == "not_your_order"
    assert refused(note_contact, as_staff("zhao"), made.number, how="phone") == "service_order_not_found"
    case_of(made.number).confidential = True
    assert refused(note_contact, as_staff("wu"), made.number, how="phone") == "contact_by_desk"


@pytest.mark.parametrize("login", ["wu", "tong", "du"])
def test_who_does_not_come_has_it_given_back_for_them(lin, volunteer, as_staff, login):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    give_back(as_staff(login), made.number, reason="联系不上志愿者")
    assert case_of(made.number).state is State.DISPATCHED
    assert heard("order_passed_on") == [(Recipient.RESIDENT, bai().actor.id)]
    take_order(as_staff("zhou"), made.number)


@pytest.mark.parametrize(
    ("login", "code"), [("zhou", "not_your_order"), ("liu", "not_your_order"), ("zhao", "service_order_not_found")]
)
def test_others_do_not_give_back_for_whoever_has_an_order(lin, volunteer, as_staff, login, code):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(volunteer()(), made.number)
    assert refused(give_back, as_staff(login), made.number, reason="换人") == code


def test_an_order_that_nobody_has_is_not_given_back(lin, as_staff):
    made = order_own(lin(), Wanted(item="medicine"))
    assert refused(give_back, as_staff("wu"), made.number, reason="换人") == "not_your_order"


def test_what_no_volunteer_takes_in_time_is_its_units_to_take(lin, as_staff, as_system, clock):
    minutes = Term(30, Unit.MINUTE, HoursKind.ALWAYS)
    draft = Draft(
        code="chat", name="陪聊", kind=ItemKind.ERRAND, category="高龄津贴", term=minutes, takers=(Taker.VOLUNTEER,),
        stations=(Station(name="陪聊", level=Level.VILLAGE, term=minutes),),
    )  # fmt: skip
    put_item(as_staff("admin"), draft)
    made = order_own(lin(), Wanted(item="chat"))
    assert refused(take_order, as_staff("wu"), made.number) == "service_order_not_found"
    clock.advance(minutes=31)
    sweep(as_system)
    assert numbers(as_staff("wu")) == [made.number]
    take_order(as_staff("wu"), made.number)
    finish_order(as_staff("wu"), made.number, reply="聊了一会儿。")


def test_leave_gives_an_order_back(lin, as_staff, as_system, cast, clock):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("zhou"), made.number)
    until = clock() + timedelta(days=3)
    put_leave(as_staff("zhou"), staff_id=cast.staff["zhou"].id, starts_at=clock(), until=until, reason="病假")
    clock.advance(minutes=1)
    begin_and_end_leaves(as_system)
    assert (case_of(made.number).state, order_of(made.number).taken_by_staff) == (State.DISPATCHED, None)
    assert numbers(as_staff("wu")) == [made.number]
    part = db.session.scalars(select(Assignment).where(Assignment.ended_at.is_(None))).one()
    assert part.handler_id == cast.staff["wu"].id
    clock.advance(days=4)
    begin_and_end_leaves(as_system)
    assert order_of(made.number).taken_by_staff is None


def test_an_account_that_closes_gives_its_orders_back_and_owns_none(lin, as_staff, cast, clock):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("wu"), made.number)
    handed = hand_over_account(as_staff("admin"), cast.staff["wu"].id, colleague_id=cast.staff["hua"].id)
    assert (handed.cases, handed.left) == (1, 0)
    assert (case_of(made.number).state, order_of(made.number).taken_by_staff) == (State.DISPATCHED, None)
    close_account(as_staff("admin"), cast.staff["wu"].id)
    take_order(as_staff("zhou"), made.number)


@pytest.mark.parametrize("rework", [False, True])
def test_what_comes_back_after_its_taker_has_left_is_not_theirs_any_more(lin, as_staff, cast, clock, rework):
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(as_staff("wu"), made.number)
    finish_order(as_staff("wu"), made.number, reply="药已送到。", contacted="visit")
    if rework:
        pass_result(as_staff("qin"), made.number)
        rate_case(lin(), made.number, UNHAPPY, words="药送错了")
    hand_over_account(as_staff("admin"), cast.staff["wu"].id, colleague_id=cast.staff["hua"].id)
    close_account(as_staff("admin"), cast.staff["wu"].id)
    clock.advance(minutes=1)
    if rework:
        triage_case(as_staff("sun"), made.number, verdict=Triage.REWORK, note="请重送")
    else:
        send_back(as_staff("qin"), made.number, note="缺照片")
    owners = [each.owner_staff_id for each in clocks(made.number, Clock.STATION) if each.met_at is None]
    assert (order_of(made.number).taken_by_staff, cast.staff["wu"].id in owners) == (None, False)
    finish_order(as_staff("hua"), made.number, reply="已换药。")


def test_whoever_is_on_the_way_hears_that_the_order_is_over(lin, volunteer, as_staff):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    ask(as_staff("hua"), made.number, RequestKind.TERMINATE, Asked(note="停", reason_code="impossible", reply="药店没有这种药。"))
    decide(as_staff("sun"), made.number)
    assert case_of(made.number).state is State.TERMINATED
    assert heard("order_over") == [(Recipient.RESIDENT, bai().actor.id)]
    assert show_order(as_staff("wu"), made.number).stations[-1].ended_at is not None


def test_whose_order_was_done_is_not_told_that_it_is_over(lin, volunteer, as_staff):
    bai = volunteer()
    made = order_own(lin(), Wanted(item="medicine"))
    take_order(bai(), made.number)
    finish_order(bai(), made.number, reply="药已送到。", contacted="visit")
    pass_result(as_staff("qin"), made.number)
    rate_case(lin(), made.number, Verdict(contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED), words="好")
    assert (case_of(made.number).state, heard("order_over")) == (State.CLOSED, [])


def test_a_station_is_passed_from_what_was_seen_alone(lin, as_staff):
    made = order_own(lin(), Wanted(item="old_age_allowance"))
    take_order(as_staff("wu"), made.number)
    seen = show_order(as_staff("wu"), made.number).case_version
    pass_station(as_staff("wu"), made.number, words="齐了", version=seen)
    seen = show_order(as_staff("liu"), made.number).case_version
    return_station(as_staff("liu"), made.number, reason="缺复印件", version=seen)
    assert refused(pass_station, as_staff("wu"), made.number, words="补了", version=seen) == "stale_version"
    pass_station(as_staff("wu"), made.number, words="补了")
