"""Keeps how a table of figures becomes a spreadsheet: written row by row, never held whole; every text stays text."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from itertools import chain, count, islice
from typing import IO, Any

from app.core.clock import CHINA
from app.figures.catalogue import CHOSEN_BY, REPORT_NAMES
from app.figures.counting import FigureValue, Line, Table
from app.figures.groups import DIMENSION_NAMES, Dimension
from app.figures.listing import PART_NAMES, Chosen, CountedCase, CountedRow
from app.ledger.labels import label
from app.ledger.rates import percent, plain

CHUNK = 64 * 1024
NO_FIGURE = "无数据"
PARTS = ("分子", "分母", "比率 %", "剔除后分子", "剔除后分母", "剔除后比率 %")
HEADS = ("工单编号", "状态", "类型", "渠道", "紧急程度", "分类", "现主办单位", "网格", "已剔除", "来件时间", "受理时间", "办结时间",
         "计入单位", "计入轮次", "计入分子", "起算时间", "时限", "完成时间", "联系过", "已解决", "满意度")  # fmt: skip
YES_NO = {True: "是", False: "否", None: None}
MOST_LINES = 1_048_576
"""So many lines a sheet of this format holds; what is more goes on in a further sheet."""

Row = list[str | float | None]


def workbook(table: Table) -> Iterator[bytes]:
    """Give a table as the bytes of an .xlsx, some at a time: one sheet of figures, one of definitions."""
    return book({"统计": _lines(table), "口径": _definitions(table)})


def case_workbook(figure: FigureValue, chosen: Chosen, cases: Iterable[CountedCase]) -> Iterator[bytes]:
    """Give the cases behind a figure as the bytes of an .xlsx: one sheet of cases, one with the figure; no identity data.

    The cases are read and the file is written before this returns; only the file is read after.
    """
    return book({"工单": _cases(cases), "指标": _told(figure, chosen)})


def book(sheets: Mapping[str, Iterator[Row]], *, most: int = MOST_LINES) -> Iterator[bytes]:
    """Write sheets into a file row by row, then give the file; after `most` lines a sheet goes on in a further one.

    Cells are written as text or as numbers, never read as formulas: a unit named `=1+1` stays that.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    import xlsxwriter  # read where a book is written: most web workers never write one

    with ExitStack() as held:
        file = held.enter_context(tempfile.TemporaryFile())
        with xlsxwriter.Workbook(file, options) as made:
            for name, lines in sheets.items():
                _write_all(made, name, lines, most)
        return _parts(file, held.pop_all())


def _parts(file: IO[bytes], held: ExitStack) -> Iterator[bytes]:
    with held:
        file.seek(0)
        while part := file.read(CHUNK):
            yield part


def _write_all(made: Any, name: str, lines: Iterator[Row], most: int) -> None:
    """Write lines into as many sheets as they need, each headed like the first."""
    head = next(lines, [])
    for place in count(1):
        some = list(islice(lines, 1))
        if place > 1 and not some:
            return
        _write(made.add_worksheet(name if place == 1 else f"{name} {place}"), chain([head], some, islice(lines, most - 2)))


def _write(sheet: Any, lines: Iterable[Row]) -> None:
    for row, cells in enumerate(lines):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(row, column, cell)
            elif cell is not None:
                sheet.write_number(row, column, cell)


def _lines(table: Table) -> Iterator[Row]:
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


def _cells(line: Line) -> Row:
    return [line.key, line.name, *(cell for figure in line.figures for cell in _figure(figure))]


def _figure(figure: FigureValue) -> Iterator[str | float | None]:
    for share in (figure.before, figure.after):
        shown = percent(share)
        yield float(plain(share.numerator))
        yield share.denominator
        yield NO_FIGURE if shown is None else float(shown)


def _definitions(table: Table) -> Iterator[Row]:
    yield ["统计对象", CHOSEN_BY[table.report]]
    yield ["合计", "由各行的件数相加后计算，不是各行比率的平均。"]
    yield ["不计入", "表扬、导入的历史工单、已并案和作废的工单。"]
    for figure in table.total.figures:
        yield [figure.name, figure.definition]


def _cases(cases: Iterable[CountedCase]) -> Iterator[Row]:
    yield list(HEADS)
    for each in cases:
        words = [label(word) for word in (each.state, each.kind, each.channel, each.urgency)]
        moments = [_moment(at) if at is not None else None for at in (each.opened_at, each.accepted_at, each.closed_at)]
        yield [each.number, *words, each.category, each.lead, each.grid, YES_NO[each.excluded], *moments, *_counted(each.row)]


def _counted(row: CountedRow) -> Row:
    moments = [_moment(at) if at is not None else None for at in (row.began_at, row.due_at, row.met_at)]
    words = [YES_NO[row.contacted], YES_NO[row.solved], label(row.satisfaction) if row.satisfaction is not None else None]
    return [row.unit.name if row.unit else None, row.round, YES_NO[row.in_numerator], *moments, *words]


def _told(figure: FigureValue, chosen: Chosen) -> Iterator[Row]:
    whose = figure.filter
    yield ["指标", figure.name]
    yield [
        "统计维度",
        DIMENSION_NAMES[whose.dimension],
        *([f"第 {whose.depth} 级"] if whose.dimension is Dimension.CATEGORY else []),
    ]
    yield ["统计对象", whose.group, whose.key]
    yield ["清单范围", PART_NAMES[chosen.part], "含已剔除的工单" if chosen.excluded else "不含已剔除的工单"]
    yield ["口径", figure.definition]
    yield ["统计期间", f"{_moment(figure.period.since)} 至 {_moment(figure.period.until)}"]
    yield ["截止时刻", _moment(figure.cutoff)]
    yield ["说明", "清单一行是一次计数，只列出导出人有权查看的工单，可能少于件数；不含姓名、电话等身份信息。"]
    for name, cell in zip(PARTS, _figure(figure), strict=True):
        yield [name, cell]


def _moment(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
