"""Keeps how a table of figures becomes a spreadsheet: written row by row, never held whole; every text stays text."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import xlsxwriter

from app.core.clock import CHINA
from app.figures.catalogue import CHOSEN_BY, REPORT_NAMES
from app.figures.counting import FigureValue, Line, Table
from app.figures.groups import DIMENSION_NAMES
from app.ledger.rates import percent, plain

CHUNK = 64 * 1024
NO_FIGURE = "无数据"
PARTS = ("分子", "分母", "比率 %", "剔除后分子", "剔除后分母", "剔除后比率 %")


def workbook(table: Table) -> Iterator[bytes]:
    """Give a table as the bytes of an .xlsx, some at a time: one sheet of figures, one of definitions.

    Cells are written as text or as numbers, never read as formulas: a unit named `=1+1` stays that.
    """
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(file, options) as book:
            _write(book.add_worksheet("统计"), _lines(table))
            _write(book.add_worksheet("口径"), _definitions(table))
        file.seek(0)
        while part := file.read(CHUNK):
            yield part


def _write(sheet: Any, lines: Iterator[list[str | float | None]]) -> None:
    for row, cells in enumerate(lines):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(row, column, cell)
            elif cell is not None:
                sheet.write_number(row, column, cell)


def _lines(table: Table) -> Iterator[list[str | float | None]]:
    yield [REPORT_NAMES[table.report]]
    yield ["统计期间", f"{_moment(table.period.since)} 至 {_moment(table.period.until)}", "截止时刻", _moment(table.cutoff)]
    figures = table.total.figures
    yield [
        "编号",
        DIMENSION_NAMES[table.dimension],
        *(name for each in figures for name in (each.name, *[None] * (len(PARTS) - 1))),
    ]
    yield [None, None, *(part for _ in figures for part in PARTS)]
    for line in table.lines:
        yield _cells(line)
    yield _cells(table.total)


def _cells(line: Line) -> list[str | float | None]:
    return [line.key, line.name, *(cell for figure in line.figures for cell in _figure(figure))]


def _figure(figure: FigureValue) -> Iterator[str | float | None]:
    for share in (figure.before, figure.after):
        shown = percent(share)
        yield float(plain(share.numerator))
        yield share.denominator
        yield NO_FIGURE if shown is None else float(shown)


def _definitions(table: Table) -> Iterator[list[str | float | None]]:
    yield ["统计对象", CHOSEN_BY[table.report]]
    yield ["合计", "由各行的件数相加后计算，不是各行比率的平均。"]
    yield ["不计入", "表扬、导入的历史工单、已并案和作废的工单。"]
    for figure in table.total.figures:
        yield [figure.name, figure.definition]


def _moment(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
