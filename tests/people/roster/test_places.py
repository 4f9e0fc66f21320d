"""Where a list's people live when villages call their grids alike: by the village that is named, never by chance."""

import pytest
from sqlalchemy import func, select

from app.people.models import Resident
from tests.people.roster.conftest import LI

HEAD = ["户号", "姓名", "与户主关系", "身份证号", "家庭住址"]
ROW = ["1", "李大田", "户主", LI, "一组 1 号"]


@pytest.fixture
def alike(session, cast):
    """Two villages whose first grids have one name."""
    for name in ("柳林村一网格", "河湾村一网格"):
        cast.grids[name].name = "第一网格"
    session.flush()


def test_a_grids_name_that_two_villages_use_is_refused_where_no_village_is_named(session, workbook, bring_in, alike):
    before = session.scalar(select(func.count()).select_from(Resident))
    outcome = bring_in(workbook({"Sheet1": [[*HEAD, "所属网格"], [*ROW, "第一网格"]]}))
    assert "不止一个" in outcome.refused[0].faults[0].words
    assert session.scalar(select(func.count()).select_from(Resident)) == before


@pytest.mark.parametrize(
    ("sheet", "head", "row"),
    [
        ("Sheet1", ["所属网格", "村"], ["第一网格", "柳林村"]),
        ("柳林村", ["所属网格"], ["第一网格"]),
        ("柳林村第一网格", [], []),
    ],
)
def test_with_its_village_named_it_is_found(session, workbook, bring_in, alike, cast, sheet, head, row):
    outcome = bring_in(workbook({sheet: [[*HEAD, *head], [*ROW, *row]]}))
    assert outcome.refused == []
    grid_id = session.scalars(select(Resident.grid_id).order_by(Resident.id.desc()).limit(1)).one()
    assert grid_id == cast.grids["柳林村一网格"].id
