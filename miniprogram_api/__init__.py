"""Keeps the residents' door, one file per topic."""

from flask import Flask

from app.core.stamp import Door
from app.http.auth import resident, unnamed_resident
from app.http.blueprint import open_door
from app.http.uploads import unnamed_uploads, uploads
from miniprogram_api import cases, form, grids, heads, homes, look_ups, published, reports, services, sign_in, whistles

PREFIX = "/miniprogram/v1"


def register_miniprogram(app: Flask) -> None:
    """Open the door."""
    topics = [
        sign_in.door,
        sign_in.me,
        form.blp,
        grids.blp,
        reports.named,
        reports.unnamed,
        *uploads(Door.MINI_PROGRAM, resident(Door.MINI_PROGRAM)),
        *unnamed_uploads(Door.MINI_PROGRAM, unnamed_resident(Door.MINI_PROGRAM)),
        published.blp,
        cases.blp,
        cases.claims,
        homes.blp,
        heads.joining,
        heads.blp,
        whistles.blp,
        look_ups.reading,
        look_ups.writing,
        services.items,
        services.orders,
        services.help_wanted,
        services.contacts,
        services.joining,
    ]
    open_door(app, name="MINIPROGRAM", title="民呼 · 居民小程序接口", prefix=PREFIX, blueprints=topics)
