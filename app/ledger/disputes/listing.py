"""Keeps the supervisor's list of disputed consents that nobody has ruled on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.disputes.models import ConsentDispute
from app.ledger.models import Case, Report
from app.ledger.supervision.oversight import watched
from app.ledger.vocabulary import State
from app.people.models import Staff


@dataclass(frozen=True, kw_only=True)
class Disputed:
    """A consent that is said not to have been given: on which case, who filed, since when it waits."""

    id: int
    number: str
    title: str
    state: State
    filer: str
    filer_login: str
    at: datetime


def disputed_consents(stamp: Stamp, *, cursor: str | None, limit: int) -> Page[Disputed]:
    """Give the disputed consents of the cases that the actor watches over, the oldest first; raises ListsAreTheSupervisors.

    Each stands under the case in which its report is now, also after a merge.
    """
    query = select(
        ConsentDispute.id, Case.number, Case.title, Case.state, Staff.name.label("filer"), Staff.login.label("filer_login"),
        ConsentDispute.at,
    )  # fmt: skip
    query = query.join(Report, Report.id == ConsentDispute.report_id).join(Case, Case.id == Report.case_id)
    query = query.join(Staff, Staff.id == ConsentDispute.staff_id)
    query = query.where(ConsentDispute.ruled_at.is_(None), *watched(stamp))
    rows = db.session.execute(paged(query, key=[(ConsentDispute.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row.id])
    return Page([Disputed(**row._asdict()) for row in page.items], page.next_cursor)
