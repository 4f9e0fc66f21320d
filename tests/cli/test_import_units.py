"""Units and categories from tables: all rows right or none written, known ones renamed and never moved."""

import pytest
from sqlalchemy import select

from app.core.database import db
from app.core.held import forget_all
from app.ledger.catalogue import catalogue
from app.ledger.models import Category
from app.territory.models import Level, Unit
from tests.cli.conftest import line_of

HEADER = "code,name,parent_code,level"
COUNTY = "77,云溪县,,county"


@pytest.fixture
def run_empty(empty):
    with empty.app_context():
        yield line_of(empty)


def units():
    return {unit.code: unit for unit in db.session.scalars(select(Unit))}


def test_units_come_in_whatever_their_order(run_empty, table):
    file = table(HEADER, "7700101,柳林村,77001,village", "77001,柳河镇,77,township", COUNTY, "77D01,水利局,77,department")
    assert "4 units new" in run_empty("import", "units", file).output
    found = units()
    assert {code: unit.level for code, unit in found.items()} == {
        "77": Level.COUNTY, "77001": Level.TOWNSHIP, "7700101": Level.VILLAGE, "77D01": Level.DEPARTMENT,
    }  # fmt: skip
    assert found["7700101"].path == f"/{found['77'].id}/{found['77001'].id}/{found['7700101'].id}/"
    forget_all()
    assert catalogue().county_path == found["77"].path


def test_a_second_import_changes_names_and_nothing_else(run_empty, table):
    file = table(HEADER, COUNTY, "77001,柳河镇,77,township")
    run_empty("import", "units", file)
    before = {code: (unit.id, unit.path) for code, unit in units().items()}
    assert "0 units new, 0 renamed, 2 unchanged" in run_empty("import", "units", file).output
    result = run_empty("import", "units", table(HEADER, "77001,柳河街道,77,township"))
    assert "0 units new, 1 renamed, 0 unchanged" in result.output
    db.session.expire_all()
    assert units()["77001"].name == "柳河街道"
    assert {code: (unit.id, unit.path) for code, unit in units().items()} == before


def test_a_dry_run_writes_nothing(run_empty, table):
    assert "1 units new" in run_empty("import", "units", table(HEADER, COUNTY), "--dry-run").output
    assert units() == {}


def test_chinese_headers_and_levels_in_gbk_are_understood(run_empty, table):
    file = table("单位代码,单位名称,上级代码,级别", "77,云溪县,,县", "77001,柳河镇,77,乡镇", encoding="gbk")
    assert "2 units new" in run_empty("import", "units", file).output


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("77001,,77,township", "line 3, name: missing"),
        (",柳河镇,77,township", "line 3, code: missing"),
        ("77001,柳河镇,77,kingdom", "line 3, level: “kingdom” is none of"),
        ("77001,柳河镇,78,township", "line 3, parent_code: there is no unit 78"),
        ("77001,柳河镇,,township", "line 3, parent_code: missing"),
        ("7700101,柳林村,77,village", "line 3, parent_code: a village cannot stand below the county 77"),
        ("77,云溪县,,county", "line 3, code: 77 stands in line 2 already"),
        ("78,邻县,,county", "line 3, level: a ledger belongs to one county, and this one is 云溪县 (77)"),
        ("77001,柳河镇,77001,township", "line 3, parent_code: a township cannot stand below the township 77001"),
        ("77001,柳河镇,77,township,more", "line 3: 5 cells, but the header has 4"),
    ],
)
def test_a_wrong_row_is_named_by_line_and_field_and_nothing_is_written(run_empty, table, tmp_path, line, told):
    result = run_empty("import", "units", table(HEADER, COUNTY, line), "--errors", str(tmp_path / "errors.csv"), fails=True)
    assert told in result.stderr
    assert "nothing was written" in result.stderr
    assert units() == {}
    assert (tmp_path / "errors.csv").read_text(encoding="utf-8-sig").splitlines()[1].startswith("3,")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("77001,柳河镇,77,department", "level: 77001 is a township in the ledger"),
        ("7700101,柳林村,77002,village", "parent_code: 7700101 stands below 77001 in the ledger"),
        ("78,邻县,,county", "this one is 云溪县 (77)"),
    ],
)
def test_known_units_are_never_moved_and_no_second_county_comes_in(run_empty, table, line, told):
    lines = (HEADER, COUNTY, "77001,柳河镇,77,township", "77002,石桥镇,77,township", "7700101,柳林村,77001,village")
    run_empty("import", "units", table(*lines))
    assert told in run_empty("import", "units", table(HEADER, line), fails=True).stderr


def test_a_missing_column_is_told_with_those_that_are_there(run_empty, table):
    result = run_empty("import", "units", table("code,name,level", "77,云溪县,county"), fails=True)
    assert "No column for parent_code. Columns: code, name, level" in result.stderr


def test_categories_become_a_tree_and_come_in_once(run_empty, table):
    file = table(
        "一级分类,二级分类,三级分类", "城乡建设,安全生产,事故处理", "城乡建设,安全生产,安全隐患", "农业农村,农田水利,", "其他,,"
    )
    assert "7 categories new" in run_empty("import", "categories", file).output
    assert "0 categories new, 7 unchanged" in run_empty("import", "categories", file).output
    found = {row.path: row for row in db.session.scalars(select(Category))}
    leaf = found["城乡建设/安全生产/安全隐患"]
    assert (leaf.name, leaf.parent_id, leaf.urgent, leaf.active) == ("安全隐患", found["城乡建设/安全生产"].id, False, True)
    assert found["其他"].parent_id is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (",安全生产,事故处理", "line 2, first: missing"),
        ("城乡建设,,事故处理", "line 2, second: missing"),
        ("城乡建设,安全/生产,", "line 2, second: “安全/生产” holds a slash"),
    ],
)
def test_a_wrong_category_is_named(run_empty, table, line, told):
    assert told in run_empty("import", "categories", table("一级分类,二级分类,三级分类", line), fails=True).stderr
    assert db.session.scalars(select(Category)).all() == []
