"""Keeps `flask import grids`: the grids' polygons of a GeoJSON file, checked as a whole, published as a new version."""

import csv
from pathlib import Path

import click

from app.cli.ground import command_stamp, on_the_ledger
from app.cli.report import DRY_RUN, FILE, SHOWN
from app.core.database import transaction
from app.core.sheets import Unreadable
from app.core.stamp import Door
from app.territory.datum import Datum
from app.territory.shapes.findings import Finding, Report
from app.territory.shapes.publishing import TOLERANCE, ShapeFile, publish_shapes, try_shapes

LARGEST = 200 * 1024 * 1024


@click.command()
@FILE
@click.option("--map", "given", multiple=True, metavar="FIELD=PROPERTY", help="The property of a field: code, name, unit.")
@click.option(
    "--datum", type=click.Choice([datum.value for datum in Datum]), required=True, help="How the file's degrees are meant."
)
@click.option("--create", is_flag=True, help="Make grids that are not known, in the village whose code their unit property names.")
@click.option("--tolerance", type=click.FloatRange(0), help="Square metres of overlap or gap that are not told (10).")
@DRY_RUN
@click.option("--findings", "findings", type=click.Path(path_type=Path), help="Write every finding to this file as CSV.")
@on_the_ledger
def grids(
    file: Path, given: tuple[str, ...], datum: str, create: bool, tolerance: float | None, dry_run: bool, findings: Path | None
) -> None:
    """Bring in the grids' polygons: a GeoJSON FeatureCollection of Polygon and MultiPolygon, one grid's code at each.

    The grids that the file names get a new version, all others keep theirs. Overlaps and gaps are told and do not bar; with any
    error nothing is written.
    """
    wrong = [each for each in given if "=" not in each]
    if wrong:
        raise click.BadParameter(f"“{wrong[0]}” is not FIELD=PROPERTY", param_hint="--map")
    wanted = ShapeFile(
        source=file.name,
        content=_content(file),
        datum=Datum(datum),
        columns=dict(each.split("=", 1) for each in given),
        create=create,
        tolerance=TOLERANCE if tolerance is None else tolerance,
    )
    with transaction():
        report = try_shapes(command_stamp(Door.IMPORT), wanted)
        _tell(report, findings)
        if report.barred:
            raise click.ClickException("The file has errors; nothing was written.")
        changed = report.new_shapes + report.changed
        version = publish_shapes(command_stamp(Door.IMPORT), wanted).id if changed and not dry_run else None
    counts = f"{report.new_grids} grids new, {report.new_shapes} shapes new, {report.changed} changed, {report.unchanged} unchanged"
    click.echo(counts + (" (dry run: nothing was written)" if dry_run else f"; version {version}" if version else ""))


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise Unreadable(f"{file} is larger than {LARGEST // 1024 // 1024} MB.")
        return file.read_bytes()
    except OSError as error:
        raise Unreadable(f"{file} cannot be read: {error.strerror}.") from None


def _tell(report: Report, file: Path | None) -> None:
    for finding in report.findings[:SHOWN]:
        click.echo(_line(finding), err=True)
    more = sum(report.counts.values()) - SHOWN
    if more > 0:
        click.echo(f"… and {more} more: {', '.join(f'{about} {count}' for about, count in report.counts.items())}", err=True)
    if file is not None:
        with file.open("w", encoding="utf-8-sig", newline="") as table:  # the mark lets spreadsheets read it
            writer = csv.writer(table)
            columns = ("about", "feature", "grids", "longitude", "latitude", "square_metres", "words")
            writer.writerow(columns)
            writer.writerows(
                [" ".join(finding.grids) if name == "grids" else getattr(finding, name) for name in columns]
                for finding in report.findings
            )


def _line(finding: Finding) -> str:
    where = f"feature {finding.feature}" if finding.feature else " ".join(finding.grids)
    at = f" at {finding.longitude:.6f} {finding.latitude:.6f}" if finding.longitude is not None else ""
    return f"{'error' if finding.bars else 'warning'} {finding.about}: {where}{at}: {finding.words}"
