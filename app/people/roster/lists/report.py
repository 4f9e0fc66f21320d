"""Keeps the report of an import as a workbook: a summary, the refused rows as they came with what is wrong beside them, hints.

The sheets of refused rows bear the names of the list's own, so that they can be mended and handed in again as they are.
"""

from collections.abc import Iterator
from datetime import date, datetime
from io import BytesIO
from itertools import groupby
from typing import Any

from app.people.roster.lists.importing import Outcome
from app.people.roster.lists.reading import row_text
from app.people.roster.lists.taking_in import Refused

SUMMARY, HINTS, WRONG = "导入结果", "提示", "错误说明"
WHY_WIDTH, LINE_HEIGHT = 60, 15
A4 = 9
PLAIN_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}

COUNTS = (
    ("rows", "读到的行数"),
    ("residents_new", "新登记的居民"),
    ("residents_changed", "信息有变的居民"),
    ("residents_moved", "迁到另一户的居民"),
    ("residents_ended", "注明去世或迁出的居民"),
    ("residents_unchanged", "没有变化的居民"),
    ("residents_skipped", "注明去世或迁出、名册上没有的（未导入）"),
    ("households_new", "新登记的户"),
    ("households_changed", "信息有变的户"),
    ("groups_new", "新建的户区"),
    ("heads_named", "新指定的户长"),
    ("heads_ended", "不再担任的户长"),
    ("tags_put", "标注的人群"),
    ("tags_ended", "取消的人群"),
    ("care_put", "登记的帮扶"),
    ("care_ended", "取消的帮扶"),
    ("refused", "有错误、没有导入的行"),
    ("missing", "名册上有、这份名单里没有的居民（未改动）"),
)


def report(outcome: Outcome) -> bytes:
    """Give the report of an import as the bytes of an .xlsx; every cell is text, none is ever read as a formula."""
    import xlsxwriter  # read where a book is written: most web workers never write one

    held = BytesIO()
    with xlsxwriter.Workbook(held, {"constant_memory": True, "in_memory": True, **PLAIN_TEXT}) as book:
        marks = _Marks(book)
        _summary(_sheet(book, SUMMARY), marks, outcome)
        for name, rows in groupby(outcome.refused_in_order(), key=lambda row: row.sheet):
            _refused(_sheet(book, name[:31]), marks, outcome, list(rows))
        if outcome.remarks or outcome.missing:
            _hints(_sheet(book, HINTS), marks, outcome)
    return held.getvalue()


def _sheet(book: Any, name: str) -> Any:
    """Give a sheet that prints on A4 across, as wide as the paper."""
    sheet = book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    return sheet


class _Marks:
    """The formats of a report."""

    def __init__(self, book: Any) -> None:
        self.text = book.add_format({"num_format": "@"})
        self.head = book.add_format({"bold": True, "bg_color": "#D9E2F3", "border": 1, "text_wrap": True, "valign": "vcenter"})
        self.wrong = book.add_format({"num_format": "@", "bg_color": "#FFC7CE", "font_color": "#9C0006"})
        self.why = book.add_format({"font_color": "#9C0006", "text_wrap": True, "valign": "top"})
        self.title = book.add_format({"bold": True, "font_size": 14})


def _summary(sheet: Any, marks: _Marks, outcome: Outcome) -> None:
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 14)
    sheet.set_column(2, 2, 60)
    said = "已导入" if outcome.written else "只检查、未写入" if not outcome.refused else "未写入"
    sheet.write_string(0, 0, f"名册导入结果（{said}）", marks.title)
    line = 2
    for name, words in COUNTS:
        sheet.write_string(line, 0, words)
        sheet.write_number(line, 1, outcome.counts[name])
        line += 1
    line += 1
    for words in (
        "有错误的行按原来的工作表列在后面，红色单元格是有错误的地方，最后一列说明原因。",
        "请直接在后面的工作表里改好，再把本文件导入一次；已经导入的行不会重复。",
        "名单里没有的居民不会被删除：确已迁出或去世的，请在系统里逐个办理。",
    ):
        sheet.write_string(line, 0, words)
        line += 1
    line += 1
    for name, heading in outcome.headings.items():
        used = "、".join(heading.names[column] for column in heading.columns.values())
        sheet.write_string(line, 0, f"工作表“{name}”：表头在第 {heading.line} 行")
        sheet.write_string(line, 2, f"用到的列：{used}")
        line += 1


def _refused(sheet: Any, marks: _Marks, outcome: Outcome, rows: list[Refused]) -> None:
    """Write refused rows under their own header, which stands in the first line but for a title that says where they are."""
    heading = outcome.headings[rows[0].sheet]
    width = max(len(heading.names), *(len(row.cells) for row in rows))
    for column in range(width):
        sheet.set_column(column, column, _width(rows, column), marks.text)
    sheet.set_column(width, width, WHY_WIDTH)
    top = 0
    if heading.title:
        sheet.write_string(0, 0, heading.title, marks.title)
        top = 1
    for column, name in enumerate(heading.names):
        sheet.write_string(top, column, name, marks.head)
    sheet.write_string(top, width, WRONG, marks.head)
    sheet.freeze_panes(top + 1, 0)
    sheet.repeat_rows(0, top)
    for place, row in enumerate(rows, start=top + 1):
        wrong = {heading.columns.get(fault.field) for fault in row.faults}
        why = f"原第 {row.line} 行：" + "；".join(fault.words for fault in row.faults)
        sheet.set_row(place, LINE_HEIGHT * (1 + 2 * len(why) // WHY_WIDTH))
        for column, cell in enumerate(row.cells):
            words = _words(cell)
            if words or column in wrong:
                sheet.write_string(place, column, words, marks.wrong if column in wrong else marks.text)
        sheet.write_string(place, width, why, marks.why)


def _width(rows: list[Refused], column: int) -> int:
    """Give how wide a column is to be, by its longest words among the first rows; Chinese takes twice the room."""
    words = [_words(row.cells[column]) for row in rows[:100] if column < len(row.cells)]
    longest = max((sum(1 if character.isascii() else 2 for character in word) for word in words), default=0)
    return min(max(longest + 2, 8), 40)


def _words(cell: Any) -> str:
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d")
    if isinstance(cell, date):
        return cell.isoformat()
    return row_text([cell], 0)


def _hints(sheet: Any, marks: _Marks, outcome: Outcome) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 10)
    sheet.set_column(2, 2, 70)
    for line, cells in enumerate(_hint_lines(outcome)):
        for column, cell in enumerate(cells):
            sheet.write_string(line, column, cell, *([marks.head] if line == 0 else []))


def _hint_lines(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    yield "工作表 / 户号", "行", "说明"
    for remark in outcome.remarks:
        yield remark.sheet, str(remark.line), remark.words
    for missing in outcome.missing:
        yield missing.household, "", f"{missing.name or '（没有姓名）'}：名册上有，这份名单里没有，未改动"
