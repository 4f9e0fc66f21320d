"""Keeps what every command stands on: a database that answers, the stamp of the command line, refusals told as sentences."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar, cast

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core.clock import Clock
from app.core.crypto import KeysMissing, Undecipherable, load_keyring, use_keyring
from app.core.database import db
from app.core.errors import Invalid, Refusal
from app.core.postgres import PostgresFailure, ensure_running, is_running, stop
from app.core.sheets import Unreadable
from app.core.stamp import SYSTEM, Door, Role, Stamp
from config import Config

P = ParamSpec("P")
R = TypeVar("R")


def config() -> Config:
    """Give the settings of the running app."""
    return cast(Config, current_app.extensions["minhu"].config)


def clock() -> Clock:
    """Give the clock of the running app."""
    return cast(Clock, current_app.extensions["minhu"].clock)


def command_stamp(door: Door = Door.COMMAND_LINE) -> Stamp:
    """Give the stamp of a command: the system acts, now."""
    return Stamp(SYSTEM, Role.SYSTEM, clock()(), door)


def on_the_ledger(work: Callable[P, R]) -> Callable[P, R]:
    """Let a command run in the app, with its keys and a database that answers; a refusal ends it with one sentence."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with told(), database():
            return work(*args, **kwargs)

    return cast(Callable[P, R], with_appcontext(run))


@contextmanager
def told() -> Iterator[None]:
    """Turn what is refused or missing into a sentence and a failed exit."""
    try:
        yield
    except Refusal as refusal:
        more = "".join(f"\n  {name}: {'；'.join(words)}" for name, words in getattr(refusal, "errors", {}).items())
        raise click.ClickException(f"{refusal.code()}: {refusal}{more if isinstance(refusal, Invalid) else ''}") from refusal
    except (PostgresFailure, KeysMissing, Undecipherable, Unreadable) as failure:
        raise click.ClickException(str(failure)) from failure
    except OperationalError as failure:
        raise click.ClickException(f"The database does not answer or does not obey: {failure.orig}") from failure


@contextmanager
def database() -> Iterator[None]:
    """Run the block with the database up: an embedded one that sleeps is started, and stopped afterwards.

    One that runs is left alone; so is one that somebody else has begun to use meanwhile.
    """
    settings = config()
    _take_keys(settings)
    if settings.database_url or is_running(settings.data_path):
        yield
        return
    ensure_running(settings.data_path)
    try:
        yield
    finally:
        db.session.remove()
        db.engine.dispose()
        if not _in_use():
            stop(settings.data_path)


def _take_keys(settings: Config) -> None:
    """Load the keys, which the app goes without while only commands run: one of them makes the file. Raises KeysMissing."""
    file = current_app.extensions["minhu"].keys_file
    use_keyring(load_keyring(file, make=not settings.production), file=file)


def _in_use() -> bool:
    others = text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
    try:
        with db.engine.connect() as connection:
            count = connection.scalar(others)
    except OperationalError:
        return False
    db.engine.dispose()
    return bool(count)
