"""Keeps the arithmetic of figures: shares over counts, exact, pooled from counts, and one rule by which they are rounded.

Pure: it knows no database and no time. Source: the rules of a case, section 7.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from math import lcm


@dataclass(frozen=True)
class Share:
    """A figure: numerator over denominator, both kept. The numerator is a sum of counts, weighted where the figure says so."""

    numerator: Fraction
    denominator: int

    @property
    def value(self) -> Fraction | None:
        """Give the figure itself; None ("no figure") over nothing, never 0 %."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much each rate weighs in the composite, and how much "basically satisfied" counts (k)."""

    response: Fraction = Fraction(1, 10)
    satisfaction: Fraction = Fraction(4, 10)
    solution: Fraction = Fraction(5, 10)
    basically: Fraction = Fraction(9, 10)

    @cached_property
    def in_composite(self) -> tuple[int, int, int, int, int]:
        """Give what contacted, solved, satisfied and basically satisfied weigh in the composite, in whole parts of the last."""
        parts = (self.response, self.solution, self.satisfaction, self.satisfaction * self.basically)
        scale = lcm(*(part.denominator for part in parts))
        contacted, solved, satisfied, basically = (part.numerator * (scale // part.denominator) for part in parts)
        return contacted, solved, satisfied, basically, scale


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Counts of rounds: those with a valid call-back (V), how many said so, those owed a call-back, and those of them covered."""

    owed: int = 0
    covered: int = 0
    valid: int = 0
    contacted: int = 0
    solved: int = 0
    very_satisfied: int = 0
    satisfied: int = 0
    basically_satisfied: int = 0


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Counts of the cases accepted in a period: closed, due by the cut-off, closed on time, and how they were dealt with.

    What is closed counts as due, even where its term was not over; else the share of due would pass 100 %.
    """

    accepted: int = 0
    closed: int = 0
    resolved: int = 0
    due: int = 0
    on_time: int = 0
    direct: int = 0
    on_the_spot: int = 0
    passed_on: int = 0
    reworked: int = 0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Counts of the units' parts dispatched in a period: all, returned, whose signing was due, signed in time."""

    dispatched: int = 0
    returned: int = 0
    sign_due: int = 0
    signed_on_time: int = 0


def exact(number: float) -> Fraction:
    """Give a number of the county's settings exactly as it is written: 0.1 is a tenth."""
    return Fraction(str(number))


def share(numerator: int | Fraction, denominator: int) -> Share:
    """Give the share of two counts."""
    return Share(numerator if isinstance(numerator, Fraction) else Fraction(numerator), denominator)


def coverage(heard: Heard) -> Share:
    """Give the coverage of call-backs: heard, or given up by the rules, of those owed one."""
    return share(heard.covered, heard.owed)


def response(heard: Heard) -> Share:
    """Give the response rate: contacted / V."""
    return share(heard.contacted, heard.valid)


def solution(heard: Heard) -> Share:
    """Give the solution rate by the persons' word: solved / V."""
    return share(heard.solved, heard.valid)


def satisfaction(heard: Heard, weights: Weights) -> Share:
    """Give the satisfaction rate: (very satisfied + satisfied + k · basically satisfied) / V."""
    k = weights.basically
    whole = (heard.very_satisfied + heard.satisfied) * k.denominator + heard.basically_satisfied * k.numerator
    return share(Fraction(whole, k.denominator), heard.valid)


def composite(heard: Heard, weights: Weights) -> Share:
    """Give the composite of the three rates, each with its weight; they share V, so it is one sum over V."""
    contacted, solved, satisfied, basically, scale = weights.in_composite
    whole = (
        contacted * heard.contacted
        + solved * heard.solved
        + satisfied * (heard.very_satisfied + heard.satisfied)
        + basically * heard.basically_satisfied
    )
    return share(Fraction(whole, scale), heard.valid)


def pooled(counts: Iterable[Heard]) -> Heard:
    """Give the counts of several groups together: a total is taken from counts, never as the mean of rates."""
    held = list(counts)
    return Heard(**{each.name: sum(getattr(one, each.name) for one in held) for each in fields(Heard)})


def rounded(value: Fraction, places: int = 1) -> Fraction:
    """Round half away from zero to some decimals: the one rounding rule of every figure that is shown."""
    scale = 10**places
    scaled = abs(value) * scale
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, scale)


def percent(figure: Share) -> str | None:
    """Give a figure in per cent with one decimal, `97.6`; None where there is no figure."""
    return None if figure.value is None else f"{_decimal(rounded(figure.value * 100), 1)}"


def plain(number: Fraction) -> str:
    """Give an exact count as it is written: `96`, or `95.9` where a part was weighted (up to four decimals)."""
    text = _decimal(rounded(number, 4), 4)
    return text.rstrip("0").rstrip(".")


def _decimal(number: Fraction, places: int) -> str:
    whole = abs(number.numerator) * 10**places // number.denominator
    sign = "-" if number < 0 else ""
    return f"{sign}{whole // 10**places}.{whole % 10**places:0{places}d}"
