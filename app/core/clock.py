"""Keeps what time it is: the only place that asks the machine, so that all else is told."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The zone of every county (no summer time since 1991); stored times are UTC, told times are in this zone."""

Clock = Callable[[], datetime]
"""A clock is a function that gives an aware datetime in UTC."""


def system_clock() -> datetime:
    """Give the machine's time in UTC."""
    return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still until told to advance; for tests and generated data."""

    def __init__(self, at: datetime) -> None:
        """Stand at `at`, which must be aware."""
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self.at = at.astimezone(UTC)

    def __call__(self) -> datetime:
        """Give the time at which the clock stands."""
        return self.at

    def advance(self, **step: float) -> datetime:
        """Move on by a timedelta given in keywords (hours=3) and give the new time."""
        self.at += timedelta(**step)
        return self.at

    def move_to(self, at: datetime) -> datetime:
        """Move to an aware moment, forwards or backwards, and give it in UTC."""
        self.at = at.astimezone(UTC)
        return self.at


class DevelopmentClock:
    """The machine's clock plus an offset kept in a file, so that a demo's time can be moved for all its processes."""

    def __init__(self, file: Path) -> None:
        """Read the offset (seconds) from `file` at each call; a missing file means none."""
        self.file = file

    def __call__(self) -> datetime:
        """Give the machine's time plus the offset."""
        return system_clock() + timedelta(seconds=self.offset())

    def offset(self) -> float:
        """Give the present offset in seconds."""
        try:
            return float(self.file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return 0.0

    def advance(self, step: timedelta) -> datetime:
        """Move every process that shares the file on by `step`; time never goes back."""
        if step < timedelta(0):
            raise ValueError("a ledger's time does not go back")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(self.offset() + step.total_seconds()), encoding="ascii")
        os.replace(fresh, self.file)
        return self()
