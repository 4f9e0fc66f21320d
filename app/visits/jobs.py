"""Keeps the jobs of visits: planning them, taking lists of people in, whose dead must be visited no more, and writing lists."""

from collections.abc import Callable
from datetime import timedelta

from app.core.jobs import job
from app.core.stamp import Stamp
from app.people.roster.lists.desk_imports import take_in_rosters
from app.people.roster.lists.exports import write_lists, write_roster
from app.people.roster.lists.models import Profiled
from app.visits.exporting import write_visits
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


@job("write-lists", every=timedelta(seconds=10))
def write(stamps: Callable[[], Stamp]) -> int:
    """Write the lists of people and of visits that were asked for, and let go of those that were kept for a day."""
    return write_lists(stamps, {Profiled.ROSTER: write_roster, Profiled.VISITS: write_visits})
