"""Keeps where everything of one data folder stands: the database, its lock, its log, its socket and the password."""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.core.data_dir import belong, log_file
from app.core.postgres.errors import Busy, FolderUnusable, PasswordLost

ROLE = DATABASE = "minhu"
PORT = 5432
"""Names the socket file only: no network port is ever opened."""

SOCKET_LIMIT = 100
"""Bytes of a socket's path that every system takes (Linux takes 107)."""


@dataclass(frozen=True)
class Access:
    """What a client needs: the password, and the folder in which the socket stands."""

    password: str
    socket_folder: Path

    def url(self) -> str:
        """Give the SQLAlchemy URL."""
        return (
            f"postgresql+psycopg://{ROLE}:{self.password}@/{DATABASE}?host={quote(str(self.socket_folder), safe='/')}&port={PORT}"
        )


@dataclass(frozen=True)
class Place:
    """The files of one data folder. `folder` is PostgreSQL's own; all else belongs to whoever owns the data folder."""

    data_dir: Path

    @property
    def folder(self) -> Path:
        """PostgreSQL's own folder, mode 700."""
        return self.data_dir / "postgres"

    @property
    def data(self) -> Path:
        """The database cluster."""
        return self.folder / "data"

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's note of its pid, its socket's folder and its state."""
        return self.data / "postmaster.pid"

    @property
    def log(self) -> Path:
        """What the server says."""
        return log_file(self.data_dir, "postgres")

    @property
    def access_file(self) -> Path:
        """The clients' file, mode 600: password and socket folder."""
        return self.data_dir / "postgres-access.json"

    def socket_folder(self) -> Path:
        """Give the folder for the socket: PostgreSQL's own if its path is short enough, else a private one for temporary files."""
        if _fits(self.folder):
            return self.folder
        name = f"minhu-{hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]}"
        private = Path(tempfile.gettempdir()) / name
        return private if _fits(private) else Path("/tmp") / name  # noqa: S108 - checked before use

    def access(self) -> Access:
        """Give what a client needs, making the password when there is neither one nor a database. Raises PasswordLost."""
        try:
            kept = json.loads(self.access_file.read_text(encoding="utf-8"))
            return Access(kept["password"], Path(kept["socket_folder"]))
        except FileNotFoundError:
            if (self.data / "PG_VERSION").exists():
                raise PasswordLost(
                    f"The database in {self.data} is there, but the file with its password, {self.access_file}, is missing. "
                    f"Bring that file back from a backup; or move {self.folder} away to begin with an empty database."
                ) from None
        except (ValueError, KeyError, TypeError) as broken:
            raise PasswordLost(
                f"{self.access_file} is not readable as JSON with password and socket_folder ({broken})."
            ) from broken
        self.keep(Access(secrets.token_urlsafe(32), self.socket_folder()), replace=False)
        return self.access()

    def keep(self, access: Access, *, replace: bool) -> None:
        """Write the clients' file whole or not at all; without `replace` the one who writes first wins."""
        handle, name = tempfile.mkstemp(dir=self.data_dir, prefix=".postgres-access-")
        belong(handle, self.data_dir)
        with os.fdopen(handle, "w", encoding="utf-8") as fresh:
            json.dump({"password": access.password, "socket_folder": str(access.socket_folder)}, fresh)
            fresh.flush()
            os.fsync(fresh.fileno())
        try:
            if replace:
                os.replace(name, self.access_file)
            else:
                with contextlib.suppress(FileExistsError):
                    os.link(name, self.access_file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)

    @contextlib.contextmanager
    def locked(self, *, seconds: float = 120) -> Iterator[None]:
        """Be the only one who starts or stops this server. Raises Busy after `seconds`."""
        handle = os.open(self.data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            belong(handle, self.data_dir)
            deadline = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Busy(
                            f"Another process has been starting or stopping PostgreSQL in {self.data_dir} for {seconds:.0f} s."
                        ) from None
                    time.sleep(0.05)
            yield
        finally:
            os.close(handle)


def place_of(data_dir: Path) -> Place:
    """Give the place for a data folder, by its real path so that two names of one folder mean one server."""
    return Place(Path(os.path.realpath(data_dir)))


@contextlib.contextmanager
def explained(place: Place) -> Iterator[None]:
    """Turn what the system refuses below the data folder into FolderUnusable."""
    try:
        yield
    except OSError as refusal:
        raise FolderUnusable(
            f"DATA_DIR {place.data_dir} cannot be used: {refusal.strerror} ({refusal.filename or 'no file named'}). "
            "It must belong to the user who runs Minhu, on a disk with room; set DATA_DIR to another folder if need be."
        ) from refusal


def _fits(folder: Path) -> bool:
    # A comma or a quotation mark would end a folder's name in PostgreSQL's list of socket folders.
    path = folder / f".s.PGSQL.{PORT}"
    return len(os.fsencode(path)) <= SOCKET_LIMIT and not set(str(path)) & {",", '"'}
