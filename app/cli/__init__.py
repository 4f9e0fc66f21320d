"""Keeps the `flask` commands, one file per topic; what they tell is English, Chinese only where people's own words appear."""

from flask import Flask

from app.cli.beginning import accounts, demo, migrate
from app.cli.calendar import calendar
from app.cli.clock import clock
from app.cli.configuration import config
from app.cli.deadlines import deadlines
from app.cli.documents import write_docs
from app.cli.figures import figures
from app.cli.imports import imports
from app.cli.keys import keys
from app.cli.ledger import ledger
from app.cli.notices import notices
from app.cli.scheduling import jobs, scheduler
from app.cli.staff import staff

COMMANDS = (
    migrate,
    demo,
    accounts,
    scheduler,
    jobs,
    ledger,
    figures,
    clock,
    notices,
    deadlines,
    keys,
    staff,
    calendar,
    config,
    imports,
    write_docs,
)


def register_commands(app: Flask) -> None:
    """Give an app its commands."""
    for command in COMMANDS:
        app.cli.add_command(command)
