"""Keeps the residents' door, one file per topic."""

from flask import Flask

from app.http.blueprint import open_door
from miniprogram_api import cases, form, heads, homes, look_ups, published, reports, sign_in, whistles

PREFIX = "/miniprogram/v1"


def register_miniprogram(app: Flask) -> None:
    """Open the door."""
    topics = [
        sign_in.door,
        sign_in.me,
        form.blp,
        reports.named,
        reports.unnamed,
        published.blp,
        cases.blp,
        cases.claims,
        homes.blp,
        heads.joining,
        heads.blp,
        whistles.blp,
        look_ups.reading,
        look_ups.writing,
    ]
    open_door(app, name="MINIPROGRAM", title="民呼 · 居民小程序接口", prefix=PREFIX, blueprints=topics)
