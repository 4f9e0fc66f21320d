"""Keeps the supervisor honest: what dies comes back, what a killed supervisor leaves is adopted, what is asked to stop stops."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core import postgres
from app.core.child import Child
from app.core.processes import Process, find, group_of, is_alive, read_status, wait_gone

ROOT = Path(__file__).resolve().parents[1]

SMALL_APP = """
import signal, sys, time, click, psycopg
from flask import Flask
from app.core.postgres import connection_url
from config import Config
app = Flask(__name__)
log = Config().data_path / "told"
def told(word):
    with log.open("a") as file:
        file.write(word + "\\n")
@app.get("/readyz")
def readyz():
    return "ready"
@app.cli.command("migrate")
def migrate():
    told("migrate")
    with psycopg.connect(connection_url(Config().data_path).replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version AS SELECT '0002' AS version_num")
@app.cli.command("demo")
def demo():
    told("demo")
@app.cli.command("accounts")
def accounts():
    click.echo("林 lin / 密码 123")
@app.cli.command("scheduler")
def scheduler():
    def end(*_):
        told("scheduler stopped")
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    while True:
        time.sleep(1)
"""


def eventually(holds: Callable[[], object], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def child_of(folder: Path, command: list[str], **changes: object) -> Child:
    return Child("sleeper", command, data_dir=folder, cwd=folder, **changes)  # type: ignore[arg-type]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    sleeper = child_of(tmp_path, ["sleep", "60"])
    sleeper.start()
    yield sleeper
    sleeper.stop()


def test_a_dead_child_starts_again_at_once(child: Child) -> None:
    first = child.process
    assert first
    assert child.look_after() is None
    os.kill(first.pid, signal.SIGKILL)
    eventually(lambda: not child.is_alive())
    assert "has died" in str(child.look_after())
    assert child.is_alive()
    assert child.process != first


def test_a_child_that_dies_again_and_again_is_waited_for_longer_each_time(tmp_path: Path) -> None:
    failing = child_of(tmp_path, ["false"])
    failing.start()
    pids = {failing.process and failing.process.pid}
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        failing.look_after()
        pids.add(failing.process and failing.process.pid)
        time.sleep(0.02)
    assert 3 <= len(pids - {None}) <= 4
    failing.stop()


def test_the_next_parent_adopts_a_child_with_the_same_settings(child: Child) -> None:
    eventually(child.note.exists)
    heir = child_of(child.data_dir, child.command)
    assert heir.adopt()
    assert heir.process == child.process
    assert heir.is_alive()


def test_the_next_parent_replaces_a_child_with_other_settings(child: Child) -> None:
    eventually(child.note.exists)
    heir = child_of(child.data_dir, child.command, fingerprint="other")
    assert not heir.adopt()
    assert not child.is_alive()


def test_a_pid_that_is_another_process_now_is_neither_adopted_nor_killed(child: Child) -> None:
    eventually(child.note.exists)
    noted = child.note.read_text()
    child.note.write_text(noted.replace(f" {read_status(noted.splitlines()[0]).started} ", " 1 "))
    assert not child_of(child.data_dir, child.command).adopt()
    assert child.is_alive()


def test_what_a_dead_child_left_is_ended_before_it_starts_again(tmp_path: Path) -> None:
    parent = child_of(tmp_path, ["sh", "-c", "sleep 60 & wait"])
    parent.start()
    assert parent.process
    leader = parent.process
    eventually(lambda: len(group_of(leader)) == 2)
    grandchild = next(process for process in group_of(leader) if process != leader)
    os.kill(leader.pid, signal.SIGKILL)
    eventually(lambda: not parent.is_alive())
    assert is_alive(grandchild)
    parent.look_after()
    assert not is_alive(grandchild)
    parent.stop()


def test_a_child_that_will_not_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    stubborn = child_of(tmp_path, ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], grace=0.3)
    stubborn.start()
    eventually(lambda: "deaf" in (tmp_path / "log/sleeper.log").read_text())
    process = stubborn.process
    assert process
    stubborn.stop()
    assert not is_alive(process)
    assert not stubborn.note.exists()


class House:
    """A checkout with a small app in place of the real one, supervised from a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "var"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("app", "miniprogram_api"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "migrations/versions").mkdir(parents=True)
        for number, follows in (("0001", None), ("0002", "0001")):
            text = f'revision: str = "{number}"\ndown_revision: str | None = {follows!r}\n'
            (folder / f"migrations/versions/{number}.py").write_text(text)
        for name in ("config.py", "requirements.txt"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "wsgi.py").write_text(SMALL_APP)
        self.started: list[subprocess.Popen[str]] = []

    def run(self, **settings: str) -> subprocess.Popen[str]:
        environment = {"DEMO": "on", "PORT": str(self.port), "WEB_WORKERS": "2", "PYTHONDONTWRITEBYTECODE": "1", **settings}
        self.started.append(
            subprocess.Popen(
                [sys.executable, "-m", "app.supervise"],
                cwd=self.folder,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return self.started[-1]

    def noted(self, name: str) -> Process:
        return read_status((self.data_dir / "run" / f"{name}.pid").read_text().splitlines()[0])

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def told(self) -> list[str]:
        return (self.data_dir / "told").read_text().split("\n")

    def clear(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=40)
        for name in ("web", "scheduler"):
            Child(name, [], data_dir=self.data_dir, cwd=self.folder, fingerprint="nobody's").adopt()
        postgres.stop(self.data_dir, mode="immediate")


@pytest.fixture
def house() -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="minhu-house-"))
    folder.chmod(0o711)
    built = House(folder)
    yield built
    built.clear()
    shutil.rmtree(folder)


def words_until(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdout
    said = ""
    while word not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


def test_everything_starts_comes_back_from_kills_is_adopted_and_stops(house: House) -> None:
    supervisor = house.run()
    said = words_until(supervisor, "密码")
    assert f"http://127.0.0.1:{house.port}/" in said
    assert house.answers()
    assert house.told()[:2] == ["migrate", "demo"]
    web, scheduler, server = house.noted("web"), house.noted("scheduler"), postgres.server_pid(house.data_dir)

    worker = next(process for process in group_of(web) if process != web)
    for victim in (worker, web, scheduler, find(server or 0)):
        assert victim
        os.kill(victim.pid, signal.SIGKILL)
    assert wait_gone(web, seconds=5)
    eventually(lambda: house.noted("web") != web and house.answers() and is_alive(house.noted("scheduler")))
    eventually(lambda: postgres.server_pid(house.data_dir) not in (None, server))
    assert house.noted("scheduler") != scheduler

    web, scheduler, server = house.noted("web"), house.noted("scheduler"), postgres.server_pid(house.data_dir)
    supervisor.kill()
    supervisor.wait()
    assert house.answers()
    heir = house.run()
    words_until(heir, "密码")
    assert (house.noted("web"), house.noted("scheduler"), postgres.server_pid(house.data_dir)) == (web, scheduler, server)

    heir.send_signal(signal.SIGTERM)
    assert heir.wait(timeout=20) == 0
    assert not is_alive(web)
    assert not is_alive(scheduler)
    assert not postgres.is_running(house.data_dir)
    assert house.told()[-2] == "scheduler stopped"
    assert "aborted" not in (house.data_dir / "log/postgres.log").read_text().split("was interrupted")[-1]


def test_a_second_start_takes_over_and_one_with_other_settings_is_refused(house: House) -> None:
    first = house.run()
    words_until(first, "密码")
    web = house.noted("web")
    assert house.told() == ["migrate", "demo", ""]
    refused = house.run(PORT=str(house.port + 1))
    said, _ = refused.communicate(timeout=20)
    assert refused.returncode == 1
    assert f"kill {first.pid}" in said
    second = house.run()
    words_until(second, "密码")
    assert first.wait(timeout=10) == 0
    assert house.noted("web") == web
    assert house.answers()
    assert house.told() == ["migrate", "demo", "demo", ""]


def test_a_port_in_use_is_told_before_anything_starts(house: House) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", house.port))
        other.listen()
        said, _ = house.run().communicate(timeout=20)
    assert house.started[0].returncode == 1
    assert f"Port {house.port} of 127.0.0.1 cannot be used" in said
    assert not (house.data_dir / "postgres").exists()


def test_a_failed_migration_is_told_with_its_last_words_and_leaves_nothing_running(house: House) -> None:
    (house.folder / "wsgi.py").write_text(SMALL_APP.replace('told("migrate")', 'raise SystemExit("no such column")'))
    said, _ = house.run().communicate(timeout=30)
    assert house.started[0].returncode == 1
    assert "no such column" in said
    assert not postgres.is_running(house.data_dir)
    assert not house.answers()
