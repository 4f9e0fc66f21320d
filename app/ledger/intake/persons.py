"""Keeps for whom a resident may speak in a case: for their own report, or one whose claim code they proved."""

from sqlalchemy import select

from app.core.database import db
from app.core.errors import NotAllowed
from app.core.stamp import ActorKind, Stamp
from app.ledger.models import Case, Report, ReportClaim


class OnlyThePerson(NotAllowed):
    """这件事要由当事人本人决定"""


def own_reports(stamp: Stamp, case: Case) -> list[Report]:
    """Give a case's reports that concern the signed-in resident or were claimed by them, oldest first; those of "me too" not."""
    if stamp.actor.kind is not ActorKind.RESIDENT:
        return []
    claimed = select(ReportClaim.report_id).where(ReportClaim.resident_id == stamp.actor.id)
    mine = (Report.concerned_id == stamp.actor.id) | Report.id.in_(claimed)
    return list(db.session.scalars(select(Report).where(Report.case_id == case.id, ~Report.me_too, mine).order_by(Report.id)))


def check_person(stamp: Stamp, case: Case) -> list[Report]:
    """Give the resident's own reports of a case; raises OnlyThePerson for whoever merely filed it."""
    mine = own_reports(stamp, case)
    if not mine:
        raise OnlyThePerson
    return mine
