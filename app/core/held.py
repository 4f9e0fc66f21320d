"""Keeps snapshots of slow-changing tables for a few seconds a process, so that hot paths need no query for them."""

from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")

SECONDS = 30.0
"""How long another process's change may stay unseen."""

_ALL: list["Held[object]"] = []


class Held(Generic[T]):
    """A value loaded on first use and again when it is older than SECONDS."""

    def __init__(self, load: Callable[[], T], *, still: Callable[[T], bool] | None = None, seconds: float = SECONDS) -> None:
        """Hold what `load` gives for some seconds; `still` says cheaply whether a value that is too old would be loaded again."""
        self._load = load
        self._still = still
        self._seconds = seconds
        self._value: T | None = None
        self._until = 0.0
        _ALL.append(self)  # type: ignore[arg-type]

    def __call__(self) -> T:
        """Give the value, loading it when there is none or it is too old."""
        now = monotonic()
        value = self._value
        if value is None or now >= self._until:
            if value is None or self._still is None or not self._still(value):
                value = self._load()
            self._value, self._until = value, now + self._seconds
        return value

    def forget(self) -> None:
        """Load anew at the next use."""
        self._value = None


def forget_all() -> None:
    """Forget every held value of this process; for whoever has just changed what they are made of."""
    for held in _ALL:
        held.forget()
