"""Keeps what a filing page shows before anything is said: kinds, limits, emergency numbers, categories, grids, units."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.ledger.county import county
from app.ledger.models import Category
from app.ledger.vocabulary import Kind
from app.territory.models import Grid, Level, Unit


@dataclass(frozen=True)
class EmergencyNumber:
    """A number to call at once when life is in danger, and what for."""

    number: str
    label: str


@dataclass(frozen=True)
class OfferedKind:
    """A kind of matter that a person may choose."""

    kind: Kind


@dataclass(frozen=True)
class FilingForm:
    """The words and limits of a filing page."""

    kinds: list[OfferedKind]
    text_limit: int
    title_limit: int
    emergency_words: str
    emergency_numbers: list[EmergencyNumber]


def filing_form() -> FilingForm:
    """Give what a filing page shows, as the county has it set."""
    settings = county()
    numbers = [EmergencyNumber(number, label) for number, _, label in (text.partition(" ") for text in settings.emergency_numbers)]
    words = "有人身危险时，请先拨打下面的紧急电话，不要等待受理。"
    return FilingForm(
        [OfferedKind(kind) for kind in Kind if kind is not Kind.SERVICE], settings.text_limit, settings.title_limit, words, numbers
    )


def offered_categories() -> list[Category]:
    """Give the categories in use, each after the one above it."""
    return list(db.session.scalars(select(Category).where(Category.active).order_by(Category.path)))


def offered_grids(*, name: str | None, unit_code: str | None, cursor: str | None, limit: int) -> Page[Any]:
    """Give grids in use (code, name, unit), by a part of the name of grid or village, or below a unit."""
    query = select(Grid.code, Grid.name, Unit.name.label("unit")).join(Unit, Unit.id == Grid.unit_id).where(Grid.active)
    if name:
        query = query.where(Grid.name.contains(name, autoescape=True) | Unit.name.contains(name, autoescape=True))
    if unit_code:
        above = select(Unit.path).where(Unit.code == unit_code).scalar_subquery()
        query = query.where(Unit.path.startswith(above))
    return _by_code(query, Grid.code, cursor, limit)


def offered_units(*, name: str | None, cursor: str | None, limit: int) -> Page[Any]:
    """Give the units (code, name, level) that a matter may be against: all but the county itself."""
    query = select(Unit.code, Unit.name, Unit.level).where(Unit.active, Unit.level != Level.COUNTY)
    if name:
        query = query.where(Unit.name.contains(name, autoescape=True))
    return _by_code(query, Unit.code, cursor, limit)


def _by_code(query: Any, code: Any, cursor: str | None, limit: int) -> Page[Any]:
    rows = db.session.execute(paged(query, key=[(code, False)], cursor=cursor, limit=limit)).all()
    return page_from(rows, limit=limit, key=lambda row: (row.code,))
