"""Keeps the bytes of files in a folder of this machine: an object appears whole or not at all, and outlives a power cut."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.data_dir import belong
from app.files.stores import ObjectMissing, StoreAway, StoreFull

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalStore:
    """Objects as files below `root`, in folders by the first letters of their file's name."""

    def __init__(self, root: Path) -> None:
        """Keep objects below `root`, which is made when the first one comes."""
        self.root = root

    def put(self, name: str, part: str, content: bytes) -> None:
        """Write beside, sync, rename, and sync the folders: a crash in between leaves nothing half there."""
        with _told():
            folder = self._make(name)
            fresh = folder / f".{secrets.token_hex(8)}"
            try:
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
                    belong(file.fileno(), self.root)
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(fresh, folder / part)
            except BaseException:
                with contextlib.suppress(OSError):
                    fresh.unlink()
                raise
            for each in (folder, *folder.parents[:3]):
                _sync(each)

    def get(self, name: str, part: str) -> bytes:
        """Read an object."""
        with _told():
            try:
                return (self._folder(name) / part).read_bytes()
            except FileNotFoundError:
                raise ObjectMissing(f"{name}/{part}") from None

    def exists(self, name: str, part: str) -> bool:
        """Look for an object."""
        return (self._folder(name) / part).is_file()

    def delete(self, name: str, *, but: Collection[str] = ()) -> None:
        """Delete a file's objects except `but`, and its folder when nothing stays."""
        folder = self._folder(name)
        with _told():
            if not but:
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(folder)
                return
            with contextlib.suppress(FileNotFoundError):
                for each in folder.iterdir():
                    if each.name not in but:
                        each.unlink(missing_ok=True)

    def _folder(self, name: str) -> Path:
        return self.root / name[:2] / name[2:4] / name

    def _make(self, name: str) -> Path:
        folder = self._folder(name)
        for each in (self.root, folder.parents[1], folder.parent, folder):
            with contextlib.suppress(FileExistsError):
                each.mkdir(mode=0o700, parents=each == self.root)
                belong(each, each.parent)
        return folder


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told() -> Iterator[None]:
    """Tell the machine's errors as ours: full, or away."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull from error
        raise StoreAway from error
