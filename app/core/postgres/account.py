"""Keeps as whom PostgreSQL runs: as ourselves, in a user namespace, or as an account without rights, since it refuses root."""

import os
import pwd
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.core.postgres import launch
from app.core.postgres.errors import FolderUnusable, NoWayToRun

ACCOUNTS = ("minhu", "postgres", "nobody")
"""Accounts tried, in this order, where root has no user namespace."""

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that PostgreSQL's programs see of an environment: nobody's PGDATA or PGOPTIONS changes them."""

_PROBE = """program=$1; shift
for folder in "$@"; do cd -- "$folder" 2>/dev/null || { printf %s "$folder"; exit 1; }; done
[ -x "$program" ] || exit 3"""


@dataclass(frozen=True)
class Way:
    """One way to run the server: the owner of its files as seen from here, words for messages, and flags for `launch.py`."""

    uid: int
    gid: int
    words: str
    flags: tuple[str, ...] = ()

    def command(self, *command: str | Path, detach: bool = False) -> list[str]:
        """Give the command line that runs `command` this way; with `detach` it prints the pid and goes on alone."""
        flags = [*self.flags, *(["--detach"] if detach else [])]
        return [sys.executable, "-I", "-S", launch.__file__, *flags, "--", *map(str, command)]

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `command` this way to its end; gives its exit status and what it said."""
        return subprocess.run(  # noqa: S603 - our own programs
            self.command(*command), env=ENVIRONMENT, capture_output=True, text=True, errors="replace", check=False
        )


def choose_way(data_dir: Path, *, owner: tuple[int, int] | None, program: Path) -> tuple[Way, bool]:
    """Give the first way that can enter `data_dir`, and whether it can execute `program` where that stands.

    `owner` is uid and gid of a database folder that exists already. An ordinary user runs the server as itself. Root prefers
    whoever owns the database already, then a user namespace (nothing changes hands), then an account without rights.
    Raises NoWayToRun when every way is refused, and FolderUnusable when those that are not cannot enter `data_dir`.
    """
    blocked: list[str] = []
    for way in _ways(owner):
        outcome = way.run("/bin/sh", "-c", _PROBE, "sh", program, *reversed(data_dir.parents), data_dir)
        if outcome.returncode in {0, 3}:
            return way, outcome.returncode == 0
        if outcome.stdout:
            mode = stat.S_IMODE(Path(outcome.stdout).stat().st_mode)
            blocked.append(f"{way.words} may not enter {outcome.stdout} (mode {mode:o})")
    if blocked:
        raise FolderUnusable(
            f"DATA_DIR {data_dir} cannot be reached by PostgreSQL, which refuses to run as root: {'; '.join(blocked)}. "
            "Set DATA_DIR to a folder below ones that everybody may enter, such as /var/lib/minhu, or run as an ordinary user."
        )
    raise NoWayToRun(
        f"PostgreSQL cannot run as {_name(os.geteuid())} (it refuses root, and users without a name), user namespaces are refused "
        f"here, and none of the accounts {', '.join(ACCOUNTS)} can be taken. "
        "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL that runs elsewhere."
    )


def _ways(owner: tuple[int, int] | None) -> list[Way]:
    me = os.geteuid()
    if me != 0 and _is_known(me):
        return [Way(me, os.getegid(), f"the user {_name(me)}")]
    entries = [entry for name in ACCOUNTS if (entry := _entry(name))]
    accounts = [_account(entry.pw_uid, entry.pw_gid) for entry in entries] if me == 0 else []
    if me == 0 and owner is not None and owner[0] != 0:
        accounts.insert(0, _account(*owner))
    # Inside the namespace we need a uid that has a name, since initdb asks for it; which one makes no difference outside.
    flags = [("--namespace", f"{entry.pw_uid}:{entry.pw_gid}") for entry in entries[:1]]
    namespaces = [Way(me, os.getegid(), f"{_name(me)} in a user namespace", pair) for pair in flags]
    return accounts[:1] + namespaces + accounts[1:] if owner is not None and owner[0] != 0 else namespaces + accounts


def _account(uid: int, gid: int) -> Way:
    return Way(uid, gid, f"the account {_name(uid)}", ("--account", f"{uid}:{gid}"))


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return entry if entry.pw_uid != 0 else None


def _is_known(uid: int) -> bool:
    return _name(uid) != str(uid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
