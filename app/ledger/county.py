"""Keeps the county's own numbers and lists: defaults in one dataclass, overridden by rows that an administrator edits."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import CHINA
from app.core.database import Base, db
from app.core.held import Held


class CountySetting(Base):
    """One overridden number or list; `name` is a field of `County`."""

    __tablename__ = "county_setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)


@dataclass(frozen=True)
class County:
    """What a county may set for itself. Lists are texts for people or words to look for.

    `upstream_margin_hours` are the working hours by which the county is done before upstream's due moment. `callback_hours`
    are from when until when people are called. `same_reply_most`: from so many other cases on, the same reply is odd.
    The composite of the three rates weighs them by the `…_weight` fields; "basically satisfied" counts for so much of a yes. An
    assessment window runs from `window_hour` on `window_day` of a month to the same moment of the next.
    Who asks that somebody comes home is answered within `home_take_hours` and, where nothing else is agreed, visited within
    `home_come_hours` of that. From `group_from` people on, a group names representatives, `representatives_most` at most.
    A volunteer holds `volunteer_holds` orders at once and is shown `volunteer_looks` people a day.
    `bounds` are south, west, north and east in WGS-84 degrees; without them a point need only lie in China.
    Where every grid has its polygon, a point may lie `outside_metres` outside the line around all of them.
    """

    danger_words: tuple[str, ...] = (
        "燃气泄漏", "煤气泄漏", "天然气泄漏", "燃气味", "煤气味", "煤气漏", "漏气", "自杀", "跳楼", "轻生",
        "不想活", "想死", "寻短见", "爆炸", "着火", "起火", "火灾", "触电", "电线断", "电线掉",
        "溺水", "落水", "塌方", "坍塌", "要塌", "中毒", "有人被困", "被困住", "持刀", "昏迷",
        "晕倒", "家暴", "被打", "被拐", "救命",
    )  # fmt: skip
    callback_attempts: int = 3
    callback_days: int = 2
    callback_gap_minutes: int = 60
    callback_hours: tuple[str, ...] = ("08:30", "20:30")
    rating_days: int = 15
    reopen_days: int = 15
    answers_to_settle: int = 2
    same_reply_most: int = 3
    recurrence_days: int = 30
    repeat_minutes: int = 30
    repeat_likeness: float = 0.6
    reopened_days: int = 15
    return_days: int = 1
    return_urgent_minutes: int = 30
    extensions_most: int = 2
    suspend_days: int = 90
    group_from: int = 5
    representatives_most: int = 5
    whistle_metres: int = 300
    whistles_a_day: int = 3
    home_take_hours: int = 24
    home_come_hours: int = 72
    volunteer_holds: int = 5
    volunteer_looks: int = 10
    urge_hours: int = 24
    reworks_to_interview: int = 3
    reassignments_to_interview: int = 3
    text_limit: int = 4000
    title_limit: int = 60
    amber_share: float = 0.8
    upstream_margin_hours: int = 4
    digest_times: tuple[str, ...] = ("09:00", "15:00")
    emergency_numbers: tuple[str, ...] = ("110 报警", "119 火警", "120 急救")
    bounds: tuple[float, ...] = ()
    outside_metres: int = 2000
    response_weight: float = 0.1
    satisfaction_weight: float = 0.4
    solution_weight: float = 0.5
    basically_satisfied_share: float = 0.9
    window_day: int = 19
    window_hour: int = 12


def stored_county() -> County:
    """Read the county's settings as they are stored now; whoever does not edit them asks `county`."""
    known = {field.name for field in fields(County)}
    rows = db.session.execute(select(CountySetting.name, CountySetting.value)).all()
    overrides: dict[str, Any] = {row.name: tuple(row.value) if isinstance(row.value, list) else row.value for row in rows}
    return County(**{name: value for name, value in overrides.items() if name in known})


county = Held(stored_county)


def danger_in(text: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Give the danger words that a text contains, in the order of the list."""
    return tuple(word for word in words if word in text)


def next_digest(at: datetime, times: tuple[str, ...]) -> datetime:
    """Give the next moment (UTC) after `at` at which digests go out; `times` are `HH:MM` in China, in order."""
    today = at.astimezone(CHINA).date()
    moments = [
        datetime.combine(today + timedelta(days=day), time.fromisoformat(hour), tzinfo=CHINA) for day in (0, 1) for hour in times
    ]
    return next(moment for moment in moments if moment > at).astimezone(UTC)
