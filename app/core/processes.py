"""Keeps which process is which: a pid alone is reused by others, a pid with its start time is not (Linux, /proc)."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process: its pid and the clock tick, counted from the machine's start, at which it began."""

    pid: int
    started: int


def find(pid: int) -> Process | None:
    """Give the living process that has this pid now; None when there is none, or only an unreaped dead one."""
    status = _status(pid)
    if status is None or status[0] in {"Z", "X"}:
        return None
    return Process(pid, int(status[19]))


def read_status(line: str) -> Process:
    """Give the process that a line copied from its /proc/<pid>/stat tells of. Raises ValueError when it is no such line."""
    pid, status = line.partition(" ")[0], line.rpartition(")")[2].split()
    if len(status) < 20:
        raise ValueError("not a line of /proc/<pid>/stat")
    return Process(int(pid), int(status[19]))


def is_alive(process: Process) -> bool:
    """Whether this very process still runs."""
    return find(process.pid) == process


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal to this very process; a process that has gone is no error."""
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def wait_gone(process: Process, *, seconds: float) -> bool:
    """Wait until the process has gone, at most `seconds`; gives whether it has."""
    deadline = time.monotonic() + seconds
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def works_in(process: Process, folder: Path, *, program: str) -> bool:
    """Whether the process runs `program` (an executable's file name) with `folder` as its working folder, moved or not."""
    try:
        running = Path(os.readlink(f"/proc/{process.pid}/exe").removesuffix(" (deleted)")).name
        return running == program and os.path.samestat(os.stat(f"/proc/{process.pid}/cwd"), folder.stat())
    except OSError:
        return False


def working_in(folder: Path, *, program: str) -> list[Process]:
    """Give every living process of `program` that has `folder` as its working folder."""
    return [process for process in _all() if works_in(process, folder, program=program)]


def group_of(leader: Process) -> list[Process]:
    """Give the living processes of the group that `leader` founded, also when it has died itself."""
    present = find(leader.pid)
    if present is not None and present != leader:
        return []
    return [process for process in _all() if (status := _status(process.pid)) and int(status[2]) == leader.pid]


def _all() -> list[Process]:
    return [process for name in os.listdir("/proc") if name.isdigit() and (process := find(int(name)))]


def _status(pid: int) -> list[str] | None:
    """Give the fields of /proc/<pid>/stat after the name: state first, then parent, group, …; the start is the twentieth."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
