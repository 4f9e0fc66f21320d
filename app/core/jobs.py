"""Keeps the list of jobs: each declared once with its period, run by the scheduler process, harmless when run twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import Clock
from app.core.database import Base, db
from app.core.stamp import SYSTEM, Door, Role, Stamp

Work = Callable[[Callable[[], Stamp]], object]
"""A job gets a function that makes a fresh system stamp for each batch."""


@dataclass(frozen=True)
class Job:
    """A named piece of work and how often it runs."""

    name: str
    every: timedelta
    work: Work


JOBS: dict[str, Job] = {}


def job(name: str, *, every: timedelta) -> Callable[[Work], Work]:
    """Declare a job; a name stands once."""

    def declare(work: Work) -> Work:
        if name in JOBS:
            raise ValueError(f"job {name} is declared twice")
        JOBS[name] = Job(name, every, work)
        return work

    return declare


def system_stamps(clock: Clock) -> Callable[[], Stamp]:
    """Give a maker of stamps of the system acting in a job, at the clock's time."""
    return lambda: Stamp(SYSTEM, Role.SYSTEM, clock(), Door.JOB)


class JobRun(Base):
    """The last run of each job, whichever process did it: the scheduler's heartbeat."""

    __tablename__ = "job_run"

    name: Mapped[str] = mapped_column(primary_key=True)
    process: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]


def note_run(name: str, *, process: str, started_at: datetime, finished_at: datetime | None, error: str | None) -> None:
    """Write down that a job began or ended."""
    values = {"process": process, "started_at": started_at, "finished_at": finished_at, "error": error}
    change = insert(JobRun).values(name=name, **values)
    db.session.execute(change.on_conflict_do_update(index_elements=[JobRun.name], set_=values))


def heartbeat() -> datetime | None:
    """Give when any job last finished; None when none ever did."""
    return db.session.scalar(select(func.max(JobRun.finished_at)))
