"""People from a workbook: good rows in, bad ones told and written beside what is wrong, the exit status says so."""

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app.people.models import Resident
from app.people.roster.lists.models import ColumnProfile
from tests.people.roster.conftest import LI, lis, workbook

assert [lis, workbook]  # fixtures

GRID = "柳林村一网格"


@pytest.fixture
def count(session):
    return lambda: session.scalar(select(func.count()).select_from(Resident))


def test_a_list_comes_in_once(run, workbook, lis, count):
    before, path = count(), workbook({GRID: lis})
    told = run("import", "people", path).output
    assert "residents_new: 3" in told
    assert "\nwritten\n" in told
    assert "residents_unchanged: 3" in run("import", "people", path).output
    assert count() == before + 3


def test_bad_rows_are_told_written_to_the_report_and_change_the_exit_status(run, workbook, lis, tmp_path, count):
    before, report = count(), tmp_path / "report.xlsx"
    lis[3][4] = LI[:10]
    result = run("import", "people", workbook({GRID: lis}), "--errors", report, fails=True)
    assert f"{GRID} line 4: 身份证号不正确" in result.stderr
    sheet = CalamineWorkbook.from_path(str(report)).get_sheet_by_name(GRID).to_python()
    assert sheet[1][8].startswith("原第 4 行：")
    assert count() == before + 2
    strict = run("import", "people", workbook({GRID: lis}), "--strict", fails=True)
    assert "nothing was written" in strict.output


def test_a_dry_run_writes_nothing(run, workbook, lis, count):
    before = count()
    assert "residents_new: 3" in run("import", "people", workbook({GRID: lis}), "--dry-run").output
    assert count() == before


def test_columns_by_hand_and_remembered(run, workbook, session):
    path = workbook({GRID: [["名字", "号码", "住哪儿"], ["李大田", LI, "一组 1 号"]]})
    assert "没有找到表头" in run("import", "people", path, fails=True).stderr
    given = ("--map", "name=名字", "--map", "id_number=号码", "--map", "place=住哪儿")
    run("import", "people", path, *given, "--profile", "村表", "--unit", "990101001001")
    profile = session.scalars(select(ColumnProfile)).one()
    assert (profile.name, profile.columns) == ("村表", {"name": "名字", "id_number": "号码", "place": "住哪儿"})
    assert "residents_unchanged: 1" in run("import", "people", path, "--profile", "村表", "--unit", "990101001001").output
    assert "没有“salary”这个字段" in run("import", "people", path, "--map", "salary=号码", fails=True).stderr
    assert "import_unit_not_found" in run("import", "people", path, "--unit", "77", fails=True).stderr
