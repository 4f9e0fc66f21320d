"""Keeps `flask import messages`: past appeals of a CSV file, checked row by row, stored batch by batch, each once."""

import resource
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import click

from app.cli.ground import clock, command_stamp, on_the_ledger
from app.cli.report import DRY_RUN, ERRORS, FILE, tell_errors
from app.core.database import transaction
from app.core.sheets import RowError, Sheet, match_columns, open_sheet
from app.core.stamp import Door
from app.ledger.intake.archive import archive_messages, stored_numbers, take_in_messages
from app.ledger.intake.importing import MESSAGE_COLUMNS, MESSAGE_REQUIRED, PastMessage, names_of_categories, read_message
from app.ledger.vocabulary import Channel


@dataclass(frozen=True)
class Order:
    """What is to be done with the rows: under which name of their system, as which channel, live or archived, or only checked."""

    source: str
    channel: Channel
    live: bool
    dry_run: bool
    batch: int


@dataclass
class Tally:
    """What became of the rows so far."""

    read: int = 0
    stored: int = 0
    there: int = 0
    errors: list[RowError] = field(default_factory=list)
    removed: int = 0

    def refused(self) -> int:
        """Give the number of rows with an error."""
        return len({error.line for error in self.errors})


@click.command()
@FILE
@click.option(
    "--map", "given", multiple=True, metavar="FIELD=COLUMN", help="The column of a field; an empty one leaves the field out."
)
@click.option(
    "--source", default="history", show_default=True, help="The system that the numbers belong to; a number comes in once."
)
@click.option("--channel", type=click.Choice([channel.value for channel in Channel]), default="mailbox", show_default=True)
@click.option("--live", is_flag=True, help="As new appeals with running clocks and notices, not as history.")
@click.option("--batch", type=click.IntRange(1, 5000), default=500, show_default=True, help="Rows a transaction.")
@DRY_RUN
@ERRORS
@on_the_ledger
def messages(
    file: Path, given: tuple[str, ...], source: str, channel: str, live: bool, batch: int, dry_run: bool, errors: Path | None
) -> None:
    """Bring in past appeals as archived history: no clocks, no notices, no call-backs.

    Fields: number, user, title, said_at, body, category, reply, replied_at; number, said_at and body must be there. Columns are
    found by their usual names (留言编号, 留言用户, 留言主题, 留言时间, 留言详情 …) or by --map. Times are China time. A row with
    an error is left out and told of, and the exit status is 1 then. Run the same file again after an interruption: what is
    stored stays and comes in once.
    """
    began, tally = monotonic(), Tally()
    order = Order(source, Channel(channel), live, dry_run, batch)
    with open_sheet(file) as sheet:
        columns = match_columns(sheet.columns, MESSAGE_COLUMNS, pairs_of(given), required=MESSAGE_REQUIRED)
        click.echo(f"Columns: {', '.join(f'{name}={column}' for name, column in columns.items())} ({sheet.encoding})")
        unused = [column for column in sheet.columns if column not in columns.values()]
        if unused:
            click.echo(f"Not used: {', '.join(unused)}")
        try:
            for part in _batches(_read(sheet, columns, tally), batch):
                _store(order, part, tally)
        except KeyboardInterrupt:
            _tell(tally, order, monotonic() - began)
            raise click.ClickException("Interrupted. Run the same command again to go on.") from None
    tell_errors(sorted(tally.errors, key=lambda error: error.line), errors)
    _tell(tally, order, monotonic() - began)
    if tally.errors:
        raise click.exceptions.Exit(1)


def pairs_of(given: tuple[str, ...]) -> dict[str, str]:
    """Give field → column of what stands after `--map`."""
    pairs = [pair.partition("=") for pair in given]
    if wrong := next((pair for pair in pairs if not pair[1]), None):
        raise click.BadParameter(f"“{wrong[0]}” is not FIELD=COLUMN", param_hint="--map")
    return {name.strip(): column.strip() for name, _, column in pairs}


def _read(sheet: Sheet, columns: Mapping[str, str], tally: Tally) -> Iterator[PastMessage]:
    """Give the rows that are fit, each number once; note the others."""
    from tqdm import tqdm  # only a terminal shows it

    categories, now, lines = names_of_categories(), clock()(), dict[str, int]()
    with tqdm(total=sheet.size, unit="B", unit_scale=True, disable=not sys.stderr.isatty(), leave=False) as bar:
        for row in sheet.rows:
            bar.update(sheet.position() - bar.n)
            tally.read += 1
            message = [row] if isinstance(row, RowError) else read_message(row, columns, categories=categories, now=now)
            if isinstance(message, list):
                tally.errors += message
            elif message.number in lines:
                first = lines[message.number]
                tally.errors.append(RowError(message.line, "number", f"“{message.number}” stands in line {first} already"))
            else:
                lines[message.number] = message.line
                tally.removed += message.removed > 0
                yield message


def _batches(messages: Iterator[PastMessage], size: int) -> Iterator[list[PastMessage]]:
    batch: list[PastMessage] = []
    for message in messages:
        batch.append(message)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _store(order: Order, batch: list[PastMessage], tally: Tally) -> None:
    """Store one batch in a transaction of its own; entries bear the time at which it is stored."""
    refused: list[RowError] = []
    with transaction():
        if order.dry_run:
            fresh = len(batch) - len(stored_numbers(order.source, [message.number for message in batch]))
        elif order.live:
            fresh, refused = take_in_messages(command_stamp(Door.IMPORT), batch, source=order.source, channel=order.channel)
        else:
            fresh = archive_messages(command_stamp(Door.IMPORT), batch, source=order.source, channel=order.channel)
    tally.stored += fresh
    tally.errors += refused
    tally.there += len(batch) - fresh - len({error.line for error in refused})


def _tell(tally: Tally, order: Order, seconds: float) -> None:
    done = "would be stored (dry run)" if order.dry_run else "stored"
    click.echo(f"{tally.read} rows read, {tally.stored} {done}, {tally.there} already there, {tally.refused()} refused")
    if tally.removed:
        click.echo(f"Control characters were taken out of {tally.removed} rows; their entries say so.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    click.echo(f"{seconds:.1f} s, peak memory {peak} MB")
