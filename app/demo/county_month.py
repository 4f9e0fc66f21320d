"""Keeps the demo county's month: 30 days of cases up to now, played through the real commands hour by hour.

The content is the same every time; moments follow the calendar, and numbers, codes and seals are drawn anew.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select, text, update

from app.core.clock import CHINA
from app.core.database import db, transaction
from app.core.stamp import Stamp
from app.demo.cast import build_county
from app.demo.detours import DETOURS
from app.demo.families import settle_families
from app.demo.grid_map import draw_county
from app.demo.orders import ORDERS
from app.demo.plans import Plan, plans
from app.demo.scene import Scene, set_scene
from app.demo.stories import Story, tell
from app.ledger.intake.calls import log_call
from app.ledger.models import Case, Entry
from app.ledger.sweep import sweep
from app.ledger.vocabulary import CallOutcome
from app.notices.models import Notice, NoticeState
from app.people.models import Staff
from app.territory.calendar.queries import load_calendar
from app.territory.calendar.rules import Purpose
from app.territory.models import Unit

DAYS = 30
SWEEPS = (time(9, 30), time(12, 15), time(18, 0))
"""When, in China, the sweep is run on each of the month's days; in a real county it runs every few seconds."""

_LOCK = 0x4D696E6B
_MISSED = (CallOutcome.SILENT, CallOutcome.WRONG_NUMBER, CallOutcome.CONSULTED, CallOutcome.HUNG_UP, CallOutcome.NUISANCE)


@dataclass(frozen=True)
class Filled:
    """How much there is in the county."""

    cases: int
    entries: int


def is_empty() -> bool:
    """Say whether nobody has put anything into this ledger yet: no unit, no staff, no case."""
    return all(db.session.scalars(select(table.id).limit(1)).first() is None for table in (Unit, Staff, Case))


def fill_county(stamp: Stamp, *, appid: str) -> Filled | None:
    """Build the demo county and play its month up to the stamp's moment; gives None when another process was first."""
    beginning = stamp.at - timedelta(days=DAYS)
    with transaction():
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not is_empty():
            return None
        cast = build_county(stamp.moved_to(beginning), appid=appid)
        scene = set_scene(stamp.moved_to(beginning), cast)
        settle_families(stamp.moved_to(beginning), cast)
        draw_county(stamp.moved_to(beginning))
    _play(stamp, scene, beginning)
    with transaction():
        _note_as_told(stamp.at)
        cases, entries = (db.session.scalar(select(func.count()).select_from(table)) or 0 for table in (Case, Entry))
    return Filled(cases, entries)


def _play(stamp: Stamp, scene: Scene, beginning: datetime) -> None:
    """Let every story go on when its wait is over, in the order of time, and sweep in between."""
    queue = [(at, place, story) for place, (at, story) in enumerate(_openings(scene, beginning, stamp.at))]
    heapq.heapify(queue)
    for halt in _halts(beginning, stamp.at):
        with transaction():
            while queue and queue[0][0] <= halt:
                at, place, story = heapq.heappop(queue)
                scene.at = at
                wait = next(story, None)
                if wait is not None:
                    heapq.heappush(queue, (max(wait.after(at), at + timedelta(seconds=1)), place, story))
        sweep(lambda halt=halt: stamp.moved_to(halt))  # type: ignore[misc]


def _halts(beginning: datetime, end: datetime) -> Iterator[datetime]:
    day = beginning.astimezone(CHINA).date()
    while day <= end.astimezone(CHINA).date():
        for hour in SWEEPS:
            halt = datetime.combine(day, hour, tzinfo=CHINA)
            if beginning < halt < end:
                yield halt
        day += timedelta(days=1)
    yield end


def _openings(scene: Scene, beginning: datetime, end: datetime) -> Iterator[tuple[datetime, Story]]:
    """Give each story with the moment at which it begins, and the calls that make no case."""
    calendar = load_calendar()
    first, last = beginning.astimezone(CHINA).date() + timedelta(days=1), end.astimezone(CHINA).date() - timedelta(days=1)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    worked = [day for day in days if calendar.is_working(day)]
    rested = [day for day in days if not calendar.is_working(day)]
    for plan in plans():
        yield _opening(plan, worked, rested, end), tell(scene, plan)
    for ago, detour in (*DETOURS, *ORDERS):
        yield calendar.shift(Purpose.WORK, end, -timedelta(hours=ago)), detour(scene)
    for place, day in enumerate(worked):
        at = calendar.shift(Purpose.WORK, datetime.combine(day, time(0), tzinfo=CHINA), timedelta(minutes=37 * (place % 9 + 1)))
        yield at, _missed_call(scene, place)


def _opening(plan: Plan, worked: list[date], rested: list[date], end: datetime) -> datetime:
    if plan.ago is not None and plan.weekend:
        return end - timedelta(hours=plan.ago)
    if plan.ago is not None:
        return load_calendar().shift(Purpose.WORK, end, -timedelta(hours=plan.ago))
    days = rested if plan.weekend and rested else worked
    day = datetime.combine(days[min(int(plan.day * len(days)), len(days) - 1)], time(0), tzinfo=CHINA)
    if plan.weekend:
        return day + timedelta(hours=8 + 2 * plan.hour)
    return load_calendar().shift(Purpose.WORK, day, timedelta(hours=plan.hour))


def _missed_call(scene: Scene, place: int) -> Story:
    stamp = scene.by("ding")
    log_call(stamp, at=stamp.at, outcome=_MISSED[place % len(_MISSED)], number=f"1380000{2000 + place}", recording=f"rec-{place}")
    yield from ()


def _note_as_told(at: datetime) -> None:
    """Note every notice that was due as sent at its time, so that a month of old ones does not go out now."""
    due = update(Notice).where(Notice.state == NoticeState.PENDING, Notice.next_attempt_at <= at)
    db.session.execute(due.values(state=NoticeState.SENT, attempts=1, sent_at=Notice.next_attempt_at))
