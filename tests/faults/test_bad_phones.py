"""Bad phones: through a network that loses nearly a third of all requests and answers, the ledger is what a perfect one makes it.

One account on two phones with the same items, and a third whose clock is hours ahead, all at once. The default run is of some
hundred visits; `make faults` goes on to 2,000 (`PHONE_VISITS`).
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.core.database import db
from app.core.stamp import ActorKind
from app.demo.cast import find_cast
from app.files.models import FileLink, FileSubject
from app.ledger.models import Case, Report
from app.ledger.timeline import verify_ledger
from app.sync.models import SyncItem
from app.visits.models import TaskFor, Visit, VisitEffect, VisitTask
from benchmarks.house import House, web
from tests.callers import GRID, Caller
from tests.conftest import copy_database, drop_database
from tests.faults.books import ledger
from tests.faults.days import HARD, Day, settle_village, who_lives_where
from tests.phone import Line, Lost, Phone
from tests.pictures import photo, upload
from tests.sessions import open_session

VISITS = int(os.environ.get("PHONE_VISITS", "160"))
HOMES = max(20, VISITS // 8)
AHEAD = timedelta(hours=5)
COLORS = ("red", "green", "yellow", "black", "white", "orange")
LOSSES = {"lost_before": 0.12, "cut": 0.06, "lost_after": 0.12}

pytestmark = pytest.mark.faults


class Town:
    """A database of its own with a village in it, and the web processes over it."""

    def __init__(self, app: Any, port: int) -> None:
        self.app, self.port = app, port
        self.now = datetime.now(UTC)

    def token(self) -> str:
        with self.app.app_context():
            return open_session(ActorKind.STAFF, find_cast().staff["zhou"].id, self.now)

    def photos(self) -> list[int]:
        """Upload Zhou's photos, the same in every town; gives their ids."""
        zhou = Caller(self.app.test_client(), GRID, self.token())
        files = [upload(zhou, photo(color=color), purpose="photo").json for color in COLORS]
        assert {file["state"] for file in files} == {"ready"}
        return [file["id"] for file in files]


@contextmanager
def town(template: str, make_app: Any, keys: str, folder: Path, name: str) -> Iterator[Town]:
    url = copy_database(template, name)
    app = make_app(url)
    environment = os.environ | {"DATABASE_URL": url, "KEYS_FILE": keys, "DATA_DIR": str(folder), "WECHAT_GATEWAY": "development"}
    environment["GUNICORN_CMD_ARGS"] = "--graceful-timeout 5"  # of the lines that were cut some are still open
    try:
        with app.app_context():
            settle_village(HOMES)
        with web(House(folder, url, environment)) as (port, _):
            yield Town(app, port)
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        drop_database(template, name)


def write_down(
    homes: dict[str, tuple[int, list[int]]], files: list[int], *, category: int, seed: int
) -> list[list[dict[str, Any]]]:
    """Give what two phones wrote down: one whose clock is right and one whose clock is ahead."""
    rng = Random(seed)
    own = [home for code, (home, _) in homes.items() if code.startswith("P")]
    days = []
    for place, off in enumerate((timedelta(0), AHEAD)):
        day = Day(rng, off, category=category)
        day.plain(own, VISITS // 2)
        day.hard(homes, range(place * HARD // 2, (place + 1) * HARD // 2))
        day.photographed(files[place::2])
        if not place:
            day.edits(own)
        days.append(day.items)
    return days


def visited_at() -> dict[UUID, datetime]:
    return {row.key: row.visited_at for row in db.session.execute(select(Visit.key, Visit.visited_at))}


def test_the_ledger_of_bad_phones_is_that_of_perfect_ones(template, make_app, keys, tmp_path):
    seed = int(os.environ.get("PHONE_SEED", "7"))
    books, times = [], []
    days: list[list[dict[str, Any]]] = []
    stood: Any = None
    for name in ("perfect", "bad"):
        folder = tmp_path / name
        folder.mkdir()
        with town(template, make_app, keys, folder, f"{name}_{os.getpid()}") as place:
            files = place.photos()
            with place.app.app_context():
                homes, category = who_lives_where(), find_cast().categories["高龄津贴"]
            days = days or write_down(homes, files, category=category, seed=seed)
            assert (files, homes) == (stood := stood or (files, homes))
            phones = devices(place, days, seed, bad=name == "bad")
            with ThreadPoolExecutor(len(phones)) as pool:
                list(pool.map(Phone.work, phones))
            check(place, phones, days)
            with place.app.app_context():
                books.append(ledger())
                times.append(visited_at())
            if name == "bad":
                fates = [phone.line.fates for phone in phones]
                assert all(sum(each.values()) > each.get("whole", 0) for each in fates), fates
    perfect, bad = books
    for part, wanted in perfect.items():
        assert bad[part] == wanted, part
    assert max(abs(times[1][key] - at) for key, at in times[0].items()) < timedelta(minutes=2)


def devices(place: Town, days: list[list[dict[str, Any]]], seed: int, *, bad: bool) -> list[Phone]:
    """Give Zhou's phone and the one with the wrong clock; where all is bad, the first one's twin besides, with the same items."""
    owners = [(0, timedelta(0)), (1, AHEAD), *([(0, timedelta(0))] if bad else [])]
    phones = []
    for number, (whose, off) in enumerate(owners):
        rng = Random(seed * 100 + number)
        line = Line(place.port, rng, **(LOSSES if bad else {}))
        phone = Phone(line, place.token(), rng, off)
        if bad:
            phone.repeats, phone.shuffles = 0.05, True
        phone.write_down(days[whose])
        phones.append(phone)
    return phones


def check(place: Town, phones: list[Phone], days: list[list[dict[str, Any]]]) -> None:
    """Assert that all that was acknowledged is there once, that the chains hold, and that every phone has what the server has."""
    keys = {UUID(each["key"]) for each in days[0] + days[1]}
    assert {UUID(key) for phone in phones for key in phone.acknowledged} == keys
    fresh = Phone(Line(place.port, Random(0)), place.token(), Random(0))
    fresh.work()
    for phone in phones:
        while phone.line.fates and _catches_up(phone):
            pass
        assert phone.pocket.rows == fresh.pocket.rows
        assert phone.clock_off is not None
        assert abs(phone.clock_off - phone.off.total_seconds()) < 30
    with place.app.app_context():
        once = dict(db.session.execute(select(SyncItem.key, func.count()).group_by(SyncItem.key)).all())
        assert once == dict.fromkeys(keys, 1)
        visits = {UUID(each["key"]) for each in days[0] + days[1] if each["kind"] == "visit"}
        assert set(db.session.scalars(select(Visit.key))) == visits
        needs = [need for each in days[0] + days[1] for need in each["body"].get("needs", ())]
        bodies = Counter(need["body"] for need in needs)
        assert Counter(db.session.scalars(select(Report.body))) == bodies
        assert db.session.scalar(select(func.count()).select_from(Case)) == len(needs) > 10
        told = select(VisitEffect.kind, VisitEffect.state, func.count()).group_by(VisitEffect.kind, VisitEffect.state)
        assert {f"{kind} {state}": count for kind, state, count in db.session.execute(told)} == {
            "deceased done": 4,
            "moved_away done": 4,
            "household_moved proposed": 4,
            "vacant done": 4,
        }
        photos = select(func.count()).select_from(FileLink).where(FileLink.subject == FileSubject.VISIT)
        assert db.session.scalar(photos) == len(COLORS)
        agreed = [each for each in days[0] + days[1] if "follow_up_on" in each["body"]]
        followed = select(func.count()).select_from(VisitTask).where(VisitTask.why == TaskFor.FOLLOW_UP)
        assert db.session.scalar(followed) == len(agreed) > 0
        assert not verify_ledger().breaks


def _catches_up(phone: Phone) -> bool:
    try:
        return phone.catch_up(200)
    except Lost:
        return True
