"""Measures a county's list of people coming in: 100,000 rows of many sheets, one in a hundred bad; again with 3 % changed.

Each import is a `flask import people` of its own, so that its memory is its own. The floor is the very rows that the first one
wrote, copied by plain COPY into tables without anything else; the second import must change exactly the rows that differ.
"""

import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import xlsxwriter

from benchmarks.house import ROOT, House, house, settle
from benchmarks.report import Figure, tell
from benchmarks.submission import build

ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
BAD, CHANGED = 100, 33
"""One row in so many is bad; one in so many differs in the second list."""

SECONDS, MEMORY = 60.0, 300.0
HEAD = ("序号", "户号", "姓名", "与户主关系", "性别", "身份证号", "联系电话", "家庭住址", "所属网格", "人群类别", "低保")
TABLES = ("household", "household_identity", "resident", "resident_identity", "resident_tag", "roster_change")


@dataclass
class Lists:
    """The two lists, how many rows of them are bad, and how many good ones differ."""

    first: Path
    second: Path
    bad: int
    changed: int


def write_lists(folder: Path) -> Lists:
    """Write the two lists: a sheet a village, a merged title above the header, families that fit."""
    from app.demo.cast import TOWNSHIPS
    from app.demo.people import County

    villages = [village for names in TOWNSHIPS.values() for village in names]
    county, draw, counts = County(2026, today=date(2026, 11, 23)), Random(7), {"bad": 0, "changed": 0}
    paths = folder / "first.xlsx", folder / "second.xlsx"
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(paths[0], options) as one, xlsxwriter.Workbook(paths[1], options) as two:
        for place, village in enumerate(villages):
            sheets = one.add_worksheet(village), two.add_worksheet(village)
            for sheet in sheets:
                sheet.merge_range(0, 0, 0, len(HEAD) - 1, f"{village}人口登记表（2026 年）")
                sheet.write_row(1, 0, HEAD)
            quota = ROWS * (place + 1) // len(villages) - ROWS * place // len(villages)
            _write_village(sheets, county, village, quota, draw, counts)
    return Lists(*paths, counts["bad"], counts["changed"])


def _write_village(sheets: Any, county: Any, village: str, quota: int, draw: Random, counts: dict[str, int]) -> None:
    line = 2
    for family in county.families(village):
        for person in family.people:
            if line == quota + 2:
                return
            cells: list[Any] = [
                str(line - 1), str(family.number), person.name, person.relation, "男" if person.sex == "male" else "女",
                person.id_number, person.phone or "", family.place, f"{village}{'一二'[family.number % 2]}网格",
                "残疾人" if draw.random() < 0.02 else "", "是" if draw.random() < 0.04 else "",
            ]  # fmt: skip
            other = list(cells)
            if draw.randrange(BAD) == 0:
                counts["bad"] += 1
                _spoil(cells, counts["bad"])
                other = cells
            elif draw.randrange(CHANGED) == 0:
                counts["changed"] += 1
                other[6] = county.phone()
            for sheet, row in zip(sheets, (cells, other), strict=True):
                for column, cell in enumerate(row):
                    if isinstance(cell, float):
                        sheet.write_number(line, column, cell)
                    elif cell:
                        sheet.write_string(line, column, cell)
            line += 1


def _spoil(cells: list[Any], place: int) -> None:
    """Make a row bad in one of five ways; the head's name stays, so that nobody else is spoilt with it."""
    number = cells[5]
    if place % 5 == 0:
        cells[5] = float(number[:17] + "0")
    elif place % 5 == 1:
        cells[5] = number[:17] + ("1" if number[17] != "1" else "2")
    elif place % 5 == 2:
        cells[4] = "男" if cells[4] == "女" else "女"
    elif place % 5 == 3:
        cells[6] = "12345"
    else:
        cells[9] = "很穷"


@dataclass
class Run:
    """One import: its seconds from start to end, of which on the processor itself, its peak memory in MB, what it counted."""

    seconds: float
    processor: float
    memory: float
    counts: dict[str, int]


def bring_in(made: House, path: Path) -> Run:
    """Bring a list in by a process of its own."""
    command = [
        sys.executable,
        "-m",
        "flask",
        "--app",
        "wsgi",
        "import",
        "people",
        str(path),
        "--errors",
        str(path) + ".report.xlsx",
    ]
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, env=made.environment, capture_output=True, text=True, check=False)
    seconds, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    assert "\nwritten\n" in done.stdout, done.stdout + done.stderr
    counts = {name: int(number) for name, number in re.findall(r"^(\w+): (\d+)$", done.stdout, re.MULTILINE)}
    memory = re.search(r"peak memory (\d+) MB", done.stdout)
    assert memory, done.stdout
    return Run(seconds, processor, float(memory[1]), counts)


def floor(made: House) -> float:
    """Copy the rows that there are now into bare tables, by COPY out and in; give the seconds of the copying in."""
    seconds = 0.0
    with psycopg.connect(made.conninfo, autocommit=True) as connection:
        for table in TABLES:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as out:
                data = b"".join(out)
            connection.execute(f"CREATE TABLE floor_{table} (LIKE {table} INCLUDING DEFAULTS INCLUDING IDENTITY)")
            began = time.perf_counter()
            with connection.cursor().copy(f"COPY floor_{table} FROM STDIN") as into:
                into.write(data)
            seconds += time.perf_counter() - began
            connection.execute(f"DROP TABLE floor_{table}")
    return seconds


def versions(made: House) -> dict[int, int]:
    """Give the version of every resident."""
    with psycopg.connect(made.conninfo) as connection:
        return dict(connection.execute("SELECT id, version FROM resident").fetchall())


def main() -> None:
    """Measure and tell."""
    with house() as made:
        build(made)
        began = time.perf_counter()
        lists = write_lists(made.folder)
        written = time.perf_counter() - began
        first = bring_in(made, lists.first)
        assert first.counts["refused"] == lists.bad, (first.counts, lists.bad)
        assert first.counts["residents_new"] == ROWS - lists.bad, first.counts
        settle(made)
        bare = floor(made)
        before = versions(made)
        second = bring_in(made, lists.second)
        after = versions(made)
        touched = sum(after[ident] != version for ident, version in before.items())
        assert len(after) == len(before), (len(before), len(after))
        assert touched == second.counts["residents_changed"] == lists.changed, (touched, second.counts, lists.changed)
    tell(
        "roster",
        [
            Figure(f"{ROWS:,} rows brought in", first.seconds, SECONDS, "s", more_is_better=False),
            Figure("rows a second", ROWS / first.seconds, ROWS / SECONDS, "rows/s", more_is_better=True),
            Figure("peak memory", max(first.memory, second.memory), MEMORY, "MB", more_is_better=False),
            Figure("again with 3 % changed", second.seconds, SECONDS, "s", more_is_better=False),
            Figure("changed rows found, of those there are", touched / lists.changed, 1.0, "×", more_is_better=True),
        ],
        {
            "the lists were written in": f"{written:.0f} s",
            "bad rows": lists.bad,
            "changed rows": lists.changed,
            "floor: the same rows by plain COPY": f"{bare:.1f} s, {first.seconds / bare:.0f} times less",
            "processor time of the commands": f"{first.processor:.0f} s, {second.processor:.0f} s",
            "first": first.counts,
            "second": second.counts,
        },
    )


if __name__ == "__main__":
    main()
