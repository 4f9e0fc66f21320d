"""Keeps the grid door, one file per topic."""

from flask import Flask

from app.core.stamp import Door
from app.grid_api import cases, consent_codes, field, filings, heads, homes, looks, territory, visits, whistles
from app.http.blueprint import open_door
from app.http.sign_in import staff_sign_in

PREFIX = "/grid/v1"


def register_grid(app: Flask) -> None:
    """Open the door."""
    topics = [
        *staff_sign_in(Door.GRID),
        territory.blp,
        visits.blp,
        filings.blp,
        consent_codes.blp,
        homes.blp,
        heads.blp,
        heads.work,
    ]
    topics += [cases.blp, field.listing, field.blp, field.calling, looks.listing, looks.blp, whistles.listing, whistles.blp]
    open_door(app, name="GRID", title="民呼 · 网格员接口", prefix=PREFIX, blueprints=topics)
