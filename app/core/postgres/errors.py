"""Keeps what can go wrong with the embedded PostgreSQL, in sentences for the command line that say what to do."""


class PostgresFailure(Exception):
    """The embedded PostgreSQL cannot be used."""


class BinariesMissing(PostgresFailure):
    """PostgreSQL's programs are not where they should be, or cannot be read."""


class FolderUnusable(PostgresFailure):
    """DATA_DIR cannot be reached or written by whoever has to."""


class FolderForeign(PostgresFailure):
    """The database folder belongs to another account."""


class NoWayToRun(PostgresFailure):
    """PostgreSQL refuses root, and no other way to run it is open here."""


class SocketFolderTaken(PostgresFailure):
    """Somebody else holds the folder in which the socket must stand."""


class PasswordLost(PostgresFailure):
    """The database exists, but the file with its password is missing or does not fit."""


class Busy(PostgresFailure):
    """Another process is starting or stopping the same server and does not finish."""


class StartFailed(PostgresFailure):
    """The server did not start."""


class NotReady(StartFailed):
    """The server lives, but does not answer yet: it replays what a crash left. Asking again waits on."""


class StopFailed(PostgresFailure):
    """The server did not stop."""
