"""Suggestions for a dispatch: the catalogue first, then who handled its like, never who is recused."""

from datetime import timedelta

import pytest

from app.ledger.callbacks.answers import record_callback
from app.ledger.dispatching.duties import put_duty
from app.ledger.dispatching.suggestions import SuggestionsAreTheDispatchers, suggest_units
from app.ledger.handling import dispatch_case
from app.ledger.requests.models import Request
from app.ledger.scope import CaseNotFound
from app.ledger.vocabulary import Duty, RequestKind, RequestState, Responsibility
from app.territory.commands import add_unit
from app.territory.models import Level
from tests.counting import statements
from tests.ledger.test_straight_road import HAPPY, Road

STATUTORY, LEAD, ASSIST = Responsibility


@pytest.fixture
def make_road(session, cast, clock, as_staff, as_resident):
    return lambda: Road(session, cast, clock, as_staff, as_resident)


@pytest.fixture
def road(make_road):
    made = make_road()
    made.accepted()
    return made


@pytest.fixture
def put(cast, as_staff):
    def call(category, unit, role, **more):
        return put_duty(as_staff("admin"), category_id=cast.categories[category], unit_id=cast.units[unit].id, role=role, **more)

    return call


@pytest.fixture
def closed(make_road):
    """A street light that 城市管理局 mended last week."""
    made = make_road()
    made.awaiting_callback()
    record_callback(made.as_staff("lu"), made.number, HAPPY)
    return made


def names(road, login="du"):
    return [each.unit.name for each in suggest_units(road.as_staff(login), road.number)]


def test_the_nearest_line_of_the_catalogue_comes_first_with_its_reason(road, put):
    put("城乡建设", "住房和城乡建设局", STATUTORY)
    put("路灯照明", "城市管理局", STATUTORY, note="三定方案")
    put("市政管理", "柳河镇", LEAD)
    put("路灯照明", "供水公司", ASSIST)
    found = suggest_units(road.as_staff("du"), road.number)
    assert [each.unit.name for each in found] == ["城市管理局", "住房和城乡建设局", "柳河镇", "供水公司"]
    assert found[0].reasons == ["责任清单：“城乡建设/市政管理/路灯照明”法定主责（三定方案）"]
    assert [each.duty for each in found] == [Duty.LEAD, Duty.LEAD, Duty.LEAD, Duty.ASSIST]
    assert [each.score for each in found] == [100, 90, 85, 50]


def test_villages_and_townships_only_where_their_territory_is(road, put):
    for unit in ("石桥镇", "石桥社区", "柳林村", "河湾村"):
        put("路灯照明", unit, LEAD)
    assert names(road) == ["柳林村"]


def test_history_tells_who_led_how_many_to_their_end(closed, road):
    (found,) = suggest_units(road.as_staff("du"), road.number)
    assert (found.unit.name, found.led, found.returned_share, found.score) == ("城市管理局", 1, 0, 60)
    assert found.reasons == ["近 180 天在本地办结同类工单 1 件，退单 0 次"]


def test_history_fades_and_counts_what_was_given_back(closed, road, session, clock):
    assignment = closed.case.assignments[0]
    session.add(
        Request(
            case_id=closed.case.id, kind=RequestKind.RETURN, state=RequestState.APPROVED, assignment_id=assignment.id,
            asked_by=closed.cast.staff["he"].id, asked_at=clock(), decided_by=closed.cast.staff["du"].id, decided_at=clock(),
        )
    )  # fmt: skip
    session.flush()
    (found,) = suggest_units(road.as_staff("du"), road.number)
    assert (found.led, found.returned_share, found.score) == (1, 0.5, 30)
    clock.advance(days=181)
    assert names(road) == []


def test_history_of_another_category_or_township_tells_nothing(closed, make_road, session):
    other = make_road()
    other.accepted()
    other.case.category_id = other.cast.categories["低保"]
    session.flush()
    assert names(other) == []
    elsewhere = make_road()
    elsewhere.accepted()
    elsewhere.case.territory_path = elsewhere.cast.units["石桥社区"].path
    session.flush()
    assert names(elsewhere) == []


def test_who_is_recused_or_has_nobody_is_never_suggested(closed, road, put, session):
    road.cast.units["档案局"] = add_unit(code="990101D77", name="档案局", level=Level.DEPARTMENT, parent=road.cast.units["云溪县"])
    for unit in ("城市管理局", "水利局", "档案局", "民政局"):
        put("路灯照明", unit, STATUTORY)
    road.case.against_paths = [road.cast.units["城市管理局"].path]
    road.case.against_staff_id = road.cast.staff["shui"].id
    session.flush()
    assert names(road) == ["民政局"]


def test_what_is_suggested_is_accepted_by_the_dispatch(road, put):
    put("路灯照明", "城市管理局", STATUTORY)
    put("路灯照明", "柳林村", LEAD)
    for each in suggest_units(road.as_staff("du"), road.number):
        assert each.duty is Duty.LEAD
    dispatch_case(road.as_staff("du"), road.number, lead_unit_id=road.cast.units["柳林村"].id)


def test_suggestions_are_the_dispatchers_and_within_their_reach(road, put):
    put("路灯照明", "城市管理局", STATUTORY)
    put("路灯照明", "柳林村", LEAD)
    assert names(road, "shi") == ["柳林村"]
    for login in ("fang", "sun", "liu"):
        with pytest.raises(SuggestionsAreTheDispatchers):
            names(road, login)
    with pytest.raises(CaseNotFound):
        names(road, "he")


def test_the_cost_does_not_grow_with_the_catalogue(road, put, clock):
    put("路灯照明", "城市管理局", STATUTORY)
    du = road.as_staff("du")
    with statements() as few:
        suggest_units(du, road.number)
    for unit in ("水利局", "民政局", "柳林村", "柳河镇", "供水公司"):
        put("市政管理", unit, LEAD)
    clock.advance(days=1)
    road.session.expire_all()
    with statements() as many:
        suggest_units(du, road.number)
    assert len(many) <= len(few) + 1  # the case itself is read anew


def test_half_a_year_is_looked_back(closed, road, clock):
    clock.move_to(closed.case.closed_at + timedelta(days=179))
    assert names(road) == ["城市管理局"]
