"""Days: the village of the bad phones, and what its workers write down in it, one household after the other."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.database import db, transaction
from app.core.stamp import SYSTEM, Door, Role, Stamp
from app.demo.cast import find_cast
from app.people.identity import Person, enrol_resident
from app.people.models import Resident
from app.territory.commands import add_household
from app.territory.models import Household
from app.visits.clocks import start_clocks
from app.visits.models import TaskFor, VisitTask
from tests.pocket import item

GRID_CODE = "99010100100101"
HARD = 4
"""So many households of each kind whose visits change the roster; the first half is one phone's, the other half the other's."""

KINDS = {"D": ("老人", "家人"), "M": ("搬走的人", "留下的人"), "H": ("一家人",), "V": ()}
"""Households in which somebody dies, one moves, all move, and one that stands empty; and who lives there."""

Item = dict[str, Any]


def settle_village(count: int) -> None:
    """Let people live in Zhou's grid, with visits to be made to every second household; the same ids in every town."""
    now = datetime.now(UTC)
    stamp = Stamp(SYSTEM, Role.SYSTEM, now, Door.COMMAND_LINE)
    with transaction():
        grid = find_cast().grids["柳林村一网格"]

        def settle(code: str, names: tuple[str, ...], *, task: bool) -> None:
            home = add_household(now, code=code, grid=grid, head_name="王建国", place=f"三组 {code} 号")
            people = [enrol_resident(stamp, Person(name), grid_id=grid.id, household_id=home.id).id for name in names]
            day = now.date()
            same: dict[str, Any] = {"why": TaskFor.RULE, "first_on": day - timedelta(days=5), "due_on": day + timedelta(days=9)}
            same |= {"created_at": now, "updated_at": now, "grid_id": grid.id, "household_id": home.id}
            for whom in [None, *people[:1]] if code[0] == "D" else [None] if task else []:
                made = VisitTask(key=f"rule:{code}:{'one' if whom else 'all'}", resident_id=whom, **same)
                db.session.add(made)
                db.session.flush()
                start_clocks(now, grid.unit_id, [(made.id, made.due_on)])

        for place in range(count):
            settle(f"P{place}", (f"王{place}",), task=place % 2 == 0)
        for kind, names in KINDS.items():
            for place in range(HARD):
                settle(f"{kind}{place}", tuple(f"{name}{place}" for name in names), task=True)


def who_lives_where() -> dict[str, tuple[int, list[int]]]:
    """Give the ids of households and of who lives there, by code."""
    homes: dict[str, tuple[int, list[int]]] = {}
    for home in db.session.scalars(select(Household).order_by(Household.id)):
        people = select(Resident.id).where(Resident.household_id == home.id).order_by(Resident.id)
        homes[home.code] = (home.id, list(db.session.scalars(people)))
    return homes


class Day:
    """A day of one worker's phone: its items in the order in which they were written down."""

    def __init__(self, rng: Random, off: timedelta, *, category: int) -> None:
        """Begin; questions that are answered on the spot are of a category."""
        self.rng, self.off, self.category = rng, off, category
        self.began = datetime.now(UTC) - timedelta(hours=8)
        self.place = 0
        self.items: list[Item] = []

    def note(self, kind: str, body: dict[str, Any]) -> Item:
        """Write an item down, ten seconds after the one before; no two phones do so in the same second."""
        self.place += 1
        at = (self.began + timedelta(seconds=10 * self.place + (5 if self.off else 0)) + self.off).isoformat()
        key = str(UUID(int=self.rng.getrandbits(128), version=4))
        said = body | ({"visited_at": at} if kind == "visit" else {})
        self.items.append(item(kind, said, phone_at=at, key=key))
        return self.items[-1]

    def visit(self, home: int, outcome: str, **more: Any) -> Item:
        """Write a visit down."""
        return self.note("visit", {"household_id": home, "outcome": outcome, "findings": f"第 {self.place} 次走访"} | more)

    def plain(self, homes: list[int], count: int) -> None:
        """Visit so many households: of every ten one is entered just before, some bring needs, some are agreed upon anew."""
        outcomes = ("met", "met", "met", "phone", "nobody_home", "working_away", "refused")
        for place in range(count):
            if place % 10 == 3:
                self.newcomers(place)
                continue
            outcome, more = self.rng.choice(outcomes), {}
            if outcome == "met" and self.rng.random() < 0.3:
                more["needs"] = self.needs(place)
            if outcome == "met" and place % 12 == 5:
                more |= {"follow_up_on": (self.began + timedelta(days=6)).date().isoformat(), "follow_up_note": "复查"}
            self.visit(self.rng.choice(homes), outcome, **more)

    def needs(self, place: int) -> list[dict[str, Any]]:
        """Give one to three needs, the last of which may be answered on the spot."""
        told = f"{self.off.seconds} 第 {place} 件"
        needs: list[dict[str, Any]] = [{"body": f"{told}：门前水沟堵了。", "kind": "help"}]
        if self.rng.random() < 0.3:
            needs.append({"body": f"{told}：又问高龄津贴怎么办。", "kind": "consultation"})
        if self.rng.random() < 0.5:
            needs.append({"body": f"{told}：高龄津贴在哪里领。", "kind": "consultation", "category_id": self.category})
            needs[-1]["answer"] = "到村里的服务站登记。"
        return needs

    def newcomers(self, place: int) -> None:
        """Enter a household and somebody in it, and visit them."""
        named = f"{self.off.seconds}号{place}"
        home = self.note("household_add", {"grid": GRID_CODE, "head_name": f"新户{named}", "place": "四组"})
        made = self.note("resident_add", {"household_key": home["key"], "name": f"新人{named}"})
        self.note("visit", {"household_key": home["key"], "outcome": "met", "resident_key": made["key"]})

    def hard(self, homes: dict[str, tuple[int, list[int]]], numbers: range) -> None:
        """Tell of a death, a move, a whole household's move and an empty house each, with visits before and after."""
        for number in numbers:
            home, (old, young) = homes[f"D{number}"]
            if number % 2:
                self.visit(home, "met", met_ids=[old, young])
            self.visit(home, "deceased", resident_id=old, met_ids=[young])
            self.visit(home, "met", met_ids=[young], needs=[{"body": f"{number} 问丧葬补助怎么办。", "kind": "consultation"}])
            home, (gone, stays) = homes[f"M{number}"]
            self.visit(home, "met", met_ids=[gone, stays])
            self.visit(home, "moved", resident_id=gone, met_ids=[stays])
            self.visit(homes[f"H{number}"][0], "moved")
            self.visit(homes[f"V{number}"][0], "nobody_home")
            self.visit(homes[f"V{number}"][0], "vacant")

    def photographed(self, files: list[int]) -> None:
        """Put a photo with each of some visits that were made in person."""
        met = [each for each in self.items if each["kind"] == "visit" and each["body"]["outcome"] == "met"]
        for made, file in zip(met[1::5], files, strict=False):
            made["body"]["files"] = [file]

    def edits(self, homes: list[int]) -> None:
        """Change every seventh household."""
        for home in homes[::7]:
            self.note("household_edit", {"household_id": home, "version": 1, "kind": "floating"})
