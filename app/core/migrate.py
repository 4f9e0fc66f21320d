"""Keeps the schema at the version of the code: upgrading, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

FOLDER = Path(__file__).resolve().parents[2] / "migrations"

LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "10min"
"""How long a migration waits for a lock that somebody holds, and how long one of its statements may take, before it gives up."""


def alembic_config() -> Config:
    """Give Alembic's configuration without any ini file."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine, *, to: str = "head") -> None:
    """Upgrade the schema in one transaction a migration; two upgraders at once wait for each other."""
    config = alembic_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def wanted_version() -> str | None:
    """Give the version that the code needs."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def present_version(engine: Engine) -> str | None:
    """Give the version of the schema; None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
