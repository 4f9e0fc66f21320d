"""Visits go out in the columns of another platform: one's own grids alone, names masked, every cell text."""

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from python_calamine import CalamineWorkbook

from app.people.roster.lists.export_profiles import ExportProfileNotFound, put_export_profile
from app.people.roster.lists.models import Profiled
from app.people.roster.scope import GridNotFound, RosterIsNotYoursToEdit
from app.visits.commands import log_visit
from app.visits.exporting import ExportSpanUnfit, SpanOf, VisitsWanted, visits_workbook
from app.visits.models import VisitOutcome
from app.visits.rules import VisitLog
from tests.conftest import MONDAY
from tests.counting import statements

SPAN = {"since": MONDAY - timedelta(days=7), "until": MONDAY + timedelta(days=1)}


@pytest.fixture
def visit(as_staff, cast):
    def log(at=MONDAY, findings=None, late=timedelta()):
        home = cast.households["郑守田"].id
        met = (cast.residents["zheng"].id,)
        made = VisitLog(
            key=uuid4(), outcome=VisitOutcome.MET, visited_at=at, phone_at=at, household_id=home, findings=findings, met_ids=met
        )
        return log_visit(as_staff("zhou").moved_to(at + late), made)

    return log


def rows(parts):
    return CalamineWorkbook.from_filelike(io.BytesIO(b"".join(parts))).get_sheet_by_index(0).to_python()


def test_the_shipped_profile_heads_its_columns_and_keeps_the_span(as_staff, visit, clock):
    inside, _ = visit(findings="=HYPERLINK(1)"), visit(MONDAY - timedelta(days=8))
    head, *lines = rows(visits_workbook(as_staff("wu"), VisitsWanted(profile="province_visits", **SPAN)))
    assert head == ["走访编号", "走访时间", "网格编码", "户编号", "走访结果", "走访情况"]
    assert [line[0] for line in lines] == [str(inside.visit.key)]
    assert lines[0][1] == "2026-11-23 09:00:00"
    assert lines[0][5] == "=HYPERLINK(1)"


def test_a_visit_that_a_phone_sends_days_later_is_in_the_next_delivery_and_in_its_own_month(as_staff, visit, clock):
    """Made at the end of one span, sent after that span's export went out: deliveries that adjoin hold it once."""
    late = visit(MONDAY - timedelta(hours=1), late=timedelta(days=2)).visit.key
    spans = [(MONDAY - timedelta(days=7), MONDAY), (MONDAY, MONDAY + timedelta(days=7))]

    def keys(span, **by):
        parts = visits_workbook(as_staff("wu"), VisitsWanted(profile="province_visits", since=span[0], until=span[1], **by))
        return [line[0] for line in rows(parts)[1:]]

    assert [keys(span) for span in spans] == [[], [str(late)]]
    assert [keys(span, by=SpanOf.VISITED) for span in spans] == [[str(late)], []]


def test_codes_and_masked_names_as_the_profile_wants_them(as_staff, as_system, visit, clock):
    visit()
    columns = [
        {"field": "outcome", "header": "结果代码", "codes": {"met": "01"}},
        {"field": "met", "header": "见到谁"},
        {"field": "staff", "header": "走访人"},
        {"field": "minutes", "header": "时长"},
    ]
    put_export_profile(as_system(), "city_visits", name="市平台走访", of=Profiled.VISITS, columns=columns)
    _, line = rows(visits_workbook(as_staff("zhou"), VisitsWanted(profile="city_visits", **SPAN)))
    assert line[:3] == ["01", "郑**", "周格"]


def test_another_grid_another_village_and_a_handler_get_nothing(as_staff, visit, cast, clock):
    visit()
    assert len(rows(visits_workbook(as_staff("zhao"), VisitsWanted(profile="province_visits", **SPAN)))) == 1
    with pytest.raises(GridNotFound):
        visits_workbook(as_staff("zhao"), VisitsWanted(profile="province_visits", grid=cast.grids["柳林村一网格"].code, **SPAN))
    with pytest.raises(RosterIsNotYoursToEdit):
        visits_workbook(as_staff("he"), VisitsWanted(profile="province_visits", **SPAN))


def test_a_profile_of_people_and_a_span_that_ends_before_it_begins_are_refused(as_staff, clock):
    with pytest.raises(ExportProfileNotFound):
        visits_workbook(as_staff("wu"), VisitsWanted(profile="province_people", **SPAN))
    with pytest.raises(ExportSpanUnfit):
        visits_workbook(as_staff("wu"), VisitsWanted(profile="province_visits", since=MONDAY, until=MONDAY))
    with pytest.raises(ExportSpanUnfit):
        visits_workbook(as_staff("wu"), VisitsWanted(profile="province_visits", since=MONDAY - timedelta(days=400), until=MONDAY))


def test_many_visits_take_as_many_statements_as_one(as_staff, visit, clock):
    visit()
    with statements() as few:
        rows(visits_workbook(as_staff("wu"), VisitsWanted(profile="province_visits", **SPAN)))
    for _ in range(5):
        visit()
    with statements() as many:
        rows(visits_workbook(as_staff("wu"), VisitsWanted(profile="province_visits", **SPAN)))
    assert len(many) == len(few)
