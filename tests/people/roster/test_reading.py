"""A workbook is read in a process of its own: what it would take of memory stops its import, and nothing else."""

import zipfile

import pytest
import xlsxwriter
from sqlalchemy import func, select

from app.core.sheets import Unreadable
from app.people.models import Resident

GRID = "柳林村一网格"
SHEET = "xl/worksheets/sheet1.xml"


def swollen(path, out, rows):
    """Write a workbook anew with so many rows of cheap cells behind its own."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            with new.open(name, "w") as part:
                content = old.read(name)
                if name != SHEET:
                    part.write(content)
                    continue
                before, after = content.split(b"</sheetData>")
                part.write(before)
                for line in range(10, 10 + rows):
                    part.write(f'<row r="{line}">'.encode() + b"<c><v>1</v></c>" * 200 + b"</row>")
                part.write(b"</sheetData>" + after)
    return out


def far(path, out):
    """Write a workbook anew with one more cell, in the last line and column that there are."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == SHEET:
                cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", cell)
            new.writestr(name, content)
    return out


def test_a_small_file_that_unfolds_to_millions_of_cells_is_refused(session, workbook, bring_in, lis, tmp_path):
    path = swollen(workbook({GRID: lis}), tmp_path / "big.xlsx", 25_000)
    assert path.stat().st_size < 1_000_000
    before = session.scalar(select(func.count()).select_from(Resident))
    with pytest.raises(Unreadable, match="名单太大"):
        bring_in(path)
    assert session.scalar(select(func.count()).select_from(Resident)) == before


def test_a_sheet_that_says_it_is_as_large_as_can_be_is_refused(workbook, bring_in, lis, tmp_path):
    path = far(workbook({GRID: lis}), tmp_path / "far.xlsx")
    with pytest.raises(Unreadable, match="名单太大"):
        bring_in(path)


def test_what_is_no_workbook_is_told(bring_in, tmp_path):
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(Unreadable, match="打不开"):
        bring_in(path)


def test_dates_numbers_and_yes_or_no_are_read_as_they_are(session, bring_in, tmp_path):
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, day = book.add_worksheet(GRID), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["户号", "姓名", "与户主关系", "出生日期", "家庭住址", "低保"])
        sheet.write_row(1, 0, [1, "李大田", "户主", 16504, "一组 1 号", True])
        sheet.write_number(1, 3, 16504, day)
    outcome = bring_in(path)
    assert (outcome.refused, outcome.counts["residents_new"], outcome.counts["tags_put"]) == ([], 1, 1)
    born = session.scalars(select(Resident.birth_month).order_by(Resident.id.desc()).limit(1)).one()
    assert born.isoformat() == "1945-03-01"
