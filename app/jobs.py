"""Keeps every job gathered, and the scheduler process that runs them; any number of such processes may run."""

import logging
import os
import signal
import socket
import threading

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

import app.core.throttle
import app.files.jobs
import app.http.idempotency
import app.ledger.jobs
import app.notices.jobs
import app.people.roster.jobs
import app.people.roster.tags
import app.sync.jobs
import app.visits.jobs  # noqa: F401
from app.core.clock import Clock
from app.core.database import db, transaction
from app.core.jobs import JOBS, Job, note_run, system_stamps

log = logging.getLogger("minhu.jobs")

PROCESS = f"{socket.gethostname()}:{os.getpid()}"


def run_job(app: Flask, job: Job, clock: Clock) -> bool:
    """Run a job once and write down how it went; a failure is logged and told, never raised. Gives whether it went well."""
    with app.app_context():
        started = clock()
        error: str | None = None
        try:
            with transaction():
                note_run(job.name, process=PROCESS, started_at=started, finished_at=None, error=None)
            job.work(system_stamps(clock))
        except Exception as failure:
            error = type(failure).__name__
            log.exception("job %s failed", job.name)
        try:
            with transaction():
                note_run(job.name, process=PROCESS, started_at=started, finished_at=clock(), error=error)
        except Exception:
            log.exception("job %s could not be noted", job.name)
        db.session.remove()
        return error is None


def run_scheduler(app: Flask, clock: Clock) -> None:
    """Run every job at its period until SIGTERM or SIGINT; late runs are made up once, however late."""
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(4)},
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )
    for job in JOBS.values():
        scheduler.add_job(run_job, "interval", seconds=job.every.total_seconds(), args=(app, job, clock), id=job.name)
        scheduler.add_job(run_job, args=(app, job, clock), id=f"{job.name}-at-start")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    scheduler.start()
    log.info("scheduler %s runs %s", PROCESS, ", ".join(JOBS))
    stopped.wait()
    scheduler.shutdown(wait=True)
