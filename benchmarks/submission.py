"""Measures submitting a report through HTTP, everything on, against a hand-written program that inserts the same rows.

Five windows of each, in turn, on one database with fsync on: the figure is the median of the windows' ratios.
"""

import json
import statistics
import urllib.request
import uuid
from collections.abc import Callable

import psycopg

from benchmarks.floor import read_rows, run_floor
from benchmarks.house import House, children_of, house, resident_megabytes, settle, web
from benchmarks.load import Load, run_load
from benchmarks.report import Figure, tell

WINDOWS = 5
SECONDS = 6.0
CONNECTIONS = 16
RATIO, P99, MEMORY = 0.30, 120.0, 160.0


def build(made: House) -> tuple[str, int]:
    """Migrate the database and build the cast; give a grid's code and a category's id."""
    from app.core.database import db, transaction
    from app.core.migrate import upgrade
    from app.core.stamp import SYSTEM, Door, Role, Stamp
    from app.demo.cast import build_county
    from app.factory import create_app
    from config import Config

    app = create_app(Config())
    with app.app_context():
        upgrade(db.engine)
        with transaction():
            now = app.extensions["minhu"].clock()
            cast = build_county(
                Stamp(SYSTEM, Role.SYSTEM, now, Door.COMMAND_LINE), appid=app.extensions["minhu"].config.wechat_appid
            )
            found = cast.grids["柳林村一网格"].code, cast.categories["路灯照明"]
        db.engine.dispose()
    return found


def sign_in(port: int, name: str) -> str:
    """Sign a resident in by the development gateway; give the token."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/miniprogram/v1/sign-in",
        json.dumps({"code": f"dev:{name}"}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["token"])


def request_maker(tokens: list[str], grid: str, category: int) -> Callable[[int], bytes]:
    """Give the maker of a submission's bytes: every one with its own key and words, residents in turn."""

    def make(count: int) -> bytes:
        body = json.dumps(
            {
                "body": f"柳林村一组第 {count} 号路灯坏了，晚上老人出门看不见，请尽快修理。",
                "kind": "help",
                "category_id": category,
                "grid": grid,
                "point": {"latitude": 33.54, "longitude": 117.55, "datum": "wgs84"},
            },
            ensure_ascii=False,
        ).encode()
        head = (
            "POST /miniprogram/v1/reports HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {tokens[count % len(tokens)]}\r\nIdempotency-Key: {uuid.uuid4()}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return make


def main() -> None:
    """Measure and tell."""
    with house() as made:
        grid, category = build(made)
        with web(made) as (port, master):
            tokens = [sign_in(port, f"r{place}") for place in range(CONNECTIONS)]
            make = request_maker(tokens, grid, category)
            warm = run_load(port, make, connections=CONNECTIONS, seconds=3)
            assert set(warm.statuses) == {201}, warm.statuses
            with psycopg.connect(made.conninfo) as connection:
                (case_id,) = connection.execute("SELECT max(id) FROM \"case\" WHERE channel = 'mini_program'").fetchone() or (0,)
            rows = read_rows(made.conninfo, case_id)
            settle(made)
            ratios, rates, floors, latencies = [], [], [], []
            for _ in range(WINDOWS):
                floor = run_floor(made.conninfo, rows, seconds=SECONDS)
                load: Load = run_load(port, make, connections=CONNECTIONS, seconds=SECONDS)
                assert set(load.statuses) == {201}, load.statuses
                rate = len(load.bodies) / load.seconds
                ratios.append(rate / floor)
                rates.append(rate)
                floors.append(floor)
                latencies.append(load.percentile(0.99) * 1000)
            memory = max(resident_megabytes(child) for child in children_of(master))
    tell(
        "submission",
        [
            Figure("submission ratio to the floor", statistics.median(ratios), RATIO, "×", more_is_better=True),
            Figure("submission p99", statistics.median(latencies), P99, "ms", more_is_better=False),
            Figure("web worker's memory", memory, MEMORY, "MB", more_is_better=False),
        ],
        {
            "reports a second": [round(rate) for rate in rates],
            "floor a second": [round(floor) for floor in floors],
            "ratios": [round(ratio, 3) for ratio in ratios],
            "rows a report": rows.count,
        },
    )


if __name__ == "__main__":
    main()
