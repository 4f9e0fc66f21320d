"""The arithmetic of figures: by tables written out by hand, and by what must hold for any counts."""

from fractions import Fraction
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.rates import (
    Heard,
    Share,
    Weights,
    composite,
    exact,
    percent,
    plain,
    pooled,
    response,
    rounded,
    satisfaction,
    share,
    solution,
)

WEIGHTS = Weights()

HAND = (
    # V, contacted, solved, very, satisfied, basically: response, solution, satisfaction, composite
    ((100, 98, 90, 60, 20, 10), ("98.0", "90.0", "89.0", "90.4")),
    ((10, 10, 10, 10, 0, 0), ("100.0", "100.0", "100.0", "100.0")),
    ((10, 10, 10, 0, 0, 10), ("100.0", "100.0", "90.0", "96.0")),
    ((10, 0, 0, 0, 0, 0), ("0.0", "0.0", "0.0", "0.0")),
    ((3, 2, 1, 1, 0, 1), ("66.7", "33.3", "63.3", "48.7")),
    ((0, 0, 0, 0, 0, 0), (None, None, None, None)),
)


def heard(valid, contacted, solved, very, satisfied, basically):
    return Heard(
        valid=valid,
        contacted=contacted,
        solved=solved,
        very_satisfied=very,
        satisfied=satisfied,
        basically_satisfied=basically,
    )


@pytest.mark.parametrize(("counts", "told"), HAND)
def test_the_three_rates_and_their_composite_as_worked_out_by_hand(counts, told):
    held = heard(*counts)
    rates = (response(held), solution(held), satisfaction(held, WEIGHTS), composite(held, WEIGHTS))
    assert tuple(percent(rate) for rate in rates) == told


@pytest.mark.parametrize(
    ("numerator", "denominator", "told"),
    [
        (1562, 1600, "97.6"),  # 97.625
        (760, 818, "92.9"),
        (760, 770, "98.7"),
        (1, 8, "12.5"),
        (1, 16, "6.3"),  # 6.25: half goes up, to the odd and to the even
        (3, 16, "18.8"),  # 18.75
        (1, 2000, "0.1"),  # 0.05
        (1, 2001, "0.0"),
        (0, 5, "0.0"),
        (5, 5, "100.0"),
        (0, 0, None),
        (5, 0, None),
    ],
)
def test_a_share_is_told_to_one_decimal_and_nothing_over_nothing_is_no_figure(numerator, denominator, told):
    assert percent(share(numerator, denominator)) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [(Fraction(96), "96"), (Fraction(959, 10), "95.9"), (Fraction(1, 3), "0.3333"), (Fraction(0), "0"), (Fraction(-5, 4), "-1.25")],
)
def test_a_weighted_count_is_written_without_needless_decimals(number, told):
    assert plain(number) == told


def test_closure_of_what_was_accepted_and_of_what_was_due_are_two_figures():
    assert [percent(share(760, accepted_or_due)) for accepted_or_due in (818, 770)] == ["92.9", "98.7"]


def test_a_weight_is_taken_as_it_is_written_not_as_a_binary_number():
    assert exact(0.1) + exact(0.4) + exact(0.5) == 1


counts = st.integers(min_value=0, max_value=10_000)


@st.composite
def some_heard(draw):
    valid = draw(counts)
    very = draw(st.integers(0, valid))
    satisfied = draw(st.integers(0, valid - very))
    basically = draw(st.integers(0, valid - very - satisfied))
    return heard(valid, draw(st.integers(0, valid)), draw(st.integers(0, valid)), very, satisfied, basically)


@given(some_heard())
def test_a_rate_lies_between_none_and_all_and_the_composite_between_the_rates(held):
    rates = [response(held).value, solution(held).value, satisfaction(held, WEIGHTS).value]
    whole = composite(held, WEIGHTS).value
    if held.valid == 0:
        assert rates == [None] * 3
        assert whole is None
    else:
        assert all(0 <= rate <= 1 for rate in rates)
        assert min(rates) <= whole <= max(rates)
        assert whole == rates[0] / 10 + rates[2] * Fraction(4, 10) + rates[1] / 2


@given(st.lists(some_heard(), min_size=1, max_size=20))
def test_a_total_is_pooled_from_counts(groups):
    whole = pooled(groups)
    for rate in (response, solution):
        assert rate(whole) == Share(sum((rate(each).numerator for each in groups), Fraction(0)), sum(each.valid for each in groups))


def test_a_pooled_total_is_not_the_mean_of_rates():
    small, large = heard(1, 1, 0, 0, 0, 0), heard(99, 0, 0, 0, 0, 0)
    assert percent(response(pooled([small, large]))) == "1.0"
    assert mean([response(small).value, response(large).value]) == Fraction(1, 2)


@given(st.fractions(min_value=0, max_value=1000), st.fractions(min_value=0, max_value=1000))
def test_rounding_keeps_the_order_and_moves_no_number_by_more_than_half_a_step(one, other):
    assert abs(rounded(one) - one) <= Fraction(1, 20)
    assert (one <= other) <= (rounded(one) <= rounded(other))
    assert rounded(-one) == -rounded(one)
