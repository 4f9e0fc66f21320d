"""Keeps the grid door, one file per topic."""

from flask import Flask

from app.grid_api import cases, filings, sign_in, territory, visits
from app.http.blueprint import open_door

PREFIX = "/grid/v1"


def register_grid(app: Flask) -> None:
    """Open the door."""
    topics = [sign_in.door, sign_in.me, territory.blp, visits.blp, filings.blp, cases.blp]
    open_door(app, name="GRID", title="民呼 · 网格员接口", prefix=PREFIX, blueprints=topics)
