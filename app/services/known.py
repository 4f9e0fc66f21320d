"""Keeps how a volunteer or party member of the roster becomes known by the account with which they sign in (登记码)."""

from app.core.stamp import Stamp
from app.ledger.numbers import WrongClaimCode, check_claim_code, new_claim_code
from app.people.accounts_known import AccountCode, WrongAccountCode, join_account, make_account_code


def hand_account_code(stamp: Stamp, resident_id: int) -> AccountCode:
    """Make a code to be handed to somebody of the roster. Raises RosterIsNotYoursToEdit, ResidentNotFound."""
    return make_account_code(stamp, resident_id, code=new_claim_code())


def join_by_code(stamp: Stamp, code: str) -> None:
    """Join the signed-in account by a code as it was typed. Raises WrongAccountCode, AccountJoinedBefore."""
    try:
        code = check_claim_code(code)
    except WrongClaimCode as misread:
        raise WrongAccountCode(misread.detail) from None
    join_account(stamp, code)
