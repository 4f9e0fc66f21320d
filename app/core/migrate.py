"""Keeps the schema at the version of the code: upgrading, and telling whether it is there.

Migrations are numbered in the order in which they run, and Alembic, a large library, is read only where one is run: a web worker
that says whether it is ready needs the number alone.
"""

from pathlib import Path

from sqlalchemy import Engine, inspect, text

FOLDER = Path(__file__).resolve().parents[2] / "migrations"

LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "10min"
"""How long a migration waits for a lock that somebody holds, and how long one of its statements may take, before it gives up."""


def upgrade(engine: Engine, *, to: str = "head") -> None:
    """Upgrade the schema in one transaction a migration; two upgraders at once wait for each other."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def wanted_version() -> str:
    """Give the version that the code needs: the number of the last migration."""
    return max(script.name.partition("_")[0] for script in (FOLDER / "versions").glob("[0-9]*.py"))


def present_version(engine: Engine) -> str | None:
    """Give the version of the schema; None when it is empty."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
