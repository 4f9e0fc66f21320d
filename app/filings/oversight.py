"""Keeps the supervisor's list of filings for somebody whom the roster of another village than the filer's has."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.filings.models import Consent, ConsentBy, ProxyFiling
from app.ledger.models import Case, Report
from app.ledger.supervision.oversight import watched
from app.ledger.vocabulary import State
from app.people.models import Staff


@dataclass(frozen=True, kw_only=True)
class FiledFromAfar:
    """A filing for somebody of another village: the case, who filed, by which consent, and the reason that they gave."""

    id: int
    number: str
    title: str
    state: State
    filer: str
    filer_login: str
    filed_at: datetime
    consent: ConsentBy
    reason: str | None


def filings_from_afar(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[FiledFromAfar]:
    """Give the filings for people of other villages, newest first, of the cases that the actor watches over.

    Raises ListsAreTheSupervisors.
    """
    query = select(
        ProxyFiling.id, Case.number, Case.title, Case.state, Staff.name.label("filer"), Staff.login.label("filer_login"),
        ProxyFiling.filed_at, Consent.method.label("consent"), ProxyFiling.reason,
    )  # fmt: skip
    opened = func.coalesce(Report.opened_case_id, Report.case_id)
    query = query.join(Report, Report.id == ProxyFiling.report_id).join(Case, Case.id == opened)
    query = query.join(Staff, Staff.id == ProxyFiling.staff_id).join(Consent, Consent.id == ProxyFiling.consent_id)
    query = query.where(ProxyFiling.person_elsewhere, *watched(stamp))
    rows = db.session.execute(paged(query, key=[(ProxyFiling.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([FiledFromAfar(**row._asdict()) for row in page.items], page.next_cursor)
