"""Keeps what a claim code opens: whoever proves it may follow, supplement and rate the matter, or join it to their account."""

from app.core.database import lock_rows
from app.core.errors import NotAllowed
from app.core.stamp import Stamp
from app.ledger.callbacks.answers import Verdict, rate_by_claim
from app.ledger.commands import WrongClaim, claim_case, report_of_claim
from app.ledger.intake.taking_in import claim_index
from app.ledger.models import Case, Report
from app.ledger.moves import Step, Words, move_case
from app.ledger.numbers import WrongClaimCode, WrongNumber, check_claim_code, check_number
from app.ledger.requests.withdrawal import wish_locked
from app.ledger.rounds.reopening import reopen_locked
from app.ledger.vocabulary import Action, CallbackBy


class AnonymousStaysUnnamed(NotAllowed):
    """匿名反映不能关联到账号，请凭工单号和查询码查询"""


def prove(number: str, code: str) -> Report:
    """Give the report of a case number and its claim code as somebody typed them.

    Raises WrongClaim, the same for an unknown number and a wrong code; its words speak of misread digits only.
    """
    try:
        number, code = check_number(number), check_claim_code(code)
    except (WrongNumber, WrongClaimCode) as misread:
        raise WrongClaim(misread.detail) from None
    return report_of_claim(number, claim_index(number, code))


def join_by_claim(stamp: Stamp, number: str, code: str) -> Case:
    """Join a proved matter to the signed-in resident's account. Raises WrongClaim, AnonymousStaysUnnamed."""
    report = prove(number, code)
    if report.anonymous:
        raise AnonymousStaysUnnamed
    assert report.claim_index is not None
    return claim_case(stamp, check_number(number), report.claim_index)


def supplement_by_claim(stamp: Stamp, number: str, code: str, *, words: str) -> Case:
    """Add what the holder of a claim code has to say. Raises WrongClaim."""
    return _move(stamp, prove(number, code), Action.SUPPLEMENT, words)


def put_right_by_claim(stamp: Stamp, number: str, code: str, *, words: str) -> Case:
    """Say, as the holder of a claim code, what is wrong in what was written for the person. Raises WrongClaim."""
    report = prove(number, code)
    return _move(stamp, report, Action.SUPPLEMENT, words, corrects=report.id)


def supply_by_claim(stamp: Stamp, number: str, code: str, *, words: str) -> Case:
    """Supply what was asked for. Raises WrongClaim."""
    return _move(stamp, prove(number, code), Action.SUPPLY_INFO, words)


def _move(stamp: Stamp, report: Report, action: Action, words: str, **more: int) -> Case:
    (case,) = lock_rows(Case, [report.case_id])
    facts = {"by": CallbackBy.CLAIM_CODE, "report": report.id, **more}
    move_case(stamp, case, action, Words(note=words), lambda _: Step(facts=facts))
    return case


def reopen_by_claim(stamp: Stamp, number: str, code: str, *, words: str) -> Case:
    """Reopen a closed matter as the holder of a claim code. Raises WrongClaim, ReopenedBefore, ReopeningClosed."""
    report = prove(number, code)
    (case,) = lock_rows(Case, [report.case_id])
    return reopen_locked(stamp, case, words=words, proved=report)


def withdraw_by_claim(stamp: Stamp, number: str, code: str, *, words: str) -> Case:
    """Withdraw a matter that nobody works on yet as the holder of a claim code. Raises WrongClaim, NobodyToAsk."""
    report = prove(number, code)
    (case,) = lock_rows(Case, [report.case_id])
    return wish_locked(stamp, case, [report], words=words)


def rate_proved(stamp: Stamp, number: str, code: str, verdict: Verdict, *, words: str | None = None) -> Case:
    """Rate as the holder of a claim code; counts as call-back. Raises WrongClaim, AlreadyRated, RatingClosed."""
    report = prove(number, code)
    (case,) = lock_rows(Case, [report.case_id])
    return rate_by_claim(stamp, case, report, verdict, words=words)
