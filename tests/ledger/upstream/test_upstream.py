"""Upstream orders: upstream's moments bind the county's, its word is a third one, what goes back is tracked until signed."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.ledger.callbacks.answers import Verdict, confirm_upstream, rate_case, record_callback
from app.ledger.callbacks.models import Callback
from app.ledger.clocks import Deadline
from app.ledger.commands import accept_case
from app.ledger.handling import dispatch_case, pass_result, record_contact, sign_case, submit_result
from app.ledger.intake.registration import Registration, RegistrationUnfit, register
from app.ledger.models import Case
from app.ledger.requests.asking import ask
from app.ledger.requests.checks import Asked
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.extensions import PastUpstream
from app.ledger.requests.limits import ReturnLapsed
from app.ledger.requests.models import Request
from app.ledger.scope import CaseNotFound
from app.ledger.showing.possible import possible_actions
from app.ledger.sweep import sweep
from app.ledger.timeline import verify_ledger
from app.ledger.upstream.orders import (
    NotFromUpstream,
    NothingSentBack,
    UpstreamIsTheCentres,
    UpstreamMomentUnfit,
    adjust_upstream,
    hear_upstream,
    send_back_upstream,
    sign_returned,
    unsigned_returns,
)
from app.ledger.vocabulary import Action, CallbackBy, Channel, Clock, Kind, RequestKind, Satisfaction, State
from app.ledger.workflow import IllegalMove, NotYourMove
from app.notices.models import Notice

HAPPY = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED)
UNHAPPY = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)
WEDNESDAY = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
"""Wednesday 2026-11-25, 17:30 in China: the close of business of the second working day."""


class Order:
    """An upstream order on its road."""

    def __init__(self, session, cast, clock, as_staff, as_resident):
        self.session, self.cast, self.clock, self.as_staff, self.as_resident = session, cast, clock, as_staff, as_resident

    def registered(self, **more):
        given = {
            "channel": Channel.UPSTREAM_12345,
            "body": "柳林村一组路口的路灯坏了三天了。",
            "kind": Kind.HELP,
            "category_id": self.cast.categories["路灯照明"],
            "grid": self.cast.grids["柳林村一网格"].code,
            "name": "王桂花",
            "phone": "13800001234",
            "upstream_number": "SZ-1",
        }
        self.number = register(self.as_staff("fang"), Registration(**(given | more))).number
        self.clock.advance(minutes=5)
        return self

    def accepted(self, **more):
        self.registered(**more)
        category, grid = self.cast.categories["路灯照明"], self.cast.grids["柳林村一网格"].id
        accept_case(self.as_staff("fang"), self.number, kind=Kind.HELP, category_id=category, grid_id=grid)
        return self

    def dispatched(self, **more):
        self.accepted(**more)
        dispatch_case(self.as_staff("du"), self.number, lead_unit_id=self.cast.units["城市管理局"].id)
        return self

    def awaiting_upstream(self, **more):
        self.dispatched(**more)
        he = self.as_staff("he")
        sign_case(he, self.number)
        record_contact(he, self.number, how="phone", note="联系了")
        submit_result(he, self.number, reply="修好了", note="换灯头", solved=True)
        pass_result(self.as_staff("qin"), self.number)
        record_callback(self.as_staff("lu"), self.number, HAPPY)
        return self

    @property
    def case(self):
        return self.session.scalars(select(Case).where(Case.number == self.number)).one()

    def clocks(self):
        self.session.flush()
        rows = self.session.scalars(select(Deadline).where(Deadline.case_id == self.case.id).order_by(Deadline.id))
        return {row.clock: row for row in rows}

    def running(self):
        return {kind: row for kind, row in self.clocks().items() if row.met_at is None and row.cancelled_at is None}


@pytest.fixture
def order(session, cast, clock, as_staff, as_resident):
    return Order(session, cast, clock, as_staff, as_resident)


def test_upstreams_moments_are_clocks_of_their_own_and_bind_the_promise(order, clock):
    start = clock()
    moments = {"sign_by": start + timedelta(hours=1), "return_by": start + timedelta(hours=5), "due_by": WEDNESDAY}
    order.registered(**moments)
    running = order.running()
    assert {kind: running[kind].due_at for kind in (Clock.UPSTREAM_SIGN, Clock.UPSTREAM_RETURN, Clock.UPSTREAM_DUE)} == {
        Clock.UPSTREAM_SIGN: moments["sign_by"],
        Clock.UPSTREAM_RETURN: moments["return_by"],
        Clock.UPSTREAM_DUE: WEDNESDAY,
    }
    assert all(running[kind].given for kind in (Clock.UPSTREAM_SIGN, Clock.UPSTREAM_DUE))
    # four working hours before Wednesday 17:30: the three of the afternoon, and one of the morning
    assert running[Clock.OVERALL].due_at == datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
    assert order.case.next_due_at == min(clock.due_at for clock in running.values())


def test_the_units_term_is_the_stricter_of_both(order):
    order.dispatched(due_by=WEDNESDAY)
    clock = order.running()[Clock.RESOLVE]
    assert (clock.due_at, clock.given) == (datetime(2026, 11, 25, 3, 0, tzinfo=UTC), True)


def test_a_far_upstream_moment_changes_nothing(order, clock):
    order.dispatched(due_by=clock() + timedelta(days=90))
    own = order.running()[Clock.RESOLVE]
    assert (own.due_at, own.given) == (datetime(2026, 11, 30, 9, 30, tzinfo=UTC), False)


def test_without_room_for_a_margin_upstreams_own_moment_binds(order, clock):
    due = clock() + timedelta(hours=2)
    order.dispatched(due_by=due)
    assert order.running()[Clock.RESOLVE].due_at == due


def test_acceptance_signs_upstream_and_dispatch_ends_the_return(order, clock):
    order.accepted(sign_by=clock() + timedelta(hours=1), return_by=clock() + timedelta(hours=5))
    assert order.clocks()[Clock.UPSTREAM_SIGN].met_at == order.clock()
    assert Clock.UPSTREAM_RETURN in order.running()
    dispatch_case(order.as_staff("du"), order.number, lead_unit_id=order.cast.units["城市管理局"].id)
    ended = order.clocks()[Clock.UPSTREAM_RETURN]
    assert (ended.met_at, ended.cancelled_at, ended.breached_at) == (None, order.clock(), None)


def test_the_answer_that_goes_up_meets_upstreams_due_moment(order):
    order.awaiting_upstream(due_by=WEDNESDAY)
    assert order.case.state is State.AWAITING_UPSTREAM
    due = order.clocks()[Clock.UPSTREAM_DUE]
    assert (due.met_at, due.breached_at) == (order.clock(), None)
    confirm_upstream(order.as_staff("du"), order.number, note="上级已审核")
    assert order.case.state is State.CLOSED
    assert order.running() == {}


def test_only_upstream_orders_have_upstream_moments(order, clock):
    with pytest.raises(RegistrationUnfit) as refused:
        order.registered(channel=Channel.HOTLINE, upstream_number=None, due_by=WEDNESDAY)
    assert list(refused.value.errors) == ["due_by"]


class TestUpstreamsOwnWord:
    def test_dissatisfied_it_comes_back_to_the_supervisors_triage(self, order):
        order.awaiting_upstream(due_by=WEDNESDAY)
        due = order.clock() + timedelta(days=3)
        hear_upstream(order.as_staff("fang"), order.number, UNHAPPY, note="市里回访不满意", due_by=due)
        case = order.case
        assert (case.state, case.triage) == (State.AWAITING_CALLBACK, True)
        waits = select(Notice.recipient_id).where(Notice.template == "triage_waits")
        assert order.cast.staff["sun"].id in order.session.scalars(waits).all()
        running = order.running()
        assert set(running) == {Clock.OVERALL, Clock.TRIAGE, Clock.UPSTREAM_DUE}
        assert running[Clock.UPSTREAM_DUE].due_at == due
        word = order.session.scalars(select(Callback).where(Callback.case_id == case.id, Callback.by == CallbackBy.UPSTREAM)).one()
        assert (word.solved, word.satisfaction) == (False, Satisfaction.DISSATISFIED)
        assert case.unit_solved is True  # the unit's word stands beside it
        assert verify_ledger().breaks == []

    def test_its_new_moment_bounds_the_promise(self, order):
        order.awaiting_upstream()
        assert order.running()[Clock.OVERALL].due_at > WEDNESDAY
        hear_upstream(order.as_staff("fang"), order.number, UNHAPPY, note="市里回访不满意", due_by=WEDNESDAY)
        assert order.running()[Clock.OVERALL].due_at == datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
        assert order.case.next_due_at == min(clock.due_at for clock in order.running().values())

    def test_satisfied_it_closes_the_case_and_the_resident_may_still_rate(self, order, session):
        order.awaiting_upstream()
        hear_upstream(order.as_staff("sun"), order.number, HAPPY, note="市里回访满意")
        assert order.case.state is State.CLOSED
        to_supervisors = select(Notice.recipient_id).where(Notice.template.in_(("triage_waits", "confirm_upstream")))
        assert set(session.scalars(to_supervisors)) == {order.cast.staff["he"].id}
        order.case.reports[0].concerned_id = order.cast.residents["lin"].id
        session.flush()
        rate_case(order.as_resident("lin"), order.number, HAPPY)
        said = session.scalars(select(Callback.by).where(Callback.case_id == order.case.id).order_by(Callback.id)).all()
        assert said == [CallbackBy.AGENT, CallbackBy.UPSTREAM, CallbackBy.RESIDENT]

    def test_it_is_heard_only_where_it_is_awaited_and_by_whose_job_it_is(self, order):
        order.dispatched()
        with pytest.raises(IllegalMove):
            hear_upstream(order.as_staff("fang"), order.number, HAPPY, note="满意")
        with pytest.raises(NotYourMove):
            hear_upstream(order.as_staff("he"), order.number, HAPPY, note="满意")
        with pytest.raises(CaseNotFound):
            hear_upstream(order.as_staff("xu"), order.number, HAPPY, note="满意")

    def test_its_new_moment_lies_ahead(self, order):
        order.awaiting_upstream()
        with pytest.raises(UpstreamMomentUnfit):
            hear_upstream(order.as_staff("fang"), order.number, UNHAPPY, note="不满意", due_by=order.clock())


class TestBackUpstream:
    def send(self, order, login="fang"):
        return send_back_upstream(
            order.as_staff(login), order.number, reason_code="other_county", reply="事发地在邻县，已退回上级平台转办。"
        )

    def sent(self, order, **more):
        order.accepted(**more)
        request = self.send(order)
        decide_request(order.as_staff("ding"), order.number, request.id, Decision(approve=True))
        return request

    def test_another_countys_matter_goes_back_and_is_tracked_until_signed(self, order, clock):
        request = self.sent(order, return_by=clock() + timedelta(hours=5))
        assert order.case.state is State.REDIRECTED
        back = order.clocks()[Clock.UPSTREAM_RETURN]
        assert (back.met_at, back.breached_at) == (order.clock(), None)
        (waiting,) = unsigned_returns(order.as_staff("fang")).items
        assert (waiting.number, waiting.upstream_number, waiting.sent_at) == (order.number, "SZ-1", order.clock())
        clock.advance(hours=3)
        sign_returned(order.as_staff("fang"), order.number, note="市平台已签收")
        assert order.case.state is State.REDIRECTED
        assert order.session.get(Request, request.id).signed_at == clock()
        assert list(unsigned_returns(order.as_staff("fang")).items) == []
        with pytest.raises(NothingSentBack):
            sign_returned(order.as_staff("fang"), order.number, note="再签一次")
        assert verify_ledger().breaks == []

    def test_it_is_tracked_whichever_way_it_was_asked(self, order):
        order.accepted()
        asked = Asked(note="事发地在邻县", reply="已退回上级平台转办。", reason_code="other_county", redirect_to="市 12345 平台")
        request = ask(order.as_staff("fang"), order.number, RequestKind.REDIRECT, asked)
        decide_request(order.as_staff("ding"), order.number, request.id, Decision(approve=True))
        assert [back.number for back in unsigned_returns(order.as_staff("fang")).items] == [order.number]

    def test_nor_by_that_way_once_upstreams_moment_is_past(self, order, clock):
        order.accepted(return_by=clock() + timedelta(hours=5))
        clock.advance(hours=6)
        asked = Asked(note="事发地在邻县", reply="已退回上级平台转办。", reason_code="other_county", redirect_to="市 12345 平台")
        with pytest.raises(ReturnLapsed):
            ask(order.as_staff("fang"), order.number, RequestKind.REDIRECT, asked)

    def test_confirming_a_result_does_not_sign_for_what_went_back(self, order):
        self.sent(order)
        count = order.case.entry_count
        with pytest.raises(IllegalMove):
            confirm_upstream(order.as_staff("fang"), order.number, note="上级已签收")
        assert order.case.entry_count == count

    def test_once_upstreams_moment_is_past_nothing_goes_back(self, order, clock):
        order.accepted(return_by=clock() + timedelta(hours=5))
        clock.advance(hours=6)
        with pytest.raises(ReturnLapsed):
            self.send(order)

    def test_a_refused_return_and_another_redirection_are_not_tracked(self, order):
        order.accepted()
        request = self.send(order)
        decide_request(order.as_staff("ding"), order.number, request.id, Decision(approve=False, note="本县可以办"))
        assert list(unsigned_returns(order.as_staff("fang")).items) == []
        assert order.case.state is State.ACCEPTED

    def test_the_list_shows_only_what_one_sees(self, order):
        self.sent(order)
        assert list(unsigned_returns(order.as_staff("he")).items) == []
        with pytest.raises(CaseNotFound):
            sign_returned(order.as_staff("he"), order.number, note="签收")
        with pytest.raises(NotYourMove):
            sign_returned(order.as_staff("lu"), order.number, note="签收")


class TestAnotherMoment:
    FRIDAY = datetime(2026, 12, 4, 9, 30, tzinfo=UTC)

    def adjust(self, order, login="du", **more):
        return adjust_upstream(order.as_staff(login), order.number, note="市平台来电", **more)

    def extend(self, order, amount=2):
        asked = Asked(note="线路老化", reason_code="larger_works", amount=amount)
        return ask(order.as_staff("he"), order.number, RequestKind.EXTEND, asked)

    def test_a_stricter_one_is_a_new_version_and_binds_what_runs(self, order):
        order.dispatched(due_by=self.FRIDAY)
        before = order.running()
        assert before[Clock.RESOLVE].due_at > datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
        self.adjust(order, due_by=WEDNESDAY)
        after = order.running()
        assert after[Clock.UPSTREAM_DUE].due_at == WEDNESDAY
        assert after[Clock.UPSTREAM_DUE].supersedes_id == before[Clock.UPSTREAM_DUE].id
        assert before[Clock.UPSTREAM_DUE].cancelled_at == order.clock()
        inner = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
        assert (after[Clock.RESOLVE].due_at, after[Clock.OVERALL].due_at) == (inner, inner)
        assert order.case.next_due_at == min(clock.due_at for clock in after.values())
        assert verify_ledger().breaks == []

    def test_a_later_one_makes_room_for_the_extension_that_was_refused(self, order):
        order.dispatched(due_by=WEDNESDAY)
        sign_case(order.as_staff("he"), order.number)
        with pytest.raises(PastUpstream):
            self.extend(order)
        bound = order.running()[Clock.RESOLVE].due_at
        self.adjust(order, due_by=self.FRIDAY)
        assert order.running()[Clock.RESOLVE].due_at == bound  # nothing gets longer by itself
        request = self.extend(order)
        decide_request(order.as_staff("du"), order.number, request.id, Decision(approve=True))
        assert bound < order.running()[Clock.RESOLVE].due_at < self.FRIDAY

    def test_a_missed_moment_that_upstream_moves_is_missed_no_more(self, order, clock):
        order.dispatched(due_by=WEDNESDAY)
        clock.move_to(WEDNESDAY + timedelta(minutes=1))
        sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, clock(), Door.JOB))
        missed = order.running()[Clock.UPSTREAM_DUE]
        assert missed.breached_at is not None
        self.adjust(order, due_by=self.FRIDAY)
        assert order.running()[Clock.UPSTREAM_DUE].breached_at is None
        assert missed.breached_at is not None

    def test_upstream_takes_a_return_for_longer(self, order, clock):
        order.accepted(return_by=clock() + timedelta(hours=5))
        self.adjust(order, return_by=clock() + timedelta(hours=9))
        clock.advance(hours=8)
        send_back_upstream(order.as_staff("fang"), order.number, reason_code="other_county", reply="事发地在邻县。")

    @pytest.mark.parametrize(
        ("login", "moments", "refused"),
        [
            ("du", {}, UpstreamMomentUnfit),
            ("du", {"due_by": datetime(2026, 11, 23, 0, 0, tzinfo=UTC)}, UpstreamMomentUnfit),
            ("du", {"return_by": FRIDAY}, UpstreamMomentUnfit),  # dispatched: nothing goes back any more
            ("fang", {"due_by": FRIDAY}, NotYourMove),
            ("he", {"due_by": FRIDAY}, NotYourMove),
        ],
    )
    def test_it_is_the_centres_to_record_and_lies_ahead(self, order, login, moments, refused):
        order.dispatched(due_by=WEDNESDAY)
        with pytest.raises(refused):
            self.adjust(order, login, **moments)

    def test_the_handling_township_does_not_move_it(self, order):
        order.accepted(due_by=WEDNESDAY)
        dispatch_case(order.as_staff("du"), order.number, lead_unit_id=order.cast.units["柳河镇"].id)
        with pytest.raises(UpstreamIsTheCentres):
            self.adjust(order, "shi", due_by=self.FRIDAY)
        pending = []
        assert Action.ADJUST_CLOCK not in possible_actions(order.as_staff("shi"), order.case, pending)
        assert Action.ADJUST_CLOCK in possible_actions(order.as_staff("du"), order.case, pending)

    def test_only_an_upstream_order_has_one(self, order):
        order.accepted(channel=Channel.HOTLINE, upstream_number=None)
        with pytest.raises(NotFromUpstream):
            self.adjust(order, due_by=self.FRIDAY)
        assert Action.ADJUST_CLOCK not in possible_actions(order.as_staff("du"), order.case, [])

    def test_an_extension_carries_the_promise_no_further_than_upstream_allows(self, order):
        order.dispatched(due_by=self.FRIDAY)
        sign_case(order.as_staff("he"), order.number)
        promise = order.running()[Clock.OVERALL].due_at
        assert promise == datetime(2026, 12, 4, 3, 0, tzinfo=UTC)
        request = self.extend(order)
        decide_request(order.as_staff("du"), order.number, request.id, Decision(approve=True))
        assert order.running()[Clock.OVERALL].due_at == promise

    def test_what_upstream_no_longer_allows_is_not_approved(self, order):
        order.dispatched(due_by=self.FRIDAY)
        sign_case(order.as_staff("he"), order.number)
        request = self.extend(order)
        self.adjust(order, due_by=datetime(2026, 12, 1, 9, 30, tzinfo=UTC))
        with pytest.raises(PastUpstream):
            decide_request(order.as_staff("du"), order.number, request.id, Decision(approve=True))
