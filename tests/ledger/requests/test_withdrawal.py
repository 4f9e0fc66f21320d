"""Withdrawal: a person takes back what they said; after dispatch the centre makes sure by a call that it is free will."""

import pytest
from sqlalchemy import select

from app.core.stamp import ANONYMOUS, Door, Role, Stamp
from app.ledger.callbacks.answers import WhichReporter, WithdrawnMayNotRate, rate_case, record_callback
from app.ledger.commands import WrongClaim
from app.ledger.handling import dispatch_case
from app.ledger.intake.claims import withdraw_by_claim
from app.ledger.intake.persons import OnlyThePerson
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Entry, EntryWords
from app.ledger.requests.asking import RequestNotFound, RequestPending, withdraw_request
from app.ledger.requests.checks import RequestUnfit
from app.ledger.requests.deciders import AskerMayNotDecide
from app.ledger.requests.deciding import Decision, decide_request
from app.ledger.requests.models import Request
from app.ledger.requests.withdrawal import (
    REPLY,
    REPLY_OF_ONE,
    NobodyToAsk,
    NobodyToVerify,
    OwnCaseWithdrawn,
    WithdrawnBefore,
    hear_wish,
    keep_after_all,
    wish_to_withdraw,
)
from app.ledger.scope import CaseNotFound
from app.ledger.showing.following import follow
from app.ledger.showing.possible import possible_actions
from app.ledger.vocabulary import Action, Clock, RequestState, State
from app.ledger.workflow import IllegalMove, NotYourMove
from app.notices.models import Notice, Recipient
from tests.ledger.intake.test_intake import lins_report
from tests.ledger.merging.reporters import another_reports
from tests.ledger.test_straight_road import HAPPY, UNHAPPY, road

__all__ = ["road"]


def wish(road, who="lin"):
    return wish_to_withdraw(road.as_resident(who), road.number, words="已经自己修好了")


def told(session, template):
    rows = session.scalars(select(Notice).where(Notice.template == template)).all()
    return {(row.recipient, row.recipient_id) for row in rows}


def the_request(session):
    return session.scalars(select(Request)).one()


@pytest.mark.parametrize("step", ["submitted", "accepted"])
def test_before_dispatch_the_persons_word_is_enough(road, step):
    getattr(road, step)()
    wish(road)
    road.check(State.WITHDRAWN)
    assert road.clocks() == {}
    last = follow(road.as_resident("lin"), road.number).timeline[-1]
    assert (last.who, last.words) == ("您", f"已经自己修好了\n{REPLY}")


def test_after_dispatch_the_centre_is_asked_and_the_clocks_run_on(road, session):
    road.in_progress()
    before = road.clocks()[Clock.RESOLVE].due_at
    wish(road)
    road.check(State.IN_PROGRESS)
    assert set(road.clocks()) == {Clock.RESOLVE, Clock.CONTACT, Clock.OVERALL, Clock.DECIDE}
    assert road.clocks()[Clock.RESOLVE].due_at == before
    assert told(session, "ask_withdraw") == {(Recipient.STAFF, road.cast.staff["lu"].id)}
    seen = follow(road.as_resident("lin"), road.number)
    assert (seen.withdrawing, seen.may_withdraw) == (True, False)
    with pytest.raises(RequestPending):
        wish(road)


def test_the_call_confirms_and_tells_what_was_said(road, session):
    road.in_progress()
    wish(road)
    request = the_request(session)
    with pytest.raises(RequestUnfit):
        decide_request(road.as_staff("lu"), road.number, request.id, Decision(approve=True))
    decide_request(road.as_staff("lu"), road.number, request.id, Decision(approve=True, note="电话核实，本人自愿"))
    road.check(State.WITHDRAWN)
    assert road.clocks() == {}
    assert told(session, "withdraw_persons") == {(Recipient.RESIDENT, road.cast.residents["lin"].id)}
    assert (Recipient.STAFF, road.cast.staff["he"].id) in told(session, "withdraw")


def test_what_the_person_did_not_mean_goes_on(road, session):
    road.in_progress()
    wish(road)
    decide_request(road.as_staff("lu"), road.number, the_request(session).id, Decision(approve=False, note="本人说没有要撤回"))
    road.check(State.IN_PROGRESS)
    assert told(session, "refuse_request_persons") == {(Recipient.RESIDENT, road.cast.residents["lin"].id)}


def test_the_person_takes_the_wish_back(road, session):
    road.in_progress()
    wish(road)
    keep_after_all(road.as_resident("lin"), road.number)
    assert the_request(session).state is RequestState.WITHDRAWN
    assert Clock.DECIDE not in road.clocks()
    assert follow(road.as_resident("lin"), road.number).may_withdraw
    with pytest.raises(RequestNotFound):
        keep_after_all(road.as_resident("lin"), road.number)
    wish(road)  # and may think again


def test_who_may_not_withdraw(road):
    chen = road.cast.residents["chen"].id
    road.submitted(concerned_id=chen)
    with pytest.raises(OnlyThePerson):
        wish(road)
    with pytest.raises(CaseNotFound):
        wish(road, "zheng")
    wish(road, "chen")
    with pytest.raises((IllegalMove, WithdrawnBefore)):
        wish(road, "chen")


def test_an_anonymous_report_is_withdrawn_by_its_code_before_dispatch_alone(road, as_anonymous):
    receipt = take_in(as_anonymous(), lins_report(road.cast, anonymous=True, filer_resident_id=None, concerned_id=None))
    with pytest.raises(WrongClaim):
        withdraw_by_claim(as_anonymous(), receipt.number, "0000 0000", words="不反映了")
    withdraw_by_claim(as_anonymous(), receipt.number, receipt.claim_code, words="不反映了")
    road.number = receipt.number
    road.check(State.WITHDRAWN)


def test_after_dispatch_nobody_can_ask_an_anonymous_person(road, as_anonymous):
    road.dispatched(anonymous=True, filer_resident_id=None, concerned_id=None)
    code = road.receipt.claim_code
    with pytest.raises(NobodyToAsk):
        withdraw_by_claim(as_anonymous(), road.number, code, words="不反映了")
    road.check(State.DISPATCHED)


class TestSeveralReporters:
    """Chen has reported the same; the case is both's."""

    def test_one_withdraws_and_the_case_goes_on_for_the_other(self, road, session):
        road.accepted()
        another_reports(road, "chen")
        wish(road, "chen")
        road.check(State.ACCEPTED)
        assert set(road.clocks()) == {Clock.DISPATCH, Clock.OVERALL}
        assert [report.withdrawn_at is None for report in road.case.reports] == [True, False]
        assert told(session, "withdraw_persons") == set()  # lin has withdrawn nothing
        assert follow(road.as_resident("lin"), road.number).timeline[-1].words == REPLY_OF_ONE
        with pytest.raises(WithdrawnBefore):
            wish(road, "chen")
        wish(road)
        road.check(State.WITHDRAWN)

    def test_whoever_has_withdrawn_is_told_no_more(self, road, session):
        road.accepted()
        another_reports(road, "chen")
        wish(road, "chen")
        road.on_to_callback()
        persons = {road.cast.residents[name].id for name in ("lin", "chen")}
        passed = {person for kind, person in told(session, "pass") if kind is Recipient.RESIDENT}
        assert passed & persons == {road.cast.residents["lin"].id}
        with pytest.raises(WithdrawnMayNotRate):
            rate_case(road.as_resident("chen"), road.number, HAPPY)

    def test_after_dispatch_the_one_who_asked_is_told_and_nobody_else(self, road, session):
        road.in_progress()
        another_reports(road, "chen")
        wish(road, "chen")
        decide_request(road.as_staff("lu"), road.number, the_request(session).id, Decision(approve=True, note="自愿"))
        road.check(State.IN_PROGRESS)
        assert told(session, "withdraw_persons") == {(Recipient.RESIDENT, road.cast.residents["chen"].id)}
        assert told(session, "withdraw_one") == {(Recipient.STAFF, road.cast.staff["he"].id)}
        replies = session.scalars(select(EntryWords.reply).join(Entry).where(Entry.action == Action.WITHDRAW)).all()
        assert replies == ["一位反映人撤回了诉求，其他反映人的诉求继续办理。"]

    def test_the_last_one_left_to_call_withdraws_and_the_case_goes_on_by_the_others_word(self, road, session):
        road.awaiting_callback()
        chen = another_reports(road, "chen")
        record_callback(road.as_staff("lu"), road.number, UNHAPPY, report_id=road.case.reports[0].id)
        assert not road.case.triage  # chen is still to be heard
        wish(road, "chen")
        decide_request(road.as_staff("fang"), road.number, the_request(session).id, Decision(approve=True, note="自愿"))
        road.check(State.AWAITING_CALLBACK)
        assert road.case.triage
        assert chen.withdrawn_at is not None
        assert set(road.clocks()) == {Clock.TRIAGE, Clock.OVERALL}


def test_the_anonymous_stamp_is_nobodys(road):
    road.submitted()
    nobody = Stamp(ANONYMOUS, Role.RESIDENT, road.clock(), Door.MINI_PROGRAM)
    with pytest.raises(CaseNotFound):
        wish_to_withdraw(nobody, road.number, words="撤回")


class TestOnThePhone:
    """What the desk hears from somebody who has but a telephone."""

    def hear(self, road, login="fang", **more):
        return hear_wish(road.as_staff(login), road.number, words="来电说已经自己修好了", **more)

    @pytest.mark.parametrize("step", ["submitted", "accepted", "in_progress", "awaiting_callback"])
    def test_a_second_person_makes_sure_wherever_the_case_stands(self, road, step):
        getattr(road, step)()
        request = self.hear(road)
        road.check(road.case.state)
        assert Clock.DECIDE in road.clocks()
        with pytest.raises(AskerMayNotDecide):
            decide_request(road.as_staff("fang"), road.number, request.id, Decision(approve=True, note="本人自愿"))
        decide_request(road.as_staff("lu"), road.number, request.id, Decision(approve=True, note="电话核实，本人自愿"))
        road.check(State.WITHDRAWN)

    def test_the_person_is_told_what_became_of_it(self, road, session):
        road.in_progress()
        request = self.hear(road)
        decide_request(
            road.as_staff("lu"), road.number, request.id, Decision(approve=False, note="本人说还要办", reply="为您继续办理。")
        )
        session.flush()
        to = select(Notice.recipient, Notice.recipient_id).where(Notice.template.startswith("refuse_request"))
        assert (Recipient.RESIDENT, road.cast.residents["lin"].id) in session.execute(to).all()

    def test_the_agent_who_heard_it_leaves_it_to_another_or_takes_it_back(self, road):
        road.in_progress()
        request = self.hear(road, "lu")
        with pytest.raises(AskerMayNotDecide):
            decide_request(road.as_staff("lu"), road.number, request.id, Decision(approve=True, note="本人自愿"))
        with pytest.raises(RequestPending):
            wish(road)
        withdraw_request(road.as_staff("lu"), road.number, request.id)
        wish(road)

    def test_of_several_reporters_one_is_named(self, road, session):
        road.accepted()
        other = another_reports(road, "chen")
        with pytest.raises(WhichReporter):
            self.hear(road)
        request = self.hear(road, report_id=other.id)
        decide_request(road.as_staff("lu"), road.number, request.id, Decision(approve=True, note="电话核实，本人自愿"))
        assert other.withdrawn_at == road.clock()
        road.check(State.ACCEPTED)
        with pytest.raises(WithdrawnBefore):
            self.hear(road, report_id=other.id)

    def test_the_handling_unit_does_not_hear_it(self, road):
        road.accepted()
        dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳河镇"].id)
        with pytest.raises(OwnCaseWithdrawn):
            self.hear(road, "shi")
        with pytest.raises(NotYourMove):
            self.hear(road, "liu")
        assert Action.ASK_WITHDRAW not in possible_actions(road.as_staff("shi"), road.case, [])
        assert Action.ASK_WITHDRAW in possible_actions(road.as_staff("lu"), road.case, [])

    def test_nobody_speaks_for_whoever_gave_no_name(self, road, clock):
        stamp = Stamp(ANONYMOUS, Role.RESIDENT, clock(), Door.MINI_PROGRAM)
        report = lins_report(road.cast, filer_resident_id=None, concerned_id=None, anonymous=True)
        road.number = take_in(stamp, report).number
        with pytest.raises(NobodyToVerify):
            self.hear(road)
        assert Action.ASK_WITHDRAW not in possible_actions(road.as_staff("fang"), road.case, [])
