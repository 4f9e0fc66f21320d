"""Where a report comes from: its point finds the grid, a person's choice stays, and what nobody can place waits for intake."""

from random import Random

import pytest
from sqlalchemy import select

from app.demo.grid_map import demo_rings, draw_county, spot_in
from app.ledger.commands import accept_case
from app.ledger.corrections import correct_case
from app.ledger.intake.own_report import Matter, report_own, report_unnamed
from app.ledger.intake.places import Point, PointOutsideCounty
from app.ledger.intake.registration import Registration, register
from app.ledger.models import Case, Entry
from app.ledger.requests.withdrawal import wish_to_withdraw
from app.ledger.showing.case_view import case_view
from app.ledger.showing.queue import Sought, work_queue
from app.ledger.vocabulary import Channel, Kind
from app.territory.datum import Datum, to_gcj02

FIRST, RIVER = "柳林村一网格", "河湾村一网格"
SAID = "路口的路灯坏了三天了。"


@pytest.fixture
def drawn(app, stamp, cast):
    draw_county(stamp)


@pytest.fixture
def spot(cast):
    def at(name, datum=Datum.WGS84):
        longitude, latitude = spot_in(cast.grids[name].code, Random(3))
        if datum is Datum.GCJ02:
            latitude, longitude = to_gcj02(latitude, longitude)
        return Point(latitude=latitude, longitude=longitude, datum=datum)

    return at


def case_of(session, receipt):
    session.expire_all()
    return session.scalars(select(Case).where(Case.number == receipt.number)).one()


def facts_of(session, receipt):
    return session.scalars(select(Entry.facts).where(Entry.case_id == case_of(session, receipt).id, Entry.seq == 1)).one()


@pytest.mark.parametrize("datum", Datum)
def test_a_point_finds_the_grid_whatever_its_datum(session, drawn, as_resident, cast, spot, datum):
    receipt = report_own(as_resident("lin"), Matter(body=SAID, point=spot(RIVER, datum)))
    case = case_of(session, receipt)
    assert (case.grid_id, case.territory_path, case.to_place) == (cast.grids[RIVER].id, cast.units["河湾村"].path, False)
    assert facts_of(session, receipt)["grid_of_point"] == cast.grids[RIVER].code


def test_an_unnamed_report_finds_its_grid_too(session, drawn, as_anonymous, cast, spot):
    assert case_of(session, report_unnamed(as_anonymous(), Matter(body=SAID, point=spot(RIVER)))).grid_id == cast.grids[RIVER].id


def test_what_the_person_chose_stays_and_intake_is_told_of_the_other(session, drawn, as_resident, as_staff, cast, spot):
    receipt = report_own(as_resident("lin"), Matter(body=SAID, grid=cast.grids[FIRST].code, point=spot(RIVER)))
    assert case_of(session, receipt).grid_id == cast.grids[FIRST].id
    view = case_view(as_staff("fang"), receipt.number)
    assert (view.grid.name, view.suggested_grid.name) == (FIRST, RIVER)
    assert view.timeline.items[0].facts["grid_of_point"] == cast.grids[RIVER].code


def test_where_both_agree_nothing_is_suggested(session, drawn, as_resident, as_staff, cast, spot):
    receipt = report_own(as_resident("lin"), Matter(body=SAID, grid=cast.grids[FIRST].code, point=spot(FIRST)))
    assert case_view(as_staff("fang"), receipt.number).suggested_grid is None
    assert "grid_of_point" not in facts_of(session, receipt)


def test_a_matter_at_home_takes_the_grid_of_the_point_and_not_the_point(session, drawn, as_resident, cast, spot):
    case = case_of(session, report_own(as_resident("chen"), Matter(body=SAID, point=spot(RIVER), at_home=True)))
    assert case.grid_id == cast.grids[RIVER].id
    assert (case.reports[0].latitude, case.reports[0].raw_point) == (None, None)


def test_a_point_in_no_grid_waits_to_be_placed_by_hand(session, drawn, as_resident, as_staff, cast, spot):
    longitude, latitude = demo_rings()[cast.grids[FIRST].code][0]
    outside = Point(latitude=latitude - 0.01, longitude=longitude + 0.01, datum=Datum.WGS84)
    receipt = report_own(as_resident("lin"), Matter(body=SAID, point=outside))
    placed = report_own(as_resident("chen"), Matter(body=SAID + "另一处。", point=spot(FIRST)))
    assert case_of(session, receipt).to_place
    waiting = work_queue(as_staff("fang"), Sought(to_place=True))
    assert [row.number for row in waiting.items] == [receipt.number]
    assert placed.number not in {row.number for row in waiting.items}
    settled = {"kind": Kind.HELP, "category_id": cast.categories["路灯照明"]}
    accept_case(as_staff("fang"), receipt.number, **settled, grid_id=None, outside_grids=True)
    assert work_queue(as_staff("fang"), Sought(to_place=True)).items == []


def test_a_case_that_is_over_waits_for_nobody(session, drawn, as_resident, as_staff):
    receipt = report_own(as_resident("lin"), Matter(body=SAID))
    report_own(as_resident("lin"), Matter(body="河堤上的护栏断了一截，孩子经过很危险。"))
    assert len(work_queue(as_staff("fang"), Sought(to_place=True)).items) == 2
    wish_to_withdraw(as_resident("lin"), receipt.number, words="已经好了")
    assert receipt.number not in {row.number for row in work_queue(as_staff("fang"), Sought(to_place=True)).items}


def test_a_correction_places_a_case(session, drawn, as_resident, as_staff, cast):
    receipt = report_own(as_resident("lin"), Matter(body=SAID))
    settled = {"kind": Kind.HELP, "category_id": cast.categories["路灯照明"]}
    accept_case(as_staff("fang"), receipt.number, **settled, grid_id=cast.grids[FIRST].id)
    correct_case(as_staff("du"), receipt.number, note="在县域外围", outside_grids=True)
    assert case_of(session, receipt).to_place is False, "somebody has decided"


def test_further_outside_than_the_county_allows_is_refused(drawn, as_resident, cast):
    longitude, latitude = demo_rings()[cast.grids[FIRST].code][0]
    near, far = (Point(latitude=latitude - away, longitude=longitude, datum=Datum.WGS84) for away in (0.0175, 0.0185))
    report_own(as_resident("lin"), Matter(body=SAID, point=near))
    with pytest.raises(PointOutsideCounty):
        report_own(as_resident("lin"), Matter(body=SAID, point=far))


def test_the_desk_marks_a_place_on_the_map(session, drawn, as_staff, cast, spot):
    said = {"channel": Channel.HOTLINE, "body": SAID, "kind": Kind.HELP, "name": "王桂花", "phone": "13800001234"}
    done = register(as_staff("fang"), Registration(**said, point=spot(RIVER, Datum.GCJ02)))
    case = case_of(session, done)
    assert case.grid_id == cast.grids[RIVER].id
    assert case.reports[0].raw_point["datum"] == "gcj02"
    with pytest.raises(PointOutsideCounty):
        register(as_staff("fang"), Registration(**said, point=Point(latitude=30, longitude=110, datum=Datum.WGS84)))
