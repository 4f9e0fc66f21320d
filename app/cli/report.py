"""Keeps how commands tell what is wrong with a table: the first rows on the terminal, all of them in a file."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from app.core.sheets import RowError

SHOWN = 20

FILE = click.argument("file", type=click.Path(path_type=Path))
DRY_RUN = click.option("--dry-run", is_flag=True, help="Check everything and write nothing.")
ERRORS = click.option(
    "--errors", type=click.Path(path_type=Path), help="Write every error to this file as CSV: line, field, message."
)
"""The arguments that every import has."""


def tell_errors(errors: Sequence[RowError], file: Path | None = None) -> None:
    """Tell the first errors on standard error; write all of them to `file` as CSV (line, field, message) when one is named."""
    for error in errors[:SHOWN]:
        field = f", {error.field}" if error.field else ""
        click.echo(f"line {error.line}{field}: {error.message}", err=True)
    if len(errors) > SHOWN:
        click.echo(f"… and {len(errors) - SHOWN} more", err=True)
    if file is not None:
        with file.open("w", encoding="utf-8-sig", newline="") as report:  # the mark lets spreadsheets read it
            writer = csv.writer(report)
            writer.writerow(("line", "field", "message"))
            writer.writerows((error.line, error.field, error.message) for error in errors)


def refuse(errors: Sequence[RowError], file: Path | None = None) -> NoReturn:
    """Tell the errors and end the command: nothing was written."""
    tell_errors(errors, file)
    raise click.ClickException(f"{len(errors)} errors; nothing was written.")


def peak_megabytes() -> int:
    """Give the most memory that this process has had, in MB: its own, not its parent's before it began (as `ru_maxrss` would)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0
