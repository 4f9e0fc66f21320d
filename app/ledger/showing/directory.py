"""Keeps the lists that staff choose from: units as a tree told flat, categories, reasons."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.ledger.models import Category, Reason
from app.ledger.vocabulary import RequestKind
from app.territory.models import Level, Unit


def units_page(*, under: str | None, level: Level | None, name: str | None, cursor: str | None, limit: int) -> Page[Any]:
    """Give units in use (code, name, level, parent's code) by code: `under` and below, of a level, by name."""
    above = aliased(Unit)
    query = select(Unit.code, Unit.name, Unit.level, above.code.label("parent")).outerjoin(above, above.id == Unit.parent_id)
    query = query.where(Unit.active)
    if under is not None:
        query = query.where(Unit.path.startswith(select(Unit.path).where(Unit.code == under).scalar_subquery()))
    if level is not None:
        query = query.where(Unit.level == level)
    if name is not None:
        query = query.where(Unit.name.contains(name, autoescape=True))
    rows = db.session.execute(paged(query, key=[(Unit.code, False)], cursor=cursor, limit=limit)).all()
    return page_from(rows, limit=limit, key=lambda row: [row.code])


def categories_page(*, cursor: str | None, limit: int) -> Page[Any]:
    """Give the categories in use (id, path, name, parent's id, whether urgent), by path: each after the one above it."""
    query = select(Category.id, Category.path, Category.name, Category.parent_id, Category.urgent).where(Category.active)
    rows = db.session.execute(paged(query, key=[(Category.path, False)], cursor=cursor, limit=limit)).all()
    return page_from(rows, limit=limit, key=lambda row: [row.path])


def reasons_page(*, kind: RequestKind | None, cursor: str | None, limit: int) -> Page[Any]:
    """Give the reasons in use (code, kind, words) for not taking a case up or sending it elsewhere, by code."""
    query = select(Reason.code, Reason.kind, Reason.words).where(Reason.active)
    if kind is not None:
        query = query.where(Reason.kind == kind)
    rows = db.session.execute(paged(query, key=[(Reason.code, False)], cursor=cursor, limit=limit)).all()
    return page_from(rows, limit=limit, key=lambda row: [row.code])
