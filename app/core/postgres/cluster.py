"""Keeps how a database cluster is made and owned: UTF-8, passwords for everybody, mode 700, one owner."""

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import psycopg

from app.core.postgres.account import Way
from app.core.postgres.binaries import copy_to, locate
from app.core.postgres.errors import FolderForeign, PasswordLost, SocketFolderTaken, StartFailed
from app.core.postgres.place import DATABASE, PORT, ROLE, Access, Place

INITDB = (
    f"--username={ROLE}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--lc-collate=C",
    "--lc-ctype=C.UTF-8",
    "--no-instructions",
)
"""Characters are Unicode's everywhere and sort by code point, whatever locales the machine has."""


def owner_of(place: Place) -> tuple[int, int] | None:
    """Give uid and gid of PostgreSQL's folder, or None when there is none yet. Raises FolderForeign when it is closed to us."""
    if not place.folder.exists():
        return None
    status = place.folder.lstat()
    if os.geteuid() not in {0, status.st_uid}:
        raise FolderForeign(
            f"{place.folder} belongs to user number {status.st_uid}, not to you. Run Minhu as that user or as root, "
            "or set DATA_DIR to another folder."
        )
    return status.st_uid, status.st_gid


def prepare_folder(place: Place, way: Way) -> None:
    """Make PostgreSQL's folder, or pass it on to the account that runs the server from now on. The server must not run."""
    with contextlib.suppress(FileExistsError):
        place.folder.mkdir(mode=0o700)
        os.chown(place.folder, way.uid, way.gid)
    place.folder.chmod(0o700)
    if place.folder.lstat().st_uid == way.uid:
        return
    for parent, folders, files in os.walk(place.folder):
        for name in folders + files:
            os.chown(os.path.join(parent, name), way.uid, way.gid, follow_symlinks=False)
    os.chown(place.folder, way.uid, way.gid)


def prepare_programs(place: Place, way: Way, *, in_place: bool) -> str:
    """Give the folder of programs that `way` can execute: the wheel's own, or a copy beside the database."""
    install = locate()
    return str((install if in_place else copy_to(place.folder, install=install, owner=(way.uid, way.gid))) / "bin")


def prepare_socket_folder(place: Place, way: Way) -> None:
    """Make the socket's folder private to the account that runs the server, and clear what a killed server left there.

    Raises SocketFolderTaken when somebody else made it first.
    """
    folder = place.socket_folder()
    if folder != place.folder:
        if os.geteuid() == 0 and folder.exists() and folder.lstat().st_uid != way.uid:
            shutil.rmtree(folder)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, way.uid, way.gid)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != way.uid or status.st_mode & 0o077:
            raise SocketFolderTaken(
                f"{folder} should be ours and private, but is not. Remove it, or set TMPDIR to a folder of your own."
            )
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (folder / name).unlink(missing_ok=True)


def initialise(place: Place, way: Way, *, programs: str, password: str) -> None:
    """Make the cluster when there is none; a half-made one, left by a kill, is made anew. Raises StartFailed."""
    if (place.data / "PG_VERSION").exists():
        return
    for remains in place.folder.glob("initdb-*"):
        shutil.rmtree(remains, ignore_errors=True)
    # A folder of its own for each attempt: the initdb of a killed starter may still be at work.
    attempt = Path(tempfile.mkdtemp(dir=place.folder, prefix="initdb-"))
    fresh, secret = attempt / "data", attempt / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    for path in (secret, attempt):
        os.chown(path, way.uid, way.gid)
    outcome = way.run(f"{programs}/initdb", *INITDB, f"--pwfile={secret}", f"--pgdata={fresh}")
    secret.unlink()
    if outcome.returncode != 0:
        raise StartFailed(f"PostgreSQL's initdb failed in {place.folder}:\n{outcome.stderr.strip()}")
    fresh.rename(place.data)
    attempt.rmdir()
    # The new name must be on the disk before the first commit is: a crash must not bring back a folder we take for half-made.
    parent = os.open(place.folder, os.O_RDONLY)
    os.fsync(parent)
    os.close(parent)


def ensure_database(access: Access) -> None:
    """Create the database in a running server when it is not there yet.

    Raises PasswordLost when the password does not fit, and StartFailed when the server takes no connection just now.
    """
    try:
        connection = psycopg.connect(
            host=str(access.socket_folder),
            port=PORT,
            user=ROLE,
            password=access.password,
            dbname="postgres",
            connect_timeout=10,
            autocommit=True,
        )
        with connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError as refusal:
        if "password authentication failed" in str(refusal):
            raise PasswordLost(
                "The password in DATA_DIR/postgres-access.json does not fit this database. Bring back its own file from a backup."
            ) from None
        raise StartFailed(f"PostgreSQL runs, but no connection is possible: {refusal}") from refusal
