"""Faults: web, scheduler and PostgreSQL are killed under a steady load of submissions; nothing acknowledged is lost or doubled.

The default run kills each once; `FAULT_KILLS=200 make faults` goes on longer.
"""

import http.client
import json
import os
import random
import signal
import threading
import time
import uuid
from pathlib import Path

import psycopg
import pytest

from app.core.clock import system_clock
from app.core.database import db
from app.core.postgres import connection_url, server_pid
from app.core.processes import read_status
from app.factory import create_app
from app.ledger.timeline import verify_ledger
from benchmarks.house import children_of
from config import TestConfig
from tests.conftest import RecordingGateway
from tests.running import running_house

KILLS = int(os.environ.get("FAULT_KILLS", "4"))
WRITERS = 6
BACK_WITHIN = 10.0
WAITS_MOST = 60.0


class Writer(threading.Thread):
    """Files reports one after the other, each repeated with the same key until it is acknowledged; notes what was."""

    def __init__(self, port: int, place: int, stopped: threading.Event) -> None:
        super().__init__()
        self.port, self.place, self.stopped = port, place, stopped
        self.acknowledged: dict[str, str] = {}
        self.sent: set[str] = set()
        self.last = time.monotonic()
        self.strange: list[tuple[int, bytes]] = []

    def run(self) -> None:
        token = self._until_answered("/sign-in", {"code": f"dev:writer{self.place}"}, {})["token"]
        count = 0
        while not self.stopped.is_set():
            words = f"第 {self.place} 号写的第 {count} 件：路灯坏了。"
            self.sent.add(words)
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
            answer = self._until_answered("/reports", {"body": words, "kind": "help"}, headers)
            if answer:
                self.acknowledged[words] = answer["number"]
                self.last = time.monotonic()
            count += 1

    def _until_answered(self, path: str, body: dict, headers: dict) -> dict:
        """Repeat a request until it succeeds; a report being written when all ends may stay unacknowledged."""
        end = time.monotonic() + WAITS_MOST
        while time.monotonic() < end:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                payload = json.dumps(body).encode()
                connection.request("POST", f"/miniprogram/v1{path}", payload, headers | {"Content-Type": "application/json"})
                response = connection.getresponse()
                text = response.read()
                if response.status in (200, 201):
                    return json.loads(text)
                if response.status not in (409, 503):
                    self.strange.append((response.status, text))
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.05)
        return {}


@pytest.fixture
def house():
    """A data folder with the cast, run by the supervisor; gives (port, folder)."""
    with running_house() as running:
        yield running


def pid_of(folder: Path, name: str) -> int:
    return read_status((folder / "run" / f"{name}.pid").read_text().splitlines()[0]).pid


def victim(folder: Path, kind: str) -> int:
    """The process to kill: a web worker, the web processes' master, the scheduler, PostgreSQL's postmaster."""
    if kind == "worker":
        return random.choice(children_of(pid_of(folder, "web")))
    if kind == "postgres":
        return server_pid(folder) or 0
    return pid_of(folder, kind)


def wait_for_all(writers: list[Writer], since: float, *, within: float) -> None:
    """Wait until every writer was acknowledged after a moment; fail when one is not within the time."""
    while any(writer.last <= since for writer in writers):
        assert time.monotonic() - since < within, "service did not come back in time"
        time.sleep(0.02)


@pytest.mark.faults
def test_nothing_acknowledged_is_lost_or_doubled_when_processes_are_killed(house):
    port, folder = house
    stopped = threading.Event()
    writers = [Writer(port, place, stopped) for place in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        wait_for_all(writers, time.monotonic(), within=WAITS_MOST)
        kinds = ["worker", "postgres", "scheduler", "web"]
        for count in range(KILLS):
            time.sleep(random.uniform(0.5, 1.5))
            killed = victim(folder, kinds[count % len(kinds)])
            os.kill(killed, signal.SIGKILL)
            wait_for_all(writers, time.monotonic(), within=BACK_WITHIN)
    finally:
        stopped.set()
        for writer in writers:
            writer.join(WAITS_MOST + 10)
    assert [strange for writer in writers for strange in writer.strange] == []
    check_ledger(folder, writers)


def check_ledger(folder: Path, writers: list[Writer]) -> None:
    """Every acknowledged report is there once under its number, with its clocks and its notice; chains hold."""
    acknowledged = {words: number for writer in writers for words, number in writer.acknowledged.items()}
    sent = set().union(*(writer.sent for writer in writers))
    assert len(acknowledged) > 50
    url = connection_url(folder)
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
        stored = connection.execute(
            "SELECT r.body, c.number, (SELECT count(*) FROM deadline d WHERE d.case_id = c.id), "
            "(SELECT count(*) FROM notice n WHERE n.case_id = c.id AND n.template = 'submit') "
            'FROM report r JOIN "case" c ON c.id = r.case_id WHERE r.body LIKE %s',
            ("%号写的第%",),
        ).fetchall()
    bodies = [row[0] for row in stored]
    assert len(bodies) == len(set(bodies)), "a report was doubled"
    numbers = {row[0]: row[1] for row in stored}
    assert {words: numbers.get(words) for words in acknowledged} == acknowledged, "an acknowledged report was lost"
    assert set(bodies) <= sent
    assert {(row[2], row[3]) for row in stored} == {(2, 1)}, "something is half stored"
    made = create_app(
        TestConfig(database_url=url, keys_file=str(folder / "keys.json")), clock=system_clock, notices=RecordingGateway()
    )
    with made.app_context():
        verified = verify_ledger()
        assert verified.breaks == []
        assert verified.cases == len(stored)
        db.session.remove()
        db.engine.dispose()
