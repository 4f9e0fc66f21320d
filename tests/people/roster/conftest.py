"""What tests of lists stand on: workbooks as offices write them, brought in as the county or as somebody at the desk."""

from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from app.core.stamp import Door, Stamp
from app.people.identity import check_character
from app.people.roster.lists.importing import Order, Outcome, import_people
from app.people.roster.lists.report import report

HEAD = ["户号", "姓名", "与户主关系", "性别", "身份证号", "联系电话", "家庭住址", "人群类别"]


def id_number(seventeen: str) -> str:
    return seventeen + check_character(seventeen)


LI = id_number("99010119450101111")
WANG = id_number("99010119480202222")
LI_JR = id_number("99010119750303333")


@pytest.fixture
def workbook(tmp_path) -> Callable[..., Any]:
    """Writes a workbook of sheets (name → lines) and gives its path; numbers stay numbers, `merge` are ranges to be merged."""
    written = []

    def write(sheets: dict[str, list[list[Any]]], *, merge: dict[str, list[tuple]] | None = None) -> Any:
        path = tmp_path / f"list{len(written)}.xlsx"
        written.append(path)
        with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_numbers": False}) as book:
            for name, lines in sheets.items():
                sheet = book.add_worksheet(name)
                for row, cells in enumerate(lines):
                    for column, cell in enumerate(cells):
                        if isinstance(cell, int | float):
                            sheet.write_number(row, column, cell)
                        elif cell:
                            sheet.write_string(row, column, cell)
                for area in (merge or {}).get(name, []):
                    sheet.merge_range(*area[:4], area[4])
        return path

    return write


@pytest.fixture
def bring_in(session, cast, clock, stamp) -> Callable[..., Outcome]:
    """Brings a workbook in, as the county unless a stamp is given."""

    def run(path, *, by: Stamp | None = None, **order: Any) -> Outcome:
        return import_people(by or Stamp(stamp.actor, stamp.role, clock(), Door.IMPORT), path, Order(source="名册.xlsx", **order))

    return run


@pytest.fixture
def lis() -> list[list[Any]]:
    """The Li family of 柳林村一网格, under a header."""
    return [
        HEAD,
        ["1", "李大田", "户主", "男", LI, "13800000011", "柳林村一组 1 号", "低保户"],
        ["1", "王秀", "配偶", "女", WANG, "", "", ""],
        ["1", "李小田", "儿子", "男", LI_JR, "13800000012", "", "党员、残疾"],
    ]


@pytest.fixture
def read_report(tmp_path) -> Callable[[Outcome], dict[str, list[list[Any]]]]:
    """Gives the sheets of an outcome's report as a spreadsheet program reads them."""

    def read(outcome: Outcome) -> dict[str, list[list[Any]]]:
        path = tmp_path / "report.xlsx"
        path.write_bytes(report(outcome))
        book = CalamineWorkbook.from_path(str(path))
        return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}

    return read
