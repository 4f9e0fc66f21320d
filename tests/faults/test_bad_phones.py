"""Bad phones: through a network that loses nearly a third of all requests and answers, the ledger is what a perfect one makes it.

One account on two phones with the same items, and a third whose clock is hours ahead, all at once. The default run is of some
hundred visits; `make faults` goes on to 2,000 (`PHONE_VISITS`).
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, ActorKind, Door, Role, Stamp
from app.demo.cast import find_cast
from app.ledger.models import Entry, Report
from app.ledger.timeline import verify_ledger
from app.people.identity import Person, enrol_resident, open_person
from app.people.models import Resident
from app.people.roster.commands import open_household
from app.sync.models import SyncItem
from app.territory.commands import add_household
from app.territory.models import Household
from app.visits.clocks import start_clocks
from app.visits.models import TaskFor, Visit, VisitTask
from benchmarks.house import House, web
from tests.conftest import copy_database, drop_database
from tests.phone import Line, Lost, Phone
from tests.pocket import item
from tests.sessions import open_session

VISITS = int(os.environ.get("PHONE_VISITS", "160"))
HOMES = max(20, VISITS // 8)
AHEAD = timedelta(hours=5)
GRID_CODE = "99010100100101"
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


@contextmanager
def town(template: str, make_app: Any, keys: str, folder: Path, name: str) -> Iterator[Town]:
    url = copy_database(template, name)
    app = make_app(url)
    environment = os.environ | {"DATABASE_URL": url, "KEYS_FILE": keys, "DATA_DIR": str(folder), "WECHAT_GATEWAY": "development"}
    environment["GUNICORN_CMD_ARGS"] = "--graceful-timeout 5"  # of the lines that were cut some are still open
    try:
        with app.app_context():
            settle_village()
        with web(House(folder, url, environment)) as (port, _):
            yield Town(app, port)
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        drop_database(template, name)


def settle_village() -> None:
    """Let people live in Zhou's grid, with visits to be made to every second household; the same ids in every town."""
    now = datetime.now(UTC)
    stamp = Stamp(SYSTEM, Role.SYSTEM, now, Door.COMMAND_LINE)
    with transaction():
        grid = find_cast().grids["柳林村一网格"]
        for place in range(HOMES):
            home = add_household(now, code=f"P{place}", grid=grid, head_name="王建国", place=f"三组 {place} 号")
            enrol_resident(stamp, Person(name=f"王{place}"), grid_id=grid.id, household_id=home.id)
            if place % 2:
                continue
            today = now.date()
            same: dict[str, Any] = {"why": TaskFor.RULE, "first_on": today - timedelta(days=5), "due_on": today + timedelta(days=9)}
            same |= {"created_at": now, "updated_at": now, "grid_id": grid.id, "household_id": home.id}
            task = VisitTask(key=f"rule:{place}", **same)
            db.session.add(task)
            db.session.flush()
            start_clocks(now, grid.unit_id, [(task.id, task.due_on)])


def day(rng: Random, homes: list[int], off: timedelta, count: int, *, edits: bool) -> list[dict[str, Any]]:
    """Write down a day's visits; of every ten one is to somebody who was entered just before, some bring needs."""
    began = datetime.now(UTC) - timedelta(hours=8)

    def entry(kind: str, place: int, body: dict[str, Any]) -> dict[str, Any]:
        at = (began + timedelta(seconds=20 * place) + off).isoformat()
        key = str(UUID(int=rng.getrandbits(128), version=4))
        return item(kind, body | ({"visited_at": at} if kind == "visit" else {}), phone_at=at, key=key)

    items = []
    for place in range(count):
        outcome = rng.choice(("met", "met", "met", "phone", "nobody_home", "working_away"))
        body: dict[str, Any] = {"household_id": rng.choice(homes), "outcome": outcome, "findings": f"第 {place} 次走访"}
        if outcome == "met" and rng.random() < 0.3:
            body["needs"] = [{"body": f"{off.seconds} 第 {place} 件：门前水沟堵了。", "kind": "help"}]
            if rng.random() < 0.3:
                body["needs"].append({"body": f"{off.seconds} 又问第 {place} 件高龄津贴怎么办。", "kind": "consultation"})
        if place % 10 == 3:
            new = {"grid": GRID_CODE, "head_name": f"新户{off.seconds}号{place}", "place": "四组"}
            home = entry("household_add", place, new)
            made = entry("resident_add", place, {"household_key": home["key"], "name": f"新人{off.seconds}号{place}"})
            items += [home, made]
            body = {"household_key": home["key"], "outcome": "met", "resident_key": made["key"]}
        items.append(entry("visit", place, body))
    if edits:
        items += [entry("household_edit", 0, {"household_id": home, "version": 1, "kind": "floating"}) for home in homes[::7]]
    return items


def ledger() -> dict[str, Any]:
    """Give what stands in the books, but for ids, times and codes."""
    visits = {}
    for visit in db.session.scalars(select(Visit)):
        needs = []
        for need in visit.needs:
            case = need.case_id
            report = db.session.scalars(select(Report).where(Report.case_id == case)).one()
            entries = db.session.execute(
                select(Entry.seq, Entry.action, Entry.role, Entry.door, Entry.from_state, Entry.to_state)
                .where(Entry.case_id == case)
                .order_by(Entry.seq)
            ).all()
            clocks = db.session.execute(
                text("SELECT clock, label, met_at IS NULL FROM deadline WHERE case_id = :case ORDER BY clock, id"), {"case": case}
            ).all()
            words = (need.place, need.answered, report.title, report.body, report.channel, report.case.kind, report.case.state)
            needs.append((words, [tuple(entry) for entry in entries], [tuple(clock) for clock in clocks]))
        met = sorted(name_of(each.resident_id) for each in visit.met)
        whom = visit.resident_id and name_of(visit.resident_id)
        visits[visit.key] = (
            visit.outcome,
            home_of(visit.household_id),
            whom,
            met,
            visit.findings,
            visit.clock_off,
            visit.in_person,
            needs,
        )
    done = aliased_visits()
    tasks = {task.key: (task.state, done.get(task.visit_id or 0), task.attempts) for task in db.session.scalars(select(VisitTask))}
    homes = {home_of(home.id): (home.kind, home.version) for home in db.session.scalars(select(Household))}
    people = sorted((name_of(each.id), home_of(each.household_id), each.version) for each in db.session.scalars(select(Resident)))
    return {"visits": visits, "tasks": tasks, "homes": homes, "people": people}


def aliased_visits() -> dict[int, UUID]:
    return {row.id: row.key for row in db.session.execute(select(Visit.id, Visit.key))}


def home_of(household_id: int | None) -> str:
    return "/".join(open_household(db.session.get_one(Household, household_id))) if household_id is not None else ""


def name_of(resident_id: int) -> str:
    return open_person(db.session.get_one(Resident, resident_id).identity).name or ""


def visited_at() -> dict[UUID, datetime]:
    return {row.key: row.visited_at for row in db.session.execute(select(Visit.key, Visit.visited_at))}


def test_the_ledger_of_bad_phones_is_that_of_perfect_ones(template, make_app, keys, tmp_path):
    seed = int(os.environ.get("PHONE_SEED", "7"))
    books, times = [], []
    days: list[list[dict[str, Any]]] = []
    for name in ("perfect", "bad"):
        folder = tmp_path / name
        folder.mkdir()
        with town(template, make_app, keys, folder, f"{name}_{os.getpid()}") as place:
            if not days:
                with place.app.app_context():
                    own = select(Household.id).where(Household.code.startswith("P")).order_by(Household.id)
                    homes = list(db.session.scalars(own))
                rng = Random(seed)
                days = [
                    day(rng, homes, timedelta(0), VISITS // 2, edits=True),
                    day(rng, homes, AHEAD, VISITS - VISITS // 2, edits=False),
                ]
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
        assert not verify_ledger().breaks


def _catches_up(phone: Phone) -> bool:
    try:
        return phone.catch_up(200)
    except Lost:
        return True
