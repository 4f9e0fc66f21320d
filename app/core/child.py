"""Keeps one child process alive: adopts the one an earlier parent left, starts it anew when it dies, stops it by its pid."""

import contextlib
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from app.core.data_dir import log_file, make_private, open_log
from app.core.processes import Process, find, group_of, is_alive, read_status, send, wait_gone

NOTE_AND_BECOME = 'read -r status </proc/$$/stat; printf "%s\\n%s\\n" "$status" "$1" >"$0.new"; mv "$0.new" "$0"; shift; exec "$@"'
"""A shell notes itself and becomes the command: were we to note it, a kill in between would leave a child that nobody knows.
The note appears whole or not at all."""

PATIENCE = 5.0
"""Seconds, at most, between a death and the next start."""

SETTLED = 30.0
"""Seconds after which a child counts as having lived, so that its next death is a first one again."""


@dataclass(eq=False)
class Child:
    """One process that should live. Its note in the data folder, `run/NAME.pid`, lets the next parent find it.

    `command` runs in `cwd` with our environment. A child that was left by an earlier parent is adopted when its `fingerprint`
    (settings, code) is the same, and replaced otherwise. `grace` is in seconds, from being asked to stop to being killed.
    """

    name: str
    command: list[str]
    data_dir: Path
    cwd: Path
    fingerprint: str = ""
    grace: float = 15.0
    process: Process | None = None
    _own: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _since: float = 0.0
    _deaths: int = 0
    _not_before: float = 0.0

    @property
    def note(self) -> Path:
        """Where the child is noted."""
        return self.data_dir / "run" / f"{self.name}.pid"

    def adopt(self) -> bool:
        """Take over the child of an earlier parent; one of another fingerprint is stopped. Gives whether one was taken over."""
        try:
            status, _, fingerprint = self.note.read_text(encoding="utf-8").partition("\n")
            self.process, self._since = read_status(status), time.monotonic()
        except (FileNotFoundError, ValueError):
            return False
        if is_alive(self.process) and fingerprint.rstrip("\n") == self.fingerprint:
            return True
        self.stop()
        return False

    def start(self) -> None:
        """Start the child in a session of its own, so that it outlives us when we are killed. Its words go to `log/NAME.log`."""
        make_private(self.note.parent)
        shell = ["/bin/sh", "-c", NOTE_AND_BECOME, str(self.note), self.fingerprint]
        with open_log(self.data_dir, self.name) as log:
            self._own = subprocess.Popen(  # noqa: S603 - our own programs
                [*shell, *self.command], cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.process = find(self._own.pid) or Process(self._own.pid, 0)
        self._since = time.monotonic()

    def is_alive(self) -> bool:
        """Whether the child lives."""
        if self._own is not None:
            return self._own.poll() is None
        return self.process is not None and is_alive(self.process)

    def look_after(self) -> str | None:
        """Start the child when it is dead and its time has come; gives a sentence when a death was found just now."""
        if self.is_alive():
            return None
        found = None
        if self.process is not None:
            now = time.monotonic()
            self._deaths = 1 if now - self._since >= SETTLED else self._deaths + 1
            delay = 0.0 if self._deaths == 1 else min(PATIENCE, 0.25 * 2.0**self._deaths)
            self._not_before = now + delay
            when = f"in {delay:.0f} s" if delay else "now"
            found = (
                f"{self.name} (pid {self.process.pid}) has died and starts again {when}; see {log_file(self.data_dir, self.name)}"
            )
            self._end_group(self.process)
            self.process = self._own = None
        if time.monotonic() >= self._not_before:
            self.start()
        return found

    def ask_to_stop(self) -> None:
        """Ask the child to stop, without waiting for it."""
        if self.process is not None and self.is_alive():
            send(self.process, signal.SIGTERM)

    def stop(self) -> None:
        """Stop the child and whatever it left, at the end of `grace` by force, and forget it."""
        if self.process is not None:
            self.ask_to_stop()
            if not wait_gone(self.process, seconds=self.grace):
                send(self.process, signal.SIGKILL)
            if self._own is not None:
                self._own.wait()
            self._end_group(self.process)
        with contextlib.suppress(FileNotFoundError):
            self.note.unlink()
        self.process = self._own = None

    @staticmethod
    def _end_group(leader: Process) -> None:
        """End the children of a dead child: they may hold its port."""
        left = group_of(leader)
        for process in left:
            send(process, signal.SIGTERM)
        for process in left:
            if not wait_gone(process, seconds=3):
                send(process, signal.SIGKILL)
                wait_gone(process, seconds=1)
