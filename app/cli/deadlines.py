"""Keeps the commands over clocks that the sweep set aside."""

import click

from app.cli.ground import on_the_ledger
from app.core.clock import CHINA
from app.core.database import transaction
from app.ledger.set_aside import clocks_set_aside, give_back


@click.group()
def deadlines() -> None:
    """Look at clocks that the sweep set aside because of an error."""


@deadlines.command("set-aside")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="How many, oldest first.")
@on_the_ledger
def set_aside(limit: int) -> None:
    """List the clocks that stopped a sweep, with their errors."""
    rows = clocks_set_aside(most=limit)
    for clock, number in rows:
        due = f"{clock.due_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
        click.echo(f"{clock.id}  {clock.clock} of case {number or 'none'}, due {due}: {clock.error}")
    click.echo(f"{len(rows)} clocks set aside")


@deadlines.command()
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every clock that was set aside.")
@on_the_ledger
def requeue(ids: tuple[int, ...], everything: bool) -> None:
    """Let the next sweep look again at the clocks IDS, once what stopped it is repaired."""
    if bool(ids) == everything:
        raise click.UsageError("Name the ids, or say --all.")
    with transaction():
        count = give_back(None if everything else ids)
    click.echo(f"{count} clocks go back to the sweep.")
