"""Keeps how a workbook of people is read: sheet by sheet, its header found, merged cells carried down, row by row."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from app.core.sheets import Unreadable
from app.people.roster.lists.headings import LOOKED_AT, Heading

Cells = list[Any]
FindHeading = Callable[[Sequence[Cells]], Heading | None]
PROGRAM = Path(__file__).with_name("reading_child.py")
ERRORS_SHEET = ("导入结果", "错误说明", "提示")
"""Sheets of our own reports, which are not read again."""


@dataclass(frozen=True)
class SheetOfPeople:
    """A sheet with a header: its name, its header, how many rows it may have, and the rows with their lines."""

    name: str
    heading: Heading
    height: int
    rows: Iterator[tuple[int, Cells]]


class Book:
    """A workbook that is being read: its parts in order. Raises Unreadable where the reader cannot go on."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        """Take what the reader says, line by line."""
        self._lines = lines
        self._next: dict[str, Any] | None = None

    def part(self) -> dict[str, Any]:
        """Give the next part, and go on."""
        part = self.peek()
        self._next = None if "end" not in part else part
        return part

    def peek(self) -> dict[str, Any]:
        """Give the next part."""
        if self._next is None:
            said = json.loads(next(self._lines, b"") or b"{}", object_hook=_moment)
            if "unreadable" in said:
                raise Unreadable(f"文件打不开，请另存为 .xlsx 后再导入（{said['unreadable']}）")
            if not said or "too_much" in said:
                raise Unreadable("名单太大，请删去多余的空白行列，或分成几份（每份不超过 10 万行）再导入")
            self._next = said
        return self._next

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """Give the rows of the sheet at which the reader stands, with their lines."""
        while "rows" in self.peek():
            yield from ((line, cells) for line, cells in self.part()["rows"])


def _moment(found: dict[str, Any]) -> Any:
    if "datetime" in found:
        return datetime.fromisoformat(found["datetime"])
    return date.fromisoformat(found["date"]) if "date" in found else found


@contextmanager
def open_book(path: Path) -> Iterator[Book]:
    """Open a workbook (.xlsx, .xls, .ods) in a process of its own, whose memory is limited; reading raises Unreadable."""
    command = [sys.executable, "-I", str(PROGRAM), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}) as reader:  # noqa: S603 - our own
        assert reader.stdout is not None
        try:
            yield Book(iter(reader.stdout))
        finally:
            reader.kill()


def sheets_of(book: Book, find: FindHeading) -> Iterator[SheetOfPeople]:
    """Give the visible sheets of a workbook that have a header of people, one after the other; raises Unreadable for none."""
    found = False
    while "end" not in book.peek():
        about = book.part()
        rows = book.rows()
        first = list(islice(rows, LOOKED_AT + 1))
        heading = find([row for _, row in first]) if about.get("sheet", "") not in ERRORS_SHEET else None
        if heading is not None:
            found = True
            merged = _merged(about, heading.line)
            after = ((line, row) for line, row in chain(first, rows) if line > heading.line)
            yield SheetOfPeople(about["sheet"], heading, max(about["height"] - heading.line, 0), _carried(after, merged))
        for _ in rows:  # what nobody wanted of the sheet
            pass
    if not found:
        raise Unreadable("没有找到表头：至少要有一张工作表的前 20 行里有“姓名”和另一列（如“身份证号”“与户主关系”）")


def _merged(about: dict[str, Any], header: int) -> dict[int, list[tuple[int, int]]]:
    """Give the merged cells below a header: column → spans of lines, from the last to the first."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for top, left, bottom, right in about["merged"]:
        if top + 1 > header:
            for column in range(left, right + 1):
                spans.setdefault(column - about["left"], []).append((top + 1, bottom + 1))
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
