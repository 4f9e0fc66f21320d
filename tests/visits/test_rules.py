"""Rules of a visit log: pure, so each is told in one line."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.people.identity import Person
from app.visits.models import VisitOutcome
from app.visits.rules import AHEAD, NEEDS_MOST, OLDEST, Need, VisitInFuture, VisitLog, VisitUnfit, check_visit, fit_findings, when

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
NEED = Need(body="路灯坏了")


def log(**more):
    given = {"key": uuid4(), "outcome": VisitOutcome.MET, "visited_at": NOW, "phone_at": NOW, "household_id": 1}
    return VisitLog(**(given | more))


def check(**more):
    check_visit(log(**more), NOW, text_limit=100)


def test_a_whole_log_passes():
    check(findings="一切都好\n下月再来", needs=(NEED,) * NEEDS_MOST, person=Person(name="郑守田"))


def test_a_phone_may_be_a_little_ahead_but_not_in_the_future():
    check(visited_at=NOW + AHEAD)
    with pytest.raises(VisitInFuture):
        check(visited_at=NOW + AHEAD + timedelta(seconds=1))


@pytest.mark.parametrize("outcome", [VisitOutcome.NOBODY_HOME, VisitOutcome.VACANT])
def test_who_was_not_met_said_nothing(outcome):
    check(outcome=outcome)
    with pytest.raises(VisitUnfit) as refused:
        check(outcome=outcome, needs=(NEED,))
    assert list(refused.value.errors) == ["needs"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"household_id": None}, "household_id"),
        ({"findings": "长" * 101}, "findings"),
        ({"findings": "响\u0007铃"}, "findings"),
        ({"resident_id": 1, "person": Person(name="某")}, "person"),
        ({"needs": (NEED,) * (NEEDS_MOST + 1)}, "needs"),
    ],
)
def test_what_is_unfit_is_named(more, field):
    with pytest.raises(VisitUnfit) as refused:
        check(**more)
    assert list(refused.value.errors) == [field]


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(VisitUnfit) as refused:
        check(household_id=None, findings="长" * 101, outcome=VisitOutcome.VACANT, needs=(NEED,))
    assert set(refused.value.errors) == {"household_id", "findings", "needs"}


@pytest.mark.parametrize(("given", "kept"), [(None, None), ("  ", None), (" 好 \n", "好"), ("e\u0301", "é")])
def test_findings_are_stored_in_one_form(given, kept):
    assert fit_findings(given) == kept


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("visited", "written", "sent", "when_by_us"),
    [
        (5 * HOUR - HOUR, 5 * HOUR, timedelta(0), -HOUR),  # five hours ahead, put right by the network before the sending
        (10 * DAY, 10 * DAY, timedelta(0), timedelta(0)),  # ten days ahead, put right
        (5 * HOUR - HOUR, 5 * HOUR, 5 * HOUR, -HOUR),  # five hours ahead all the time
        (-6 * HOUR, -5 * HOUR, -5 * HOUR, -HOUR),  # five hours slow all the time
        (-20000 * DAY - HOUR, -20000 * DAY, timedelta(0), -HOUR),  # set back to 1970, put right
        (-20000 * DAY - HOUR, -20000 * DAY, None, -HOUR),
        (5 * HOUR - HOUR, 5 * HOUR, None, -HOUR),
    ],
)
def test_a_clock_that_was_off_is_noticed_also_where_it_has_been_put_right_since(visited, written, sent, when_by_us):
    made = when(log(visited_at=NOW + visited, phone_at=NOW + written, sent_at=None if sent is None else NOW + sent), NOW)
    assert (made.visited_at, made.clock_off) == (NOW + when_by_us, True)


def test_a_phone_out_of_reach_for_days_is_believed():
    made = when(log(visited_at=NOW - 9 * DAY, phone_at=NOW - 9 * DAY, sent_at=NOW), NOW)
    assert (made.visited_at, made.clock_off) == (NOW - 9 * DAY, False)


def test_a_visit_long_before_it_was_written_down_is_unfit_and_no_date_is_too_wild():
    check(visited_at=NOW - OLDEST)
    for day in (NOW - OLDEST - DAY, datetime(1, 1, 2, tzinfo=UTC)):
        with pytest.raises(VisitUnfit) as refused:
            check(visited_at=day, sent_at=datetime(9999, 12, 30, tzinfo=UTC))
        assert list(refused.value.errors) == ["visited_at"]
    check(sent_at=datetime(9999, 12, 30, tzinfo=UTC))
    check(visited_at=datetime(1, 1, 2, tzinfo=UTC), phone_at=datetime(1, 1, 2, tzinfo=UTC))
