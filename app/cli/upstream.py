"""Keeps `flask import upstream`: a live batch of upstream orders from a CSV file, registered with upstream's own moments."""

from pathlib import Path

import click
from sqlalchemy import select

from app.cli.ground import clock, on_the_ledger
from app.cli.report import DRY_RUN, ERRORS, FILE, tell_errors
from app.core.database import db, transaction
from app.core.sheets import match_columns, open_sheet
from app.core.stamp import Door, Stamp
from app.ledger.intake.registration import REGISTRARS
from app.ledger.upstream.sheet import COLUMNS, REQUIRED, plan_upstream, write_upstream
from app.people.models import Staff
from app.people.sessions import staff_actor


@click.command()
@FILE
@click.option("--as", "login", required=True, help="The login of the registrar in whose name the orders are registered.")
@DRY_RUN
@ERRORS
@on_the_ledger
def upstream(file: Path, login: str, dry_run: bool, errors: Path | None) -> None:
    """Bring in live upstream orders: number, body, due_by, and sign_by, return_by, title, kind, category, grid, name, phone.

    Their clocks start now and keep upstream's moments. An order whose number is in the ledger is left alone. A wrong row
    holds no other order's clocks up: the good ones are written, the wrong ones told, to be put right and brought in again.
    """
    with open_sheet(file) as sheet, transaction():
        columns = match_columns(sheet.columns, COLUMNS, {}, required=REQUIRED)
        stamp = _registrar(login)
        plan = plan_upstream(sheet.rows, columns)
        write_upstream(stamp, plan)
        if dry_run:
            db.session.rollback()
    more = " (dry run: nothing was written)" if dry_run else ""
    click.echo(f"{len(plan.new)} upstream orders new, {plan.known} in the ledger already{more}")
    if plan.errors:
        tell_errors(plan.errors, errors)
        raise click.ClickException(f"{len(plan.errors)} errors; put these rows right and bring the table in again.")


def _registrar(login: str) -> Stamp:
    staff_id = db.session.scalars(select(Staff.id).where(Staff.login == login, Staff.active)).first()
    actor = staff_actor(staff_id) if staff_id is not None else None
    role = actor.holds(REGISTRARS) if actor is not None else None
    if actor is None or role is None:
        raise click.ClickException(f"{login} is no registrar of the desk.")
    return Stamp(actor, role, clock()(), Door.IMPORT)
