"""Keeps the tables behind the working calendar: days, years and hours of work and duty."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, enum_type
from app.territory.calendar.rules import DayKind, Purpose


class CalendarDay(Base):
    """What a day is. Days without a row are worked from Monday to Friday; `changed_by` is NULL where the seed wrote."""

    __tablename__ = "calendar_day"

    date: Mapped[dt.date] = mapped_column(primary_key=True)
    kind: Mapped[DayKind] = mapped_column(enum_type(DayKind))
    source: Mapped[str]
    note: Mapped[str] = mapped_column(default="", server_default="")
    changed_at: Mapped[dt.datetime | None]
    changed_by: Mapped[int | None]


class CalendarYear(Base):
    """Whether a year's holiday notice is known; a year without a row is unconfirmed."""

    __tablename__ = "calendar_year"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    confirmed: Mapped[bool]
    source: Mapped[str]
    note: Mapped[str] = mapped_column(default="", server_default="")
    changed_at: Mapped[dt.datetime | None]
    changed_by: Mapped[int | None]


class WorkingHours(Base):
    """The hours of one season, county-wide where `unit_id` is NULL; `spans` is `[["08:30", "12:00"], …]` in China time."""

    __tablename__ = "working_hours"
    __table_args__ = (
        Index(
            "uq_working_hours_season",
            "unit_id",
            "purpose",
            "from_month",
            "from_day",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("from_month BETWEEN 1 AND 12 AND to_month BETWEEN 1 AND 12", name="months"),
        CheckConstraint("from_day BETWEEN 1 AND 31 AND to_day BETWEEN 1 AND 31", name="days"),
        CheckConstraint("jsonb_typeof(spans) = 'array' AND jsonb_array_length(spans) > 0", name="spans"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    purpose: Mapped[Purpose] = mapped_column(enum_type(Purpose))
    from_month: Mapped[int]
    from_day: Mapped[int]
    to_month: Mapped[int]
    to_day: Mapped[int]
    spans: Mapped[list[Any]]
    changed_at: Mapped[dt.datetime | None]
    changed_by: Mapped[int | None]
