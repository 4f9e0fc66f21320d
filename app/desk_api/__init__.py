"""Keeps the desk door, one file per topic."""

from flask import Flask

from app.desk_api import calls, cases, directory, handling, identity, intake, outcome, registrations, sign_in
from app.http.blueprint import open_door

PREFIX = "/desk/v1"


def register_desk(app: Flask) -> None:
    """Open the door."""
    topics = [
        sign_in.door,
        sign_in.me,
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
