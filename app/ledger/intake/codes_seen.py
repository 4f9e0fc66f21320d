"""Keeps which claim codes the village has had in hand: what is said by such a one counts once the centre's call confirms it."""

from datetime import datetime

from sqlalchemy import select

from app.core.database import db
from app.ledger.models import Entry, Report
from app.ledger.vocabulary import Action
from app.ledger.workflow import VILLAGE


def seen_by_filer(report: Report, *, until: datetime | None = None) -> bool:
    """Say whether a cadre or grid worker had a report's present claim code in hand, or the one that was valid at `until`.

    Whoever takes a matter in for somebody gets its code to hand over, and so does whoever prints a fresh one, though the centre
    took it in; one that was texted to the person's phone since went past them. The centre's desk reads codes out on the phone and
    works on no case itself.
    """
    if report.filer_staff_id is None:
        return False
    opened = report.opened_case_id or report.case_id
    query = select(Entry.facts).where(Entry.case_id.in_({report.case_id, opened}), Entry.action == Action.REISSUE_CODE)
    if until is not None:
        query = query.where(Entry.at <= until)
    for facts in db.session.scalars(query.order_by(Entry.at.desc(), Entry.id.desc())):
        if facts.get("report") == report.id:
            return bool(facts.get("by") != "sms")
    first = select(Entry.role).where(Entry.case_id == opened, Entry.action == Action.SUBMIT).order_by(Entry.seq).limit(1)
    return db.session.scalar(first) in VILLAGE
