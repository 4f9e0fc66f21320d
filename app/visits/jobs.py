"""Keeps the job that plans visits."""

from collections.abc import Callable
from datetime import timedelta

from app.core.jobs import job
from app.core.stamp import Stamp
from app.visits.planning import Planned, plan_visits


@job("plan-visits", every=timedelta(hours=1))
def plan(stamps: Callable[[], Stamp]) -> Planned:
    """Make the tasks of the period that runs, and end those whose cause has gone."""
    return plan_visits(stamps)
