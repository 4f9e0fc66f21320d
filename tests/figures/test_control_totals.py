"""The control totals of five towns: ledgers filled to their counts, and the figures that come out of the product's queries."""

from datetime import timedelta

import pytest

from app.figures.catalogue import Report
from app.figures.counting import table
from app.figures.groups import Dimension
from app.figures.listing import Chosen, Part, figure_cases
from app.figures.periods import between
from app.ledger.rates import percent, plain
from app.ledger.vocabulary import Outcome, State
from tests.conftest import MONDAY
from tests.factories.ledger import Made, fill

SINCE = MONDAY - timedelta(days=30)
PERIOD = between(SINCE, MONDAY)


@pytest.fixture
def place(cast):
    return {
        "territory_path": cast.units["柳林村"].path,
        "grid_id": cast.grids["柳林村一网格"].id,
        "unit_id": cast.units["城市管理局"].id,
    }


def told(stamp, report=Report.CLOSURE, dimension=Dimension.COUNTY):
    """Give of each line what each figure says: per cent, numerator, denominator."""
    made = table(stamp, report, period=PERIOD, dimension=dimension)
    return {line.key: {figure.code: shown(figure.before) for figure in line.figures} for line in made.lines}


def shown(share):
    return percent(share), plain(share.numerator), share.denominator


def test_langya_1562_of_1600_clues_are_97_6_per_cent(as_staff, place):
    fill(SINCE, Made(times=1562, **place), Made(times=38, state=State.IN_PROGRESS, solved=None, due_in=timedelta(days=60), **place))
    assert told(as_staff("sun"))["all"]["resolved"] == ("97.6", "1562", 1600)


def test_helin_760_closed_are_92_9_per_cent_of_818_accepted_and_98_7_per_cent_of_770_due(as_staff, place):
    fill(
        SINCE,
        Made(times=760, **place),
        Made(times=10, state=State.IN_PROGRESS, solved=None, late=True, **place),
        Made(times=48, state=State.IN_PROGRESS, solved=None, due_in=timedelta(days=60), **place),
    )
    line = told(as_staff("sun"))["all"]
    assert line["closed_of_accepted"] == ("92.9", "760", 818)
    assert line["closed_of_due"] == ("98.7", "760", 770)


def test_jieshou_7021_answered_directly_and_6590_passed_on_are_13611_calls(as_staff, place):
    direct = place | {"unit_id": None}
    fill(SINCE, Made(times=7021, outcome=Outcome.DIRECT, **direct), Made(times=6590, **place))
    line = told(as_staff("sun"))["all"]
    assert line["direct"][1:] == ("7021", 13611)
    assert line["passed_on"][1:] == ("6590", 13611)


def test_a_streets_609_opinions_of_which_310_were_answered_on_the_spot(as_staff, place):
    direct = place | {"unit_id": None}
    fill(SINCE, Made(times=310, outcome=Outcome.ON_THE_SPOT, **direct), Made(times=299, **place))
    assert told(as_staff("sun"), dimension=Dimension.TOWNSHIP)["990101001"]["on_the_spot"] == ("50.9", "310", 609)


def test_lingbis_82_are_60_of_county_units_and_22_of_townships(as_staff, cast, place):
    fill(SINCE, Made(times=60, **place), Made(times=22, **place | {"unit_id": cast.units["柳河镇"].id}))
    fill(SINCE, Made(times=17, outcome=Outcome.DIRECT, **place | {"unit_id": None}))  # not passed on to anybody
    lines = told(as_staff("sun"), dimension=Dimension.LEVEL)
    assert (lines["department"]["passed_on"][1:], lines["township"]["passed_on"][1:]) == (("60", 60), ("22", 22))
    assert told(as_staff("sun"))["all"]["passed_on"] == ("82.8", "82", 99)


def test_the_cases_behind_a_control_total_are_listed_page_by_page(as_staff, place):
    ids = fill(SINCE, Made(times=310, outcome=Outcome.ON_THE_SPOT, **place | {"unit_id": None}), Made(times=299, **place))
    chosen = Chosen(figure="on_the_spot", period=PERIOD, part=Part.NUMERATOR)
    found, cursor = [], None
    while True:
        page = figure_cases(as_staff("sun"), chosen, cursor=cursor, limit=200)
        found += [row.number for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 310 < len(ids)
