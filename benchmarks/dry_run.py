"""Measures the dry run of a policy: 100,000 clocks of a month in a ledger of a million, the counts and a page of cases."""

import os
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg

from benchmarks.house import House, house, resident_megabytes
from benchmarks.million import Ground, Group, fill
from benchmarks.report import Figure, tell
from benchmarks.submission import build
from benchmarks.sweep import START, ground_of

MILLION = int(os.environ.get("BENCH_CLOCKS", "1000000"))
LOOKED_AT = 100_000
SECONDS, PAGE_MS, MEMORY = 5.0, 500.0, 200.0


def _fill_month(made: House, ground: Ground) -> None:
    """Store the clocks that are looked at, with the policy's own term."""
    with psycopg.connect(made.conninfo, autocommit=True) as connection:
        ident, amount = connection.execute("SELECT id, amount FROM deadline_policy WHERE code = 'resolve-help'").fetchone() or (
            0,
            0,
        )
        fill(made.conninfo, ground, [Group(LOOKED_AT, "resolve", int(ident), START + timedelta(days=60))])
        connection.execute("UPDATE deadline SET amount = %s WHERE clock = 'resolve'", [amount])
        connection.execute("VACUUM (ANALYZE) deadline")


def measure() -> tuple[Any, float, float, float]:
    """Run it through the domain as the desk does; give what it found, its seconds, a page's milliseconds, and memory in MB."""
    from app.core.database import transaction
    from app.core.stamp import SYSTEM, Door, Role, Stamp
    from app.demo.cast import find_cast
    from app.factory import create_app
    from app.ledger.rules.dry_run import dry_run, dry_run_cases
    from app.ledger.rules.policy_drafts import PolicyDraft
    from app.ledger.terms import HoursKind, Unit
    from app.ledger.vocabulary import Clock, Kind
    from app.people.sessions import staff_actor
    from config import Config

    app = create_app(Config())
    with app.app_context():
        stamp = Stamp(SYSTEM, Role.SYSTEM, START + timedelta(days=30), Door.DESK)
        with transaction():
            stamp = replace(stamp, actor=staff_actor(find_cast().staff["sun"].id), role=Role.SUPERVISOR)
        draft = PolicyDraft(
            code="resolve-help",
            clock=Clock.RESOLVE,
            amount=3,
            unit=Unit.WORKING_DAY,
            hours=HoursKind.WORK,
            ladder=[],
            kind=Kind.HELP,
        )
        period = {"begin": START - timedelta(hours=1), "end": START + timedelta(days=29)}
        with transaction():
            began = time.perf_counter()
            found = dry_run(stamp, draft, **period)
            seconds = time.perf_counter() - began
            began = time.perf_counter()
            page = dry_run_cases(stamp, draft, **period, limit=50)
            page_ms = (time.perf_counter() - began) * 1000
        assert len(page.items) == 50, len(page.items)
    return found, seconds, page_ms, resident_megabytes(os.getpid())


def main() -> None:
    """Measure and tell."""
    with house() as made:
        build(made)
        ground, _, overall = ground_of(made)
        earlier = replace(ground, opened_at=START - timedelta(days=2000))
        fill(made.conninfo, earlier, [Group(MILLION - LOOKED_AT, "overall", overall, START + timedelta(days=400))])
        _fill_month(made, ground)
        found, seconds, page_ms, memory = measure()
        assert found.total.clocks == LOOKED_AT, found.total
    tell(
        "dry_run",
        [
            Figure("dry run over 100,000 clocks", seconds, SECONDS, "s", more_is_better=False),
            Figure("a page of the cases that change", page_ms, PAGE_MS, "ms", more_is_better=False),
            Figure("the process's memory", memory, MEMORY, "MB", more_is_better=False),
        ],
        {"clocks in the ledger": MILLION, "found": found.total},
    )


if __name__ == "__main__":
    main()
