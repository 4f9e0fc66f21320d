"""Keeps how staff sign in at any door: tries are limited per address, failures are stored first and told after.

For blueprints made with `in_steps=True`: everything here opens its own transactions, so that a refusal does not undo its count.
"""

from datetime import timedelta

from app.core.database import transaction
from app.core.stamp import Stamp
from app.http.limits import Limit, address, count_tries
from app.people.sessions import SignedIn, try_password

BY_ADDRESS = Limit("staff-sign-in", 60, timedelta(minutes=10))
"""An office shares one address, so this stops only those who try many accounts; the account itself is locked much earlier."""


def sign_in_staff(stamp: Stamp, login: str, password: str) -> SignedIn:
    """Sign a member of staff in by password; the count of failures is stored before anything is refused.

    Raises SignInFailed, SignInLocked, TooMany.
    """
    count_tries(stamp.at, (BY_ADDRESS, address()))
    with transaction():
        attempt = try_password(stamp, login, password)
    if attempt.refusal is not None:
        raise attempt.refusal
    assert attempt.signed_in is not None
    return attempt.signed_in
