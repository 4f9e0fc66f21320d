"""Reopening: a closed case begins a new round, once at the person's wish, or by a dispatcher with a reason."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core.stamp import Role
from app.ledger.callbacks.answers import rate_case, record_callback
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline
from app.ledger.commands import answer_case
from app.ledger.handling import ContactMissing, OwnWork, dispatch_case, pass_result, record_contact, sign_case, submit_result
from app.ledger.intake.persons import OnlyThePerson
from app.ledger.merging.candidates import merge_candidates
from app.ledger.merging.repeats import link_recurrence
from app.ledger.models import Case, CaseAccess, Entry, EntryWords
from app.ledger.moves import StaleVersion
from app.ledger.requests.deciding import decide_request
from app.ledger.requests.extensions import NoMoreExtensions
from app.ledger.rounds.reopening import ArchivedStaysClosed, MatterSettled, ReopenedBefore, ReopeningClosed, reopen_case
from app.ledger.rounds.settling import NotAnsweredOftenEnough, mark_settled
from app.ledger.scope import CaseNotFound
from app.ledger.showing.case_view import case_view
from app.ledger.showing.following import follow
from app.ledger.showing.possible import possible_actions
from app.ledger.terms import HoursKind, Term, Unit, due_at
from app.ledger.verification.case_results import results_by_round
from app.ledger.vocabulary import Access, Action, Clock, RequestKind, State
from app.ledger.workflow import IllegalMove, NotYourMove, WordsMissing
from app.notices.models import Notice, Recipient
from app.people.models import StaffPost
from app.territory.calendar.queries import load_calendar
from tests.ledger.requests.test_requests import NO, YES, asked, to_water
from tests.ledger.test_straight_road import HAPPY, road

__all__ = ["road"]


@pytest.fixture
def closed(road):
    """A case closed after a satisfied call-back."""
    road.awaiting_callback()
    record_callback(road.as_staff("lu"), road.number, HAPPY)
    road.clock.advance(days=3)
    return road


def reopen(road, who="lin", words="灯又灭了"):
    stamp = road.as_resident(who) if who in road.cast.residents else road.as_staff(who)
    return reopen_case(stamp, road.number, words=words)


def handle(road):
    """Take a reopened case to where it waits for the person's word again."""
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["水利局"].id)
    sign_case(road.as_staff("shui"), road.number)
    record_contact(road.as_staff("shui"), road.number, how="visit", note="上门查看")
    submit_result(road.as_staff("shui"), road.number, reply="电缆已更换。", note="更换电缆", solved=True)
    pass_result(road.as_staff("qin"), road.number)


def test_the_person_reopens_and_the_promise_starts_anew(closed, session):
    reopen(closed)
    closed.check(State.ACCEPTED)
    case = closed.case
    assert (case.round, case.reopenings, case.lead_unit_id, case.closed_at) == (2, 1, None, None)
    clocks = closed.clocks()
    assert set(clocks) == {Clock.DISPATCH, Clock.OVERALL}
    county = load_calendar(catalogue().county_id)
    assert clocks[Clock.OVERALL].due_at == due_at(closed.clock(), Term(15, Unit.WORKING_DAY, HoursKind.WORK), county).at
    first = session.scalars(select(Deadline).where(Deadline.case_id == case.id, Deadline.clock == Clock.OVERALL)).first()
    assert first.met_at == closed.clock() - timedelta(days=3)  # the first promise was kept, and stays so


def test_the_unit_reads_on_and_is_told_with_the_person_and_the_dispatchers(closed, session):
    lead = closed.case.lead_unit_id
    reopen(closed)
    assert session.get(CaseAccess, (closed.case.id, lead)).mode is Access.READ
    told = session.scalars(select(Notice).where(Notice.template.like("reopen%"))).all()
    staff = {closed.cast.staff[login].id: login for login in closed.cast.staff}
    who = {(row.template, staff[row.recipient_id] if row.recipient is Recipient.STAFF else "lin") for row in told}
    assert who == {("reopen", "du"), ("reopen", "pai"), ("reopen", "shi"), ("reopen_owner", "he"), ("reopen_persons", "lin")}
    (params,) = [row.params for row in told if row.template == "reopen_persons"]
    assert params == {"number": closed.number, "overall_due": "12月17日 17:30"}


def test_a_new_round_is_handled_and_rated_and_the_earlier_result_stays(closed):
    reopen(closed)
    handle(closed)
    assert follow(closed.as_resident("lin"), closed.number).may_rate
    rate_case(closed.as_resident("lin"), closed.number, HAPPY)
    closed.check(State.CLOSED)
    results = results_by_round(closed.case)
    assert [(result.round, result.reply, result.passed) for result in results] == [
        (1, "路灯已修好。", True),
        (2, "电缆已更换。", True),
    ]


def test_a_person_reopens_once_the_dispatcher_as_often_as_needed(closed):
    reopen(closed)
    handle(closed)
    record_callback(closed.as_staff("lu"), closed.number, HAPPY)
    assert not follow(closed.as_resident("lin"), closed.number).may_reopen
    with pytest.raises(ReopenedBefore):
        reopen(closed)
    reopen(closed, "du", "群众来电说又坏了")
    handle(closed)
    record_callback(closed.as_staff("lu"), closed.number, HAPPY)
    reopen(closed, "du", "再次来电")
    assert closed.case.reopenings == 3


def test_a_dispatchers_reopening_leaves_the_person_theirs(closed):
    reopen(closed, "du", "群众来电说又坏了")
    handle(closed)
    record_callback(closed.as_staff("lu"), closed.number, HAPPY)
    reopen(closed)
    assert closed.case.reopenings == 2


@pytest.mark.parametrize(("days", "allowed"), [(11, True), (13, False)])
def test_after_fifteen_days_from_closing_the_person_reports_anew(closed, days, allowed):
    closed.clock.advance(days=days)  # three have passed
    assert follow(closed.as_resident("lin"), closed.number).may_reopen is allowed
    if allowed:
        reopen(closed)
        return
    with pytest.raises(ReopeningClosed):
        reopen(closed)
    reopen(closed, "du", "过了期限，确有新情况")


def test_who_may_not_reopen(closed):
    with pytest.raises(CaseNotFound):
        reopen(closed, "chen")
    for login in ("fang", "he", "sun"):
        with pytest.raises(NotYourMove):
            reopen(closed, login)
    with pytest.raises(WordsMissing):
        reopen(closed, words=" ")
    with pytest.raises(StaleVersion):
        reopen_case(closed.as_staff("du"), closed.number, words="又坏了", version=1)
    closed.check(State.CLOSED)


def test_who_filed_for_another_does_not_reopen_it(road):
    chen = road.cast.residents["chen"].id
    road.awaiting_callback(concerned_id=chen)
    record_callback(road.as_staff("lu"), road.number, HAPPY)
    with pytest.raises(OnlyThePerson):
        reopen(road)
    reopen(road, "chen")


def test_only_a_closed_case_is_reopened(road):
    road.awaiting_callback()
    with pytest.raises(IllegalMove):
        reopen(road)


def test_history_stays_closed(closed, session):
    session.execute(update(Case).where(Case.id == closed.case.id).values(archived=True))
    session.expire_all()
    with pytest.raises(ArchivedStaysClosed):
        reopen(closed, "du", "历史工单")


def test_a_direct_answer_reopened_tells_no_unit(road, session):
    road.submitted()
    place = {"category_id": road.cast.categories["路灯照明"], "grid_id": road.cast.grids["柳林村一网格"].id}
    answer_case(road.as_staff("fang"), road.number, reply="请拨打供电热线", **place)
    rate_case(road.as_resident("lin"), road.number, HAPPY)
    reopen(road)
    assert session.scalars(select(Notice.id).where(Notice.template == "reopen_owner")).all() == []
    assert [result.round for result in results_by_round(road.case)] == [1]


class TestSettled:
    def test_a_matter_is_settled_after_two_reviewed_answers_and_the_person_reads_why(self, closed, session):
        sun = closed.as_staff("sun")
        with pytest.raises(NotAnsweredOftenEnough):
            mark_settled(sun, closed.number, reply="不再重复受理。", note="已答复")
        reopen(closed)
        handle(closed)
        record_callback(closed.as_staff("lu"), closed.number, HAPPY)
        with pytest.raises(NotYourMove):
            mark_settled(closed.as_staff("du"), closed.number, reply="不再重复受理。", note="已答复两次")
        mark_settled(closed.as_staff("sun"), closed.number, reply="已两次核验答复，没有新情况不再受理。", note="两轮都已核验")
        assert closed.case.settled
        words = session.scalars(select(EntryWords.reply).join(Entry).where(Entry.action == Action.MARK_SETTLED)).all()
        assert words == ["已两次核验答复，没有新情况不再受理。"]
        (notice,) = session.scalars(select(Notice).where(Notice.template == "mark_settled")).all()
        assert (notice.recipient, notice.recipient_id) == (Recipient.RESIDENT, closed.cast.residents["lin"].id)

    def test_answers_to_the_case_it_came_back_from_count_too(self, closed, session):
        first = closed.case
        closed.awaiting_callback()
        record_callback(closed.as_staff("lu"), closed.number, HAPPY)
        with pytest.raises(NotAnsweredOftenEnough):
            mark_settled(closed.as_staff("sun"), closed.number, reply="不再受理。", note="两次")
        closed.case.recurrence_of_id = first.id
        session.flush()
        mark_settled(closed.as_staff("sun"), closed.number, reply="不再受理。", note="两次")

    def test_direct_answers_that_nobody_reviewed_do_not_count(self, road):
        road.submitted()
        place = {"category_id": road.cast.categories["路灯照明"], "grid_id": road.cast.grids["柳林村一网格"].id}
        answer_case(road.as_staff("fang"), road.number, reply="请拨打供电热线", **place)
        rate_case(road.as_resident("lin"), road.number, HAPPY)
        reopen(road)
        answer_case(road.as_staff("fang"), road.number, reply="请再拨打供电热线")
        rate_case(road.as_resident("lin"), road.number, HAPPY)
        with pytest.raises(NotAnsweredOftenEnough):
            mark_settled(road.as_staff("sun"), road.number, reply="不再受理。", note="两次")

    def test_no_supervisor_of_the_unit_itself_settles_its_matter(self, closed, session):
        reopen(closed)
        handle(closed)
        record_callback(closed.as_staff("lu"), closed.number, HAPPY)
        post = StaffPost(staff_id=closed.cast.staff["sun"].id, role=Role.HANDLER, unit_id=closed.cast.units["城市管理局"].id)
        session.add(post)
        session.flush()
        assert Action.MARK_SETTLED not in possible_actions(closed.as_staff("sun"), closed.case, [])
        with pytest.raises(OwnWork):
            mark_settled(closed.as_staff("sun"), closed.number, reply="不再受理。", note="两次")
        assert Action.MARK_SETTLED in possible_actions(closed.as_staff("ling"), closed.case, [])

    def test_intake_reads_that_the_matter_which_came_back_is_settled(self, closed, session):
        first = closed.case
        first.settled = True
        closed.accepted()
        (candidate,) = [each for each in merge_candidates(closed.as_staff("fang"), closed.number) if each.number == first.number]
        assert candidate.settled
        assert "已标记不再重复受理" in candidate.reasons
        assert not case_view(closed.as_staff("fang"), closed.number).recurrence_settled
        link_recurrence(closed.as_staff("fang"), closed.number, of=first.number)
        session.flush()
        assert case_view(closed.as_staff("fang"), closed.number).recurrence_settled

    def test_the_person_of_a_settled_matter_calls_instead_of_reopening(self, closed):
        closed.case.settled = True
        with pytest.raises(MatterSettled):
            reopen(closed)
        reopen(closed, "du", "有新情况")


class TestLimitsOfItsOwn:
    """What was used up before a case was reopened is not held against whoever handles it then."""

    def bureau(self, road):
        road.clock.advance(minutes=1)
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
        sign_case(road.as_staff("he"), road.number)

    def close(self, road):
        record_contact(road.as_staff("he"), road.number, how="phone", note="联系了")
        submit_result(road.as_staff("he"), road.number, reply="好了", note="好了", solved=True)
        pass_result(road.as_staff("qin"), road.number)
        rate_case(road.as_resident("lin"), road.number, HAPPY)

    def test_extensions_count_anew_and_the_first_is_the_centres_again(self, road):
        road.in_progress()
        for decider in ("du", "tang"):
            request = asked(road, "he", RequestKind.EXTEND, amount=1)
            decide_request(road.as_staff(decider), road.number, request.id, YES)
        with pytest.raises(NoMoreExtensions):
            asked(road, "he", RequestKind.EXTEND, amount=1)
        self.close(road)
        reopen(road)
        self.bureau(road)
        request = asked(road, "he", RequestKind.EXTEND, amount=1)
        decide_request(road.as_staff("du"), road.number, request.id, YES)
        assert road.case.extensions == 1

    def test_a_dispute_that_was_settled_locks_no_later_return(self, road):
        road.in_progress()
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        decide_request(road.as_staff("du"), road.number, request.id, NO)
        assert road.case.return_locked
        self.close(road)
        reopen(road)
        self.bureau(road)
        asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))

    def test_a_return_before_it_is_not_the_first_of_two(self, road):
        road.in_progress()
        self.give_back(road)
        self.bureau(road)
        self.close(road)
        reopen(road)
        self.bureau(road)
        self.give_back(road)
        assert not road.case.return_locked
        self.bureau(road)
        self.give_back(road)
        assert road.case.return_locked

    def give_back(self, road):
        request = asked(road, "he", RequestKind.RETURN, unit_ids=to_water(road))
        decide_request(road.as_staff("du"), road.number, request.id, YES)

    def test_the_person_is_contacted_anew(self, closed):
        reopen(closed)
        self.bureau(closed)
        with pytest.raises(ContactMissing):
            submit_result(closed.as_staff("he"), closed.number, reply="好了", note="好了", solved=True)
        self.close(closed)
        contacts = select(Deadline.met_at).where(Deadline.case_id == closed.case.id, Deadline.clock == Clock.CONTACT)
        assert None not in closed.session.scalars(contacts).all()
