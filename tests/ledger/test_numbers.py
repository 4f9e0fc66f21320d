"""Keeps that case numbers and claim codes survive being read over the phone and typed from paper."""

import itertools
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.numbers import (
    WrongClaimCode,
    WrongNumber,
    check_claim_code,
    check_number,
    in_fours,
    new_claim_code,
    new_number,
)

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def test_a_number_is_the_date_in_china_seven_digits_and_a_check_digit() -> None:
    number = new_number(AT)
    assert re.fullmatch(r"20261124[0-9]{8}", number)
    assert check_number(number) == number
    assert new_number(datetime(2026, 11, 24, 16, 0, tzinfo=UTC)).startswith("20261125")
    assert new_number(datetime(2026, 11, 24, 15, 59, tzinfo=UTC)).startswith("20261124")


@pytest.mark.parametrize("published", ["794623", "002006673085", "136695976", "07945"])
def test_the_scheme_is_that_of_published_examples(published: str) -> None:
    # Among them a German value added tax number, which has its check digit from the same standard.
    assert _complete(published[:-1]) == published


def _product_by_the_book(digits: str) -> int:
    """Give the check digit as the standard words it, step by step."""
    carry = 10
    for digit in digits:
        total = carry + int(digit)
        rest = total % 10
        carry = (10 if rest == 0 else rest) * 2 % 11
    return next(check for check in range(10) if (carry + check) % 10 == 1)


def _complete(digits: str) -> str:
    """Add the check digit by the book."""
    return f"{digits}{_product_by_the_book(digits)}"


@given(st.text("0123456789", min_size=15, max_size=15))
def test_exactly_one_last_digit_is_accepted(digits: str) -> None:
    accepted = []
    for last in "0123456789":
        try:
            accepted.append(check_number(digits + last))
        except WrongNumber:
            continue
    assert accepted == [_complete(digits)]


@given(st.text("0123456789", min_size=15, max_size=15))
def test_every_single_wrong_digit_is_caught(digits: str) -> None:
    number = _complete(digits)
    for place, wrong in itertools.product(range(16), "0123456789"):
        if number[place] != wrong:
            with pytest.raises(WrongNumber):
                check_number(number[:place] + wrong + number[place + 1 :])


@given(st.text("0123456789", min_size=14, max_size=14), st.integers(0, 13))
def test_of_the_45_swaps_at_a_place_only_one_slips_through(others: str, place: int) -> None:
    missed = set()
    for left, right in itertools.combinations("0123456789", 2):
        try:
            check_number(_swapped(_complete(others[:place] + left + right + others[place + 1 :]), place))
            missed.add((left, right))
        except WrongNumber:
            continue
    assert len(missed) == 1
    (left, right), *_ = missed
    assert int(right) - int(left) in {1, 9}


def _swapped(number: str, place: int) -> str:
    """Exchange a digit and its right neighbour."""
    return number[:place] + number[place + 1] + number[place] + number[place + 2 :]


@pytest.mark.parametrize(
    "text",
    [
        "{0} {1} {2} {3}",
        "{0}-{1}-{2}-{3}",
        "  {0}{1}{2}{3}\n",
        "{0}—{1}－{2}　{3}",
        "{0}\u00a0{1}\u2011{2}\u2013{3}",
    ],
)
def test_a_number_is_understood_however_it_is_spaced(text: str) -> None:
    number = new_number(AT)
    parts = [number[i : i + 4] for i in range(0, 16, 4)]
    assert check_number(text.format(*parts)) == number


def test_full_width_digits_are_digits() -> None:
    number, code = new_number(AT), new_claim_code()
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    assert check_number(number.translate(wide)) == number
    assert check_claim_code(code.translate(wide)) == code


@pytest.mark.parametrize(
    "text", ["", "2026", "20261124", "2026112400000002" * 2, "202611240000000x", "２０２６", "٢٠٢٦١١٢٤٠٠٠٠٠٠٠٢", "2026112400000²02"]
)
def test_what_is_not_a_number_is_refused_in_chinese(text: str) -> None:
    with pytest.raises(WrongNumber, match="16 位数字"):
        check_number(text)


def test_a_slip_is_told_from_a_number_that_is_too_short() -> None:
    number = new_number(AT)
    slip = number[:-1] + str((int(number[-1]) + 1) % 10)
    with pytest.raises(WrongNumber, match="读错或输错"):
        check_number(slip)
    assert WrongNumber.title() == "编号有误"
    assert WrongNumber.code() == "wrong_number"


def test_numbers_are_told_in_fours() -> None:
    assert in_fours("2026112412345678") == "2026 1124 1234 5678"
    assert in_fours("1234567890") == "1234 5678 90"
    number = new_number(AT)
    assert check_number(in_fours(number)) == number


def test_a_claim_code_is_ten_digits_and_checks_itself() -> None:
    code = new_claim_code()
    assert re.fullmatch(r"[0-9]{10}", code)
    assert check_claim_code(in_fours(code)) == code
    for place, wrong in itertools.product(range(10), "0123456789"):
        if code[place] != wrong:
            with pytest.raises(WrongClaimCode, match="读错或输错"):
                check_claim_code(code[:place] + wrong + code[place + 1 :])
    with pytest.raises(WrongClaimCode, match="10 位数字"):
        check_claim_code(code[:9])


def test_numbers_of_one_day_tell_no_order_and_no_volume() -> None:
    numbers = [new_number(AT) for _ in range(400)]
    assert len(set(numbers)) > 390
    assert numbers != sorted(numbers)
    assert len({number[8] for number in numbers}) == 10
