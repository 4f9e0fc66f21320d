"""Keeps what a filer does for a filing of their own after it: a lost code, the paper handed over, the person's wish to withdraw."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from app.core.database import db, lock_rows
from app.core.errors import Conflict, NotFound
from app.core.stamp import Stamp
from app.filings.models import ProxyFiling
from app.filings.rules import check_proxy, handout
from app.ledger.intake.taking_in import claim_index
from app.ledger.models import Case, Report
from app.ledger.moves import Step, Words, lock_case, move_case
from app.ledger.numbers import in_fours, new_claim_code
from app.ledger.requests.models import Request
from app.ledger.requests.withdrawal import hear_wish
from app.ledger.scope import find_case, opened_by
from app.ledger.vocabulary import Action
from app.people.identity import open_person


class FilingNotFound(NotFound):
    """没有找到您代办的这件事项"""


class NoMobile(Conflict):
    """当事人没有登记手机号，请打印后当面交给本人"""


class HandBy(StrEnum):
    """How a fresh claim code goes to the person: to their own phone, or on paper from the filer's hand."""

    SMS = "sms"
    PRINT = "print"


@dataclass(frozen=True, kw_only=True)
class Reissued:
    """A fresh claim code: `phone` and `claim_code` are for the text alone, `handout` for the paper."""

    number: str
    by: HandBy
    claim_code: str
    phone: str | None

    @property
    def handout(self) -> str | None:
        """Give the words to print; None where the code goes to the person's phone, so that the filer never sees it."""
        return handout(self.number, self.claim_code) if self.by is HandBy.PRINT else None

    @property
    def params(self) -> dict[str, str]:
        """Give the parameters of the text."""
        return {"number": self.number, "code": in_fours(self.claim_code)}


def texted_to(stamp: Stamp, number: str) -> str:
    """Give the telephone to which a fresh claim code of what the actor filed for somebody would be texted.

    Raises MayNotFileForOthers, FilingNotFound, NoMobile.
    """
    stamp = check_proxy(stamp)
    return _mobile(_reported(stamp, find_case(stamp, number)))


def _mobile(report: Report) -> str:
    phone = open_person(report.concerned.identity).phone if report.concerned is not None else None
    if phone is None or not phone.startswith("1"):
        raise NoMobile
    return phone


def reissue_code(stamp: Stamp, number: str, *, by: HandBy) -> Reissued:
    """Make a new claim code for what the actor filed for somebody: a filing, an order, a call, what was said at a talk.

    The old one is void, the person is told, the timeline says so.

    Raises MayNotFileForOthers, FilingNotFound, NoMobile, NotYourMove (the consent is disputed).
    """
    stamp = check_proxy(stamp)
    case = lock_case(stamp, number)
    report = _reported(stamp, case)
    phone = _mobile(report) if by is HandBy.SMS else None
    code = new_claim_code()

    def change(_: Stamp) -> Step:
        report.claim_index = claim_index(case.number, code)
        return Step(facts={"report": report.id, "by": by})

    move_case(stamp, case, Action.REISSUE_CODE, Words(), change)
    return Reissued(number=case.number, by=by, claim_code=code, phone=phone)


def hand_over_slip(stamp: Stamp, number: str) -> ProxyFiling:
    """Say that the printed words were handed to the person, or that they were told in person; the first time counts."""
    filing = _own(stamp, find_case(stamp, number))
    (filing,) = lock_rows(ProxyFiling, [filing.id])
    filing.handed_over_at = filing.handed_over_at or stamp.at
    db.session.flush()
    return filing


def pass_on_wish(stamp: Stamp, number: str, *, words: str) -> Request:
    """Record that the person told the actor, who filed for them, that they wish to withdraw; the centre calls to make sure.

    `words` are the person's. Raises MayNotFileForOthers, FilingNotFound, NotYourMove (the consent is disputed), OwnCaseWithdrawn,
    NobodyToVerify, WithdrawnBefore, RequestPending.
    """
    stamp = check_proxy(stamp)
    filing = _own(stamp, find_case(stamp, number))
    return hear_wish(stamp, number, words=words, report_id=filing.report_id)


def _reported(stamp: Stamp, case: Case) -> Report:
    """Give the report that the actor filed for somebody by which a case was opened; raises FilingNotFound."""
    mine = (Report.filer_staff_id == stamp.actor.id, Report.concerned_id.is_not(None))
    report = db.session.scalars(select(Report).where(opened_by(case.id), *mine).order_by(Report.id.desc()).limit(1)).first()
    if report is None:
        raise FilingNotFound
    return report


def _own(stamp: Stamp, case: Case) -> ProxyFiling:
    """Give the actor's filing that opened a case; raises FilingNotFound."""
    query = select(ProxyFiling).join(Report, Report.id == ProxyFiling.report_id)
    query = query.where(opened_by(case.id), ProxyFiling.staff_id == stamp.actor.id).order_by(ProxyFiling.id.desc())
    filing = db.session.scalars(query.limit(1)).first()
    if filing is None:
        raise FilingNotFound
    return filing
