"""Databases with the schema and nothing in it, for what begins on an empty machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from flask import Flask

from app.core.clock import FrozenClock
from app.core.database import db
from app.core.held import forget_all
from app.core.migrate import upgrade
from app.territory.calendar.queries import forget_calendar
from tests.conftest import drop_database


@contextmanager
def bare_app(server: str, make_app, clock: FrozenClock | None = None) -> Iterator[Flask]:
    """An app on a database of its own, freshly migrated, really committed."""
    name = f"bare_{os.urandom(4).hex()}"
    with psycopg.connect(server.replace("+psycopg", "").replace("/minhu?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    made = make_app(server.replace("/minhu?", f"/{name}?"), clock)
    with made.app_context():
        upgrade(db.engine)
    forget_all()
    forget_calendar()
    try:
        yield made
    finally:
        with made.app_context():
            db.session.remove()
            db.engine.dispose()
        drop_database(server, name)
        forget_all()
        forget_calendar()
