"""Keeps the one place where the bytes of files lie: what a store can do, and the store of this process.

What is handed to a store is sealed already, and names are of our own making. Objects lie below the name of their file, so that
all of one file's can be found and deleted, also those that a killed process has left.
"""

from collections.abc import Collection
from typing import Protocol

from app.core.errors import Refusal


class StoreAway(Refusal):
    """附件存储暂时不可用，请稍后再试"""

    status = 503
    retry_after = 5


class StoreFull(Refusal):
    """附件存储空间已满，请联系管理员"""

    status = 507


class ObjectMissing(Exception):
    """The store does not hold an object."""


class Store(Protocol):
    """Holds objects by file name and part; each method raises StoreAway when the store cannot answer now."""

    def put(self, name: str, part: str, content: bytes) -> None:
        """Hold an object, whole and for good when this returns, in place of an earlier one. Raises StoreFull."""

    def get(self, name: str, part: str) -> bytes:
        """Give an object; raises ObjectMissing."""

    def exists(self, name: str, part: str) -> bool:
        """Say whether an object is held."""

    def delete(self, name: str, *, but: Collection[str] = ()) -> None:
        """Delete all objects of a file except the parts named; what is not there is no error."""


_store: list[Store] = []


def use_store(store: Store) -> None:
    """Set the store of this process."""
    _store[:] = [store]


def store() -> Store:
    """Give the store of this process; raises StoreAway when none was set."""
    if not _store:
        raise StoreAway
    return _store[0]
