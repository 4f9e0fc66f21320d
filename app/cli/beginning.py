"""Keeps how a ledger begins: the schema and what it needs first, the demo county, and who can sign in there."""

import logging
from datetime import datetime

import click
from flask import current_app
from sqlalchemy import select

from app.cli.ground import clock, command_stamp, config, on_the_ledger
from app.core.clock import CHINA
from app.core.database import db, transaction
from app.ledger.reference import seed_reference
from app.people.models import Staff
from app.territory.calendar.commands import seed_calendar
from app.territory.calendar.models import CalendarYear
from app.wechat.development import DevelopmentGateway


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
    filled = fill_county(command_stamp(), appid=_appid())
    if filled is None:
        click.echo("Another process fills the ledger; nothing was added.")
    else:
        click.echo(f"The demo county is there: {filled.cases} cases, {filled.entries} entries.")


def _appid() -> str:
    """Give the mini-program of the development gateway, so that its codes sign in as the demo's residents."""
    gateway = current_app.extensions["minhu"].wechat
    if isinstance(gateway, DevelopmentGateway):
        return gateway.code_to_session("dev:lin").appid
    return config().wechat_appid


@click.command()
@on_the_ledger
def accounts() -> None:
    """Print the demo accounts, for whoever looks at the demo county."""
    from app.demo.accounts import ACCOUNTS, RESIDENT_CODES
    from app.demo.cast import PASSWORD

    logins = [account.login for account in ACCOUNTS]
    there = set(db.session.scalars(select(Staff.login).where(Staff.active, Staff.login.in_(logins))))
    if not there:
        click.echo("There are no demo accounts in this ledger.")
        return
    click.echo(f"演示账号（密码都是 {PASSWORD}）：")
    for account in ACCOUNTS:
        if account.login in there:
            click.echo(f"  {account.door}　{account.login:<6} {account.name}　{account.work}")
    for code, name in RESIDENT_CODES:
        click.echo(f"  小程序　{code} {name}　居民（开发用登录码，不用密码）")
