"""Keeps the calendar as this process last read it, for at most half a minute, so that intake need not ask each time."""

from dataclasses import dataclass, field
from datetime import date, time
from time import monotonic
from typing import cast

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.core.database import db
from app.territory.calendar.models import CalendarDay, CalendarYear, WorkingHours
from app.territory.calendar.rules import (
    DUTY_SEASONS,
    WORK_SEASONS,
    Calendar,
    DayKind,
    Hours,
    Purpose,
    Season,
    Span,
    by_precedence,
)

KEPT_SECONDS = 30.0
WRITTEN = "calendar_written"
"""Key in `session.info`: this session changed the calendar, so what it reads is not yet everybody's and is kept there."""

Tables = dict[tuple[int | None, Purpose], tuple[Season, ...]]


@dataclass(frozen=True)
class _Read:
    """The tables as read."""

    days: dict[date, DayKind]
    confirmed: frozenset[int]
    tables: Tables

    def hours(self, unit_id: int | None) -> Hours:
        """Give a unit's hours: its own seasons, then the county's, then the defaults."""
        work = self._seasons(unit_id, Purpose.WORK) + WORK_SEASONS
        duty = self._seasons(unit_id, Purpose.DUTY) + DUTY_SEASONS
        return Hours(work, duty)

    def _seasons(self, unit_id: int | None, purpose: Purpose) -> tuple[Season, ...]:
        """Give the seasons of a purpose in order of precedence."""
        county = self.tables.get((None, purpose), ())
        return county if unit_id is None else self.tables.get((unit_id, purpose), ()) + county

    def calendar(self, unit_id: int | None) -> Calendar:
        """Make the calendar of a unit."""
        return Calendar(self.days, self.confirmed, self.hours(unit_id))


@dataclass
class _Kept:
    """What is kept in the process: the tables, when they were read, and the calendars made of them.

    Units that keep the same hours share one calendar, and with it the years that it has laid out.
    """

    read: _Read
    at: float
    by_unit: dict[int | None, Calendar] = field(default_factory=dict)
    by_hours: dict[Hours, Calendar] = field(default_factory=dict)

    def calendar(self, unit_id: int | None) -> Calendar:
        """Give the calendar of a unit, made at the first call."""
        found = self.by_unit.get(unit_id)
        if found is None:
            fresh = self.read.calendar(unit_id)
            found = self.by_unit[unit_id] = self.by_hours.setdefault(fresh.hours, fresh)
        return found


_kept: list[_Kept] = []
"""Nothing or one: what this process keeps."""


def load_calendar(unit_id: int | None = None) -> Calendar:
    """Give the calendar of a unit, or the county's; three small statements at most every 30 seconds, otherwise none.

    A session that has written the calendar reads its own writing, and keeps nothing of it for others.
    """
    own = db.session.info
    if WRITTEN in own:
        own[WRITTEN] = own[WRITTEN] or _Kept(_read(), monotonic())
        return cast(_Kept, own[WRITTEN]).calendar(unit_id)
    kept = _kept[0] if _kept else None
    if kept is None or monotonic() - kept.at > KEPT_SECONDS:
        read, at = _read(), monotonic()
        if kept is not None and kept.read == read:
            kept.at = at
        else:
            kept = _Kept(read, at)
            _kept[:] = [kept]
    return kept.calendar(unit_id)


def forget_calendar() -> None:
    """Make the next `load_calendar` of this process read the tables again."""
    _kept.clear()


def mark_written() -> None:
    """Let this session read its own calendar afresh until it commits or rolls back; every writer calls it before writing."""
    db.session.info[WRITTEN] = None


@event.listens_for(db.session, "after_commit")
@event.listens_for(db.session, "after_rollback")
def _settle(session: Session) -> None:
    """Go back to the kept calendar, without what was kept before the change."""
    if WRITTEN in session.info:
        del session.info[WRITTEN]
        forget_calendar()


def _read() -> _Read:
    """Read the three tables."""
    days = dict(db.session.execute(select(CalendarDay.date, CalendarDay.kind)).all())
    confirmed = frozenset(db.session.scalars(select(CalendarYear.year).where(CalendarYear.confirmed)))
    seasons: dict[tuple[int | None, Purpose], list[Season]] = {}
    columns = (WorkingHours.from_month, WorkingHours.from_day, WorkingHours.to_month, WorkingHours.to_day, WorkingHours.spans)
    for unit_id, purpose, from_month, from_day, to_month, to_day, spans in db.session.execute(
        select(WorkingHours.unit_id, WorkingHours.purpose, *columns)
    ):
        read_spans = tuple(Span(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans)
        seasons.setdefault((unit_id, purpose), []).append(Season((from_month, from_day), (to_month, to_day), read_spans))
    return _Read(days, confirmed, {key: by_precedence(held) for key, held in seasons.items()})
