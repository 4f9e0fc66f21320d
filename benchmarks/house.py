"""Keeps a whole Minhu of a benchmark's own: a database in a temporary folder, the cast, and the web processes on demand."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class House:
    """A running database with the cast in it: its folder, its URL for psycopg, and the environment of its processes."""

    folder: Path
    url: str
    environment: dict[str, str]

    @property
    def conninfo(self) -> str:
        """The URL as libpq reads it."""
        return self.url.replace("postgresql+psycopg://", "postgresql://")


@contextmanager
def house() -> Iterator[House]:
    """Start a database in a temporary folder, migrate it, build the cast; stop and delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="minhu-bench-"))
    folder.chmod(0o755)
    os.environ |= {"DATA_DIR": str(folder), "WECHAT_GATEWAY": "development", "DATABASE_URL": "", "LOG_LEVEL": "WARNING"}
    # The limits are on and count, but out of reach: the load comes from sixteen residents at one address.
    os.environ |= {"REPORT_LIMIT_PERSON": "1000000000", "REPORT_LIMIT_ADDRESS": "1000000000"}
    from app.core.postgres import ensure_running, stop

    try:
        yield House(folder, ensure_running(folder), dict(os.environ))
    finally:
        stop(folder, mode="immediate")
        shutil.rmtree(folder, ignore_errors=True)


def settle(made: House) -> None:
    """Let the database finish what it put off, so that one measurement does not pay for the one before."""
    import psycopg

    with psycopg.connect(made.conninfo, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def free_port() -> int:
    """Give a port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web(made: House, *, workers: int = 2, threads: int = 8) -> Iterator[tuple[int, int]]:
    """Start the web processes as production does; gives the port and the master's process id."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "-b", f"127.0.0.1:{port}", "-k", "gthread"]
    command += ["--workers", str(workers), "--threads", str(threads), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env=made.environment)
    try:
        _wait_until_ready(port, process)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"the web processes ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web processes did not answer within 60 seconds")


def resident_megabytes(pid: int) -> float:
    """Give the resident memory of a process, in MB (shared pages count too)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def children_of(pid: int) -> list[int]:
    """Give the ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
