"""Keeps the commands by which real input comes in: units, categories, and past appeals as archived history."""

import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import click

from app.cli.ground import clock, command_stamp, on_the_ledger
from app.cli.report import refuse, tell_errors
from app.core.database import transaction
from app.core.held import forget_all
from app.core.sheets import RowError, Sheet, Unreadable, match_columns, open_sheet
from app.core.stamp import Door
from app.ledger.archive import archive_messages, stored_numbers, take_in_messages
from app.ledger.importing import (
    CATEGORY_COLUMNS,
    MESSAGE_COLUMNS,
    MESSAGE_REQUIRED,
    PastMessage,
    names_of_categories,
    plan_categories,
    read_message,
    write_categories,
)
from app.ledger.models import Category
from app.ledger.vocabulary import Channel
from app.territory.importing import COLUMNS as UNIT_COLUMNS
from app.territory.importing import known_units, plan_units, write_units

FILE = click.argument("file", type=click.Path(path_type=Path))
DRY_RUN = click.option("--dry-run", is_flag=True, help="Check everything and write nothing.")
ERRORS = click.option("--errors", type=click.Path(path_type=Path), help="Write every error to this file as CSV: line, field, message.")


@click.group("import")
def imports() -> None:
    """Bring in units, categories and past appeals from CSV files (UTF-8 or GBK)."""


@imports.command()
@FILE
@DRY_RUN
@ERRORS
@on_the_ledger
def units(file: Path, dry_run: bool, errors: Path | None) -> None:
    """Bring in units: code, name, parent_code, level (county, township, village, department).

    A unit that is known by its code is renamed, never moved. With an error in any row nothing is written.
    """
    with open_sheet(file) as sheet, transaction():
        columns = match_columns(sheet.columns, UNIT_COLUMNS, {}, required=("code", "name", "parent_code", "level"))
        plan = plan_units(sheet.rows, columns, known_units())
        if plan.errors:
            refuse(plan.errors, errors)
        if not dry_run:
            write_units(plan)
    forget_all()
    click.echo(f"{len(plan.new)} units new, {len(plan.renamed)} renamed, {plan.unchanged} unchanged{_dry(dry_run)}")


@imports.command()
@FILE
@DRY_RUN
@ERRORS
@on_the_ledger
def categories(file: Path, dry_run: bool, errors: Path | None) -> None:
    """Bring in the category tree, one leaf a row: 一级分类, 二级分类, 三级分类. With an error in any row nothing is written."""
    with open_sheet(file) as sheet, transaction():
        columns = match_columns(sheet.columns, CATEGORY_COLUMNS, {}, required=("first",))
        plan = plan_categories(sheet.rows, columns, _paths())
        if plan.errors:
            refuse(plan.errors, errors)
        if not dry_run:
            write_categories(plan)
    forget_all()
    click.echo(f"{len(plan.new)} categories new, {plan.unchanged} unchanged{_dry(dry_run)}")


def _dry(dry_run: bool) -> str:
    return " (dry run: nothing was written)" if dry_run else ""
