"""Keeps how an Excel file is read as the table that its first sheet holds."""

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from app.core.sheets import Unreadable


@contextmanager
def as_table(path: Path) -> Iterator[Path]:
    """Give the file as one that `open_sheet` reads: an .xlsx as a CSV of its first sheet, any other as it is. Raises Unreadable."""
    if path.suffix.lower() != ".xlsx":
        yield path
        return
    try:
        rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as broken:
        raise Unreadable(f"{path} is no Excel file that can be read: {broken}.") from broken
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        with table.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([_plain(cell) for cell in row] for row in rows)
        yield table


def _plain(cell: object) -> str:
    """Give a cell as one would write it: a whole number without its point."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
