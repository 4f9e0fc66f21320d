"""Measures the sweep on a million open clocks: when none is due, when ten thousand are, by one scheduler and by two at once.

The empty sweep is held against its twin on ten thousand clocks in the same run; two schedulers against one, in turn.
"""

import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from benchmarks.house import ROOT, House, house, resident_megabytes
from benchmarks.million import Ground, Group, fill
from benchmarks.report import Figure, tell
from benchmarks.submission import build

MILLION = int(os.environ.get("BENCH_CLOCKS", "1000000"))
SMALL = 10_000
DUE = 10_000
ROUNDS = 3
EMPTY_MS, RATE, MEMORY = 10.0, 2000.0, 160.0
START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def measure_empty(made: House) -> tuple[float, int]:
    """Give the median time of a sweep with nothing due, in ms, and the buffers that its query touches."""
    from app.core.database import db
    from app.core.stamp import SYSTEM, Door, Role, Stamp
    from app.factory import create_app
    from app.ledger.sweep import due_clocks, sweep
    from config import Config

    app = create_app(Config())
    with app.app_context():
        stamp = Stamp(SYSTEM, Role.SYSTEM, START, Door.JOB)
        times = []
        for _ in range(30):
            began = time.perf_counter()
            assert sweep(lambda: stamp).clocks == 0
            times.append((time.perf_counter() - began) * 1000)
        query = _explained(db, due_clocks)
        db.session.remove()
        db.engine.dispose()
    return statistics.median(times), query


def _explained(db: Any, due_clocks: Any) -> int:
    """Run the sweep's own query under EXPLAIN; give the buffers it hits and reads."""
    from sqlalchemy import event

    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        del connection, cursor, context, many
        seen.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    due_clocks(START)
    event.remove(db.engine, "before_cursor_execute", note)
    statement, parameters = seen[-1]
    raw = db.session.connection().connection.driver_connection
    raw.prepare_threshold = None
    plan = raw.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters).fetchone()[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _sweeper(at: datetime, barrier: Any, results: Any) -> None:
    from app.core.database import db
    from app.core.stamp import SYSTEM, Door, Role, Stamp
    from app.factory import create_app
    from app.ledger.sweep import sweep
    from config import Config

    app = create_app(Config())
    with app.app_context():
        sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, START, Door.JOB))  # loads what a running scheduler holds already
        barrier.wait()
        began = time.perf_counter()
        swept = sweep(lambda: Stamp(SYSTEM, Role.SYSTEM, at, Door.JOB))
        results.put((swept.breaches, swept.clocks, time.perf_counter() - began, resident_megabytes(os.getpid())))
        db.session.remove()
        db.engine.dispose()


def measure_due(at: datetime, schedulers: int) -> tuple[int, float, float]:
    """Sweep what is due at a moment with some schedulers at once; give breaches, clocks a second, memory in MB.

    The clocks of earlier rounds are due again by then, for the next level of their ladder: every clock looked at counts.
    """
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(schedulers), context.Queue()
    workers = [context.Process(target=_sweeper, args=(at, barrier, results)) for _ in range(schedulers)]
    for worker in workers:
        worker.start()
    told = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(row[0] for row in told), sum(row[1] for row in told) / max(row[2] for row in told), max(row[3] for row in told)


def ground_of(made: House) -> tuple[Ground, int, int]:
    """Give what generated cases stand on, and the ids of the accept and overall policies."""
    from app.core.crypto import load_keyring

    with psycopg.connect(made.conninfo) as connection:
        (county, path, grid, category, accept, overall) = (
            connection.execute(
                "SELECT (SELECT id FROM unit WHERE level = 'county'), (SELECT path FROM unit WHERE name = '柳林村'), "
                "(SELECT id FROM grid WHERE name = '柳林村一网格'), (SELECT id FROM category WHERE name = '路灯照明'), "
                "(SELECT id FROM deadline_policy WHERE code = 'accept'), (SELECT id FROM deadline_policy WHERE code = 'overall')"
            ).fetchone()
            or ()
        )
    ring = load_keyring(made.folder / "keys.json", make=False)
    return Ground(ring, county, path, grid, category, START), accept, overall


def main() -> None:
    """Measure and tell."""
    with house() as made:
        build(made)
        ground, accept, overall = ground_of(made)
        far = START + timedelta(days=400)
        days = [START + timedelta(days=day + 1) for day in range(2 * ROUNDS)]
        due_groups = [Group(DUE, "accept", accept, day) for day in days]
        fill(made.conninfo, ground, [Group(SMALL, "overall", overall, far)])
        small_ms, small_buffers = measure_empty(made)
        began = time.perf_counter()
        count = SMALL + fill(made.conninfo, ground, [Group(MILLION - SMALL, "overall", overall, far), *due_groups])
        filled = time.perf_counter() - began
        large_ms, large_buffers = measure_empty(made)
        one, two, memory = [], [], 0.0
        for round_ in range(ROUNDS):
            for schedulers, rates in ((1, one), (2, two)):
                breaches, rate, used = measure_due(days[2 * round_ + schedulers - 1] + timedelta(seconds=1), schedulers)
                assert breaches == DUE, breaches
                rates.append(rate)
                memory = max(memory, used)
        with psycopg.connect(made.conninfo) as connection:
            (said,) = connection.execute("SELECT count(*) FROM entry WHERE action = 'breach_clock'").fetchone() or (0,)
        assert said == DUE * 2 * ROUNDS, said
        began = time.perf_counter()
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "ledger", "verify"]
        checked = subprocess.run(command, cwd=ROOT, env=made.environment, capture_output=True, text=True, check=False)
        verified = time.perf_counter() - began
        assert checked.returncode == 0, checked.stdout + checked.stderr
    tell(
        "sweep",
        [
            Figure("sweep, 10,000 due, one scheduler", statistics.median(one), RATE, "clocks/s", more_is_better=True),
            Figure("sweep, none due, a million open", large_ms, EMPTY_MS, "ms", more_is_better=False),
            Figure("its buffers over those at 10,000", large_buffers / small_buffers, 1.0, "×", more_is_better=False),
            Figure("two schedulers over one", statistics.median(two) / statistics.median(one), 1.0, "×", more_is_better=True),
            Figure("scheduler's memory", memory, MEMORY, "MB", more_is_better=False),
        ],
        {
            "cases and open clocks": count,
            "generated in": f"{filled:.0f} s",
            "none due, 10,000 open": f"{small_ms:.2f} ms, {small_buffers} buffers; {large_buffers} buffers at a million",
            "clocks a second, one scheduler": [round(rate) for rate in one],
            "clocks a second, two schedulers": [round(rate) for rate in two],
            "flask ledger verify": f"{verified:.0f} s: {checked.stdout.strip().splitlines()[-1]}",
        },
    )


if __name__ == "__main__":
    main()
