"""Keeps what is done about a consent that is said not to have been given: the person says so, a supervisor finds out.

From the moment it is said the filer does nothing more on the case, until a supervisor finds that consent was given.
"""

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import Conflict, NotFound
from app.core.stamp import ActorKind, Stamp
from app.ledger.disputes.models import ConsentDispute
from app.ledger.handling import OwnWork, works_for_case
from app.ledger.intake.claims import prove
from app.ledger.intake.persons import own_reports
from app.ledger.models import Case, Report
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.vocabulary import Action, CallbackBy


class NotFiledForYou(Conflict):
    """这件事不是别人代您登记的"""


class DisputedBefore(Conflict):
    """您已经说明没有委托代办，督办员会核查"""


class NoDispute(NotFound):
    """这个工单没有等待核查的委托"""


def dispute_consent(stamp: Stamp, number: str, *, words: str) -> Case:
    """Say, as the person concerned, that one asked nobody to file; raises CaseNotFound, NotFiledForYou, DisputedBefore."""
    case = lock_case(stamp, number)
    return _dispute(stamp, case, own_reports(stamp, case), words)


def dispute_by_claim(stamp: Stamp, number: str, code: str, *, words: str) -> Case:
    """Say the same as the holder of the claim code. Raises WrongClaim, NotFiledForYou, DisputedBefore."""
    report = prove(number, code)
    (case,) = lock_rows(Case, [report.case_id])
    return _dispute(stamp, case, [report], words)


def _dispute(stamp: Stamp, case: Case, reports: list[Report], words: str) -> Case:
    filed = [report for report in reports if report.consent_id is not None and report.filer_staff_id is not None]
    if not filed:
        raise NotFiledForYou
    ids = [report.id for report in filed]
    known = set(db.session.scalars(select(ConsentDispute.report_id).where(ConsentDispute.report_id.in_(ids))))
    fresh = [report for report in filed if report.id not in known]
    if not fresh:
        raise DisputedBefore

    def change(acting: Stamp) -> Step:
        me = acting.actor.id if acting.actor.kind is ActorKind.RESIDENT else None
        for report in fresh:
            row = {"case_id": case.id, "report_id": report.id, "staff_id": report.filer_staff_id, "resident_id": me}
            db.session.add(ConsentDispute(**row, at=acting.at))
        db.session.flush()
        by = {"by": CallbackBy.CLAIM_CODE} if me is None else {}
        return Step(facts={"report": fresh[0].id, "filer": fresh[0].filer_staff_id, **by})

    move_case(stamp, case, Action.DISPUTE_CONSENT, Words(note=words), change)
    return case


def rule_on_consent(stamp: Stamp, number: str, *, upheld: bool, reply: str, note: str, version: int | None = None) -> Case:
    """Find, as a supervisor who does not work for the case, whether consent was missing; `reply` goes to the person.

    Raises NoDispute, OwnWork.
    """
    case = lock_case(stamp, number, version=version)

    def change(acting: Stamp) -> Step:
        if works_for_case(acting, case):
            raise OwnWork
        here = [report.id for report in case.reports]
        waiting = select(ConsentDispute).where(ConsentDispute.report_id.in_(here), ConsentDispute.ruled_at.is_(None))
        found = db.session.scalars(waiting.order_by(ConsentDispute.id)).all()
        if not found:
            raise NoDispute
        if any(dispute.staff_id == acting.actor.id for dispute in found):
            raise OwnWork
        for dispute in found:
            dispute.ruled_at, dispute.ruled_by, dispute.upheld = acting.at, acting.actor.id, upheld
        db.session.flush()
        return Step(facts={"report": found[0].report_id, "upheld": upheld})

    move_case(stamp, case, Action.RULE_ON_CONSENT, Words(reply=reply, note=note), change)
    return case
