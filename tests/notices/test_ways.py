"""What cannot wait rings or comes as a text; everything else is a message."""

from sqlalchemy import select

from app.ledger.sweep import sweep
from app.ledger.vocabulary import Clock, Urgency
from app.notices.jobs import send_notices
from app.notices.models import Notice
from app.notices.templates import BY, TEMPLATES, By
from tests.ledger.test_straight_road import road

__all__ = ["road"]


def test_every_way_is_the_way_of_some_words():
    assert BY.keys() <= TEMPLATES.keys()


def test_the_reminders_of_an_urgent_case_come_as_texts_and_at_once(road, gateway, as_system):
    road.in_progress(urgency=Urgency.URGENT)
    road.clock.move_to(road.clocks()[Clock.RESOLVE].due_at)
    sweep(as_system)
    late = select(Notice).where(Notice.template == "breach_urgent", Notice.params["clock"].astext == "办理时限")
    assert {notice.digest for notice in road.session.scalars(late)} == {False}
    send_notices(as_system)
    ways = {letter.template: letter.by for letter in gateway.sent}
    assert (ways["breach_urgent"], ways["dispatch_lead"]) == (By.SMS, By.MESSAGE)


def test_a_digest_is_a_message_whatever_it_holds(road, gateway, as_system):
    road.in_progress()
    road.clock.move_to(road.clocks()[Clock.RESOLVE].due_at)
    sweep(as_system)
    road.clock.advance(days=1)
    send_notices(as_system)
    assert {letter.by for letter in gateway.sent if letter.digest} == {By.MESSAGE}
    assert any(letter.digest for letter in gateway.sent)
