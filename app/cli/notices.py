"""Keeps the commands over notices that could not be sent."""

import click

from app.cli.ground import command_stamp, on_the_ledger
from app.core.clock import CHINA
from app.core.database import transaction
from app.notices.outbox import dead_letters, requeue


@click.group()
def notices() -> None:
    """List and requeue notices that could not be sent."""


@notices.command()
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="How many, oldest first.")
@on_the_ledger
def dead(limit: int) -> None:
    """List the notices that were given up, with the error of their last attempt."""
    letters = dead_letters(most=limit)
    for letter in letters:
        filed = f"{letter.created_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
        to = f"{letter.recipient} {letter.recipient_id}"
        click.echo(
            f"{letter.id}  {filed}  {letter.template} to {to}, {letter.attempts} attempts: {letter.last_error or 'no error noted'}"
        )
    click.echo(f"{len(letters)} dead notices" + (" (there may be more)" if len(letters) == limit else ""))


@notices.command("requeue")
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every dead notice.")
@on_the_ledger
def requeue_notices(ids: tuple[int, ...], everything: bool) -> None:
    """Give the dead notices IDS fresh attempts; the scheduler sends them."""
    if bool(ids) == everything:
        raise click.UsageError("Name the ids, or say --all.")
    with transaction():
        count = requeue(None if everything else ids, command_stamp().at)
    click.echo(f"{count} notices wait to be sent again.")
