"""Keeps how often something may be tried under one name or from one address; the counts stay even when the answer is no."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request

from app.core.crypto import keyring
from app.core.database import transaction
from app.core.errors import TooMany
from app.core.throttle import count_try


@dataclass(frozen=True)
class Limit:
    """At most so many tries in a window that opens with the first one; `name` tells one limit's counts from another's."""

    name: str
    most: int
    window: timedelta


def count_tries(at: datetime, *tries: tuple[Limit, str]) -> None:
    """Count one try against each (limit, what it counts by) in a transaction of its own; raises TooMany once it is stored.

    What is counted by is stored as a blind index only: neither address nor case number can be read from the counts.
    """
    refusals = []
    with transaction():
        for limit, by in sorted(tries, key=lambda each: each[0].name):
            try:
                key = f"{limit.name}:{keyring().blind(by, field=limit.name).hex()}"
                count_try(key, at, most=limit.most, window=limit.window)
            except TooMany as refusal:
                refusals.append(refusal)
    if refusals:
        raise max(refusals, key=lambda refusal: refusal.retry_after)


def address() -> str:
    """Give the address that the running request came from."""
    return request.remote_addr or "unknown"
