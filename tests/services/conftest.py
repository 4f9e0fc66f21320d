"""Whom services are tried with: Lin, who lives in 柳林村一网格, volunteers made as wanted, and what became of orders."""

from datetime import date

import pytest
from sqlalchemy import select

from app.core.database import db
from app.core.stamp import Actor, ActorKind, Door, Role, Stamp
from app.people.identity import Person, enrol_resident
from app.people.roster.models import PopulationTag, ResidentTag


@pytest.fixture
def lin(cast, as_resident):
    """Lin lives in 柳林村一网格."""
    cast.residents["lin"].grid_id = cast.grids["柳林村一网格"].id
    db.session.flush()
    return lambda: as_resident("lin")


def name_tag(resident_id: int, code: str, at, *, until: date | None = None) -> None:
    """Say that a resident belongs to a population."""
    tag_id = db.session.scalars(select(PopulationTag.id).where(PopulationTag.code == code)).one()
    named = {"source": "登记", "since": date(2026, 1, 1), "expires_on": until, "noted_at": at}
    db.session.add(ResidentTag(resident_id=resident_id, tag_id=tag_id, **named))
    db.session.flush()


@pytest.fixture
def volunteer(cast, clock, stamp):
    """Makes a volunteer of a village; gives a function that makes their stamp."""

    def make(grid: str = "柳林村二网格", tag: str = "volunteer", until: date | None = None):
        resident = enrol_resident(stamp, Person(name="白志愿", phone="13900000009"), grid_id=cast.grids[grid].id)
        name_tag(resident.id, tag, clock(), until=until)
        return lambda: Stamp(Actor(ActorKind.RESIDENT, resident.id), Role.RESIDENT, clock(), Door.MINI_PROGRAM)

    return make
