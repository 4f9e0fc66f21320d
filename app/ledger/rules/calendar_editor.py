"""Keeps the editing of the working calendar by hand: single days and hours, each change on record. Running clocks stay.

Only clocks that wait for an unpublished year are worked out anew, by the job that does so every hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.ledger.dispatching.eligible import UnknownUnit
from app.ledger.rules.policy_changes import begin_change, check_reader, note_change
from app.ledger.vocabulary import Rule
from app.territory.calendar.commands import import_year, set_day, set_hours
from app.territory.calendar.models import CalendarDay, CalendarYear, WorkingHours
from app.territory.calendar.rules import DayKind, Purpose, Season, Span
from app.territory.models import Unit

FIRST_YEAR, LAST_YEAR = 2000, 2100


class DayUnfit(Invalid):
    """日期有误"""


@dataclass(frozen=True, kw_only=True)
class YearView:
    """A year of the calendar: whether its holidays are published, and the days that differ from Monday to Friday or are named."""

    year: int
    confirmed: bool
    source: str | None
    days: Sequence[CalendarDay]


@dataclass(frozen=True, kw_only=True)
class SeasonView:
    """The hours kept from one day of the year to another, both as `MM-DD`; spans are pairs of `HH:MM`."""

    first: str
    last: str
    spans: list[list[str]]


@dataclass(frozen=True, kw_only=True)
class HoursView:
    """The hours of a unit, or of the county where it has none of its own; none at all: the product's own hold."""

    unit: str | None
    purpose: Purpose
    seasons: list[SeasonView]


def year_view(stamp: Stamp, year: int) -> YearView:
    """Give a year of the calendar. Raises DayUnfit, RulesAreTheAdministrators."""
    check_reader(stamp)
    _check_year(year)
    known = db.session.get(CalendarYear, year)
    days = select(CalendarDay).where(CalendarDay.date.between(date(year, 1, 1), date(year, 12, 31))).order_by(CalendarDay.date)
    return YearView(
        year=year,
        confirmed=known is not None and known.confirmed,
        source=known.source if known is not None else None,
        days=db.session.scalars(days).all(),
    )


def put_day(stamp: Stamp, day: date | str, *, kind: DayKind, source: str, note: str = "") -> CalendarDay:
    """Write what a day (or `YYYY-MM-DD`) is, by hand; `source` says on whose word.

    Raises DayUnfit, WrongCalendar, RulesAreTheAdministrators.
    """
    begin_change(stamp, source)
    try:
        day = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        raise DayUnfit(f"“{day}”不是日期，应写成 2027-02-14 这样") from None
    _check_year(day.year)
    row = db.session.get(CalendarDay, day)
    before = None if row is None else _plain_day(row)
    set_day(stamp, day, kind, source, note=note)
    row = db.session.get_one(CalendarDay, day, populate_existing=True)
    if _plain_day(row) != before:
        note_change(stamp, Rule.CALENDAR_DAY, day.isoformat(), before=before, after=_plain_day(row), reason=source)
    return row


def put_year(stamp: Stamp, year: int, days: Mapping[date, DayKind], source: str) -> list[date]:
    """Write a published notice as `import_year` does, on record; gives the days whose kind changed."""
    begin_change(stamp, source)
    changed = import_year(stamp, year, days, source)
    told = {day.isoformat(): kind.value for day, kind in sorted(days.items())}
    note_change(stamp, Rule.CALENDAR_YEAR, str(year), before=None, after=told, reason=source)
    return changed


def hours_list(stamp: Stamp, *, unit: str | None = None) -> list[HoursView]:
    """Give the hours of work and of duty of a unit by code, or of the county. Raises UnknownUnit, RulesAreTheAdministrators."""
    check_reader(stamp)
    return [_hours(unit, _unit_id(unit), purpose) for purpose in Purpose]


def put_hours(
    stamp: Stamp, *, purpose: Purpose, seasons: Sequence[Mapping[str, Any]], reason: str, unit: str | None = None
) -> HoursView:
    """Replace the hours of a unit or of the county; no seasons give a unit the county's, the county the product's own.

    A season has `first` and `last` (`MM-DD`) and `spans`, pairs of `HH:MM`. Raises WrongHours, WrongCalendar, UnknownUnit,
    RulesAreTheAdministrators, ReasonNeeded.
    """
    begin_change(stamp, reason)
    unit_id = _unit_id(unit)
    before = _plain_hours(_hours(unit, unit_id, purpose))
    set_hours(stamp, purpose, [_season(each) for each in seasons], unit_id=unit_id)
    fresh = _hours(unit, unit_id, purpose)
    if _plain_hours(fresh) != before:
        key = f"{unit or ''}:{purpose}"
        note_change(stamp, Rule.WORKING_HOURS, key, before=before, after=_plain_hours(fresh), reason=reason)
    return fresh


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise DayUnfit(f"年份应在 {FIRST_YEAR} 到 {LAST_YEAR} 之间")


def _unit_id(code: str | None) -> int | None:
    if code is None:
        return None
    unit_id = db.session.scalars(select(Unit.id).where(Unit.code == code)).first()
    if unit_id is None:
        raise UnknownUnit(errors={"unit": ["没有这个单位"]})
    return unit_id


def _season(given: Mapping[str, Any]) -> Season:
    first, last = (_month_day(given[name]) for name in ("first", "last"))
    return Season(
        first, last, tuple(Span(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in given["spans"])
    )


def _month_day(words: str) -> tuple[int, int]:
    month, _, day = words.partition("-")
    return int(month), int(day)


def _hours(unit: str | None, unit_id: int | None, purpose: Purpose) -> HoursView:
    own = WorkingHours.unit_id.is_(None) if unit_id is None else WorkingHours.unit_id == unit_id
    query = select(WorkingHours).where(own, WorkingHours.purpose == purpose)
    rows = db.session.scalars(query.order_by(WorkingHours.from_month, WorkingHours.from_day))
    seasons = [
        SeasonView(
            first=f"{row.from_month:02}-{row.from_day:02}",
            last=f"{row.to_month:02}-{row.to_day:02}",
            spans=[list(span) for span in row.spans],
        )
        for row in rows
    ]
    return HoursView(unit=unit, purpose=purpose, seasons=seasons)


def _plain_hours(hours: HoursView) -> list[dict[str, Any]]:
    return [{"first": each.first, "last": each.last, "spans": each.spans} for each in hours.seasons]


def _plain_day(row: CalendarDay) -> dict[str, Any]:
    return {"kind": row.kind.value, "source": row.source, "note": row.note}
