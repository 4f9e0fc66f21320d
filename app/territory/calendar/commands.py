"""Keeps who may write the calendar: the seed from the package, notices as they are published, and an administrator's hand."""

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.territory.calendar.models import CalendarDay, CalendarYear, WorkingHours
from app.territory.calendar.published import CONFIRMED_YEARS, NOTICES, package_days
from app.territory.calendar.queries import mark_written
from app.territory.calendar.rules import DUTY_SEASONS, WORK_SEASONS, DayKind, Purpose, Season, by_precedence

SEED = "holidays"
"""The source of what the seed wrote; rows of any other source are people's, and the seed leaves them alone."""


class WrongCalendar(Invalid):
    """日历内容有误"""


def seed_calendar(first_year: int, last_year: int) -> int:
    """Write days and years from the `holidays` package, and the default hours where a county has none.

    Gives the number of days and years that changed: 0 when run again. A day, year or table of hours that an
    administrator wrote stays as it is; in an imported year the seed writes nothing.
    """
    mark_written()
    theirs = select(CalendarYear.year).where(CalendarYear.source != SEED)
    years = sorted(set(range(first_year, last_year + 1)) - set(db.session.scalars(theirs)))
    days = {day: said for day, said in package_days(first_year, last_year).items() if day.year in years}
    _seed_hours()
    return _drop_stale_seeds(years, days) + _seed_days(days) + _seed_years(years)


def import_year(stamp: Stamp, year: int, days: Mapping[date, DayKind], source: str) -> list[date]:
    """Write a published notice: the year is confirmed, the seed's guesses and an earlier import of the same source go.

    `days` are the notice's rest days and make-up workdays; they may include late December of the year before, which
    notices for New Year touch. `source` is the notice's name or number. Gives the days whose kind changed, in order, so
    that clocks which reach them can be recomputed. Raises WrongCalendar.
    """
    source = _checked_source(source)
    if days.get(date(year, 1, 1)) is not DayKind.RESTDAY:
        raise WrongCalendar("通知中应包含当年的元旦假期。")
    if any(not date(year - 1, 12, 20) <= day <= date(year, 12, 31) for day in days):
        raise WrongCalendar(f"通知中有不属于{year}年的日期。")
    mark_written()
    before = _kinds(year)
    replaced = and_(func.extract("year", CalendarDay.date) == year, CalendarDay.source.in_([SEED, source]))
    db.session.execute(delete(CalendarDay).where(replaced))
    for day, kind in sorted(days.items()):
        _put_day(stamp, day, kind, source, note="")
    row = {"year": year, "confirmed": True, "source": source, "note": "", **_by(stamp)}
    db.session.execute(insert(CalendarYear).values(row).on_conflict_do_update(index_elements=["year"], set_=row))
    after = _kinds(year)
    return sorted(day for day in before.keys() | after.keys() if before.get(day, _plain(day)) is not after.get(day, _plain(day)))


def set_day(stamp: Stamp, day: date, kind: DayKind, source: str, *, note: str = "") -> bool:
    """Write one day by hand and say whether its kind changed; neither the seed nor another notice's import undoes it.

    Raises WrongCalendar for a source that is empty or the seed's.
    """
    source = _checked_source(source)
    mark_written()
    before = db.session.scalar(select(CalendarDay.kind).where(CalendarDay.date == day)) or _plain(day)
    _put_day(stamp, day, kind, source, note=note)
    return before is not kind


def set_hours(stamp: Stamp, purpose: Purpose, seasons: Iterable[Season], *, unit_id: int | None = None) -> None:
    """Replace the hours of a unit, or of the county where `unit_id` is None; no seasons give the unit the county's hours.

    Of overlapping seasons the shorter speaks; days that none covers follow the county, then the defaults. Raises
    WrongCalendar when two seasons begin on the same day.
    """
    ordered = by_precedence(seasons)
    if len({season.first for season in ordered}) < len(ordered):
        raise WrongCalendar("两个时段不能从同一天开始。")
    mark_written()
    own = WorkingHours.unit_id.is_(None) if unit_id is None else WorkingHours.unit_id == unit_id
    db.session.execute(delete(WorkingHours).where(own, WorkingHours.purpose == purpose))
    rows = [_hours_row(unit_id, purpose, season) | _by(stamp) for season in ordered]
    if rows:
        db.session.execute(insert(WorkingHours).values(rows))


def _seed_days(days: Mapping[date, tuple[DayKind, str]]) -> int:
    """Write the package's days over missing or earlier seeded rows; gives how many changed."""
    if not days:
        return 0
    write = insert(CalendarDay).values(
        [{"date": day, "kind": kind, "source": SEED, "note": note} for day, (kind, note) in sorted(days.items())]
    )
    new = write.excluded
    differs = or_(CalendarDay.kind != new.kind, CalendarDay.note != new.note)
    write = write.on_conflict_do_update(
        index_elements=["date"], set_={"kind": new.kind, "note": new.note}, where=and_(CalendarDay.source == SEED, differs)
    )
    return len(db.session.scalars(write.returning(CalendarDay.date)).all())


def _seed_years(years: list[int]) -> int:
    """Write which years are confirmed by our list of notices; gives how many changed."""
    if not years:
        return 0
    write = insert(CalendarYear).values(
        [{"year": y, "confirmed": y in CONFIRMED_YEARS, "source": SEED, "note": NOTICES.get(y, "")} for y in years]
    )
    new = write.excluded
    differs = or_(CalendarYear.confirmed != new.confirmed, CalendarYear.note != new.note)
    write = write.on_conflict_do_update(
        index_elements=["year"],
        set_={"confirmed": new.confirmed, "note": new.note},
        where=and_(CalendarYear.source == SEED, differs),
    )
    return len(db.session.scalars(write.returning(CalendarYear.year)).all())


def _drop_stale_seeds(years: list[int], days: Mapping[date, object]) -> int:
    """Delete seeded days that the package no longer names; gives how many."""
    stale = and_(CalendarDay.source == SEED, func.extract("year", CalendarDay.date).in_(years), CalendarDay.date.not_in(list(days)))
    return len(db.session.scalars(delete(CalendarDay).where(stale).returning(CalendarDay.date)).all())


def _seed_hours() -> None:
    """Write the default hours of the county for each purpose that has none, so that they can be seen and changed."""
    held = set(db.session.scalars(select(WorkingHours.purpose).where(WorkingHours.unit_id.is_(None))))
    for purpose, seasons in ((Purpose.WORK, WORK_SEASONS), (Purpose.DUTY, DUTY_SEASONS)):
        if purpose not in held:
            rows = [_hours_row(None, purpose, season) for season in seasons]
            db.session.execute(insert(WorkingHours).values(rows).on_conflict_do_nothing())


def _put_day(stamp: Stamp, day: date, kind: DayKind, source: str, *, note: str) -> None:
    """Write one day over whatever stands there."""
    row = {"date": day, "kind": kind, "source": source, "note": note, **_by(stamp)}
    db.session.execute(insert(CalendarDay).values(row).on_conflict_do_update(index_elements=["date"], set_=row))


def _kinds(year: int) -> dict[date, DayKind]:
    """Give the kinds that stand in a year and in the December before it."""
    span = CalendarDay.date.between(date(year - 1, 12, 1), date(year, 12, 31))
    return dict(db.session.execute(select(CalendarDay.date, CalendarDay.kind).where(span)).all())


def _plain(day: date) -> DayKind:
    """Give what a day without a row is."""
    return DayKind.WORKDAY if day.weekday() < 5 else DayKind.RESTDAY


def _checked_source(source: str) -> str:
    """Give the source, stripped; it is what protects the row from the seed."""
    source = source.strip()
    if not source or source == SEED:
        raise WrongCalendar("请写明依据，例如通知的文号。")
    return source


def _hours_row(unit_id: int | None, purpose: Purpose, season: Season) -> dict[str, object]:
    """Give a season as a row of `working_hours`."""
    spans = [[f"{span.opens:%H:%M}", f"{span.closes:%H:%M}"] for span in season.spans]
    (from_month, from_day), (to_month, to_day) = season.first, season.last
    return {
        "unit_id": unit_id, "purpose": purpose, "from_month": from_month, "from_day": from_day,
        "to_month": to_month, "to_day": to_day, "spans": spans,
    }  # fmt: skip


def _by(stamp: Stamp) -> dict[str, object]:
    """Give the columns that say when and by whom."""
    return {"changed_at": stamp.at, "changed_by": stamp.actor.id}
