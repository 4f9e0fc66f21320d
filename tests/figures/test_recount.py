"""The recount agrees with the queries, and names what was tampered with."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.figures.catalogue import Selection
from app.figures.counting import count
from app.figures.groups import Dimension, groups_of
from app.figures.periods import between
from app.figures.reach import reach_of
from app.figures.recount import check, whole_ledger
from app.figures.standing import cutoff_at
from app.ledger.callbacks.answers import Verdict, record_callback
from app.ledger.callbacks.models import Callback
from app.ledger.models import Case
from app.ledger.vocabulary import Kind, Outcome, Satisfaction, State
from tests.conftest import MONDAY
from tests.factories.ledger import Made, Word, fill
from tests.ledger.merging.test_merging import Desk

SINCE = MONDAY - timedelta(days=30)
PERIOD = between(SINCE, MONDAY)
STAMP = Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.COMMAND_LINE)
BAD = Word(contacted=False, solved=False, satisfaction=Satisfaction.VERY_DISSATISFIED)


@pytest.fixture
def ids(cast, session) -> list[int]:
    """A ledger with something of everything; gives the ids of its cases."""
    place = {"territory_path": cast.units["柳林村"].path, "grid_id": cast.grids["柳林村一网格"].id}
    city, water, civil = (cast.units[name].id for name in ("城市管理局", "水利局", "民政局"))
    rework = (BAD, Word(round=2, after=60))
    return fill(
        SINCE,
        Made(times=3, words=(Word(), BAD), unit_id=city, **place),
        Made(times=2, words=(BAD,), late=True, excluded=True, unit_id=water, **place),
        Made(times=2, round=2, earlier_units={1: civil}, words=rework, unit_id=water, **place),
        Made(state=State.IN_PROGRESS, solved=None, late=True, unit_id=city, **place),
        Made(kind=Kind.PRAISE, words=(Word(),), unit_id=city, **place),
        Made(times=2, outcome=Outcome.DIRECT, **place),
        Made(outcome=Outcome.ON_THE_SPOT, **place),
    )


def test_the_recount_agrees_with_the_queries(ids):
    assert check(STAMP, PERIOD) == (len(ids), [])


def test_a_word_that_was_changed_behind_the_timelines_back_is_named(ids, session, cast):
    changed = update(Callback).where(Callback.case_id == ids[5], Callback.round == 1).values(solved=True)
    session.execute(changed)
    found = {(each.selection, each.measure, each.unit, each.excluded_counted): (each.queried, each.recounted)
             for each in check(STAMP, PERIOD)[1]}  # fmt: skip
    civil = cast.units["民政局"].code
    assert found == {
        (Selection.HEARD, "solved", civil, True): (1, 0),
        (Selection.HEARD, "solved", civil, False): (1, 0),
    }


@pytest.mark.parametrize(
    ("values", "measure"),
    [
        ({"outcome": Outcome.DIRECT}, "direct"),
        ({"unit_solved": False}, "resolved"),
        ({"state": State.AWAITING_UPSTREAM}, "closed"),
        ({"excluded": True}, "accepted"),
        ({"accepted_at": SINCE - timedelta(days=1)}, "accepted"),
    ],
)
def test_a_case_that_says_otherwise_than_its_timeline_is_named(ids, session, values, measure):
    session.execute(update(Case).where(Case.id == ids[0]).values(values))
    assert measure in {each.measure for each in check(STAMP, PERIOD)[1]}


def test_the_command_ends_with_1_and_names_the_first_differences(committed, cast):
    from app.core.database import db, transaction

    place = {"territory_path": cast.units["柳林村"].path}
    with committed.app_context():
        with transaction():
            fill(SINCE, Made(times=2, words=(Word(),), unit_id=cast.units["水利局"].id, **place))
        period = ["--since", SINCE.isoformat(), "--until", MONDAY.isoformat()]
        runner = committed.test_cli_runner()
        good = runner.invoke(args=["figures", "check", *period])
        assert (good.exit_code, "2 cases recounted, 0 differences" in good.output) == (0, True), good.output
        shown = runner.invoke(args=["figures", "show", "--by", "unit", *period])
        assert shown.exit_code == 0, shown.output
        assert "解决率: 100.0 (2/2); after exclusion 100.0 (2/2)" in shown.output
        then = (SINCE + timedelta(hours=40)).isoformat()
        earlier = runner.invoke(args=["figures", "show", "--report", "closure", "--cutoff", then, *period])
        assert "as of 2026-10-26T01:00+08:00" in earlier.output, earlier.output
        assert "办结率（占受理）: 0.0 (0/2); after exclusion 0.0 (0/2)" in earlier.output
        assert runner.invoke(args=["figures", "show", "--cutoff", "gestern"]).exit_code == 2
        with transaction():
            db.session.execute(text("UPDATE callback SET solved = false"))
        bad = runner.invoke(args=["figures", "check", *period])
        assert bad.exit_code == 1
        assert "heard.solved of" in bad.output
        assert runner.invoke(args=["figures", "check"]).output.count("heard.solved of") == 2  # the whole ledger
        db.session.remove()
        db.engine.dispose()


class TestTakenOut:
    """The word of a reporter who was taken out of a case again is in no figure, by query and by recount."""

    def test_it_leaves_and_comes_back_with_the_reporter(self, session, cast, clock, as_staff):
        desk = Desk(session, cast, clock, as_staff)
        merged, survivor = desk.say("chen"), desk.signed("lin")
        desk.merge(merged, survivor)
        desk.finish(survivor)
        chen, lin = (report.id for report in desk.case(survivor).reports)
        said = Verdict(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)
        record_callback(as_staff("lu"), survivor, said, report_id=chen)
        desk.session.expire_all()
        assert self.solved(clock()) == (1, 0)
        desk.unmerge(merged)
        assert self.solved(clock()) == (0, 0)
        desk.merge(merged, survivor)
        assert self.solved(clock()) == (1, 0)
        desk.unmerge(merged)
        happy = Verdict(contacted=True, solved=True, satisfaction=Satisfaction.VERY_SATISFIED)
        record_callback(as_staff("lu"), survivor, happy, report_id=lin)
        desk.session.flush()
        assert self.solved(clock()) == (1, 1)

    def solved(self, at) -> tuple[int, int]:
        """Give how many rounds are valid and how many solved, once the recount has agreed."""
        stamp, period = Stamp(SYSTEM, Role.SYSTEM, at, Door.COMMAND_LINE), whole_ledger(at)
        assert check(stamp, period)[1] == []
        groups = groups_of(Dimension.UNIT, reach_of(stamp.actor))
        counted = count(stamp, Selection.HEARD, period=period, cutoff=cutoff_at(None, at), groups=groups)
        return tuple(sum(each.before[measure] for each in counted.values()) for measure in ("valid", "solved"))
