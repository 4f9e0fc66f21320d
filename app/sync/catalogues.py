"""Keeps the small lists that a phone needs without a network: its grids, the categories, the populations."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from app.core.database import db
from app.ledger.catalogue import catalogue
from app.people.roster.models import PopulationTag


@dataclass(frozen=True)
class Catalogues:
    """The lists, and the mark by which a phone says that it has them already."""

    version: str
    grids: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    populations: list[dict[str, Any]]


def catalogues(grids: list[dict[str, Any]]) -> Catalogues:
    """Give the lists for a phone of some grids (code, name, unit)."""
    held = sorted(catalogue().categories.items())
    categories = [{"id": place, "path": facts.path, "urgent": facts.urgent} for place, facts in held if facts.active]
    tags = select(PopulationTag.code, PopulationTag.name, PopulationTag.key, PopulationTag.from_age).where(PopulationTag.active)
    rows = db.session.execute(tags.order_by(PopulationTag.place, PopulationTag.id)).mappings()
    lists = {"grids": grids, "categories": categories, "populations": [dict(row) for row in rows]}
    return Catalogues(hashlib.sha256(orjson.dumps(lists)).hexdigest()[:16], **lists)
