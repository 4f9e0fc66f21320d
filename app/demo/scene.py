"""Keeps the scene on which the demo's month is played: the time it is there, who can act, and how long things take."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from app.core.stamp import ANONYMOUS, Actor, ActorKind, Door, Role, Stamp
from app.demo.cast import STAFF, Cast
from app.demo.places import GIVEN, ROSTER_SIZE, SPOTS, SURNAMES
from app.people.identity import Person, enrol_resident
from app.people.sessions import staff_actor
from app.territory.calendar.queries import load_calendar
from app.territory.calendar.rules import Purpose


@dataclass(frozen=True)
class Wait:
    """How long until a story goes on: counted in working hours, hours of duty, or (None) by the clock on the wall."""

    length: timedelta
    purpose: Purpose | None

    def after(self, at: datetime) -> datetime:
        """Give the moment at which the wait ends."""
        if self.purpose is None:
            return at + self.length
        return load_calendar().shift(self.purpose, at, self.length)


def work(**length: float) -> Wait:
    """Wait so much working time."""
    return Wait(timedelta(**length), Purpose.WORK)


def duty(**length: float) -> Wait:
    """Wait so much time of duty."""
    return Wait(timedelta(**length), Purpose.DUTY)


def real(**length: float) -> Wait:
    """Wait so much time by the clock on the wall."""
    return Wait(timedelta(**length), None)


@dataclass(frozen=True)
class Neighbour:
    """A resident of the demo county as the stories know it: in plain words, since these people are invented."""

    id: int
    name: str
    phone: str
    village: str


@dataclass
class Scene:
    """The county while the month is played; ids instead of rows, so that nothing is read anew after each transaction."""

    at: datetime
    actors: dict[str, Actor]
    handlers: dict[str, str]
    units: dict[str, int]
    grids: dict[str, tuple[int, str]]
    categories: dict[str, int]
    households: dict[str, int]
    residents: tuple[Neighbour, ...]

    def by(self, login: str, door: Door = Door.DESK) -> Stamp:
        """Give the stamp of a member of staff, now."""
        actor = self.actors[login]
        return Stamp(actor, actor.posts[0].role, self.at, door)

    def by_resident(self, resident_id: int) -> Stamp:
        """Give the stamp of a resident, now."""
        return Stamp(Actor(ActorKind.RESIDENT, resident_id), Role.RESIDENT, self.at, Door.MINI_PROGRAM)

    def by_nobody(self) -> Stamp:
        """Give the stamp of somebody unnamed, now."""
        return Stamp(ANONYMOUS, Role.RESIDENT, self.at, Door.MINI_PROGRAM)


def set_scene(stamp: Stamp, cast: Cast) -> Scene:
    """Give the scene of a county that was just built, with its other residents enrolled."""
    handlers = {unit: login for login, _, role, unit in STAFF if role is Role.HANDLER}
    residents = [
        Neighbour(cast.residents["lin"].id, "林秀英", "13800000001", "柳林村"),
        Neighbour(cast.residents["chen"].id, "陈国强", "13800000002", "柳林村"),
    ]
    draw = Random(7)  # noqa: S311 (names for a demo, the same every time)
    villages = list(SPOTS)
    for place in range(ROSTER_SIZE):
        name, village = draw.choice(SURNAMES) + draw.choice(GIVEN), villages[place % len(villages)]
        phone = f"138000001{place:02d}"
        grid = cast.grids[f"{village}{draw.choice('一二')}网格"]
        resident = enrol_resident(stamp, Person(name=name, phone=phone), grid_id=grid.id)
        residents.append(Neighbour(resident.id, name, phone, village))
    return Scene(
        at=stamp.at,
        actors={login: staff_actor(member.id) for login, member in cast.staff.items()},
        handlers=handlers,
        units={name: unit.id for name, unit in cast.units.items()},
        grids={name: (grid.id, grid.code) for name, grid in cast.grids.items()},
        categories=dict(cast.categories),
        households={name: household.id for name, household in cast.households.items()},
        residents=tuple(residents),
    )
