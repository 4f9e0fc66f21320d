"""Keeps requests as staff see them: what is asked and why, by whom, what its kind needs, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, select

from app.core.database import db
from app.ledger.models import Assignment, Entry, EntryWords, Reason
from app.ledger.requests.models import Request
from app.ledger.showing.queue import Named
from app.ledger.terms import Unit as TermUnit
from app.ledger.vocabulary import RequestKind, RequestState
from app.people.models import Staff
from app.territory.models import Unit


@dataclass(frozen=True, kw_only=True)
class RequestView:
    """Something asked, and what became of it.

    `note` says why, `reply` is what the person will read. `unit` is whose part it speaks of, `units` are those that are asked
    for; `amount` counts in `amount_unit`. Asked by a member of staff, or (`by_person`) by a person who wants to withdraw.
    """

    id: int
    kind: RequestKind
    state: RequestState
    reason_code: str | None
    reason: str | None
    note: str | None
    reply: str | None
    redirect_to: str | None
    unit: Named | None
    units: list[Named]
    amount: int | None
    amount_unit: TermUnit | None
    review_on: date | None
    evidence: str | None
    by_person: bool
    asked_by: str | None
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None


def request_views(requests: Sequence[Request]) -> list[RequestView]:
    """Give requests as they are shown, in three statements however many they are; none for none."""
    if not requests:
        return []
    ids = [request.id for request in requests]
    said = (
        select(Request.id, Reason.words, EntryWords.note, Unit.code, Unit.name)
        .outerjoin(Reason, Reason.code == Request.reason_code)
        .outerjoin(Entry, and_(Entry.case_id == Request.case_id, Entry.seq == Request.entry_seq))
        .outerjoin(EntryWords, EntryWords.entry_id == Entry.id)
        .outerjoin(Assignment, Assignment.id == Request.assignment_id)
        .outerjoin(Unit, Unit.id == Assignment.unit_id)
        .where(Request.id.in_(ids))
    )
    rows = {row[0]: (row[1], row[2], row[3], row[4]) for row in db.session.execute(said)}
    staff = {each for request in requests for each in (request.asked_by, request.decided_by) if each is not None}
    names = {row[0]: row[1] for row in db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(staff)))}
    wanted = {each for request in requests for each in request.details.get("unit_ids", ())}
    found = db.session.execute(select(Unit.id, Unit.code, Unit.name).where(Unit.id.in_(wanted)))
    units = {row[0]: Named(row[1], row[2]) for row in found}
    return [_view(request, rows[request.id], names, units) for request in requests]


def _view(request: Request, said: tuple[str | None, ...], names: dict[int, str], units: dict[int, Named]) -> RequestView:
    reason, note, code, name = said
    same = ("id", "kind", "state", "reason_code", "reply", "redirect_to", "asked_at", "decided_at")
    details = request.details
    return RequestView(
        **{name: getattr(request, name) for name in same},
        reason=reason,
        note=note,
        unit=Named(code, name) if code is not None and name is not None else None,
        units=[units[unit_id] for unit_id in details.get("unit_ids", ())],
        amount=details.get("amount"),
        amount_unit=TermUnit(details["amount_unit"]) if "amount_unit" in details else None,
        review_on=date.fromisoformat(details["review_on"]) if "review_on" in details else None,
        evidence=details.get("evidence"),
        by_person=request.asked_by_resident is not None,
        asked_by=names.get(request.asked_by or 0),
        decided_by=names.get(request.decided_by or 0),
    )
