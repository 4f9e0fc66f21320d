"""Keeps the floor of the submission benchmark: a hand-written psycopg program that inserts the very same rows.

Two processes, one connection each, one transaction a report, no pipeline, every statement prepared by the driver. It checks
nothing and computes nothing: values are taken from a report that the product itself stored.
"""

import multiprocessing
import os
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

TABLES = ("case", "report", "entry", "entry_words", "deadline", "notice", "case_text", "first_answer")


@dataclass
class Rows:
    """The rows of one stored report, by table, in the order in which they are inserted; ids left out."""

    tables: dict[str, list[dict[str, Any]]]

    @property
    def count(self) -> int:
        """How many rows one report is."""
        return sum(len(rows) for rows in self.tables.values())


def read_rows(conninfo: str, case_id: int) -> Rows:
    """Read the rows that the product stored for a case."""
    where = {
        "case": "id = %(id)s",
        "report": "case_id = %(id)s",
        "entry": "case_id = %(id)s",
        "entry_words": "entry_id = (SELECT id FROM entry WHERE case_id = %(id)s ORDER BY seq LIMIT 1)",
        "deadline": "case_id = %(id)s",
        "notice": "case_id = %(id)s",
        "case_text": "case_id = %(id)s",
        "first_answer": "scope = (SELECT scope FROM first_answer ORDER BY at DESC LIMIT 1)",
    }
    tables = {}
    with psycopg.connect(conninfo, row_factory=psycopg.rows.dict_row) as connection:
        for table in TABLES:
            found = connection.execute(f'SELECT * FROM "{table}" WHERE {where[table]} ORDER BY 1', {"id": case_id}).fetchall()
            assert found, table
            tables[table] = [{name: value for name, value in row.items() if name != "id"} for row in found]
    return Rows(tables)


def _insert(table: str, row: dict[str, Any], *, returning: bool) -> str:
    columns = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f"%({name})s" for name in row)
    return f'INSERT INTO "{table}" ({columns}) VALUES ({values})' + (" RETURNING id" if returning else "")


def _bound(row: dict[str, Any]) -> dict[str, Any]:
    arrays = ("against_paths", "grams")
    return {name: Jsonb(value) if isinstance(value, dict | list) and name not in arrays else value for name, value in row.items()}


def _work(conninfo: str, rows: Rows, seconds: float, place: int, results: Any) -> None:
    tables = {table: [_bound(row) for row in found] for table, found in rows.tables.items()}
    statements = {table: _insert(table, found[0], returning=table in ("case", "entry")) for table, found in tables.items()}
    done = 0
    with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            mark = f"{place}{os.getpid()}{time.time_ns()}"
            cursor.execute(statements["case"], {**tables["case"][0], "number": mark})
            (case_id,) = cursor.fetchone() or (0,)
            cursor.execute(statements["report"], {**tables["report"][0], "case_id": case_id, "source_key": None})
            cursor.execute(statements["entry"], {**tables["entry"][0], "case_id": case_id})
            (entry_id,) = cursor.fetchone() or (0,)
            cursor.execute(statements["entry_words"], {**tables["entry_words"][0], "entry_id": entry_id})
            for row in tables["deadline"]:
                cursor.execute(statements["deadline"], {**row, "subject_id": case_id, "case_id": case_id})
            for row in tables["notice"]:
                cursor.execute(statements["notice"], {**row, "key": mark, "case_id": case_id})
            cursor.execute(statements["case_text"], {**tables["case_text"][0], "case_id": case_id})
            cursor.execute(statements["first_answer"], {**tables["first_answer"][0], "scope": mark.encode().ljust(32, b"0")})
            connection.commit()
            done += 1
    results.put(done)


def run_floor(conninfo: str, rows: Rows, *, seconds: float, connections: int = 2) -> float:
    """Insert for a window over `connections`; give reports a second."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_work, args=(conninfo, rows, seconds, place, results)) for place in range(connections)]
    for worker in workers:
        worker.start()
    done = sum(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    return done / seconds
