"""Keeps for whom somebody files: one picked from the roster within the filer's reach, or one named in words."""

from dataclasses import dataclass

from sqlalchemy import exists, select

from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.filings.rules import PROXIES, Filing, PersonMissing
from app.ledger.catalogue import catalogue
from app.people.identity import Person, ResidentNotFound, find_or_enrol, open_person
from app.people.models import Resident, WechatAccount
from app.people.roster.scope import find_resident, in_reach


@dataclass(frozen=True, kw_only=True)
class Concerned:
    """For whom a filing is: `own` where the filer's roster has them, `elsewhere` where that of another village does.

    Neither goes back to the filer, who could otherwise ask where somebody lives.
    """

    resident: Resident
    person: Person
    own: bool
    elsewhere: bool


def concerned_in(stamp: Stamp, filing: Filing, *, grid_id: int) -> Concerned:
    """Give whom a filing names, by id or in words; in words they are enrolled in a grid when nobody of this identity is known.

    Raises PersonMissing, ResidentNotFound (also for somebody out of reach or whom the roster has let go), WrongIdentity.
    """
    if (filing.person is None) == (filing.resident_id is None):
        raise PersonMissing(errors={"person": ["请写明为谁代办：从名册选择居民，或登记姓名"]})
    if filing.resident_id is not None:
        resident = find_resident(stamp, filing.resident_id)
        if resident.ended_at is not None:
            raise ResidentNotFound
        return Concerned(resident=resident, person=open_person(resident.identity), own=True, elsewhere=False)
    assert filing.person is not None
    resident = _named(stamp, filing.person, grid_id)
    return Concerned(
        resident=resident, person=filing.person, own=_is_own(stamp, resident), elsewhere=_is_elsewhere(stamp, resident)
    )


def _named(stamp: Stamp, person: Person, grid_id: int) -> Resident:
    if not (person.name or "").strip():
        raise PersonMissing(errors={"person.name": ["请登记当事人的姓名"]})
    try:
        return find_or_enrol(stamp, person, grid_id=grid_id)
    except Invalid as refused:
        refused.errors = {f"person.{name}": sentences for name, sentences in refused.errors.items()}
        raise


def _is_own(stamp: Stamp, resident: Resident) -> bool:
    mine = (Resident.id == resident.id, Resident.household_id.is_not(None), in_reach(stamp, Resident.grid_id))
    return db.session.scalar(select(Resident.id).where(*mine)) is not None


def _is_elsewhere(stamp: Stamp, resident: Resident) -> bool:
    """Say whether the roster has somebody in a village that is none of the filer's."""
    if resident.household_id is None or resident.grid_id is None:
        return False
    return not catalogue().grid_path(resident.grid_id).startswith(stamp.actor.paths(*PROXIES))


def is_reachable(resident: Resident) -> bool:
    """Say whether notices reach a resident: by a telephone, or by an account."""
    account = exists().where(WechatAccount.resident_id == resident.id)
    return (resident.identity is not None and resident.identity.phone is not None) or bool(db.session.scalar(select(account)))
