"""Keeps the commands over the development clock, which moves the time of all processes of a demo."""

import re
from datetime import timedelta

import click
from flask.cli import with_appcontext

from app.cli.ground import clock as clock_of_app
from app.core.clock import CHINA, DevelopmentClock

_STEP = re.compile(r"(\d+(?:\.\d+)?)\s*(week|day|hour|minute|second|w|d|h|min|m|s)s?\b", re.IGNORECASE)
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


@click.group()
def clock() -> None:
    """Look at the time of all processes, and move a demo's on."""


@clock.command()
@with_appcontext
def show() -> None:
    """Show what time it is in China, and by how much a development clock is ahead."""
    held = clock_of_app()
    click.echo(f"{held().astimezone(CHINA):%Y-%m-%d %H:%M:%S} in China")
    if isinstance(held, DevelopmentClock):
        click.echo(f"The development clock is ahead by {timedelta(seconds=held.offset())}.")


@clock.command()
@click.argument("step")
@with_appcontext
def advance(step: str) -> None:
    """Move a development clock on by STEP, such as "1 day 3 hours"; time never goes back."""
    held = clock_of_app()
    if not isinstance(held, DevelopmentClock):
        raise click.ClickException("Only a development clock can be moved: set DEVELOPMENT_CLOCK=on for every process.")
    at = held.advance(read_step(step))
    click.echo(f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S} in China")


def read_step(text: str) -> timedelta:
    """Give the length of time that a text such as `1 day 3 hours` or `90 min` names; raises BadParameter."""
    parts = _STEP.findall(text)
    if not parts or _STEP.sub("", text).replace("and", "").strip(" ,"):
        raise click.BadParameter(f"“{text}” is no length of time; write for example “1 day 3 hours”")
    try:
        return sum((timedelta(**{_UNITS[unit[0].lower()]: float(amount)}) for amount, unit in parts), timedelta())
    except OverflowError:
        raise click.BadParameter(f"“{text}” is too long") from None
