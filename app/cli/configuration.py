"""Keeps `flask config`: one county's rules go out into a file, and come in at another, checked before anything is written."""

import json
from pathlib import Path
from typing import Any

import click

from app.cli.ground import command_stamp, on_the_ledger
from app.cli.report import DRY_RUN, FILE
from app.core.database import db, transaction
from app.core.sheets import Unreadable
from app.core.stamp import Door
from app.ledger.rules.configuration import Imported, export_configuration, import_configuration


@click.group()
def config() -> None:
    """Carry policies, categories, reasons and settings from one county to another."""


@config.command()
@FILE
@on_the_ledger
def export(file: Path) -> None:
    """Write the county's rules to FILE as JSON: policies in force, categories, reasons, settings. No ids, no people."""
    with transaction():
        told = export_configuration(command_stamp())
    try:
        file.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as refusal:
        raise Unreadable(f"{file} cannot be written: {refusal.strerror}.") from refusal
    counts = ", ".join(f"{len(told[section])} {section}" for section in ("policies", "categories", "reasons", "settings"))
    click.echo(f"{file}: {counts}")


@config.command("import")
@FILE
@DRY_RUN
@click.option("--reason", help="Why, for the record; the file's name when nothing is said.")
@on_the_ledger
def import_(file: Path, dry_run: bool, reason: str | None) -> None:
    """Bring in another county's rules from FILE: what differs is written as new versions, what FILE does not name stays.

    Everything is checked first; with any error nothing is written. Running clocks keep the version under which they started.
    """
    given = _read(file)
    with transaction():
        done = import_configuration(command_stamp(Door.IMPORT), given, reason=reason or f"导入配置 {file.name}")
        if done.errors or dry_run:
            db.session.rollback()
    _tell(done, dry_run=dry_run)


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as refusal:
        raise Unreadable(f"{file} cannot be read: {refusal.strerror}.") from refusal
    except ValueError as broken:
        raise Unreadable(f"{file} is no JSON in UTF-8: {broken}.") from broken


def _tell(done: Imported, *, dry_run: bool) -> None:
    for place, words in done.errors:
        click.echo(f"{place}: {words}", err=True)
    if done.errors:
        raise click.ClickException(f"{len(done.errors)} errors; nothing was written.")
    for place, words in done.differences:
        click.echo(f"{place}: {words}")
    for place in done.only_here:
        click.echo(f"{place}: only here, stays")
    more = " (dry run: nothing was written)" if dry_run else ""
    click.echo(f"{len(done.differences)} differ, {done.unchanged} unchanged, {len(done.only_here)} only here{more}")
