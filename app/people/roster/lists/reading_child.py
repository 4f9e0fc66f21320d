"""Keeps the program that opens one workbook in a process of its own: what a workbook may do to its reader's memory stays there.

It takes the path as its argument and writes lines of JSON: of each visible sheet what it is called, how long it is and what is
merged in it, then its rows, some at a time. It says `end` at its end; without that, it has not read everything. Knows no other
module of this house.
"""

import json
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

MOST_MEMORY, MOST_SECONDS = 600 * 1024 * 1024, 120
"""Address space in bytes and processor time that this process may take."""

MOST_CELLS, MOST_CHARACTERS, MOST_MERGED = 4_000_000, 64_000_000, 200_000
"""What all sheets together may hold: a hundred thousand people in forty columns."""

WIDEST, LONGEST = 300, 1000
"""Columns, and characters of a cell, that are read: no list of people has more."""

TOP, AT_ONCE = 40, 100
"""Rows from the top that are given even when blank, since headers are looked for there; rows in a line of JSON."""


class TooMuch(Exception):
    """The workbook holds more than a list of people does."""


def parts(path: str) -> Iterator[dict[str, Any]]:
    """Give a workbook part by part; raises TooMuch, and what the reader raises."""
    book = CalamineWorkbook.from_path(path)
    cells = characters = merged = 0
    for about in book.sheets_metadata:
        if about.visible is not SheetVisibleEnum.Visible:
            continue
        sheet = book.get_sheet_by_name(about.name)
        spans = [each for each in sheet.merged_cell_ranges or () if each[1][0] > each[0][0]]
        merged += len(spans)
        if merged > MOST_MERGED:
            raise TooMuch
        yield {
            "sheet": about.name.strip(),
            "height": sheet.end[0] + 1 if sheet.end else 0,
            "left": sheet.start[1] if sheet.start else 0,
            "merged": [[top, left, bottom, min(right, left + WIDEST)] for (top, left), (bottom, right) in spans],
        }
        held: list[list[Any]] = []
        for line, row in enumerate(sheet.iter_rows(), start=1):
            if line > TOP and not any(cell not in ("", None) for cell in row):
                continue
            told = [_cell(cell) for cell in row[:WIDEST]]
            cells += len(told)
            characters += sum(len(cell) for cell in told if isinstance(cell, str))
            if cells > MOST_CELLS or characters > MOST_CHARACTERS:
                raise TooMuch
            held.append([line, told])
            if len(held) == AT_ONCE:
                yield {"rows": held}
                held = []
        if held:
            yield {"rows": held}
    yield {"end": True}


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return str(value)


def main() -> None:
    """Read one workbook to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        for part in parts(sys.argv[1]):
            sys.stdout.write(json.dumps(part) + "\n")
    except (TooMuch, MemoryError):
        sys.stdout.write(json.dumps({"too_much": True}) + "\n")
    except (CalamineError, OSError, ValueError) as refusal:
        sys.stdout.write(json.dumps({"unreadable": type(refusal).__name__}) + "\n")


if __name__ == "__main__":
    main()
