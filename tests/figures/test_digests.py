"""Digests: what a week brought and what a month teaches, counted from visits and cases, for those who read figures of a unit."""

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest

from app.core.clock import CHINA
from app.figures.digests.digest import DigestUnitNotFound, digest_of
from app.figures.digests.spans import Every, span_of
from app.figures.digests.words import paper_of
from app.figures.periods import PeriodUnfit
from app.figures.reach import FiguresAreNotYours
from app.ledger.models import Case
from app.ledger.vocabulary import State
from app.visits.commands import log_visit
from app.visits.models import TaskEnd, TaskFor, TaskState, VisitOutcome, VisitTask
from app.visits.rules import Need, VisitLog
from tests.conftest import MONDAY
from tests.factories.ledger import Made, fill

LAST_WEEK = MONDAY - timedelta(days=5)
"""Wednesday of the week before."""


@pytest.fixture
def visit(as_staff, cast):
    """Zhou logs a visit at a moment."""

    def log(at, outcome=VisitOutcome.MET, household="郑守田", needs=()):
        home = cast.households[household].id
        made = VisitLog(key=uuid4(), outcome=outcome, visited_at=at, phone_at=at, household_id=home, needs=needs)
        return log_visit(as_staff("zhou").moved_to(at), made)

    return log


class TestSpans:
    def test_a_week_is_monday_to_sunday_in_china(self):
        span = span_of(Every.WEEKLY, date(2026, 11, 22), MONDAY)
        assert span.name == "2026 年第 47 周（11 月 16 日—11 月 22 日）"
        assert span.period.since.astimezone(CHINA) == datetime(2026, 11, 16, tzinfo=CHINA)
        assert span.period.until.astimezone(CHINA) == datetime(2026, 11, 23, tzinfo=CHINA)
        assert span.before.until == span.period.since

    def test_the_first_days_of_january_belong_to_the_week_of_the_year_before(self):
        assert span_of(Every.WEEKLY, date(2027, 1, 1), MONDAY + timedelta(days=90)).name.startswith("2026 年第 53 周")

    def test_without_a_day_it_is_the_last_span_that_is_over(self):
        assert span_of(Every.WEEKLY, None, MONDAY).name.startswith("2026 年第 47 周")
        assert span_of(Every.MONTHLY, None, MONDAY).name == "2026 年 10 月"

    def test_the_earlier_spans_end_where_the_span_begins(self):
        span = span_of(Every.MONTHLY, date(2026, 3, 31), MONDAY)
        assert span.earlier.until == span.period.since
        assert span.earlier.since.astimezone(CHINA).date() == date(2025, 12, 1)

    def test_what_lies_ahead_has_no_digest(self):
        with pytest.raises(PeriodUnfit):
            span_of(Every.WEEKLY, date(2026, 12, 1), MONDAY)


def test_a_week_counts_visits_by_outcome_and_what_became_of_needs(as_staff, visit, cast, clock):
    visit(LAST_WEEK, needs=(Need(body="路口的路灯坏了，晚上看不见。"), Need(body="想问医保怎么交。", answer="已告知在手机上缴费。",
          category_id=cast.categories["养老保险"])))  # fmt: skip
    visit(LAST_WEEK + timedelta(hours=1))
    visit(LAST_WEEK + timedelta(hours=2), outcome=VisitOutcome.PHONE, household="林秀英")
    visit(LAST_WEEK - timedelta(days=7))
    visit(MONDAY)
    told = digest_of(as_staff("sun"), Every.WEEKLY)
    assert told.visited.outcomes == {VisitOutcome.MET: 2, VisitOutcome.PHONE: 1}
    assert (told.visited.households, told.visited.needs, told.visited.answered, told.visited.passed_on) == (1, 2, 1, 1)
    assert told.visited_before.visits == 1
    township = next(line for line in told.places if line.name == "柳河镇")
    assert township.visited == told.visited
    assert sum(line.visited.visits for line in told.places) == 3
    assert told.cases["on_the_spot"] == 1


def test_tasks_are_due_by_their_last_day_and_missed_when_it_is_over(session, as_staff, cast, clock):
    home = cast.households["郑守田"]
    for key, due, state in (
        ("a", date(2026, 11, 20), TaskState.DONE),
        ("b", date(2026, 11, 22), TaskState.OPEN),
        ("c", date(2026, 11, 22), TaskState.CANCELLED),
        ("d", date(2026, 11, 23), TaskState.OPEN),
        ("e", date(2026, 11, 21), TaskState.UNREACHED),
        ("f", date(2026, 11, 21), TaskState.MISSED),
    ):
        ended_by = TaskEnd.BY_HAND if state is TaskState.CANCELLED else None
        session.add(
            VisitTask(key=key, grid_id=home.grid_id, household_id=home.id, why=TaskFor.FOLLOW_UP, first_on=due, due_on=due,
                      state=state, ended_by=ended_by, created_at=MONDAY, updated_at=MONDAY)
        )  # fmt: skip
    session.flush()
    told = digest_of(as_staff("sun"), Every.WEEKLY).visited
    assert (told.due, told.done, told.missed) == (4, 1, 3)


def test_a_topic_rises_against_the_mean_of_the_weeks_before(as_staff, cast, clock):
    light, road = cast.categories["路灯照明"], cast.categories["道路坑洼"]
    path = cast.units["柳林村"].path
    for weeks in range(1, 5):
        fill(
            LAST_WEEK - timedelta(weeks=weeks),
            Made(territory_path=path, category_id=light),
            Made(territory_path=path, category_id=road, times=3),
        )
    fill(LAST_WEEK, Made(territory_path=path, category_id=light, times=3), Made(territory_path=path, category_id=road, times=3))
    told = {topic.name.rsplit("/")[-1]: topic for topic in digest_of(as_staff("sun"), Every.WEEKLY).topics}
    assert (told["路灯照明"].accepted, told["路灯照明"].before, told["路灯照明"].mean, told["路灯照明"].rising) == (3, 1, 1.0, True)
    assert (told["道路坑洼"].mean, told["道路坑洼"].rising) == (3.0, False)


def test_a_village_reads_its_own_and_nothing_of_the_next(as_staff, visit, cast, clock):
    visit(LAST_WEEK)
    fill(LAST_WEEK, Made(territory_path=cast.units["河湾村"].path, times=2), Made(territory_path=cast.units["柳林村"].path))
    own = digest_of(as_staff("wu"), Every.WEEKLY)
    assert (own.unit, own.cases["accepted"], own.visited.visits) == ("柳林村", 1, 1)
    assert [line.name for line in own.places] == ["柳林村一网格", "柳林村二网格"]
    for other in ("河湾村", "柳河镇", "云溪县"):
        with pytest.raises(DigestUnitNotFound):
            digest_of(as_staff("wu"), Every.WEEKLY, unit=cast.units[other].code)
    with pytest.raises(DigestUnitNotFound):
        digest_of(as_staff("wu"), Every.WEEKLY, unit="no-such-unit")


def test_who_lives_next_door_is_not_told_of_confidential_cases(as_staff, cast, clock):
    path = cast.units["柳林村"].path
    fill(LAST_WEEK, Made(territory_path=path, confidential=True), Made(territory_path=path))
    assert digest_of(as_staff("wu"), Every.WEEKLY).cases["accepted"] == 1
    assert digest_of(as_staff("sun"), Every.WEEKLY, unit=cast.units["柳林村"].code).cases["accepted"] == 2


def test_a_resident_reads_no_digest(as_resident, clock):
    with pytest.raises(FiguresAreNotYours):
        digest_of(as_resident("lin"), Every.WEEKLY)


def test_the_words_tell_every_section_and_no_rate_over_nothing(as_staff, visit, clock):
    visit(LAST_WEEK)
    paper = paper_of(digest_of(as_staff("sun"), Every.WEEKLY))
    assert paper.title == "云溪县民生诉求周汇总"
    assert [section.heading[0] for section in paper.sections] == list("一二三四五")
    assert "共走访 1 户次，比上周增加 1 户次。" in paper.sections[0].sentences[0]
    rates = {row[0]: row[1] for row in paper.sections[2].tables[0].rows}
    assert rates["满意率"] == "无数据"
    assert any("到截止时刻，没有超时未办结的诉求。" in sentence for sentence in paper.sections[4].sentences)


def test_an_open_late_case_is_listed_by_how_long(as_staff, cast, clock, session):
    (case_id,) = fill(MONDAY - timedelta(days=9), Made(territory_path=cast.units["柳林村"].path, state=State.IN_PROGRESS))
    case = session.get_one(Case, case_id)
    case.late_since, case.closed_at = MONDAY - timedelta(days=3), None
    session.flush()
    told = digest_of(as_staff("sun"), Every.WEEKLY)
    assert [(late.number, late.days) for late in told.late] == [(case.number, 3)]
    assert told.late_count == 1
