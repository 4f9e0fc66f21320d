"""Keeps the grid door, one file per topic."""

from flask import Flask

from app.core.stamp import Door
from app.grid_api import cases, filings, looks, tasks, territory, visit_effects, visits, whistles
from app.http.blueprint import open_door
from app.http.sign_in import staff_sign_in

PREFIX = "/grid/v1"


def register_grid(app: Flask) -> None:
    """Open the door."""
    topics = [*staff_sign_in(Door.GRID), territory.blp, visits.blp, filings.blp, cases.blp, looks.listing, looks.blp]
    topics += [tasks.blp, tasks.history, visit_effects.blp]
    topics += [whistles.listing, whistles.blp]
    open_door(app, name="GRID", title="民呼 · 网格员接口", prefix=PREFIX, blueprints=topics)
