"""Keeps what the sweep knows of clocks without a case: whose rows to lock, whether they are still wanted, whom to tell.

Each kind of subject is declared by the package that holds it, above this one; the sweep never imports upwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.database import Base
from app.core.stamp import Stamp
from app.ledger.clocks import Deadline
from app.ledger.policies import Step
from app.ledger.vocabulary import Subject


@dataclass(frozen=True)
class Reached:
    """A clock that reached levels of its ladder: its locked subject, the highest step, whether it is late by now."""

    clock: Deadline
    row: Any
    step: Step
    late: bool


@dataclass(frozen=True)
class SubjectKind:
    """A kind of subject: its model, which of some locked rows are still wanted (ids), the notices of a batch.

    Both functions are asked once for a batch, so that they can look up what they need for all of it together.
    """

    model: type[Base]
    wanted: Callable[[Sequence[Any]], set[int]]
    notices: Callable[[Stamp, Sequence[Reached]], list[dict[str, Any]]]


class SubjectUndeclared(LookupError):
    """A clock without a case whose kind of subject nobody has declared."""


_KINDS: dict[Subject, SubjectKind] = {}


def declare_subject(subject: Subject, kind: SubjectKind) -> None:
    """Declare a kind of subject, once."""
    if subject in _KINDS:
        raise ValueError(f"subject {subject} is declared twice")
    _KINDS[subject] = kind


def kind_of(subject: Subject) -> SubjectKind:
    """Give a declared kind of subject; raises SubjectUndeclared."""
    try:
        return _KINDS[subject]
    except KeyError:
        raise SubjectUndeclared(subject) from None
