"""Keeps the ground under the tests: one real PostgreSQL a worker, built by the real migrations, a savepoint a test."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

import app.jobs
from app.core.clock import FrozenClock
from app.core.crypto import load_keyring, use_keyring
from app.core.database import db, transaction
from app.core.held import forget_all
from app.core.migrate import upgrade
from app.core.postgres import ensure_running, stop
from app.core.stamp import ANONYMOUS, SYSTEM, Actor, ActorKind, Door, Role, Stamp
from app.demo.cast import Cast, build_county, find_cast
from app.factory import create_app
from app.files.local_store import LocalStore
from app.notices.gateways import RecordingGateway
from app.people.sessions import staff_actor
from app.territory.calendar.queries import forget_calendar
from app.wechat.development import DevelopmentGateway
from config import TestConfig

assert app.jobs

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Monday 2026-11-23, 09:00 in China: where every test's clock starts."""


class FreshClient(FlaskClient):
    """A client whose every request gets an app context of its own, as in a real server."""

    def open(self, *args, **kwargs):
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL of this worker's own; gives its URL."""
    folder = Path(tempfile.mkdtemp(prefix="minhu-test-"))
    folder.chmod(0o755)
    try:
        yield ensure_running(folder)
    finally:
        stop(folder, mode="immediate")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> str:
    return str(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="session")
def make_app(keys) -> Callable[..., Flask]:
    def make(url: str, clock: FrozenClock | None = None, **parts) -> Flask:
        config = TestConfig(database_url=url, keys_file=keys)
        wechat = DevelopmentGateway(appid=config.wechat_appid, production=False)
        usual = {"clock": clock or FrozenClock(MONDAY), "wechat": wechat, "notices": RecordingGateway()}
        usual["files"] = LocalStore(Path(keys).with_name("files"))
        made = create_app(config, **usual | parts)
        made.test_client_class = FreshClient
        return made

    return make


@pytest.fixture(scope="session")
def template(server, make_app) -> str:
    """A database with the schema by migrations and the cast in it; gives its URL. Other databases are made from it."""
    made = make_app(server)
    with made.app_context():
        upgrade(db.engine)
        with transaction():
            build_county(Stamp(SYSTEM, Role.SYSTEM, MONDAY, Door.COMMAND_LINE), appid="wx-test")
        db.engine.dispose()
    return server


def copy_database(url: str, name: str) -> str:
    """Make a database from the template; gives its URL."""
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain.replace("/minhu?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE minhu STRATEGY file_copy')
    return url.replace("/minhu?", f"/{name}?")


def drop_database(url: str, name: str) -> None:
    plain = url.replace("postgresql+psycopg://", "postgresql://").replace("/minhu?", "/postgres?")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def shared_app(template, make_app) -> Iterator[Flask]:
    """The app of all tests that roll back, on a database of its own."""
    made = make_app(copy_database(template, "rolled_back"))
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def clock(shared_app) -> FrozenClock:
    held: FrozenClock = shared_app.extensions["minhu"].clock
    held.move_to(MONDAY)
    return held


@contextmanager
def rolled_back(shared_app: Flask, keys: str) -> Iterator[Flask]:
    """The app's context, in a transaction that is rolled back when it is left."""
    use_keyring(load_keyring(Path(keys), make=False))  # another test may have made an app with keys of its own
    with shared_app.app_context():
        engines = db.engines
        engine = engines[None]
        connection = engine.connect()
        outer = connection.begin()
        connection.begin_nested()
        engines[None] = connection
        forget_all()
        forget_calendar()
        try:
            yield shared_app
        finally:
            db.session.remove()
            outer.rollback()
            connection.close()
            engines[None] = engine
            forget_all()
            forget_calendar()


@pytest.fixture
def app(shared_app, clock, keys) -> Iterator[Flask]:
    """The app in a transaction that is rolled back after the test."""
    with rolled_back(shared_app, keys) as held:
        yield held


@pytest.fixture
def session(app):
    return db.session


@pytest.fixture
def committed(template, make_app) -> Iterator[Flask]:
    """An app on a database of its own in which everything is really committed; for threads and locks."""
    name = f"committed_{os.urandom(4).hex()}"
    made = make_app(copy_database(template, name))
    forget_all()
    forget_calendar()
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()
    drop_database(template, name)
    forget_all()
    forget_calendar()


@pytest.fixture
def gateway(app) -> RecordingGateway:
    from app.notices.jobs import use_gateway

    fresh = RecordingGateway()
    use_gateway(fresh)
    return fresh


@pytest.fixture
def cast(session) -> Cast:
    return find_cast()


@pytest.fixture
def as_staff(cast, clock) -> Callable[..., Stamp]:
    """Makes the stamp of a member of staff by login, at the clock's time."""

    def make(login: str, door: Door = Door.DESK) -> Stamp:
        actor = staff_actor(cast.staff[login].id)
        return Stamp(actor, actor.posts[0].role, clock(), door)

    return make


@pytest.fixture
def as_resident(cast, clock) -> Callable[..., Stamp]:
    """Makes the stamp of a resident by name, at the clock's time."""

    def make(name: str) -> Stamp:
        return Stamp(Actor(ActorKind.RESIDENT, cast.residents[name].id), Role.RESIDENT, clock(), Door.MINI_PROGRAM)

    return make


@pytest.fixture
def as_system(clock) -> Callable[[], Stamp]:
    return lambda: Stamp(SYSTEM, Role.SYSTEM, clock(), Door.JOB)


@pytest.fixture
def as_anonymous(clock) -> Callable[[], Stamp]:
    return lambda: Stamp(ANONYMOUS, Role.RESIDENT, clock(), Door.MINI_PROGRAM)


@pytest.fixture
def stamp(as_system) -> Stamp:
    return as_system()


@pytest.fixture
def client(app) -> FlaskClient:
    return app.test_client()
