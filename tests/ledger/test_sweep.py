"""The sweep: every level of every clock exactly once, whoever sweeps, however late."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import OperationalError

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.clocks import Deadline, DeadlineLevel, DeadlinePolicy
from app.ledger.commands import ask_info, supply_info
from app.ledger.intake.taking_in import take_in
from app.ledger.jobs import recompute_provisional
from app.ledger.models import Case, Entry
from app.ledger.sweep import due_clocks, sweep
from app.ledger.terms import HoursKind, Unit
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, Clock, State
from app.notices.jobs import send_notices
from app.notices.models import Notice
from tests.conftest import MONDAY
from tests.ledger.intake.test_intake import lins_report


def breaches(session):
    return session.scalar(select(func.count()).select_from(Entry).where(Entry.action == Action.BREACH_CLOCK))


def test_nothing_is_said_before_a_clock_is_due(session, cast, as_resident, as_system):
    take_in(as_resident("lin"), lins_report(cast))
    assert sweep(as_system).clocks == 0


def test_a_breach_is_said_once_and_the_reminder_goes_out_once(session, cast, clock, as_resident, as_system, gateway):
    take_in(as_resident("lin"), lins_report(cast))
    send_notices(as_system)
    clock.advance(hours=2, minutes=1)
    first = sweep(as_system)
    assert (first.breaches, first.levels) == (1, 1)
    assert sweep(as_system).clocks == 0
    assert breaches(session) == 1
    clock.advance(hours=8)
    send_notices(as_system)
    send_notices(as_system)
    late = [letter for letter in gateway.sent if letter.template == "breach_clock"]
    assert [(letter.recipient_id, letter.params["clock"]) for letter in late] == [(cast.staff["ma"].id, "受理时限")]
    assert verify_ledger().breaks == []


def test_after_an_outage_every_level_is_written_and_only_the_highest_told(session, cast, clock, as_resident, as_system):
    receipt = take_in(as_resident("lin"), lins_report(cast))
    clock.advance(days=3)
    sweep(as_system)
    accept = session.scalars(select(Deadline).where(Deadline.case_id == receipt.case_id, Deadline.clock == Clock.ACCEPT)).one()
    levels = session.execute(select(DeadlineLevel.level, DeadlineLevel.told).where(DeadlineLevel.deadline_id == accept.id)).all()
    assert sorted(tuple(row) for row in levels) == [(1, False), (2, True)]
    assert (accept.level, accept.next_check_at) == (2, None)
    told = session.scalars(select(Notice).where(Notice.template == "breach_clock")).all()
    assert {notice.recipient_id for notice in told} == {cast.staff[login].id for login in ("sun", "ling")}


def test_levels_follow_each_other_as_time_goes(session, cast, clock, as_resident, as_system):
    receipt = take_in(as_resident("lin"), lins_report(cast))
    clock.advance(hours=2, minutes=1)
    sweep(as_system)
    clock.advance(minutes=31)
    again = sweep(as_system)
    assert (again.breaches, again.levels) == (0, 1)
    actions = session.scalars(select(Entry.action).where(Entry.case_id == receipt.case_id).order_by(Entry.seq)).all()
    assert actions == [Action.SUBMIT, Action.BREACH_CLOCK, Action.ESCALATE_CLOCK]


def test_reminders_wait_for_the_digest_and_travel_together(session, cast, clock, as_resident, as_system, gateway):
    for _ in range(3):
        take_in(as_resident("lin"), lins_report(cast))
    send_notices(as_system)
    clock.advance(hours=2, minutes=1)
    sweep(as_system)
    send_notices(as_system)
    assert all(letter.template == "submit" for letter in gateway.sent)
    clock.move_to(MONDAY + timedelta(hours=6, minutes=1))  # 15:01 in China
    send_notices(as_system)
    digests = [words for letter, words in zip(gateway.sent, gateway.words(), strict=True) if letter.template == "digest"]
    assert len(digests) == 1
    assert digests[0].startswith("您有 3 条时限提醒")


def test_the_lapse_of_information_gives_the_case_back_to_a_person(session, cast, clock, as_resident, as_staff, as_system):
    receipt = take_in(as_resident("lin"), lins_report(cast))
    ask_info(as_staff("fang"), receipt.number, question="哪一盏灯？")
    clock.advance(days=8)
    sweep(as_system)
    case = session.get(Case, receipt.case_id)
    assert case.state is State.SUBMITTED
    rows = session.scalars(select(Deadline).where(Deadline.case_id == case.id))
    kinds = {row.clock for row in rows if not (row.met_at or row.cancelled_at)}
    assert kinds == {Clock.ACCEPT, Clock.OVERALL}
    assert verify_ledger().breaks == []


def test_a_paused_clock_is_not_swept(session, cast, clock, as_resident, as_staff, as_system):
    receipt = take_in(as_resident("lin"), lins_report(cast))
    ask_info(as_staff("fang"), receipt.number, question="哪一盏灯？")
    clock.advance(days=2)
    assert sweep(as_system).breaches == 0
    supply_info(as_resident("lin"), receipt.number, words="第二盏")
    clock.advance(days=2)
    assert sweep(as_system).breaches == 1


def test_a_poisoned_clock_is_set_aside_and_stops_no_other(session, cast, clock, as_resident, as_system):
    poisoned = take_in(as_resident("lin"), lins_report(cast))
    healthy = take_in(as_resident("lin"), lins_report(cast))
    unreadable = [{"level": 1, "on": "never"}]
    terms = {"amount": 2, "unit": Unit.WORKING_HOUR, "hours": HoursKind.WORK}
    broken = DeadlinePolicy(code="broken", version=1, clock=Clock.ACCEPT, ladder=unreadable, active=False, **terms)
    session.add(broken)
    session.flush()
    accept = (Deadline.case_id == poisoned.case_id, Deadline.clock == Clock.ACCEPT)
    session.execute(update(Deadline).where(*accept).values(policy_id=broken.id))
    clock.advance(hours=3)
    swept = sweep(as_system)
    assert (swept.breaches, swept.set_aside) == (1, 1)
    aside = session.scalars(select(Deadline).where(Deadline.error.is_not(None))).one()
    assert aside.case_id == poisoned.case_id
    late = session.scalars(select(Deadline.case_id).where(Deadline.breached_at.is_not(None))).all()
    assert late == [healthy.case_id]


def test_a_database_that_is_away_sets_no_clock_aside(session, cast, clock, as_resident, as_system):
    take_in(as_resident("lin"), lins_report(cast))
    clock.advance(hours=3)

    def cut(connection, cursor, statement, parameters, context, many):
        if "deadline_level" in statement:
            raise OperationalError("cut", None, Exception("server closed the connection"))

    event.listen(session.connection(), "before_cursor_execute", cut)
    with pytest.raises(OperationalError):
        sweep(as_system)
    event.remove(session.connection(), "before_cursor_execute", cut)
    assert session.scalars(select(Deadline).where(Deadline.error.is_not(None))).all() == []


def test_provisional_clocks_are_worked_out_anew_when_the_year_is_published(session, cast, clock, as_resident, as_system):
    from datetime import date

    from app.territory.calendar.commands import import_year
    from app.territory.calendar.rules import DayKind

    receipt = take_in(as_resident("lin"), lins_report(cast))
    query = select(Deadline).where(Deadline.case_id == receipt.case_id, Deadline.clock == Clock.OVERALL)
    overall = session.scalars(query).one()
    before = overall.due_at
    assert overall.provisional
    days = {date(2027, 1, 1): DayKind.RESTDAY, date(2027, 1, 4): DayKind.RESTDAY, date(2027, 1, 5): DayKind.RESTDAY}
    import_year(as_system(), 2027, days, source="测试通知")
    assert recompute_provisional(as_system) == 1
    session.refresh(overall)
    assert not overall.provisional
    assert overall.due_at > before
    assert recompute_provisional(as_system) == 0
    assert verify_ledger().breaks == []


@pytest.mark.parametrize("sweepers", [2, 4])
def test_sweepers_at_once_write_every_level_exactly_once(committed, sweepers):
    held = committed.extensions["minhu"].clock
    count = 250

    def stamps() -> Stamp:
        return Stamp(SYSTEM, Role.SYSTEM, held(), Door.JOB)

    with committed.app_context():
        cast = find_cast()
        lin = lins_report(cast)
        with transaction():
            for _ in range(count):
                take_in(stamps(), lin)
    held.advance(hours=2, minutes=1)
    start, done, failures = threading.Barrier(sweepers), [], []

    def work() -> None:
        with committed.app_context():
            start.wait()
            try:
                done.append(sweep(stamps, batch=20))
            except Exception as failure:
                failures.append(failure)
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(sweepers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with committed.app_context():
        rest = sweep(stamps)
        assert sum(swept.breaches for swept in done) + rest.breaches == count
        assert breaches(db.session) == count
        assert db.session.scalar(select(func.count()).select_from(DeadlineLevel)) == count
        assert db.session.scalar(select(func.count()).select_from(Notice).where(Notice.template == "breach_clock")) == count
        assert due_clocks(held()) == []
        assert verify_ledger().breaks == []
