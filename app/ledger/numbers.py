"""Keeps how case numbers and claim codes are made and read: digits only, the last of which checks the others."""

import secrets
from datetime import datetime

from app.core.clock import CHINA
from app.core.errors import Invalid

NUMBER_DIGITS = 16
CLAIM_CODE_DIGITS = 10
RANDOM_DIGITS = 7
_FULL_WIDTH = {ord("０") + n: str(n) for n in range(10)}
_BETWEEN = dict.fromkeys(map(ord, " \t\r\n\u00a0\u3000-\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"))
_READING = _FULL_WIDTH | _BETWEEN
"""What people write in and between digits: full-width digits are digits; spaces, hyphens and dashes are nothing."""


class WrongNumber(Invalid):
    """编号有误"""


class WrongClaimCode(Invalid):
    """查询码有误"""


def new_number(at: datetime) -> str:
    """Give a new case number: the China date (8 digits), 7 random digits and a check digit; unlike others only by chance.

    The random part tells nobody how many cases there are; the caller's unique constraint settles a collision.
    """
    return _with_check_digit(f"{at.astimezone(CHINA):%Y%m%d}{_random_digits(RANDOM_DIGITS)}")


def check_number(text: str) -> str:
    """Give the 16 digits of a case number as somebody wrote or read it out; raises WrongNumber."""
    digits = text.translate(_READING)
    if not _all_digits(digits, NUMBER_DIGITS):
        raise WrongNumber(f"工单号是 {NUMBER_DIGITS} 位数字，请对照后重新输入。")
    if not _is_checked(digits):
        raise WrongNumber("工单号里可能有一位读错或输错了，请四位一组再核对一遍。")
    return digits


def new_claim_code() -> str:
    """Give a new claim code: 9 random digits and a check digit, to be read from paper."""
    return _with_check_digit(_random_digits(CLAIM_CODE_DIGITS - 1))


def check_claim_code(text: str) -> str:
    """Give the 10 digits of a claim code as somebody wrote or read it out; raises WrongClaimCode."""
    digits = text.translate(_READING)
    if not _all_digits(digits, CLAIM_CODE_DIGITS):
        raise WrongClaimCode(f"查询码是 {CLAIM_CODE_DIGITS} 位数字，请对照纸条重新输入。")
    if not _is_checked(digits):
        raise WrongClaimCode("查询码里可能有一位读错或输错了，请对照纸条再核对一遍。")
    return digits


def in_fours(number: str) -> str:
    """Give a number as it is read over the phone: in groups of four, with spaces."""
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def _random_digits(count: int) -> str:
    """Give unguessable decimal digits, leading zeros among them."""
    return f"{secrets.randbelow(10**count):0{count}d}"


def _all_digits(text: str, count: int) -> bool:
    """Say whether a text is exactly so many ASCII digits."""
    return len(text) == count and text.isascii() and text.isdigit()


def _product(digits: str) -> int:
    """Give the running product of ISO/IEC 7064 MOD 11,10 after the digits: 1..10."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return product


def _with_check_digit(digits: str) -> str:
    """Add the check digit: catches every wrong single digit and all but few swaps of neighbours (ISO/IEC 7064 MOD 11,10)."""
    return f"{digits}{(11 - _product(digits)) % 10}"


def _is_checked(digits: str) -> bool:
    """Say whether the last digit checks the others."""
    return _with_check_digit(digits[:-1]) == digits
