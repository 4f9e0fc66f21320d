"""Keeps the commands by which real input comes in: units, categories, responsible units, and past appeals as history."""

from pathlib import Path

import click

from app.cli.excel import as_table
from app.cli.grid_shapes import grids
from app.cli.ground import clock, command_stamp, on_the_ledger
from app.cli.messages import messages
from app.cli.people import people
from app.cli.report import DRY_RUN, ERRORS, FILE, refuse
from app.cli.upstream import upstream
from app.core.database import transaction
from app.core.held import forget_all
from app.core.sheets import match_columns, open_sheet
from app.core.stamp import Door
from app.ledger.dispatching.duty_sheet import COLUMNS as DUTY_COLUMNS
from app.ledger.dispatching.duty_sheet import plan_duties, write_duties
from app.ledger.intake.importing import CATEGORY_COLUMNS, known_paths, plan_categories, write_categories
from app.ledger.rules.policy_changes import begin_change, note_change
from app.ledger.vocabulary import Rule
from app.people.duty.sheet import COLUMNS as ROSTER_COLUMNS
from app.people.duty.sheet import plan_roster, write_roster
from app.services.sheet import COLUMNS as SERVICE_COLUMNS
from app.services.sheet import REQUIRED, plan_items, write_items
from app.territory.importing import COLUMNS as UNIT_COLUMNS
from app.territory.importing import known_units, plan_units, write_units


@click.group("import")
def imports() -> None:
    """Bring in people from .xlsx, grids from GeoJSON; units, categories, duties, rosters, orders, past appeals from CSV."""


imports.add_command(messages)
imports.add_command(grids)
imports.add_command(people)
imports.add_command(upstream)


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
        plan = plan_categories(sheet.rows, columns, known_paths())
        if plan.errors:
            refuse(plan.errors, errors)
        if not dry_run and plan.new:
            begin_change(stamp := command_stamp(Door.IMPORT), file.name)
            write_categories(plan)
            note_change(stamp, Rule.CATEGORY, "import", before=None, after=plan.new, reason=f"导入分类 {file.name}")
    forget_all()
    click.echo(f"{len(plan.new)} categories new, {plan.unchanged} unchanged{_dry(dry_run)}")


@imports.command()
@FILE
@DRY_RUN
@ERRORS
@on_the_ledger
def duties(file: Path, dry_run: bool, errors: Path | None) -> None:
    """Bring in responsible units: category (path or name), unit_code, role (法定主责, 可以主办, 可以协办), note.

    A line that says otherwise than the one in force replaces it; lines that the file does not name stay. With an error in any
    row nothing is written.
    """
    with open_sheet(file) as sheet, transaction():
        columns = match_columns(sheet.columns, DUTY_COLUMNS, {}, required=("category", "unit_code", "role"))
        plan = plan_duties(sheet.rows, columns)
        if plan.errors:
            refuse(plan.errors, errors)
        if not dry_run:
            write_duties(command_stamp(Door.IMPORT), plan)
    click.echo(f"{len(plan.new)} duties put, {plan.unchanged} unchanged{_dry(dry_run)}")


@imports.command("roster")
@FILE
@DRY_RUN
@ERRORS
@on_the_ledger
def duty_roster(file: Path, dry_run: bool, errors: Path | None) -> None:
    """Bring in the duty roster: unit_code, login, what (值班长, 值班电话, 带班领导), from, until and, where it has one, phone.

    Lines that stand already are passed over, lines that the file does not name stay. With an error in any row nothing is
    written.
    """
    with open_sheet(file) as sheet, transaction():
        columns = match_columns(sheet.columns, ROSTER_COLUMNS, {}, required=[name for name in ROSTER_COLUMNS if name != "phone"])
        plan = plan_roster(sheet.rows, columns, clock()())
        if plan.errors:
            refuse(plan.errors, errors)
        if not dry_run:
            write_roster(command_stamp(Door.IMPORT), plan)
    forget_all()
    click.echo(f"{len(plan.new)} duties put on the roster, {plan.unchanged} unchanged{_dry(dry_run)}")


@imports.command()
@FILE
@DRY_RUN
@ERRORS
@on_the_ledger
def services(file: Path, dry_run: bool, errors: Path | None) -> None:
    """Bring in the service catalogue from a CSV or Excel file, one item a row, as the desk gives it out.

    An item that says otherwise than the one in force is its next version; items that the file does not name stay. With an error
    in any row nothing is written.
    """
    with as_table(file) as table, open_sheet(table) as sheet, transaction():
        columns = match_columns(sheet.columns, SERVICE_COLUMNS, {}, required=REQUIRED)
        plan = plan_items(sheet.rows, columns)
        if plan.errors:
            refuse(plan.errors, errors)
        written = 0 if dry_run else write_items(command_stamp(Door.IMPORT), plan)
    click.echo(f"{len(plan.drafts)} items read, {written} new or changed{_dry(dry_run)}")


def _dry(dry_run: bool) -> str:
    return " (dry run: nothing was written)" if dry_run else ""
