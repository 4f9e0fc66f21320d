"""Keeps the roster's jobs: blind indexes for names and places that were sealed before there were any."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from app.core.crypto import keyring
from app.core.database import db, transaction
from app.core.jobs import job
from app.core.stamp import Stamp
from app.people.models import ResidentIdentity
from app.territory.commands import household_index
from app.territory.models import HouseholdIdentity

BATCH = 500


@job("index-names", every=timedelta(minutes=10))
def index_names(_stamps: Callable[[], Stamp]) -> int:
    """Give names and households that have none their blind index, in batches; give how many there were."""
    done = 0
    while True:
        with transaction():
            count = _index_residents() + _index_households()
        done += count
        if not count:
            return done


def _index_residents() -> int:
    query = select(ResidentIdentity).where(ResidentIdentity.name.is_not(None), ResidentIdentity.name_index.is_(None))
    rows = db.session.scalars(query.limit(BATCH).with_for_update(skip_locked=True)).all()
    ring = keyring()
    for row in rows:
        row.name_index = ring.blind(ring.decrypt(row.name or b"", field="resident.name"), field="name")
    return len(rows)


def _index_households() -> int:
    query = select(HouseholdIdentity).where(HouseholdIdentity.match_index.is_(None))
    rows = db.session.scalars(query.limit(BATCH).with_for_update(skip_locked=True)).all()
    ring = keyring()
    for row in rows:
        parts = (ring.decrypt(row.head_name, field="household.head_name"), ring.decrypt(row.place, field="household.place"))
        row.match_index = household_index(*parts)
    return len(rows)
