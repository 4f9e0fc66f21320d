"""Keeps the list of the requests that wait for somebody's decision: what they may decide themselves, and nothing else."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload

from app.core.database import db
from app.core.paging import LIMIT, Page, page_from, paged
from app.core.stamp import Stamp
from app.ledger.clocks import Deadline
from app.ledger.models import Case
from app.ledger.requests.deciders import decidable
from app.ledger.requests.models import Request
from app.ledger.requests.view import RequestView, request_views
from app.ledger.scope import visible
from app.ledger.showing.queue import Named
from app.ledger.vocabulary import Clock, RequestKind, RequestState, State, Subject, Urgency


@dataclass(frozen=True, kw_only=True)
class AwaitedRow:
    """A request that waits for somebody's decision, of which case, and by when."""

    number: str
    title: str
    state: State
    urgency: Urgency
    lead_unit: Named | None
    version: int
    due_at: datetime | None
    request: RequestView


def awaiting_decision(
    stamp: Stamp, *, kind: RequestKind | None = None, cursor: str | None = None, limit: int = LIMIT
) -> Page[AwaitedRow]:
    """Give a page of the requests that the actor may decide, oldest first: of cases they see, never their own."""
    running = and_(
        Deadline.subject == Subject.REQUEST,
        Deadline.subject_id == Request.id,
        Deadline.clock == Clock.DECIDE,
        Deadline.met_at.is_(None),
        Deadline.cancelled_at.is_(None),
    )
    query = select(Request, Case, Deadline.due_at).join(Case, Case.id == Request.case_id).outerjoin(Deadline, running)
    query = query.where(Request.state == RequestState.PENDING, visible(stamp.actor), decidable(stamp.actor))
    query = query.options(joinedload(Case.lead_unit))
    if kind is not None:
        query = query.where(Request.kind == kind)
    rows = db.session.execute(paged(query, key=[(Request.id, False)], cursor=cursor, limit=limit)).all()
    page = page_from(rows, limit=limit, key=lambda row: [row[0].id])
    views = request_views([request for request, _, _ in page.items])
    return Page(
        [_row(case, due_at, view) for (_, case, due_at), view in zip(page.items, views, strict=True)],
        page.next_cursor,
    )


def _row(case: Case, due_at: datetime | None, view: RequestView) -> AwaitedRow:
    return AwaitedRow(
        number=case.number,
        title=case.title,
        state=case.state,
        urgency=case.urgency,
        lead_unit=Named(case.lead_unit.code, case.lead_unit.name) if case.lead_unit else None,
        version=case.version,
        due_at=due_at,
        request=view,
    )
