"""Keeps what packages above the ledger do when nobody comes home for a case any more, or somebody leaves who was to come."""

from collections.abc import Callable

from app.core.stamp import Stamp
from app.ledger.models import Case
from app.ledger.vocabulary import State

ComingOver = Callable[[Stamp, Case, State], None]
"""What to do when a locked case leaves the states in which somebody comes home for it: to which state it goes."""

LetsGo = Callable[[Stamp, Case, int], None]
"""What to do with a locked case when a member of staff (by id) leaves: what they alone could go on with is given back."""

_COMING_OVER: list[ComingOver] = []
_LETS_GO: list[LetsGo] = []


def declare_coming_over(follow: ComingOver) -> None:
    """Declare what follows when nobody comes home for a case any more."""
    _COMING_OVER.append(follow)


def declare_letting_go(give_back: LetsGo) -> None:
    """Declare what is given back when somebody leaves, before what they own passes to others."""
    _LETS_GO.append(give_back)


def coming_over(stamp: Stamp, case: Case, target: State) -> None:
    """Let those follow who declared it: nobody comes home for a case any more."""
    for follow in _COMING_OVER:
        follow(stamp, case, target)


def let_go(stamp: Stamp, case: Case, staff_id: int) -> None:
    """Give back what somebody who leaves has taken upon themselves in a locked case."""
    for give_back in _LETS_GO:
        give_back(stamp, case, staff_id)
