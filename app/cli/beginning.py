"""Keeps how a ledger begins: the schema and what it needs first, the demo county, and who can sign in there."""

import logging
from datetime import datetime

import click
from sqlalchemy import select

from app.cli.ground import clock, command_stamp, config, on_the_ledger
from app.core.clock import CHINA
from app.core.database import db, transaction
from app.ledger.reference import seed_reference
from app.territory.calendar.commands import seed_calendar
from app.territory.calendar.models import CalendarYear


@click.command()
@on_the_ledger
def migrate() -> None:
    """Bring the schema to this version, and seed policies, reasons and the calendar.

    Run it again at any time: what an administrator has written stays. Years whose holidays are not published yet are named.
    """
    from app.core.migrate import present_version, upgrade  # a large library, wanted here only

    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    upgrade(db.engine)
    year = china_year(clock()())
    with transaction():
        seed_reference()
        changed = seed_calendar(year - 1, year + 2)
        unconfirmed = list(
            db.session.scalars(
                select(CalendarYear.year).where(~CalendarYear.confirmed, CalendarYear.year >= year).order_by(CalendarYear.year)
            )
        )
    click.echo(f"The schema is at version {present_version(db.engine)}; {changed} days and years of the calendar were seeded.")
    if unconfirmed:
        years = ", ".join(map(str, unconfirmed))
        click.echo(
            f"The holidays of {years} are not published or not known here: deadlines that reach into them are provisional. "
            "Write them with `flask calendar import` when the notice is out.",
            err=True,
        )


def china_year(at: datetime) -> int:
    """Give the year that it is in China."""
    return at.astimezone(CHINA).year


@click.command()
@on_the_ledger
def demo() -> None:
    """Fill an empty ledger with the demo county: invented people, 30 days of cases up to now.

    Does nothing where anything is there already. Refused in production.
    """
    from app.demo.county_month import fill_county, is_empty

    if config().production:
        raise click.ClickException("The demo county is for development only; unset MINHU_ENV=production.")
    if not is_empty():
        click.echo("The ledger is not empty; nothing was added.")
        return
    filled = fill_county(command_stamp(), appid=config().wechat_appid)
    click.echo(f"The demo county is there: {filled.cases} cases, {filled.entries} entries.")


@click.command()
@on_the_ledger
def accounts() -> None:
    """Print the demo accounts, for whoever looks at the demo county."""
    from app.demo.accounts import lines_of_accounts

    for line in lines_of_accounts():
        click.echo(line)
