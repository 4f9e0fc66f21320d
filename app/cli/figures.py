"""Keeps the commands that tell the figures of a period, and that prove them by recounting the timelines."""

from datetime import date, datetime
from time import monotonic
from typing import Any

import click
from sqlalchemy import text

from app.cli.ground import command_stamp, on_the_ledger
from app.core.clock import CHINA
from app.core.database import db
from app.figures.catalogue import Report
from app.figures.counting import Line, table
from app.figures.groups import Dimension
from app.figures.periods import Period, month_of, period_of
from app.figures.recount import check as recount_period
from app.figures.recount import whole_ledger
from app.ledger.county import county
from app.ledger.rates import percent, plain

MOST = 10


@click.group()
def figures() -> None:
    """Tell and prove the figures of a period."""


def _period_options(command: Any) -> Any:
    for option in (
        click.option("--month", metavar="YYYY-MM", help="A calendar month."),
        click.option("--window", metavar="YYYY-MM", help="The assessment window that ends in this month."),
        click.option("--since", metavar="ISO8601", help="From when, with --until; China time where no zone is named."),
        click.option("--until", metavar="ISO8601", help="Until before when."),
    ):
        command = option(command)
    return command


def _period(at: datetime, *, month: str | None, window: str | None, since: str | None, until: str | None) -> Period:
    if (month, window, since, until) == (None,) * 4:
        return month_of(at.astimezone(CHINA).date())
    try:
        named = {"month": _first_day(month), "window": _first_day(window)}
        return period_of(county(), **named, since=_moment(since), until=_moment(until))
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None


def _first_day(month: str | None) -> date | None:
    return date.fromisoformat(f"{month}-01") if month is not None else None


def _moment(named: str | None) -> datetime | None:
    found = datetime.fromisoformat(named) if named is not None else None
    return found.replace(tzinfo=CHINA) if found is not None and found.tzinfo is None else found


def _cutoff(named: str | None) -> datetime | None:
    try:
        return _moment(named)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None


@figures.command()
@click.option("--report", type=click.Choice([each.value for each in Report]), default=Report.SATISFACTION.value)
@click.option("--by", type=click.Choice([each.value for each in Dimension]), default=Dimension.COUNTY.value)
@click.option("--cutoff", metavar="ISO8601", help="As of when; now where none is named.")
@_period_options
@on_the_ledger
def show(report: str, by: str, cutoff: str | None, **when: Any) -> None:
    """Tell a report of a period, this month's where none is named.

    Each figure comes with its numerator and denominator, before and after exclusion.
    """
    stamp = command_stamp()
    period, upto = _period(stamp.at, **when), _cutoff(cutoff)
    made = table(stamp, Report(report), period=period, cutoff=upto, dimension=Dimension(by))
    since, until = (moment.astimezone(CHINA).isoformat(timespec="minutes") for moment in (made.period.since, made.period.until))
    click.echo(f"{since} – {until}, as of {made.cutoff.astimezone(CHINA).isoformat(timespec='minutes')}")
    for line in (*made.lines, made.total) if made.dimension is not Dimension.COUNTY else (made.total,):
        _tell(line)


def _tell(line: Line) -> None:
    click.echo(line.name)
    for figure in line.figures:
        shares = [
            f"{percent(share) or 'no figure'} ({plain(share.numerator)}/{share.denominator})"
            for share in (figure.before, figure.after)
        ]
        click.echo(f"  {figure.name}: {shares[0]}; after exclusion {shares[1]}")


@figures.command()
@_period_options
@on_the_ledger
def check(**when: Any) -> None:
    """Recount every figure from the timelines, of the whole ledger where no period is named.

    Exit 1 naming the first differences from what the queries say.
    """
    began = monotonic()
    stamp = command_stamp()
    period = _period(stamp.at, **when) if any(when.values()) else whole_ledger(stamp.at)
    db.session.remove()  # the level can only be chosen on a fresh connection
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    read, differences = recount_period(stamp, period)
    db.session.remove()
    for each in differences[:MOST]:
        counted = "before" if each.excluded_counted else "after"
        click.echo(
            f"{each.selection}.{each.measure} of {each.unit}, {counted} exclusion: the query says {each.queried}, "
            f"the timelines say {each.recounted}"
        )
    click.echo(f"{read} cases recounted, {len(differences)} differences; {monotonic() - began:.1f} s")
    if differences:
        raise click.exceptions.Exit(1)
