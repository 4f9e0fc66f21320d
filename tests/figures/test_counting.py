"""What is counted for whom: rounds, words, exclusion, what is in no figure, and that a list holds exactly what was counted."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from app.figures.catalogue import FIGURES, Report, UnknownFigure
from app.figures.counting import one_figure, table
from app.figures.groups import Dimension, UnknownGroup
from app.figures.listing import Chosen, Part, case_ids, counted_cases, figure_cases
from app.figures.periods import Period, PeriodUnfit, between, month_of, period_of, window_of
from app.figures.reach import FiguresAreNotYours
from app.ledger.catalogue import catalogue
from app.ledger.clocks import Deadline, DeadlinePolicy
from app.ledger.county import County, CountySetting, county
from app.ledger.models import Case
from app.ledger.rates import percent, plain
from app.ledger.vocabulary import Channel, Kind, Outcome, Satisfaction, State
from tests.conftest import MONDAY
from tests.counting import statements
from tests.factories.ledger import Made, Word, fill

SINCE = MONDAY - timedelta(days=30)
PERIOD = between(SINCE, MONDAY)
GOOD = Word(satisfaction=Satisfaction.VERY_SATISFIED)
BAD = Word(contacted=False, solved=False, satisfaction=Satisfaction.VERY_DISSATISFIED)


@pytest.fixture
def place(cast):
    return {
        "territory_path": cast.units["柳林村"].path,
        "grid_id": cast.grids["柳林村一网格"].id,
        "category_id": cast.categories["路灯照明"],
        "unit_id": cast.units["城市管理局"].id,
    }


@pytest.fixture
def told(as_staff):
    """Gives what a reader sees of a report: by line and figure, numerator and denominator before exclusion."""

    def tell(login="sun", report=Report.SATISFACTION, dimension=Dimension.COUNTY, *, after=False, **more):
        made = table(as_staff(login), report, period=PERIOD, dimension=dimension, **more)
        shares = {
            line.key: {each.code: each.after if after else each.before for each in line.figures}
            for line in (*made.lines, made.total)
        }
        return {
            key: {code: (plain(share.numerator), share.denominator) for code, share in of.items()} for key, of in shares.items()
        }

    return tell


def test_of_several_reporters_the_least_favourable_word_counts_once_for_the_round(place, told):
    fill(SINCE, Made(words=(GOOD, BAD), **place), Made(words=(GOOD,), **place))
    assert told()["all"] == {
        "response": ("1", 2),
        "solution": ("1", 2),
        "satisfaction": ("1", 2),
        "composite": ("1", 2),
        "coverage": ("2", 2),
    }


def test_each_round_counts_for_the_unit_that_led_it(place, told, cast):
    first, second = cast.units["城市管理局"], cast.units["水利局"]
    words = (BAD, Word(round=2, after=60))
    made = Made(round=2, earlier_units={1: first.id}, words=words, **place | {"unit_id": second.id})
    fill(SINCE, made, Made(words=(GOOD,), **place), Made(words=(GOOD,), **place | {"unit_id": cast.units["民政局"].id}))
    lines = told(dimension=Dimension.UNIT)
    assert {key: of["solution"] for key, of in lines.items()} == {
        first.code: ("1", 2),
        second.code: ("1", 1),
        cast.units["民政局"].code: ("1", 1),
        "all": ("3", 4),
    }


def test_basically_satisfied_counts_by_its_share_and_the_composite_by_the_countys_weights(place, told, session):
    fill(SINCE, Made(times=10, words=(Word(satisfaction=Satisfaction.BASICALLY_SATISFIED),), **place))
    assert told()["all"]["satisfaction"] == ("9", 10)
    assert told()["all"]["composite"] == ("9.6", 10)
    session.add(CountySetting(name="basically_satisfied_share", value=0.7))
    session.flush()
    county.forget()
    assert told()["all"]["satisfaction"] == ("7", 10)


def test_without_a_valid_callback_there_is_no_figure_not_nought(place, as_staff):
    fill(SINCE, Made(words=(Word(by="upstream"), Word(reached=False)), **place))
    for figure in ("response", "solution", "satisfaction", "composite", "coverage"):
        value = one_figure(as_staff("sun"), figure, period=PERIOD)
        assert (value.before.denominator, value.before.value, percent(value.before)) == (0, None, None)


def test_who_could_not_be_reached_is_outside_v_but_covered_and_who_still_waits_is_owed(place, told, session):
    ids = fill(SINCE, Made(words=(GOOD,), **place), Made(times=2, **place))
    policy = session.scalar(select(DeadlinePolicy.id).where(DeadlinePolicy.code == "callback"))
    for case_id, met in zip(ids, (SINCE + timedelta(days=3), SINCE + timedelta(days=4), None), strict=True):
        at = SINCE + timedelta(days=2)
        times = {"starts_at": at, "warn_at": at, "due_at": at + timedelta(days=9), "met_at": met}
        clock = {"clock": "callback", "subject": "case", "subject_id": case_id, "case_id": case_id, "policy_id": policy}
        session.add(Deadline(**clock, **times, label="回访", amount=3, level=0))
    session.flush()
    assert told()["all"]["coverage"] == ("2", 3)
    assert told()["all"]["response"] == ("1", 1)


def test_praise_history_merged_and_void_cases_are_in_no_figure(place, told):
    word = {"words": (GOOD,), **place}
    fill(
        SINCE,
        Made(**word),
        Made(kind=Kind.PRAISE, **word),
        Made(archived=True, **word),
        Made(state=State.MERGED, **word),
        Made(state=State.VOID, **word),
    )
    assert told()["all"]["response"] == ("1", 1)
    assert told(report=Report.CLOSURE)["all"]["closed_of_accepted"] == ("1", 1)
    assert told(report=Report.PARTS)["all"]["returned"] == ("0", 1)


def test_what_was_never_to_be_handled_leaves_closure_on_both_sides(place, told):
    fill(SINCE, Made(**place), *(Made(state=state, **place) for state in (State.REJECTED, State.REDIRECTED, State.WITHDRAWN)))
    assert told(report=Report.CLOSURE)["all"]["closed_of_accepted"] == ("1", 1)


def test_overdue_open_cases_count_against_the_share_on_time(place, told):
    open_ = {"state": State.IN_PROGRESS, "solved": None, **place}
    fill(
        SINCE,
        Made(times=5, **place),
        Made(times=2, late=True, **place),
        Made(times=3, late=True, **open_),
        Made(times=4, due_in=timedelta(days=60), **open_),
    )
    line = told(report=Report.CLOSURE)["all"]
    assert (line["closed_of_accepted"], line["closed_of_due"], line["on_time"]) == (("7", 14), ("7", 10), ("5", 10))


def test_excluded_cases_are_counted_before_and_left_out_after(place, told):
    fill(SINCE, Made(times=3, words=(GOOD,), **place), Made(excluded=True, words=(BAD,), **place))
    assert told()["all"]["solution"] == ("3", 4)
    assert told(after=True)["all"]["solution"] == ("3", 3)


def test_a_total_is_pooled_from_counts_not_the_mean_of_the_lines(place, told, cast):
    fill(SINCE, Made(times=9, words=(GOOD,), **place), Made(words=(BAD,), **place | {"unit_id": cast.units["水利局"].id}))
    lines = told(dimension=Dimension.UNIT)
    assert sorted(of["solution"] for of in lines.values()) == [("0", 1), ("9", 9), ("9", 10)]


def test_a_period_holds_its_first_moment_and_not_its_last(place, as_staff):
    fill(SINCE, Made(**place))
    for period, counted in ((between(SINCE, MONDAY), 1), (between(SINCE - timedelta(days=1), SINCE), 0)):
        assert one_figure(as_staff("sun"), "closed_of_accepted", period=period).before.denominator == counted


def test_figures_are_told_by_place_and_by_what_the_case_is(place, told, cast):
    other = {"territory_path": cast.units["河湾村"].path, "grid_id": cast.grids["河湾村一网格"].id}
    fill(
        SINCE,
        Made(times=2, **place),
        Made(kind=Kind.COMPLAINT, channel=Channel.VISIT, **place | other),
        Made(outcome=Outcome.DIRECT, **place | {"unit_id": None, "grid_id": None, "category_id": None}),
    )

    def accepted(dimension, **more):
        return {key: of["closed_of_accepted"][1] for key, of in told(report=Report.CLOSURE, dimension=dimension, **more).items()}

    liulin, hewan, town = (cast.units[name].code for name in ("柳林村", "河湾村", "柳河镇"))
    assert accepted(Dimension.VILLAGE) == {liulin: 3, hewan: 1, "all": 4}
    assert accepted(Dimension.TOWNSHIP) == {town: 4, "all": 4}
    assert accepted(Dimension.GRID) == {
        cast.grids["柳林村一网格"].code: 2,
        cast.grids["河湾村一网格"].code: 1,
        "-": 1,
        "all": 4,
    }
    assert accepted(Dimension.KIND) == {"complaint": 1, "help": 3, "all": 4}
    assert accepted(Dimension.CHANNEL) == {"hotline": 3, "visit": 1, "all": 4}
    assert accepted(Dimension.UNIT) == {cast.units["城市管理局"].code: 3, "-": 1, "all": 4}
    assert accepted(Dimension.LEVEL) == {"department": 3, "-": 1, "all": 4}
    depth = catalogue().category(place["category_id"]).path.count("/") + 1
    assert depth > 1
    for level in range(1, depth + 1):
        lines = accepted(Dimension.CATEGORY, depth=level)
        assert sorted(lines.values()) == [1, 3, 4]
        assert lines["-"] == 1
    assert accepted(Dimension.CATEGORY, depth=depth + 1) == {"-": 4, "all": 4}


@pytest.mark.parametrize("login", ["fang", "du", "lu", "admin", "ma"])
def test_the_countys_figures_are_for_its_leaders_and_supervisors(login, place, told):
    with pytest.raises(FiguresAreNotYours):
        told(login)


def test_residents_read_no_figures(as_resident):
    with pytest.raises(FiguresAreNotYours):
        table(as_resident("lin"), Report.CLOSURE, period=PERIOD)


def test_a_unit_reads_its_own_figures_and_a_township_those_of_what_lies_in_it(place, told, cast):
    water, village = cast.units["水利局"], cast.units["柳林村"]
    fill(
        SINCE,
        Made(words=(GOOD,), **place),
        Made(times=2, words=(GOOD,), **place | {"unit_id": water.id}),
        Made(times=4, words=(GOOD,), **place | {"unit_id": village.id, "territory_path": cast.units["石桥镇"].path}),
    )
    by_unit = {login: told(login, dimension=Dimension.UNIT) for login in ("shui", "gao", "tong", "yan")}
    assert {login: {key: of["response"][1] for key, of in lines.items()} for login, lines in by_unit.items()} == {
        "shui": {water.code: 2, "all": 2},
        "gao": {cast.units["城市管理局"].code: 1, "all": 1},
        "tong": {village.code: 4, "all": 4},
        "yan": {cast.units["城市管理局"].code: 1, water.code: 2, village.code: 4, "all": 7},
    }
    assert told("tong", dimension=Dimension.TOWNSHIP)["all"]["response"] == ("3", 3)
    assert told("tong")["all"]["response"] == ("7", 7)


def test_whom_a_case_is_against_finds_it_in_no_figure_and_no_list(place, told, as_staff, cast):
    fill(SINCE, Made(words=(GOOD,), **place), Made(words=(BAD,), against_paths=[cast.units["城市管理局"].path], **place))
    assert told("gao")["all"]["response"] == ("1", 1)
    assert told("sun")["all"]["response"] == ("1", 2)
    chosen = Chosen(figure="response", period=PERIOD)
    assert len(figure_cases(as_staff("gao"), chosen).items) == 1
    assert len(list(counted_cases(as_staff("gao"), chosen))) == 1
    assert len(figure_cases(as_staff("sun"), chosen).items) == 2


def test_a_confidential_case_counts_but_is_listed_only_for_those_who_see_it(place, told, as_staff):
    fill(SINCE, Made(words=(GOOD,), confidential=True, **place))
    chosen = Chosen(figure="response", period=PERIOD)
    assert told("tong")["all"]["response"] == ("1", 1)
    assert figure_cases(as_staff("tong"), chosen).items == []
    assert list(counted_cases(as_staff("tong"), chosen)) == []
    assert len(figure_cases(as_staff("sun"), chosen).items) == 1


@pytest.fixture
def motley(place, cast):
    """A ledger with something of everything."""
    water = place | {"unit_id": cast.units["水利局"].id, "grid_id": cast.grids["河湾村一网格"].id}
    none = place | {"unit_id": None, "grid_id": None, "category_id": None}
    rework = (BAD, Word(round=2, after=60, satisfaction=Satisfaction.BASICALLY_SATISFIED))
    fill(
        SINCE,
        Made(times=3, words=(GOOD, Word()), **place),
        Made(times=2, words=(BAD,), late=True, excluded=True, **water),
        Made(times=2, round=2, earlier_units={1: cast.units["民政局"].id}, words=rework, **water),
        Made(state=State.IN_PROGRESS, solved=None, late=True, kind=Kind.COMPLAINT, **place),
        Made(times=2, outcome=Outcome.DIRECT, channel=Channel.WINDOW, **none),
        Made(outcome=Outcome.ON_THE_SPOT, channel=Channel.VISIT, **none),
    )


@pytest.mark.parametrize("dimension", list(Dimension))
def test_a_list_holds_exactly_the_rows_that_were_counted(dimension, motley, as_staff, session):
    def listed(chosen):
        return session.scalar(select(func.count()).select_from(case_ids(as_staff("sun"), chosen).subquery()))

    whole = 0
    for report in Report:
        made = table(as_staff("sun"), report, period=PERIOD, dimension=dimension)
        for line in (*made.lines, made.total):
            for value in line.figures:
                where = {"figure": value.code, "dimension": dimension, "key": line.key, "period": PERIOD}
                for excluded, share in ((True, value.before), (False, value.after)):
                    rows = {part: listed(Chosen(**where, part=part, excluded=excluded)) for part in Part}
                    told = (dimension, line.key, value.code, excluded)
                    assert rows[Part.DENOMINATOR] == share.denominator, told
                    assert rows[Part.NUMERATOR] + rows[Part.MISSING] == rows[Part.DENOMINATOR], told
                    if value.code not in ("satisfaction", "composite"):  # weighted sums
                        assert rows[Part.NUMERATOR] == share.numerator, told
                    whole += rows[Part.NUMERATOR]
    assert whole > 0


def test_one_figure_is_the_one_of_the_table(motley, as_staff, cast):
    key = cast.units["水利局"].code
    made = table(as_staff("sun"), Report.SATISFACTION, period=PERIOD, dimension=Dimension.UNIT)
    (line,) = [line for line in made.lines if line.key == key]
    for value in line.figures:
        assert one_figure(as_staff("sun"), value.code, period=PERIOD, dimension=Dimension.UNIT, key=key) == value
    for value in made.total.figures:
        assert one_figure(as_staff("sun"), value.code, period=PERIOD, dimension=Dimension.UNIT) == value


def test_an_unknown_figure_or_group_is_not_found(as_staff):
    with pytest.raises(UnknownFigure):
        one_figure(as_staff("sun"), "happiness", period=PERIOD)
    with pytest.raises(UnknownGroup):
        one_figure(as_staff("sun"), "response", period=PERIOD, dimension=Dimension.UNIT, key="nowhere")
    with pytest.raises(UnknownGroup):  # another unit's is not there for whom it is not
        one_figure(as_staff("shui"), "response", period=PERIOD, dimension=Dimension.UNIT, key="990101D01")


def test_the_number_of_statements_does_not_grow_with_the_units(motley, as_staff, place, cast):
    def sent():
        with statements() as found:
            table(as_staff("sun"), Report.SATISFACTION, period=PERIOD, dimension=Dimension.UNIT)
        return len(found)

    sent()  # what is held for seconds is read now
    first = sent()
    fill(SINCE, *(Made(words=(GOOD,), **place | {"unit_id": unit.id}) for unit in cast.units.values()))
    assert sent() == first <= 4


def test_a_case_that_was_heard_twice_stands_once_in_the_list_and_with_each_round_in_the_sheet(motley, as_staff, session, cast):
    chosen = Chosen(figure="response", period=PERIOD)
    page = figure_cases(as_staff("sun"), chosen)
    assert (len(page.items), page.counted, page.shown) == (7, 9, 9)
    assert [case.number for case in page.items] == list(
        session.scalars(select(Case.number).where(Case.number.in_([case.number for case in page.items])).order_by(Case.id.desc()))
    )
    rows = list(counted_cases(as_staff("sun"), chosen))
    assert [case.number for case in rows] == [case.number for case in page.items for _ in case.counted]
    assert [case.row for case in rows] == [row for case in page.items for row in case.counted]
    twice = [case for case in page.items if len(case.counted) == 2]
    assert len(twice) == 2
    assert [(row.unit.name, row.round, row.in_numerator, row.satisfaction) for row in twice[0].counted] == [
        ("民政局", 1, False, Satisfaction.VERY_DISSATISFIED),
        ("水利局", 2, True, Satisfaction.BASICALLY_SATISFIED),
    ]


def test_on_the_ground_nobody_reads_figures_of_confidential_cases_or_those_hidden_from_the_grid(place, told, cast, session):
    ids = fill(SINCE, Made(words=(GOOD,), **place), Made(words=(GOOD,), confidential=True, **place), Made(words=(GOOD,), **place))
    session.execute(update(Case).where(Case.id == ids[2]).values(hidden_from_grid=True))
    for login, counted in (("zhou", 1), ("wu", 1), ("tong", 3), ("sun", 3)):
        assert told(login)["all"]["response"] == (str(counted), counted), login


def test_below_the_county_no_period_shorter_than_a_day_is_told(place, as_staff):
    fill(SINCE, Made(words=(GOOD,), **place))
    hour = between(SINCE, SINCE + timedelta(hours=1))
    assert one_figure(as_staff("sun"), "closed_of_accepted", period=hour).before.denominator == 1
    for act in (
        lambda: one_figure(as_staff("tong"), "closed_of_accepted", period=hour),
        lambda: table(as_staff("tong"), Report.CLOSURE, period=hour),
        lambda: figure_cases(as_staff("tong"), Chosen(figure="closed_of_accepted", period=hour)),
        lambda: list(counted_cases(as_staff("tong"), Chosen(figure="closed_of_accepted", period=hour))),
    ):
        with pytest.raises(PeriodUnfit):
            act()
    day = between(SINCE, SINCE + timedelta(days=1))
    assert one_figure(as_staff("tong"), "closed_of_accepted", period=day).before.denominator == 1


def test_every_figure_has_a_name_and_a_definition_of_its_own():
    assert len({figure.code for figure in FIGURES}) == len({figure.name for figure in FIGURES}) == len(FIGURES)
    assert all(figure.definition.endswith("。") for figure in FIGURES)


def china(*moment):
    return datetime(*moment, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("named", "since", "until"),
    [
        ({"month": china(2026, 11, 15).date()}, china(2026, 11, 1), china(2026, 12, 1)),
        ({"month": china(2026, 12, 15).date()}, china(2026, 12, 1), china(2027, 1, 1)),
        ({"window": china(2026, 11, 15).date()}, china(2026, 10, 19, 12), china(2026, 11, 19, 12)),
        ({"window": china(2027, 1, 15).date()}, china(2026, 12, 19, 12), china(2027, 1, 19, 12)),
        ({"since": china(2026, 1, 1), "until": china(2026, 1, 2)}, china(2026, 1, 1), china(2026, 1, 2)),
    ],
)
def test_a_period_is_a_month_a_window_or_from_to(named, since, until):
    assert period_of(County(), **named) == Period(since, until)


def test_a_window_follows_the_countys_own_day_and_hour():
    own = County(window_day=31, window_hour=0)
    assert window_of(china(2026, 2, 15).date(), own) == Period(china(2026, 1, 31), china(2026, 2, 28))
    assert month_of(china(2024, 2, 15).date()) == Period(china(2024, 2, 1), china(2024, 3, 1))


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"month": china(2026, 1, 5).date(), "window": china(2026, 1, 5).date()},
        {"since": china(2026, 1, 1)},
        {"until": china(2026, 1, 1)},
        {"month": china(2026, 1, 5).date(), "since": china(2026, 1, 1), "until": china(2026, 1, 2)},
        {"since": china(2026, 1, 2), "until": china(2026, 1, 2)},
        {"since": china(2020, 1, 1), "until": china(2026, 1, 1)},
    ],
)
def test_a_period_that_is_named_twice_half_or_not_at_all_is_refused(named):
    with pytest.raises(PeriodUnfit):
        period_of(County(), **named)
