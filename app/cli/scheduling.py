"""Keeps the commands that run jobs: the scheduler process, and one job by hand."""

import click
from flask import Flask, current_app

from app.cli.ground import clock, on_the_ledger


@click.command()
@on_the_ledger
def scheduler() -> None:
    """Run every job at its period until SIGTERM; any number of schedulers may run."""
    from app.jobs import run_scheduler  # with APScheduler, which web processes need not load

    run_scheduler(_app(), clock())


@click.group()
def jobs() -> None:
    """Look at the jobs and run one by hand."""


@jobs.command("list")
@on_the_ledger
def list_jobs() -> None:
    """List the jobs with their periods and their last runs."""
    from sqlalchemy import select

    import app.jobs
    from app.core.database import db
    from app.core.jobs import JOBS, JobRun

    assert app.jobs  # whoever imports it has every job declared
    last = {run.name: run for run in db.session.scalars(select(JobRun))}
    for job in JOBS.values():
        run = last.get(job.name)
        told = f"finished {run.finished_at or 'not yet'}, error {run.error or 'none'}, by {run.process}" if run else "never ran"
        click.echo(f"{job.name}  every {job.every}  {told}")


@jobs.command("run")
@click.argument("name")
@on_the_ledger
def run(name: str) -> None:
    """Run the job NAME once, now."""
    from app.core.jobs import JOBS
    from app.jobs import run_job  # whoever imports it has every job declared

    if name not in JOBS:
        raise click.ClickException(f"There is no job “{name}”. Jobs: {', '.join(JOBS)}.")
    if not run_job(_app(), JOBS[name], clock()):
        raise click.ClickException(f"The job “{name}” failed; the log above says why.")
    click.echo(f"The job “{name}” has run.")


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]
