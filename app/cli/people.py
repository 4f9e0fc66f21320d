"""Keeps `flask import people`: a list of households and residents as villages keep it, from a workbook, in one transaction."""

import sys
from pathlib import Path
from time import monotonic

import click

from app.cli.ground import command_stamp, on_the_ledger
from app.cli.messages import pairs_of
from app.cli.report import DRY_RUN, FILE, SHOWN, peak_megabytes
from app.core.database import transaction
from app.core.stamp import Door
from app.people.roster.lists.importing import Order, Outcome, import_people
from app.people.roster.lists.report import COUNTS, report
from app.visits.leaving import follow_list


@click.command()
@FILE
@click.option("--unit", metavar="CODE", help="The township or village that the list is of; without it, the whole county.")
@DRY_RUN
@click.option("--strict", is_flag=True, help="With an error in any row nothing is written.")
@click.option("--profile", metavar="NAME", help="Read the columns as remembered under NAME, or remember them under it.")
@click.option("--map", "given", multiple=True, metavar="FIELD=COLUMN", help="The column of a field; an empty one leaves it out.")
@click.option("--errors", type=click.Path(path_type=Path), help="Write the report with the refused rows to this .xlsx file.")
@on_the_ledger
def people(
    file: Path, unit: str | None, dry_run: bool, strict: bool, profile: str | None, given: tuple[str, ...], errors: Path | None
) -> None:
    """Bring in households and residents from a workbook (.xlsx) as villages keep it.

    Sheets may be villages or grids; the header may stand below titles, its columns in any order (姓名, 身份证号, 与户主关系, 户号,
    所属网格, 户区, 户长, 帮扶人, 低保到期 …). Good rows are taken, bad ones are left out and come back in the report, to be mended
    and handed in again. The exit status is 1 when a row was left out.
    """
    began = monotonic()
    order = Order(source=file.name, unit=unit, given=pairs_of(given), profile=profile, dry_run=dry_run, strict=strict)
    with transaction():
        outcome = _import(file, order)
    if errors is not None:
        errors.write_bytes(report(outcome))
    _tell(outcome, monotonic() - began)
    if outcome.refused:
        raise click.exceptions.Exit(1)


def _import(file: Path, order: Order) -> Outcome:
    from tqdm import tqdm  # only a terminal shows it

    with tqdm(unit="row", unit_scale=True, disable=not sys.stderr.isatty(), leave=False) as bar:

        def moved(done: int, known: int) -> None:
            bar.total = known
            bar.update(done - bar.n)

        return import_people(command_stamp(Door.IMPORT), file, order, progress=moved, follow=follow_list)


def _tell(outcome: Outcome, seconds: float) -> None:
    for row in outcome.refused_in_order()[:SHOWN]:
        click.echo(f"{row.sheet} line {row.line}: {'；'.join(fault.words for fault in row.faults)}", err=True)
    if len(outcome.refused) > SHOWN:
        click.echo(f"… and {len(outcome.refused) - SHOWN} more", err=True)
    for sheet, heading in outcome.headings.items():
        click.echo(f"{sheet}: header in line {heading.line}")
    click.echo(f"Columns: {', '.join(f'{field}={header}' for field, header in outcome.columns.items())}")
    for name, _ in COUNTS:
        click.echo(f"{name}: {outcome.counts[name]}")
    click.echo("written" if outcome.written else "nothing was written")
    click.echo(f"{seconds:.1f} s, peak memory {peak_megabytes()} MB")
