"""Keeps the small lists that a phone needs without a network: its grids and their groups, categories, topics, populations."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from app.core.database import db
from app.ledger.catalogue import catalogue
from app.people.roster.tags import populations
from app.territory.models import HouseholdGroup
from app.visits.topics import topics


@dataclass(frozen=True)
class Catalogues:
    """The lists, and the mark by which a phone says that it has them already."""

    version: str
    grids: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    topics: list[dict[str, Any]]
    populations: list[dict[str, Any]]


def catalogues(grids: Sequence[Any]) -> Catalogues:
    """Give the lists for a phone of some grids (id, code, name, unit)."""
    held = sorted(catalogue().categories.items())
    categories = [{"id": place, "path": facts.path, "urgent": facts.urgent} for place, facts in held if facts.active]
    codes = {grid.id: grid.code for grid in grids}
    groups = select(HouseholdGroup).where(HouseholdGroup.grid_id.in_(codes), HouseholdGroup.ended_at.is_(None))
    lists = {
        "grids": [{"code": grid.code, "name": grid.name, "unit": grid.unit} for grid in grids],
        "groups": [
            {"grid": codes[group.grid_id], "code": group.code, "name": group.name}
            for group in db.session.scalars(groups.order_by(HouseholdGroup.code))
        ],
        "categories": categories,
        "topics": [{"code": topic.code, "name": topic.name} for topic in topics()],
        "populations": [
            {"code": tag.code, "name": tag.name, "key": tag.key, "from_age": tag.from_age} for tag in populations() if tag.active
        ],
    }
    return Catalogues(hashlib.sha256(orjson.dumps(lists)).hexdigest()[:16], **lists)
