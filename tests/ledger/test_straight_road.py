"""The straight road: from submission to closed by the table, with clocks that belong to the state and a chain that holds."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.core.stamp import Actor, ActorKind, Door, Role, Stamp
from app.ledger.callbacks.answers import (
    AlreadyRated,
    ContradictionUnexplained,
    FilerMayNotRate,
    HandlingUnitMayNotCallBack,
    Verdict,
    attempt_callback,
    rate_case,
    record_callback,
)
from app.ledger.callbacks.callees import apart
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case, answer_case, ask_info, supplement, supply_info
from app.ledger.dispatching.eligible import UnitRecused
from app.ledger.handling import (
    AssistsOutstanding,
    ContactByDesk,
    ContactMissing,
    dispatch_case,
    pass_result,
    record_contact,
    send_back,
    sign_case,
    submit_assist,
    submit_result,
)
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case, Entry, EntryWords, Report, ReportClaim
from app.ledger.moves import StaleVersion
from app.ledger.numbers import in_fours
from app.ledger.requests.asking import RequestPending, ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciders import AskerMayNotDecide
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.rounds.triage import Triage, triage_case
from app.ledger.scope import CaseNotFound, find_case
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import (
    Action,
    Channel,
    Clock,
    Kind,
    Outcome,
    RequestKind,
    RequestState,
    Satisfaction,
    State,
    Subject,
    Urgency,
)
from app.ledger.workflow import RUNS_IN, IllegalMove, NotYourMove
from app.notices.models import Notice, Recipient
from app.people.models import Resident, StaffPost
from tests.ledger.intake.test_intake import lins_report

HAPPY = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED)
UNHAPPY = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)


@pytest.fixture
def road(session, cast, clock, as_staff, as_resident):
    return Road(session, cast, clock, as_staff, as_resident)


class Road:
    """Walks a case along the road, some minutes a step."""

    def __init__(self, session, cast, clock, as_staff, as_resident):
        self.session, self.cast, self.clock, self.as_staff, self.as_resident = session, cast, clock, as_staff, as_resident

    def submitted(self, **more):
        self.receipt = take_in(self.as_resident("lin"), lins_report(self.cast, **more))
        self.number = self.receipt.number
        return self.number

    def accepted(self, **more):
        self.submitted(**more)
        self.clock.advance(minutes=10)
        accept_case(
            self.as_staff("fang"),
            self.number,
            kind=Kind.HELP,
            category_id=self.cast.categories["路灯照明"],
            grid_id=self.cast.grids["柳林村一网格"].id,
        )
        return self.number

    def dispatched(self, assists=(), **more):
        self.accepted(**more)
        self.clock.advance(minutes=5)
        units = self.cast.units
        dispatch_case(
            self.as_staff("du"),
            self.number,
            lead_unit_id=units["城市管理局"].id,
            assist_unit_ids=[units[name].id for name in assists],
            note="请尽快修复",
        )
        return self.number

    def in_progress(self, **more):
        self.dispatched(**more)
        self.clock.advance(minutes=5)
        sign_case(self.as_staff("he"), self.number)
        return self.number

    def on_to_callback(self):
        """Take an accepted case to where it waits for the person's word."""
        he = self.as_staff("he")
        dispatch_case(self.as_staff("du"), self.number, lead_unit_id=self.cast.units["城市管理局"].id)
        sign_case(he, self.number)
        record_contact(he, self.number, how="phone", note="已联系")
        submit_result(he, self.number, reply="路灯已修好。", note="更换灯头一个", solved=True)
        pass_result(self.as_staff("qin"), self.number)

    def under_review(self, **more):
        self.in_progress(**more)
        self.clock.advance(hours=1)
        record_contact(self.as_staff("he"), self.number, how="phone", note="已电话联系，约好下午去修")
        self.clock.advance(hours=3)
        submit_result(self.as_staff("he"), self.number, reply="路灯已修好。", note="更换灯头一个", solved=True)
        return self.number

    def awaiting_callback(self, **more):
        self.under_review(**more)
        self.clock.advance(minutes=30)
        pass_result(self.as_staff("qin"), self.number)
        return self.number

    @property
    def case(self):
        return self.session.scalars(select(Case).where(Case.number == self.number)).one()

    def clocks(self):
        """Open clocks of the case: kind → row."""
        self.session.flush()
        rows = self.session.scalars(select(Deadline).where(Deadline.case_id == self.case.id).order_by(Deadline.id))
        return {row.clock: row for row in rows if row.met_at is None and row.cancelled_at is None}

    def check(self, state):
        assert self.case.state is state
        assert all(state in RUNS_IN[kind] for kind in self.clocks())
        assert verify_ledger().breaks == []


def test_a_case_goes_from_submitted_to_closed(road):
    road.awaiting_callback()
    road.check(State.AWAITING_CALLBACK)
    assert set(road.clocks()) == {Clock.OVERALL, Clock.CALLBACK}
    record_callback(road.as_staff("lu"), road.number, HAPPY, note="居民满意")
    road.check(State.CLOSED)
    assert road.clocks() == {}
    assert road.case.outcome is Outcome.PASSED_ON


def test_each_step_starts_and_stops_its_clocks(road):
    road.submitted()
    assert set(road.clocks()) == {Clock.ACCEPT, Clock.OVERALL}
    road.accepted()
    assert set(road.clocks()) == {Clock.DISPATCH, Clock.OVERALL}
    road.dispatched(assists=["水利局"])
    assert set(road.clocks()) == {Clock.SIGN, Clock.CONTACT, Clock.RESOLVE, Clock.OVERALL}
    road.in_progress()
    clocks = road.clocks()
    assert set(clocks) == {Clock.CONTACT, Clock.RESOLVE, Clock.OVERALL}
    assert clocks[Clock.RESOLVE].owner_staff_id == road.cast.staff["he"].id


def test_a_result_sent_back_runs_on_the_same_clock(road):
    road.in_progress()
    before = road.clocks()[Clock.RESOLVE]
    due, ident = before.due_at, before.id
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    submit_result(road.as_staff("he"), road.number, reply="修好了", note="已修", solved=True)
    assert Clock.RESOLVE not in road.clocks()
    road.clock.advance(hours=1)
    send_back(road.as_staff("qin"), road.number, note="照片看不清")
    road.check(State.IN_PROGRESS)
    after = road.clocks()[Clock.RESOLVE]
    assert (after.id, after.due_at) == (ident, due)


def test_assists_who_were_not_waited_for_owe_their_report_again_when_a_result_is_sent_back(road):
    def owed():
        rows = road.session.scalars(select(Deadline).where(Deadline.case_id == road.case.id).order_by(Deadline.id))
        units = {a.id: a.unit.name for a in road.case.assignments}
        still = [row for row in rows if row.met_at is None and row.cancelled_at is None]
        return {(row.clock, row.subject is Subject.ASSIGNMENT and units[row.subject_id]): row.due_at for row in still}

    road.in_progress(assists=["水利局", "民政局", "供水公司"])
    sign_case(road.as_staff("shui"), road.number)
    sign_case(road.as_staff("min"), road.number)
    submit_assist(road.as_staff("min"), road.number, note="已入户")
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    before = owed()
    assert {key for key in before if key[0] in (Clock.RESOLVE, Clock.SIGN)} == {
        (Clock.RESOLVE, "城市管理局"), (Clock.RESOLVE, "水利局"), (Clock.RESOLVE, "供水公司"), (Clock.SIGN, "供水公司"),
    }  # fmt: skip
    submit_result(road.as_staff("he"), road.number, reply="修好了", note="已修", solved=True, without_assists="不等了")
    assert set(owed()) == {(Clock.OVERALL, False), (Clock.REVIEW, False)}
    road.clock.advance(hours=1)
    send_back(road.as_staff("qin"), road.number, note="请等水利局的反馈")
    road.check(State.IN_PROGRESS)
    assert owed() == before


def test_dissatisfaction_starts_a_rework_round_with_half_the_term(road):
    road.awaiting_callback()
    record_callback(road.as_staff("lu"), road.number, UNHAPPY)
    road.check(State.AWAITING_CALLBACK)
    assert set(road.clocks()) == {Clock.OVERALL, Clock.TRIAGE}
    triage_case(road.as_staff("sun"), road.number, verdict=Triage.REWORK, note="请换线后再报")
    road.check(State.IN_PROGRESS)
    case = road.case
    assert case.round == 2
    leads = [a for a in case.assignments if a.ended_at is None]
    assert [(a.unit.name, a.round) for a in leads] == [("城市管理局", 2)]
    assert road.clocks()[Clock.RESOLVE].amount == 3  # half of five working days, rounded up
    submit_result(road.as_staff("he"), road.number, reply="再次修好", note="换线", solved=True)
    pass_result(road.as_staff("qin"), road.number)
    rate_case(road.as_resident("lin"), road.number, HAPPY)
    road.check(State.CLOSED)


def test_dissatisfaction_with_a_direct_answer_goes_to_dispatch(road):
    road.submitted()
    answer_case(
        road.as_staff("fang"),
        road.number,
        reply="请拨打供电热线",
        category_id=road.cast.categories["路灯照明"],
        grid_id=road.cast.grids["柳林村一网格"].id,
    )
    road.check(State.AWAITING_CALLBACK)
    rate_case(road.as_resident("lin"), road.number, UNHAPPY)
    road.check(State.AWAITING_CALLBACK)
    triage_case(road.as_staff("sun"), road.number, verdict=Triage.REWORK, note="请派给承办单位")
    road.check(State.ACCEPTED)
    assert Clock.DISPATCH in road.clocks()


def test_asking_for_information_stops_the_clocks_and_supplying_it_goes_on(road):
    road.submitted()
    road.clock.advance(minutes=30)
    ask_info(road.as_staff("fang"), road.number, question="请问是哪一盏灯？")
    clocks = road.clocks()
    assert set(clocks) == {Clock.ACCEPT, Clock.OVERALL, Clock.INFO}
    assert clocks[Clock.ACCEPT].paused_at is not None
    road.clock.advance(days=1)
    supply_info(road.as_resident("lin"), road.number, words="村口第二盏")
    road.check(State.SUBMITTED)
    accept = road.clocks()[Clock.ACCEPT]
    assert accept.paused_at is None
    assert (accept.due_at - road.clock()).total_seconds() == 90 * 60  # what was left of two working hours


def test_information_asked_after_acceptance_returns_there(road):
    road.accepted()
    ask_info(road.as_staff("du"), road.number, question="哪一盏？")
    supply_info(road.as_resident("lin"), road.number, words="第二盏")
    road.check(State.ACCEPTED)


def test_a_rejection_needs_a_second_person(road):
    road.submitted()
    fang = road.as_staff("fang")
    request = ask(fang, road.number, RequestKind.REJECT, Asked(reason_code="no_facts", reply="请补充具体情况后再反映", note="申请"))
    with pytest.raises(RequestPending):
        ask(fang, road.number, RequestKind.REJECT, Asked(reason_code="no_facts", reply="再次申请", note="申请"))
    with pytest.raises(AskerMayNotDecide):
        decide_request(fang, road.number, request.id, Decision(approve=True))
    decide_request(road.as_staff("ma"), road.number, request.id, Decision(approve=True))
    road.check(State.REJECTED)
    assert road.clocks() == {}


def test_a_redirection_names_its_channel_and_can_be_refused(road):
    road.accepted()
    request = ask(
        road.as_staff("fang"),
        road.number,
        RequestKind.REDIRECT,
        Asked(reason_code="petition", reply="请到信访局", note="申请", redirect_to="县信访局"),
    )
    decide_request(road.as_staff("ma"), road.number, request.id, Decision(approve=False, note="属于我们办理"))
    road.check(State.ACCEPTED)


def test_a_result_needs_a_contact_and_the_assists(road):
    road.in_progress(assists=["水利局"])
    he = road.as_staff("he")
    with pytest.raises(ContactMissing):
        submit_result(he, road.number, reply="好了", note="好了", solved=True)
    record_contact(he, road.number, how="phone", note="联系了")
    with pytest.raises(AssistsOutstanding):
        submit_result(he, road.number, reply="好了", note="好了", solved=True)
    sign_case(road.as_staff("shui"), road.number)
    submit_assist(road.as_staff("shui"), road.number, note="我方已完成")
    submit_result(he, road.number, reply="好了", note="好了", solved=True)
    road.check(State.UNDER_REVIEW)


def test_the_handling_unit_neither_reviews_nor_calls_back(road, session):
    session.add(StaffPost(staff_id=road.cast.staff["he"].id, role=Role.CALLBACK_AGENT, unit_id=road.cast.units["云溪县"].id))
    session.flush()
    road.awaiting_callback()
    with pytest.raises(HandlingUnitMayNotCallBack):
        record_callback(road.as_staff("he"), road.number, HAPPY)


def test_whom_a_case_is_against_never_sees_or_receives_it(road):
    number = road.submitted(against_unit_id=road.cast.units["城市管理局"].id)
    with pytest.raises(CaseNotFound):
        sign_case(road.as_staff("he"), number)
    accept_case(
        road.as_staff("fang"),
        number,
        kind=Kind.COMPLAINT,
        category_id=road.cast.categories["路灯照明"],
        grid_id=road.cast.grids["柳林村一网格"].id,
    )
    with pytest.raises(UnitRecused):
        dispatch_case(road.as_staff("du"), number, lead_unit_id=road.cast.units["城市管理局"].id)


def test_a_confidential_case_is_contacted_by_the_desk_alone(road):
    road.in_progress(confidential=True)
    with pytest.raises(ContactByDesk):
        record_contact(road.as_staff("he"), road.number, how="phone", note="联系")
    record_contact(road.as_staff("lu"), road.number, how="phone", note="回访员代为联系")
    assert Clock.CONTACT not in road.clocks()


def test_the_neighbour_cannot_see_or_rate_the_case(road):
    road.awaiting_callback()
    with pytest.raises(CaseNotFound):
        rate_case(road.as_resident("chen"), road.number, HAPPY)


def test_who_files_for_another_may_not_rate(road):
    chen = road.cast.residents["chen"].id
    road.awaiting_callback(concerned_id=chen)
    with pytest.raises(FilerMayNotRate):
        rate_case(road.as_resident("lin"), road.number, HAPPY)
    rate_case(road.as_resident("chen"), road.number, HAPPY)
    road.check(State.CLOSED)


def test_three_attempts_on_two_days_close_as_unreachable(road):
    road.awaiting_callback()
    for _ in range(2):
        attempt_callback(road.as_staff("lu"), road.number)
        road.clock.advance(hours=1)
    assert road.case.state is State.AWAITING_CALLBACK
    attempt_callback(road.as_staff("lu"), road.number)
    assert road.case.state is State.AWAITING_CALLBACK  # three, but on one day
    road.clock.advance(days=1)
    attempt_callback(road.as_staff("lu"), road.number)
    road.check(State.CLOSED)


def test_the_table_refuses_by_role_and_by_state(road):
    road.submitted()
    with pytest.raises(NotYourMove):
        dispatch_case(road.as_staff("fang"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
    with pytest.raises(IllegalMove) as refused:
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
    assert refused.value.facts["state"] == "submitted"


def test_a_stale_version_is_refused_with_the_present_one(road):
    road.submitted()
    version = road.case.version
    ask_info(road.as_staff("fang"), road.number, question="哪一盏？", version=version)
    with pytest.raises(StaleVersion) as refused:
        supply_info(road.as_resident("lin"), road.number, words="第二盏", version=version)
    assert refused.value.facts == {"version": version + 1, "state": "info_requested"}


def test_the_head_of_a_township_does_not_decide_for_the_centre(road, session):
    road.submitted()
    request = ask(
        road.as_staff("fang"), road.number, RequestKind.REJECT, Asked(reason_code="no_facts", reply="请补充", note="申请")
    )
    session.add(StaffPost(staff_id=road.cast.staff["liu"].id, role=Role.UNIT_HEAD, unit_id=road.cast.units["柳河镇"].id))
    session.flush()
    with pytest.raises(NotYourMove):
        decide_request(road.as_staff("liu"), road.number, request.id, Decision(approve=True))


def test_the_head_of_the_shift_sees_confidential_cases(road):
    number = road.submitted(kind=Kind.TIP_OFF)
    assert find_case(road.as_staff("ma"), number).confidential
    with pytest.raises(CaseNotFound):
        find_case(road.as_staff("zhou"), number)


def test_a_case_of_nobody_in_particular_closes_at_review_with_nobody_to_contact(road):
    number = road.in_progress(
        channel=Channel.PATROL, filer_resident_id=None, concerned_id=None, filer_staff_id=road.cast.staff["fang"].id
    )
    assert Clock.CONTACT not in road.clocks()
    submit_result(road.as_staff("he"), number, reply="已修好", note="巡查发现", solved=True)
    pass_result(road.as_staff("qin"), number)
    road.check(State.CLOSED)


def test_a_resident_with_the_same_id_as_the_handler_does_not_silence_the_notice(road, session):
    road.in_progress()
    handler = road.cast.staff["he"].id
    if session.get(Resident, handler) is None:
        session.add(Resident(id=handler, created_at=road.clock(), updated_at=road.clock()))
        session.flush()
    report = road.case.reports[0]
    session.add(ReportClaim(report_id=report.id, resident_id=handler, at=road.clock()))
    session.flush()
    twin = Stamp(Actor(ActorKind.RESIDENT, handler), Role.RESIDENT, road.clock(), Door.MINI_PROGRAM)
    supplement(twin, road.number, words="还有一盏也不亮")
    told = session.scalars(select(Notice).where(Notice.template == "supplement", Notice.recipient_id == handler)).all()
    assert [notice.recipient for notice in told] == [Recipient.STAFF]


def test_a_post_elsewhere_lends_no_role_here(road, session):
    road.submitted()
    request = ask(
        road.as_staff("fang"), road.number, RequestKind.REJECT, Asked(reason_code="no_facts", reply="请补充", note="申请")
    )
    liu = road.cast.staff["liu"].id
    session.add(StaffPost(staff_id=liu, role=Role.UNIT_HEAD, unit_id=road.cast.units["柳河镇"].id))
    session.add(StaffPost(staff_id=liu, role=Role.DISPATCHER, unit_id=road.cast.units["石桥镇"].id))
    session.flush()
    stamp = road.as_staff("liu")
    with pytest.raises(NotYourMove):
        decide_request(stamp.acting_as(Role.DISPATCHER), road.number, request.id, Decision(approve=True))


def test_a_request_does_not_outlive_the_states_in_which_it_can_be_decided(road, session):
    road.accepted()
    request = ask(
        road.as_staff("fang"), road.number, RequestKind.REJECT, Asked(reason_code="no_facts", reply="请补充", note="申请")
    )
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
    session.refresh(request)
    assert request.state is RequestState.WITHDRAWN


def test_a_case_against_a_person_does_not_go_to_the_unit_where_they_serve(road):
    with pytest.raises(UnitRecused, match="城市管理局"):
        road.dispatched(against_staff_id=road.cast.staff["he"].id)
    road.session.refresh(road.case)
    road.check(State.ACCEPTED)
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["水利局"].id)
    road.check(State.DISPATCHED)


def test_danger_against_the_head_of_the_shift_goes_one_level_up(road, session):
    road.submitted(body="值班室门口有人持刀，值班长不管！", against_staff_id=road.cast.staff["ma"].id)
    told = session.scalars(select(Notice.recipient_id).where(Notice.template == "danger")).all()
    assert told == [road.cast.staff["sun"].id, road.cast.staff["ling"].id]


def test_accepting_as_a_tip_off_makes_a_case_confidential_and_outside_grids_clears_the_grid(road):
    road.submitted(kind=Kind.OTHER)
    lamp = road.cast.categories["路灯照明"]
    accept_case(road.as_staff("fang"), road.number, kind=Kind.TIP_OFF, category_id=lamp, grid_id=None, outside_grids=True)
    case = road.case
    assert case.confidential
    assert (case.grid_id, case.territory_path) == (None, road.cast.units["云溪县"].path)


def test_another_grid_worker_cannot_supply_what_lin_was_asked(road):
    road.submitted()
    ask_info(road.as_staff("fang"), road.number, question="哪一盏？")
    with pytest.raises(NotYourMove):
        supply_info(road.as_staff("zhou"), road.number, words="第二盏")


def test_who_answered_does_not_call_back(road, session):
    session.add(StaffPost(staff_id=road.cast.staff["fang"].id, role=Role.CALLBACK_AGENT, unit_id=road.cast.units["云溪县"].id))
    session.flush()
    road.submitted()
    answer_case(road.as_staff("fang"), road.number, reply="已答复", category_id=road.cast.categories["路灯照明"])
    with pytest.raises(HandlingUnitMayNotCallBack):
        record_callback(road.as_staff("fang"), road.number, HAPPY)


def test_a_claimed_case_is_called_back(road, session):
    for_nobody = {"filer_resident_id": None, "concerned_id": None, "filer_staff_id": road.cast.staff["zhou"].id}
    road.dispatched(channel=Channel.HOTLINE, **for_nobody)
    report = road.case.reports[0]
    session.add(ReportClaim(report_id=report.id, resident_id=road.cast.residents["chen"].id, at=road.clock()))
    session.flush()
    session.expire(report)
    sign_case(road.as_staff("he"), road.number)
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    submit_result(road.as_staff("he"), road.number, reply="好了", note="好了", solved=True)
    pass_result(road.as_staff("qin"), road.number)
    road.check(State.AWAITING_CALLBACK)


def test_a_clock_that_was_due_before_it_was_cancelled_stays_breached(road):
    road.dispatched(assists=["水利局"])
    sign_case(road.as_staff("he"), road.number)
    road.clock.advance(hours=3)
    record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
    submit_result(road.as_staff("he"), road.number, reply="好了", note="好了", solved=True, without_assists="不再需要")
    rows = road.session.scalars(select(Deadline).where(Deadline.case_id == road.case.id, Deadline.clock == Clock.SIGN)).all()
    assert [row.breached_at is not None for row in rows if row.cancelled_at is not None] == [True]


def test_a_report_whose_text_was_altered_is_found(road, session):
    road.submitted()
    session.execute(update(Report).where(Report.case_id == road.case.id).values(body="一切都好"))
    assert [broken.what for broken in verify_ledger().breaks] == ["the report does not say what was submitted"]


def test_not_solved_yet_satisfied_needs_an_explanation_and_the_resident_can_still_answer(road):
    road.awaiting_callback()
    odd = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.VERY_SATISFIED)
    with pytest.raises(ContradictionUnexplained):
        record_callback(road.as_staff("lu"), road.number, odd)
    record_callback(road.as_staff("lu"), road.number, odd, note="说理解政策，不再要求")
    road.check(State.CLOSED)
    rate_case(road.as_resident("lin"), road.number, UNHAPPY)
    with pytest.raises(AlreadyRated):
        rate_case(road.as_resident("lin"), road.number, HAPPY)


def test_attempts_within_the_hour_count_as_one():
    at = datetime(2026, 11, 23, 2, tzinfo=UTC)
    tried = [at, at + timedelta(minutes=1), at + timedelta(minutes=61), at + timedelta(minutes=70)]
    assert apart(tried, timedelta(minutes=60)) == [tried[0], tried[2]]


@pytest.mark.parametrize("said", ["家里闻到燃气味", "我不想活了", "老人昏迷不醒", "房子要塌了"])
def test_danger_as_people_say_it_is_urgent_and_told_at_once(road, session, said):
    road.submitted(body=said)
    assert road.case.urgency is Urgency.URGENT
    assert (road.clocks()[Clock.ACCEPT].due_at - road.clock()).total_seconds() == 30 * 60
    templates = session.scalars(select(Notice.template).where(Notice.case_id == road.case.id)).all()
    assert sorted(templates) == ["danger", "submit_danger"]


def test_the_filer_reads_why_and_where_to_go(road, session):
    road.submitted()
    request = ask(
        road.as_staff("fang"),
        road.number,
        RequestKind.REDIRECT,
        Asked(reason_code="petition", reply="请到信访局", note="申请", redirect_to="县信访局"),
    )
    decide_request(road.as_staff("ma"), road.number, request.id, Decision(approve=True))
    words = session.scalars(select(EntryWords.reply).join(Entry).where(Entry.action == Action.REDIRECT)).one()
    assert words == "请到信访局\n原因：属于信访事项\n办理渠道：县信访局"


def test_a_number_is_understood_as_it_is_read_out(road):
    number = road.submitted()
    assert find_case(road.as_staff("fang"), in_fours(number)).number == number
