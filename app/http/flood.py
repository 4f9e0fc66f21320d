"""Keeps floods of reports out before they cost anything: tries are counted in this process's memory, in buckets that refill.

This holds in each web process by itself and is forgotten at a restart: with two processes up to twice the limit passes. The limits
of sign-in and claim codes (`http.limits`) hold across processes. A person is counted by session, hashed, never stored: the same
for a named and an anonymous report, so nothing ties the count to who it is.
"""

import hashlib
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from flask import current_app, request

from app.core.errors import TooMany
from app.http.auth import now_clock
from app.http.limits import address

WINDOW = timedelta(minutes=10)
BUCKETS = 20_000
"""So many persons or addresses are remembered at most; the longest unheard is forgotten first, some hundred bytes each."""


class Buckets:
    """For each key, what is left of `most` tries; a bucket refills evenly over ten minutes. With `most` 0 nothing is counted."""

    def __init__(self, most: int, *, size: int = BUCKETS) -> None:
        """Start with every bucket full; remember at most `size` keys."""
        self._most = most
        self._size = size
        self._rate = most / WINDOW.total_seconds()
        self._lock = threading.Lock()
        self._left: OrderedDict[bytes, tuple[float, datetime]] = OrderedDict()

    def take(self, key: bytes, at: datetime) -> None:
        """Take one try out of a key's bucket; raises TooMany when it is empty, which takes nothing."""
        if self._most <= 0:
            return
        with self._lock:
            left, since = self._left.pop(key, (float(self._most), at))
            left = min(self._most, left + max(0.0, (at - since).total_seconds()) * self._rate)
            taken = left >= 1
            self._left[key] = (left - 1 if taken else left, at)
            if len(self._left) > self._size:
                self._left.popitem(last=False)
        if not taken:
            raise TooMany(retry_after=int((1 - left) / self._rate) + 1)

    def __len__(self) -> int:
        """Give how many keys are remembered."""
        return len(self._left)


class Flood:
    """The buckets of one process: by person and by address."""

    def __init__(self, *, person: int, address: int) -> None:
        """Let so many tries through in ten minutes; 0 lets all through."""
        self.persons = Buckets(person)
        self.addresses = Buckets(address)


def count_writes() -> None:
    """Count the running request, if it writes, against its address and its session; raises TooMany."""
    if request.method != "POST":
        return
    flood: Flood = current_app.extensions["minhu"].flood
    at = now_clock()()
    flood.addresses.take(address().encode(), at)
    token = request.headers.get("Authorization", "").partition(" ")[2].strip()
    if token:  # without one, the door refuses anyway
        flood.persons.take(hashlib.sha256(token.encode()).digest(), at)
