"""Keeps the list of what somebody has filed for others, and its counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.paging import Page, page_from, paged
from app.core.stamp import Stamp
from app.filings.models import Consent, ConsentBy, ProxyFiling
from app.ledger.disputes.models import ConsentDispute
from app.ledger.models import Case, Report
from app.ledger.scope import opened_by, visible
from app.ledger.showing.following import Standing, standing, standings
from app.ledger.vocabulary import OPEN, State
from app.people.identity import Person, masked, open_person
from app.people.models import Resident


@dataclass(frozen=True)
class FilingShown:
    """A filing: when, for whom (masked), by which consent, and where its case stands.

    `told`: the person has been told of it; `disputed`: they say that they asked nobody to file.
    """

    id: int
    filed_at: datetime
    person: Person
    consent: ConsentBy
    told: bool
    disputed: bool
    case: Standing


@dataclass(frozen=True, kw_only=True)
class FilingCounts:
    """How many somebody has filed: all, those under way, late ones among these, those of which the person is not told yet."""

    all: int
    open: int
    late: int
    untold: int


_TOLD = or_(ProxyFiling.reachable, ProxyFiling.handed_over_at.is_not(None))


def _own(stamp: Stamp) -> Select[Any]:
    query = standings(stamp).join(Report, opened_by(Case.id)).join(ProxyFiling, ProxyFiling.report_id == Report.id)
    return query.where(ProxyFiling.staff_id == stamp.actor.id, visible(stamp.actor))


def own_filings(
    stamp: Stamp,
    *,
    state: State | None = None,
    late: bool | None = None,
    told: bool | None = None,
    cursor: str | None,
    limit: int,
) -> Page[FilingShown]:
    """Give what the actor has filed for others, newest first: in a state, late or in time, told of or not yet."""
    doubted = (ConsentDispute.report_id == ProxyFiling.report_id, ConsentDispute.upheld.is_not(False))
    disputed: ColumnElement[bool] = exists().where(*doubted)
    columns = (ProxyFiling.id, ProxyFiling.filed_at, ProxyFiling.resident_id, Consent.method, _TOLD.label("told"))
    query = _own(stamp).add_columns(*columns, disputed.label("disputed")).join(Consent, Consent.id == ProxyFiling.consent_id)
    if state is not None:
        query = query.where(Case.state == state)
    if late is not None:
        is_late = func.coalesce(query.selected_columns.late, False)
        query = query.where(is_late if late else not_(is_late))
    if told is not None:
        query = query.where(_TOLD if told else not_(_TOLD))
    rows = db.session.execute(paged(query, key=[(ProxyFiling.id, True)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: (row.id,))
    persons = _persons([row.resident_id for row in page.items])
    return Page([_shown(row, persons) for row in page.items], page.next_cursor)


def _shown(row: Any, persons: dict[int, Person]) -> FilingShown:
    person = persons[row.resident_id]
    return FilingShown(row.id, row.filed_at, person, row.method, row.told, row.disputed, standing(row))


def filing_counts(stamp: Stamp) -> FilingCounts:
    """Give how many the actor has filed, in one statement."""
    rows = _own(stamp).add_columns(_TOLD.label("told")).subquery()
    under_way = rows.c.state.in_(OPEN)
    late = and_(under_way, func.coalesce(rows.c.late, False))
    counts = [func.count(), *(func.count().filter(each) for each in (under_way, late, not_(rows.c.told)))]
    row = db.session.execute(select(*counts).select_from(rows)).one()
    return FilingCounts(all=row[0], open=row[1], late=row[2], untold=row[3])


def _persons(ids: list[Any]) -> dict[int, Person]:
    query = select(Resident).where(Resident.id.in_(ids)).options(joinedload(Resident.identity))
    return {resident.id: masked(open_person(resident.identity)) for resident in db.session.scalars(query)}
