"""Keeps the list of what somebody has filed for others."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.filings.models import Consent, ConsentBy, ProxyFiling
from app.ledger.models import Case, Report
from app.ledger.scope import opened_by, visible
from app.ledger.showing.following import Standing, standing, standings
from app.people.identity import Person, masked, open_person
from app.people.models import Resident


@dataclass(frozen=True)
class FilingShown:
    """A filing: when, for whom (masked), by which consent, and where its case stands."""

    id: int
    filed_at: datetime
    person: Person
    consent: ConsentBy
    case: Standing


def own_filings(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[FilingShown]:
    """Give what the actor has filed for others, newest first."""
    query = standings(stamp).add_columns(ProxyFiling.id, ProxyFiling.filed_at, ProxyFiling.resident_id, Consent.method)
    query = query.join(Report, opened_by(Case.id)).join(ProxyFiling, ProxyFiling.report_id == Report.id)
    query = query.join(Consent, Consent.id == ProxyFiling.consent_id)
    query = query.where(ProxyFiling.staff_id == stamp.actor.id, visible(stamp.actor))
    rows = db.session.execute(paged(query, key=[(ProxyFiling.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: (row.id,))
    persons = _persons([row.resident_id for row in page.items])
    items = [FilingShown(row.id, row.filed_at, persons[row.resident_id], row.method, standing(row)) for row in page.items]
    return Page(items, page.next_cursor)


def _persons(ids: list[Any]) -> dict[int, Person]:
    query = select(Resident).where(Resident.id.in_(ids)).options(joinedload(Resident.identity))
    return {resident.id: masked(open_person(resident.identity)) for resident in db.session.scalars(query)}
