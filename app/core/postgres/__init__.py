"""Keeps the embedded PostgreSQL of a data folder: started, adopted and stopped by its place alone."""

from app.core.postgres.errors import NotReady, PostgresFailure
from app.core.postgres.server import connection_url, ensure_running, is_running, server_pid, stop

__all__ = ["NotReady", "PostgresFailure", "connection_url", "ensure_running", "is_running", "server_pid", "stop"]
