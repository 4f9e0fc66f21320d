"""Keeps the commands over the keys: making the file, and rotating the key that seals identity data."""

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli.ground import on_the_ledger
from app.core.crypto import keyring, save_keyring, save_keyring_once, use_keyring
from app.core.database import transaction
from app.core.sealing import Sealed, reseal_batch
from app.files.models import File
from app.filings.homes.models import HomeRequest
from app.filings.models import Consent
from app.http.idempotency import FirstAnswer
from app.ledger.intake.report_people import ReportPeople
from app.ledger.models import Call
from app.ledger.verification.models import Verification
from app.people.models import ResidentIdentity, WechatAccount
from app.people.roster.lists.models import ListExport, RosterImport
from app.services.models import ServiceOrder
from app.sync.models import SyncItem
from app.territory.models import HouseholdIdentity
from app.visits.models import Visit

SEALED: tuple[Sealed, ...] = (
    (ResidentIdentity.name, "resident.name"),
    (ResidentIdentity.phone, "resident.phone"),
    (ResidentIdentity.id_number, "resident.id_number"),
    (HouseholdIdentity.head_name, "household.head_name"),
    (HouseholdIdentity.place, "household.place"),
    (WechatAccount.openid, "wechat_account.openid"),
    (Call.number, "call.number"),
    (ReportPeople.representatives, "report_people.representatives"),
    (ReportPeople.guardian, "report_people.guardian"),
    (Verification.representative, "verification.representative"),
    (Consent.witness, "consent.witness"),
    (RosterImport.file, "roster_import.file"),
    (RosterImport.report, "roster_import.report"),
    (ListExport.file, "list_export.file"),
    (File.content_key, "file.content_key"),
    (File.position, "file.position"),
    (Visit.position, "visit.position"),
    (ServiceOrder.place, "service_order.place"),
    (Consent.witness_phone, "consent.witness_phone"),
    (HomeRequest.place, "home_request.place"),
    (HomeRequest.phone, "home_request.phone"),
    (FirstAnswer.sealed, "first_answer.sealed"),
    (SyncItem.sealed, "sync_item.sealed"),
)
"""Every column that holds sealed values."""


@click.group()
def keys() -> None:
    """Make and rotate the keys that seal identity data."""


@keys.command()
@with_appcontext
def new() -> None:
    """Make the keys file where there is none yet; keep a copy of it apart from the database."""
    file = current_app.extensions["minhu"].keys_file
    if file.exists():
        click.echo(f"{file} is there already and stays as it is.")
        return
    save_keyring_once(file)
    click.echo(f"{file} is made. Keep a copy apart from the database: without it, no identity can ever be read again.")


@keys.command()
@click.option("--batch", type=click.IntRange(1, 10_000), default=500, show_default=True, help="Values a transaction.")
@click.option("--no-new-key", is_flag=True, help="Only go on sealing under the newest key, after an interruption.")
@on_the_ledger
def rotate(batch: int, no_new_key: bool) -> None:
    """Add a key and seal all identity data anew under it, batch by batch.

    May run while Minhu is in use: running processes read the file again when they meet the new key. Old keys stay in the file,
    since backups were sealed under them. The index and audit keys are never rotated.
    """
    file = current_app.extensions["minhu"].keys_file
    if not no_new_key:
        ring = keyring().rotated()
        save_keyring(ring, file)
        use_keyring(ring, file=file)
    click.echo(f"Key {keyring().current} seals from now on.")
    for column, field in SEALED:
        click.echo(f"{field}: {_reseal((column, field), batch)} sealed anew")


def _reseal(sealed: Sealed, batch: int) -> int:
    done, last = 0, None
    while True:
        with transaction():
            last, count = reseal_batch(sealed, after=last, most=batch)
        if not count:
            return done
        done += count
