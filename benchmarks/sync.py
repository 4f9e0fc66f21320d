"""Measures offline sync through HTTP: 200 visits for the first time and again, a phone's first pull, and one with nothing new.

One in five visits brings a need that becomes a case, every visit does a task that was open; who lives there is two people of whom
none is named. The floor of a batch is a hand-written program that inserts the very same rows once more, one by one in one
transaction, right after it. What warms up is visits to households of its own.
"""

import http.client
import json
import statistics
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from benchmarks.house import House, house, settle, web
from benchmarks.report import Figure, tell

HOUSEHOLDS, WARM, ROUNDS, VISITS = 1000, 40, 5, 200
FIRST_MS, AGAIN_MS, PULL_MS, IDLE_MS = 1500.0, 500.0, 3000.0, 50.0


def build(made: House) -> tuple[str, list[int]]:
    """Migrate, build the cast, fill Zhou's grid with households of two and an open task each; give a token and the households."""
    from app.core.database import db, transaction
    from app.core.migrate import upgrade
    from app.core.stamp import SYSTEM, Door, Role, Stamp
    from app.demo.cast import PASSWORD, build_county
    from app.factory import create_app
    from app.people.identity import Person, enrol_resident
    from app.people.sessions import try_password
    from app.territory.commands import add_household
    from app.visits.clocks import start_clocks
    from app.visits.models import TaskFor, VisitTask
    from config import Config

    app = create_app(Config())
    with app.app_context():
        upgrade(db.engine)
        now = app.extensions["minhu"].clock()
        stamp = Stamp(SYSTEM, Role.SYSTEM, now, Door.COMMAND_LINE)
        with transaction():
            cast = build_county(stamp, appid=app.extensions["minhu"].config.wechat_appid)
            grid = cast.grids["柳林村一网格"]
            homes = []
            for place in range(HOUSEHOLDS + WARM):
                home = add_household(now, code=f"B{place}", grid=grid, head_name="王建国", place=f"柳林村三组 {place} 号")
                for name, phone in (("王建国", f"138{place:08d}"), ("李秀兰", f"139{place:08d}")):
                    enrol_resident(stamp, Person(name, phone), grid_id=grid.id, household_id=home.id)
                homes.append(home.id)
            today = now.date()
            same: dict[str, Any] = {"grid_id": grid.id, "why": TaskFor.RULE, "first_on": today - timedelta(days=20)}
            same |= {"due_on": today + timedelta(days=9), "created_at": now, "updated_at": now}
            tasks = [VisitTask(key=f"bench:{home}", household_id=home, **same) for home in homes]
            db.session.add_all(tasks)
            db.session.flush()
            start_clocks(now, grid.unit_id, [(task.id, task.due_on) for task in tasks])
            signed_in = try_password(stamp, "zhou", PASSWORD).signed_in
            assert signed_in is not None
        db.session.remove()
        db.engine.dispose()
    return signed_in.token, homes


class Phone:
    """A phone with its token."""

    def __init__(self, port: int, token: str) -> None:
        """Know the server."""
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[Any, float]:
        """Ask and give the answer and how many ms it took, from the first byte sent to the last one read."""
        sent = None if body is None else json.dumps(body).encode()
        began = time.perf_counter()
        self.line.request(method, "/grid/v1/sync" + path, sent, self.headers)
        answer = self.line.getresponse()
        told = answer.read()
        took = (time.perf_counter() - began) * 1000
        self.line.close()  # the server closes a line that was quiet; the next request opens one
        assert answer.status == 200, (answer.status, told[:500])
        return json.loads(told), took


def batch(homes: list[int], first: int) -> dict[str, Any]:
    """Give a batch of visits to the households from a place on; one in five brings a need."""
    now = datetime.now(UTC)
    items = []
    for place in range(VISITS):
        at = (now - timedelta(minutes=VISITS - place)).isoformat()
        body: dict[str, Any] = {"household_id": homes[(first + place) % len(homes)], "outcome": "met", "visited_at": at}
        body["findings"] = "老人身体尚好，独居，儿女在外务工，每周电话联系。"
        if place % 5 == 0:
            body["needs"] = [{"body": f"门前第 {first + place} 号水沟堵了，下雨就漫进院子。", "kind": "help"}]
        items.append({"key": str(uuid.uuid4()), "kind": "visit", "phone_at": at, "body": body})
    return {"phone_at": now.isoformat(), "items": items}


_ROWS = {
    "visit": "SELECT * FROM visit WHERE key = ANY(%(keys)s) ORDER BY id",
    "sync_item": "SELECT * FROM sync_item WHERE key = ANY(%(keys)s) ORDER BY id",
    "visit_met": "SELECT * FROM visit_met WHERE visit_id = ANY(%(visits)s) ORDER BY visit_id",
    "visit_need": "SELECT * FROM visit_need WHERE visit_id = ANY(%(visits)s) ORDER BY id",
    "case": 'SELECT * FROM "case" WHERE id = ANY(%(cases)s) ORDER BY id',
    "report": "SELECT * FROM report WHERE case_id = ANY(%(cases)s) ORDER BY id",
    "entry": "SELECT * FROM entry WHERE case_id = ANY(%(cases)s) ORDER BY id",
    "entry_words": "SELECT * FROM entry_words WHERE entry_id = ANY(%(entries)s) ORDER BY entry_id",
    "deadline": "SELECT * FROM deadline WHERE case_id = ANY(%(cases)s) ORDER BY id",
    "notice": "SELECT * FROM notice WHERE case_id = ANY(%(cases)s) ORDER BY id",
    "case_text": "SELECT * FROM case_text WHERE case_id = ANY(%(cases)s) ORDER BY case_id",
}


def floor(conninfo: str, keys: list[str]) -> tuple[float, int]:
    """Insert the rows of a batch once more under other keys, one by one in one transaction; give the ms and how many they are."""
    given: dict[str, Any] = {"keys": [uuid.UUID(key) for key in keys]}
    with psycopg.connect(conninfo, row_factory=dict_row) as connection:
        rows: dict[str, list[dict[str, Any]]] = {}
        for table, query in _ROWS.items():
            rows[table] = connection.execute(query, given).fetchall()
            if table == "visit":
                given["visits"] = [row["id"] for row in rows[table]]
            elif table == "visit_need":
                given["cases"] = [row["case_id"] for row in rows[table]]
            elif table == "entry":
                given["entries"] = [row["id"] for row in rows[table]]
        tasks = [row["id"] for row in connection.execute("SELECT id FROM visit_task WHERE visit_id = ANY(%(visits)s)", given)]
        connection.commit()
        new: dict[str, dict[int, int]] = {"visit": {}, "case": {}, "entry": {}}
        began = time.perf_counter()
        with connection.cursor() as cursor:
            for table in ("visit", "sync_item", "visit_met", "case", "visit_need", *list(_ROWS)[5:]):
                for row in rows[table]:
                    _insert(cursor, table, row, new)
            for task in tasks:
                cursor.execute("UPDATE visit_task SET updated_at = updated_at, version = version + 1 WHERE id = %s", [task])
                cursor.execute(
                    "UPDATE deadline SET met_at = met_at WHERE subject = 'visit_task' AND subject_id = %s AND clock = 'visit'",
                    [task],
                )
        connection.commit()
        return (time.perf_counter() - began) * 1000, sum(map(len, rows.values())) + 2 * len(tasks)


def _insert(cursor: Any, table: str, row: dict[str, Any], new: dict[str, dict[int, int]]) -> None:
    arrays = ("against_paths", "grams", "topics")
    mark = uuid.uuid4()
    fresh = {name: Jsonb(value) if isinstance(value, dict | list) and name not in arrays else value for name, value in row.items()}
    fresh |= {name: mark for name in ("key",) if table in ("visit", "sync_item")}
    fresh |= {"key": str(mark)} if table == "notice" else {"number": mark.hex} if table == "case" else {}
    fresh |= {"source_key": str(mark)} if table == "report" else {}
    for name, of in (("visit_id", "visit"), ("case_id", "case"), ("entry_id", "entry")):
        if fresh.get(name) in new[of]:
            fresh[name] = new[of][fresh[name]]
    if table == "deadline":
        fresh["subject_id"] = fresh["case_id"]
    before = fresh.pop("id", None)
    columns, values = ", ".join(f'"{name}"' for name in fresh), ", ".join(f"%({name})s" for name in fresh)
    end = " RETURNING id" if table in new else ""
    cursor.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({values}){end}', fresh)
    if table in new:
        new[table][before or 0] = cursor.fetchone()["id"]


def pull_all(phone: Phone) -> tuple[str, float, int, int]:
    """Catch up from the beginning; give the cursor, the ms, the pages and the rows."""
    cursor, took, pages, rows = "", 0.0, 0, 0
    while True:
        page, ms = phone.ask("GET", f"?limit=500{'&cursor=' + cursor if cursor else ''}")
        took, pages, cursor = took + ms, pages + 1, page["cursor"]
        rows += sum(len(page[kind]) for kind in ("households", "residents", "tasks", "cases"))
        if not page["more"]:
            return cursor, took, pages, rows


def main() -> None:
    """Measure and tell."""
    with house() as made:
        token, homes = build(made)
        with web(made) as (port, _):
            phone = Phone(port, token)
            for _ in range(4):
                phone.ask("POST", "", batch(homes[HOUSEHOLDS:], 0))
            settle(made)
            pulled = [pull_all(phone) for _ in range(ROUNDS)]
            pulls = [took for _, took, _, _ in pulled]
            firsts, agains, floors, idles, count = [], [], [], [], 0
            for place in range(ROUNDS):
                visits = batch(homes[:HOUSEHOLDS], VISITS * place)
                told, took = phone.ask("POST", "", visits)
                assert {each["outcome"] for each in told["items"]} == {"created"}, told["items"][0]
                assert all(each["result"]["done"] for each in told["items"])
                firsts.append(took)
                told, took = phone.ask("POST", "", visits)
                assert {each["outcome"] for each in told["items"]} == {"replayed"}
                agains.append(took)
                ms, count = floor(made.conninfo, [each["key"] for each in visits["items"]])
                floors.append(ms)
            cursor = pull_all(phone)[0]
            for _ in range(20):
                page, took = phone.ask("GET", f"?cursor={cursor}&catalogue=none")
                assert not page["more"]
                idles.append(took)
    tell(
        "sync",
        [
            Figure("200 visits, the first time", statistics.median(firsts), FIRST_MS, "ms", more_is_better=False),
            Figure("the same batch again", statistics.median(agains), AGAIN_MS, "ms", more_is_better=False),
            Figure("1,000 households, first pull", statistics.median(pulls), PULL_MS, "ms", more_is_better=False),
            Figure("a pull with nothing new", statistics.median(idles), IDLE_MS, "ms", more_is_better=False),
        ],
        {
            "first, each": [round(each) for each in firsts],
            "again, each": [round(each) for each in agains],
            "floor: the same rows by hand, ms": [round(each) for each in floors],
            "rows a batch": count,
            "first is floor times": round(statistics.median(firsts) / statistics.median(floors), 1),
            "first pull": f"{pulled[0][2]} pages, {pulled[0][3]} rows",
        },
    )


if __name__ == "__main__":
    main()
