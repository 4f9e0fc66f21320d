"""The demo county: a month that really happened to this ledger, the same every time."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.core.clock import FrozenClock
from app.core.database import db
from app.core.stamp import Actor, ActorKind, Door, Role, Stamp
from app.demo.county_month import DAYS, is_empty
from app.demo.plans import plans
from app.demo.topics import TOPICS
from app.filings.models import ProxyFiling
from app.ledger.callbacks.models import Callback
from app.ledger.clocks import Deadline
from app.ledger.intake.calls import Call
from app.ledger.models import Case, Entry, Report
from app.ledger.scope import visible
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import TERMINAL, Action, Channel, Outcome, State
from app.ledger.workflow import MOVES, RUNS_IN
from app.notices.models import Notice, NoticeState
from app.people.sessions import sign_in_wechat
from app.territory.models import Unit
from app.visits.models import Visit
from tests.bare import bare_app
from tests.cli.conftest import line_of

MOMENTS = {
    "on a working morning": datetime(2026, 11, 24, 2, 40, tzinfo=UTC),
    "at night in a long holiday": datetime(2026, 10, 4, 18, 0, tzinfo=UTC),
}
SELDOM = {
    Action.ARCHIVE, Action.CLAIM, Action.RECOMPUTE_CLOCK, Action.ADJUST_CLOCK, Action.HAND_OVER, Action.UNMERGE, Action.RELEASE,
    Action.LINK_RECURRENCE, Action.PUBLISH, Action.ME_TOO, Action.MARK_SETTLED, Action.DECIDE_PROGRESS, Action.RESUME,
    Action.WITHDRAW_REQUEST, Action.APPRAISE, Action.HAND_TO, Action.REISSUE_CODE, Action.DISPUTE_CONSENT, Action.RULE_ON_CONSENT,
    Action.TAKE_VISIT, Action.DECLINE_VISIT, Action.GIVE_BACK_VISIT,
}  # fmt: skip
"""What the month does not show."""


@pytest.fixture(scope="module", params=MOMENTS, ids=str)
def county(request, server, make_app):
    """The demo county of a moment, filled by the command; gives that moment."""
    at = MOMENTS[request.param]
    with bare_app(server, make_app, FrozenClock(at)) as made, made.app_context():
        run = line_of(made)
        run("migrate")
        assert is_empty()
        assert "The demo county is there" in run("demo").stdout
        before = db.session.scalar(select(func.count()).select_from(Entry))
        assert "not empty" in run("demo").stdout
        assert db.session.scalar(select(func.count()).select_from(Entry)) == before
        yield at


def values(column, *conditions):
    return Counter(db.session.scalars(select(column).where(*conditions)))


def test_every_chain_holds_and_no_clock_was_set_aside(county):
    found = verify_ledger()
    assert found.breaks == []
    assert 150 <= found.cases <= 250
    assert values(Deadline.id, Deadline.error.is_not(None)) == {}


def test_there_are_cases_in_every_state_that_can_be_reached(county):
    assert set(values(Case.state)) == set(State)


def test_reports_came_through_every_channel(county):
    assert set(values(Report.channel)) == set(Channel)
    assert set(values(Case.outcome, Case.outcome.is_not(None))) == set(Outcome)
    assert sum(values(Visit.id).values()) > 5
    assert sum(values(ProxyFiling.id).values()) > 3
    assert len(values(Call.outcome)) > 3


def test_every_move_of_the_road_was_made(county):
    assert set(MOVES) - SELDOM <= set(values(Entry.action))


def test_some_are_late_and_most_are_not(county):
    open_clocks = (Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))
    late = set(values(Deadline.case_id, *open_clocks, Deadline.breached_at.is_not(None)))
    running = set(values(Deadline.case_id, *open_clocks))
    assert 10 <= len(late) < len(running) * 0.6
    met_late = sum(values(Deadline.id, Deadline.met_at > Deadline.due_at).values())
    assert 0 < met_late < sum(values(Deadline.id, Deadline.met_at.is_not(None)).values()) * 0.25


def test_open_clocks_belong_to_their_states(county):
    query = select(Deadline.clock, Case.state).join(Case, Case.id == Deadline.case_id)
    rows = db.session.execute(query.where(Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))).all()
    assert rows
    assert all(row.state in RUNS_IN[row.clock] and row.state not in TERMINAL for row in rows)


def test_the_month_is_the_month_before_now(county):
    first, last = db.session.execute(select(func.min(Entry.at), func.max(Entry.at))).one()
    assert county - timedelta(days=DAYS) < first < county - timedelta(days=DAYS - 10)
    assert county - timedelta(days=1) < last <= county
    days = values(func.date(Case.opened_at))
    assert len(days) > 15


def test_old_notices_do_not_go_out_now(county):
    pending = db.session.scalars(select(Notice.next_attempt_at).where(Notice.state != NoticeState.SENT)).all()
    assert all(at > county for at in pending)
    assert sum(values(Notice.id, Notice.state == NoticeState.SENT).values()) > 300


def test_people_were_heard_some_of_them_dissatisfied(county):
    grades = values(Callback.satisfaction, Callback.reached)
    assert grades["dissatisfied"] >= 3
    assert grades["satisfied"] > grades["dissatisfied"]
    assert values(Case.round)[2] >= 3
    assert sum(values(Callback.id, ~Callback.reached).values()) >= 3


def test_the_hidden_and_the_unnamed_are_there(county):
    assert sum(values(Case.id, Case.confidential).values()) >= 4
    assert sum(values(Case.id, Case.anonymous).values()) >= 2
    recused = db.session.execute(select(Case.against_paths, Case.lead_unit_id).where(Case.against_paths.is_not(None))).all()
    assert recused
    paths = dict(db.session.execute(select(Unit.id, Unit.path)).all())
    assert all(not paths[row.lead_unit_id].startswith(tuple(row.against_paths)) for row in recused)


def test_lin_signs_in_and_finds_her_cases(county):
    from app.core.stamp import SYSTEM

    stamp = Stamp(SYSTEM, Role.SYSTEM, county, Door.MINI_PROGRAM)
    lin = sign_in_wechat(stamp, appid="wx-test", openid="dev-lin").principal_id
    mine = db.session.scalars(select(Case.state).where(visible(Actor(ActorKind.RESIDENT, lin)))).all()
    db.session.rollback()
    assert len(mine) >= 2
    assert State.AWAITING_CALLBACK in mine


def test_the_county_says_the_same_every_time(county):
    said = {(row.title, row.body) for row in db.session.execute(select(Report.title, Report.body))}
    _SAID.append(said)
    assert all(one == said for one in _SAID)
    assert not any("{" in part for pair in said for part in pair)


_SAID: list[set[tuple[str, str]]] = []


def test_plans_are_drawn_once_and_for_all():
    assert plans() == plans()


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.category)
def test_each_topic_answers_what_it_says(topic):
    for texts in (topic.titles, topic.replies, topic.directs):
        assert len(texts) in (1, len(topic.bodies))
