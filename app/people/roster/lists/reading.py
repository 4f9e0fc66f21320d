"""Keeps how a workbook of people is read: sheet by sheet, its header found, merged cells carried down, row by row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from app.core.sheets import Unreadable
from app.people.roster.lists.headings import LOOKED_AT, Heading

Cells = list[Any]
FindHeading = Callable[[Sequence[Cells]], Heading | None]
ERRORS_SHEET = ("导入结果", "错误说明", "提示")
"""Sheets of our own reports, which are not read again."""


@dataclass(frozen=True)
class SheetOfPeople:
    """A sheet with a header: its name, its header, how many rows it may have, and the rows with their lines."""

    name: str
    heading: Heading
    height: int
    rows: Iterator[tuple[int, Cells]]


def open_book(path: Path) -> CalamineWorkbook:
    """Open a workbook (.xlsx, .xls, .ods); raises Unreadable."""
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError, ValueError) as refusal:
        raise Unreadable(f"文件打不开，请另存为 .xlsx 后再导入（{type(refusal).__name__}）") from refusal


def sheets_of(book: CalamineWorkbook, find: FindHeading) -> Iterator[SheetOfPeople]:
    """Give the visible sheets of a workbook that have a header of people, one after the other; raises Unreadable for none."""
    found = False
    for about in book.sheets_metadata:
        if about.visible is not SheetVisibleEnum.Visible or about.name.strip() in ERRORS_SHEET:
            continue
        try:
            sheet = book.get_sheet_by_name(about.name)
        except CalamineError as refusal:
            raise Unreadable(f"工作表“{about.name}”读不出来，请另存为 .xlsx 后再导入") from refusal
        rows = enumerate(sheet.iter_rows(), start=1)
        first = list(islice(rows, LOOKED_AT + 1))
        heading = find([row for _, row in first])
        if heading is None:
            continue
        found = True
        merged = _merged(sheet, heading.line)
        after = ((line, row) for line, row in chain(first, rows) if line > heading.line)
        yield SheetOfPeople(
            about.name.strip(), heading, max((sheet.end[0] + 1 if sheet.end else 0) - heading.line, 0), _carried(after, merged)
        )
    if not found:
        raise Unreadable("没有找到表头：至少要有一张工作表的前 20 行里有“姓名”和另一列（如“身份证号”“与户主关系”）")


def _merged(sheet: Any, header: int) -> dict[int, list[tuple[int, int]]]:
    """Give the merged cells below a header: column → spans of lines, from the last to the first."""
    start = sheet.start[1] if sheet.start else 0
    spans: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if top + 1 > header and bottom > top:
            for column in range(left, right + 1):
                spans.setdefault(column - start, []).append((top + 1, bottom + 1))
    return {column: sorted(each, reverse=True) for column, each in spans.items()}


def _carried(rows: Iterator[tuple[int, Cells]], merged: dict[int, list[tuple[int, int]]]) -> Iterator[tuple[int, Cells]]:
    """Give rows with the value of a cell that is merged over several lines in each of them; blank rows are left out."""
    held: dict[int, tuple[int, Any]] = {}
    for line, cells in rows:
        if not any(cell not in ("", None) for cell in cells):
            continue
        for column, spans in merged.items():
            while spans and spans[-1][1] < line:
                spans.pop()
            if not spans or not spans[-1][0] <= line or column >= len(cells):
                continue
            if line == spans[-1][0]:
                held[column] = (spans[-1][1], cells[column])
            elif column in held and line <= held[column][0]:
                cells[column] = held[column][1]
        yield line, cells


def row_text(cells: Sequence[Any], place: int | None) -> str:
    """Give a cell as text; whole numbers without a point. Empty where there is no such column."""
    if place is None or place >= len(cells):
        return ""
    value = cells[place]
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value).strip() if value is not None else ""
