"""Keeps the jobs of visits: planning them, and taking lists of people in, whose dead must be visited no more."""

from collections.abc import Callable
from datetime import timedelta

from app.core.jobs import job
from app.core.stamp import Stamp
from app.people.roster.lists.desk_imports import take_in_rosters
from app.visits.leaving import follow_list
from app.visits.planning import Planned, plan_visits


@job("plan-visits", every=timedelta(hours=1))
def plan(stamps: Callable[[], Stamp]) -> Planned:
    """Make the tasks of the period that runs, and end those whose cause has gone."""
    return plan_visits(stamps)


@job("take-in-rosters", every=timedelta(seconds=10))
def take_in(stamps: Callable[[], Stamp]) -> int:
    """Take in the lists that wait at the desk; what was planned for whoever they take off the roster stops with them."""
    return take_in_rosters(stamps, follow=follow_list)
