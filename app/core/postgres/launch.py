"""Keeps how a command runs as somebody else: as a script, it changes its identity, detaches if asked, becomes the command.

    python -I -S launch.py [--namespace UID:GID | --account UID:GID] [--detach] -- COMMAND…

A script of its own because a process of many threads must neither fork nor enter a namespace by itself, and because the
interpreter that runs it may stand where the account to be taken cannot go. Ends with REFUSED when the identity is refused.
"""

import ctypes
import os
import sys

REFUSED = 125
NEW_USER_NAMESPACE = 0x10000000  # CLONE_NEWUSER of linux/sched.h; Python has it by name only from 3.12 on


def enter_namespace(uid: int, gid: int) -> None:
    """Enter a user namespace in which this process is `uid`; outside, the files it makes stay its own."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    if outer_uid == 0:
        os.setgroups([])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_USER_NAMESPACE) != 0:
        raise OSError(ctypes.get_errno(), "user namespace refused")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {outer_uid} 1"), ("gid_map", f"{gid} {outer_gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def take_account(uid: int, gid: int) -> None:
    """Become `uid` for good, with one group and no other rights."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def detach() -> None:
    """Go on in a session of its own, so that the command outlives its starter; the starter reads the pid on standard output."""
    pid = os.fork()
    if pid:
        os.write(1, str(pid).encode("ascii"))
        os._exit(0)
    os.setsid()
    os.dup2(2, 1)


def main(arguments: list[str]) -> None:
    """Change identity, detach, and become the command."""
    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    os.chdir("/")
    os.umask(0o077)
    try:
        for flag, change in (("--namespace", enter_namespace), ("--account", take_account)):
            if flag in options:
                uid, _, gid = options[options.index(flag) + 1].partition(":")
                change(int(uid), int(gid))
    except OSError as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(REFUSED)
    if "--detach" in options:
        detach()
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as failure:
        sys.stderr.write(f"{command[0]}: {failure.strerror}\n")
        os._exit(126)


if __name__ == "__main__":
    main(sys.argv[1:])
