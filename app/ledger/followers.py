"""Keeps what moves along with a case: the packages above the ledger declare, by kind of case, what they do within its moves.

Everything happens in the transaction of the move, under the lock of the case; the ledger never imports upwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.stamp import Stamp
from app.ledger.models import Case, Entry
from app.ledger.vocabulary import Action, Kind, State

if TYPE_CHECKING:
    from app.ledger.moves import Step


@dataclass(frozen=True)
class Follower:
    """What follows the moves of a kind of case.

    `moving` is asked once the command has made its changes and the target is known, before the entry is written and the clocks
    are kept; it may add to the step. `moved` is asked when all is done, and may move the case again.
    """

    moving: Callable[[Stamp, Case, Action, State, "Step"], None]
    moved: Callable[[Stamp, Case, Entry], None]


_FOLLOWERS: dict[Kind, Follower] = {}


def declare_follower(kind: Kind, follower: Follower) -> None:
    """Declare what follows a kind of case, once."""
    if kind in _FOLLOWERS:
        raise ValueError(f"kind {kind} has a follower already")
    _FOLLOWERS[kind] = follower


def follower_of(case: Case) -> Follower | None:
    """Give what follows a case, where anything does."""
    return _FOLLOWERS.get(case.kind)
