"""The map in a worker's hand: which grid a point lies in, one's own polygons, and the wrong grid put right with one tap."""

from random import Random

import pytest
from sqlalchemy import select

from app.core.database import db
from app.demo.cast import PASSWORD
from app.demo.grid_map import demo_rings, draw_county, spot_in
from app.ledger.handling import dispatch_case, sign_case
from app.ledger.models import Entry, GridMove
from app.ledger.requests.models import Request
from app.ledger.timeline import verify_ledger
from app.ledger.vocabulary import Action, RequestKind, RequestState
from app.notices.models import Notice
from app.people.models import Staff
from tests.callers import grid_caller
from tests.counting import statements

FIRST, SECOND, RIVER, FAR = "柳林村一网格", "柳林村二网格", "河湾村一网格", "东岭村一网格"


@pytest.fixture
def drawn(stamp, cast):
    draw_county(stamp)


@pytest.fixture
def spot(cast):
    """Gives a point in a grid, by its name."""

    def at(name):
        longitude, latitude = spot_in(cast.grids[name].code, Random(3))
        return {"latitude": latitude, "longitude": longitude, "datum": "wgs84"}

    return at


@pytest.fixture
def report(lin, cast):
    """Files Lin's report and gives its number."""

    def file(**more):
        body = {"body": "路口的路灯坏了三天了。", "grid": cast.grids[FIRST].code, "category_id": cast.categories["路灯照明"]}
        answer = lin.post("/reports", body | more)
        assert answer.status_code == 201, answer.text
        return answer.json["number"]

    return file


def entry_of(number, backstage, action=Action.MOVE_GRID):
    query = select(Entry).where(Entry.case_id == backstage.case(number).id, Entry.action == action)
    return db.session.scalars(query.order_by(Entry.seq.desc())).first()


def told(template):
    query = select(Staff.login).join(Notice, Notice.recipient_id == Staff.id)
    return sorted(set(db.session.scalars(query.where(Notice.template == template))))


def by_the_village(number, backstage, as_staff, cast):
    """Give the case to the village of the grid."""
    backstage.accept(number)
    dispatch_case(as_staff("du"), number, lead_unit_id=cast.units["柳林村"].id)


def test_a_phone_asks_in_which_grid_it_is(zhou, nobody, drawn, spot):
    for caller in (zhou, nobody):
        answer = caller.post("/grids/at", spot(RIVER), key=None)
        assert (answer.status_code, answer.json["how"]) == (200, "inside")
        assert (answer.json["grid"]["name"], answer.json["grid"]["unit"]) == (RIVER, "河湾村")
        assert not [key for key in ("id", "latitude", "longitude") if key in answer.json["grid"]]


def test_a_point_in_no_grid_names_the_nearest(nobody, drawn):
    longitude, latitude = demo_rings()["99010100100101"][0]
    answer = nobody.post("/grids/at", {"latitude": latitude - 0.001, "longitude": longitude + 0.01, "datum": "wgs84"}, key=None)
    assert (answer.json["how"], answer.json["grid"], answer.json["nearest"]["name"]) == ("outside", None, FIRST)
    assert 110 < answer.json["metres"] < 113


def test_a_point_far_outside_the_county_is_refused_with_its_field(nobody, lin, drawn, cast):
    far = {"latitude": 33.0, "longitude": 117.5, "datum": "wgs84"}
    answer = nobody.post("/grids/at", far, key=None)
    assert (answer.status_code, answer.json["code"], list(answer.json["errors"])) == (422, "point_outside_county", ["point"])
    assert "117.5" not in answer.text
    assert lin.post("/reports", {"body": "路灯坏了。", "point": far}).json["code"] == "point_outside_county"


def test_without_a_map_everybody_is_told_so_and_no_point_in_china_is_refused(nobody, lin):
    point = {"latitude": 30.0, "longitude": 110.0, "datum": "gcj02"}
    assert nobody.post("/grids/at", point, key=None).json["how"] == "no_shapes"
    assert lin.post("/reports", {"body": "路灯坏了。", "point": point}).status_code == 201


def test_a_worker_sees_the_polygons_of_the_own_grids_alone_and_a_cadre_those_of_the_village(zhou, wu, drawn, cast):
    def names(caller):
        return [each["properties"]["name"] for each in caller.get("/grids/shapes").json["features"]]

    assert names(zhou) == [FIRST]
    village = {grid.name for grid in cast.grids.values() if grid.unit_id == cast.units["柳林村"].id}
    assert names(wu)
    assert set(names(wu)) <= village
    assert RIVER not in names(wu)


def test_a_worker_moves_a_case_to_the_grid_that_is_named(zhou, zhao, report, backstage, cast):
    number = report()
    answer = zhou.post(f"/cases/{number}/grid", {"grid": cast.grids[RIVER].code, "note": "在河堤那边"})
    assert (answer.status_code, answer.json["state"]) == (201, "submitted")
    case = backstage.case(number)
    assert (case.grid_id, case.to_place) == (cast.grids[RIVER].id, False)
    assert case.territory_path == cast.units["河湾村"].path
    assert entry_of(number, backstage).facts == {"wrong_grid": cast.grids[FIRST].code, "to": cast.grids[RIVER].code}
    assert [each["number"] for each in zhao.get("/cases").json["items"]] == [number]
    assert zhou.get("/cases").json["items"] == []
    assert zhou.get(f"/cases/{number}").status_code == 200, "who moved it keeps sight of it"
    assert zhou.post(f"/cases/{number}/answer", {"reply": "x"}).status_code == 403
    assert told("move_grid") == []
    assert verify_ledger().breaks == []


def test_one_tap_without_a_word_follows_the_cases_own_point(zhou, report, backstage, cast, drawn, spot):
    number = report(point=spot(RIVER))
    assert backstage.case(number).grid_id == cast.grids[FIRST].id, "what the person chose stays"
    assert zhou.post(f"/cases/{number}/grid", {}).status_code == 201
    assert backstage.case(number).grid_id == cast.grids[RIVER].id


def test_a_point_that_the_worker_gives_comes_before_the_cases_own(zhou, report, backstage, cast, drawn, spot):
    number = report(point=spot(RIVER))
    assert zhou.post(f"/cases/{number}/grid", {"point": spot(FAR)}).status_code == 201
    assert backstage.case(number).grid_id == cast.grids[FAR].id


def test_where_nothing_tells_the_case_goes_back_to_be_placed_by_hand(zhou, report, backstage, cast):
    number = report()
    assert zhou.post(f"/cases/{number}/grid", {}).status_code == 201
    case = backstage.case(number)
    assert (case.grid_id, case.to_place) == (None, True)
    assert told("move_grid") == ["ding", "fang"]
    backstage.accept(number)
    assert backstage.case(number).to_place is False


def test_a_worker_moves_no_case_of_another_grid(zhou, zhao, lin, cast, backstage, report):
    number = report()
    assert zhao.post(f"/cases/{number}/grid", {}).status_code == 404
    filing = {
        "person": {"name": "郑守田", "phone": "0557-0000001"},
        "consent": {"method": "spoken", "witness": "邻居赵婶", "evidence": "当面询问"},
        "grid": cast.grids[SECOND].code,
        "body": "高龄津贴三个月没有到账。",
        "kind": "help",
    }
    own = zhou.post("/filings", filing).json["number"]
    answer = zhou.post(f"/cases/{own}/grid", {"grid": cast.grids[FIRST].code})
    assert (answer.status_code, answer.json["code"]) == (403, "grid_is_not_yours")


@pytest.mark.parametrize("wrong", ["own", "unknown", "own point", "version"])
def test_what_is_no_other_grid_is_refused_and_nothing_moves(zhou, report, backstage, cast, drawn, spot, wrong):
    number = report()
    body, code, field = {
        "own": ({"grid": cast.grids[FIRST].code}, "same_grid", "grid"),
        "unknown": ({"grid": "777"}, "unknown_grid", "grid"),
        "own point": ({"point": spot(FIRST)}, "same_grid", "point"),
        "version": ({"grid": cast.grids[SECOND].code, "version": 9}, "stale_version", None),
    }[wrong]
    answer = zhou.post(f"/cases/{number}/grid", body)
    assert answer.json["code"] == code
    assert field is None or list(answer.json["errors"]) == [field]
    assert backstage.case(number).grid_id == cast.grids[FIRST].id


def test_the_same_tap_twice_is_one(zhou, report, backstage, cast):
    number, key = report(), "6b6f2c1e-5d0b-4b63-9e0a-2f8f7a3c9d11"
    body = {"grid": cast.grids[SECOND].code}
    one, two = (zhou.post(f"/cases/{number}/grid", body, key=key) for _ in range(2))
    assert (one.status_code, two.status_code, one.json) == (201, 201, two.json)
    assert len(db.session.scalars(select(GridMove)).all()) == 1


def test_a_case_that_the_village_leads_stays_there_until_the_centre_agrees(zhou, report, backstage, as_staff, cast):
    number = report()
    by_the_village(number, backstage, as_staff, cast)
    assert zhou.post(f"/cases/{number}/grid", {"grid": cast.grids[RIVER].code}).status_code == 201
    case = backstage.case(number)
    assert (case.grid_id, case.lead_unit_id) == (cast.grids[RIVER].id, cast.units["柳林村"].id)
    asked = db.session.scalars(select(Request).where(Request.case_id == case.id)).one()
    assert (asked.kind, asked.state) == (RequestKind.REASSIGN, RequestState.PENDING)
    assert asked.details["unit_ids"] == [cast.units["柳河镇"].id], "nobody handles in 河湾村: the township above it"
    assert set(told("move_grid_deciders")) >= {"du"}
    assert entry_of(number, backstage).facts["reassign_to"] == cast.units["柳河镇"].code


def test_a_case_that_a_department_leads_only_changes_its_grid(zhou, report, backstage, as_staff, cast):
    number = report()
    backstage.accept(number)
    backstage.dispatch(number)
    backstage.sign(number)
    assert zhou.post(f"/cases/{number}/grid", {"grid": cast.grids[SECOND].code}).status_code == 201
    assert db.session.scalars(select(Request)).all() == []
    assert backstage.case(number).grid_id == cast.grids[SECOND].id


def test_within_the_village_nobody_is_asked(zhou, report, backstage, as_staff, cast):
    number = report()
    by_the_village(number, backstage, as_staff, cast)
    sign_case(as_staff("hua"), number)
    assert zhou.post(f"/cases/{number}/grid", {"grid": cast.grids[SECOND].code}).status_code == 201
    assert db.session.scalars(select(Request)).all() == []


def test_a_moved_case_that_becomes_confidential_is_kept_from_who_moved_it(zhou, report, backstage, cast, session):
    number = report()
    zhou.post(f"/cases/{number}/grid", {"grid": cast.grids[RIVER].code})
    backstage.case(number).confidential = True
    session.flush()
    assert zhou.get(f"/cases/{number}").status_code == 404


def test_who_moved_nothing_of_a_case_sees_nothing_of_it(zhou, report, client, cast, session):
    number = report()
    zhou.post(f"/cases/{number}/grid", {"grid": cast.grids[FAR].code})
    assert grid_caller(client, "zhao", PASSWORD).get(f"/cases/{number}").status_code == 404


def test_placing_costs_a_report_no_statement(lin, report, drawn, spot):
    report(point=spot(FIRST))
    with statements() as plain:
        report()
    with statements() as placed:
        report(point=spot(RIVER))
    assert len(placed) <= len(plain)
