"""Runs migrations on the connection handed in: lock and statement time-outs set, one transaction a migration."""

from alembic import context
from sqlalchemy import text

import app.models  # noqa: F401 (fills the metadata)
from app.core import migrate
from app.core.database import Base

MIGRATION_LOCK = 0x6D696E68


def run() -> None:
    connection = context.config.attributes["connection"]
    connection.execute(text(f"SET lock_timeout = '{migrate.LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{migrate.STATEMENT_TIMEOUT}'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
    connection.commit()


run()
