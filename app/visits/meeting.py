"""Keeps whom a visit met: who was named, who was told of by name, and where nobody was, those whom the visit was to."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from app.core.bulk import insert_many
from app.core.crypto import keyring
from app.core.database import db
from app.core.errors import Invalid
from app.core.stamp import Stamp
from app.people.identity import Person, ResidentNotFound, clean_person, find_or_enrol, open_person
from app.people.models import Resident, ResidentIdentity
from app.people.roster.changes import noted
from app.people.roster.models import RosterChangeKind
from app.visits.effects import said_gone
from app.visits.homes import ASKED, Homes
from app.visits.models import Visit, VisitMet, VisitOutcome
from app.visits.needs import below
from app.visits.periods import day_of
from app.visits.rules import IN_NOBODYS_PRESENCE, VisitLog

OF_ONE = frozenset({VisitOutcome.DECEASED, VisitOutcome.MOVED})
"""Outcomes whose resident is the one who is gone, not one who was met."""


def named_by(log: VisitLog, visited_at: datetime, homes: Homes) -> list[int]:
    """Lock and give the residents whom a log names, its main one first; raises ResidentNotFound for one of another grid.

    Whoever was moved out of one's grids after the visit may be named. Who died or moved must live in the household.
    """
    wanted = [each for each in (log.resident_id, *log.met_ids) if each is not None]
    for each in wanted:
        resident = homes.resident(each)
        if resident is None or not homes.lived_there(resident, visited_at):
            raise ResidentNotFound
        if each == log.resident_id and log.outcome in OF_ONE and resident.household_id != log.household_id:
            raise ResidentNotFound
    return list(dict.fromkeys(wanted))


def note_met(stamp: Stamp, log: VisitLog, visit: Visit, *, named: Sequence[int], homes: Homes) -> None:
    """Write who was met: the residents named, the person told of; where nobody was, those whom the visit was to.

    `visit.resident_id` is whom its needs concern. Raises Invalid for a person who cannot be entered, its fields below `person`.
    """
    met = list(named)
    if log.person is not None:
        if log.household_id is not None:
            homes.changed(log.household_id)
        try:
            met.insert(0, _person(stamp, log.person, visit).id)
        except Invalid as refused:
            raise below(refused, "person") from None
    living = met or ([] if log.household_id is None else _living(visit, log.household_id, homes))
    if not met and log.outcome in (VisitOutcome.MET, VisitOutcome.PHONE) and log.household_id is not None:
        met = _expected(visit, log.household_id, living, homes)
        living = met or living
    visit.resident_id = met[0] if met else living[0] if len(living) == 1 and log.outcome not in IN_NOBODYS_PRESENCE else None
    if log.outcome in OF_ONE and log.resident_id is not None and not met:
        visit.resident_id = log.resident_id
    insert_many(VisitMet, [{"visit_id": visit.id, "resident_id": each} for each in dict.fromkeys(met)])


def _person(stamp: Stamp, person: Person, visit: Visit) -> Resident:
    """Give whom a visit met by name: somebody of the household, or met there before, else whom the county knows, else a new one.

    Whoever is new and told with a number is put on the roster of the household; by a name alone nobody is.
    """
    person = clean_person(person)
    if person.name and visit.household_id is not None:
        met = select(VisitMet.resident_id).join(Visit, Visit.id == VisitMet.visit_id)
        met = met.where(Visit.household_id == visit.household_id)
        here = or_(Resident.household_id == visit.household_id, and_(Resident.household_id.is_(None), Resident.id.in_(met)))
        query = select(Resident).join(ResidentIdentity, ResidentIdentity.resident_id == Resident.id)
        query = query.where(ResidentIdentity.name_index == keyring().blind(person.name, field="name"), Resident.ended_at.is_(None))
        for resident in db.session.scalars(query.where(here).order_by(Resident.household_id.is_(None), Resident.id)):
            known = open_person(resident.identity)
            if person.id_number in (None, known.id_number) or known.id_number is None:
                return resident
    home = visit.household_id if _may_be_put_there(person) else None
    newest = db.session.scalar(select(func.max(Resident.id))) or 0
    found = find_or_enrol(stamp, person, grid_id=visit.grid_id, household_id=home)
    if found.id > newest and found.household_id == home is not None:
        noted(stamp, found, RosterChangeKind.RESIDENT_ADDED)
    return found


def _may_be_put_there(person: Person) -> bool:
    """Say whether somebody new may be put on the roster by a visit: told by a number, and by none that is on it already."""
    if person.name is None or person.id_number is None:
        return person.name is not None and person.phone is not None
    same = ResidentIdentity.id_number_index == keyring().blind(person.id_number, field="id_number")
    known = select(Resident.id).join(ResidentIdentity, ResidentIdentity.resident_id == Resident.id)
    return db.session.scalars(known.where(same, Resident.household_id.is_not(None)).limit(1)).first() is None


def _living(visit: Visit, household_id: int, homes: Homes) -> list[int]:
    """Give who lived in a household at a visit: who is on the roster, and whom a later visit said to be gone."""
    later = [each for each, at in said_gone(household_id) if at > visit.visited_at] if homes.doubtful(household_id) else []
    return sorted({*homes.living(household_id), *later})


def _expected(visit: Visit, household_id: int, living: list[int], homes: Homes) -> list[int]:
    """Give whom a visit was to when the phone names nobody: those of the tasks of that day, else the only one who lives there.

    It does not matter whether the tasks are done already: phones deliver visits in any order.
    """
    day = day_of(visit.visited_at)
    asked = {task.resident_id for task in homes.asked(household_id) if task.first_on <= day <= task.due_on + ASKED}
    found = sorted(asked & set(living))
    if not living and visit.outcome is VisitOutcome.MET and homes.doubtful(household_id):
        # the only one who can have opened the door
        found = [each for each, at in said_gone(household_id) if at < visit.visited_at][-1:]
    return found or (living if len(living) == 1 else [])
