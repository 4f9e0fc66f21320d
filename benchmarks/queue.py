"""Measures reading: the work queue by every filter and ten combinations, and a case with its timeline, at 10,000 and a million.

Requests go through the whole desk door in one process, one after the other; the smaller twin is measured in the same run.
"""

import os
import statistics
import time
from datetime import timedelta
from random import Random
from typing import Any

import psycopg

from benchmarks.house import house
from benchmarks.report import Figure, tell
from benchmarks.spread import Places, add_county, spread

MILLION = int(os.environ.get("BENCH_CASES", "1000000"))
SMALL = 10_000
TIMES = 40
PAGES = 100
QUEUE_MS, CASE_MS, GROWTH = 50.0, 30.0, 2.0
PATIENCE_MS = 5.0
"""Below this a list is quick whatever its twin took: a ratio of tiny times says nothing."""


def _wanted(places: Places, now: Any) -> dict[str, dict[str, Any]]:
    soon = (now + timedelta(days=1)).isoformat()
    return {
        "all": {},
        "state": {"state": "under_review"},
        "states": {"state": ["accepted", "dispatched"]},
        "channel": {"channel": "window"},
        "kind": {"kind": "suggestion"},
        "urgency": {"urgency": "urgent"},
        "category": {"category_id": places.category_id},
        "grid": {"grid": places.grid},
        "unit": {"lead_unit": places.unit},
        "late": {"late": True},
        "red": {"light": "red"},
        "amber": {"light": "amber"},
        "green": {"light": "green"},
        "due before": {"due_before": soon},
        "mine": {"mine": True},
        "pending": {"pending": True},
        "triage": {"triage": True},
        "by due": {"order": "due"},
        "late by due": {"late": True, "order": "due"},
        "urgent by due": {"urgency": "urgent", "order": "due"},
        "unit in progress by due": {"lead_unit": places.unit, "state": "in_progress", "order": "due"},
        "grid open by due": {"grid": places.grid, "state": ["in_progress", "dispatched", "accepted"], "order": "due"},
        "category late": {"category_id": places.category_id, "late": True},
        "complaints under review": {"kind": "complaint", "state": "under_review"},
        "amber of a unit": {"light": "amber", "lead_unit": places.unit},
        "hotline to accept by due": {"channel": "hotline", "state": "submitted", "order": "due"},
        "unit's late urgent": {"lead_unit": places.unit, "late": True, "urgency": "urgent"},
        "due soon in a category": {"category_id": places.category_id, "due_before": soon, "order": "due"},
    }


def _sign_in(client: Any, login: str) -> dict[str, str]:
    from app.demo.cast import PASSWORD

    answer = client.post("/desk/v1/sign-in", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json['token']}"}


def _p99(times: list[float]) -> float:
    return sorted(times)[max(0, int(len(times) * 0.99) - 1)]


def _read(client: Any, headers: dict[str, str], query: dict[str, Any]) -> tuple[list[float], list[str], str | None]:
    times, numbers, cursor = [], [], None
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = client.get("/desk/v1/cases", query_string=query | {"limit": 50}, headers=headers)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
        numbers, cursor = [row["number"] for row in answer.json["items"]], answer.json["next_cursor"]
    return times, numbers, cursor


def _hundredth(client: Any, headers: dict[str, str], query: dict[str, Any], cursor: str | None) -> list[float]:
    """Walk to the hundredth page (or the last) and measure it."""
    last = None
    for _ in range(PAGES - 1):
        if cursor is None:
            break
        last = cursor
        answer = client.get("/desk/v1/cases", query_string=query | {"limit": 50, "cursor": cursor}, headers=headers)
        cursor = answer.json["next_cursor"]
    if last is None:
        return []
    times = []
    for _ in range(TIMES // 2):
        began = time.perf_counter()
        client.get("/desk/v1/cases", query_string=query | {"limit": 50, "cursor": last}, headers=headers)
        times.append((time.perf_counter() - began) * 1000)
    return times


def measure(app: Any, places: Places, conninfo: str) -> tuple[dict[str, float], float]:
    """Give the p99 of every list (first and hundredth page, three readers) and of single cases, in ms."""
    client = app.test_client()
    now = app.extensions["minhu"].clock()
    found: dict[str, float] = {}
    for login in ("du", "reader-d", "reader-v"):
        headers = _sign_in(client, login)
        for name, query in _wanted(places, now).items():
            times, _, cursor = _read(client, headers, query)
            found[f"{login}: {name}"] = max(_p99(times[3:]), _p99(_hundredth(client, headers, query, cursor) or [0.0]))
    headers = _sign_in(client, "du")
    with psycopg.connect(conninfo) as connection:
        (most,) = connection.execute('SELECT max(id) FROM "case"').fetchone() or (0,)
        ids = Random(7).sample(range(1, most + 1), 300)
        sample = [row[0] for row in connection.execute('SELECT number FROM "case" WHERE id = ANY(%s)', [ids]).fetchall()]
    times = []
    for number in sample:
        began = time.perf_counter()
        answer = client.get(f"/desk/v1/cases/{number}", headers=headers)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
    return found, _p99(times[5:])


def main() -> None:
    """Measure and tell."""
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
                places = add_county(now)
            db.session.remove()
        spread(made.conninfo, SMALL, now)
        small, small_case = measure(app, places, made.conninfo)
        began = time.perf_counter()
        spread(made.conninfo, MILLION, now, after=SMALL)
        filled = time.perf_counter() - began
        large, large_case = measure(app, places, made.conninfo)
        with app.app_context():
            db.engine.dispose()
    growth = {name: large[name] / small[name] for name in large if large[name] > PATIENCE_MS}
    slowest = sorted(large, key=lambda name: -large[name])[:8]
    tell(
        "queue",
        [
            Figure("slowest list's p99, a million cases", max(large.values()), QUEUE_MS, "ms", more_is_better=False),
            Figure("its growth from 10,000 cases, worst", max(growth.values(), default=1.0), GROWTH, "×", more_is_better=False),
            Figure("a case with its timeline, p99", large_case, CASE_MS, "ms", more_is_better=False),
        ],
        {
            "cases": f"{MILLION}, filled in {filled:.0f} s; {len(large)} lists",
            "median of the lists' p99": f"{statistics.median(large.values()):.1f} ms",
            "the same at 10,000": f"{statistics.median(small.values()):.1f} ms",
            "a case at 10,000": f"{small_case:.1f} ms",
            "slowest": [f"{name} {large[name]:.0f} ms (10,000: {small[name]:.0f})" for name in slowest],
        },
    )


if __name__ == "__main__":
    main()
