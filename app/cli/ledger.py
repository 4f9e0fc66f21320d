"""Keeps the command that proves the ledger: every chain re-computed, the first broken entry of each broken case named."""

from time import monotonic

import click

from app.cli.ground import on_the_ledger
from app.core.database import db
from app.ledger.rules.policy_changes import broken_change
from app.ledger.rules.policy_editor import altered_versions
from app.ledger.timeline import verify_ledger
from app.people.identity import verify_accesses


@click.group()
def ledger() -> None:
    """Prove the case ledger."""


@ledger.command()
@on_the_ledger
def verify() -> None:
    """Re-compute the chains of all timelines, identity accesses and changes of rules; exit 1 when one is broken.

    A published policy must be what its record says.

    Reads one state of the database from beginning to end, whatever is written meanwhile.
    """
    began = monotonic()
    db.session.remove()  # the level can only be chosen on a fresh connection
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    found = verify_ledger()
    access = verify_accesses()
    change, altered = broken_change(), altered_versions()
    db.session.remove()
    for broken in found.breaks:
        click.echo(f"case {broken.number}, entry {broken.seq}: {broken.what}")
    if access is not None:
        click.echo(f"identity access {access}: the record was altered, or one before it is missing")
    if change is not None:
        click.echo(f"change of a rule {change}: the record was altered, or one before it is missing")
    for code, version in altered:
        click.echo(f"policy {code}, version {version}: is not what its record says")
    seconds = monotonic() - began
    click.echo(f"{found.cases} cases, {found.entries} entries, {len(found.breaks)} broken cases; {seconds:.1f} s")
    if found.breaks or access is not None or change is not None or altered:
        raise click.exceptions.Exit(1)
