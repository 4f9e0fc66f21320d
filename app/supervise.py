"""Keeps Minhu running on one machine: the embedded PostgreSQL, the web processes and the scheduler, each brought back when it dies.

Killed itself, it leaves them running, and the next start adopts them. `python -m app.supervise`, in the checkout.
"""

import contextlib
import hashlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace

import psycopg

from app.core import postgres
from app.core.child import PATIENCE, Child
from app.core.data_dir import last_lines, log_file, make_data_dir, make_private, open_log
from app.core.sole import HAND_OVER, Held, sole_holder
from config import ROOT, Config

ROUND = 0.2
"""Seconds between two looks at everything."""

LOOK_SECONDS = 3
"""Seconds for which we wait on a recovering database before we look after the rest again."""

READY_SECONDS = 60
CODE = ("app", "miniprogram_api", "migrations", "config.py", "wsgi.py", "requirements.txt")


class CannotRun(Exception):
    """Minhu cannot run here; the sentence says why and what to do."""


class Asked(BaseException):
    """We were asked by a signal to end; no ordinary error, so that nothing swallows it."""

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(number)
        self.number = number


@dataclass
class Watch:
    """Everything that is looked after, and the signals that came."""

    config: Config
    web: Child
    scheduler: Child
    signals: list[int]
    watched: list[Child] = field(default_factory=list)
    database_not_before: float = 0.0
    database_recovers: bool = False

    def heed(self) -> None:
        """Raise Asked when a signal has come."""
        if self.signals:
            raise Asked(self.signals[0])

    def pause(self) -> None:
        """Look after everything once, then rest for a moment. Raises Asked."""
        self.heed()
        if not self.config.database_url:
            self._look_after_database()
        for child in self.watched:
            if found := child.look_after():
                _say(found)
        time.sleep(ROUND)

    def _look_after_database(self) -> None:
        if postgres.is_running(self.config.data_path):
            if not self.database_recovers:
                return
        elif time.monotonic() < self.database_not_before:
            return
        else:
            _say("postgres has died and starts again")
        try:
            postgres.ensure_running(self.config.data_path, seconds=LOOK_SECONDS)
            self.database_recovers = False
        except postgres.NotReady:
            self.database_recovers = True
        except postgres.PostgresFailure as failure:
            _say(str(failure))
            self.database_not_before = time.monotonic() + PATIENCE


def main() -> int:
    """Run until asked to end; gives the exit status."""
    config = Config()
    config = replace(config, data_dir=config.data_path)
    os.putenv("DATA_DIR", str(config.data_dir))  # our children read it; whatever else is set goes to them unchanged
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, HAND_OVER):
        # `nohup` means it; but every shell script has its background programs ignore SIGINT, and we mean to end by it.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda received, _: signals.append(received))
    try:
        make_data_dir(config.data_dir)
        make_private(config.data_dir / "run")
        with sole_holder(config.data_dir / "run" / "supervise.json", settings=_settings_fingerprint(config)):
            _run(config, signals)
    except (CannotRun, Held, postgres.PostgresFailure) as failure:
        _say(str(failure))
        return 1
    except OSError as failure:
        _say(f"DATA_DIR {config.data_dir} cannot be used: {failure}. It must belong to the user who runs Minhu; or set DATA_DIR.")
        return 1
    return 0


def _run(config: Config, signals: list[int]) -> None:
    fingerprint = f"{_settings_fingerprint(config)}-{_newest_code()}"
    web, scheduler = (
        Child(name, [sys.executable, "-m", *command], data_dir=config.data_dir, cwd=ROOT, fingerprint=fingerprint)
        for name, command in {"web": _web_command(config), "scheduler": ["flask", "--app", "wsgi", "scheduler"]}.items()
    )
    watch = Watch(config, web, scheduler, signals)
    watch.watched = [child for child in (web, scheduler) if child.adopt()]
    if web not in watch.watched:
        _require_free_port(config)
    try:
        _begin(watch)
        while True:
            watch.pause()
    except Asked as asked:
        if asked.number == HAND_OVER:
            _say("Another start from this folder goes on with the running processes.")
        else:
            _end(watch)
    except BaseException:
        _end(watch)
        raise


def _begin(watch: Watch) -> None:
    """Start, in this order, whatever does not run yet: database, schema, demo county, web, scheduler; then say where to look."""
    config = watch.config
    url = config.database_url or _await_database(watch)
    warm = _schema_is_current(url)
    if not warm:
        _say("正在准备数据库，请稍候……")
        _migrate(watch)
        if config.demo:
            _try_command(watch, "demo")
    _start(watch, watch.web)
    ready = _await_ready(watch)
    if warm and config.demo:
        _try_command(watch, "demo")
    _start(watch, watch.scheduler)
    host = _host(config)
    if not ready:
        _say(f"http://{host}:{config.port}/readyz is not 200 after {READY_SECONDS} seconds; see {log_file(config.data_dir, 'web')}")
        return
    _say(f"民呼已就绪，请打开 http://{host}:{config.port}/ ，按 Ctrl+C 停止。数据和日志在 {config.data_dir}")
    if config.demo:
        _say(_try_command(watch, "accounts", wanted=True))


def _migrate(watch: Watch) -> None:
    """Bring the schema up to the code; once more when the database was killed under it."""
    for attempts_left in (2, 1, 0):
        server = postgres.server_pid(watch.config.data_dir)
        try:
            _run_command(watch, "migrate")
            return
        except CannotRun:
            if watch.config.database_url or not attempts_left or postgres.server_pid(watch.config.data_dir) == server:
                raise
            watch.pause()


def _await_database(watch: Watch) -> str:
    while True:
        try:
            return postgres.ensure_running(watch.config.data_dir, seconds=LOOK_SECONDS)
        except postgres.NotReady as failure:
            _say(str(failure))
            watch.heed()


def _end(watch: Watch) -> None:
    """Stop the web processes, the scheduler and then the database; what was never ours is left alone."""
    for child in watch.watched:
        child.ask_to_stop()
    for child in watch.watched:
        child.stop()
    if watch.config.database_url:
        return
    try:
        postgres.stop(watch.config.data_dir)
    except postgres.PostgresFailure as failure:
        _say(str(failure))
        postgres.stop(watch.config.data_dir, mode="immediate")


def _start(watch: Watch, child: Child) -> None:
    if child not in watch.watched:
        child.start()
        watch.watched.append(child)


def _run_command(watch: Watch, name: str, *, wanted: bool = False) -> str:
    """Run `flask NAME` to its end while everything is looked after; gives its words if `wanted`, which else go to a log.

    Raises CannotRun when it fails.
    """
    log = log_file(watch.config.data_dir, "commands")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", name]
    with open_log(watch.config.data_dir, "commands") as words:
        running = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if wanted else words,
            stderr=words,
            start_new_session=True,
        )
    try:
        while running.poll() is None:
            watch.pause()
    finally:
        if running.poll() is None:
            running.terminate()
        said, _ = running.communicate()
    if running.returncode != 0:
        raise CannotRun(f"`flask --app wsgi {name}` failed. The last lines of {log}:\n{last_lines(log)}")
    return said.decode("utf-8", "replace").rstrip() if wanted else ""


def _try_command(watch: Watch, name: str, *, wanted: bool = False) -> str:
    """Run a command that nothing depends on: its failure is told, and everything goes on."""
    try:
        return _run_command(watch, name, wanted=wanted)
    except CannotRun as failure:
        _say(str(failure))
        return ""


def _await_ready(watch: Watch) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(_host(watch.config).strip("[]"), watch.config.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        watch.pause()
    return False


def _web_command(config: Config) -> list[str]:
    address = f"[{config.bind}]" if ":" in config.bind else config.bind
    numbers = ["--workers", str(config.web_workers), "--threads", str(config.web_threads), "--graceful-timeout", "10"]
    # Its control socket stands in the home folder by default, where two checkouts would meet.
    return ["gunicorn", "wsgi:app", "-b", f"{address}:{config.port}", "-k", "gthread", *numbers, "--no-control-socket"]


def _host(config: Config) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(config.bind, config.bind)  # noqa: S104 - only compared
    return f"[{host}]" if ":" in host else host


def _require_free_port(config: Config) -> None:
    """Raise CannotRun when nobody can listen where the web processes shall."""
    family = socket.AF_INET6 if ":" in config.bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.bind, config.port))
        except (OSError, OverflowError) as refusal:
            raise CannotRun(
                f"Port {config.port} of {config.bind} cannot be used: {refusal}. Stop what listens there, "
                f"or choose another port: PORT=8080 make run"
            ) from None


def _schema_is_current(url: str) -> bool:
    """Whether the schema is the newest of `migrations/`, told without importing Alembic; in doubt it is not."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "migrations" / "versions").glob("*.py")]
    named, followed = (
        {match[1] for text in texts for match in re.finditer(rf'(?m)^{word}\b.*=\s*["\'](.+?)["\']', text)}
        for word in ("revision", "down_revision")
    )
    try:
        with psycopg.connect(re.sub(r"^\w+(\+\w+)?://", "postgresql://", url), connect_timeout=5) as connection:
            present = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    except psycopg.Error:
        return False
    return bool(present) and present == named - followed


def _settings_fingerprint(config: Config) -> str:
    return hashlib.sha256(repr(config).encode()).hexdigest()[:16]


def _newest_code() -> int:
    """Give when the code was changed last, in nanoseconds."""
    files = [path for name in CODE for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*.py"))]
    return max(path.stat().st_mtime_ns for path in files)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # whoever listened may have gone
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
