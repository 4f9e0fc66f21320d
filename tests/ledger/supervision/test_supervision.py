"""Urging and supervision orders: who may, to whom, numbered without gaps, answered and accepted, counted in one query."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.callbacks.answers import record_callback
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case
from app.ledger.dispatching.eligible import UnitRecused
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_assist, submit_result
from app.ledger.intake.taking_in import take_in
from app.ledger.merging.publishing import publish_case, say_me_too
from app.ledger.models import CaseAccess, Entry
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.scope import CaseNotFound, NotYourUnit
from app.ledger.supervision.counts import supervision_counts
from app.ledger.supervision.models import SupervisionOrder, Urging
from app.ledger.supervision.oversight import ListsAreTheSupervisors, drafts, late_clocks, open_orders
from app.ledger.supervision.pressing import (
    AnswererMayNotAccept,
    DraftWaits,
    DueInThePast,
    OnlySlipsAreDrafted,
    OrderNotFound,
    OrderNotOpen,
    accept_order,
    answer_order,
    discard_drafts,
    insist,
    issue_drafts,
    order_supervision,
    urge,
)
from app.ledger.supervision.residents_urge import UrgedAlready, record_residents_urge, urge_as_resident, urge_by_claim
from app.ledger.supervision.slip_sheets import CONFIDENTIAL, NobodyToHandTo, order_sheet, order_slip, pressed, urging_sheet
from app.ledger.supervision.slips import (
    Addressed,
    FewerPersonTimes,
    SlipNotDraft,
    SlipNotFound,
    UnitNotInvolved,
    UnknownAddressee,
)
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Clock, Kind, PressMode, RequestKind, SlipKind, SlipState
from app.ledger.workflow import IllegalMove, NotYourMove
from app.notices.models import Notice
from app.people.models import StaffPost
from app.people.sessions import staff_actor
from app.people.staff import posts_held
from tests.ledger.intake.test_intake import lins_report
from tests.ledger.test_straight_road import HAPPY, Road

PAGE = {"cursor": None, "limit": 50}
WORDS = "请于三日内办结并反馈。"


@pytest.fixture
def road(session, cast, clock, as_staff, as_resident):
    return Road(session, cast, clock, as_staff, as_resident)


def told(road, template):
    logins = {member.id: login for login, member in road.cast.staff.items()}
    notices = road.session.scalars(select(Notice).where(Notice.template == template, Notice.case_id == road.case.id))
    return sorted(logins[notice.recipient_id] for notice in notices)


def counted(road, login="sun", **more):
    at = road.clock()
    period = {"since": at - timedelta(days=7), "until": at + timedelta(minutes=1)}
    rows = supervision_counts(road.as_staff(login), **period | more)
    return {(row.kind, row.mode): (row.times, row.person_times) for row in rows}


# Urging


def test_an_urging_by_phone_is_put_on_record_and_told_to_who_works_on_the_case(road):
    road.in_progress()
    to = Addressed(staff=("gao",), others=("值班室小李",))
    (urging,) = urge(road.as_staff("sun"), [road.number], mode=PressMode.PHONE, words="请今天到现场", to=to)
    assert (urging.number, urging.state, urging.person_times) == (None, SlipState.ISSUED, 2)
    assert urging.staff_ids == [road.cast.staff["gao"].id]
    entry = road.session.scalars(select(Entry).where(Entry.action == Action.URGE)).one()
    assert (entry.role, entry.seq, entry.words.note) == (Role.SUPERVISOR, urging.entry_seq, "请今天到现场")
    assert entry.facts == {
        "mode": "phone",
        "slip": None,
        "unit": road.cast.units["城市管理局"].code,
        "person_times": 2,
    }
    assert road.case.urgings == 1
    assert told(road, "urge") == ["he"]
    assert verify_ledger().breaks == []


def test_a_case_that_nobody_handles_is_urged_at_the_centre(road):
    road.accepted()
    (urging,) = urge(road.as_staff("du"), [road.number], mode=PressMode.PHONE, words="请尽快派单")
    assert urging.unit_id == road.cast.units["云溪县"].id
    assert told(road, "urge") == ["ma"]


def test_an_assist_is_urged_and_the_lead_is_left_alone(road):
    road.in_progress(assists=("水利局",))
    to = Addressed(unit=road.cast.units["水利局"].code)
    urge(road.as_staff("sun"), [road.number], mode=PressMode.PHONE, words="请反馈", to=to)
    assert told(road, "urge") == ["shui"]


@pytest.mark.parametrize("login", ["fang", "lu", "he", "gao", "qin", "zhou"])
def test_only_supervisors_leaders_and_dispatchers_urge_in_their_own_name(road, login):
    road.in_progress()
    with pytest.raises((NotYourMove, CaseNotFound)):
        urge(road.as_staff(login), [road.number], mode=PressMode.PHONE, words="快")


def test_who_is_urged_must_have_a_part_in_the_case(road):
    road.in_progress()
    sun, units = road.as_staff("sun"), road.cast.units

    def to(**given):
        return urge(sun, [road.number], mode=PressMode.PHONE, words="快", to=Addressed(**given))

    with pytest.raises(UnitNotInvolved):
        to(unit=units["民政局"].code)
    with pytest.raises(UnknownAddressee):
        to(staff=("shui",))
    with pytest.raises(UnknownAddressee):
        to(staff=("nobody",))
    with pytest.raises(FewerPersonTimes):
        to(others=("甲", "乙"), person_times=1)
    assert to(unit=units["云溪县"].code, staff=("ma",))[0].unit_id == units["云溪县"].id


def test_a_closed_case_is_urged_by_nobody(road):
    road.awaiting_callback()
    record_callback(road.as_staff("lu"), road.number, HAPPY, note="满意")
    with pytest.raises(IllegalMove):
        urge(road.as_staff("sun"), [road.number], mode=PressMode.PHONE, words="快")
    with pytest.raises(IllegalMove):
        urge_as_resident(road.as_resident("lin"), road.number)


# Slips


def test_slips_are_numbered_by_kind_and_year_in_china(road):
    road.in_progress()
    sun = road.as_staff("sun")

    def written():
        return urge(road.as_staff("sun"), [road.number], mode=PressMode.WRITTEN, words=WORDS)[0].number

    assert written() == "催〔2026〕0001号"
    assert written() == "催〔2026〕0002号"
    (order,) = order_supervision(sun, [road.number], mode=PressMode.WRITTEN, words=WORDS)
    assert order.number == "督〔2026〕0001号"
    road.clock.move_to(road.clock().replace(month=12, day=31, hour=16, minute=1))  # 1 January 00:01 in China
    assert written() == "催〔2027〕0001号"


def test_a_draft_gets_its_number_when_it_is_issued(road):
    road.in_progress()
    sun = road.as_staff("sun")
    (draft,) = urge(sun, [road.number], mode=PressMode.WRITTEN, words=WORDS, draft=True)
    assert (draft.state, draft.number, road.case.urgings) == (SlipState.DRAFT, None, 0)
    assert [row.id for row in drafts(sun, SlipKind.URGING, **PAGE).items] == [draft.id]
    with pytest.raises(DraftWaits):
        urge(sun, [road.number], mode=PressMode.WRITTEN, words=WORDS, draft=True)
    with pytest.raises(OnlySlipsAreDrafted):
        urge(sun, [road.number], mode=PressMode.PHONE, words=WORDS, draft=True)
    (issued,) = issue_drafts(road.as_staff("yan"), SlipKind.URGING, [draft.id], words="请立即办结。")
    assert (issued.number, issued.words, road.case.urgings) == ("催〔2026〕0001号", "请立即办结。", 1)
    assert issued.by_staff_id == road.cast.staff["yan"].id
    with pytest.raises(SlipNotDraft):
        issue_drafts(sun, SlipKind.URGING, [draft.id])
    with pytest.raises(SlipNotFound):
        issue_drafts(sun, SlipKind.URGING, [draft.id, draft.id + 99])
    assert drafts(sun, SlipKind.URGING, **PAGE).items == []


def test_a_discarded_draft_takes_no_number_and_leaves_room_for_another(road):
    road.in_progress()
    sun = road.as_staff("sun")
    (draft,) = urge(sun, [road.number], mode=PressMode.WRITTEN, words=WORDS, draft=True)
    discard_drafts(sun, SlipKind.URGING, [draft.id])
    assert draft.state is SlipState.DISCARDED
    (issued,) = urge(sun, [road.number], mode=PressMode.WRITTEN, words=WORDS)
    assert issued.number == "催〔2026〕0001号"
    assert [view.id for view in pressed(sun, road.number)] == [issued.id]


def test_a_draft_does_not_follow_a_case_that_has_gone_to_another_unit(road):
    road.in_progress()
    sun = road.as_staff("sun")
    (draft,) = urge(sun, [road.number], mode=PressMode.WRITTEN, words=WORDS, draft=True)
    (lead,) = road.case.assignments
    lead.ended_at = road.clock()
    road.session.flush()
    with pytest.raises(UnitNotInvolved):
        issue_drafts(sun, SlipKind.URGING, [draft.id])


def test_a_draft_of_an_order_keeps_its_moment_until_it_has_passed(road):
    road.in_progress()
    due = road.clock() + timedelta(days=2)
    sun = road.as_staff("sun")
    (draft,) = order_supervision(sun, [road.number], mode=PressMode.WRITTEN, words=WORDS, due=due, draft=True)
    issue_drafts(sun, SlipKind.SUPERVISION, [draft.id])
    assert (draft.number, draft.reply_by) == ("督〔2026〕0001号", due)
    assert road.clocks()[Clock.SUPERVISION].due_at == due


@pytest.mark.parametrize("threads", [8])
def test_slip_numbers_have_no_gaps_when_eight_issue_at_once(committed, threads):
    held = committed.extensions["minhu"].clock
    each = 5

    def by(login):
        actor = staff_actor(find_cast().staff[login].id)
        return Stamp(actor, actor.posts[0].role, held(), Door.DESK)

    with committed.app_context():
        catalogue.forget()
        cast = find_cast()
        with transaction():
            given = {"category_id": cast.categories["路灯照明"], "grid_id": cast.grids["柳林村一网格"].id}
            numbers = []
            for _ in range(threads):
                number = take_in(Stamp(SYSTEM, Role.SYSTEM, held(), Door.JOB), lins_report(cast)).number
                accept_case(by("fang"), number, kind=Kind.HELP, **given)
                dispatch_case(by("du"), number, lead_unit_id=cast.units["城市管理局"].id)
                numbers.append(number)
    start, failures = threading.Barrier(threads), []

    def work(number):
        with committed.app_context():
            start.wait()
            for turn in range(each):
                try:
                    with transaction():
                        urge(by("sun"), [number], mode=PressMode.WRITTEN, words=WORDS)
                        if turn == 2:
                            raise ZeroDivisionError  # what is rolled back leaves no hole
                except ZeroDivisionError:
                    pass
                except Exception as failure:
                    failures.append(failure)
            db.session.remove()

    workers = [threading.Thread(target=work, args=(number,)) for number in numbers]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    with committed.app_context():
        found = sorted(db.session.scalars(select(Urging.number)))
        assert found == [f"催〔2026〕{serial:04d}号" for serial in range(1, threads * (each - 1) + 1)]
        assert verify_ledger().breaks == []


# Supervision orders


@pytest.fixture
def ordered(road):
    """A case whose lead was ordered to answer by the policy's term."""
    road.in_progress()
    (order,) = order_supervision(road.as_staff("sun"), [road.number], mode=PressMode.WRITTEN, words=WORDS)
    return order


def test_an_order_runs_a_clock_of_its_unit_until_it_is_answered(road, ordered):
    clock = road.clocks()[Clock.SUPERVISION]
    assert (clock.subject_id, clock.owner_unit_id) == (ordered.id, road.cast.units["城市管理局"].id)
    assert ordered.reply_by == clock.due_at
    assert told(road, "order_supervision") == ["gao", "he"]
    road.clock.advance(hours=3)
    answer_order(road.as_staff("gao"), road.number, ordered.id, words="已安排今晚抢修")
    assert Clock.SUPERVISION not in road.clocks()
    assert road.session.get(Deadline, clock.id).met_at == road.clock()
    assert {"sun", "ling"} <= set(told(road, "answer_supervision"))
    assert Clock.RESOLVE in road.clocks()  # the answer is not the result
    (view,) = pressed(road.as_staff("he"), road.number)
    assert (view.state, view.answer, view.by) == (SlipState.ANSWERED, "已安排今晚抢修", "孙督")
    assert verify_ledger().breaks == []


def test_an_answer_is_accepted_or_insisted_on(road, ordered):
    he, sun = road.as_staff("he"), road.as_staff("sun")
    with pytest.raises(OrderNotOpen):
        insist(sun, road.number, ordered.id, words="还没有反馈")
    answer_order(he, road.number, ordered.id, words="已去看过")
    with pytest.raises(OrderNotOpen):
        answer_order(he, road.number, ordered.id, words="再说一遍")
    due = road.clock() + timedelta(days=1)
    insist(sun, road.number, ordered.id, words="请附照片", due=due)
    assert (ordered.state, ordered.insisted, ordered.reply_by) == (SlipState.ISSUED, 1, due)
    assert road.clocks()[Clock.SUPERVISION].due_at == due
    answer_order(he, road.number, ordered.id, words="照片已上传")
    accept_order(sun, road.number, ordered.id, words="属实")
    assert ordered.state is SlipState.ACCEPTED
    with pytest.raises(OrderNotOpen):
        insist(sun, road.number, ordered.id, words="再来")
    said = road.session.scalars(select(Entry).where(Entry.action == Action.ORDER_SUPERVISION).order_by(Entry.seq)).all()
    assert [entry.facts.get("accepted") for entry in said] == [None, False, True]
    assert Clock.SUPERVISION not in road.clocks()
    assert verify_ledger().breaks == []


def test_what_was_seen_on_the_spot_is_accepted_without_an_answer(road, ordered):
    clock = road.clocks()[Clock.SUPERVISION].id
    accept_order(road.as_staff("ling"), road.number, ordered.id, words="现场已亮灯")
    assert road.session.get(Deadline, clock).met_at == road.clock()
    assert road.case.next_due_at == min(open_.due_at for open_ in road.clocks().values())


def test_only_the_ordered_unit_answers(road):
    road.in_progress(assists=("水利局",))
    to = Addressed(unit=road.cast.units["水利局"].code)
    (order,) = order_supervision(road.as_staff("sun"), [road.number], mode=PressMode.PHONE, words=WORDS, to=to)
    with pytest.raises(NotYourUnit):
        answer_order(road.as_staff("he"), road.number, order.id, words="我们已办")
    with pytest.raises(NotYourMove):
        answer_order(road.as_staff("sun"), road.number, order.id, words="我替他答")
    with pytest.raises(OrderNotFound):
        answer_order(road.as_staff("shui"), road.number, order.id + 1, words="…")
    answer_order(road.as_staff("shui"), road.number, order.id, words="已疏通")
    assert order.state is SlipState.ANSWERED


@pytest.mark.parametrize("login", ["du", "he", "gao", "fang", "qin"])
def test_only_supervisors_and_leaders_order_and_accept(road, ordered, login):
    with pytest.raises(NotYourMove):
        order_supervision(road.as_staff(login), [road.number], mode=PressMode.PHONE, words=WORDS)
    with pytest.raises(NotYourMove):
        accept_order(road.as_staff(login), road.number, ordered.id, words="好了")


def test_who_answered_does_not_accept(road, ordered, session):
    post = StaffPost(staff_id=road.cast.staff["gao"].id, role=Role.SUPERVISOR, unit_id=road.cast.units["云溪县"].id)
    session.add(post)
    session.flush()
    posts_held.forget()
    session.expire_all()
    answer_order(road.as_staff("gao"), road.number, ordered.id, words="已办")
    with pytest.raises(AnswererMayNotAccept):
        accept_order(road.as_staff("gao"), road.number, ordered.id, words="好了")


def test_a_moment_that_has_passed_is_no_term(road):
    road.in_progress()
    with pytest.raises(DueInThePast):
        order_supervision(road.as_staff("sun"), [road.number], mode=PressMode.PHONE, words=WORDS, due=road.clock())


def test_an_order_ends_with_its_case_without_a_verdict(road, ordered):
    clock = road.clocks()[Clock.SUPERVISION].id
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    submit_result(road.as_staff("he"), road.number, reply="修好了", note="换灯头", solved=True)
    assert Clock.SUPERVISION in road.clocks()
    pass_result(road.as_staff("qin"), road.number)
    record_callback(road.as_staff("lu"), road.number, HAPPY, note="满意")
    ended = road.session.get(Deadline, clock)
    assert (ended.met_at, ended.cancelled_at) == (None, road.clock())
    assert open_orders(road.as_staff("sun"), **PAGE).items == []
    answer_order(road.as_staff("he"), road.number, ordered.id, words="补充反馈")  # may still be answered for the record
    assert ended.met_at is None


def test_an_unanswered_order_becomes_late_and_is_told_to_the_supervisors(road, ordered, as_system):
    assert [row.id for row in open_orders(road.as_staff("sun"), **PAGE).items] == [ordered.id]
    assert open_orders(road.as_staff("sun"), late=True, **PAGE).items == []
    road.clock.move_to(ordered.reply_by + timedelta(minutes=1))
    sweep(as_system)
    assert [row.id for row in open_orders(road.as_staff("sun"), late=True, **PAGE).items] == [ordered.id]
    late = late_clocks(road.as_staff("sun"), clock=Clock.SUPERVISION, **PAGE).items
    assert [(row.number, row.unit) for row in late] == [(road.number, "城市管理局")]
    logins = set(told(road, "breach_clock"))
    assert {"he", "gao", "sun", "ling"} <= logins


def test_the_leader_responsible_for_a_bureau_watches_over_its_cases_alone(road, ordered, as_system):
    bureau = road.number
    road.clock.advance(days=30)
    road.dispatched()
    water = road.number
    lead = road.case.assignments[0]
    lead.unit_id = road.case.lead_unit_id = road.cast.units["水利局"].id
    road.session.execute(update(CaseAccess).where(CaseAccess.case_id == road.case.id).values(unit_path="/0/"))
    road.session.flush()
    road.clock.advance(days=30)
    sweep(as_system)
    assert {row.number for row in late_clocks(road.as_staff("tang"), **PAGE).items} == {bureau}
    assert {row.number for row in late_clocks(road.as_staff("sun"), **PAGE).items} == {bureau, water}


def test_a_unit_sees_its_own_orders_and_a_neighbour_none(road, ordered):
    assert [row.id for row in open_orders(road.as_staff("he"), **PAGE).items] == [ordered.id]
    assert open_orders(road.as_staff("shui"), **PAGE).items == []
    with pytest.raises(ListsAreTheSupervisors):
        open_orders(road.as_staff("fang"), **PAGE)


# Residents


def test_a_resident_urges_once_in_the_countys_hours(road):
    road.submitted()
    lin = road.as_resident("lin")
    urge_as_resident(lin, road.number, words="灯还没修，老人出门怕摔")
    assert road.case.urgings == 1
    road.clock.advance(hours=23)
    with pytest.raises(UrgedAlready) as refused:
        urge_as_resident(road.as_resident("lin"), road.number)
    assert refused.value.retry_after == 3600
    assert road.case.urgings == 1
    road.clock.advance(hours=1)
    urge_as_resident(road.as_resident("lin"), road.number)
    urgings = road.session.scalars(select(Urging).order_by(Urging.id)).all()
    assert [(row.by_resident, row.mode, row.words, row.person_times) for row in urgings] == [(True, None, None, 0)] * 2
    notes = road.session.scalars(select(Entry).where(Entry.action == Action.URGE).order_by(Entry.seq)).all()
    assert [entry.words.note for entry in notes] == ["灯还没修，老人出门怕摔", "请尽快办理。"]
    assert told(road, "urge") == ["ma", "ma"]


def test_a_neighbour_may_not_urge_what_is_not_hers(road):
    road.in_progress()
    with pytest.raises(CaseNotFound):
        urge_as_resident(road.as_resident("chen"), road.number)


def test_every_call_of_a_resident_is_recorded_by_the_desk(road):
    road.in_progress()
    for login in ("fang", "lu", "fang"):
        record_residents_urge(road.as_staff(login), road.number, words="来电催办")
    assert road.case.urgings == 3
    assert counted(road) == {(SlipKind.URGING, None): (3, 0)}
    for login in ("he", "sun"):
        with pytest.raises(NotYourMove):
            record_residents_urge(road.as_staff(login), road.number, words="来电催办")


def test_what_others_urged_keeps_nobody_waiting(road):
    road.in_progress()
    record_residents_urge(road.as_staff("fang"), road.number, words="来电催办")
    urge_as_resident(road.as_resident("lin"), road.number)
    publish_case(road.as_staff("du"), road.number, title="柳林村路灯不亮", summary="正在办理。")
    say_me_too(road.as_resident("chen"), road.number)
    urge_as_resident(road.as_resident("chen"), road.number)
    for name in ("lin", "chen"):
        with pytest.raises(UrgedAlready):
            urge_as_resident(road.as_resident(name), road.number)
    assert road.case.urgings == 3


def test_the_holder_of_a_claim_code_urges_once_in_the_countys_hours(road, as_anonymous):
    receipt = take_in(as_anonymous(), lins_report(road.cast, anonymous=True, filer_resident_id=None, concerned_id=None))
    urge_by_claim(as_anonymous(), receipt.number, receipt.claim_code)
    with pytest.raises(UrgedAlready):
        urge_by_claim(as_anonymous(), receipt.number, receipt.claim_code)
    road.clock.advance(days=1)
    urge_by_claim(as_anonymous(), receipt.number, receipt.claim_code)


# Counts


def test_one_call_to_each_of_two_units_counts_for_both(road):
    first, second = road.in_progress(), road.in_progress()
    road.number = third = road.accepted()
    dispatch_case(road.as_staff("du"), third, lead_unit_id=road.cast.units["水利局"].id)
    urge(road.as_staff("sun"), [first, second, third], mode=PressMode.PHONE, words="请尽快办理")
    order_supervision(road.as_staff("sun"), [second, third], mode=PressMode.ONSITE, words="现场督办")
    one = {(SlipKind.URGING, PressMode.PHONE): (1, 1), (SlipKind.SUPERVISION, PressMode.ONSITE): (1, 1)}
    for unit in ("城市管理局", "水利局"):
        assert counted(road, unit=road.cast.units[unit].code) == one
    assert counted(road) == dict.fromkeys(one, (2, 2))


def test_150_calls_20_slips_and_3_interviews_of_9_person_times_are_one_query(road):
    numbers = [road.in_progress() for _ in range(3)]
    sun = road.as_staff("sun")
    for turn in range(150):
        urge(sun, [numbers[turn % 3]], mode=PressMode.PHONE, words="请尽快办理")
    for turn in range(20):
        urge(sun, [numbers[turn % 3]], mode=PressMode.WRITTEN, words=WORDS)
    for people in (4, 3, 2):
        to = Addressed(others=tuple(f"负责人{place}" for place in range(people)))
        urge(sun, numbers, mode=PressMode.INTERVIEW, words="约谈", to=to)  # one interview about three cases
    order_supervision(sun, [numbers[0]], mode=PressMode.ONSITE, words="现场督办")
    assert counted(road) == {
        (SlipKind.URGING, PressMode.PHONE): (150, 150),
        (SlipKind.URGING, PressMode.WRITTEN): (20, 20),
        (SlipKind.URGING, PressMode.INTERVIEW): (3, 9),
        (SlipKind.SUPERVISION, PressMode.ONSITE): (1, 1),
    }
    assert counted(road, unit=road.cast.units["民政局"].code) == {}
    assert counted(road, since=road.clock() + timedelta(seconds=1)) == {}
    entries = road.session.scalars(select(Entry).where(Entry.action == Action.URGE)).all()
    assert len(entries) == 150 + 20 + 9  # every case has its own entry


def test_only_who_watches_over_counts(road):
    for login in ("fang", "he", "du"):
        with pytest.raises(ListsAreTheSupervisors):
            counted(road, login)


# Recusal and confidentiality


@pytest.fixture
def against_the_bureau(road):
    """A complaint against 城市管理局, handled by 水利局."""
    road.number = take_in(road.as_resident("lin"), lins_report(road.cast, against_unit_id=road.cast.units["城市管理局"].id)).number
    accept_case(
        road.as_staff("fang"),
        road.number,
        kind=Kind.COMPLAINT,
        category_id=road.cast.categories["路灯照明"],
        grid_id=road.cast.grids["柳林村一网格"].id,
    )
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["水利局"].id)
    return road


def test_the_accused_unit_is_never_addressed_and_its_leader_sees_nothing(against_the_bureau, as_system):
    road = against_the_bureau
    to = Addressed(unit=road.cast.units["城市管理局"].code)
    with pytest.raises(UnitRecused):
        urge(road.as_staff("sun"), [road.number], mode=PressMode.PHONE, words="快", to=to)
    (urging,) = urge(road.as_staff("sun"), [road.number], mode=PressMode.WRITTEN, words=WORDS)
    (order,) = order_supervision(road.as_staff("sun"), [road.number], mode=PressMode.WRITTEN, words=WORDS)
    road.clock.advance(days=60)
    sweep(as_system)
    sees = {row.number for row in late_clocks(road.as_staff("sun"), **PAGE).items}
    assert sees == {road.number}
    tang = road.as_staff("tang")  # the leader who answers for the accused bureau
    assert late_clocks(tang, **PAGE).items == []
    assert open_orders(tang, **PAGE).items == []
    assert drafts(tang, SlipKind.URGING, **PAGE).items == []
    assert counted(road, "tang") == {}
    for look in (lambda: urging_sheet(tang, urging.id), lambda: order_sheet(tang, order.id)):
        with pytest.raises(SlipNotFound):
            look()
    with pytest.raises(CaseNotFound):
        urge(tang, [road.number], mode=PressMode.PHONE, words="别查了")
    recipients = {notice.recipient_id for notice in road.session.scalars(select(Notice).where(Notice.case_id == road.case.id))}
    assert not recipients & {road.cast.staff[login].id for login in ("he", "gao", "tang")}


def test_a_slip_of_a_confidential_case_tells_nothing_of_who_reported_and_what(road):
    road.in_progress(confidential=True, title="我叫林秀英，举报邻居", kind=Kind.TIP_OFF)
    (urging,) = urge(road.as_staff("sun"), [road.number], mode=PressMode.WRITTEN, words=WORDS)
    for sheet in (urging_sheet(road.as_staff("he"), urging.id), order_slip(road.as_staff("he"), road.number)):
        assert sheet.matter == CONFIDENTIAL
        assert sheet.place is None
        assert "林秀英" not in repr(sheet)
        assert "13800000001" not in repr(sheet)


# What is printed


def test_the_order_slip_names_the_crux_the_person_and_the_time_limit(road):
    road.accepted()
    with pytest.raises(NobodyToHandTo):
        order_slip(road.as_staff("du"), road.number)
    road.in_progress()
    sheet = order_slip(road.as_staff("du"), road.number)
    assert (sheet.kind, sheet.unit, sheet.persons, sheet.words) == (SlipKind.ORDER, "城市管理局", ["何城"], "请尽快修复")
    assert sheet.due_at == road.clocks()[Clock.RESOLVE].due_at
    assert (sheet.issued_by, sheet.late) == ("杜衡", False)


def test_an_urging_slip_names_number_unit_person_and_how_late(road, as_system):
    road.in_progress()
    road.clock.advance(days=10)
    sweep(as_system)
    (waits,) = drafts(road.as_staff("sun"), SlipKind.URGING, **PAGE).items
    with pytest.raises(SlipNotFound):
        urging_sheet(road.as_staff("he"), waits.id)  # a draft is the supervisor's own
    issue_drafts(road.as_staff("sun"), SlipKind.URGING, [waits.id])
    sheet = urging_sheet(road.as_staff("he"), waits.id)
    assert (sheet.slip, sheet.unit, sheet.persons, sheet.late, sheet.urgings) == (
        "催〔2026〕0001号",
        "城市管理局",
        ["何城"],
        True,
        1,
    )
    assert sheet.issued_by == "孙督"
    with pytest.raises(SlipNotFound):
        urging_sheet(road.as_staff("fang"), waits.id)


def test_a_slip_does_not_call_late_what_was_handed_in_on_time_or_stands_still(road):
    road.in_progress(assists=("水利局",))
    record_contact(road.as_staff("he"), road.number, how="phone", note="已联系")
    sign_case(road.as_staff("shui"), road.number)
    submit_assist(road.as_staff("shui"), road.number, note="已配合")
    request = ask(
        road.as_staff("he"),
        road.number,
        RequestKind.SUSPEND,
        Asked(note="等待施工", reason_code="engineering", review_on=date(2027, 1, 20), evidence="施工计划"),
    )
    decide_request(road.as_staff("sun"), road.number, request.id, Decision(approve=True))
    road.clock.advance(days=20)
    sun, water = road.as_staff("sun"), road.cast.units["水利局"].code
    for to in (Addressed(unit=water), Addressed()):
        (urging,) = urge(sun, [road.number], mode=PressMode.WRITTEN, words=WORDS, to=to)
        sheet = urging_sheet(sun, urging.id)
        assert (sheet.due_at <= road.clock(), sheet.late) == (True, False)


def test_orders_of_a_unit_are_stored_whole(road, ordered):
    stored = road.session.get(SupervisionOrder, ordered.id)
    assert (stored.words, stored.unit_id, stored.meeting_id) == (WORDS, road.cast.units["城市管理局"].id, None)
