"""Clocks that a sweep set aside: listed with their error, and given back once what stopped it is repaired."""

import pytest
from sqlalchemy import select, update

from app.ledger.clocks import Deadline, DeadlinePolicy
from app.ledger.intake.taking_in import take_in
from app.ledger.models import Case
from app.ledger.sweep import sweep
from app.ledger.vocabulary import Clock
from tests.ledger.intake.test_intake import lins_report


@pytest.fixture
def poisoned(session, cast, clock, as_resident, as_system):
    """A case whose accept clock has a policy with a broken ladder, three hours later swept."""
    from app.core.held import forget_all

    number = take_in(as_resident("lin"), lins_report(cast)).number
    session.commit()
    policy = session.scalars(select(DeadlinePolicy).where(DeadlinePolicy.code == "accept")).one()
    kept = policy.ladder
    clock.advance(hours=3)
    case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    mine = (Deadline.case_id == case_id, Deadline.clock == Clock.ACCEPT)
    session.execute(update(Deadline).where(*mine).values(amount=0))  # no term is shorter than 1
    session.commit()
    forget_all()
    session.execute(update(Deadline).where(*mine).values(error="WrongTerm: 期限至少为 1 个单位。", next_check_at=None))
    session.commit()
    assert kept
    return session.scalars(select(Deadline.id).where(*mine)).one(), number


def test_clocks_set_aside_are_listed(run, poisoned):
    ident, number = poisoned
    lines = run("deadlines", "set-aside").stdout.splitlines()
    assert lines[0].startswith(f"{ident}  accept of case {number}, due 2026-11-23 11:00: WrongTerm")
    assert lines[1] == "1 clocks set aside"


def test_one_that_was_given_back_is_swept_again(run, poisoned, session, as_system):
    ident, _ = poisoned
    assert sweep(as_system).breaches == 0
    session.execute(update(Deadline).where(Deadline.id == ident).values(amount=2))
    session.commit()
    assert "1 clocks go back" in run("deadlines", "requeue", ident).stdout
    assert sweep(as_system).breaches == 1
    assert "0 clocks set aside" in run("deadlines", "set-aside").stdout


def test_a_clock_that_was_met_meanwhile_is_not_started_again(run, poisoned, session, clock):
    ident, _ = poisoned
    session.execute(update(Deadline).where(Deadline.id == ident).values(amount=2, met_at=clock()))
    session.commit()
    run("deadlines", "requeue", "--all")
    row = session.get_one(Deadline, ident)
    assert (row.error, row.next_check_at) == (None, None)


def test_giving_back_needs_something_set_aside(run, app):
    assert "nothing_set_aside" in run("deadlines", "requeue", "--all", fails=True).stderr
    assert "Name the ids, or say --all" in run("deadlines", "requeue", fails=True).stderr
