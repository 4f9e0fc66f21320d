"""Keeps where the duty roster has gaps: spans ahead in which nobody is on duty, and which rest days lie in them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.core.clock import CHINA
from app.core.database import db
from app.core.stamp import Stamp
from app.people.duty.models import OnDuty
from app.people.duty.roster import RosterUnfit, roster
from app.territory.calendar.queries import load_calendar
from app.territory.models import Unit


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A span in which nobody is on duty; `rest_days` are the weekends and holidays that it touches."""

    starts_at: datetime
    until: datetime
    rest_days: list[date]


def roster_gaps(stamp: Stamp, *, unit_id: int, what: OnDuty = OnDuty.HEAD, days: int = 31) -> list[Gap]:
    """Give the gaps of a unit's roster from now on for some days, in their order; raises RosterUnfit for an unknown unit."""
    if db.session.get(Unit, unit_id) is None:
        raise RosterUnfit(errors={"unit_id": ["没有这个单位"]})
    covered, end = stamp.at, stamp.at + timedelta(days=days)
    gaps = []
    for span in roster().get((unit_id, what), ()):
        if span.starts_at > covered:
            gaps.append((covered, min(span.starts_at, end)))
        covered = max(covered, span.until)
        if covered >= end:
            break
    if covered < end:
        gaps.append((covered, end))
    return [Gap(starts_at=since, until=until, rest_days=_rest_days(unit_id, since, until)) for since, until in gaps]


def _rest_days(unit_id: int, since: datetime, until: datetime) -> list[date]:
    first = since.astimezone(CHINA).date()
    last = (until - timedelta(microseconds=1)).astimezone(CHINA).date()
    calendar = load_calendar(unit_id)
    days = (first + timedelta(days=day) for day in range((last - first).days + 1))
    return [day for day in days if not calendar.is_working(day)]
