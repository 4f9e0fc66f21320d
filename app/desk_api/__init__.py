"""Keeps the desk door, one file per topic."""

from flask import Flask

from app.core.stamp import Door
from app.desk_api import calls, cases, directory, handling, identity, intake, outcome, registrations
from app.http.blueprint import open_door
from app.http.sign_in import staff_sign_in

PREFIX = "/desk/v1"


def register_desk(app: Flask) -> None:
    """Open the door."""
    topics = [
        *staff_sign_in(Door.DESK),
        registrations.blp,
        calls.blp,
        cases.blp,
        intake.blp,
        handling.blp,
        outcome.blp,
        identity.blp,
        directory.blp,
    ]
    open_door(app, name="DESK", title="民呼 · 坐席台接口", prefix=PREFIX, blueprints=topics)
