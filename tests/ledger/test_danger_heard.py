"""Danger words count whenever a person says them: the head of the shift hears at once, and the case goes on as an urgent one."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.stamp import ANONYMOUS, Door, Role, Stamp
from app.ledger.callbacks.answers import rate_case
from app.ledger.commands import ask_info, supplement, supply_info
from app.ledger.handling import dispatch_case, record_contact
from app.ledger.intake.claims import supplement_by_claim
from app.ledger.models import Entry
from app.ledger.requests.withdrawal import wish_to_withdraw
from app.ledger.rounds.reopening import reopen_case
from app.ledger.supervision.pressing import urge
from app.ledger.supervision.residents_urge import record_residents_urge, urge_as_resident
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Clock, PressMode, State, Urgency
from app.notices.models import Notice, Recipient
from tests.ledger.test_straight_road import HAPPY, UNHAPPY, road

__all__ = ["road"]

WORDS = "再没人管我就自杀，屋里有燃气泄漏"


def alerted(road):
    return [notice.recipient_id for notice in road.session.scalars(select(Notice).where(Notice.template == "danger"))]


def heard(road):
    """Say whether the head of the shift was told, and the last entry names the words."""
    entry = road.session.scalars(select(Entry).where(Entry.case_id == road.case.id).order_by(Entry.seq.desc())).first()
    assert verify_ledger().breaks == []
    return alerted(road) == [road.cast.staff["ma"].id] and set(entry.facts["danger"]) == {"自杀", "燃气泄漏"}


@pytest.mark.parametrize("login", ["lin", "fang"])
def test_in_a_supplement_whoever_writes_it_down(road, login):
    road.in_progress()
    stamp = road.as_resident("lin") if login == "lin" else road.as_staff(login)
    supplement(stamp, road.number, words=WORDS)
    assert heard(road)
    assert road.case.urgency is Urgency.URGENT
    assert road.clocks()[Clock.RESOLVE].due_at == road.clock() + timedelta(hours=24)
    assert road.case.next_due_at == road.clocks()[Clock.CONTACT].due_at == road.clock() + timedelta(hours=2)
    (notice,) = road.session.scalars(select(Notice).where(Notice.template == "danger"))
    assert (notice.recipient, notice.digest, notice.params["number"]) == (Recipient.STAFF, False, road.number)
    assert notice.params["word"] in WORDS


def test_in_an_answer_to_a_question(road):
    road.accepted()
    ask_info(road.as_staff("fang"), road.number, question="请说明位置")
    supply_info(road.as_resident("lin"), road.number, words=WORDS)
    assert heard(road)
    assert road.case.urgency is Urgency.URGENT
    assert road.clocks()[Clock.DISPATCH].due_at <= road.clock() + timedelta(minutes=10)


def test_what_stood_still_has_the_urgent_term_whole_when_it_goes_on(road):
    road.submitted()
    ask_info(road.as_staff("fang"), road.number, question="请说明位置")
    road.clock.advance(days=1)
    supply_info(road.as_resident("lin"), road.number, words=WORDS)
    accept = road.clocks()[Clock.ACCEPT]
    assert accept.breached_at is None
    assert road.clock() < accept.due_at <= road.clock() + timedelta(minutes=30)


def test_in_urging_by_the_person_or_on_the_phone_but_not_by_staff(road):
    road.in_progress()
    urge(road.as_staff("sun"), [road.number], mode=PressMode.PHONE, words="当心燃气泄漏，请抓紧")
    record_contact(road.as_staff("he"), road.number, how="phone", note="没有燃气泄漏")
    assert (alerted(road), road.case.urgency) == ([], Urgency.NORMAL)
    record_residents_urge(road.as_staff("lu"), road.number, words=WORDS)
    assert heard(road)


def test_in_urging_at_the_mini_program(road):
    road.in_progress()
    urge_as_resident(road.as_resident("lin"), road.number, words=WORDS)
    assert heard(road)


def test_by_claim_code_without_a_name(road):
    road.in_progress(anonymous=True, filer_resident_id=None, concerned_id=None)
    nameless = Stamp(ANONYMOUS, Role.RESIDENT, road.clock(), Door.MINI_PROGRAM)
    supplement_by_claim(nameless, road.number, road.receipt.claim_code, words=WORDS)
    assert heard(road)


def test_in_a_rating(road):
    road.awaiting_callback()
    rate_case(road.as_resident("lin"), road.number, UNHAPPY, words=WORDS)
    assert heard(road)
    assert road.case.urgency is Urgency.URGENT


def test_in_the_words_that_reopen_a_case_which_starts_as_an_urgent_one(road):
    road.awaiting_callback()
    rate_case(road.as_resident("lin"), road.number, HAPPY)
    reopen_case(road.as_resident("lin"), road.number, words=WORDS)
    assert heard(road)
    assert road.clocks()[Clock.DISPATCH].due_at == road.clock() + timedelta(minutes=10)
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["城市管理局"].id)
    assert road.clocks()[Clock.RESOLVE].due_at == road.clock() + timedelta(hours=24)


def test_in_a_withdrawal_that_ends_the_case(road):
    road.submitted()
    wish_to_withdraw(road.as_resident("lin"), road.number, words="算了，我想自杀，燃气泄漏也不管了")
    assert heard(road)
    assert (road.case.state, road.case.urgency) == (State.WITHDRAWN, Urgency.NORMAL)


def test_whom_the_case_is_against_does_not_hear_of_it(road):
    road.in_progress(against_staff_id=road.cast.staff["ma"].id)
    supplement(road.as_resident("lin"), road.number, words=WORDS)
    assert sorted(alerted(road)) == sorted(road.cast.staff[login].id for login in ("sun", "ling"))
