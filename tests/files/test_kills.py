"""Web processes are killed while a file is on its way: what was acknowledged stays, and the phone goes on where it was."""

import http.client
import json
import os
import signal
import time
import uuid
from pathlib import Path

import pytest

from app.core.processes import read_status
from benchmarks.house import children_of
from tests.pictures import announced
from tests.running import running_house

PART = 32 * 1024


class Phone:
    """Somebody who tries again until there is an answer."""

    def __init__(self, port: int) -> None:
        self.port, self.token = port, ""

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict]:
        until = time.monotonic() + 60
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request(method, f"/miniprogram/v1{path}", body, {"Authorization": f"Bearer {self.token}"} | headers)
                answer = connection.getresponse()
                told = json.loads(answer.read())
                connection.close()
                if answer.status != 503:
                    return answer.status, told
            except (OSError, http.client.HTTPException, ValueError):
                pass
            assert time.monotonic() < until, f"{path} was never answered"
            time.sleep(0.2)


@pytest.mark.faults
def test_acknowledged_parts_outlive_killed_web_processes():
    content = b"%PDF-1.4\n" + os.urandom(8 * PART) + b"%%EOF"
    with running_house(WEB_WORKERS="1") as (port, folder):
        phone = Phone(port)
        plain = {"Content-Type": "application/json"}
        phone.token = phone.ask("POST", "/sign-in", b'{"code": "dev:lin"}', **plain)[1]["token"]
        said = json.dumps(announced(content, extension="pdf")).encode()
        made = phone.ask("POST", "/uploads", said, **plain, **{"Idempotency-Key": str(uuid.uuid4())})[1]
        place = 0
        while place < len(content):
            status, told = phone.ask(
                "PATCH", f"/uploads/{made['id']}", content[place : place + PART], **{"Upload-Offset": str(place)}
            )
            assert (status, told["received"]) == (200, min(place + PART, len(content)))
            place = told["received"]
            if place % (3 * PART) == 0:
                kill_web(folder)
                assert phone.ask("GET", f"/uploads/{made['id']}")[1]["received"] == place
        assert phone.ask("GET", f"/uploads/{made['id']}")[1]["state"] == "ready"
        assert [path.name for path in (folder / "files").rglob("*") if path.is_file()] == ["original"]


def kill_web(folder: Path) -> None:
    """Kill every web worker at once, in the middle of whatever it does."""
    master = read_status((folder / "run" / "web.pid").read_text(encoding="utf-8").partition("\n")[0])
    for worker in children_of(master.pid):
        os.kill(worker, signal.SIGKILL)
