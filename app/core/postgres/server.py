"""Keeps one PostgreSQL server for each data folder: starts it, adopts the one that runs, finds it dead, stops it."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Literal

from app.core.data_dir import last_lines, make_data_dir, open_log
from app.core.postgres.account import ENVIRONMENT, choose_way
from app.core.postgres.binaries import locate
from app.core.postgres.cluster import ensure_database, initialise, owner_of, prepare_folder, prepare_programs, prepare_socket_folder
from app.core.postgres.errors import NotReady, StartFailed, StopFailed
from app.core.postgres.place import PORT, Access, Place, explained, place_of
from app.core.processes import Process, find, is_alive, send, wait_gone, working_in, works_in

START_SECONDS = 120
"""How long a start may take; the replay after a crash is part of it."""

STOP_SECONDS = 60

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "on",
    # After a crash of one of its processes the server ends, and whoever looks after it starts it anew. Left to itself it waits for
    # ever when the next process is killed while it recovers.
    "restart_after_crash": "off",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "huge_pages": "off",  # a container may promise more of them than it has
    "jit": "off",  # our queries are short; compiling them costs more than it saves
    "random_page_cost": "1.1",
    "idle_in_transaction_session_timeout": "60s",
    # Rows and parameters in messages would carry people's data into the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "cluster_name": "minhu",
}
"""Given on the command line, so that every start has what this version means, whatever files an old one left."""

StopMode = Literal["smart", "fast", "immediate"]

_STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def ensure_running(data_dir: Path, *, seconds: float = START_SECONDS) -> str:
    """Start the server of `data_dir`, or adopt the one that runs, and give its SQLAlchemy URL once it answers.

    Two starters at once give one server. It outlives its starter. Raises a PostgresFailure that says what to do; NotReady when
    it does not answer within `seconds`, after which another call waits on.
    """
    place = place_of(data_dir)
    with explained(place):
        make_data_dir(place.data_dir)
        with place.locked():
            for pause in (0.1, 0.2, 0.4, 0.8, None):
                server = _find_server(place) or _start(place)
                try:
                    return _await_answer(place, server, seconds=seconds).url()
                except StartFailed:
                    # It may have been killed while we waited; one that dies by itself dies each time.
                    if is_alive(server) or pause is None:
                        raise
                    time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def connection_url(data_dir: Path) -> str:
    """Give the SQLAlchemy URL of the server of `data_dir`, which need not run yet. Reads one small file.

    Raises PasswordLost, or FolderUnusable when the data folder can neither be read nor made.
    """
    place = place_of(data_dir)
    with explained(place):
        make_data_dir(place.data_dir)
        return place.access().url()


def is_running(data_dir: Path) -> bool:
    """Whether the server of `data_dir` lives; it may still be starting."""
    return server_pid(data_dir) is not None


def server_pid(data_dir: Path) -> int | None:
    """Give the pid of the server of `data_dir`; None when it does not live."""
    server = _find_server(place_of(data_dir))
    return server.pid if server else None


def stop(data_dir: Path, *, mode: StopMode = "fast") -> None:
    """Stop the server of `data_dir` and wait until it has gone; nothing happens when none runs.

    `smart` waits for clients to leave, `fast` sends them away, `immediate` kills (the next start recovers). Raises StopFailed.
    """
    place = place_of(data_dir)
    if _find_server(place) is None:
        return
    with explained(place), place.locked():
        server = _find_server(place)
        if server is None:
            return
        folder = _socket_folder_in_use(place)
        send(server, _STOP_SIGNALS[mode])
        if not wait_gone(server, seconds=STOP_SECONDS):
            raise StopFailed(f"PostgreSQL (pid {server.pid}) has not stopped within {STOP_SECONDS} seconds. See {place.log}.")
        if folder != place.folder:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _find_server(place: Place) -> Process | None:
    """Give the living server: the noted pid counts only when that process works in this very database."""
    noted = _noted(place)
    server = find(int(noted[0])) if noted and noted[0].isdigit() else None
    return server if server and works_in(server, place.data, program="postgres") else None


def _noted(place: Place) -> list[str]:
    """Give the lines of the server's own note: pid, folder, start, port, socket folder, address, memory, state."""
    try:
        return [line.strip() for line in place.pid_file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _socket_folder_in_use(place: Place) -> Path:
    noted = _noted(place)
    return Path(noted[4]) if len(noted) > 4 and noted[4] else place.socket_folder()


def _start(place: Place) -> Process:
    owner = owner_of(place)
    password = place.access().password
    _clear_remains(place)
    way, in_place = choose_way(place.data_dir, owner=owner, program=locate() / "bin" / "postgres")
    prepare_folder(place, way)
    programs = prepare_programs(place, way, in_place=in_place)
    prepare_socket_folder(place, way)
    initialise(place, way, programs=programs, password=password)
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = (f"{programs}/postgres", "-D", str(place.data), "-c", f'unix_socket_directories="{place.socket_folder()}"', *settings)
    with open_log(place.data_dir, "postgres") as log:
        launched = subprocess.run(  # noqa: S603 - our own programs
            way.command(*command, detach=True),
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
        )
    pid = int(launched.stdout) if launched.stdout.isdigit() else 0
    return find(pid) or Process(pid, 0)


def _clear_remains(place: Place) -> None:
    """Clear what a killed server left: its children, which hold its memory, and a note whose pid is another process by now."""
    for orphan in working_in(place.data, program="postgres"):
        send(orphan, signal.SIGKILL)
        wait_gone(orphan, seconds=10)
    noted = _noted(place)
    # The note of a pid that is free is left to PostgreSQL, which also looks for the old server's memory by it. Of a pid in use
    # (a dead process that nobody has fetched counts, too) PostgreSQL would believe that the server still runs.
    # An empty note, left by a full disk, stops it as well.
    if not noted or os.path.exists(f"/proc/{noted[0]}"):
        place.pid_file.unlink(missing_ok=True)


def _await_answer(place: Place, server: Process, *, seconds: float) -> Access:
    """Wait until the server answers a question, and give what a client needs for that.

    It may have to replay first. Raises NotReady after `seconds`, StartFailed when it dies, PasswordLost.
    """
    deadline = time.monotonic() + seconds
    while True:
        if _says_ready(place, server):
            access = Access(place.access().password, _socket_folder_in_use(place))
            if access != place.access():
                place.keep(access, replace=True)
            try:
                ensure_database(access)
            except StartFailed as refusal:
                if not is_alive(server):
                    raise
                if time.monotonic() > deadline:
                    raise NotReady(str(refusal)) from refusal
            else:
                return access
        elif not is_alive(server):
            # Of two, started because a starter was killed at the wrong moment, the other may have won.
            server = _find_server(place) or server
            if not is_alive(server):
                raise StartFailed(
                    f"PostgreSQL did not start in {place.data}. The last lines of {place.log}:\n{last_lines(place.log)}"
                )
        elif time.monotonic() > deadline:
            raise NotReady(f"PostgreSQL (pid {server.pid}) is not ready after {seconds:.0f} seconds. See {place.log}.")
        time.sleep(0.02)


def _says_ready(place: Place, server: Process) -> bool:
    noted = _noted(place)
    return len(noted) > 7 and noted[0] == str(server.pid) and noted[7] == "ready"
