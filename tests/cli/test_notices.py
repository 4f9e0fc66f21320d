"""Notices that were given up: an administrator lists them and sends them again."""

import pytest
from sqlalchemy import select

from app.core.database import db
from app.core.jobs import JOBS
from app.jobs import run_job
from app.ledger.intake.taking_in import take_in
from app.notices.models import Notice, NoticeState
from tests.ledger.intake.test_intake import lins_report


@pytest.fixture
def dead(app, session, cast, clock, as_resident, gateway):
    """Two notices that the gateway has refused until they were given up."""
    gateway.failing = True
    for _ in range(2):
        take_in(as_resident("lin"), lins_report(cast))
    session.commit()
    for _ in range(6):
        JOBS["send-notices"].work(lambda: as_resident("lin"))
        clock.advance(hours=3)
    gateway.failing = False
    notices = session.scalars(select(Notice).order_by(Notice.id)).all()
    assert {notice.state for notice in notices} == {NoticeState.DEAD}
    return [notice.id for notice in notices]


def test_dead_notices_are_listed_with_their_error(run, dead):
    lines = run("notices", "dead").stdout.splitlines()
    assert [line.split()[0] for line in lines[:2]] == [str(ident) for ident in dead]
    assert "switched to failing" in lines[0]
    assert lines[2] == "2 dead notices"


def test_the_list_is_as_long_as_wanted(run, dead):
    assert run("notices", "dead", "--limit", "1").stdout.splitlines()[1:] == ["1 dead notices (there may be more)"]


def test_a_requeued_notice_goes_out(run, dead, session, gateway, app, clock):
    assert "1 notices wait" in run("notices", "requeue", dead[0]).stdout
    assert run_job(app, JOBS["send-notices"], clock)
    db.session.expire_all()
    assert len(gateway.sent) == 1
    states = dict(session.execute(select(Notice.id, Notice.state)).all())
    assert states == {dead[0]: NoticeState.SENT, dead[1]: NoticeState.DEAD}


def test_all_can_be_requeued_at_once(run, dead):
    assert "2 notices wait" in run("notices", "requeue", "--all").stdout
    assert "0 dead notices" in run("notices", "dead").stdout


def test_requeueing_needs_something_to_requeue(run, app):
    assert "notice_not_found" in run("notices", "requeue", "--all", fails=True).stderr
    assert "Name the ids, or say --all" in run("notices", "requeue", fails=True).stderr
    assert "Name the ids, or say --all" in run("notices", "requeue", "1", "--all", fails=True).stderr
