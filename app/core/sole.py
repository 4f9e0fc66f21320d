"""Keeps that only one process looks after a data folder, and how a newcomer with the same settings takes over from it."""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from app.core.processes import Process, find, send

HAND_OVER = signal.SIGUSR1
"""Asks the holder to end and leave its children to the newcomer."""

HAND_OVER_SECONDS = 30


class Held(Exception):
    """Another process looks after this data folder and does not hand over; the sentence says what to do."""


@contextlib.contextmanager
def sole_holder(note: Path, *, settings: str) -> Iterator[None]:
    """Be the only one who holds `note`; a holder that noted the same `settings` is asked to hand over. Raises Held."""
    with os.fdopen(os.open(note, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        deadline = time.monotonic() + HAND_OVER_SECONDS
        while not _take(file.fileno()):
            file.seek(0)
            _ask_to_hand_over(file.read(), settings=settings)
            if time.monotonic() > deadline:
                raise Held(f"The process that holds {note} does not hand over within {HAND_OVER_SECONDS} seconds.")
            time.sleep(0.2)
        me = find(os.getpid()) or Process(os.getpid(), 0)
        file.truncate(0)
        file.seek(0)
        json.dump({"pid": me.pid, "started": me.started, "settings": settings}, file)
        file.flush()
        yield


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ask_to_hand_over(noted: str, *, settings: str) -> None:
    try:
        holder = json.loads(noted)
    except ValueError:
        return  # it is just writing its note
    if holder["settings"] != settings:
        raise Held(
            f"Minhu already runs from this DATA_DIR with other settings (pid {holder['pid']}). "
            f"Stop it first (kill {holder['pid']}), or set DATA_DIR to another folder."
        )
    send(Process(holder["pid"], holder["started"]), HAND_OVER)
