"""Measures the figures: the rates of every unit over a month of 100,000 cases in a ledger of a million, held against a recount.

The smaller twin, a tenth of the ledger with a tenth of the month, is measured in the same run.
"""

import os
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.house import house
from benchmarks.lives import live
from benchmarks.report import Figure, tell
from benchmarks.spread import add_county

CASES = int(os.environ.get("BENCH_CASES", "1000000"))
MONTH = timedelta(days=30)
"""A tenth of the time over which the cases were accepted: of a million, 100,000."""
TIMES = 15
RATES_MS = 300.0


def _timed(work: Callable[[], Any]) -> tuple[Any, list[float]]:
    """Give what some work gives, and how long it took each time, in ms; the first, cold time stands apart, at the front."""
    times = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        made = work()
        times.append((time.perf_counter() - began) * 1000)
    return made, times


def _measure(cases: int) -> dict[str, Any]:
    with house() as made:
        from app.core.database import db, transaction
        from app.core.migrate import upgrade
        from app.factory import create_app
        from config import Config

        app = create_app(Config())
        with app.app_context():
            upgrade(db.engine)
            now = app.extensions["minhu"].clock()
            with transaction():
                add_county(now)
            db.session.remove()
            began = time.perf_counter()
            live(made.conninfo, cases, now)
            filled = time.perf_counter() - began
            try:
                return _figures(now) | {"filled": filled}
            finally:
                db.session.remove()
                db.engine.dispose()


def _figures(now: datetime) -> dict[str, Any]:
    """Measure the rates of every unit in three windows, with the other reports, dimensions and a list in between; recount."""
    from sqlalchemy import select

    from app.core.database import db
    from app.core.stamp import ActorKind, Door, Role, Stamp
    from app.figures.catalogue import Report
    from app.figures.counting import table
    from app.figures.groups import Dimension
    from app.figures.listing import Chosen, figure_cases
    from app.figures.periods import between
    from app.figures.recount import check
    from app.people.models import Staff
    from app.people.sessions import staff_actor

    sun = staff_actor(db.session.scalars(select(Staff.id).where(Staff.login == "sun")).one())
    assert sun.kind is ActorKind.STAFF
    stamp = Stamp(sun, Role.SUPERVISOR, now, Door.DESK)
    period = between(now - MONTH, now + timedelta(seconds=1))
    rates, times = _timed(lambda: table(stamp, Report.SATISFACTION, period=period, dimension=Dimension.UNIT))
    cold, times = times[0], times[1:]
    other_reports = [(report, Dimension.UNIT) for report in Report if report is not Report.SATISFACTION]
    other_dimensions = [(Report.SATISFACTION, dimension) for dimension in Dimension if dimension is not Dimension.UNIT]
    others = {
        f"{report} by {dimension}": statistics.median(
            _timed(partial(table, stamp, report, period=period, dimension=dimension))[1][1:]
        )
        for report, dimension in (*other_reports, *other_dimensions)
    }
    times += _timed(lambda: table(stamp, Report.SATISFACTION, period=period, dimension=Dimension.UNIT))[1]
    listed = _timed(lambda: figure_cases(stamp, Chosen(figure="solution", period=period)))[1][1:]
    times += _timed(lambda: table(stamp, Report.SATISFACTION, period=period, dimension=Dimension.UNIT))[1]
    closure = table(stamp, Report.CLOSURE, period=period)
    began = time.perf_counter()
    read, differences = check(Stamp(sun, Role.SUPERVISOR, now, Door.DESK), period)
    return {
        "cold": cold,
        "times": times,
        "lines": len(rates.lines),
        "heard": rates.total.figures[0].before.denominator,
        "accepted": closure.total.figures[0].before.denominator,
        "others": others,
        "list": statistics.median(listed),
        "differences": differences,
        "read": read,
        "recounted": time.perf_counter() - began,
    }


def main() -> None:
    """Measure and tell."""
    small, large = _measure(CASES // 10), _measure(CASES)
    tell(
        "figures",
        [
            Figure("rates of every unit over a month", statistics.median(large["times"]), RATES_MS, "ms", more_is_better=False),
            Figure("differences from the recount", len(large["differences"]), 0, "", more_is_better=False),
        ],
        {
            "cases": f"{CASES}, filled in {large['filled']:.0f} s; {large['accepted']} accepted in the month",
            "rates": f"{large['lines']} units, {large['heard']} rounds heard; first {large['cold']:.0f} ms, slowest "
            f"{max(large['times']):.0f} ms; a tenth of the ledger: {statistics.median(small['times']):.0f} ms",
            "medians": {name: f"{took:.0f} ms" for name, took in large["others"].items()},
            "a page of the cases behind a rate": f"{large['list']:.0f} ms; a tenth: {small['list']:.0f} ms",
            "recount": f"{large['read']} cases read in {large['recounted']:.1f} s",
            "first differences": [str(each) for each in (small["differences"] + large["differences"])[:8]],
        },
    )


if __name__ == "__main__":
    main()
