"""Keeps the folder for everything kept on this machine: who owns what is in it, who may enter, and its logs."""

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

LOG_LIMIT = 16 * 1024 * 1024
"""Bytes after which a log file is put aside as `.1` when it is opened next."""


def make_data_dir(data_dir: Path) -> None:
    """Make the data folder when it is missing; one that is there keeps its mode.

    Only its owner may look around in it. Root's may be passed through as well, since PostgreSQL, which refuses root, may have to
    reach its own folder below as another account.
    """
    with contextlib.suppress(FileExistsError):
        data_dir.mkdir(parents=True)
        data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)


def make_private(folder: Path) -> None:
    """Make a folder directly below the data folder that only the data folder's owner may enter."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        belong(folder, folder.parent)


def belong(file: int | Path, folder: Path) -> None:
    """When we are root, give a file (path or descriptor) of our own making to the owner of `folder`, who may start us next time."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def open_log(data_dir: Path, name: str) -> BinaryIO:
    """Open `log/NAME.log` for appending, mode 600; one that has grown past LOG_LIMIT is put aside first."""
    file = log_file(data_dir, name)
    make_private(file.parent)
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_size > LOG_LIMIT:
            file.replace(file.with_name(file.name + ".1"))
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    belong(handle, file.parent)
    return os.fdopen(handle, "ab")


def log_file(data_dir: Path, name: str) -> Path:
    """Give where the log of that name is kept."""
    return data_dir / "log" / f"{name}.log"


def last_lines(file: Path, *, count: int = 12) -> str:
    """Give the last lines of a log, or nothing when there is none."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - 8192))
            return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-count:])
    except OSError:
        return ""
