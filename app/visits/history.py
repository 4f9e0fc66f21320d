"""Keeps what was found at a household's visits, newest first, for its grid worker and the village's cadre."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.files.models import FileSubject
from app.files.showing import FileShown, files_of
from app.ledger.models import Case
from app.ledger.scope import visible
from app.people.identity import masked, open_person
from app.people.models import Resident, Staff
from app.people.roster.scope import find_household
from app.visits.models import Visit, VisitNeed, VisitOutcome, VisitTopic


@dataclass(frozen=True)
class VisitShown:
    """A visit as it was: by whom, when, who was met (masked), what was talked about, found and photographed, the needs' cases."""

    id: int
    key: UUID
    outcome: VisitOutcome
    in_person: bool
    visited_at: datetime
    clock_off: bool
    by: str
    met: list[str | None]
    topics: list[str]
    seconds: int | None
    findings: str | None
    needs: list[str]
    files: list[FileShown]


def visits_of(stamp: Stamp, household_id: int, *, cursor: str | None, limit: int) -> Page[VisitShown]:
    """Give the visits to a household of one's grids or villages; raises HouseholdNotFound.

    Cases that the actor may not see are left out, those against them too, as they are from every list.
    """
    find_household(stamp, household_id)
    query = select(Visit).where(Visit.household_id == household_id).options(selectinload(Visit.met))
    key = [(Visit.visited_at, True), (Visit.id, True)]
    rows = list(db.session.scalars(paged(query, key=key, cursor=cursor, limit=limit)))
    page = page_from(rows, limit=limit, key=lambda visit: (visit.visited_at.isoformat(), visit.id))
    return Page(_shown(stamp, list(page.items)), page.next_cursor)


def _shown(stamp: Stamp, visits: list[Visit]) -> list[VisitShown]:
    staff = {
        row.id: row.name
        for row in db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_({v.staff_id for v in visits})))
    }
    ids = {met.resident_id for visit in visits for met in visit.met}
    people = db.session.scalars(select(Resident).where(Resident.id.in_(ids)).options(joinedload(Resident.identity)))
    names = {each.id: masked(open_person(each.identity)).name for each in people}
    topics = {row.code: row.name for row in db.session.scalars(select(VisitTopic))}
    numbers = select(VisitNeed.visit_id, func.array_agg(Case.number)).join(Case, Case.id == VisitNeed.case_id)
    numbers = numbers.where(VisitNeed.visit_id.in_([visit.id for visit in visits]), visible(stamp.actor))
    needs = {visit_id: sorted(found) for visit_id, found in db.session.execute(numbers.group_by(VisitNeed.visit_id))}
    photos = files_of(stamp, FileSubject.VISIT, [visit.id for visit in visits])
    return [
        VisitShown(
            visit.id,
            visit.key,
            visit.outcome,
            visit.in_person,
            visit.visited_at,
            visit.clock_off,
            staff[visit.staff_id],
            [names[met.resident_id] for met in visit.met],
            [topics.get(code, code) for code in visit.topics],
            visit.seconds,
            visit.findings,
            needs.get(visit.id, []),
            photos.get(visit.id, []),
        )
        for visit in visits
    ]
